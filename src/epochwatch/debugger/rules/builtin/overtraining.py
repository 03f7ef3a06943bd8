"""Overtraining: a training that goes on without getting better."""

from collections.abc import Iterator

from epochwatch.debugger.rules.builtin import parameter
from epochwatch.debugger.rules.builtin.losses import Best, losses_of
from epochwatch.debugger.rules.builtin.rule import BuiltinRule, Violation


class Overtraining(BuiltinRule):
    """The training loss has not become lower by more than ``delta`` at ``patience_train`` steps, nor the validation
    loss at ``patience_validation`` of its own; of a training without validation the first alone.
    """

    patience_train = parameter.integer(5, 1)
    patience_validation = parameter.integer(10, 1)
    delta = parameter.number(0.01, 0)

    _training: Best
    _validation: Best | None

    def check_parameters(self) -> None:
        """See ``BuiltinRule``."""
        self._training, self._validation = Best(self.delta), None

    def violations(self, step: int) -> Iterator[Violation]:
        """See ``BuiltinRule``."""
        losses = losses_of(self.base_trial, step, None)
        if losses.training is not None:
            self._training.add(losses.training)
        if losses.validation is not None:
            self._validation = self._validation or Best(self.delta)
            self._validation.add(losses.validation)
        if losses.training is None and losses.validation is None:
            return
        self.looked_at()
        if self._training.since < self.patience_train:
            return
        message = (
            f"the training loss is not better than {self._training.value:.4g} since {self._training.since} steps"
        )
        if self._validation is not None:
            if self._validation.since < self.patience_validation:
                return
            message += f", the validation loss than {self._validation.value:.4g} since {self._validation.since}"
        yield Violation("", message)
