"""AutoTrainer (ICSE 2021), re-implemented from its description: five problems, looked for every third epoch.

Gradients count as vanishing or exploding by the ratio of the first to the last layer, ReLUs as dying by zeros, each
only where the accuracy stays below .7 or hardly moves; losses as unstable by how often the accuracy goes up and down.
"""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from benchmarks.faults.catalogue import EPOCH
from benchmarks.faults.detectors.alarm import Alarm, Detector, Recorded
from benchmarks.faults.detectors.steps import TrainSteps
from epochwatch.debugger.rules.follow import follow
from epochwatch.debugger.rules.stream import StepStatistics

CHECKED_EVERY = 3
RATIO_LOW, FIRST_LOW, RATIO_HIGH, ZEROS = 1e-3, 1e-4, 70.0, 0.7
SWING, SWINGS, HARDLY, WANTED, JUDGED_FROM = 0.03, 0.2, 0.01, 0.7, 0.3


class _Gradients(NamedTuple):
    step: int
    first: float
    last: float
    zeros: float
    finite: bool


def look(run: Recorded) -> Sequence[Alarm]:
    """The first problem; the real tool then stops and repairs."""
    gradients = list(_gradients(run))
    epochs = run.noted["epochs"]
    for number in range(CHECKED_EVERY, len(epochs) + 1, CHECKED_EVERY):
        step = number * EPOCH - 1
        seen = [one for one in gradients if one.step <= step][-1:]
        problem = _problem(epochs[:number], len(epochs), seen[0] if seen else None, run.noted["classes"])
        if problem is not None:
            return [Alarm(problem, step)]
    return []


def _problem(
    epochs: Sequence[dict[str, float]], total: int, gradients: _Gradients | None, classes: bool
) -> str | None:
    losses = [epoch[name] for epoch in epochs for name in ("loss", "held_back_loss")]
    if not all(map(math.isfinite, losses)) or epochs[-1]["held_back_loss"] >= 1e5:
        return "ExplodingGradient"
    if gradients is not None and not gradients.finite:
        return "ExplodingGradient"
    if len(epochs) < JUDGED_FROM * total or not classes:
        return None
    accuracies = [[epoch[name] for epoch in epochs] for name in ("quality", "held_back_quality")]
    slow = all(_greatest_gain(values) < HARDLY for values in accuracies)
    if min(map(max, accuracies)) < WANTED or slow:
        return _of_gradients(gradients) or ("SlowConvergence" if slow else None)
    return "OscillatingLoss" if _swings(accuracies[0]) >= SWINGS * len(epochs) else None


def _of_gradients(gradients: _Gradients | None) -> str | None:
    if gradients is None:
        return None
    if gradients.zeros >= ZEROS:
        return "DyingReLU"
    ratio = gradients.first / gradients.last if gradients.last else math.nan
    if ratio > RATIO_HIGH:
        return "ExplodingGradient"
    return "VanishingGradient" if ratio < RATIO_LOW and gradients.first < FIRST_LOW else None


def _greatest_gain(values: Sequence[float]) -> float:
    return max((after - before for before, after in pairwise(values)), default=0.0)


def _swings(values: Sequence[float]) -> int:
    """Pairs of a local maximum and a local minimum that are far apart."""
    inner = range(1, len(values) - 1)
    tops = [values[at] for at in inner if values[at - 1] <= values[at] >= values[at + 1]]
    bottoms = [values[at] for at in inner if values[at - 1] >= values[at] <= values[at + 1]]
    return sum(top - bottom >= SWING for top, bottom in zip(tops, bottoms, strict=False))


def _gradients(run: Recorded) -> "list[_Gradients]":
    steps = TrainSteps(run.trial)
    found = (_of_step(step, steps) for step in follow(run.trial, live=False))
    return [one for one in found if one is not None]


def _of_step(step: StepStatistics, steps: TrainSteps) -> _Gradients | None:
    rows = [
        row
        for row, name in enumerate(step.names)
        if name.startswith("gradient/") and len(step.shapes.get(name, (0, 0))) > 1
    ]
    if not rows:
        return None
    norms, sizes, zeros = (step.column(name)[rows] for name in ("l2", "size", "zeros"))
    bad = np.nansum(step.column("nans")[rows]) + np.nansum(step.column("infs")[rows])
    return _Gradients(
        steps.number(step.step),
        float(norms[0]),
        float(norms[-1]),
        float(zeros.sum() / sizes.sum()),
        bool(bad == 0),
    )


_UPDATES = {"rate_too_low", "rate_collapses", "steps_skipped", "stale_optimizer", "not_in_optimizer"}
AUTOTRAINER = Detector(
    "AutoTrainer",
    look,
    {
        "ExplodingGradient": frozenset(
            {
                "rate_too_high",
                "rate_jumps",
                "large_init",
                "unnormalised",
                "inputs_change",
                "overflow",
                "nan_inputs",
            }
        ),
        "VanishingGradient": frozenset({"deep_sigmoid", "saturated_tanh", "small_init", "zero_init", "underflow"}),
        "DyingReLU": frozenset({"dead_relu", "rectified_output"}),
        "OscillatingLoss": frozenset({"rate_too_high", "rate_jumps", "excessive_momentum", "gradients_not_reset"}),
        "SlowConvergence": frozenset(
            _UPDATES | {"clipped_to_nothing", "excessive_decay", "double_softmax", "wrong_sign"}
        ),
    },
)
