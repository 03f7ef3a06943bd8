"""SaturatedActivation: inputs of tanh and sigmoid at which their slope is next to nothing."""

from collections.abc import Sequence

from epochwatch.debugger.exceptions import SMDebugValueError
from epochwatch.debugger.rules.builtin import parameter
from epochwatch.debugger.rules.builtin.activity import inactive_percent
from epochwatch.debugger.rules.builtin.rule import TensorRule, selected
from epochwatch.debugger.rules.builtin.saved import value
from epochwatch.debugger.tensor import Tensor


class SaturatedActivation(TensorRule):
    """More than ``threshold_layer`` percent of a layer's nodes are saturated: their input lies between the function's
    two thresholds in less than ``threshold_inactivity`` percent of the samples.

    Which function it is the tensor's name says; tensors that name neither are passed over.
    """

    collection_names = parameter.names()
    tensor_regex = parameter.patterns(".*tanh_input|.*sigmoid_input")
    threshold_tanh_min = parameter.number(-9.4999)
    threshold_tanh_max = parameter.number(9.4999)
    threshold_sigmoid_min = parameter.number(-23.0)
    threshold_sigmoid_max = parameter.number(16.99999)
    threshold_inactivity = parameter.number(1.0, 0, 100)
    threshold_layer = parameter.number(50.0, 0, 100)

    def check_parameters(self) -> None:
        """See ``BuiltinRule``."""
        for function, (low, high) in self._thresholds().items():
            if low >= high:
                raise SMDebugValueError(f"threshold_{function}_min ({low:g}) is not below its max ({high:g})")

    def _thresholds(self) -> dict[str, tuple[float, float]]:
        return {
            "tanh": (self.threshold_tanh_min, self.threshold_tanh_max),
            "sigmoid": (self.threshold_sigmoid_min, self.threshold_sigmoid_max),
        }

    def names(self, step: int) -> Sequence[str]:
        """Those chosen that name a function."""
        chosen = selected(self.base_trial, step, self.collection_names, self.tensor_regex)
        return [name for name in chosen if self._function(name)]

    def _function(self, name: str) -> str | None:
        return next((function for function in self._thresholds() if function in name.lower()), None)

    def judge(self, tensor: Tensor, step: int, worker: str) -> str | None:
        """See ``TensorRule``."""
        function = self._function(tensor.name)
        assert function is not None
        low, high = self._thresholds()[function]
        array = value(tensor, step, worker)
        percent = inactive_percent(tensor, step, (array > low) & (array < high), self.threshold_inactivity)
        if percent > self.threshold_layer:
            return (
                f"{percent:.4g} % of its nodes are saturated (input of {function} outside {low:g} to {high:g}), "
                f"more than {self.threshold_layer:g} %"
            )
        return None
