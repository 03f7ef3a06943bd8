"""TreeDepth: trees of XGBoost that are too deep."""

import math
from collections.abc import Sequence

from epochwatch.debugger.exceptions import TensorUnavailableForStep
from epochwatch.debugger.rules.builtin import parameter
from epochwatch.debugger.rules.builtin.rule import TensorRule, selected
from epochwatch.debugger.rules.builtin.saved import value
from epochwatch.debugger.tensor import Tensor


class TreeDepth(TensorRule):
    """The base 2 logarithm of a tree's largest node ID is above ``depth``."""

    depth = parameter.number(4.0, 0)

    def names(self, step: int) -> Sequence[str]:
        """The numbers of the nodes in the trees that a step added."""
        return selected(self.base_trial, step, None, ["^trees/Node$"])

    def judge(self, tensor: Tensor, step: int, worker: str) -> str | None:
        """See ``TensorRule``."""
        nodes = value(tensor, step, worker)
        if not nodes.size:
            raise TensorUnavailableForStep(tensor.name, step)
        largest = int(nodes.max())
        depth = math.log2(largest) if largest > 0 else 0.0
        if depth > self.depth:
            return f"the largest node ID is {largest}: a depth of {depth:.3g}, above {self.depth:g}"
        return None
