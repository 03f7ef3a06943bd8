"""Faults of the weights themselves: how they begin, shrink and grow."""

from dataclasses import dataclass, field
from statistics import median

import numpy as np

from epochwatch.debugger.rules.finding import Finding
from epochwatch.debugger.rules.own.effects import ANYTHING, BLOWN_UP, DYING, OUTCOMES
from epochwatch.debugger.rules.own.loss import LossCurve
from epochwatch.debugger.rules.own.once import OnceRule
from epochwatch.debugger.rules.own.signals import (
    Chosen,
    bias_of,
    is_adapter,
    is_table,
    is_weight,
    weight_matrices,
)
from epochwatch.debugger.rules.stream import StepStatistics


@dataclass
class ConstantWeights(OnceRule):
    """Weight matrices have one and the same value in all elements: ``share`` of those before the last one at
    the first sample, or any for ``patience`` samples. Adapters that begin at zero on purpose do not count.
    """

    share: float = 0.4
    patience: int = 3
    cause = "Weights begin at zero or a constant: no gradient gets through, or all units stay alike."
    remedy = "Initialise weights at random; only biases and the last layer of a residual branch may begin at zero."
    leads_to = OUTCOMES | DYING | {"IdenticalUnits", "UpdateTooLarge"}
    _chosen: Chosen = field(
        default_factory=lambda: Chosen(
            lambda name, among: is_weight(name) and name in among and not is_adapter(name)
        ),
        init=False,
    )
    _since: dict[str, list[int]] | None = field(default=None, init=False)

    def look(self, step: StepStatistics) -> Finding | None:
        """See ``OnceRule``."""
        places = self._chosen.of(step)
        if not len(places):
            return None
        norm, changed = step.column("l2")[places], step.column("update_l2")[places]
        began_zero = (self._since is None) & (changed > 0) & (np.abs(norm - changed) < 1e-5 * norm)
        constant = ((step.column("std")[places] == 0) | began_zero) & (step.column("size")[places] > 1)
        names = [step.names[place] for place in places[constant]]
        if self._since is None:
            self._since = {name: [step.step] for name in names}
            early = int(constant[:-1].sum())
            if early and early >= self.share * (len(places) - 1):
                evidence = (
                    f"{early} of {len(places) - 1} weight matrices before the last begin constant, first "
                    f"{names[0]}"
                )
                return self.finding(step.step, step.step, evidence, tensors=names[:10], confidence=0.8)
            return None
        self._since = {name: [*self._since.get(name, ()), step.step] for name in names}
        long = [name for name, steps in self._since.items() if len(steps) >= self.patience]
        if not long:
            return None
        evidence = (
            f"{len(long)} of {len(places)} weight matrices are constant at {self.patience} samples, first "
            f"{long[0]}"
        )
        return self.finding(step.step, self._since[long[0]][0], evidence, tensors=long[:10], confidence=0.9)


@dataclass
class InitialScale(OnceRule):
    """Weights begin too large or too small for what goes into them: the root of the mean square of a matrix times the
    root of its inputs, which is what a layer multiplies its inputs with, is above ``most`` or below ``least`` in the
    median over the layers (0.58 to 1.4 are usual).
    """

    most: float = 2.5
    least: float = 0.05
    least_layers: int = 2
    cause = "Weights begin at another scale than the layers' numbers of inputs ask for."
    remedy = "Initialise by the fan-in (Kaiming, Xavier), or leave it to the layers' own initialisation."
    leads_to = ANYTHING | {"PoorInitialLoss"}
    _chosen: Chosen = field(
        default_factory=lambda: Chosen(
            lambda name, among: is_weight(name) and name in among and not (is_adapter(name) or is_table(name))
        ),
        init=False,
    )
    _over: bool = field(default=False, init=False)

    def look(self, step: StepStatistics) -> Finding | None:
        """See ``OnceRule``."""
        places = self._chosen.of(step)
        if self._over or not len(places):
            return None
        self._over = True
        gains = {}
        for place in places.tolist():
            inputs = _inputs_of(step, place)
            norm, changed = step.column("l2")[place], np.nan_to_num(step.column("update_l2")[place])
            if inputs and norm > 2 * changed and np.isfinite(norm):  # else nothing is known of before the step
                gains[step.names[place]] = float(norm / np.sqrt(step.column("size")[place])) * inputs**0.5
        if len(gains) < self.least_layers:
            return None
        gain = median(gains.values())
        if self.least <= gain <= self.most:
            return None
        worst = sorted(gains, key=gains.__getitem__, reverse=gain > 1)
        evidence = (
            f"the weights of {len(gains)} layers multiply what goes in by {gain:.2g} in the median, {worst[0]} by "
            f"{gains[worst[0]]:.2g}; 0.58 to 1.4 are usual"
        )
        return self.finding(step.step, step.step, evidence, tensors=worst[:10], confidence=0.8)


