"""How good predictions are, in numbers."""

from collections.abc import Mapping
from enum import Enum
from typing import Any, NamedTuple

import numpy as np

from epochwatch.debugger.rules.builtin.classes import class_numbers
from epochwatch.debugger.rules.builtin.confusion import Matrix, confusion_matrix
from epochwatch.debugger.source import Array


class Problem(Enum):
    """What a model predicts."""

    BINARY = "binary classification"
    MULTICLASS = "multiclass classification"
    REGRESSION = "regression"


def problem(objective: str | None, labels: Array, predictions: Array) -> Problem:
    """By the objective where its name tells, else by the labels: numbers of classes if the predictions are those, too,
    or probabilities.
    """
    known: Mapping[str, Problem] = {
        "binary": Problem.BINARY,
        "multi": Problem.MULTICLASS,
        "reg": Problem.REGRESSION,
    }
    kind = (objective or "").split(":")[0]
    if kind in known:
        return known[kind]
    if predictions.ndim > 1 and predictions.shape[-1] > 1:
        return Problem.MULTICLASS
    if not _whole(labels):
        return Problem.REGRESSION
    if set(np.unique(labels)) <= {0, 1} and ((predictions >= 0) & (predictions <= 1)).all():
        return Problem.BINARY
    return Problem.MULTICLASS if _whole(predictions) and predictions.min(initial=0) >= 0 else Problem.REGRESSION


def _whole(values: Array) -> bool:
    return bool(np.isfinite(values).all() and (values == np.rint(values)).all())


def classified(labels: Array, predictions: Array, raw_margins: bool = False) -> Matrix:
    """The confusion matrix of labels and probabilities, classes or, of a binary problem, margins around 0."""
    said = (predictions > 0).astype(np.int64) if raw_margins else predictions
    return confusion_matrix(class_numbers("labels", labels, False), class_numbers("predictions", said, True))


class ClassScores(NamedTuple):
    """Of a class: what is right among what was predicted as it, and among its samples; their harmonic mean; how many
    samples it has. NaN where there is nothing to divide by.
    """

    precision: float
    recall: float
    f1: float
    support: int


def class_scores(matrix: Matrix) -> list[ClassScores]:
    """The scores of each class of a confusion matrix."""
    right, said, there = np.diag(matrix), matrix.sum(axis=0), matrix.sum(axis=1)
    return [
        ClassScores(_share(hit, column), _share(hit, row), _share(2 * hit, column + row), int(row))
        for hit, column, row in zip(right, said, there, strict=True)
    ]


def accuracy(matrix: Matrix) -> float:
    """The share of all samples that is right."""
    return _share(np.trace(matrix), matrix.sum())


def _share(part: Any, whole: Any) -> float:
    return float(part) / float(whole) if whole else float("nan")


class Roc(NamedTuple):
    """False and true positive rates by falling threshold, and the area under them."""

    false_positive: Array
    true_positive: Array
    area: float


def roc(labels: Array, scores: Array) -> Roc | None:
    """The receiver operating characteristic of a binary problem; None unless there are samples of both classes. Equal
    scores are one point.
    """
    if not (labels > 0).any() or (labels > 0).all():
        return None
    order = np.argsort(-scores, kind="stable")
    positive, ordered = labels[order] > 0, scores[order]
    ends = np.append(np.flatnonzero(np.diff(ordered)), len(ordered) - 1)
    right, wrong = np.cumsum(positive)[ends], np.cumsum(~positive)[ends]
    true_positive = np.concatenate([[0.0], right / right[-1]])
    false_positive = np.concatenate([[0.0], wrong / wrong[-1]])
    return Roc(false_positive, true_positive, float(np.trapezoid(true_positive, false_positive)))


def label_bins(labels: Array, count: int = 10) -> Array:
    """The edges of bins of equal width over the labels' range."""
    low, high = float(np.min(labels)), float(np.max(labels))
    return np.linspace(low, high if high > low else low + 1, count + 1)


def errors_by_bin(labels: Array, predictions: Array, edges: Array) -> Array:
    """The mean absolute error of the samples whose labels are in each bin; NaN of an empty one."""
    places = np.clip(np.searchsorted(edges, labels, "right") - 1, 0, len(edges) - 2)
    counts = np.bincount(places, minlength=len(edges) - 1)
    sums = np.bincount(places, weights=np.abs(predictions - labels), minlength=len(edges) - 1)
    found: Array = np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
    return found
