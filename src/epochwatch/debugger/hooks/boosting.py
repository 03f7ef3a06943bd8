"""What hooks of boosted trees share: smdebug's names of their tensors, the collections, and what is saved when."""

import inspect
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple

import numpy as np

from epochwatch.debugger.collection import Collection
from epochwatch.debugger.hooks.config import (
    DEFAULT_COLLECTIONS,
    SAGEMAKER_BOOSTING_INTERVAL,
    CollectionConfig,
    HookConfig,
)
from epochwatch.debugger.hooks.patching import Patches
from epochwatch.debugger.hooks.recorder import Recorder
from epochwatch.debugger.source import Array

_LOG = logging.getLogger(__name__)
_GROWING: Final = (
    "acc|auc|average_precision|balanced_acc|f1|interval-regression-acc|map(?!e)|multiclass_acc|ndcg|pre|r2|recall"
)
COLLECTIONS: Final = (
    Collection("hyperparameters", ["^hyperparameters/"]),
    Collection("metrics", ["^[^/-]+-[^/]+$"]),
    Collection("losses", [f"^[^/-]+-(?!{_GROWING})[^/]+(?<!-std)$"]),
    Collection("predictions", ["^predictions$"]),
    Collection("labels", ["^labels$"]),
    Collection("feature_importance", ["^feature_importance/"]),
    Collection("average_shap", ["^average_shap/(?!bias$)"]),
    Collection("full_shap", ["^full_shap/(?!bias$)"]),
    Collection("trees", ["^trees/"]),
)
"""A metric is named ``<data>-<metric>``; those that grow as a model gets better are no losses."""
_SAVED_BY_DEFAULT: Final = tuple(
    CollectionConfig(name) for name in ("hyperparameters", "metrics", "losses", "feature_importance", "trees")
)
_OF_TRAIN_DATA: Final = ("average_shap", "full_shap")
_OF_VALIDATION_DATA: Final = ("predictions", "labels")


class Node(NamedTuple):
    """A node of a tree; numbers count breadth-first in each tree. ``yes``, ``no`` and ``missing`` are nodes too, None
    of a leaf, whose ``gain`` is its value. ``category`` are those that go to ``yes``, where the feature has any.
    """

    tree: int
    number: int
    cover: float
    gain: float
    feature: str = "Leaf"
    split: float = float("nan")
    yes: int | None = None
    no: int | None = None
    missing: int | None = None
    category: Sequence[str] | None = None


class BoostingHook(ABC):
    """Saves what a boosting library shows after each iteration: metrics of each, the rest every tenth, or as ``config``
    has it. Arrays are saved whole. ``train_data`` and ``validation_data`` are what SHAP values and predictions are of.
    A hook is for one training.
    """

    def __init__(
        self,
        out_dir: str | None = None,
        *,
        config: HookConfig | None = None,
        hyperparameters: Mapping[str, Any] | None = None,
        train_data: Any = None,
        validation_data: Any = None,
    ) -> None:
        if config is None:
            config = (
                HookConfig.from_environment(interval=SAGEMAKER_BOOSTING_INTERVAL)
                if out_dir is None
                else HookConfig(out_dir)
            )
        if config.collections == DEFAULT_COLLECTIONS:
            config = replace(config, collections=_SAVED_BY_DEFAULT)
        self.config = replace(config, save=dict(config.save))  # a model is copied and pickled with its callbacks
        self.hyperparameters = dict(hyperparameters or {})
        self.train_data = train_data
        self.validation_data = validation_data
        self._recorder: Recorder | None = None
        self._new_recorder(0, 1)  # a mistake in the configuration shows before the training
        self._say_what_is_missing()

    def _say_what_is_missing(self) -> None:
        for one in self.config.collections:
            for names, given, argument in (
                (_OF_TRAIN_DATA, self.train_data, "train_data"),
                (_OF_VALIDATION_DATA, self.validation_data, "validation_data"),
            ):
                if one.name in names and given is None:
                    _LOG.warning("%s is not saved: the hook was given no %s", one.name, argument)

    def _new_recorder(self, rank: int, size: int) -> Recorder:
        return Recorder(self.config, worker=f"worker_{rank}", num_workers=size, defaults=COLLECTIONS)

    def begin(self, rank: int = 0, size: int = 1) -> None:
        """The training begins, on worker ``rank`` of ``size``. Models and their hooks are copied and pickled before
        and after it, so that only here something is opened.
        """
        self._recorder = self._new_recorder(rank, size)

    def close(self) -> None:
        """The training is over: what waits is written. Happens by itself, at the latest when the process ends."""
        if self._recorder is not None:
            self._recorder.close()
            self._recorder = None

    def iteration(self, metrics: Mapping[str, float], model: Any) -> None:
        """An iteration is over. ``model`` is None where there is more than one, as in cross-validation."""
        recorder = self._recorder
        if recorder is None:
            return
        with recorder.guard:
            recorder.scalars(metrics)
            if recorder.due("hyperparameters"):
                recorder.tensors(
                    {f"hyperparameters/{name}": _array(value) for name, value in self.hyperparameters.items()}
                )
            if model is not None:
                self._model(recorder, model)
        recorder.end_step()

    def _model(self, recorder: Recorder, model: Any) -> None:
        if recorder.due("feature_importance"):
            recorder.scalars(dict(_importances(self.importances(model))))
        if recorder.due("trees") and (nodes := list(self.nodes(model))):
            recorder.tensors(tree_table(nodes))
        if self.validation_data is not None:
            if recorder.due("predictions"):
                recorder.tensors({"predictions": np.asarray(self.predictions(model))})
            if recorder.due("labels"):
                recorder.tensors({"labels": np.asarray(self.labels())})
        if self.train_data is not None and any(recorder.due(name) for name in _OF_TRAIN_DATA):
            self._shap(recorder, model)

    def _shap(self, recorder: Recorder, model: Any) -> None:
        """As smdebug has them: each of ``full_shap`` is the whole matrix, of which analyses read any."""
        contributions = np.asarray(self.contributions(model))
        names = [*self.feature_names(model), "bias"]
        if recorder.due("average_shap"):
            means = contributions.reshape(-1, len(names)).mean(axis=0)
            recorder.scalars(
                {f"average_shap/{name}": float(mean) for name, mean in zip(names, means, strict=True)}
            )
        if recorder.due("full_shap"):
            recorder.tensors({f"full_shap/{name}": contributions for name in names})

    @abstractmethod
    def importances(self, model: Any) -> Mapping[str, Mapping[str, float]]:
        """By kind (``weight``, ``gain``, ``cover``, ``total_gain``, ``total_cover``) and feature; none without
        trees.
        """

    @abstractmethod
    def nodes(self, model: Any) -> Iterable[Node]:
        """Of the trees of the last iteration."""

    @abstractmethod
    def feature_names(self, model: Any) -> Sequence[str]:
        """In the order of the columns."""

    @abstractmethod
    def predictions(self, model: Any) -> Any:
        """Of the validation data."""

    @abstractmethod
    def labels(self) -> Any:
        """Of the validation data."""

    @abstractmethod
    def contributions(self, model: Any) -> Any:
        """SHAP values of the training data: (rows, features + 1), of more classes (rows, classes, features + 1)."""


