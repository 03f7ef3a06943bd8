"""The processes of a job: the descendants of one, found once a second and read in between by kept files."""

import os
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import NamedTuple

from epochwatch.agent.host import proc
from epochwatch.agent.host.kept import NAN, KeptFile
from epochwatch.model.host_rows import Column

SEARCH_SECONDS = 1.0
FULL_SEARCH = 30
"""Every so many searches all processes are looked at: one may have had its number before it was to be seen."""
MOST_NEW = 300
"""Numbers given since the last search beyond which it is less work to list all processes."""
PROPORTIONAL_SECONDS = 5.0
"""In which PSS is read of each process once, at most: the kernel walks all of its pages for it."""
PROPORTIONAL_SHARE = 0.001
"""Of one core's time that these readings may take: where there is much memory they are rarer."""
MOST_PROPORTIONAL = 64
"""Processes of a job whose PSS is told."""
MOST_BYTES = 16 << 30
"""Of a process whose pages are walked: in a larger one that lasts too long. Its RSS stands for its PSS."""


class _Counters(NamedTuple):
    """What the kernel says of one process."""

    key: tuple[int, int]
    """Its number, and when it was started: another may get the number."""
    stat: bytes
    io: bytes
    """Empty where it may not be read."""
    pss: int | None
    """Bytes, as they were told last."""


class _Process:
    """One process with its files open."""

    def __init__(self, pid: int, root: str) -> None:
        self._stat = KeptFile(f"{root}/{pid}/stat", 1024)
        self._io: KeptFile | None = None
        with suppress(OSError):
            self._io = KeptFile(f"{root}/{pid}/io", 1024)
        self._path = f"{root}/{pid}"
        self.started = proc.process_times(self._stat.read()).started
        self._key = (pid, self.started)
        self._pss: int | None = None

    def read(self) -> _Counters:
        """Raises ProcessLookupError when it is gone, or is no more than its exit status."""
        stat, io = self._stat.read(), b""
        if not stat:
            raise ProcessLookupError
        if self._io is not None:
            try:
                io = self._io.read()
            except PermissionError:  # another user's
                self._io = None
        return _Counters(self._key, stat, io, self._pss)

    def read_pss(self) -> None:
        """Not where it may not be read."""
        with suppress(OSError), open(f"{self._path}/smaps_rollup", "rb") as file:
            self._pss = proc.proportional_bytes(file.read())

    def forget_pss(self) -> None:
        """Where it has become too large."""
        self._pss = None

    def close(self) -> None:
        self._stat.close()
        if self._io is not None:
            self._io.close()


