"""A host's probes in one: all columns, and one row of values at a time."""

import os
import socket
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from epochwatch.agent.host import proc
from epochwatch.agent.host.amd import AmdGpus
from epochwatch.agent.host.cgroup import Bounds, bounds
from epochwatch.agent.host.container import ContainerCpu, ContainerMemory
from epochwatch.agent.host.kept import NAN, KeptFile, Rates
from epochwatch.agent.host.portable import Portable
from epochwatch.agent.host.probe import Probe
from epochwatch.agent.host.processes import ProcessTree
from epochwatch.model.host_rows import Column

SLOW_SECONDS = 1.0


class Cores:
    """Each core on its own, and all together. Cores that ``pid`` may not run on are left out."""

    def __init__(self, allowed: frozenset[int] | None = None, root: str = "/proc") -> None:
        self._file = KeptFile(f"{root}/stat")
        self._online = proc.cpu_ticks(self._file.read()).cores
        self._cores = [core for core in self._online if allowed is None or core in allowed] or self._online
        self._places = self._places_now()
        self._rates = Rates()
        self._scale = 100.0 / os.sysconf("SC_CLK_TCK")
        self.columns = (
            Column("cpu.busy", "Percent"),
            Column("cpu.iowait", "Percent"),
            Column("cpu.steal", "Percent"),
            *(Column(f"cpu.{core}.busy", "Percent") for core in self._cores),
            *(Column(f"cpu.{core}.iowait", "Percent") for core in self._cores),
        )

    def read(self, seconds: float) -> bytes:
        """The kernel's counters."""
        return self._file.read()

    def values(self, reading: bytes, seconds: float) -> Sequence[float]:
        """Percent of one core."""
        ticks = proc.cpu_ticks(reading)
        if ticks.cores != self._online:
            self._online = ticks.cores
            self._places = self._places_now()
        busy, iowait, steal = map(self._of_ours, (ticks.busy, ticks.iowait, ticks.steal))
        counters = [sum(busy), sum(iowait), sum(steal), *busy, *iowait]
        return self._rates.per_second(counters, seconds, self._scale)

    def _of_ours(self, counters: list[int]) -> list[int]:
        if self._places is None:
            return counters
        return [0 if place is None else counters[place] for place in self._places]

    def _places_now(self) -> list[int | None] | None:
        """Where each core is among those online, None where it is off; None if all are just these."""
        if self._online == self._cores:
            return None
        places = {core: place for place, core in enumerate(self._online)}
        return [places.get(core) for core in self._cores]


class Memory:
    """The machine's memory."""

    columns = (
        Column("memory.limit", "Bytes"),
        Column("memory.used", "Bytes"),
        Column("memory.cache", "Bytes"),
        Column("memory.swap", "Bytes"),
        Column("memory.percent", "Percent"),
    )

    def __init__(self, root: str = "/proc") -> None:
        self._file = KeptFile(f"{root}/meminfo", 4096)
        proc.memory(self._file.read())

    def read(self, seconds: float) -> bytes:
        """What the kernel says."""
        return self._file.read()

    def values(self, reading: bytes, seconds: float) -> Sequence[float]:
        """Bytes and percent."""
        found = proc.memory(reading)
        return (found.total, found.used, found.cache, found.swap, 100.0 * found.used / found.total)


class Pressure:
    """Share of the time in which tasks waited for CPU, memory or I/O: the container's where it has such files."""

    def __init__(self, path: str, name: str) -> None:
        self._file = KeptFile(path, 1024)
        self._parse = lru_cache(1)(proc.pressure)  # where nothing waited, it says the same again
        self._kinds = tuple(self._parse(self._file.read()))
        self._rates = Rates()
        self.columns = tuple(Column(f"pressure.{name}.{kind}", "Percent") for kind in self._kinds)

    def read(self, seconds: float) -> bytes:
        """The kernel's counters."""
        return self._file.read()

    def values(self, reading: bytes, seconds: float) -> Sequence[float]:
        """Percent of the time."""
        now = self._parse(reading)
        return self._rates.per_second([now.get(kind, 0) for kind in self._kinds], seconds, 1e-4)


class Disks:
    """Traffic of each disk."""

    def __init__(self, root: str = "/proc", blocks: str = "/sys/block") -> None:
        self._file = KeptFile(f"{root}/diskstats")
        whole = frozenset(os.listdir(blocks)) if os.path.isdir(blocks) else None
        self._parse = lru_cache(1)(lambda diskstats: proc.disks(diskstats, whole))
        self.names = tuple(self._parse(self._file.read()))
        self._rates = Rates()
        self.columns = tuple(
            Column(f"disk.{name}.{what}", unit)
            for name in self.names
            for what, unit in (("read", "Bytes/Second"), ("write", "Bytes/Second"), ("busy", "Percent"))
        )

    def read(self, seconds: float) -> bytes:
        """The kernel's counters."""
        return self._file.read()

    def values(self, reading: bytes, seconds: float) -> Sequence[float]:
        """Bytes a second, and percent of the time with anything under way."""
        now = self._parse(reading)
        none = proc.DiskCounters(0, 0, 0)
        rates = self._rates.per_second([one for name in self.names for one in now.get(name, none)], seconds)
        return [rate / 10.0 if number % 3 == 2 else rate for number, rate in enumerate(rates)]


