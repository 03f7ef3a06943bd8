"""What the files of ``/proc`` say; functions of their content."""

from typing import NamedTuple

SECTOR_BYTES = 512
"""Of ``diskstats``, whatever the disk's own sectors are."""
_UNREAL_DISKS = (b"loop", b"ram", b"zram", b"dm-", b"md", b"sr", b"fd")
"""Such as have no medium of their own: what is on them is counted where it lies."""


class CpuTicks(NamedTuple):
    """Of one core, or of all together, since boot. Guests' time is within the busy one."""

    busy: int
    iowait: int
    steal: int


def cpu_ticks(stat: bytes) -> dict[str, CpuTicks]:
    """``/proc/stat``: the cores that are online as ``0``, ``1``, ...; all together as the empty name."""
    found = {}
    for line in stat.split(b"\n"):
        if not line.startswith(b"cpu"):
            break  # they come first
        name, user, nice, system, _, iowait, irq, softirq, steal, *_ = line.split()
        busy = int(user) + int(nice) + int(system) + int(irq) + int(softirq)
        found[name[3:].decode()] = CpuTicks(busy, int(iowait), int(steal))
    return found


class Memory(NamedTuple):
    """Bytes."""

    total: int
    used: int
    """What cannot be had without swapping: all but ``MemAvailable``."""
    cache: int
    swap: int


def memory(meminfo: bytes) -> Memory:
    """``/proc/meminfo``. Raises KeyError where the kernel is older than 3.14."""
    words = (line.split() for line in meminfo.split(b"\n"))
    kib = {line[0]: int(line[1]) for line in words if len(line) > 1}
    total = kib[b"MemTotal:"]
    return Memory(
        total * 1024,
        (total - kib[b"MemAvailable:"]) * 1024,
        kib.get(b"Cached:", 0) * 1024,
        (kib.get(b"SwapTotal:", 0) - kib.get(b"SwapFree:", 0)) * 1024,
    )


class DiskCounters(NamedTuple):
    """Of one disk since boot."""

    read: int
    """Bytes."""
    written: int
    busy: int
    """Milliseconds in which anything was under way."""


def disks(diskstats: bytes, whole: frozenset[str] | None = None) -> dict[str, DiskCounters]:
    """``/proc/diskstats``: the disks named in ``whole``; without it all that are no partition by their name."""
    found: dict[str, DiskCounters] = {}
    for line in diskstats.split(b"\n"):
        words = line.split()
        if len(words) < 14 or words[2].startswith(_UNREAL_DISKS):
            continue
        name = words[2].decode()
        if name in whole if whole is not None else not _is_partition(name, found):
            read, written, busy = int(words[5]), int(words[9]), int(words[12])
            found[name] = DiskCounters(read * SECTOR_BYTES, written * SECTOR_BYTES, busy)
    return found


def _is_partition(name: str, disks: dict[str, DiskCounters]) -> bool:
    """Partitions follow their disk: ``sda1`` after ``sda``, ``nvme0n1p2`` after ``nvme0n1``."""
    bare = name.rstrip("0123456789")
    return name != bare and (bare in disks or (bare.endswith("p") and bare[:-1] in disks))


def network(net_dev: bytes) -> dict[str, tuple[int, int]]:
    """``/proc/net/dev``: bytes received and sent of each interface but the loopback."""
    found = {}
    for line in net_dev.split(b"\n")[2:]:
        name, colon, counters = line.partition(b":")
        words = counters.split()
        if colon and len(words) >= 9 and name.strip() != b"lo":
            found[name.strip().decode()] = (int(words[0]), int(words[8]))
    return found


def pressure(text: bytes) -> dict[str, int]:
    """A file of pressure stall information: microseconds in which ``some`` tasks, or all (``full``), waited."""
    found = {}
    for line in text.split(b"\n"):
        kind, _, rest = line.partition(b" ")
        if kind and b"total=" in rest:
            found[kind.decode()] = int(rest.rpartition(b"total=")[2])
    return found


class ProcessTimes(NamedTuple):
    """Of one process."""

    parent: int
    ticks: int
    """Of the CPU, user and system."""
    threads: int
    started: int
    """Ticks after boot: tells two processes of one number apart."""
    pages: int
    """Resident."""


def process_times(stat: bytes) -> ProcessTimes:
    """``/proc/PID/stat``; the command's name may have any character, a closing bracket too."""
    words = stat[stat.rindex(b")") + 2 :].split()
    ticks = int(words[11]) + int(words[12])
    return ProcessTimes(int(words[1]), ticks, int(words[17]), int(words[19]), int(words[21]))


def process_io(io: bytes) -> tuple[int, int]:
    """``/proc/PID/io``: bytes read from and written to storage."""
    counters = dict(line.split(b": ", 1) for line in io.split(b"\n") if b": " in line)
    return int(counters[b"read_bytes"]), int(counters[b"write_bytes"])


def proportional_bytes(smaps_rollup: bytes) -> int:
    """``/proc/PID/smaps_rollup``: resident bytes, what is shared divided by its sharers."""
    for line in smaps_rollup.split(b"\n"):
        if line.startswith(b"Pss:"):
            return int(line.split()[1]) * 1024
    return 0
