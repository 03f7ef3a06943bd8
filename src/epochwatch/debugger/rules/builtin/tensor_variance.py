"""TensorVariance: variances that are too high or too low."""

from epochwatch.debugger.exceptions import SMDebugValueError
from epochwatch.debugger.rules.builtin import parameter
from epochwatch.debugger.rules.builtin.rule import ChosenTensorsRule
from epochwatch.debugger.rules.builtin.saved import variance
from epochwatch.debugger.tensor import Tensor


class TensorVariance(ChosenTensorsRule):
    """The variance of a tensor is above ``max_threshold`` or below ``min_threshold``."""

    max_threshold = parameter.optional_number()
    min_threshold = parameter.optional_number()

    def check_parameters(self) -> None:
        """See ``BuiltinRule``."""
        super().check_parameters()
        if self.max_threshold is None and self.min_threshold is None:
            raise self.lacks("give max_threshold, min_threshold or both")
        if None not in (self.max_threshold, self.min_threshold) and self._high < self._low:
            raise SMDebugValueError(f"max_threshold ({self._high:g}) is below min_threshold ({self._low:g})")

    @property
    def _high(self) -> float:
        return float("inf") if self.max_threshold is None else self.max_threshold

    @property
    def _low(self) -> float:
        return float("-inf") if self.min_threshold is None else self.min_threshold

    def judge(self, tensor: Tensor, step: int, worker: str) -> str | None:
        """See ``TensorRule``."""
        found = variance(tensor, step, worker)
        if found > self._high:
            return f"its variance is {found:.4g}, above {self._high:g}"
        return f"its variance is {found:.4g}, below {self._low:g}" if found < self._low else None
