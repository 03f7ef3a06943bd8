"""VanishingGradient: gradients that are next to nothing."""

from collections.abc import Sequence

from epochwatch.debugger.rules.builtin import parameter
from epochwatch.debugger.rules.builtin.rule import TensorRule, selected
from epochwatch.debugger.rules.builtin.saved import absolute_mean
from epochwatch.debugger.tensor import Tensor


class VanishingGradient(TensorRule):
    """The mean of the absolute values of a gradient is below ``threshold``."""

    threshold = parameter.number(1e-7)

    def names(self, step: int) -> Sequence[str]:
        """Those of the collection ``gradients``."""
        return selected(self.base_trial, step, ["gradients"], None)

    def judge(self, tensor: Tensor, step: int, worker: str) -> str | None:
        """See ``TensorRule``."""
        mean = absolute_mean(tensor, step, worker)
        if mean < self.threshold:
            return f"the mean of the absolute values is {mean:.3g}, below {self.threshold:g}"
        return None
