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
_COMMAS = bytes.maketrans(b" ", b",")
_LEAST_WORDS = 9
"""Of a core's line, steal included: since Linux 2.6.11."""
_UNREAL_DISKS = (b"loop", b"ram", b"zram", b"dm-", b"md", b"sr", b"fd")
"""Such as have no medium of their own: what is on them is counted where it lies."""


class CpuTicks(NamedTuple):
    """Of the cores that are online since boot, an entry for each. Guests' time is within the busy one."""

    cores: list[int]
    """Their numbers."""
    busy: list[int]
    iowait: list[int]
    steal: list[int]


def cpu_ticks(stat: bytes) -> CpuTicks:
    """``/proc/stat``. Raises ValueError where its first lines are not those of cores."""
    # The cores' lines come first and have equally many numbers, all of which become int soonest as one list of JSON.
    total, _, rest = stat.partition(b"\ncpu")
    cores = rest.partition(b"\nintr")[0].replace(b"\ncpu", b",").translate(_COMMAS)
    width = len(total.split())
    numbers = _INTEGERS.decode(b"[" + cores + b"]")
    if not total.startswith(b"cpu ") or width < _LEAST_WORDS or not numbers or len(numbers) % width:
        raise ValueError("/proc/stat does not begin with the cores")
    user, nice, system, _idle, iowait, irq, softirq, steal = (numbers[place::width] for place in range(1, 9))
    busy = list(map(sum, zip(user, nice, system, irq, softirq, strict=True)))
    return CpuTicks(numbers[::width], busy, iowait, steal)


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
    return ProcessTimes(ticks, int(words[17]), int(words[19]), int(words[21]))


def parent(stat: bytes) -> int | None:
    """``/proc/PID/stat``: the parent's number; None where PID is that of a thread beside the first, which has no
    signal for its end.
    """
    words = stat[stat.rindex(b")") + 2 :].split(None, 36)
    return None if words[35] == b"-1" else int(words[1])


def process_io(io: bytes) -> tuple[int, int]:
    """``/proc/PID/io``: bytes read from and written to storage."""
    return _number(io, b"\nread_bytes:") or 0, _number(io, b"\nwrite_bytes:") or 0


def proportional_bytes(smaps_rollup: bytes) -> int:
    """``/proc/PID/smaps_rollup``: resident bytes, what is shared divided by its sharers."""
    return (_number(smaps_rollup, b"\nPss:") or 0) * 1024
