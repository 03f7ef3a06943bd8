"""DeadRelu: rectified linear units that are never active."""

from collections.abc import Sequence

from epochwatch.debugger.rules.builtin import parameter
from epochwatch.debugger.rules.builtin.activity import inactive_percent
from epochwatch.debugger.rules.builtin.rule import TensorRule, selected
from epochwatch.debugger.rules.builtin.saved import value
from epochwatch.debugger.tensor import Tensor


class DeadRelu(TensorRule):
    """More than ``threshold_layer`` percent of a layer's units are dead: their output is above zero in less than
    ``threshold_inactivity`` percent of the samples.
    """

    tensor_regex = parameter.patterns(".*relu_output")
    threshold_inactivity = parameter.number(1.0, 0, 100)
    threshold_layer = parameter.number(50.0, 0, 100)

    def names(self, step: int) -> Sequence[str]:
        """The outputs chosen."""
        return selected(self.base_trial, step, None, self.tensor_regex)

    def judge(self, tensor: Tensor, step: int, worker: str) -> str | None:
        """See ``TensorRule``."""
        active = value(tensor, step, worker) > 0
        percent = inactive_percent(tensor, step, active, self.threshold_inactivity)
        if percent > self.threshold_layer:
            return f"{percent:.4g} % of its units are dead, more than {self.threshold_layer:g} %"
        return None
