"""LightGBM: a callback that saves what XGBoost's does, under the same names."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import lightgbm
import numpy as np

from epochwatch.debugger.exceptions import SMDebugTypeError
from epochwatch.debugger.hooks.boosting import BoostingHook, FirstTraining, Node
from epochwatch.debugger.hooks.config import HookConfig


class LightGBMHook(BoostingHook):
    """For ``callbacks`` of ``lightgbm.train``, ``lightgbm.cv`` and the estimators' ``fit``. ``train_data`` is an array
    of features, ``validation_data`` such an array and its labels.
    """

    order = 25
    """Before early stopping, which ends an iteration."""
    before_iteration = False

    def __call__(self, env: Any) -> None:
        """Called by LightGBM."""
        if env.iteration == env.begin_iteration:
            self.hyperparameters = self.hyperparameters or dict(env.params)
            self.begin()
        self.iteration(
            dict(_metrics(env.evaluation_result_list or ())),
            env.model if isinstance(env.model, lightgbm.Booster) else None,
        )
        if env.iteration + 1 == env.end_iteration:
            self.close()

    def importances(self, model: Any) -> Mapping[str, Mapping[str, float]]:
        """By kind as XGBoost calls them, and feature, of those that are in use."""
        used = model.feature_importance("split")
        total = model.feature_importance("gain")
        found: dict[str, dict[str, float]] = {"weight": {}, "gain": {}, "total_gain": {}}
        for name, splits, gain in zip(model.feature_name(), used, total, strict=True):
            if splits:
                found["weight"][name] = float(splits)
                found["gain"][name] = float(gain) / float(splits)
                found["total_gain"][name] = float(gain)
        return found

    def nodes(self, model: Any) -> Iterable[Node]:
        """Of the trees of the last iteration; one for each class."""
        last = model.current_iteration() - 1
        names = model.feature_name()
        for tree in model.dump_model(num_iteration=1, start_iteration=last)["tree_info"]:
            yield from _nodes(tree["tree_index"], tree["tree_structure"], names)

    def feature_names(self, model: Any) -> Sequence[str]:
        """In the order of the columns."""
        found: Sequence[str] = model.feature_name()
        return found

    def predictions(self, model: Any) -> Any:
        """Of the validation data."""
        return model.predict(self.validation_data[0])

    def labels(self) -> Any:
        """Of the validation data."""
        return self.validation_data[1]

    def contributions(self, model: Any) -> Any:
        """SHAP values of the training data; of more classes LightGBM has them side by side. They are asked of a copy:
        a model in training does not know the depth of its trees yet, and would end the process.
        """
        copy = lightgbm.Booster(model_str=model.model_to_string())
        found = np.asarray(copy.predict(self.train_data, pred_contrib=True))
        classes = model.num_model_per_iteration()
        return found.reshape(len(found), classes, -1) if classes > 1 else found


def watch(config: HookConfig, model: Any, optimizer: Any = None, loss: Any = None) -> LightGBMHook:
    """Raises SMDebugTypeError: LightGBM takes callbacks when it trains, not before."""
    raise SMDebugTypeError(
        f"{type(model).__name__} takes its hook when it trains: fit(..., callbacks=[LightGBMHook(out_dir)])"
    )


def find(config: HookConfig) -> None:
    """Save the first training of this process, whichever way it is begun."""

    def made(arguments: Mapping[str, Any]) -> LightGBMHook:
        given = arguments.get("valid_sets") or ()
        held_out = given if isinstance(given, lightgbm.Dataset) else next(reversed(given), None)
        return LightGBMHook(
            config=config,
            hyperparameters=arguments["params"],
            train_data=arguments["train_set"].data,
            validation_data=None if held_out is None else (held_out.data, held_out.label),
        )

    first = FirstTraining(made)
    first.patches.wrap(lightgbm.engine, "train", first.watched, lightgbm, getattr(lightgbm, "sklearn", None))
    first.patches.wrap(lightgbm.engine, "cv", first.watched, lightgbm)


def _metrics(results: Iterable[Sequence[Any]]) -> Iterator[tuple[str, float]]:
    """Of cross-validation the deviation over the folds, too, under a name of its own."""
    for data, metric, value, _, *deviation in results:
        yield f"{data}-{metric}", float(value)
        if deviation and deviation[0] is not None:
            yield f"{data}-{metric}-std", float(deviation[0])


def _nodes(tree: int, root: Mapping[str, Any], names: Sequence[str]) -> Iterator[Node]:
    """Numbered as XGBoost does, breadth-first."""
    waiting = deque([(0, root)])
    after = 1
    while waiting:
        number, node = waiting.popleft()
        if "split_feature" not in node:
            yield Node(tree, number, float(node.get("leaf_weight", 0)), float(node["leaf_value"]))
            continue
        yes, no = after, after + 1
        after += 2
        categories = str(node["threshold"]).split("||") if node["decision_type"] == "==" else None
        yield Node(
            tree,
            number,
            float(node["internal_weight"]),
            float(node["split_gain"]),
            names[node["split_feature"]],
            float("nan") if categories else float(node["threshold"]),
            yes,
            no,
            yes if node["default_left"] else no,
            categories,
        )
        waiting += [(yes, node["left_child"]), (no, node["right_child"])]
