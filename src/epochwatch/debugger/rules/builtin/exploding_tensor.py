"""ExplodingTensor: values that are not finite."""

from epochwatch.debugger.rules.builtin import parameter
from epochwatch.debugger.rules.builtin.rule import ChosenTensorsRule
from epochwatch.debugger.rules.builtin.saved import non_finite
from epochwatch.debugger.tensor import Tensor


class ExplodingTensor(ChosenTensorsRule):
    """A tensor holds NaN or, unless ``only_nan``, an infinity."""

    needs_choice = False
    only_nan = parameter.flag(False)

    def judge(self, tensor: Tensor, step: int, worker: str) -> str | None:
        """See ``TensorRule``."""
        nan, infinite = non_finite(tensor, step, worker)
        if nan:
            return "it holds NaN"
        return "it holds infinities" if infinite and not self.only_nan else None
