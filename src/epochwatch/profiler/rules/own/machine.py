"""What a node's samples say over the whole of a training."""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from epochwatch.profiler.profile import Profile, Span
from epochwatch.profiler.rules.builtin.rule import device_of

_SECOND: Final = 1_000_000
_MEANS: Final = (
    "cpu.busy",
    "cpu.iowait",
    "cpu.limit",
    "cpu.throttled",
    "memory.percent",
    "memory.limit",
    "memory.cache",
    "pressure.io.some",
    "pressure.memory.some",
    "job.cpu",
    "job.read",
)
MEMORIES: Final = ("job.rss", "job.pss", "memory.used")
"""Of these the first that was measured tells what the training holds."""

Curve = tuple[NDArray[np.int64], NDArray[np.float64]]
"""(Unix microseconds, values)."""


@dataclass
class Machine:
    """Means over the time in which the training took steps."""

    cores: int = 0
    means: dict[str, float] = field(default_factory=dict)
    least: dict[str, Curve] = field(default_factory=dict)
    """By column of memory: the least of each second, ten seconds or minute."""
    energy: float | None = None
    """Joules of its GPUs over the whole profile; None where their power was not measured."""

    def mean(self, column: str) -> float:
        """0 of what was not measured."""
        return self.means.get(column, 0.0)

    @property
    def capacity(self) -> float:
        """Cores that the training may use."""
        limit = self.means.get("cpu.limit", float("nan"))
        return min(self.cores, limit / 100) if limit > 0 else float(self.cores)

    def gpus(self, measure: str) -> dict[int, float]:
        """The mean of one measure of each GPU."""
        found = {device_of(column, "gpu", measure): mean for column, mean in self.means.items()}
        return {number: mean for number, mean in found.items() if number is not None}


def watched(profile: Profile, node: str, span: Span, first_step: int, seconds: int) -> Machine:
    """A node from the first step on, in summaries of so many seconds."""
    samples = profile.system(node, span, _is_wanted, seconds)
    machine = Machine()
    if not len(samples.times):
        return machine
    steps = samples.times >= first_step - first_step % (seconds * _SECOND)
    weights = samples.seconds.astype(np.float64)
    for name, column in samples.values.items():
        measured, _, kind = name.rpartition(".")
        known = ~np.isnan(column)
        if kind == "mean":
            machine.cores += device_of(measured, "cpu", "busy") is not None
            chosen = known & steps
            if chosen.any():
                machine.means[measured] = float(np.average(column[chosen], weights=weights[chosen]))
            if device_of(measured, "gpu", "power") is not None:
                machine.energy = (machine.energy or 0.0) + float(column[known] @ weights[known])
        elif kind == "min" and known.any() and _is_memory(measured):
            machine.least[measured] = (samples.times[known], column[known].astype(np.float64))
    return machine


def _is_wanted(column: str) -> bool:
    return (
        column in (*_MEANS, *MEMORIES) or column.startswith("gpu.") or device_of(column, "cpu", "busy") is not None
    )


def _is_memory(column: str) -> bool:
    return column in MEMORIES or device_of(column, "gpu", "memory.used") is not None
