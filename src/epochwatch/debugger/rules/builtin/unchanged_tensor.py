"""UnchangedTensor: tensors that stay as they are."""

from itertools import islice

import numpy as np

from epochwatch.debugger.exceptions import TensorUnavailableForStep
from epochwatch.debugger.rules.builtin import parameter
from epochwatch.debugger.rules.builtin.rule import ChosenTensorsRule
from epochwatch.debugger.rules.builtin.saved import steps_before, value
from epochwatch.debugger.tensor import Tensor


class UnchangedTensor(ChosenTensorsRule):
    """``numpy.allclose`` holds between a tensor and itself at each of the ``num_steps`` last steps that have it."""

    num_steps = parameter.integer(3, 2)
    rtol = parameter.number(1e-5, 0)
    atol = parameter.number(1e-8, 0)
    equal_nan = parameter.flag(False)

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