class DiskSpace:
    """How full the file system of a directory is, as ``df`` says it."""

    columns = (Column("disk.space", "Percent"),)

    def __init__(self, directory: str) -> None:
        self._directory = directory
        self._since = SLOW_SECONDS
        self._value = NAN
        os.statvfs(directory)

    def read(self, seconds: float) -> float:
        """Percent; asked for once a second."""
        self._since += seconds
        if self._since >= SLOW_SECONDS:
            self._since = 0.0
            found = os.statvfs(self._directory)
            used = found.f_blocks - found.f_bfree
            self._value = 100.0 * used / ((used + found.f_bavail) or 1)
        return self._value

    def values(self, reading: float, seconds: float) -> Sequence[float]:
        """Percent."""
        return (reading,)


class Network:
    """Traffic of each interface but the loopback."""

    def __init__(self, root: str = "/proc") -> None:
        self._file = KeptFile(f"{root}/net/dev")
        self._parse = lru_cache(1)(proc.network)
        self.names = tuple(self._parse(self._file.read()))
        self._rates = Rates()
        self.columns = tuple(
            Column(f"network.{name}.{way}", "Bytes/Second") for name in self.names for way in ("received", "sent")
        )

    def read(self, seconds: float) -> bytes:
        """The kernel's counters."""
        return self._file.read()

    def values(self, reading: bytes, seconds: float) -> Sequence[float]:
        """Bytes a second."""
        now = self._parse(reading)
        return self._rates.per_second([one for name in self.names for one in now.get(name, (0, 0))], seconds)


class Machine:
    """All probes that work here, as one. ``left_out`` says what does not, and why."""

    def __init__(self, makers: Sequence[tuple[str, Callable[[], Probe[Any]]]]) -> None:
        self.left_out: dict[str, str] = {}
        self._probes: list[Probe[Any]] = []
        for name, make in makers:
            try:
                probe = make()
            except (OSError, KeyError, ValueError) as error:
                self._leave_out(name, error)
                continue
            if probe.columns:
                self._probes.append(probe)
        self.columns = tuple(column for probe in self._probes for column in probe.columns)

    def read(self, seconds: float) -> list[Any]:
        """A reading of each probe; None of one that fails."""
        readings: list[Any] = []
        for probe in self._probes:
            try:
                readings.append(probe.read(seconds))
            except (OSError, KeyError, ValueError) as error:
                self._leave_out(probe.columns[0].name, error)
                readings.append(None)
        return readings

    def values(self, readings: Sequence[Any], seconds: float) -> tuple[float, ...]:
        """A value for each column; NaN for all of a probe that fails."""
        values: list[float] = []
        for probe, reading in zip(self._probes, readings, strict=True):
            try:
                values += [NAN] * len(probe.columns) if reading is None else probe.values(reading, seconds)
            except (KeyError, ValueError) as error:
                self._leave_out(probe.columns[0].name, error)
                values += [NAN] * len(probe.columns)
        return tuple(values)

    def _leave_out(self, name: str, error: Exception) -> None:
        self.left_out.setdefault(name, str(error) or type(error).__name__)


def this_machine(
    directory: str, pid: int | None, gpus: Callable[[Callable[[], frozenset[int]]], Probe[Any]]
) -> Machine:
    """What can be measured here: for the job of process ``pid``, or for the machine without one.

    ``directory`` is that whose file system is watched; ``gpus`` makes their probe, told how to know the job's
    processes.
    """
    if not os.path.exists("/proc/stat"):
        portable: list[tuple[str, Callable[[], Probe[Any]]]] = [
            ("machine", Portable),
            ("disk.space", lambda: DiskSpace(directory)),
            ("gpus", lambda: gpus(frozenset)),
        ]
        return Machine(portable)
    found = _bounds_of(pid or os.getpid())
    tree = ProcessTree(pid) if pid is not None else None
    allowed = frozenset(os.sched_getaffinity(pid or 0)) if _exists(pid) else None
    makers: list[tuple[str, Callable[[], Probe[Any]]]] = [
        ("cores", lambda: _cores(found, allowed)),
        ("memory", lambda: ContainerMemory(found) if found.memory is not None else Memory()),
    ]
    for name, path in _pressure_files(found).items():
        makers.append((f"pressure.{name}", lambda path=path, name=name: Pressure(path, name)))  # type: ignore[misc]
    makers += [
        ("disks", Disks),
        ("disk.space", lambda: DiskSpace(directory)),
        ("network", Network),
        ("gpus", lambda: gpus(lambda: tree.pids if tree is not None else frozenset())),
        ("amd-gpus", AmdGpus),
    ]
    if tree is not None:
        makers.append(("job", lambda: tree))
    return Machine(makers)


def about(directory: str) -> dict[str, str]:
    """What the header of a file of rows says of this host."""
    return {"hostname": socket.gethostname(), "cores": str(os.cpu_count() or 0), "directory": directory}


def _cores(found: Bounds, allowed: frozenset[int] | None) -> Probe[Any]:
    cores = Cores(allowed)
    return ContainerCpu(cores, found) if found.cpu is not None else cores


def _exists(pid: int | None) -> bool:
    return pid is None or Path(f"/proc/{pid}").exists()


def _bounds_of(pid: int) -> Bounds:
    mountinfo, cgroup = _text("/proc/self/mountinfo") or "", _text(f"/proc/{pid}/cgroup") or ""
    return bounds(mountinfo, cgroup, _text)


def _text(path: str) -> str | None:
    try:
        return Path(path).read_text()
    except OSError:
        return None


def _pressure_files(found: Bounds) -> dict[str, str]:
    """Of each kind the container's file, or else the machine's."""
    groups = {"cpu": found.cpu, "memory": found.memory, "io": found.memory}
    paths = {}
    for kind, bounded in groups.items():
        own = f"{bounded.directory}/{kind}.pressure" if bounded is not None else ""
        paths[kind] = own if own and os.path.exists(own) else f"/proc/pressure/{kind}"
    return paths
