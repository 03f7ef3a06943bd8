"""SimilarAcrossRuns: what differs between two trainings."""

from collections.abc import Sequence

import numpy as np

from epochwatch.debugger.exceptions import TensorUnavailableForStep
from epochwatch.debugger.rules.builtin import parameter
from epochwatch.debugger.rules.builtin.rule import ChosenTensorsRule
from epochwatch.debugger.source import Array
from epochwatch.debugger.tensor import Tensor
from epochwatch.debugger.trial import Trial


class SimilarAcrossRuns(ChosenTensorsRule):
    """A tensor is not the same in the other trial at the same step, by ``numpy.allclose`` with its own tolerances.

    Only what both saved is compared: values, or else reductions. ``other_trial`` says where the other one is, for who
    opens it; the rule itself takes it opened, as ``other_trials``.
    """

    other_trial = parameter.optional_text()
    needs_choice = False

    def check_parameters(self) -> None:
        """See ``BuiltinRule``."""
        if len(self.other_trials or ()) != 1:
            raise self.lacks("give the trial to compare with, and only one, as other_trial")

    @property
    def _other(self) -> Trial:
        assert self.other_trials is not None
        return self.other_trials[0]

    def names(self, step: int) -> Sequence[str]:
        """Those chosen that both trials saved at the step; waits until the other one has it."""
        self._other.wait_for_steps([step])
        return [name for name in super().names(step) if self._other.has_saved(name, step)]

    def judge(self, tensor: Tensor, step: int, worker: str) -> str | None:
        """See ``TensorRule``."""
        other = self._other.tensor(tensor.name)
        entries = tensor.entry(step, worker=worker), other.entry(step, worker=worker)
        if all(entry.location is not None for entry in entries):
            return _difference(*(one.value(step, worker=worker) for one in (tensor, other)))
        common = set(entries[0].reductions) & set(entries[1].reductions)
        if not common:
            raise TensorUnavailableForStep(tensor.name, step)
        for name, absolute in sorted(common):
            values = (one.reduction_value(step, name, worker=worker, abs=absolute) for one in (tensor, other))
            found = _difference(*map(np.asarray, values))
            if found is not None:
                return f"{'abs_' if absolute else ''}{name}: {found}"
        return None


def _difference(one: Array, other: Array) -> str | None:
    if one.shape != other.shape:
        return f"its shape is {one.shape}, and {other.shape} in the other trial"
    if one.dtype.kind not in "fciub" or other.dtype.kind not in "fciub":
        return None if np.array_equal(one, other) else "it is not the same in the other trial"
    if np.allclose(one, other, equal_nan=True):
        return None
    with np.errstate(all="ignore"):
        most = np.nanmax(np.abs(np.asarray(one, np.complex128) - np.asarray(other, np.complex128)))
    return f"it differs from the other trial by up to {most:.4g}"
