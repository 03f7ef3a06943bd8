"""Faults that show where the loss on held-out data is compared with that of the training."""

import math
from dataclasses import dataclass, field
from statistics import fmean, median

from epochwatch.debugger.rules.finding import Finding
from epochwatch.debugger.rules.own.effects import OUTCOMES
from epochwatch.debugger.rules.own.loss import Chance, LossCurve
from epochwatch.debugger.rules.own.once import OnceRule
from epochwatch.debugger.rules.own.signals import held_out_loss, learning_rate, training_loss
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
    """The held-out loss is ``risen`` times its best for ``patience`` evaluations and ``gap`` times the training's,
    which falls still; and it has risen by ``floor`` of the loss at the start. Or the training's is below ``by_heart``
    of its start and the held-out one, which falls no more, is above it by ``apart`` of the start.
    """

    risen: float = 1.1
    gap: float = 1.5
    floor: float = 0.05
    by_heart: float = 0.05
    apart: float = 0.25
    patience: int = 3
    cause = "The model learns its training data by heart: too few of them, or too many parameters and passes."
    remedy = "Stop at the best evaluation; more data, augmentation, dropout or weight decay."
    leads_to = frozenset({"NoGeneralisation"})

    def judge(self, step: int) -> Finding | None:
        """See ``_HeldOut``."""
        if len(self._evaluations) <= self.patience:
            return None
        best_step, best = min(self._evaluations, key=lambda pair: pair[1])
        last = self._evaluations[-self.patience :]
        level, start = median(self._train.last(20)), abs(self._train.start)
        apart = last[-1][1] - level
        rises = (
            best_step < last[0][0]
            and all(loss > self.risen * best for _, loss in last)
            and last[-1][1] > self.gap * level
            and last[-1][1] - best > self.floor * start
            and level < self._level_at(best_step)
        )
        rests = max(loss for _, loss in last) - last[-1][1] < 0.02 * start
        if best <= 0 or not (rises or (rests and level < self.by_heart * start and apart > self.apart * start)):
            return None
        evidence = (
            f"held-out loss {last[-1][1]:.4g}, {last[-1][1] / best:.2f} times its best ({best:.4g} at "
            f"step {best_step}), "
            f"while the training loss is {level:.4g}, {self._level_at(best_step):.4g} then"
        )
        return self.finding(step, best_step, evidence, tensors=["loss"], series=self._series())

    def _level_at(self, step: int) -> float:
        before = [loss for number, loss in self._train.points if number <= step][-20:]
        return median(before) if before else self._train.start


@dataclass
class NoGeneralisation(_HeldOut):
    """After ``patience`` evaluations the held-out loss was never below the first by ``gain``, while that of the
    training fell below ``learned`` of its start; or, after ``patience_by_chance`` and as many steps at the full
    learning rate as ``least_steps``, never below what guessing gives, which that of the training is.
    """

    gain: float = 0.02
    learned: float = 0.7
    patience: int = 5
    patience_by_chance: int = 6
    least_steps: int = 150
    cause = (
        "What is learned does not hold elsewhere: labels are wrong or leak into the inputs, or the "
        "held-out data are of another kind."
    )
    remedy = "Compare a batch of both sets as the model gets them: preprocessing, classes, the order of labels."
    leads_to = frozenset({"Overfit", "NeverLearned", "Plateau"})
    _chance: Chance = field(default_factory=Chance, init=False)
    _rates: list[float] = field(default_factory=list, init=False)

    def look(self, step: StepStatistics) -> Finding | None:
        """See ``OnceRule``."""
        if training_loss(step) is not None:
            self._chance.see(step)
            rate = learning_rate(step)
            self._rates.append(1.0 if rate is None else rate)
        return super().look(step)

    def judge(self, step: int) -> Finding | None:
        """See ``_HeldOut``."""
        if len(self._evaluations) < self.patience:
            return None
        first = self._evaluations[0][1]
        best = min(loss for _, loss in self._evaluations[1:])
        fell = best < first - self.gain * abs(first)
        if fell or self._train.fallen_to() > self.learned:
            return self._by_chance(step, min(first, best))
        evidence = (
            f"held-out loss {best:.4g} at best in {len(self._evaluations)} evaluations, {first:.4g} at "
            "the first; the "
            f"training loss fell to {self._train.fallen_to():.0%} of its start"
        )
        return self.finding(step, self._evaluations[0][0], evidence, tensors=["loss"], series=self._series())

    def _by_chance(self, step: int, best: float) -> Finding | None:
        chance = self._chance.loss
        at_full_rate = sum(rate >= 0.1 * max(self._rates) for rate in self._rates)
        waits = len(self._evaluations) < self.patience_by_chance or at_full_rate < self.least_steps
        if waits or chance is None or best < (1 - self.gain) * chance:
            return None
        if median(self._train.last(50)) > (1 - 2 * self.gain) * chance:  # nothing is learned yet that could hold
            return None
        count = len(self._evaluations)
        evidence = f"held-out loss {best:.4g} at best in {count} evaluations, where guessing gives {chance:.4g}"
        return self.finding(step, self._train.points[0][0], evidence, tensors=["loss"], series=self._series())


