"""Faults that the training loss shows by itself."""

import math
from collections import deque
from dataclasses import dataclass, field
from statistics import fmean, median
from typing import Final

from epochwatch.debugger.rules.finding import Finding, Series
from epochwatch.debugger.rules.own.effects import ANYTHING, BLOWN_UP, DYING
from epochwatch.debugger.rules.own.once import OnceRule
from epochwatch.debugger.rules.own.robust import distance, median_and_spread, slope, thinned, trend
from epochwatch.debugger.rules.own.signals import (
    gradient_norm,
    label_variance,
    learning_rate,
    number_of_classes,
    training_loss,
    turned_loss,
)
from epochwatch.debugger.rules.stream import StepStatistics

POINTS_TO_PLOT: Final = 400


class LossCurve:
    """The finite losses of a training so far, with the level it started at."""

    def __init__(self) -> None:
        self.points: list[tuple[int, float]] = []

    def add(self, step: StepStatistics) -> float | None:
        """The step's loss if it has one and that is finite."""
        loss = training_loss(step)
        if loss is None or not math.isfinite(loss):
            return None
        self.points.append((step.step, loss))
        return loss

    def __len__(self) -> int:
        return len(self.points)

    def last(self, count: int) -> list[float]:
        """The newest losses."""
        return [loss for _, loss in self.points[-count:]]

    @property
    def start(self) -> float:
        """The median of the first five."""
        return median(loss for _, loss in self.points[:5])

    def fallen_to(self, count: int = 20) -> float:
        """The median of the newest as a share of the start; 1 before there are as many."""
        if len(self) < count or self.start <= 0:
            return 1.0
        return median(self.last(count)) / self.start

    def series(self) -> Series:
        """To plot: at most ``POINTS_TO_PLOT`` points, the last one included."""
        every = max(1, len(self.points) // POINTS_TO_PLOT)
        return self.points[::-1][::every][::-1]


class Chance:
    """What guessing gives: the logarithm of the number of classes, or the mean variance of the labels of batches."""

    def __init__(self) -> None:
        self._classes: int | None = None
        self._variances: list[float] = []

    def see(self, step: StepStatistics) -> None:
        """A step that trains."""
        if self._classes is None and step.names:
            self._classes = number_of_classes(step)
        variance = label_variance(step) if self._classes is None else None
        if variance is not None and math.isfinite(variance):
            self._variances.append(variance)

    @property
    def loss(self) -> float | None:
        """None where neither is known."""
        if self._classes is not None:
            return math.log(self._classes)
        return fmean(self._variances) if self._variances else None


@dataclass
class LossSpike(OnceRule):
    """The loss leaves its band of the last ``window`` steps by ``spreads`` and to more than ``ratio`` times
    its median, and the gradients with it: for three steps in a row, or three times within ``repeats_within``
    to above where the training began.
    """

    spreads: float = 8.0
    ratio: float = 2.0
    window: int = 50
    repeats_within: int = 100
    cause = "A few bad batches, or a learning rate at the edge of what is stable."
    remedy = (
        "Look at the batches of these steps; skip them or go back to a checkpoint. Clip gradients, or "
        "warm up longer."
    )
    leads_to = frozenset({"Divergence", "NonFinite", "ExplodingGradients", "Plateau"})
    _curve: LossCurve = field(default_factory=LossCurve, init=False)
    _calm: deque[float] = field(default_factory=deque, init=False)
    _norms: deque[float] = field(default_factory=deque, init=False)
    _raised: list[int] = field(default_factory=list, init=False)
    _above_start: deque[tuple[int, int]] = field(default_factory=deque, init=False)

    def look(self, step: StepStatistics) -> Finding | None:
        """See ``OnceRule``."""
        loss = self._curve.add(step)
        if loss is None:
            return None
        if not self._is_raised(loss, gradient_norm(step)):
            self._raised.clear()
            return None
        self._raised.append(step.step)
        if loss > self._curve.start:
            self._above_start.append((len(self._curve), step.step))
        while self._above_start and len(self._curve) - self._above_start[0][0] > self.repeats_within:
            self._above_start.popleft()
        if len(self._raised) < 3 and len(self._above_start) < 3:
            return None
        middle, spread = median_and_spread(self._calm)
        steps = self._raised if len(self._raised) >= 3 else [number for _, number in self._above_start]
        evidence = (
            f"loss {loss:.4g} at step {step.step} where the last {len(self._calm)} had a median of "
            f"{middle:.4g} and a "
            f"spread of {spread:.2g}; so it was at {len(steps)} steps since {steps[0]}"
        )
        return self.finding(step.step, steps[0], evidence, tensors=["loss"], series={"loss": self._curve.series()})

    def _is_raised(self, loss: float, norm: float | None) -> bool:
        """Values that are not become part of the band."""
        known = norm if norm is not None and math.isfinite(norm) else None
        if len(self._calm) >= 20:
            middle = median(self._calm)
            high = (
                loss > self.ratio * middle
                and loss > 1.5 * max(self._calm)
                and loss - middle > 0.25 * max(self._curve.start - middle, 0.2 * abs(self._curve.start))
                and distance(loss, self._calm) > self.spreads
            )
            steep = known is None or len(self._norms) < 20 or known > self.ratio * median(self._norms)
            if high and steep:
                return True
        _push(self._calm, loss, self.window)
        if known is not None:
            _push(self._norms, known, self.window)
        return False


def _push(values: deque[float], value: float, most: int) -> None:
    values.append(value)
    if len(values) > most:
        values.popleft()


@dataclass
class Divergence(OnceRule):
    """The loss rises for good: above ``above_start`` times where it began, or by more than ``lost`` of all it
    had gained; for ``patience`` steps.
    """

    above_start: float = 1.3
    lost: float = 0.5
    patience: int = 10
    cause = "The learning rate is too high for this point of the training."
    remedy = (
        "Lower the learning rate, warm it up, or clip gradients; go back to a checkpoint from before it began."
    )
    leads_to = frozenset({"NonFinite", "NeverLearned", "LogitGrowth", "ExplodingGradients", "LossSpike"})
    _curve: LossCurve = field(default_factory=LossCurve, init=False)
    _best: float = field(default=math.inf, init=False)
    _since: list[int] = field(default_factory=list, init=False)

    def look(self, step: StepStatistics) -> Finding | None:
        """See ``OnceRule``."""
        loss = self._curve.add(step)
        if loss is None or len(self._curve) < 5:
            return None
        start = self._curve.start
        recent = self._curve.last(10)
        level, spread = median_and_spread(recent)
        if len(self._curve) >= 20:
            self._best = min(self._best, median(self._curve.last(20)))
        far = all(one > max(10 * abs(start), 1.0) for one in recent[-2:])
        risen = level > start + (self.above_start - 1) * abs(start) and level > start + 3 * spread
        gained = start - self._best
        lost = gained > 0.1 * abs(start) and level - self._best > max(self.lost * gained, 4 * spread)
        if not (far or risen or lost):
            self._since.clear()
            return None
        self._since.append(step.step)
        if not far and len(self._since) < self.patience:
            return None
        never_fell = self._best > 0.98 * start
        shown = recent[-2:] if far else recent
        best = "" if math.isinf(self._best) else f", {self._best:.4g} at best"
        return self.finding(
            step.step,
            self._since[0],
            f"loss {median(shown):.4g} over the last {len(shown)} steps; it was {start:.4g} at the start{best}",
            tensors=["loss"],
            series={"loss": self._curve.series()},
            confidence=0.9,
            cause="The loss is maximised (its sign is wrong), or the learning rate is far too high."
            if never_fell
            else None,
        )


@dataclass
class WrongSign(OnceRule):
    """The backward pass begins at the negative of what the criterion gave, at ``times`` steps."""

    times: int = 3
    cause = "The sign of the loss is wrong: the optimizer maximises it."
    remedy = "Call backward() on the loss itself."
    leads_to = ANYTHING
    _steps: list[int] = field(default_factory=list, init=False)

    def look(self, step: StepStatistics) -> Finding | None:
        """See ``OnceRule``."""
        turned = turned_loss(step)
        if turned is None:
            return None
        self._steps.append(step.step)
        if len(self._steps) < self.times:
            return None
        evidence = f"the criterion gave {turned:.4g}, and backward() was called on {step.scalars['loss']:.4g}"
        return self.finding(step.step, self._steps[0], evidence, tensors=["loss"], confidence=0.95)


@dataclass
class NeverLearned(OnceRule):
    """After ``patience`` steps with a learning rate worth the name the loss was at no time better than at the start, or
    than guessing where the number of classes is known: less than ``gain`` below, and no trend. Where it rests,
    50 steps later, less than ``gain_at_rest`` below guessing.
    """

    patience: int = 150
    gain: float = 0.02
    gain_at_rest: float = 0.1
    cause = (
        "What the model is given does not tell what it is asked: labels that belong to other inputs, or "
        "inputs without signal; or no gradient arrives."
    )
    remedy = (
        "Look at a batch and its labels as the model gets them, then let the model learn one small batch by heart."
    )
    leads_to = frozenset({"Plateau"})
    _curve: LossCurve = field(default_factory=LossCurve, init=False)
    _rates: list[float] = field(default_factory=list, init=False)
    _chance: float | None = field(default=None, init=False)
    _best: float = field(default=math.inf, init=False)
    _learned: bool = field(default=False, init=False)

    def look(self, step: StepStatistics) -> Finding | None:
        """See ``OnceRule``."""
        if self._learned or self._curve.add(step) is None:
            return None
        rate = learning_rate(step)
        self._rates.append(1.0 if rate is None else rate)
        if self._chance is None:
            classes = number_of_classes(step)
            self._chance = math.log(classes) if classes else None
        if len(self._curve) % 10 or len(self._curve) < 50:
            return None
        self._best = min(self._best, median(self._curve.last(50)))
        greatest = max(self._rates)
        if sum(rate >= 0.1 * greatest for rate in self._rates) < self.patience:
            return None
        start = median(loss for _, loss in self._curve.points[:10])
        chance = self._chance if self._chance is not None and self._chance < 1.1 * start else None
        reference = min(start, chance) if chance is not None else start
        self._learned = self._best < reference - self.gain_at_rest * abs(reference)
        if not self._is_bad(reference, start, guessing=chance is not None):
            return None
        than = "guessing gives" if reference == chance else "the first steps had"
        seen = len(self._curve)
        evidence = f"loss {self._best:.4g} over 50 steps at best, where {than} {reference:.4g}; {seen} steps seen"
        began = self._curve.points[0][0]
        return self.finding(step.step, began, evidence, tensors=["loss"], series={"loss": self._curve.series()})

    def _is_bad(self, reference: float, start: float, *, guessing: bool) -> bool:
        if self._best >= reference - self.gain * abs(reference):
            moves = trend(thinned(self._curve.last(len(self._curve)), 30))
            return not (moves < -3 and start < 1.1 * abs(reference))
        if not guessing or len(self._curve) < self.patience + 50:
            return False
        rests = trend(thinned(self._curve.last(self.patience), 30)) > -2
        return rests and self._best >= reference - self.gain_at_rest * abs(reference)


@dataclass
class Plateau(OnceRule):
    """A remark: over the last ``share`` of the steps the loss has no trend, and going on as long would gain less than
    ``gain`` of where it began.
    """

    least_steps: int = 300
    share: float = 0.3
    gain: float = 0.01
    cause = "The training has converged, or the learning rate no longer fits."
    remedy = "Stop here, or lower the learning rate if it has not been lowered yet."
    _curve: LossCurve = field(default_factory=LossCurve, init=False)

    def look(self, step: StepStatistics) -> Finding | None:
        """See ``OnceRule``."""
        if self._curve.add(step) is None or len(self._curve) < self.least_steps or len(self._curve) % 50:
            return None
        count = int(self.share * len(self._curve))
        points = thinned(self._curve.last(count), 30)
        gain = -slope(points) * len(points)
        if abs(trend(points)) > 2 or gain > self.gain * abs(self._curve.start):
            return None
        evidence = f"loss {median(points):.4g}, unchanged over the last {count} steps of {len(self._curve)}"
        return self.finding(
            step.step, self._curve.points[-count][0], evidence, kind="information", confidence=0.6,
            tensors=["loss"], series={"loss": self._curve.series()},
        )  # fmt: skip


@dataclass
class PoorInitialLoss(OnceRule):
    """The first two losses are above ``classes`` times what guessing gives (the logarithm of the number of
    classes), or above ``variance`` times the variance of what a mean squared error compares with,
    the larger one of both batches.
    """

    classes: float = 1.8
    variance: float = 2.5
    cause = "Weights or inputs are too large: the untrained model is sure of wrong answers."
    remedy = "Normalise the inputs; initialise by the layers' fan-in; begin the last layer small."
    leads_to = BLOWN_UP | DYING
    _losses: list[tuple[int, float]] = field(default_factory=list, init=False)
    _variance: float = field(default=0.0, init=False)

    def look(self, step: StepStatistics) -> Finding | None:
        """See ``OnceRule``."""
        loss = training_loss(step)
        if loss is None or len(self._losses) >= 2:
            return None
        self._losses.append((step.step, loss))
        self._variance = max(self._variance, label_variance(step) or 0.0)
        if len(self._losses) < 2 or loss > 2 * self._losses[0][1]:  # what grows at once did not begin so
            return None
        classes, variance = number_of_classes(step), self._variance or None
        if classes is not None:
            limit, guess = (
                self.classes * math.log(classes),
                f"guessing among {classes} classes gives {math.log(classes):.4g}",
            )
        elif variance is not None:
            limit, guess = self.variance * variance, f"guessing the mean gives {variance:.4g}"
        else:
            return None
        if limit <= 0 or not all(one > limit for _, one in self._losses):
            return None
        evidence = f"the first losses are {self._losses[0][1]:.4g} and {loss:.4g}; {guess}"
        return self.finding(step.step, self._losses[0][0], evidence, tensors=["loss"], confidence=0.7)