class FirstTraining:
    """Gives the first training of a process a hook that no code gave it: a directory holds one. ``made`` gets the
    arguments of a library's ``train`` or ``cv``, by name.
    """

    def __init__(self, made: Callable[[Mapping[str, Any]], BoostingHook]) -> None:
        self._made = made
        self._trainings = 0
        self.patches = Patches()

    def watched(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """What takes the place of a library's function."""
        signature = inspect.signature(original)

        def train(*arguments: Any, **named: Any) -> Any:
            try:
                bound = signature.bind(*arguments, **named)
                bound.arguments["callbacks"] = self._with_hook(bound.arguments)
            except Exception as error:  # noqa: BLE001 - the training goes on, or says itself what is wrong with them
                _LOG.warning("no tensors are saved: %s: %s", type(error).__name__, error)
                return original(*arguments, **named)
            return original(*bound.args, **bound.kwargs)

        return train

    def _with_hook(self, arguments: Mapping[str, Any]) -> Sequence[Any] | None:
        given = arguments.get("callbacks")
        if any(isinstance(one, BoostingHook) for one in given or ()):
            return given
        self._trainings += 1
        if self._trainings == 2:
            _LOG.warning("only the first training of this process is saved: a directory of tensors holds one")
        return given if self._trainings > 1 else [*(given or ()), self._made(arguments)]


def _importances(found: Mapping[str, Mapping[str, float]]) -> Iterator[tuple[str, float]]:
    """As parts of their sum."""
    for kind, scores in found.items():
        total = sum(scores.values())
        for feature, score in scores.items():
            yield f"feature_importance/{kind}/{feature}", float(score / total) if total else 0.0


def _array(value: Any) -> Array:
    found = np.asarray(value)
    return found if found.dtype.kind in "biufU" else np.asarray(str(value))


def tree_table(nodes: Iterable[Node]) -> dict[str, Array]:
    """Nodes as ``trees/<column>``, the columns of XGBoost's ``trees_to_dataframe``, sorted by tree and node."""
    rows = sorted(nodes, key=lambda node: (node.tree, node.number))

    def ids(of: Iterable[int | None]) -> Array:
        texts = ("nan" if one is None else f"{row.tree}-{one}" for row, one in zip(rows, of, strict=True))
        return np.array(list(texts), np.str_)

    return {
        "trees/Tree": np.array([row.tree for row in rows], np.int64),
        "trees/Node": np.array([row.number for row in rows], np.int64),
        "trees/ID": ids(row.number for row in rows),
        "trees/Feature": np.array([row.feature for row in rows], np.str_),
        "trees/Split": np.array([row.split for row in rows], np.float64),
        "trees/Yes": ids(row.yes for row in rows),
        "trees/No": ids(row.no for row in rows),
        "trees/Missing": ids(row.missing for row in rows),
        "trees/Gain": np.array([row.gain for row in rows], np.float64),
        "trees/Cover": np.array([row.cover for row in rows], np.float64),
        "trees/Category": np.array(
            ["nan" if row.category is None else str(list(row.category)) for row in rows], np.str_
        ),
    }
