"""What the files of ``/proc`` say; functions of their content. They run at every sample, so they look no further than
they must.
"""

from typing import NamedTuple

import msgspec

SECTOR_BYTES = 512
"""Of ``diskstats``, whatever the disk's own sectors are."""
_LONGEST_NUMBER = 40
"""With the spaces before it."""
_INTEGERS = msgspec.json.Decoder(list[int])
_UNREAL_DISKS = (b"loop", b"ram", b"zram", b"dm-", b"md", b"sr", b"fd")
"""Such as have no medium of their own: what is on them is counted where it lies."""


class CpuTicks(NamedTuple):
    """Of the cores that are online since boot, an entry for each. Guests' time is within the busy one."""

    cores: list[bytes]
    """``cpu0``, ``cpu1``, ...; before them ``cpu``, all together."""
    busy: list[int]
    iowait: list[int]
    steal: list[int]


def cpu_ticks(stat: bytes) -> CpuTicks:
    """``/proc/stat``. Raises ValueError where its first lines are not those of cores."""
    words = stat.partition(b"\nintr")[0].split()  # the cores' lines come first, and have equally many words
    width = len(stat.partition(b"\n")[0].split())
    if not width or len(words) % width or words[0] != b"cpu":
        raise ValueError("/proc/stat does not begin with the cores")
    names = words[::width]
    del words[::width]
    # Many numbers become int sooner as one list of JSON than one by one.
    numbers = _INTEGERS.decode(b"[" + b",".join(words) + b"]")
    user, nice, system, iowait, irq, softirq, steal = (
        numbers[place :: width - 1] for place in (0, 1, 2, 4, 5, 6, 7)
    )
    busy = list(map(sum, zip(user, nice, system, irq, softirq, strict=True)))
    return CpuTicks(names, busy, iowait, steal)


class Memory(NamedTuple):
    """Bytes."""

    total: int
    used: int
    """What cannot be had without swapping: all but ``MemAvailable``."""
    cache: int
    swap: int


def memory(meminfo: bytes) -> Memory:
    """``/proc/meminfo``. Raises KeyError where the kernel is older than 3.14."""
    total, available = _number(meminfo, b"MemTotal:"), _number(meminfo, b"\nMemAvailable:")
    if total is None or available is None:
        raise KeyError("MemAvailable")
    cache, swap = _number(meminfo, b"\nCached:") or 0, _number(meminfo, b"\nSwapTotal:") or 0
    free = _number(meminfo, b"\nSwapFree:") or 0
    return Memory(total * 1024, (total - available) * 1024, cache * 1024, (swap - free) * 1024)


def _number(text: bytes, name: bytes) -> int | None:
    """The number behind the first ``name``; None where there is no such name."""
    place = text.find(name)
    if place < 0:
        return None
    place += len(name)
    return int(text[place : place + _LONGEST_NUMBER].split(None, 1)[0])


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
    words = stat[stat.rindex(b")") + 2 :].split(None, 22)
    ticks = int(words[11]) + int(words[12])
    return ProcessTimes(int(words[1]), ticks, int(words[17]), int(words[19]), int(words[21]))


def process_io(io: bytes) -> tuple[int, int]:
    """``/proc/PID/io``: bytes read from and written to storage."""
    return _number(io, b"\nread_bytes:") or 0, _number(io, b"\nwrite_bytes:") or 0


def proportional_bytes(smaps_rollup: bytes) -> int:
    """``/proc/PID/smaps_rollup``: resident bytes, what is shared divided by its sharers."""
    return (_number(smaps_rollup, b"\nPss:") or 0) * 1024
