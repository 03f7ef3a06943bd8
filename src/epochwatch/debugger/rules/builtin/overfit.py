"""Overfit: a validation loss that leaves the training loss behind."""

import math
from collections.abc import Iterator

from epochwatch.debugger.rules.builtin import parameter
from epochwatch.debugger.rules.builtin.losses import losses_of
from epochwatch.debugger.rules.builtin.rule import BuiltinRule, Violation


class Overfit(BuiltinRule):
    """The ratio of (mean validation loss - mean training loss) to the mean training loss is above ``ratio_threshold``
    at ``patience`` steps in a row.

    A step counts if it has a validation loss. Its means are of the validation losses since the last training loss, and
    of the training losses between the validation before and this one.
    """

    tensor_regex = parameter.optional_patterns()
    start_step = parameter.integer(0)
    patience = parameter.integer(1, 1)
    ratio_threshold = parameter.number(0.1)

    _training: list[float]
    _validation: list[float]
    _exceeded: int

    def check_parameters(self) -> None:
        """See ``BuiltinRule``."""
        self._training, self._validation, self._exceeded = [], [], 0

    def violations(self, step: int) -> Iterator[Violation]:
        """See ``BuiltinRule``."""
        if step < self.start_step:
            return
        losses = losses_of(self.base_trial, step, self.tensor_regex)
        if losses.training is not None:
            if self._validation:
                self._training, self._validation = [], []
            self._training.append(losses.training)
        if losses.validation is None or not self._training:
            return
        self._validation.append(losses.validation)
        self.looked_at()
        training, validation = (sum(values) / len(values) for values in (self._training, self._validation))
        ratio = _ratio(training, validation)
        self._exceeded = self._exceeded + 1 if ratio > self.ratio_threshold else 0
        if self._exceeded >= self.patience:
            yield Violation(
                "",
                f"the mean validation loss is {validation:.4g} and the mean training loss {training:.4g}: a ratio of "
                f"{ratio:.3g}, above {self.ratio_threshold:g}, at {self._exceeded} steps in a row",
            )


def _ratio(training: float, validation: float) -> float:
    if training == 0:
        return math.copysign(math.inf, validation) if validation else 0.0
    return (validation - training) / abs(training)
