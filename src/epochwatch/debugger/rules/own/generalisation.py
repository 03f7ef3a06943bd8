"""Faults that show where the loss on held-out data is compared with that of the training."""

import math
from dataclasses import dataclass, field
from statistics import fmean, median

from epochwatch.debugger.rules.finding import Finding
from epochwatch.debugger.rules.own.loss import LossCurve
from epochwatch.debugger.rules.own.once import OnceRule
from epochwatch.debugger.rules.own.signals import held_out_loss
from epochwatch.debugger.rules.stream import StepStatistics


@dataclass
class _HeldOut(OnceRule):
    """Sums up the steps of an evaluation: it is over when a step trains again."""

    _train: LossCurve = field(default_factory=LossCurve, init=False)
    _evaluations: list[tuple[int, float]] = field(default_factory=list, init=False)
    _going_on: list[float] = field(default_factory=list, init=False)
    _step: int = field(default=0, init=False)

    def look(self, step: StepStatistics) -> Finding | None:
        """See ``OnceRule``."""
        trained = self._train.add(step)
        loss = held_out_loss(step)
        if trained is None:
            if loss is not None and math.isfinite(loss):
                self._going_on.append(loss)
                self._step = step.step
            return None
        if self._going_on:  # of the steps before this one
            self._evaluations.append((self._step, fmean(self._going_on)))
            self._going_on.clear()
            return self.judge(step.step)
        if loss is not None and math.isfinite(loss):  # saved with the step that trained
            self._evaluations.append((step.step, loss))
            return self.judge(step.step)
        return None

    def judge(self, step: int) -> Finding | None:
        """What there is to say after an evaluation."""
        raise NotImplementedError

    def _series(self) -> dict[str, list[tuple[int, float]]]:
        return {"training loss": list(self._train.series()), "held-out loss": list(self._evaluations)}


@dataclass
class Overfit(_HeldOut):
    """The held-out loss is ``risen`` times its best for ``patience`` evaluations and ``gap`` times the
    training's, which falls still; and the gap is ``floor`` of the loss at the start.
    """

    risen: float = 1.1
    gap: float = 1.5
    floor: float = 0.05
    patience: int = 3
    cause = "The model learns its training data by heart: too few of them, or too many parameters and passes."
    remedy = "Stop at the best evaluation; more data, augmentation, dropout or weight decay."

    def judge(self, step: int) -> Finding | None:
        """See ``_HeldOut``."""
        if len(self._evaluations) <= self.patience:
            return None
        best_step, best = min(self._evaluations, key=lambda pair: pair[1])
        last = self._evaluations[-self.patience :]
        level = median(self._train.last(20))
        apart = last[-1][1] - level
        if not (
            best > 0
            and best_step < last[0][0]
            and all(loss > self.risen * best for _, loss in last)
            and last[-1][1] > self.gap * level
            and apart > self.floor * abs(self._train.start)
            and level < self._level_at(best_step)
        ):
            return None
        evidence = (
            f"held-out loss {last[-1][1]:.4g}, {last[-1][1] / best:.2f} times its best ({best:.4g} at "
            f"step {best_step}), "
            f"while the training loss fell from {self._level_at(best_step):.4g} to {level:.4g}"
        )
        return self.finding(step, best_step, evidence, tensors=["loss"], series=self._series())

    def _level_at(self, step: int) -> float:
        before = [loss for number, loss in self._train.points if number <= step][-20:]
        return median(before) if before else self._train.start


@dataclass
class NoGeneralisation(_HeldOut):
    """After ``patience`` evaluations the held-out loss was never below the first by ``gain``, while that of
    the training fell below ``learned`` of its start.
    """

    gain: float = 0.02
    learned: float = 0.7
    patience: int = 5
    cause = (
        "What is learned does not hold elsewhere: labels are wrong or leak into the inputs, or the "
        "held-out data are of another kind."
    )
    remedy = "Compare a batch of both sets as the model gets them: preprocessing, classes, the order of labels."
    leads_to = frozenset({"Overfit"})

    def judge(self, step: int) -> Finding | None:
        """See ``_HeldOut``."""
        if len(self._evaluations) < self.patience:
            return None
        first = self._evaluations[0][1]
        best = min(loss for _, loss in self._evaluations[1:])
        if best < first - self.gain * abs(first) or self._train.fallen_to() > self.learned:
            return None
        evidence = (
            f"held-out loss {best:.4g} at best in {len(self._evaluations)} evaluations, {first:.4g} at "
            "the first; the "
            f"training loss fell to {self._train.fallen_to():.0%} of its start"
        )
        return self.finding(step, self._evaluations[0][0], evidence, tensors=["loss"], series=self._series())
