"""What the machine holds the training back by: limits on cores, clocks and heat, a cache that is too small, others."""

from collections.abc import Iterator
from typing import Final

from epochwatch.profiler.phases import Phase
from epochwatch.profiler.rules.own.evidence import Evidence
from epochwatch.profiler.rules.own.finding import ProfilerFinding, found
from epochwatch.profiler.rules.own.machine import Machine

_THROTTLED: Final = 5.0
"""Percent."""
_BENIGN: Final = ("idle",)
"""Reasons of a GPU for a lower clock that cost nothing."""
_MEMORY_FULL: Final = 90.0
_MEMORY_PRESSURE: Final = 10.0
_READS: Final = 10e6
"""Bytes a second."""
_WAITING: Final = 0.1
_TAKEN: Final = 0.3
"""Of the cores that others use."""
_FULL: Final = 0.9
_NEARLY_FULL: Final = 0.85


def throttling(evidence: Evidence) -> Iterator[ProfilerFinding]:
    """``Throttled``: the control group's limit stops the training's threads, or a GPU lowers its clock."""
    for node, machine in sorted(evidence.machines.items()):
        stopped = machine.mean("cpu.throttled")
        if stopped > _THROTTLED:
            limit = machine.mean("cpu.limit") / 100
            yield found(
                evidence,
                "Throttled",
                f"Threads of {node} were held back for {stopped:.0f} % of the time by the limit of {limit:.3g} cores.",
                "the container may not use the cores that the training wants",
                "Raise the container's limit of cores, or lower the number of threads and workers to fit it.",
                node=node,
            )
        for column, share in sorted(machine.means.items()):
            gpu, _, reason = column.removeprefix("gpu.").partition(".throttled.")
            if column.startswith("gpu.") and reason and reason not in _BENIGN and share > _THROTTLED:
                yield found(
                    evidence,
                    "Throttled",
                    f"GPU {gpu} of {node} had a lower clock for {share:.0f} % of the time, because of its {reason}.",
                    f"the GPU slows down because of its {reason}",
                    "Look at cooling, power limit and supply of that machine.",
                    node=node,
                )


def thrashing(evidence: Evidence) -> Iterator[ProfilerFinding]:
    """``CacheThrash``: data are read from disk again and again, as there is no memory left to keep them."""
    for node, machine in sorted(evidence.machines.items()):
        waits = evidence.waits.get(node)
        reads = max(machine.mean("job.read"), waits.mean("job.read") if waits else 0.0)
        short = (
            machine.mean("memory.percent") > _MEMORY_FULL
            or machine.mean("pressure.memory.some") > _MEMORY_PRESSURE
        )
        if short and reads > _READS and evidence.share(Phase.DATA_LOADING, node=node) > _WAITING:
            yield found(
                evidence,
                "CacheThrash",
                f"{node} reads {reads / 1e6:.3g} MB/s from disk all the time, with"
                f" {machine.mean('memory.percent'):.0f} % of its memory in use and"
                f" {machine.mean('pressure.memory.some'):.0f} % of the time under pressure.",
                "the data do not fit into the memory that is left, so each epoch reads them anew",
                "Leave memory for the cache (fewer workers, smaller prefetch), store the data smaller, or take more of"
                " it.",
                node=node,
                seconds=evidence.seconds(Phase.DATA_LOADING, node=node),
                share=evidence.share(Phase.DATA_LOADING, node=node),
            )


def others(evidence: Evidence) -> Iterator[ProfilerFinding]:
    """``BusyMachine``, a remark: all cores are busy, many of them with something else."""
    for node, machine in sorted(evidence.machines.items()):
        if _taken(machine, _FULL) > _TAKEN:
            busy, own = machine.mean("cpu.busy") / 100, machine.mean("job.cpu") / 100
            yield found(
                evidence,
                "BusyMachine",
                f"Of the {machine.cores} cores of {node} {busy:.2g} are busy, {busy - own:.2g} of them with other"
                " programs.",
                "other programs take cores from the training",
                "Run it where it is alone, or give it cores of its own.",
                kind="information",
                node=node,
            )


def crowded(evidence: Evidence) -> bool:
    """Whether other programs take the cores that the training computes on."""
    return any(_taken(machine, _FULL) > _TAKEN for machine in evidence.machines.values())


def taken(evidence: Evidence) -> float:
    """The greatest share of a node's cores that other programs take, where hardly any core is left."""
    return max((_taken(machine, _NEARLY_FULL) for machine in evidence.machines.values()), default=0.0)


def _taken(machine: Machine, full: float) -> float:
    """The share of its cores that other programs take, where more than ``full`` of them are busy; else 0."""
    if "job.cpu" not in machine.means or not machine.cores:
        return 0.0
    busy, own = machine.mean("cpu.busy") / 100, machine.mean("job.cpu") / 100
    return (busy - own) / machine.cores if busy > full * machine.cores else 0.0
