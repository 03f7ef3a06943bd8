"""The control group that bounds a process: where it is, what it may use and what it uses (version 2, or 1).

A process may use what the narrowest group above it allows. Where nothing is bounded, there is no container for our
purposes, and the machine itself is what is measured.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

UNLIMITED_BYTES = 1 << 60
"""Version 1 writes a number near 2**63 for "no limit"."""


class Mount(NamedTuple):
    """Where a hierarchy is to be seen."""

    point: str
    root: str
    """The group that is at the mount's point: not ``/`` in a container that sees the host's names."""
    controllers: frozenset[str]
    """Of version 1; empty for version 2."""


def mounts(mountinfo: str) -> list[Mount]:
    """``/proc/PID/mountinfo``: all hierarchies of control groups."""
    found = []
    for line in mountinfo.splitlines():
        left, _, right = line.partition(" - ")
        places, kinds = left.split(), right.split()
        if len(places) < 5 or not kinds or kinds[0] not in ("cgroup", "cgroup2"):
            continue
        options = frozenset(kinds[2].split(",")) if kinds[0] == "cgroup" else frozenset()
        found.append(Mount(_unescaped(places[4]), _unescaped(places[3]), options))
    return found


def _unescaped(path: str) -> str:
    return path.encode().decode("unicode_escape") if "\\" in path else path


def groups(cgroup: str) -> dict[str, str]:
    """``/proc/PID/cgroup``: the group of each controller of version 1; that of version 2 under the empty name."""
    found: dict[str, str] = {}
    for line in cgroup.splitlines():
        _, _, rest = line.partition(":")
        names, _, path = rest.partition(":")
        found |= dict.fromkeys(names.split(","), path)
    return found


def chain(mount: Mount, group: str) -> list[str]:
    """Directories from the process's own group up to the mount's point."""
    inside = group.removeprefix(mount.root) if mount.root != "/" else group
    parts = [part for part in inside.split("/") if part not in ("", "..")]
    return ["/".join([mount.point, *parts[:count]]) for count in range(len(parts), -1, -1)]


def cpu_limit(cpu_max: str) -> float | None:
    """``cpu.max``: cores; None without a limit."""
    quota, _, period = cpu_max.strip().partition(" ")
    return None if quota == "max" else int(quota) / int(period or 100_000)


def cpu_limit_v1(quota: str, period: str) -> float | None:
    """``cpu.cfs_quota_us`` and ``cpu.cfs_period_us``: cores; None without a limit."""
    return int(quota) / int(period) if int(quota) > 0 else None


def memory_limit(text: str) -> int | None:
    """``memory.max``, or version 1's ``memory.limit_in_bytes``: bytes; None without a limit."""
    text = text.strip()
    return None if text == "max" or int(text) >= UNLIMITED_BYTES else int(text)


def keyed(text: bytes) -> dict[str, int]:
    """``cpu.stat``, ``memory.stat``, ``memory.events``: their numbers by name."""
    words = (line.split() for line in text.split(b"\n"))
    return {line[0].decode(): int(line[1]) for line in words if len(line) == 2}


def io_bytes(io_stat: bytes) -> tuple[int, int]:
    """``io.stat``: bytes read and written, of all devices."""
    read = written = 0
    for line in io_stat.split(b"\n"):
        for word in line.split()[1:]:
            name, _, value = word.partition(b"=")
            read += int(value) if name == b"rbytes" else 0
            written += int(value) if name == b"wbytes" else 0
    return read, written


def io_bytes_v1(service_bytes: bytes) -> tuple[int, int]:
    """``blkio.throttle.io_service_bytes``: bytes read and written, of all devices."""
    read = written = 0
    for line in service_bytes.split(b"\n"):
        words = line.split()
        if len(words) == 3:
            read += int(words[2]) if words[1] == b"Read" else 0
            written += int(words[2]) if words[1] == b"Write" else 0
    return read, written


class Bounded(NamedTuple):
    """The narrowest group that has a limit of one kind, and the limit."""

    directory: str
    limit: float


class Bounds(NamedTuple):
    """What a process may use, as far as it is bounded."""

    version: int
    cpu: Bounded | None
    """Cores."""
    memory: Bounded | None
    """Bytes."""
    accounting: str
    """Version 1: the directory in which the CPU group's use is counted; empty if nowhere, and for version 2."""


def bounds(mountinfo: str, cgroup: str, read: Callable[[str], str | None]) -> Bounds:
    """Where the limits of a process are. ``read`` gives a file's text, None where there is no such file."""
    all_groups = groups(cgroup)
    by_controller: dict[str, list[str]] = {}
    version = 1
    for mount in mounts(mountinfo):
        names = mount.controllers or {""}
        for name in names & all_groups.keys():
            by_controller[name] = chain(mount, all_groups[name])
    if "cpu" not in by_controller and "memory" not in by_controller:
        version = 2
    unified = by_controller.get("", [])
    cpu = _narrowest(by_controller.get("cpu", unified), read, _read_cpu_limit)
    memory = _narrowest(by_controller.get("memory", unified), read, _read_memory_limit)
    accounting = ""
    if version == 1 and cpu is not None and by_controller.get("cpuacct"):
        # The two hierarchies may be one, or two in which the group has the same name.
        inside = cpu.directory.removeprefix(by_controller["cpu"][-1])
        same = by_controller["cpuacct"][-1] + inside
        accounting = same if same in by_controller["cpuacct"] else ""
    return Bounds(version, cpu, memory, accounting)


Read = Callable[[str], str | None]


def _narrowest(
    directories: Sequence[str], read: Read, limit: Callable[[str, Read], float | None]
) -> Bounded | None:
    limits = [Bounded(directory, found) for directory in directories if (found := limit(directory, read))]
    return min(limits, key=lambda one: one.limit) if limits else None


def _read_cpu_limit(directory: str, read: Read) -> float | None:
    text = read(f"{directory}/cpu.max")
    if text is not None:
        return cpu_limit(text)
    quota, period = read(f"{directory}/cpu.cfs_quota_us"), read(f"{directory}/cpu.cfs_period_us")
    return cpu_limit_v1(quota, period) if quota is not None and period is not None else None


def _read_memory_limit(directory: str, read: Read) -> float | None:
    text = read(f"{directory}/memory.max") or read(f"{directory}/memory.limit_in_bytes")
    return memory_limit(text) if text is not None else None
