"""AllZero: tensors of nothing but zeros."""

from epochwatch.debugger.rules.builtin import parameter
from epochwatch.debugger.rules.builtin.rule import ChosenTensorsRule
from epochwatch.debugger.rules.builtin.saved import zero_percent
from epochwatch.debugger.tensor import Tensor


class AllZero(ChosenTensorsRule):
    """At least ``threshold`` percent of a tensor's elements are zero."""

    threshold = parameter.number(100.0, 0, 100)

    def judge(self, tensor: Tensor, step: int, worker: str) -> str | None:
        """See ``TensorRule``."""
        percent = zero_percent(tensor, step, worker)
        if percent >= self.threshold:
            return f"{percent:.4g} % of its elements are zero, {self.threshold:g} % or more"
        return None
