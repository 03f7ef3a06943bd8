"""WeightUpdateRatio: weights that change too much or too little."""

import math
from collections.abc import Sequence
from itertools import takewhile

import numpy as np

from epochwatch.debugger.exceptions import TensorUnavailableForStep
from epochwatch.debugger.mode_keys import ModeKeys
from epochwatch.debugger.rules.builtin import parameter
from epochwatch.debugger.rules.builtin.rule import TensorRule, selected
from epochwatch.debugger.rules.builtin.saved import has_value, statistic, steps_before, value
from epochwatch.debugger.tensor import Tensor


class WeightUpdateRatio(TensorRule):
    """The norm of what weights changed by, divided by their norm before, is above ``large_threshold`` or below
    ``small_threshold``; from the step saved before, or the first of the ``num_steps`` before.

    Where only statistics are saved it is the update of the optimizer's step itself (``update_l2``). Evaluations, in
    which no weight changes, are passed over.
    """

    num_steps = parameter.optional_integer(1)
    large_threshold = parameter.number(10.0)
    small_threshold = parameter.number(1e-8)
    epsilon = parameter.number(1e-9, 0)

    def names(self, step: int) -> Sequence[str]:
        """Those of the collection ``weights`` at a step that trains."""
        if self.base_trial.mode(step) not in (ModeKeys.TRAIN, ModeKeys.GLOBAL):
            return []
        return selected(self.base_trial, step, ["weights"], None)

    def judge(self, tensor: Tensor, step: int, worker: str) -> str | None:
        """See ``TensorRule``."""
        ratio = self._update_ratio(tensor, step, worker)
        if ratio > self.large_threshold:
            return f"the ratio of update to weight is {ratio:.3g}, above {self.large_threshold:g}"
        if ratio < self.small_threshold:
            return f"the ratio of update to weight is {ratio:.3g}, below {self.small_threshold:g}"
        return None

    def _update_ratio(self, tensor: Tensor, step: int, worker: str) -> float:
        if not has_value(tensor, step, worker):
            measured = [statistic(tensor, step, worker, name) for name in ("update_l2", "l2")]
            if measured[0] is None or measured[1] is None:
                raise TensorUnavailableForStep(tensor.name, step)
            return _ratio(measured[0], measured[1], self.epsilon)
        earlier = value(tensor, self._step_before(tensor, step), worker).astype(np.float64)
        current = value(tensor, step, worker).astype(np.float64)
        if earlier.shape != current.shape:
            raise TensorUnavailableForStep(tensor.name, step)
        with np.errstate(all="ignore"):
            update, norm = (float(np.linalg.norm(np.ravel(array))) for array in (current - earlier, earlier))
        return _ratio(update, norm, self.epsilon)

    def _step_before(self, tensor: Tensor, step: int) -> int:
        """Raises TensorUnavailableForStep if none was saved early enough."""
        mode, mode_step = self.base_trial.mode_modestep(step)
        assert mode is not None
        assert mode_step is not None
        earlier = steps_before(tensor, step, mode)
        if self.num_steps is not None:
            first = mode_step - self.num_steps
            near = takewhile(lambda found: (self.base_trial.mode_step(found) or 0) >= first, earlier)
            earlier = iter(list(near)[-1:])
        found = next(earlier, None)
        if found is None:
            raise TensorUnavailableForStep(tensor.name, step)
        return found


def _ratio(update: float, norm: float, epsilon: float) -> float:
    """Infinite where both the norm and epsilon are 0, unless nothing changed."""
    if norm + epsilon == 0:
        return math.inf if update else math.nan
    return update / (norm + epsilon)
