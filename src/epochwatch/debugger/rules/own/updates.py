"""Faults in what the optimizer changes."""

from collections import deque
from dataclasses import dataclass, field
from statistics import median

import numpy as np

from epochwatch.debugger.rules.finding import Finding
from epochwatch.debugger.rules.own.effects import ANYTHING, OUTCOMES
from epochwatch.debugger.rules.own.loss import LossCurve
from epochwatch.debugger.rules.own.once import OnceRule
from epochwatch.debugger.rules.own.robust import thinned, trend
from epochwatch.debugger.rules.own.signals import (
    GRADIENT,
    Chosen,
    gradient_norm,
    is_weight,
    learning_rate,
    training_loss,
    weight_matrices,
)
from epochwatch.debugger.rules.stream import StepStatistics
from epochwatch.debugger.source import Array


def _weights() -> Chosen:
    return Chosen(lambda name, _: is_weight(name))


def _ratios(step: StepStatistics, places: Array) -> Array:
    """How much of each tensor a step changed, where both are known and the tensor is not zero, nor was before."""
    changed, whole = step.column("update_l2")[places], step.column("l2")[places]
    known = np.isfinite(changed) & (whole > 0) & (np.abs(changed - whole) > 1e-5 * whole)
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
    leads_to = ANYTHING - {"UpdateTooLarge"}
    _chosen: Chosen = field(default_factory=weight_matrices, init=False)
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
    """A step changes less than ``least`` of the weights in the median over ``window`` samples while the loss is still
    above half of its start; or less than ``least_unlearned`` while the loss has not moved over ``patience`` steps. A
    learning rate that grows, or that has been lowered while the loss was falling, excuses it.
    """

    least: float = 1e-5
    least_unlearned: float = 2e-4
    window: int = 3
    patience: int = 50
    cause = "The learning rate is too low, or gradients are clipped or scaled to almost nothing."
    remedy = "Raise the learning rate; check the schedule and the norm to which gradients are clipped."
    leads_to = OUTCOMES | {"FrozenParameters"}
    _chosen: Chosen = field(default_factory=weight_matrices, init=False)
    _curve: LossCurve = field(default_factory=LossCurve, init=False)
    _ratios: list[tuple[int, float]] = field(default_factory=list, init=False)
    _rates: deque[float] = field(default_factory=deque, init=False)
    _greatest: float = field(default=0.0, init=False)

    def look(self, step: StepStatistics) -> Finding | None:
        """See ``OnceRule``."""
        self._curve.add(step)
        rate = learning_rate(step)
        if rate is not None:
            self._rates.append(rate)
            if len(self._rates) > self.patience:
                self._rates.popleft()
            self._greatest = max(self._greatest, rate)
        ratios = _ratios(step, self._chosen.of(step))
        ratios = ratios[ratios > 0]  # what does not change at all is frozen
        if not ratios.size:
            return None
        self._ratios.append((step.step, float(np.median(ratios))))
        if len(self._ratios) < self.window:
            return None
        level = median(ratio for _, ratio in self._ratios[-self.window :])
        fallen = self._curve.fallen_to()
        greatest = self._greatest
        if not self._is_too_small(level, fallen) or not self._is_meant_to_learn(fallen, greatest):
            return None
        at = "" if rate is None else f" at a learning rate of {rate:.3g}, {greatest:.3g} at most so far"
        evidence = f"a step changes {level:.1e} of the weights{at}; the loss is at {fallen:.0%} of its start"
        limit = self.least if level < self.least else self.least_unlearned
        above = [number for number, (_, ratio) in enumerate(self._ratios[: -self.window]) if ratio >= limit]
        began = self._ratios[above[-1] + 1 if above else 0][0]
        return self.finding(step.step, began, evidence, series={"update ratio": self._ratios[-400:]})

    def _is_too_small(self, level: float, fallen: float) -> bool:
        if level < self.least:
            return fallen >= 0.5
        if level >= self.least_unlearned or fallen < 0.98 or len(self._curve) < self.patience:
            return False
        return trend(thinned(self._curve.last(len(self._curve)), 30)) > -2

    def _is_meant_to_learn(self, fallen: float, greatest: float) -> bool:
        """Whether the rate neither grows, as it does while warming up, nor was lowered on purpose."""
        if not self._rates:
            return True
        last = self._rates
        grows = last[-1] > 1.01 * last[0] and last[-1] == greatest
        return not grows and (last[-1] >= 0.5 * greatest or fallen > 0.8)


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
    leads_to = OUTCOMES
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
class MissingGradients(OnceRule):
    """The optimizer steps ``patience`` times in a row with no gradient for any parameter, and had some before."""

    patience: int = 3
    cause = (
        "The optimizer holds other parameters than those the loss is computed with: the model was copied, replaced or "
        "moved after the optimizer was made; or gradients are reset between backward() and step()."
    )
    remedy = "Make the optimizer after the model is final; compare optimizer.param_groups with model.parameters()."
    leads_to = OUTCOMES | {"ZeroGradients", "FrozenParameters", "UnchangedEvaluation", "LossShift"}
    _had: bool = field(default=False, init=False)
    _without: list[int] = field(default_factory=list, init=False)

    def look(self, step: StepStatistics) -> Finding | None:
        """See ``OnceRule``."""
        stepped = training_loss(step) is not None and learning_rate(step) is not None
        if gradient_norm(step) is not None:
            self._had = True
            self._without.clear()
        elif stepped and self._had:
            self._without.append(step.step)
        if len(self._without) < self.patience:
            return None
        evidence = f"the optimizer has stepped {self.patience} times without any gradient, which it had before"
        return self.finding(step.step, self._without[0], evidence, tensors=["gradient_norm"], confidence=0.95)
