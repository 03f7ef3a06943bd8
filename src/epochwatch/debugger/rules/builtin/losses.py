"""Losses of a training and of its validation, and whether they still get better."""

import math
import re
from collections.abc import Sequence
from typing import NamedTuple

from epochwatch.debugger.mode_keys import ModeKeys
from epochwatch.debugger.rules.builtin.rule import selected
from epochwatch.debugger.trial import Trial

_TRAINING = re.compile(r"^train", re.IGNORECASE)
_VALIDATION = re.compile(r"^(val|eval|test)", re.IGNORECASE)


class Losses(NamedTuple):
    """Mean losses of a step; None where there are none."""

    training: float | None
    validation: float | None


def scalar(trial: Trial, name: str, step: int) -> float | None:
    """The value of a tensor with one element at a global step; None of any other, or if only statistics were saved."""
    tensor = trial.tensor(name)
    if tensor.entry(step).location is None:
        return None
    array = tensor.value(step)
    return float(array.reshape(())) if array.size == 1 and array.dtype.kind in "fiub" else None


def mean_scalar(trial: Trial, names: Sequence[str], step: int) -> float | None:
    """The mean of those of them that are scalars; None if none is."""
    found = [value for name in names if (value := scalar(trial, name, step)) is not None]
    return sum(found) / len(found) if found else None


def loss_names(trial: Trial, step: int, patterns: Sequence[str] | None) -> list[str]:
    """Tensors of a step that match the patterns; without patterns those of the collection ``losses``, and all of a
    trial that has none in it.
    """
    if patterns is not None:
        return selected(trial, step, None, patterns)
    return selected(trial, step, ["losses"], None) or (
        [] if trial.tensor_names(collection="losses") else selected(trial, step, None, None)
    )


def losses_of(trial: Trial, step: int, patterns: Sequence[str] | None) -> Losses:
    """Told apart by their names where these begin with ``train``, ``val``, ``eval`` or ``test``, as XGBoost's do, else
    by the mode of the step.
    """
    names = loss_names(trial, step, patterns)
    training = [name for name in names if _TRAINING.search(name)]
    validation = [name for name in names if _VALIDATION.search(name)]
    if not training and not validation:
        mode = trial.mode(step)
        training = names if mode is ModeKeys.TRAIN else []
        validation = names if mode is ModeKeys.EVAL else []
    return Losses(mean_scalar(trial, training, step), mean_scalar(trial, validation, step))


class Best:
    """The best loss so far, and how many losses came since."""

    def __init__(self, delta: float = 0.0) -> None:
        self.value = math.inf
        self.since = 0
        self._delta = delta

    def add(self, loss: float) -> None:
        """A loss counts as better if it is lower by more than delta."""
        if loss < self.value - self._delta or (math.isinf(self.value) and not math.isnan(loss)):
            self.value, self.since = loss, 0
        else:
            self.since += 1
