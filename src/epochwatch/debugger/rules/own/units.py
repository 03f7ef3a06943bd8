"""Faults of activations: units that are dead or saturated."""

from dataclasses import dataclass, field

import numpy as np

from epochwatch.debugger.rules.finding import Finding
from epochwatch.debugger.rules.own.effects import OUTCOMES
from epochwatch.debugger.rules.own.loss import LossCurve
from epochwatch.debugger.rules.own.once import LastingRule
from epochwatch.debugger.rules.own.signals import (
    GRADIENT,
    Chosen,
    is_bias,
    is_gradient,
    is_output,
)
from epochwatch.debugger.rules.stream import StepStatistics


@dataclass
class DeadUnits(LastingRule):
    """More than ``share`` of a layer's units pass nothing on for ``patience`` samples: the gradients of their
    biases are zero, or all but ``alive`` of the layer's output is. A loss below ``learned`` of its start
    excuses gradients.
    """

    patience: int = 5
    share: float = 0.7
    alive: float = 0.01
    learned: float = 0.3
    cause = "Units behind a ReLU are below zero for all inputs: a step was too large, or biases began too low."
    remedy = "Lower the learning rate, begin biases at zero, or use LeakyReLU, GELU or normalisation."
    leads_to = OUTCOMES | {"ZeroGradients", "VanishingGradients", "FrozenParameters"}
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
        if len(dead) and zero[biases[-1]] > self.share:  # the last layer has no ReLU: gradients are lost before it
            dead[:] = False
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
class Saturated(LastingRule):
    """Outputs of a tanh lie beyond ``tanh`` in the root of their mean square, or those of a sigmoid are at its
    ends, for ``patience`` samples.
    """

    tanh: float = 0.97
    sigmoid: float = 0.02
    cause = "What goes into the activation is too large: weights or inputs, or a learning rate that made them so."
    remedy = "Initialise by the fan-in, normalise the inputs or the layer before, lower the learning rate."
    leads_to = OUTCOMES | {"VanishingGradients", "ZeroGradients", "UpdateTooSmall"}
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
