"""Faults in what the optimizer changes."""

from collections import deque
from dataclasses import dataclass, field
from statistics import median

import numpy as np

from epochwatch.debugger.rules.finding import Finding
from epochwatch.debugger.rules.own.loss import LossCurve
from epochwatch.debugger.rules.own.once import OnceRule
from epochwatch.debugger.rules.own.signals import GRADIENT, Chosen, is_adapter, is_weight, learning_rate
from epochwatch.debugger.rules.stream import StepStatistics
from epochwatch.debugger.source import Array


def _matrices() -> Chosen:
    return Chosen(lambda name, among: is_weight(name) and name in among)


def _weights() -> Chosen:
    return Chosen(lambda name, _: is_weight(name))


def _ratios(step: StepStatistics, places: Array) -> Array:
    """How much of each tensor a step changed, where both are known and the tensor is not zero."""
    changed, whole = step.column("update_l2")[places], step.column("l2")[places]
    known = np.isfinite(changed) & (whole > 0)
    ratios: Array = changed[known] / whole[known]
    return ratios


@dataclass
class UpdateTooLarge(OnceRule):
    """A step changes more than ``most`` of the weights in the median over ``window`` samples, ``most_at_first`` over
    the first five, or ``most_at_once``.
    """

    most: float = 0.1
    most_at_first: float = 0.12
    most_at_once: float = 0.5
    window: int = 20
    cause = "The learning rate is too high for the size of the weights."
    remedy = "Divide the learning rate by 3 to 10, or warm it up."
    leads_to = frozenset(
        {"Divergence", "LossSpike", "ExplodingGradients", "NonFinite", "NeverLearned", "DeadUnits", "LogitGrowth",
         "Saturated", "ZeroGradients", "Plateau", "VanishingGradients"}
    )  # fmt: skip
    _chosen: Chosen = field(default_factory=_matrices, init=False)
    _ratios: list[tuple[int, float]] = field(default_factory=list, init=False)

    def look(self, step: StepStatistics) -> Finding | None:
        """See ``OnceRule``."""
        ratios = _ratios(step, self._chosen.of(step))
        if not ratios.size:
            return None
        self._ratios.append((step.step, float(np.median(ratios))))
        window = 5 if len(self._ratios) == 5 else self.window
        if len(self._ratios) < window:
            if self._ratios[-1][1] <= self.most_at_once:
                return None
            window = 1
        last = [ratio for _, ratio in self._ratios[-window:]]
        limit = self.most_at_first if window <= 5 else self.most
        if median(last) <= limit:
            return None
        rate = learning_rate(step)
        at = "" if rate is None else f" at a learning rate of {rate:.3g}"
        evidence = f"a step changes {median(last):.1%} of the weights{at}; 0.01 % to 7 % is usual"
        began = self._ratios[-window][0]
        return self.finding(step.step, began, evidence, series={"update ratio": self._ratios[-400:]})


@dataclass
class UpdateTooSmall(OnceRule):
    """A step changes less than ``least`` of the weights in the median over ``window`` samples while the
    learning rate is at its plateau or the loss still near its start.
    """

    least: float = 1e-5
    window: int = 5
    cause = "The learning rate is too low, or gradients are clipped or scaled to almost nothing."
    remedy = "Raise the learning rate; check the schedule and the norm to which gradients are clipped."
    leads_to = frozenset({"NeverLearned", "Plateau"})
    _chosen: Chosen = field(default_factory=_matrices, init=False)
    _curve: LossCurve = field(default_factory=LossCurve, init=False)
    _ratios: deque[tuple[int, float]] = field(default_factory=deque, init=False)
    _greatest_rate: float = field(default=0.0, init=False)

    def look(self, step: StepStatistics) -> Finding | None:
        """See ``OnceRule``."""
        self._curve.add(step)
        rate = learning_rate(step)
        if rate is not None:
            self._greatest_rate = max(self._greatest_rate, rate)
        ratios = _ratios(step, self._chosen.of(step))
        if not ratios.size:
            return None
        self._ratios.append((step.step, float(np.median(ratios))))
        if len(self._ratios) <= self.window:
            return None
        self._ratios.popleft()
        level = median(ratio for _, ratio in self._ratios)
        high = rate is None or rate >= 0.5 * self._greatest_rate
        fallen = self._curve.fallen_to()
        if level >= self.least or fallen < 0.5 or not (high or fallen > 0.8):
            return None
        at = "" if rate is None else f" at a learning rate of {rate:.3g}, {self._greatest_rate:.3g} at most so far"
        evidence = f"a step changes {level:.1e} of the weights{at}; the loss is at {fallen:.0%} of its start"
        began = self._ratios[0][0]
        return self.finding(step.step, began, evidence, series={"update ratio": list(self._ratios)})