@dataclass
class UnchangedEvaluation(OnceRule):
    """An evaluation gives the same losses to the last digit, ``times`` in a row: the weights it sees do not change. Or
    evaluations come ``times`` in a row with as long between them as steps took before, and no step is between.
    """

    times: int = 3
    cause = (
        "No step changes the weights that are evaluated: optimizer.step() is not reached, or another copy of the model "
        "is trained."
    )
    remedy = "Follow the loop from backward() to step(); evaluate the model whose parameters the optimizer has."
    leads_to = OUTCOMES - {"UnchangedEvaluation"}
    _phase: list[float] = field(default_factory=list, init=False)
    _phases: list[tuple[int, tuple[float, ...]]] = field(default_factory=list, init=False)
    _first: int = field(default=0, init=False)
    _last: float = field(default=math.nan, init=False)
    _trained: bool = field(default=False, init=False)
    _pauses: list[float] = field(default_factory=list, init=False)
    _alone: list[int] = field(default_factory=list, init=False)
    _gap: float = field(default=0.0, init=False)
    _gap_now: float = field(default=0.0, init=False)
    _longest: int = field(default=1, init=False)
    _length: int = field(default=1, init=False)

    def look(self, step: StepStatistics) -> Finding | None:
        """See ``OnceRule``."""
        if training_loss(step) is not None:
            self._close()
            self._trained = True
            return None
        loss = held_out_loss(step)
        if loss is None or not math.isfinite(loss) or loss == 0:
            return None
        found = self._without_steps(step)
        if found is not None:
            return found
        if self._phase and loss == self._phase[0]:  # the same evaluation again, and no step between
            self._close()
        if not self._phase:
            self._first = step.step
        self._phase.append(loss)
        return self._judge(step.step)

    def _without_steps(self, step: StepStatistics) -> Finding | None:
        """Neither a long evaluation nor one in slow batches: earlier ones say how many and how far apart they are."""
        pause, self._last = step.time - self._last, step.time
        if not math.isfinite(pause):
            return None
        if self._trained:
            self._trained = False
            self._alone.clear()
            self._pauses.append(pause)
            self._gap, self._longest, self._length = self._gap_now, max(self._longest, self._length), 1
            return None
        self._length += 1
        between = len(self._pauses) >= 2 and pause > max(0.5 * median(self._pauses), 3 * self._gap)
        if between and self._length > self._longest:
            self._alone.append(step.step)
        else:
            self._gap_now = max(self._gap_now, pause)
        if len(self._alone) < self.times:
            return None
        evidence = (
            f"{self.times} evaluations came as far apart as with training between, {median(self._pauses):.2g} s, "
            "and no step was taken"
        )
        return self.finding(step.step, self._alone[0], evidence, tensors=["loss"], confidence=0.9)

    def _close(self) -> None:
        if self._phase:
            self._phases = [*self._phases[-self.times :], (self._first, tuple(self._phase))]
            self._phase = []

    def _judge(self, step: int) -> Finding | None:
        same = [
            first
            for first, losses in self._phases[1 - self.times :]
            if len(losses) == len(self._phase) and losses == tuple(self._phase)
        ]
        if len(same) < self.times - 1:
            return None
        evidence = (
            f"the held-out loss was {self._phase[0]:.8g} at {self.times} evaluations in a row, to the last digit"
        )
        return self.finding(step, same[0], evidence, tensors=["loss"], confidence=0.9)
