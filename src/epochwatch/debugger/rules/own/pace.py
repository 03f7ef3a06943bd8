"""Faults of the machine, as far as the time from step to step shows them."""

import math
from dataclasses import dataclass, field
from statistics import median

from epochwatch.debugger.rules.finding import Finding
from epochwatch.debugger.rules.own.once import OnceRule
from epochwatch.debugger.rules.own.robust import thinned, trend
from epochwatch.debugger.rules.own.signals import training_loss
from epochwatch.debugger.rules.stream import StepStatistics


@dataclass
class SlowSteps(OnceRule):
    """A remark: a step takes ``times`` as long in the median over ``window`` steps as it did over as many after the
    first ten, and ``least_seconds`` longer. The evidence says whether steps became slow at once or more and more.
    """

    times: float = 3.0
    least_seconds: float = 0.01
    window: int = 50
    cause = "Steps wait: the loader or a disk has become slow, the machine is shared, or its clock is lowered."
    remedy = (
        "Look at what the step waits for with the profiler, and at the host's CPU, disk and memory at that time."
    )
    _seconds: list[tuple[int, float]] = field(default_factory=list, init=False)
    _usual: float | None = field(default=None, init=False)

    def look(self, step: StepStatistics) -> Finding | None:
        """See ``OnceRule``."""
        taken = step.scalars.get("step_seconds")
        if training_loss(step) is None or taken is None or not math.isfinite(taken):
            return None
        self._seconds.append((step.step, taken))
        last = [value for _, value in self._seconds[-self.window :]]
        if len(self._seconds) < 10 + self.window:
            return None
        if self._usual is None:
            self._usual = median(last)
        now, usual = median(last), self._usual
        if now < max(self.times * usual, usual + self.least_seconds):
            return None
        began = next(number for number, value in self._seconds[10:] if value > (usual + now) / 2)
        grows = trend(thinned([value for number, value in self._seconds if number >= began], 30)) > 5
        evidence = (
            f"a step takes {now:.3g} s, {usual:.3g} s at first; {'more and more' if grows else 'since it began'}"
        )
        return self.finding(
            step.step, began, evidence, kind="information",
            tensors=["step_seconds"], confidence=0.7,
            series={"step seconds": self._seconds[-400:]},
            cause="Each step does more than the last: what is kept of earlier steps grows, or memory runs short."
            if grows else None,
            remedy="Look for lists that keep losses with their graphs, and at the memory of the process over time."
            if grows else None,
        )  # fmt: skip
