"""NLPSequenceRatio: sequences that are made of one token for the most part."""

from collections.abc import Sequence

import numpy as np

from epochwatch.debugger.exceptions import SMDebugValueError, TensorUnavailableForStep
from epochwatch.debugger.rules.builtin import parameter
from epochwatch.debugger.rules.builtin.rule import TensorRule, selected
from epochwatch.debugger.rules.builtin.saved import value
from epochwatch.debugger.tensor import Tensor


class NLPSequenceRatio(TensorRule):
    """Of the elements of an input more than a percentage (``token_thresholds_percent``) are one of ``token_values``."""

    tensor_regex = parameter.patterns(".*embedding0_input_0")
    token_values = parameter.numbers(0.0)
    token_thresholds_percent = parameter.numbers(50.0, 0, 100)

    def check_parameters(self) -> None:
        """See ``BuiltinRule``."""
        if len(self.token_values) != len(self.token_thresholds_percent):
            raise SMDebugValueError(
                f"token_thresholds_percent has {len(self.token_thresholds_percent)} thresholds for "
                f"{len(self.token_values)} token_values: give one for each"
            )

    def names(self, step: int) -> Sequence[str]:
        """The inputs chosen."""
        return selected(self.base_trial, step, None, self.tensor_regex)

    def judge(self, tensor: Tensor, step: int, worker: str) -> str | None:
        """See ``TensorRule``."""
        tokens = value(tensor, step, worker)
        if not tokens.size:
            raise TensorUnavailableForStep(tensor.name, step)
        for token, threshold in zip(self.token_values, self.token_thresholds_percent, strict=True):
            percent = 100.0 * np.count_nonzero(tokens == token) / tokens.size
            if percent > threshold:
                return f"{percent:.4g} % of it is the token {token:g}, more than {threshold:g} %"
        return None
