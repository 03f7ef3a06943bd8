"""What a report says, gathered step by step from a trial."""

import re
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from epochwatch.debugger.rules.builtin.losses import scalar
from epochwatch.debugger.rules.builtin.xgboost_report.evaluation import (
    Problem,
    class_scores,
    classified,
    errors_by_bin,
    label_bins,
    problem,
)
from epochwatch.debugger.source import Array
from epochwatch.debugger.trial import Trial

IMPORTANCES: Final = ("weight", "gain", "cover")
_METRIC: Final = re.compile(r"^[A-Za-z]\w*-")
Series = list[tuple[int, float]]


@dataclass
class Content:
    """Everything so far. ``labels`` and ``predictions`` are those of the last step that has them, all finite;
    ``recalls`` and ``bin_errors`` have an array for each such step.
    """

    hyperparameters: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, Series] = field(default_factory=dict)
    importances: dict[str, dict[str, float]] = field(default_factory=dict)
    problem: Problem | None = None
    labels: Array | None = None
    predictions: Array | None = None
    step: int = -1
    edges: Array | None = None
    recalls: list[tuple[int, Array]] = field(default_factory=list)
    bin_errors: list[tuple[int, Array]] = field(default_factory=list)

    @property
    def raw_margins(self) -> bool:
        """Whether a binary problem's predictions are margins around 0, not probabilities."""
        return self.hyperparameters.get("objective") == "binary:logitraw"

    def add(self, trial: Trial, step: int) -> bool:
        """Take over a step. Returns whether it had anything of a report."""
        names = trial.tensor_names(step=step)
        found = False
        for name in names:
            first, _, rest = name.partition("/")
            if first == "hyperparameters" and rest:
                self.hyperparameters[rest] = ", ".join(map(str, np.ravel(trial.tensor(name).value(step))))
            elif first != "feature_importance" and _METRIC.match(name):
                value = scalar(trial, name, step)
                if value is None:
                    continue
                self.metrics.setdefault(name, []).append((step, value))
            else:
                continue
            found = True
        found = self._add_importances(trial, step, names) or found
        if {"labels", "predictions"} <= set(names):
            self._add_predictions(step, *(trial.tensor(name).value(step) for name in ("labels", "predictions")))
            found = True
        return found

    def _add_importances(self, trial: Trial, step: int, names: list[str]) -> bool:
        for kind in IMPORTANCES:
            prefix = f"feature_importance/{kind}/"
            values = {
                name.removeprefix(prefix): scalar(trial, name, step) for name in names if name.startswith(prefix)
            }
            if values:
                self.importances[kind] = {name: value for name, value in values.items() if value is not None}
        return any(name.startswith("feature_importance/") for name in names)

    def _add_predictions(self, step: int, labels: Array, predictions: Array) -> None:
        labels = np.ravel(labels).astype(np.float64)
        if predictions.ndim > 1 and predictions.shape[-1] == 1:
            predictions = np.ravel(predictions)
        finite = np.isfinite(labels).all() and np.isfinite(predictions).all()
        if not labels.size or len(predictions) != labels.size or not finite:
            return
        self.labels, self.predictions, self.step = labels, predictions.astype(np.float64), step
        self.problem = problem(self.hyperparameters.get("objective"), self.labels, self.predictions)
        if self.problem is Problem.REGRESSION:
            if self.edges is None:
                self.edges = label_bins(labels)
            self.bin_errors.append((step, errors_by_bin(labels, self.predictions, self.edges)))
        else:
            scores = class_scores(classified(labels, self.predictions, self.raw_margins))
            self.recalls.append((step, np.array([score.recall for score in scores])))
