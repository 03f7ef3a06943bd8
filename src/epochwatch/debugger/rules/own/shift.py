"""A loss that is another from one step to the next."""

from dataclasses import dataclass, field
from statistics import median

from epochwatch.debugger.rules.finding import Finding
from epochwatch.debugger.rules.own.effects import ANYTHING
from epochwatch.debugger.rules.own.loss import LossCurve
from epochwatch.debugger.rules.own.once import OnceRule
from epochwatch.debugger.rules.own.robust import median_and_spread
from epochwatch.debugger.rules.own.signals import learning_rate
from epochwatch.debugger.rules.stream import StepStatistics


@dataclass
class LossShift(OnceRule):
    """From one step on, each of ``patience`` losses is above all of the ``window`` before, by ``spreads`` of theirs and
    ``lost`` of all that had been gained, while the learning rate has not risen.
    """

    window: int = 30
    patience: int = 5
    spreads: float = 5.0
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
        count = self.window + self.patience
        if len(self._curve) < count:
            return None
        losses, rates = self._curve.last(count), self._rates[-count:]
        before, after = losses[: self.window], losses[self.window :]
        middle, spread = median_and_spread(before)
        gained = self._curve.start - middle
        if (
            min(after) <= max(before)
            or min(after) - middle < self.spreads * spread
            or gained < 0.1 * abs(self._curve.start)
            or median(after) - middle < self.lost * gained
            or max(rates[self.window - 10 :]) > 1.5 * min(rates[: self.window])
        ):
            return None
        began = self._curve.points[-self.patience][0]
        evidence = (
            f"the loss was {middle:.4g} in the median of {self.window} steps and is {median(after):.4g} since step "
            f"{began}, at each step above all of those"
        )
        return self.finding(
            step.step, began, evidence, tensors=["loss"], series={"loss": self._curve.series()}, confidence=0.85
        )
