"""A host's probes in one: all columns, and one row of values at a time."""

import os
import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from epochwatch.agent.host import proc
from epochwatch.agent.host.amd import AmdGpus
from epochwatch.agent.host.cgroup import Bounds, bounds
from epochwatch.agent.host.container import ContainerCpu, ContainerMemory
from epochwatch.agent.host.kept import NAN, KeptFile, Rates
from epochwatch.agent.host.portable import Portable
from epochwatch.agent.host.processes import ProcessTree
from epochwatch.model.host_rows import Column

SLOW_SECONDS = 1.0


class Probe(Protocol):
    """Measures some columns."""

    @property
    def columns(self) -> Sequence[Column]:
        """What it measures."""

    def sample(self, seconds: float) -> Sequence[float]:
        """A value for each column, over the ``seconds`` since the last time. Raises OSError when it cannot."""


class Cores:
    """Each core on its own, and all together. Cores that ``pid`` may not run on are left out."""

    def __init__(self, allowed: frozenset[str] | None = None, root: str = "/proc") -> None:
        self._file = KeptFile(f"{root}/stat")
        self._online = proc.cpu_ticks(self._file.read()).cores
        online = [core.removeprefix(b"cpu").decode() for core in self._online[1:]]
        names = [name for name in online if allowed is None or name in allowed]
        self.names = tuple(names or online)
        self._places = self._places_now()
        self._rates = Rates()
        self._scale = 100.0 / os.sysconf("SC_CLK_TCK")
        self.columns = (
            Column("cpu.busy", "Percent"),
            Column("cpu.iowait", "Percent"),
            Column("cpu.steal", "Percent"),
            *(Column(f"cpu.{name}.busy", "Percent") for name in self.names),
            *(Column(f"cpu.{name}.iowait", "Percent") for name in self.names),
        )

    def sample(self, seconds: float) -> Sequence[float]:
        """Percent of one core."""
        ticks = proc.cpu_ticks(self._file.read())
        if ticks.cores != self._online:
            self._online = ticks.cores
            self._places = self._places_now()
        busy, iowait, steal = (
            [column[place] if place else 0 for place in self._places]
            for column in (ticks.busy, ticks.iowait, ticks.steal)
        )
        counters = [sum(busy), sum(iowait), sum(steal), *busy, *iowait]
        return self._rates.per_second(counters, seconds, self._scale)

    def _places_now(self) -> list[int]:
        """Where each core is among those online; 0 where it is off."""
        places = {core: place for place, core in enumerate(self._online)}
        return [places.get(f"cpu{name}".encode(), 0) for name in self.names]


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

    def sample(self, seconds: float) -> Sequence[float]:
        """Bytes and percent now."""
        found = proc.memory(self._file.read())
        return (found.total, found.used, found.cache, found.swap, 100.0 * found.used / found.total)


class Pressure:
    """Share of the time in which tasks waited for CPU, memory or I/O: the container's where it has such files."""

    def __init__(self, path: str, name: str) -> None:
        self._file = KeptFile(path, 1024)
        self._kinds = tuple(proc.pressure(self._file.read()))
        self._rates = Rates()
        self.columns = tuple(Column(f"pressure.{name}.{kind}", "Percent") for kind in self._kinds)

    def sample(self, seconds: float) -> Sequence[float]:
        """Percent of the time."""
        now = proc.pressure(self._file.read())
        return self._rates.per_second([now.get(kind, 0) for kind in self._kinds], seconds, 1e-4)


class Disks:
    """Traffic of each disk."""

    def __init__(self, root: str = "/proc", blocks: str = "/sys/block") -> None:
        self._file = KeptFile(f"{root}/diskstats")
        self._whole: frozenset[str] | None = None
        if os.path.isdir(blocks):
            self._whole = frozenset(os.listdir(blocks))
        self.names = tuple(proc.disks(self._file.read(), self._whole))
        self._rates = Rates()
        self.columns = tuple(
            Column(f"disk.{name}.{what}", unit)
            for name in self.names
            for what, unit in (("read", "Bytes/Second"), ("write", "Bytes/Second"), ("busy", "Percent"))
        )

    def sample(self, seconds: float) -> Sequence[float]:
        """Bytes a second, and percent of the time with anything under way."""
        now = proc.disks(self._file.read(), self._whole)
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

    def sample(self, seconds: float) -> Sequence[float]:
        """Percent; read once a second."""
        self._since += seconds
        if self._since >= SLOW_SECONDS:
            self._since = 0.0
            found = os.statvfs(self._directory)
            used = found.f_blocks - found.f_bfree
            self._value = 100.0 * used / ((used + found.f_bavail) or 1)
        return (self._value,)


class Network:
    """Traffic of each interface but the loopback."""

    def __init__(self, root: str = "/proc") -> None:
        self._file = KeptFile(f"{root}/net/dev")
        self.names = tuple(proc.network(self._file.read()))
        self._rates = Rates()
        self.columns = tuple(
            Column(f"network.{name}.{way}", "Bytes/Second") for name in self.names for way in ("received", "sent")
        )

    def sample(self, seconds: float) -> Sequence[float]:
        """Bytes a second."""
        now = proc.network(self._file.read())
        return self._rates.per_second([one for name in self.names for one in now.get(name, (0, 0))], seconds)


class Machine:
    """All probes that work here. ``left_out`` says what does not, and why."""

    def __init__(self, makers: Sequence[tuple[str, Callable[[], Probe]]]) -> None:
        self.left_out: dict[str, str] = {}
        self._probes: list[Probe] = []
        for name, make in makers:
            try:
                probe = make()
            except (OSError, KeyError, ValueError) as error:
                self.left_out[name] = str(error) or type(error).__name__
                continue
            self._probes.append(probe)
        self.columns = tuple(column for probe in self._probes for column in probe.columns)

    def sample(self, seconds: float) -> tuple[float, ...]:
        """A value for each column; NaN for all of a probe that fails."""
        values: list[float] = []
        for probe in self._probes:
            try:
                values += probe.sample(seconds)
            except (OSError, KeyError, ValueError) as error:
                name = probe.columns[0].name
                self.left_out.setdefault(name, str(error) or type(error).__name__)
                values += [NAN] * len(probe.columns)
        return tuple(values)


def this_machine(
    directory: str, pid: int | None, gpus: Callable[[Callable[[], frozenset[int]]], Probe]
) -> Machine:
    """What can be measured here: for the job of process ``pid``, or for the machine without one.

    ``directory`` is that whose file system is watched; ``gpus`` makes their probe, told how to know the job's
    processes.
    """
    if not os.path.exists("/proc/stat"):
        portable: list[tuple[str, Callable[[], Probe]]] = [
            ("machine", Portable),
            ("disk.space", lambda: DiskSpace(directory)),
            ("gpus", lambda: gpus(frozenset)),
        ]
        return Machine(portable)
    found = _bounds_of(pid or os.getpid())
    tree = ProcessTree(pid) if pid is not None else None
    cores: list[str] = sorted(map(str, os.sched_getaffinity(pid or 0))) if _exists(pid) else []
    makers: list[tuple[str, Callable[[], Probe]]] = [
        ("cores", lambda: _cores(found, frozenset(cores) or None)),
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


def _cores(found: Bounds, allowed: frozenset[str] | None) -> Probe:
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
