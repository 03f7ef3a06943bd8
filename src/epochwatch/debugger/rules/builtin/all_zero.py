"""AllZero: tensors of nothing but zeros."""

from collections.abc import Sequence

from epochwatch.debugger.rules.builtin import parameter
from epochwatch.debugger.rules.builtin.rule import TensorRule, selected
from epochwatch.debugger.rules.builtin.saved import zero_percent
from epochwatch.debugger.tensor import Tensor


class AllZero(TensorRule):
    """At least ``threshold`` percent of a tensor's elements are zero."""

    collection_names = parameter.names()
    tensor_regex = parameter.optional_patterns()
    threshold = parameter.number(100.0, 0, 100)

    def check_parameters(self) -> None:
        """See ``BuiltinRule``."""
        if self.collection_names is None and self.tensor_regex is None:
            raise self.lacks("give collection_names or tensor_regex")

    def names(self, step: int) -> Sequence[str]:
        """Those chosen."""
        return selected(self.base_trial, step, self.collection_names, self.tensor_regex)

    def judge(self, tensor: Tensor, step: int, worker: str) -> str | None:
        """See ``TensorRule``."""
        percent = zero_percent(tensor, step, worker)
        if percent >= self.threshold:
            return f"{percent:.4g} % of its elements are zero, {self.threshold:g} % or more"
        return None