@dataclass
class FrozenParameters(OnceRule):
    """Parameters that get a gradient do not change for ``patience`` steps (three samples at least), and are more than
    ``share`` of all. Those that never had a gradient are frozen on purpose: a remark.
    """

    patience: int = 30
    share: float = 0.01
    cause = "The optimizer does not know these parameters: they were made, replaced or moved after it was."
    remedy = (
        "Give the optimizer the parameters of the model as it is trained: optimizer.param_groups "
        "against model.parameters()."
    )
    leads_to = frozenset({"NeverLearned", "Plateau"})
    _chosen: Chosen = field(default_factory=_weights, init=False)
    _since: dict[str, list[int]] = field(default_factory=dict, init=False)
    _with_gradient: set[str] = field(default_factory=set, init=False)

    def look(self, step: StepStatistics) -> Finding | None:
        """See ``OnceRule``."""
        places = self._chosen.of(step)
        changed = step.column("update_l2")[places]
        if not np.isfinite(changed).any():
            return None
        self._note_gradients(step)
        still = {step.names[place] for place in places[changed == 0]}
        sizes = dict(
            zip((step.names[place] for place in places), step.column("size")[places].tolist(), strict=True)
        )
        self._since = {name: [*self._since.get(name, ())[:2], step.step] for name in still}
        began = {name: steps[0] for name, steps in self._since.items() if len(steps) == 3}
        long = [name for name in began if step.step - began[name] >= self.patience and name in self._with_gradient]
        if sum(sizes[name] for name in long) <= self.share * sum(sizes.values()):
            return None
        long.sort(key=lambda name: -sizes[name])
        evidence = (
            f"{len(long)} of {len(sizes)} parameters, "
            f"{sum(sizes[name] for name in long) / sum(sizes.values()):.0%} of all "
            f"elements, have not changed since step {min(began[name] for name in long)}, first {long[0]}"
        )
        rate = learning_rate(step)
        if rate == 0:
            evidence += "; the learning rate is 0"
        return self.finding(
            step.step, min(began[name] for name in long), evidence, tensors=long[:10], confidence=0.9,
            cause="The learning rate has come to 0." if rate == 0 else None,
            remedy="Check the schedule: it ends before the training does." if rate == 0 else None,
        )  # fmt: skip

    def _note_gradients(self, step: StepStatistics) -> None:
        nonzero = step.column("abs_max") > 0
        for place in np.flatnonzero(nonzero):
            name = step.names[place]
            if name.startswith(GRADIENT):
                self._with_gradient.add(name.removeprefix(GRADIENT))


@dataclass
class ConstantWeights(OnceRule):
    """Weight matrices have one and the same value in all elements: ``share`` of those before the last one at
    the first sample, or any for ``patience`` samples. Adapters that begin at zero on purpose do not count.
    """

    share: float = 0.4
    patience: int = 3
    cause = "Weights begin at zero or a constant: no gradient gets through, or all units stay alike."
    remedy = "Initialise weights at random; only biases and the last layer of a residual branch may begin at zero."
    leads_to = frozenset(
        {"NeverLearned", "ZeroGradients", "IdenticalUnits", "Plateau", "FrozenParameters", "DeadUnits",
         "UpdateTooLarge", "VanishingGradients"}
    )  # fmt: skip
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
        constant = (step.column("std")[places] == 0) & (step.column("size")[places] > 1)
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
class WeightsCollapse(OnceRule):
    """The weights have shrunk to ``share`` of their first norm and the loss has not fallen to ``learned`` of
    its start.
    """

    share: float = 0.1
    learned: float = 0.8
    cause = "Weight decay outweighs the gradient."
    remedy = "Lower weight_decay; decoupled decay takes learning_rate * weight_decay of the weights at each step."
    leads_to = frozenset({"NeverLearned", "Plateau", "VanishingGradients", "ZeroGradients", "UpdateTooLarge"})
    _chosen: Chosen = field(default_factory=_matrices, init=False)
    _curve: LossCurve = field(default_factory=LossCurve, init=False)
    _norms: list[tuple[int, float]] = field(default_factory=list, init=False)

    def look(self, step: StepStatistics) -> Finding | None:
        """See ``OnceRule``."""
        self._curve.add(step)
        places = self._chosen.of(step)
        norms = step.column("l2")[places]
        if not len(places) or np.nan_to_num(step.column("nans")[places]).any() or not np.isfinite(norms).all():
            return None
        norm = float(np.sqrt((norms**2).sum()))
        self._norms.append((step.step, norm))
        first = self._norms[0][1]
        if len(self._norms) < 3 or norm > self.share * first or self._curve.fallen_to() < self.learned:
            return None
        evidence = f"the norm of all weight matrices fell from {first:.3g} to {norm:.3g}"
        return self.finding(step.step, self._norms[0][0], evidence, series={"norm of weights": self._norms})
