"""Faults of activations and outputs: units that are dead or saturated, logits that grow."""

import math
from dataclasses import dataclass, field
from statistics import median

import numpy as np

from epochwatch.debugger.rules.finding import Finding
from epochwatch.debugger.rules.own.loss import LossCurve
from epochwatch.debugger.rules.own.once import OnceRule
from epochwatch.debugger.rules.own.robust import thinned, trend
from epochwatch.debugger.rules.own.signals import (
    GRADIENT,
    Chosen,
    is_bias,
    is_gradient,
    is_logits,
    is_output,
    number_of_classes,
)
from epochwatch.debugger.rules.stream import StepStatistics
from epochwatch.debugger.source import Array


@dataclass
class _Lasting(OnceRule):
    """What must be so of a tensor for ``patience`` samples in a row."""

    patience: int = 3
    _since: dict[str, list[int]] = field(default_factory=dict, init=False)

    def lasting(self, step: StepStatistics, places: Array, met: Array) -> list[str]:
        """Those of the tensors at ``places`` for which it was met often enough, the earliest first."""
        for place, is_met in zip(places.tolist(), met.tolist(), strict=True):
            name = step.names[place]
            if is_met:
                self._since.setdefault(name, []).append(step.step)
            else:
                self._since.pop(name, None)
        long = [name for name, steps in self._since.items() if len(steps) >= self.patience]
        return sorted(long, key=lambda name: self._since[name][0])


@dataclass
class DeadUnits(_Lasting):
    """More than ``share`` of a layer's units pass nothing on for ``patience`` samples: the gradients of their
    biases are zero, or all but ``alive`` of the layer's output is. A loss below ``learned`` of its start
    excuses gradients.
    """

    patience: int = 5
    share: float = 0.5
    alive: float = 0.01
    learned: float = 0.3
    cause = "Units behind a ReLU are below zero for all inputs: a step was too large, or biases began too low."
    remedy = "Lower the learning rate, begin biases at zero, or use LeakyReLU, GELU or normalisation."
    leads_to = frozenset({"NeverLearned", "ZeroGradients", "Plateau", "VanishingGradients", "FrozenParameters"})
    _biases: Chosen = field(
        default_factory=lambda: Chosen(lambda name, _: is_gradient(name) and is_bias(name)), init=False
    )
    _outputs: Chosen = field(default_factory=lambda: Chosen(lambda name, _: is_output(name)), init=False)
    _curve: LossCurve = field(default_factory=LossCurve, init=False)

    def look(self, step: StepStatistics) -> Finding | None:
        """See ``OnceRule``."""
        self._curve.add(step)
        with np.errstate(invalid="ignore"):
            zero = step.column("zeros") / step.column("size")
        biases, outputs = self._biases.of(step), self._outputs.of(step)
        learning = self._curve.fallen_to() > self.learned
        dead = (zero[biases] > self.share) & (step.column("size")[biases] >= 8) & learning
        silent = zero[outputs] > 1 - self.alive
        long = self.lasting(step, np.concatenate([biases, outputs]), np.concatenate([dead, silent]))
        if not long:
            return None
        first = long[0]
        share = zero[step.names.index(first)]
        what = "of the bias gradients" if first.startswith(GRADIENT) else "of the output"
        evidence = (
            f"{share:.0%} {what} of {first.removeprefix(GRADIENT)} are zero, at {self.patience} samples in a row"
        )
        tensors = [name.removeprefix(GRADIENT) for name in long][:10]
        return self.finding(step.step, self._since[first][0], evidence, tensors=tensors)


@dataclass
class Saturated(_Lasting):
    """Outputs of a tanh lie beyond ``tanh`` in the root of their mean square, or those of a sigmoid are at its
    ends, for ``patience`` samples.
    """

    tanh: float = 0.97
    sigmoid: float = 0.02
    cause = "What goes into the activation is too large: weights or inputs, or a learning rate that made them so."
    remedy = "Initialise by the fan-in, normalise the inputs or the layer before, lower the learning rate."
    leads_to = frozenset({"VanishingGradients", "NeverLearned", "Plateau", "ZeroGradients"})
    _outputs: Chosen = field(default_factory=lambda: Chosen(lambda name, _: is_output(name)), init=False)

    def look(self, step: StepStatistics) -> Finding | None:
        """See ``OnceRule``."""
        places = self._outputs.of(step)
        least, most, mean = (step.column(name)[places] for name in ("min", "max", "mean"))
        square = step.column("l2")[places] ** 2 / step.column("size")[places]
        both_signs = (least >= -1) & (least < -0.5) & (most <= 1) & (most > 0.5)
        named = np.array(["sigmoid" in step.names[place].lower() for place in places], bool)
        met = (both_signs & (square > self.tanh**2)) | (
            named & (least >= 0) & (most <= 1) & (mean - square < self.sigmoid)
        )
        long = self.lasting(step, places, met)
        if not long:
            return None
        place = step.names.index(long[0])
        evidence = (
            f"the output of {long[0]} lies between {step.column('min')[place]:.3f} and "
            f"{step.column('max')[place]:.3f}, at "
            f"the ends of its range for {self.patience} samples"
        )
        return self.finding(step.step, self._since[long[0]][0], evidence, tensors=long[:10])


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
        return self.finding(
            step.step, self._greatest[0][0], evidence, tensors=[step.names[places[0]]], series=series
        )


@dataclass
class DoubleSoftmax(_Lasting):
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
    leads_to = frozenset({"NeverLearned", "Plateau", "UpdateTooSmall", "VanishingGradients"})
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
