"""Faults in how gradients get through the model."""

import math
from collections import deque
from dataclasses import dataclass, field
from statistics import median

import numpy as np

from epochwatch.debugger.rules.finding import Finding
from epochwatch.debugger.rules.own.effects import ANYTHING, BLOWN_UP, DYING, OUTCOMES
from epochwatch.debugger.rules.own.loss import LossCurve
from epochwatch.debugger.rules.own.once import OnceRule
from epochwatch.debugger.rules.own.robust import distance
from epochwatch.debugger.rules.own.signals import (
    GRADIENT,
    Chosen,
    gradient_norm,
    is_adapter,
    is_bias,
    is_gradient,
    is_table,
    weight_matrices,
)
from epochwatch.debugger.rules.stream import StepStatistics
from epochwatch.debugger.source import Array


def _layers() -> Chosen:
    """Gradients of matrices that all samples go through."""
    return Chosen(lambda name, among: is_gradient(name) and name in among and not is_table(name))


def _mean_squares(step: StepStatistics, places: Array) -> Array:
    """The root of the mean square of each."""
    found: Array = step.column("l2")[places] / np.sqrt(step.column("size")[places])
    return found


def _ends(values: Array) -> tuple[float, float]:
    """Medians of the first and of the last third."""
    third = max(1, len(values) // 3)
    return float(np.median(values[:third])), float(np.median(values[-third:]))


@dataclass
class VanishingGradients(OnceRule):
    """Gradients of the first third of the layers are less than ``ratio`` of those of the last third, element
    by element, for ``patience`` samples, and the loss has not fallen to ``learned`` of its start; or less than a tenth
    of that, which the biases of the last layers alone may bring to ``learned_by_the_last``.
    """

    ratio: float = 1e-3
    patience: int = 5
    learned: float = 0.9
    learned_by_the_last: float = 0.3
    cause = (
        "The gradient shrinks from layer to layer: saturating activations, or many layers without normalisation."
    )
    remedy = "Use ReLU-like activations, normalisation or residual connections; initialise by the fan-in."
    leads_to = OUTCOMES | DYING - {"VanishingGradients"}
    _chosen: Chosen = field(default_factory=_layers, init=False)
    _curve: LossCurve = field(default_factory=LossCurve, init=False)
    _since: list[int] = field(default_factory=list, init=False)

    def look(self, step: StepStatistics) -> Finding | None:
        """See ``OnceRule``."""
        self._curve.add(step)
        places = self._chosen.of(step)
        if len(places) < 4:
            return None
        sizes = _mean_squares(step, places)
        first, last = _ends(sizes)
        learned = self.learned if first > 0.1 * self.ratio * last else self.learned_by_the_last
        if not (first < self.ratio * last) or self._curve.fallen_to() < learned:
            self._since.clear()
            return None
        self._since.append(step.step)
        if len(self._since) < self.patience:
            return None
        names = [step.names[place] for place in places[np.argsort(sizes)][:5]]
        evidence = (
            f"gradients of the first {max(1, len(places) // 3)} of {len(places)} layers are {first:.2g}, of the last "
            f"{last:.2g}: {first / last:.1g} of them, at {len(self._since)} samples in a row"
        )
        return self.finding(step.step, self._since[0], evidence, tensors=names, confidence=0.85)


@dataclass
class ExplodingGradients(OnceRule):
    """The gradient norm is ``times`` its median of before and ``spreads`` away from it for five steps while the loss
    rises; or gradients of the first layers are ``ratio`` times those of the last for ``patience`` samples.
    """

    spreads: float = 8.0
    times: float = 10.0
    ratio: float = 1e3
    window: int = 50
    patience: int = 3
    cause = (
        "The gradient grows from layer to layer or from step to step: the learning rate or the weights "
        "are too large."
    )
    remedy = "Clip the gradient norm, lower the learning rate, initialise by the fan-in."
    leads_to = OUTCOMES | BLOWN_UP - {"ExplodingGradients"}
    _chosen: Chosen = field(default_factory=_layers, init=False)
    _curve: LossCurve = field(default_factory=LossCurve, init=False)
    _norms: deque[tuple[int, float, float]] = field(default_factory=deque, init=False)
    _steep: list[int] = field(default_factory=list, init=False)

    def look(self, step: StepStatistics) -> Finding | None:
        """See ``OnceRule``."""
        return self._by_time(step) or self._by_depth(step)

    def _by_time(self, step: StepStatistics) -> Finding | None:
        loss, norm = self._curve.add(step), gradient_norm(step)
        if loss is None or norm is None or not math.isfinite(norm) or norm <= 0:
            return None
        self._norms.append((step.step, math.log(norm), loss))
        if len(self._norms) < 25:
            return None
        if len(self._norms) > self.window:
            self._norms.popleft()
        recent, before = list(self._norms)[-5:], list(self._norms)[:-5]
        level, usual = (median(one[1] for one in part) for part in (recent, before))
        rise = median(one[2] for one in recent) - median(one[2] for one in before)
        if (
            level - usual < math.log(self.times)
            or rise < 0.05 * abs(self._curve.start)
            or distance(level, [one[1] for one in before]) < self.spreads
        ):
            return None
        evidence = (
            f"gradient norm {math.exp(level):.3g} over the last 5 steps, {math.exp(usual):.3g} over the "
            f"{len(before)} before, and the loss rose by {rise:.3g}"
        )
        series = {"log gradient norm": [(number, value) for number, value, _ in self._norms]}
        return self.finding(step.step, recent[0][0], evidence, tensors=["gradient_norm"], series=series)

    def _by_depth(self, step: StepStatistics) -> Finding | None:
        places = self._chosen.of(step)
        if len(places) < 4:
            return None
        sizes = _mean_squares(step, places)
        first, last = _ends(sizes)
        if not (last > 0 and first > self.ratio * last):
            self._steep.clear()
            return None
        self._steep.append(step.step)
        if len(self._steep) < self.patience:
            return None
        names = [step.names[place] for place in places[np.argsort(-sizes)][:5]]
        evidence = (
            f"gradients of the first layers are {first:.2g}, of the last {last:.2g}: {first / last:.0f} times"
        )
        return self.finding(step.step, self._steep[0], evidence, tensors=names)


@dataclass
class GradientsNotReset(OnceRule):
    """The gradient norm grows from the first steps on to ``grown`` times what it was, and as a sum does: one
    more batch bends its course by less than ``roughness`` of it, in the median over ``window`` steps.
    """

    grown: float = 3.0
    roughness: float = 0.05
    window: int = 20
    first_steps: int = 100
    cause = "Gradients of earlier steps are still there: zero_grad() is not called before backward()."
    remedy = "Call optimizer.zero_grad() in each step (or after each accumulation of batches)."
    leads_to = ANYTHING
    _norms: list[tuple[int, float]] = field(default_factory=list, init=False)

    def look(self, step: StepStatistics) -> Finding | None:
        """See ``OnceRule``."""
        norm = gradient_norm(step)
        if norm is None or not math.isfinite(norm) or len(self._norms) >= self.first_steps:
            return None
        self._norms.append((step.step, norm))
        if len(self._norms) < self.window + 2:
            return None
        norms = np.array([norm for _, norm in self._norms])
        last = norms[-self.window - 2 :]
        if not last.min() > 0:
            return None
        bend = float(np.median(np.abs(last[2:] - 2 * last[1:-1] + last[:-2]) / last[1:-1]))
        first, level = float(np.median(norms[:2])), float(np.median(last))
        if bend > self.roughness or level < self.grown * first:
            return None
        evidence = (
            f"the gradient norm grew from {first:.3g} to {level:.3g} within {len(norms)} steps, and one "
            "more batch bends "
            f"its course by {bend:.1%} only"
        )
        series = {"gradient_norm": self._norms}
        return self.finding(step.step, self._norms[0][0], evidence, tensors=["gradient_norm"], series=series)


@dataclass
class ZeroGradients(OnceRule):
    """Gradients of matrices are zero in every element for ``patience`` samples, or come no more while others do."""

    patience: int = 3
    cause = (
        "The layers are cut off from the loss (detach, no_grad, an unused branch), or all of their units are dead."
    )
    remedy = (
        "Follow the tensor from the layer to the loss; look for detach(), .data, argmax and conversions to NumPy."
    )
    leads_to = OUTCOMES | {"FrozenParameters", "UpdateTooSmall"}
    _chosen: Chosen = field(default_factory=_layers, init=False)
    _zero: dict[str, list[int]] = field(default_factory=dict, init=False)
    _known: dict[str, None] = field(default_factory=dict, init=False)

    def look(self, step: StepStatistics) -> Finding | None:
        """See ``OnceRule``."""
        places = self._chosen.of(step)
        if not len(places):
            return None
        names = [step.names[place] for place in places]
        zero = {step.names[place] for place in places[step.column("abs_max")[places] == 0]}
        self._known.update(dict.fromkeys(names))
        self._zero = {
            name: [*self._zero.get(name, ()), step.step]
            for name in self._known
            if name in zero or name not in names
        }
        long = [name for name, steps in self._zero.items() if len(steps) >= self.patience]
        if not long:
            return None
        began = self._zero[long[0]][0]
        evidence = (
            f"{len(long)} of {len(self._known)} gradients are zero or missing since step {began}, first {long[0]}"
        )
        return self.finding(step.step, began, evidence, tensors=long[:10], confidence=0.85)


@dataclass
class IdenticalUnits(OnceRule):
    """All units of a layer get the same gradient, for ``patience`` samples: they are copies of each other and
    stay so. Where weights are saved whole, the units' own weights at the first of ``first`` samples: the median one is
    along their mean by a cosine of more than ``alike``, which weights drawn at random are not.
    """

    patience: int = 3
    tolerance: float = 1e-5
    alike: float = 0.9
    first: int = 2
    most_elements: int = 10_000_000
    cause = (
        "Weights were initialised alike (zeros, ones, a constant): the units of a layer cannot become different."
    )
    remedy = "Initialise at random; biases alone may be constant."
    leads_to = OUTCOMES | DYING | {"InitialScale", "UpdateTooLarge"}
    _chosen: Chosen = field(
        default_factory=lambda: Chosen(lambda name, _: is_gradient(name) and is_bias(name)), init=False
    )
    _weights: Chosen = field(default_factory=weight_matrices, init=False)
    _samples: int = field(default=0, init=False)
    _steps: dict[str, list[int]] = field(default_factory=dict, init=False)

    def look(self, step: StepStatistics) -> Finding | None:
        """See ``OnceRule``."""
        return self._by_weights(step) or self._by_gradients(step)

    def _by_weights(self, step: StepStatistics) -> Finding | None:
        places = self._weights.of(step)
        if not len(places) or self._samples >= self.first:
            return None
        self._samples += 1
        cosines = {}
        kept = 0.5 * step.column("l2")[places] > np.nan_to_num(step.column("update_l2")[places])
        small = step.column("size")[places] <= self.most_elements
        for name in (step.names[place] for place in places[kept & small]):
            whole = step.raw.get(name)
            if whole is not None and not is_adapter(name):
                cosines[name] = _along_the_mean(whole)
        same = sorted(
            (name for name, cosine in cosines.items() if cosine > self.alike), key=lambda one: -cosines[one]
        )
        if not same:
            return None
        evidence = (
            f"the units of {len(same)} of {len(cosines)} weight matrices are alike: a cosine of {cosines[same[0]]:.3f} "
            f"to their mean in {same[0]}"
        )
        return self.finding(step.step, step.step, evidence, tensors=same[:10], confidence=0.9)

    def _by_gradients(self, step: StepStatistics) -> Finding | None:
        places = self._chosen.of(step)
        if not len(places):
            return None
        mean, spread = step.column("abs_mean")[places], step.column("std")[places]
        alike = (step.column("size")[places] >= 4) & (mean > 1e-12) & (spread < self.tolerance * mean)
        names = {step.names[place] for place in places[alike]}
        self._steps = {name: [*self._steps.get(name, ()), step.step] for name in sorted(names)}
        long = [name for name, steps in self._steps.items() if len(steps) >= self.patience]
        if not long:
            return None
        tensors = [name.removeprefix(GRADIENT) for name in long]
        began = self._steps[long[0]][0]
        evidence = f"all units of {tensors[0]} get one and the same gradient, at {self.patience} samples in a row"
        return self.finding(step.step, began, evidence, tensors=tensors[:10], confidence=0.9)


def _along_the_mean(weights: Array) -> float:
    """The median cosine of a matrix's rows to their mean; 0 where there are too few numbers to tell, or none."""
    rows = weights.reshape(len(weights), -1).astype(float)
    mean = rows.mean(0)
    lengths = np.linalg.norm(rows, axis=1) * np.linalg.norm(mean)
    if rows.shape[0] < 4 or rows.shape[1] < 8 or not lengths.min() > 0:
        return 0.0
    return float(np.median(rows @ mean / lengths))
