"""XGBoost: a callback that saves the tensors smdebug's hook does, under the same names."""

import json
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import xgboost
from xgboost.callback import TrainingCallback

from epochwatch.debugger.exceptions import SMDebugTypeError
from epochwatch.debugger.hooks.boosting import BoostingHook, FirstTraining, Node
from epochwatch.debugger.hooks.config import HookConfig

_LOG = logging.getLogger(__name__)
_KINDS: Final = ("weight", "gain", "cover", "total_gain", "total_cover")
_OF_TREES: Final = ("gbtree", "dart")


class XGBoostHook(BoostingHook, TrainingCallback):  # type: ignore[misc]
    """For ``callbacks`` of ``xgboost.train``, ``xgboost.cv`` and the estimators. ``train_data`` and ``validation_data``
    are ``DMatrix``.
    """

    _has_trees = False
    _shows_trees = False

    def before_training(self, model: Any) -> Any:
        """Called by XGBoost."""
        self.begin(xgboost.collective.get_rank(), xgboost.collective.get_world_size())
        self._has_trees = isinstance(model, xgboost.Booster) and _kind(model) in _OF_TREES
        self._shows_trees = self._has_trees
        return model

    def after_iteration(self, model: Any, epoch: int, evals_log: Mapping[str, Mapping[str, list[Any]]]) -> bool:
        """Called by XGBoost. Never stops the training."""
        self.iteration(dict(_metrics(evals_log)), model if isinstance(model, xgboost.Booster) else None)
        return False

    def after_training(self, model: Any) -> Any:
        """Called by XGBoost."""
        self.close()
        return model

    def importances(self, model: Any) -> Mapping[str, Mapping[str, float]]:
        """By kind and feature; none without trees."""
        return {kind: model.get_score(importance_type=kind) for kind in _KINDS} if self._has_trees else {}

    def nodes(self, model: Any) -> Iterable[Node]:
        """Of the trees of the last round; one for each class."""
        if not self._shows_trees:
            return
        rounds = model.num_boosted_rounds()
        try:
            dump = model[rounds - 1 : rounds].get_dump(with_stats=True, dump_format="json")
        except xgboost.core.XGBoostError as error:  # of trees with several outputs there is no dump
            self._shows_trees = False
            _LOG.warning("trees are not saved: %s", str(error).partition("\n")[0])
            return
        before = (rounds - 1) * len(dump)
        for number, tree in enumerate(dump):
            yield from _nodes(before + number, json.loads(tree))

    def feature_names(self, model: Any) -> Sequence[str]:
        """In the order of the columns."""
        return model.feature_names or [f"f{number}" for number in range(model.num_features())]

    def predictions(self, model: Any) -> Any:
        """Of the validation data."""
        return model.predict(self.validation_data)

    def labels(self) -> Any:
        """Of the validation data."""
        return self.validation_data.get_label()

    def contributions(self, model: Any) -> Any:
        """SHAP values of the training data."""
        return model.predict(self.train_data, pred_contribs=True)


def watch(config: HookConfig, model: Any, optimizer: Any = None, loss: Any = None) -> XGBoostHook:
    """Add a hook to the callbacks of an estimator, such as ``XGBClassifier``, before its ``fit``. Raises
    SMDebugTypeError for anything else: ``xgboost.train`` takes the hook itself.
    """
    if not isinstance(model, xgboost.XGBModel):
        raise SMDebugTypeError(
            f"an XGBoost estimator can be watched before its fit, not {type(model).__name__}: "
            "give xgboost.train callbacks=[XGBoostHook(out_dir)]"
        )
    parameters = {name: value for name, value in model.get_xgb_params().items() if value is not None}
    hook = XGBoostHook(config=config, hyperparameters=parameters)
    model.set_params(callbacks=[*(model.callbacks or ()), hook])
    return hook


def find(config: HookConfig) -> None:
    """Save the first training of this process, whichever way it is begun."""

    def made(arguments: Mapping[str, Any]) -> XGBoostHook:
        held_out = [data for data, _ in arguments.get("evals") or ()]
        return XGBoostHook(
            config=config,
            hyperparameters=arguments["params"],
            train_data=arguments["dtrain"],
            validation_data=held_out[-1] if held_out else None,
        )

    first = FirstTraining(made)
    first.patches.wrap(xgboost.training, "train", first.watched, xgboost, getattr(xgboost, "sklearn", None))
    first.patches.wrap(xgboost.training, "cv", first.watched, xgboost)


def _kind(model: Any) -> str:
    return str(json.loads(model.save_config())["learner"]["gradient_booster"]["name"])


def _metrics(evals_log: Mapping[str, Mapping[str, list[Any]]]) -> Iterator[tuple[str, float]]:
    """The last of each; of cross-validation the mean over the folds, and the deviation under a name of its own."""
    for data, metrics in evals_log.items():
        for metric, values in metrics.items():
            last = values[-1]
            if isinstance(last, tuple):
                yield f"{data}-{metric}-std", float(last[1])
                last = last[0]
            yield f"{data}-{metric}", float(last)


def _nodes(tree: int, root: Mapping[str, Any]) -> Iterator[Node]:
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if "leaf" in node:
            yield Node(tree, node["nodeid"], node["cover"], node["leaf"])
            continue
        condition = node.get("split_condition")
        categories = [str(one) for one in condition] if isinstance(condition, list) else None
        yield Node(
            tree,
            node["nodeid"],
            node["cover"],
            node["gain"],
            node["split"],
            float("nan") if condition is None or categories is not None else condition,
            node["yes"],
            node["no"],
            node.get("missing"),
            categories,
        )
        waiting += node["children"]