class ProcessTree:
    """A probe: all that descends from process ``pid``, itself included."""

    columns = (
        Column("job.cpu", "Percent"),
        Column("job.rss", "Bytes"),
        Column("job.pss", "Bytes"),
        Column("job.processes", "Count"),
        Column("job.threads", "Count"),
        Column("job.read", "Bytes/Second"),
        Column("job.write", "Bytes/Second"),
    )

    def __init__(self, pid: int, root: str = "/proc") -> None:
        self._pid = pid
        self._root = root
        self._known: dict[int, _Process] = {}
        self._searches = 0
        self._loadavg = KeptFile(f"{root}/loadavg", 256)
        self._newest = 0
        """The number given last when it was searched."""
        self._started = 0
        self._since_search = SEARCH_SECONDS
        self._until_proportional = 0.0
        self._turn = 0
        self._ticks: dict[tuple[int, int], int] = {}
        self._moved: dict[tuple[int, int], tuple[int, int]] = {}
        self._hertz = os.sysconf("SC_CLK_TCK")
        self._page = os.sysconf("SC_PAGE_SIZE")

    @property
    def pids(self) -> frozenset[int]:
        """The processes known to be the job's."""
        return frozenset(self._known)

    def read(self, seconds: float) -> list[_Counters]:
        """Of the processes that there are."""
        self._since_search += seconds
        if self._since_search >= SEARCH_SECONDS:
            self._since_search = 0.0
            self._search()
        found = self._read()
        self._until_proportional -= seconds
        if self._until_proportional <= 0 and found:
            begun = time.process_time()
            self._turn = (self._turn + 1) % len(found)
            self._read_pss(found[self._turn])
            cost = time.process_time() - begun
            self._until_proportional = max(PROPORTIONAL_SECONDS / len(found), cost / PROPORTIONAL_SHARE)
        return found

    def values(self, reading: list[_Counters], seconds: float) -> list[float]:
        """A value for each column."""
        processes = [(one, proc.process_times(one.stat)) for one in reading]
        resident = [times.pages * self._page for _, times in processes]
        proportional = [rss if one.pss is None else one.pss for one, rss in zip(reading, resident, strict=True)]
        return [
            self._grown_ticks({one.key: times.ticks for one, times in processes}, seconds),
            float(sum(resident)),
            float(sum(proportional)) if len(reading) <= MOST_PROPORTIONAL else NAN,
            float(len(processes)),
            float(sum(times.threads for _, times in processes)),
            *self._grown_io({one.key: proc.process_io(one.io) for one in reading if one.io}, seconds),
        ]

    def _read_pss(self, counters: _Counters) -> None:
        process = self._known[counters.key[0]]
        if proc.process_times(counters.stat).pages * self._page <= MOST_BYTES:
            process.read_pss()
        else:
            process.forget_pss()

    def _search(self) -> None:
        """By the parents of processes begun since: a daemon that has detached itself is lost to its first parent."""
        before, self._newest = self._newest, int(self._loadavg.read().split()[-1])
        if self._newest == before:
            return
        self._searches += 1
        children: dict[int, list[int]] = {}
        for pid in self._begun_since(before):
            with suppress(OSError, ValueError):
                parent = proc.parent(KeptFile(f"{self._root}/{pid}/stat", 1024).read())
                if parent is not None:
                    children.setdefault(parent, []).append(pid)
        # Those once found stay the job's, whoever adopted them.
        todo, found = [self._pid, *self._known], set()
        while todo:
            pid = todo.pop()
            if pid not in found:
                found.add(pid)
                todo += children.get(pid, [])
        for pid in found - self._known.keys():
            with suppress(OSError, ValueError):
                self._known[pid] = self._begun(pid)

    def _begun_since(self, newest: int) -> Iterable[int]:
        """Numbers that new processes may have: the kernel gives them in turn, to threads as well."""
        if self._searches % FULL_SEARCH and 0 < self._newest - newest <= MOST_NEW:
            return range(newest + 1, self._newest + 1)
        return [int(name) for name in os.listdir(self._root) if name.isdecimal()]

    def _begun(self, pid: int) -> _Process:
        process = _Process(pid, self._root)
        if pid == self._pid:
            if self._started not in (0, process.started):
                process.close()
                raise ProcessLookupError  # another that got the number
            self._started = process.started
        return process

    def _read(self) -> list[_Counters]:
        found = []
        for pid, process in list(self._known.items()):
            try:
                found.append(process.read())
            except OSError:
                process.close()
                del self._known[pid]
        return found

    def _grown_ticks(self, now: dict[tuple[int, int], int], seconds: float) -> float:
        """Percent of one core. What a process used between its last reading and its end is not seen."""
        grown = sum(ticks - self._ticks.get(key, 0 if self._ticks else ticks) for key, ticks in now.items())
        self._ticks = now
        return 100.0 * grown / self._hertz / seconds if seconds > 0 else NAN

    def _grown_io(self, now: dict[tuple[int, int], tuple[int, int]], seconds: float) -> tuple[float, float]:
        pairs = [(io, self._moved.get(key, (0, 0) if self._moved else io)) for key, io in now.items()]
        self._moved = now
        if seconds <= 0:
            return NAN, NAN
        return tuple(sum(io[which] - before[which] for io, before in pairs) / seconds for which in (0, 1))  # type: ignore[return-value]
