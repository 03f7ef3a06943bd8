"""The training waits for data: for whom, and why they are late."""

from collections.abc import Iterator
from typing import Final, NamedTuple

from epochwatch.profiler.phases import Phase
from epochwatch.profiler.rules.own.evidence import Evidence
from epochwatch.profiler.rules.own.finding import ProfilerFinding, found
from epochwatch.profiler.rules.own.limits import crowded
from epochwatch.profiler.rules.own.machine import Machine
from epochwatch.profiler.rules.own.waits import Loaders, Waits

_PART: Final = Phase.DATA_LOADING.value
WARNING: Final = 0.2
"""Share of the time of steps from which waiting for data is a fault. A loader in the training's own process takes some
of it in any training."""
_SURE: Final = 0.4
"""Where other programs take the cores, less may be theirs: a remark."""
_WORKS: Final = 0.3
"""Of a core: a loader that takes more of it while the training waits is busy computing."""
_WORKS_READING: Final = 0.6
"""The same of one that reads much from a disk, which takes some of a core by itself."""
_WORKS_AMONG_OTHERS: Final = (0.15, 0.6)
"""The same where other programs take the cores: so much of a core, and of what they leave."""
_FULL: Final = 0.85
"""Of all cores that the training may use: more of them cannot be had."""
_READS: Final = 10e6
"""Bytes a second from a disk that keep it busy."""
_SOME_READS: Final = 1e5
"""With fewer, those who wait for a disk are others."""
_DISK_PRESSURE: Final = 20.0
"""Percent of the time in which something waits for a disk."""


class _Why(NamedTuple):
    rule: str
    evidence: str
    cause: str
    remedy: str


def slow_input(evidence: Evidence) -> Iterator[ProfilerFinding]:
    """``SlowDisk``, ``CpuBoundPreprocessing``, ``TooFewWorkers`` or ``SlowLoader``: one for all nodes, by the node that
    waits longest.
    """
    share = evidence.share(_PART)
    if share < WARNING or not evidence.steps:
        return
    nodes = {lane.node for lane in evidence.processes}
    node = max(nodes, key=lambda name: evidence.share(_PART, node=name))
    machine = evidence.machines.get(node, Machine())
    loaders, waits = evidence.loaders.get(node, Loaders()), evidence.waits.get(node, Waits())
    why = _why(machine, loaders, waits)
    seconds = evidence.seconds(_PART)
    yield found(
        evidence,
        why.rule,
        f"{share:.0%} of the time of steps is waiting for data ({seconds:.3g} s). {why.evidence}",
        why.cause,
        why.remedy,
        kind="problem" if share >= _SURE or not crowded(evidence) else "information",
        confidence=0.9 if share >= _SURE else 0.7,
        seconds=seconds,
        share=share,
        part=_PART,
        node=node,
    )


def _why(machine: Machine, loaders: Loaders, waits: Waits) -> _Why:
    workers = max(1.0, loaders.processes)
    loading = (
        f"{loaders.processes:.2g} processes load data" if loaders.batches else "the training's process loads them"
    )
    if "job.cpu" not in waits.means:
        return _Why(
            "SlowLoader",
            f"Here {loading}; what they do is not known, as the node's processes were not sampled.",
            "batches are not ready when the training wants them",
            "Sample the node beside the training to see whether cores or disks are the limit; try more workers.",
        )
    used = waits.mean("job.cpu") / 100
    reads = max(waits.mean("job.read"), 0.0)
    pressed = _disk_pressure(waits) >= _DISK_PRESSURE
    disk = reads >= _READS or (pressed and (reads >= _SOME_READS or "job.read" not in waits.means))
    numbers = (
        f"While it waits, {loading}, which take {used:.2g} of {machine.capacity:g} cores and read"
        f" {reads / 1e6:.3g} MB/s from disk"
    )
    works = used / workers >= (_WORKS_READING if disk else _WORKS) or (
        not disk and _works_among_others(used, machine, waits)
    )
    if not works and disk:
        return _Why(
            "SlowDisk",
            f"{numbers}; something waits for a disk {_disk_pressure(waits):.0f} % of the time.",
            "the disk from which the data come is slower than the training",
            "Put the data on a faster disk or into memory, read them in larger pieces, or pack them in fewer files.",
        )
    if not works:
        return _Why(
            "SlowLoader",
            f"{numbers}: neither cores nor disks are the limit.",
            "the loader itself waits: for a network, a lock, a lookup, or it sleeps",
            "Fetch ahead (more workers, a larger prefetch_factor) and look at what the loader waits for: a capture"
            " of Python calls names it.",
        )
    if used >= _FULL * machine.capacity or workers > machine.capacity - 0.5:
        return _Why(
            "CpuBoundPreprocessing",
            f"{numbers}: there are no cores left for more workers.",
            "preparing the data takes more computing than the cores have",
            "Prepare the data once and store the result, use cheaper or vectorised transforms, decode on the"
            " accelerator, or take a machine with more cores.",
        )
    return _Why(
        "TooFewWorkers",
        f"{numbers}: cores are free that could load.",
        "too few processes prepare the data",
        f"Raise num_workers of the DataLoader to {_wanted_workers(loaders, machine)} and keep them"
        " (persistent_workers=True).",
    )


def _works_among_others(used: float, machine: Machine, waits: Waits) -> bool:
    least, share = _WORKS_AMONG_OTHERS
    left = machine.capacity - (waits.mean("cpu.busy") / 100 - used)
    return used >= least and used >= share * left


def _disk_pressure(waits: Waits) -> float:
    return max(waits.mean("pressure.io.some"), waits.mean("cpu.iowait"))


def _wanted_workers(loaders: Loaders, machine: Machine) -> int:
    return max(round(loaders.processes) + 1, int(machine.capacity))
