"""Measures that SageMaker's XGBoost has and XGBoost itself has not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

Array = Any
"""A numpy array."""
Measure = Callable[[Array, Array], float]


def _tallies(labels: Array, said: Array) -> tuple[Array, Array, Array, Array]:
    """The classes; how often each was said rightly, how often said, how often true."""
    classes = np.unique(np.concatenate([labels, said]))
    right = [np.sum((labels == one) & (said == one)) for one in classes]
    claimed = [np.sum(said == one) for one in classes]
    true = [np.sum(labels == one) for one in classes]
    return classes, np.array(right, float), np.array(claimed, float), np.array(true, float)


def _ratio(part: Array, whole: Array) -> Array:
    return np.divide(part, whole, out=np.zeros(len(part)), where=whole > 0)


def _score(kind: str, *, macro: bool) -> Measure:
    """Precision, recall or f1: of class 1, or the mean of all classes."""

    def score(labels: Array, said: Array) -> float:
        classes, right, claimed, true = _tallies(labels, said)
        part = 2 * right if kind == "f1" else right
        whole = {"precision": claimed, "recall": true, "f1": claimed + true}[kind]
        values = _ratio(part, whole)
        return float(values.mean() if macro else values[classes == 1].sum())

    return score


def _accuracy(labels: Array, said: Array) -> float:
    return float(np.mean(labels == said))


def _balanced_accuracy(labels: Array, said: Array) -> float:
    _, right, _, true = _tallies(labels, said)
    return float(_ratio(right, true)[true > 0].mean())


def _mse(labels: Array, predicted: Array) -> float:
    return float(np.mean((labels - predicted) ** 2))


def _r2(labels: Array, predicted: Array) -> float:
    spread = float(np.sum((labels - labels.mean()) ** 2))
    return 1.0 - float(np.sum((labels - predicted) ** 2)) / spread if spread else 0.0


OF_CLASSES: dict[str, Measure] = {
    "accuracy": _accuracy,
    "balanced_accuracy": _balanced_accuracy,
    "f1": _score("f1", macro=True),
    "f1_binary": _score("f1", macro=False),
    "f1_macro": _score("f1", macro=True),
    "precision": _score("precision", macro=False),
    "precision_macro": _score("precision", macro=True),
    "precision_micro": _accuracy,
    "recall": _score("recall", macro=False),
    "recall_macro": _score("recall", macro=True),
    "recall_micro": _accuracy,
}
OF_NUMBERS: dict[str, Measure] = {"mse": _mse, "r2": _r2}
OWN = (*OF_CLASSES, *OF_NUMBERS)
RISING = (*OF_CLASSES, "r2", "auc", "aucpr", "interval-regression-accuracy", "map", "ndcg")
"""Those that are better when they are higher, XGBoost's own among them."""


def measured(names: Sequence[str], objective: str, labels: Array, predicted: Array) -> list[tuple[str, float]]:
    """Each measure of what was predicted."""
    said = classes_said(predicted, objective)
    return [
        (name, OF_CLASSES[name](labels, said) if name in OF_CLASSES else OF_NUMBERS[name](labels, predicted))
        for name in names
    ]


def classes_said(predicted: Array, objective: str) -> Array:
    """The class of each row: of probabilities of each class, of class 1 alone, of margins, or as it is."""
    if predicted.ndim == 2:
        return predicted.argmax(axis=1)
    if objective == "multi:softmax":
        return predicted
    return (predicted > (0.0 if objective == "binary:logitraw" else 0.5)).astype(float)
