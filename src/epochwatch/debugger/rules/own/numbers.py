"""Numbers that are none: where the first NaN or infinity came from."""

import math
from collections import deque
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from epochwatch.debugger.rules.finding import Finding
from epochwatch.debugger.rules.own.effects import ANYTHING, OUTCOMES
from epochwatch.debugger.rules.own.once import OnceRule
from epochwatch.debugger.rules.own.signals import (
    gradient_norm,
    is_data,
    is_gradient,
    is_input,
    is_labels,
    is_output,
    training_loss,
)
from epochwatch.debugger.rules.stream import StepStatistics

_STAGES: Final = ("an input", "a module's output", "the loss", "a gradient", "a parameter")


@dataclass
class NonFinite(OnceRule):
    """NaN or infinity that does harm, and which tensor had it first. Gradients that are not finite for fewer than
    ``patience`` steps in a row while loss and parameters are finite are those a loss scaler skips. A loss or a gradient
    norm beyond ``edge``, whose square single precision cannot hold, is as bad.
    """

    patience: int = 5
    edge: float = 1e18
    cause = "A value left the range of its type: a division by zero, a logarithm of zero, or growth without bound."
    remedy = "Look at the tensor named first. A lower learning rate, clipping, or an epsilon usually ends it."
    leads_to = ANYTHING - {"NonFinite"}
    _skipped: list[int] = field(default_factory=list, init=False)

    def look(self, step: StepStatistics) -> Finding | None:
        """See ``OnceRule``."""
        bad = np.flatnonzero(np.nan_to_num(step.column("nans")) + np.nan_to_num(step.column("infs")))
        names = [step.names[place] for place in bad]
        lone = gradient_norm(step)
        loss = training_loss(step)
        if loss is not None and not abs(loss) < self.edge:
            names.append("loss")
        elif lone is not None and self.edge <= lone < math.inf:
            names.append("gradient_norm")
        elif not [name for name in names if not is_gradient(name)]:
            if not names and (lone is None or math.isfinite(lone)):
                self._skipped.clear()
                return None
            self._skipped.append(step.step)
            if len(self._skipped) < self.patience:
                return None
            names = names or ["gradient_norm"]
        names.sort(key=_stage)
        return self._finding(step, names)

    def _finding(self, step: StepStatistics, names: list[str]) -> Finding:
        first = names[0]
        stage = _stage(first)
        count = ""
        if first in step.names:
            place = step.names.index(first)
            nans, infs = step.column("nans")[place], step.column("infs")[place]
            count = f": {nans:.0f} NaN and {infs:.0f} infinite of {step.column('size')[place]:.0f} elements"
        others = f"; {len(names) - 1} more tensors have some" if len(names) > 1 else ""
        began = self._skipped[0] if self._skipped else step.step
        found = _CAUSES.get(stage)
        return self.finding(
            step.step, began, f"first {first}, {_STAGES[stage]}, is not finite{count}{others}", tensors=names[:10],
            confidence=0.95, cause=found and found[0], remedy=found and found[1],
        )  # fmt: skip


_CAUSES: Final = {
    0: ("The data have NaN or infinity.", "Find and drop or repair the samples; check the preprocessing."),
    4: (
        "An optimizer's step wrote what is not finite.",
        "Check the optimizer's epsilon and weight decay, and what other code writes to the parameters.",
    ),
}


def _stage(name: str) -> int:
    """Place in the order of a step: what is earlier makes the rest bad."""
    if is_input(name) or is_labels(name):
        return 0
    if is_output(name) or is_data(name) or "_input_" in name:
        return 1
    if name == "loss":
        return 2
    return 3 if is_gradient(name) or name == "gradient_norm" else 4


@dataclass
class SkippedSteps(OnceRule):
    """Steps whose gradients are not finite, as a loss scaler skips them: more than ``share`` of the last
    ``window``.
    """

    share: float = 0.2
    window: int = 50
    cause = "The loss scale of half precision cannot settle: gradients overflow at each scale that is tried."
    remedy = "Use bfloat16, or find the layer whose gradients overflow; a lower learning rate or clipping may do."
    leads_to = OUTCOMES
    _bad: deque[tuple[int, bool]] = field(default_factory=deque, init=False)

    def look(self, step: StepStatistics) -> Finding | None:
        """See ``OnceRule``."""
        norm = gradient_norm(step)
        if norm is None:
            return None
        self._bad.append((step.step, not math.isfinite(norm)))
        if len(self._bad) <= self.window:
            return None
        self._bad.popleft()
        bad = [number for number, skipped in self._bad if skipped]
        if len(bad) <= self.share * self.window:
            return None
        evidence = f"in {len(bad)} of the last {self.window} steps the gradients were not finite"
        return self.finding(step.step, bad[0], evidence, tensors=["gradient_norm"])
