"""PoorWeightInitialization: weights that a training cannot start from."""

import math
from collections.abc import Iterator

import numpy as np

from epochwatch.debugger.exceptions import TensorUnavailableForStep
from epochwatch.debugger.rules.builtin import parameter
from epochwatch.debugger.rules.builtin.losses import Best, mean_scalar
from epochwatch.debugger.rules.builtin.rule import BuiltinRule, Violation, selected
from epochwatch.debugger.rules.builtin.saved import value, variance


class PoorWeightInitialization(BuiltinRule):
    """At one of the first ``steps`` that have what it looks at: the largest variance of a layer's activation inputs is
    more than ``threshold`` times the smallest, the 5th and 95th percentiles of a gradient are closer together than
    ``distribution_range``, or the loss has not gone down for ``patience`` steps.
    """

    activation_inputs_regex = parameter.patterns(".*relu_input")
    threshold = parameter.number(10.0, 0)
    distribution_range = parameter.number(0.001, 0)
    patience = parameter.integer(5, 1)
    steps = parameter.integer(10, 1)

    _steps_left: int
    _best: Best

    def check_parameters(self) -> None:
        """See ``BuiltinRule``."""
        self._steps_left, self._best = self.steps, Best()

    def violations(self, step: int) -> Iterator[Violation]:
        """See ``BuiltinRule``."""
        if not self._steps_left:
            return
        inputs = selected(self.base_trial, step, None, self.activation_inputs_regex)
        gradients = selected(self.base_trial, step, ["gradients"], None)
        losses = selected(self.base_trial, step, ["losses"], None)
        if not inputs and not gradients and not losses:
            return
        self._steps_left -= 1
        self.looked_at()
        yield from self._variances(step, inputs)
        yield from self._narrowest_gradient(step, gradients)
        yield from self._loss(step, losses)

    def _variances(self, step: int, names: list[str]) -> Iterator[Violation]:
        found: dict[str, float] = {}
        for name in names:
            tensor = self.base_trial.tensor(name)
            try:
                one = variance(tensor, step, tensor.workers(step)[0])
            except TensorUnavailableForStep:
                continue
            if not math.isnan(one):
                found[name] = one
        if not found:
            return
        least, most = (extreme(found, key=found.__getitem__) for extreme in (min, max))
        if found[most] > self.threshold * found[least]:
            ratio = found[most] / found[least] if found[least] else math.inf
            yield Violation(
                f"{least}, {most}",
                f"their variances are {found[least]:.3g} and {found[most]:.3g}: a ratio of {ratio:.3g}, "
                f"above {self.threshold:g}",
            )

    def _narrowest_gradient(self, step: int, names: list[str]) -> Iterator[Violation]:
        ranges: dict[str, float] = {}
        for name in names:
            tensor = self.base_trial.tensor(name)
            try:
                array = value(tensor, step, tensor.workers(step)[0])
            except TensorUnavailableForStep:
                continue
            if array.size:
                with np.errstate(all="ignore"):
                    low, high = np.percentile(array, [5, 95])
                ranges[name] = float(high - low)
        narrow = min(ranges, key=ranges.__getitem__, default=None)
        if narrow is not None and ranges[narrow] < self.distribution_range:
            yield Violation(
                narrow,
                f"its 5th and 95th percentiles differ by {ranges[narrow]:.3g}, less than {self.distribution_range:g}",
            )

    def _loss(self, step: int, names: list[str]) -> Iterator[Violation]:
        loss = mean_scalar(self.base_trial, names, step)
        if loss is None:
            return
        self._best.add(loss)
        if self._best.since >= self.patience:
            yield Violation(", ".join(names), f"the loss has not gone down for {self._best.since} steps")
