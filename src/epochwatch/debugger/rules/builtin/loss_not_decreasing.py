"""LossNotDecreasing: losses that do not go down fast enough."""

import math
from collections.abc import Iterator

from epochwatch.debugger.mode_keys import ModeKeys
from epochwatch.debugger.rules.builtin import parameter
from epochwatch.debugger.rules.builtin.losses import scalar
from epochwatch.debugger.rules.builtin.rule import BuiltinRule, Violation, selected
from epochwatch.debugger.rules.builtin.saved import steps_before
from epochwatch.debugger.tensor import Tensor

_ORDER = (ModeKeys.EVAL, ModeKeys.TRAIN, ModeKeys.GLOBAL)


class LossNotDecreasing(BuiltinRule):
    """A loss is lower by less than ``diff_percent`` than at the last step at least ``num_steps`` before, or higher by
    more than ``increase_threshold_percent``. It is looked at again after ``num_steps`` at the earliest.

    Steps are those of ``mode``; if none is given, of the first of EVAL, TRAIN and GLOBAL in which the loss was saved.
    """

    collection_names = parameter.names()
    tensor_regex = parameter.optional_patterns()
    use_losses_collection = parameter.flag(True)
    num_steps = parameter.integer(10, 1)
    diff_percent = parameter.number(0.1, 0, 100, open_ends=True)
    increase_threshold_percent = parameter.number(5.0, 0, 100, open_ends=True)
    mode = parameter.choice("EVAL", "TRAIN", "GLOBAL")

    _looked_at_step: dict[tuple[str, ModeKeys], int]

    def check_parameters(self) -> None:
        """See ``BuiltinRule``."""
        self._looked_at_step = {}
        if not (self.collection_names or self.tensor_regex or self.use_losses_collection):
            raise self.lacks("give collection_names or tensor_regex, or leave use_losses_collection on")

    def violations(self, step: int) -> Iterator[Violation]:
        """See ``BuiltinRule``."""
        collections = (*(self.collection_names or ()), *(["losses"] if self.use_losses_collection else []))
        names_by_mode = {mode: set(self.base_trial.tensor_names(mode=mode)) for mode in _ORDER}
        for name in selected(self.base_trial, step, collections, self.tensor_regex):
            tensor = self.base_trial.tensor(name)
            mode = (
                next(mode for mode in _ORDER if name in names_by_mode[mode])
                if self.mode is None
                else ModeKeys[self.mode]
            )
            if mode not in (ModeKeys.GLOBAL, self.base_trial.mode(step)):
                continue
            before = self._step_to_compare(tensor, step, mode)
            values = [scalar(self.base_trial, name, one) for one in (before, step) if one is not None]
            if len(values) == 2 and values[0] is not None and values[1] is not None:
                self.looked_at()
                found = self._judged(values[0], values[1])
                if found:
                    yield Violation(name, f"{found} since step {before}")

    def _step_to_compare(self, tensor: Tensor, step: int, mode: ModeKeys) -> int | None:
        """The global step to compare with; None if it is not time yet. Notes that the step is looked at."""
        shown = self._number(step, mode)
        key = tensor.name, mode
        if key in self._looked_at_step and shown < self._looked_at_step[key] + self.num_steps:
            return None
        early_enough = (
            one for one in steps_before(tensor, step, mode) if self._number(one, mode) <= shown - self.num_steps
        )
        found = next(early_enough, None)
        if found is not None:
            self._looked_at_step[key] = shown
        return found

    def _number(self, step: int, mode: ModeKeys) -> int:
        number = step if mode is ModeKeys.GLOBAL else self.base_trial.mode_step(step)
        assert number is not None
        return number

    def _judged(self, before: float, loss: float) -> str | None:
        if math.isnan(before):
            return None
        percent = _decrease_percent(before, loss)
        if loss > before:
            if -percent <= self.increase_threshold_percent:
                return None
            return f"the loss rose from {before:.6g} to {loss:.6g}, by more than {self.increase_threshold_percent:g} %"
        if percent >= self.diff_percent:
            return None
        return f"the loss went from {before:.6g} to {loss:.6g}: not {self.diff_percent:g} % lower"


def _decrease_percent(before: float, loss: float) -> float:
    """NaN for a loss that is NaN."""
    if before == loss:
        return 0.0
    if math.isinf(before):
        return math.inf if before > loss else -math.inf
    return 100.0 * (before - loss) / abs(before) if before else math.copysign(math.inf, before - loss)
