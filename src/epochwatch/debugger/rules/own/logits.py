"""Faults of what a loss is given: logits that grow or drift, probabilities or rectified numbers in their place."""

import math
from dataclasses import dataclass, field
from statistics import median

import numpy as np

from epochwatch.debugger.rules.finding import Finding
from epochwatch.debugger.rules.own.effects import DYING, OUTCOMES
from epochwatch.debugger.rules.own.loss import POINTS_TO_PLOT, LossCurve
from epochwatch.debugger.rules.own.once import LastingRule, OnceRule
from epochwatch.debugger.rules.own.robust import thinned, trend
from epochwatch.debugger.rules.own.signals import (
    Chosen,
    is_logits,
    is_predictions,
    number_of_classes,
    targets_below_zero,
)
from epochwatch.debugger.rules.stream import StepStatistics
from epochwatch.debugger.source import Array


@dataclass
class LogitGrowth(OnceRule):
    """What a loss of classes is given grows beyond ``most`` and ``times`` what it was at first, and grows still."""

    most: float = 100.0
    times: float = 5.0
    cause = "Logits drift without bound: nothing in the loss holds their scale."
    remedy = (
        "Add a z-loss or label smoothing, normalise queries and keys, lower the learning rate or decay "
        "the last layer."
    )
    leads_to = frozenset({"NonFinite", "Divergence", "LossSpike"})
    _chosen: Chosen = field(default_factory=lambda: Chosen(lambda name, _: is_logits(name)), init=False)
    _greatest: list[tuple[int, float]] = field(default_factory=list, init=False)

    def look(self, step: StepStatistics) -> Finding | None:
        """See ``OnceRule``."""
        places = self._chosen.of(step)
        found = step.column("abs_max")[places]
        if not np.isfinite(found).any():
            return None
        self._greatest.append((step.step, float(np.nanmax(found))))
        values = [value for _, value in self._greatest]
        if len(values) < 10 or median(values[-5:]) < max(self.most, self.times * median(values[:5])):
            return None
        if trend(thinned(values, 30)) < 3:
            return None
        evidence = f"the greatest logit grew from {median(values[:5]):.3g} to {median(values[-5:]):.3g}"
        series = {"greatest logit": self._greatest[-400:]}
        began = next(number for number, value in self._greatest if value > 2 * median(values[:5]))
        return self.finding(step.step, began, evidence, tensors=[step.names[places[0]]], series=series)


@dataclass
class DoubleSoftmax(LastingRule):
    """A cross entropy is given probabilities: none below zero, none above one, their mean one over the number
    of classes. Where they were not saved, a loss whose best is within ``near`` of what that can reach at best,
    and at rest.
    """

    near: float = 0.03
    least_steps: int = 200
    cause = (
        "The model ends in a softmax, and the loss applies another: it cannot get small, and gradients are weak."
    )
    remedy = "Give the loss the logits: drop the model's last softmax, or use NLLLoss on log_softmax."
    leads_to = OUTCOMES | {"UpdateTooSmall", "VanishingGradients"}
    _chosen: Chosen = field(default_factory=lambda: Chosen(lambda name, _: is_logits(name)), init=False)
    _curve: LossCurve = field(default_factory=LossCurve, init=False)

    def look(self, step: StepStatistics) -> Finding | None:
        """See ``OnceRule``."""
        self._curve.add(step)
        classes = number_of_classes(step)
        if classes is None:
            return None
        places = self._chosen.of(step)
        return self._by_logits(step, places, classes) if len(places) else self._by_floor(step, classes)

    def _by_logits(self, step: StepStatistics, places: Array, classes: int) -> Finding | None:
        least, most, mean = (step.column(name)[places] for name in ("min", "max", "mean"))
        met = (least >= 0) & (most <= 1.0001) & (np.abs(mean * classes - 1) < 1e-3)
        long = self.lasting(step, places, met)
        if not long:
            return None
        evidence = (
            f"{long[0]} sums up to one over {classes} classes and is never negative: probabilities, not logits"
        )
        return self.finding(step.step, self._since[long[0]][0], evidence, tensors=long, confidence=0.95)

    def _by_floor(self, step: StepStatistics, classes: int) -> Finding | None:
        if len(self._curve) < self.least_steps or len(self._curve) % 50:
            return None
        floor = math.log(1 + (classes - 1) / math.e)
        losses = self._curve.last(len(self._curve))
        level = median(losses[-50:])
        at_rest = abs(trend(thinned(losses[-100:], 20))) < 2
        near = floor <= level < floor + self.near * (math.log(classes) - floor)
        if min(losses) < floor or not near or not at_rest:
            return None
        evidence = (
            f"the loss rests at {level:.4g}, and no cross entropy over {classes} probabilities in place "
            "of logits can be "
            f"below {floor:.4g}"
        )
        return self.finding(step.step, self._curve.points[0][0], evidence, tensors=["loss"], confidence=0.6)


