"""UnchangedTensor: tensors that stay as they are."""

from collections.abc import Sequence
from itertools import islice

import numpy as np

from epochwatch.debugger.exceptions import TensorUnavailableForStep
from epochwatch.debugger.rules.builtin import parameter
from epochwatch.debugger.rules.builtin.rule import TensorRule, selected
from epochwatch.debugger.rules.builtin.saved import steps_before, value
from epochwatch.debugger.tensor import Tensor


class UnchangedTensor(TensorRule):
    """``numpy.allclose`` holds between a tensor and itself at each of the ``num_steps`` last steps that have it."""

    collection_names = parameter.names()
    tensor_regex = parameter.optional_patterns()
    num_steps = parameter.integer(3, 2)
    rtol = parameter.number(1e-5, 0)
    atol = parameter.number(1e-8, 0)
    equal_nan = parameter.flag(False)

    def check_parameters(self) -> None:
        """See ``BuiltinRule``."""
        if self.collection_names is None and self.tensor_regex is None:
            raise self.lacks("give collection_names or tensor_regex")

    def names(self, step: int) -> Sequence[str]:
        """Those chosen."""
        return selected(self.base_trial, step, self.collection_names, self.tensor_regex)

    def judge(self, tensor: Tensor, step: int, worker: str) -> str | None:
        """See ``TensorRule``."""
        current = value(tensor, step, worker)
        earlier = list(islice(steps_before(tensor, step), self.num_steps - 1))
        if len(earlier) < self.num_steps - 1:
            raise TensorUnavailableForStep(tensor.name, step)
        for before in earlier:
            other = value(tensor, before, worker)
            if other.shape != current.shape or not np.allclose(
                current, other, rtol=self.rtol, atol=self.atol, equal_nan=self.equal_nan
            ):
                return None
        return f"it has not changed since step {earlier[-1]}, at {self.num_steps} steps that have it"
