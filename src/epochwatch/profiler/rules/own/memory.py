"""Memory that only grows."""

from collections.abc import Iterator
from itertools import combinations
from typing import Final

import numpy as np
from numpy.typing import NDArray

from epochwatch.profiler.rules.own.evidence import Evidence
from epochwatch.profiler.rules.own.finding import ProfilerFinding
from epochwatch.profiler.rules.own.machine import MEMORIES, Curve, Machine

_SECOND: Final = 1_000_000
_WARM_UP: Final = 0.25
"""Share of the training's loop in which memory may grow: caches, buffers, workers."""
_POINTS: Final = 100
_LEAST_POINTS: Final = 6
_LEAST_STEPS: Final = 20
_GROWTH: Final = 0.1
_LEAST_BYTES: Final = 32 << 20
_RISING: Final = 0.8
"""Share of all pairs of points of which the later one is higher."""
_STILL: Final = 0.3
"""Of the whole slope: that of the second half."""


def leaks(evidence: Evidence) -> Iterator[ProfilerFinding]:
    """``MemoryLeak``: the least that a node's training, or one of its GPUs, holds rises from one end of the training to
    the other.
    """
    if evidence.steps < _LEAST_STEPS:
        return
    for node, machine in sorted(evidence.machines.items()):
        measured = next((name for name in MEMORIES if name in machine.least), None)
        gpus = [name for name in sorted(machine.least) if name.startswith("gpu.")]
        for name in [*([measured] if measured else []), *gpus]:
            finding = _leak(evidence, node, machine, name)
            if finding is not None:
                yield finding


def _leak(evidence: Evidence, node: str, machine: Machine, name: str) -> ProfilerFinding | None:
    processes = evidence.processes.values()
    start, end = min(one.start for one in processes), max(one.end for one in processes)
    last = end - evidence.bin_seconds * _SECOND  # what begins later reaches over the end
    times, values = _within(machine.least[name], start + round(_WARM_UP * (end - start)), last)
    if len(times) < _LEAST_POINTS:
        return None
    slope = theil_sen(times, values)
    half = len(times) // 2
    growth = slope * float(times[-1] - times[0])
    if growth < max(_GROWTH * float(values[0]), _LEAST_BYTES) or rising(values) < _RISING:
        return None
    if theil_sen(times[half:], values[half:]) < _STILL * slope:
        return None
    steps = evidence.steps
    a_step = slope * evidence.loop / max(1, steps)
    limit = machine.mean("memory.limit") if not name.startswith("gpu.") else 0.0
    left = (
        f"; at this pace it is full in {(limit - values[-1]) / slope / 60:.0f} min" if limit > values[-1] else ""
    )
    whose = f"GPU {name.split('.')[1]} of {node}" if name.startswith("gpu.") else f"the training on {node}"
    points = [(number, float(value)) for number, value in enumerate(values)]
    return ProfilerFinding(
        rule="MemoryLeak",
        kind="problem",
        step=evidence.last_step,
        began=evidence.first_step,
        evidence=f"The memory of {whose} rises by {slope * 60 / 2**20:.3g} MiB a minute ({a_step / 1024:.3g} KiB a"
        f" step), {growth / 2**20:.0f} MiB in {times[-1] - times[0]:.0f} s without a fall{left}.",
        cause="something keeps what each step makes: a list of losses with their graphs, a cache without bound",
        remedy="Keep numbers, not tensors (loss.item(), detach()), and bound what is kept; a snapshot of the largest"
        " objects names it.",
        confidence=0.8,
        node=node,
        series={name: points},
    )


def _within(curve: Curve, start: int, end: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Seconds and values from one moment to another, evenly thinned out to what pairs can be made of."""
    times, values = curve
    rows = np.flatnonzero((times >= start) & (times < end))
    rows = (
        rows[np.unique(np.linspace(0, len(rows) - 1, min(_POINTS, len(rows))).astype(int))] if len(rows) else rows
    )
    return times[rows] / _SECOND, values[rows]


def theil_sen(times: NDArray[np.float64], values: NDArray[np.float64]) -> float:
    """The median slope over all pairs of points."""
    first, last = (np.array(one) for one in zip(*combinations(range(len(times)), 2), strict=True))
    return float(np.median((values[last] - values[first]) / (times[last] - times[first])))


def rising(values: NDArray[np.float64]) -> float:
    """The share of pairs of which the later one is higher."""
    first, last = (np.array(one) for one in zip(*combinations(range(len(values)), 2), strict=True))
    return float((values[last] > values[first]).mean())