def _inputs_of(step: StepStatistics, place: int) -> int | None:
    """How many numbers go into each unit of a matrix: by its shape, or by its size and that of its bias."""
    name = step.names[place]
    shape = step.shapes.get(name)
    size = int(step.column("size")[place])
    if shape is not None:
        return size // shape[0]
    bias = bias_of(name)
    units = step.column("size")[step.names.index(bias)] if bias != name and bias in step.names else 0
    return int(size / units) if units > 0 else None


@dataclass
class WeightsCollapse(OnceRule):
    """The weights shrink by more than ``rate`` of their norm a step, over ``least_steps`` steps and three samples at
    least, to less than ``share`` of what they were.
    """

    rate: float = 0.005
    share: float = 0.7
    least_steps: int = 10
    cause = "Weight decay outweighs the gradient."
    remedy = "Lower weight_decay; decoupled decay takes learning_rate * weight_decay of the weights at each step."
    leads_to = OUTCOMES | DYING - {"WeightsCollapse"} | {"UpdateTooLarge", "LossShift", "Divergence", "LossSpike"}
    _chosen: Chosen = field(default_factory=weight_matrices, init=False)
    _norms: list[tuple[int, float]] = field(default_factory=list, init=False)

    def look(self, step: StepStatistics) -> Finding | None:
        """See ``OnceRule``."""
        norm = _norm(step, self._chosen)
        if norm is None:
            return None
        while self._norms and norm >= self._norms[-1][1]:  # what follows is to fall from here on
            self._norms.pop()
        self._norms.append((step.step, norm))
        shrunk = self._norms[-1][1] / self._norms[0][1]
        steps = step.step - self._norms[0][0]
        if len(self._norms) < 3 or steps < self.least_steps or shrunk > min(self.share, (1 - self.rate) ** steps):
            return None
        evidence = (
            f"the norm of all weight matrices fell from {self._norms[0][1]:.3g} to {norm:.3g} in {steps} steps, by "
            f"{1 - shrunk ** (1 / steps):.1%} at each"
        )
        began = self._norms[0][0]
        return self.finding(step.step, began, evidence, series={"norm of weights": self._norms}, confidence=0.9)


@dataclass
class WeightGrowth(OnceRule):
    """The norm of the weights has grown to ``times`` what it was and grows still, while the loss is no lower than when
    it had grown to half as much.
    """

    times: float = 2.0
    window: int = 20
    cause = "Steps go on in one direction past what they gain: the learning rate or the momentum is too high."
    remedy = "Lower the learning rate or the momentum; weight decay or clipping holds the norm."
    leads_to = OUTCOMES | DYING | BLOWN_UP - {"WeightGrowth", "LossShift"}
    _chosen: Chosen = field(default_factory=weight_matrices, init=False)
    _curve: LossCurve = field(default_factory=LossCurve, init=False)
    _norms: list[tuple[int, float, float]] = field(default_factory=list, init=False)

    def look(self, step: StepStatistics) -> Finding | None:
        """See ``OnceRule``."""
        self._curve.add(step)
        norm = _norm(step, self._chosen)
        if norm is None or not len(self._curve):
            return None
        known = len(self._curve) >= self.window
        self._norms.append(
            (step.step, norm, median(self._curve.last(self.window)) if known else self._curve.start)
        )
        first, last = self._norms[0][1], [norm for _, norm, _ in self._norms[-3:]]
        if len(self._norms) < 5 or norm < self.times * first or not last[0] < last[1] < last[2]:
            return None
        half = first * self.times**0.5
        began, _, before = next(one for one in self._norms if one[1] >= half)
        best = min(level for _, _, level in self._norms)
        level = self._norms[-1][2]
        if not level > max(before, 1.2 * best, 0.02 * self._curve.start):
            return None
        evidence = (
            f"the norm of all weight matrices grew from {first:.3g} to {norm:.3g}, and the loss from {before:.3g} to "
            f"{level:.3g} meanwhile"
        )
        series = {"norm of weights": [(number, value) for number, value, _ in self._norms]}
        return self.finding(step.step, began, evidence, series=series, confidence=0.75)


def _norm(step: StepStatistics, chosen: Chosen) -> float | None:
    """Of all matrices together, where they are there and finite."""
    places = chosen.of(step)
    norms = step.column("l2")[places]
    if not len(places) or np.nan_to_num(step.column("nans")[places]).any() or not np.isfinite(norms).all():
        return None
    return float(np.sqrt((norms**2).sum()))
