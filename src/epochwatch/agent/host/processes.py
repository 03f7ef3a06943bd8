"""The processes of a job: the descendants of one, found once a second and read in between by kept files."""

import os
from contextlib import suppress

from epochwatch.agent.host import proc
from epochwatch.agent.host.kept import NAN, KeptFile
from epochwatch.model.host_rows import Column

SEARCH_SECONDS = 1.0
FULL_SEARCH = 30
"""Every so many searches all are looked at anew: a number may be another process's by then."""
PROPORTIONAL_SECONDS = 5.0
"""Between two readings of PSS: the kernel walks all pages for it."""
MOST_PROPORTIONAL = 64
"""Processes of which PSS is read; the RSS stands for it in a job of more."""


class _Process:
    """One process with its files open."""

    def __init__(self, pid: int, root: str) -> None:
        self._stat = KeptFile(f"{root}/{pid}/stat", 1024)
        self._io: KeptFile | None = None
        with suppress(OSError):
            self._io = KeptFile(f"{root}/{pid}/io", 1024)
        self._path = f"{root}/{pid}"
        self.io = (0, 0)
        self.times = proc.process_times(self._stat.read())

    def read(self) -> None:
        """Raises ProcessLookupError when it is gone, or is no more than its exit status."""
        data = self._stat.read()
        if not data:
            raise ProcessLookupError
        self.times = proc.process_times(data)
        if self._io is not None:
            try:
                self.io = proc.process_io(self._io.read())
            except PermissionError:  # another user's
                self._io = None

    def proportional(self) -> int:
        """PSS in bytes. Raises OSError where it may not be read."""
        with open(f"{self._path}/smaps_rollup", "rb") as file:
            return proc.proportional_bytes(file.read())

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
        self._others: set[int] = set()
        """Processes that are not the job's: they do not become so."""
        self._searches = 0
        self._loadavg = KeptFile(f"{root}/loadavg", 256)
        self._newest = b""
        """The newest process's number at the last search."""
        self._started = 0
        self._since_search = SEARCH_SECONDS
        self._since_proportional = PROPORTIONAL_SECONDS
        self._ticks: dict[tuple[int, int], int] = {}
        self._moved: dict[tuple[int, int], tuple[int, int]] = {}
        self._pss = NAN
        self._hertz = os.sysconf("SC_CLK_TCK")
        self._page = os.sysconf("SC_PAGE_SIZE")

    @property
    def pids(self) -> frozenset[int]:
        """The processes known to be the job's."""
        return frozenset(self._known)

    def sample(self, seconds: float) -> list[float]:
        """A value for each column."""
        self._since_search += seconds
        if self._since_search >= SEARCH_SECONDS:
            self._since_search = 0.0
            self._search()
        self._read()
        self._since_proportional += seconds
        if self._since_proportional >= PROPORTIONAL_SECONDS:
            self._since_proportional = 0.0
            self._pss = self._proportional()
        processes = self._known.values()
        return [
            self._grown_ticks(seconds),
            float(sum(process.times.pages for process in processes) * self._page),
            self._pss,
            float(len(processes)),
            float(sum(process.times.threads for process in processes)),
            *self._grown_io(seconds),
        ]

    def _search(self) -> None:
        """By the parents of all processes: a daemon that has detached itself is lost to its first parent."""
        newest = self._loadavg.read().split()[-1]
        if newest == self._newest:
            return  # no process was begun since
        self._newest = newest
        children: dict[int, list[int]] = {}
        present = {int(name) for name in os.listdir(self._root) if name.isdecimal()}
        self._searches += 1
        if self._searches % FULL_SEARCH == 0:
            self._others.clear()
        self._others &= present
        for pid in present - self._others - self._known.keys():
            with suppress(OSError, ValueError), open(f"{self._root}/{pid}/stat", "rb") as file:
                children.setdefault(proc.process_times(file.read()).parent, []).append(pid)
        # Those once found stay the job's, whoever adopted them.
        todo, found = [self._pid, *self._known], set()
        while todo:
            pid = todo.pop()
            if pid not in found:
                found.add(pid)
                todo += children.get(pid, [])
        self._others |= {pid for born in children.values() for pid in born} - found
        for pid in found - self._known.keys():
            with suppress(OSError, ValueError):
                self._known[pid] = self._begun(pid)

    def _begun(self, pid: int) -> _Process:
        process = _Process(pid, self._root)
        if pid == self._pid:
            if self._started not in (0, process.times.started):
                process.close()
                raise ProcessLookupError  # another that got the number
            self._started = process.times.started
        return process

    def _read(self) -> None:
        for pid, process in list(self._known.items()):
            try:
                process.read()
            except (OSError, ValueError):
                process.close()
                del self._known[pid]

    def _grown_ticks(self, seconds: float) -> float:
        """Percent of one core. What a process used between its last reading and its end is not seen."""
        now = {(pid, one.times.started): one.times.ticks for pid, one in self._known.items()}
        grown = sum(ticks - self._ticks.get(key, 0 if self._ticks else ticks) for key, ticks in now.items())
        self._ticks = now
        return 100.0 * grown / self._hertz / seconds if seconds > 0 else NAN

    def _grown_io(self, seconds: float) -> tuple[float, float]:
        now = {(pid, one.times.started): one.io for pid, one in self._known.items()}
        pairs = [(io, self._moved.get(key, (0, 0) if self._moved else io)) for key, io in now.items()]
        self._moved = now
        if seconds <= 0:
            return NAN, NAN
        return tuple(sum(io[which] - before[which] for io, before in pairs) / seconds for which in (0, 1))  # type: ignore[return-value]

    def _proportional(self) -> float:
        if len(self._known) > MOST_PROPORTIONAL:
            return NAN
        total = 0
        for process in self._known.values():
            try:
                total += process.proportional()
            except OSError:
                total += process.times.pages * self._page
        return float(total)