@dataclass
class RectifiedOutput(LastingRule):
    """What a loss is given is never below zero and exactly zero in more than ``share`` of its elements, for
    ``patience`` samples, and the loss is a cross entropy or compares with numbers below zero.
    """

    share: float = 0.1
    cause = "A ReLU comes after the last layer: nothing below zero can be said, and zeros pass no gradient."
    remedy = "Take the activation after the last layer away."
    leads_to = OUTCOMES | DYING
    _chosen: Chosen = field(default_factory=lambda: Chosen(lambda name, _: is_predictions(name)), init=False)

    def look(self, step: StepStatistics) -> Finding | None:
        """See ``OnceRule``."""
        places = self._chosen.of(step)
        if not len(places) or not (number_of_classes(step) or targets_below_zero(step)):
            return None
        with np.errstate(invalid="ignore"):
            zero = step.column("zeros")[places] / step.column("size")[places]
        long = self.lasting(step, places, (step.column("min")[places] == 0) & (zero > self.share))
        if not long:
            return None
        share = zero[places.tolist().index(step.names.index(long[0]))]
        evidence = f"{long[0]} is never below zero and is exactly zero in {share:.0%} of its elements"
        return self.finding(step.step, self._since[long[0]][0], evidence, tensors=long, confidence=0.9)


@dataclass
class LogitDrift(OnceRule):
    """The mean of all logits runs away from zero: beyond ``most`` and ``spreads`` of their deviations, and on. A cross
    entropy does not feel it, until what is left of a logit's digits does not tell classes apart.
    """

    most: float = 20.0
    spreads: float = 5.0
    cause = "Nothing in the loss holds the sum of the logits: they drift together."
    remedy = (
        "Add a z-loss (1e-4 times the squared logarithm of the softmax's denominator), or decay the last layer."
    )
    leads_to = frozenset({"NonFinite", "Divergence", "LossSpike", "LogitGrowth"})
    _chosen: Chosen = field(default_factory=lambda: Chosen(lambda name, _: is_logits(name)), init=False)
    _means: list[tuple[int, float]] = field(default_factory=list, init=False)

    def look(self, step: StepStatistics) -> Finding | None:
        """See ``OnceRule``."""
        places = self._chosen.of(step)
        if not len(places):
            return None
        mean, std = float(step.column("mean")[places[0]]), float(step.column("std")[places[0]])
        if not math.isfinite(mean):
            return None
        self._means.append((step.step, mean))
        if len(self._means) > POINTS_TO_PLOT:
            del self._means[1]
        away = [abs(value) for _, value in self._means]
        if (
            len(away) < 10
            or median(away[-5:]) < max(self.most, self.spreads * std)
            or trend(thinned(away, 30)) < 3
        ):
            return None
        evidence = (
            f"the mean logit went from {self._means[0][1]:.3g} to {mean:.3g}; logits spread by {std:.3g} only"
        )
        return self.finding(
            step.step, self._means[0][0], evidence, tensors=[step.names[places[0]]], confidence=0.7,
            series={"mean logit": self._means},
        )  # fmt: skip
