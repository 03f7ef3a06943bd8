"""ExplodingTensor: values that are not finite."""

from collections.abc import Sequence

from epochwatch.debugger.rules.builtin import parameter
from epochwatch.debugger.rules.builtin.rule import TensorRule, selected
from epochwatch.debugger.rules.builtin.saved import non_finite
from epochwatch.debugger.tensor import Tensor


class ExplodingTensor(TensorRule):
    """A tensor holds NaN or, unless ``only_nan``, an infinity."""

    collection_names = parameter.names()
    tensor_regex = parameter.optional_patterns()
    only_nan = parameter.flag(False)

    def names(self, step: int) -> Sequence[str]:
        """Those chosen; all if none are."""
        return selected(self.base_trial, step, self.collection_names, self.tensor_regex)

    def judge(self, tensor: Tensor, step: int, worker: str) -> str | None:
        """See ``TensorRule``."""
        nan, infinite = non_finite(tensor, step, worker)
        if nan:
            return "it holds NaN"
        return "it holds infinities" if infinite and not self.only_nan else None
