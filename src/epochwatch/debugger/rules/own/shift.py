"""A loss that is another from one step to the next."""

from dataclasses import dataclass, field
from statistics import median

from epochwatch.debugger.rules.finding import Finding
from epochwatch.debugger.rules.own.effects import ANYTHING
from epochwatch.debugger.rules.own.loss import LossCurve
from epochwatch.debugger.rules.own.once import OnceRule
from epochwatch.debugger.rules.own.robust import median_and_spread, rank_distance
from epochwatch.debugger.rules.own.signals import learning_rate
from epochwatch.debugger.rules.stream import StepStatistics


@dataclass
class LossShift(OnceRule):
    """From one step on the loss is another, while the learning rate has not risen: each of ``patience`` losses is above
    all of the ``window`` before and ``spreads`` of theirs away; or ``patience_in_noise`` losses are above them by the
    rank test of Mann and Whitney, with a z of ``certain``. And ``lost`` of all that had been gained is lost.
    """

    window: int = 30
    patience: int = 5
    patience_in_noise: int = 10
    spreads: float = 5.0
    certain: float = 4.2
    lost: float = 0.3
    cause = (
        "What the model is fed changed at this step: other files or workers, labels of other inputs, another "
        "preprocessing; or other weights were loaded."
    )
    remedy = "Compare batches from before and after this step as the model gets them, inputs with their labels."
    leads_to = ANYTHING - {"LossShift"}
    _curve: LossCurve = field(default_factory=LossCurve, init=False)
    _rates: list[float] = field(default_factory=list, init=False)

    def look(self, step: StepStatistics) -> Finding | None:
        """See ``OnceRule``."""
        if self._curve.add(step) is None:
            return None
        rate = learning_rate(step)
        self._rates.append(0.0 if rate is None else rate)
        return self._judge(step, self.patience) or self._judge(step, self.patience_in_noise)

    def _judge(self, step: StepStatistics, patience: int) -> Finding | None:
        count = self.window + patience
        if len(self._curve) < count:
            return None
        losses, rates = self._curve.last(count), self._rates[-count:]
        before, after = losses[: self.window], losses[self.window :]
        middle, spread = median_and_spread(before)
        gained = self._curve.start - middle
        far = min(after) > max(before) and min(after) - middle > self.spreads * spread
        if (
            gained < 0.1 * abs(self._curve.start)
            or median(after) - middle < self.lost * gained
            or max(rates[self.window - 10 :]) > 1.5 * min(rates[: self.window])
            or not (far or (patience == self.patience_in_noise and rank_distance(after, before) > self.certain))
        ):
            return None
        began = self._curve.points[-patience][0]
        evidence = (
            f"the loss was {middle:.4g} in the median of {self.window} steps and is {median(after):.4g} since step "
            f"{began}"
        )
        return self.finding(
            step.step, began, evidence, tensors=["loss"], series={"loss": self._curve.series()}, confidence=0.85
        )
