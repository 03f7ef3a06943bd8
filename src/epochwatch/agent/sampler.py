"""The host sampler: a process of its own beside the training.

``python -m epochwatch.agent.sampler SPOOL DIRECTORY [PID]`` samples until the run has its exit record, or nobody
records it any more. It reads all counters at each deadline. Twice a second it makes rows of all columns of what it
read and appends them to ``host-*.bin``, and once a second the instance metrics to ``samples.bin``. DIRECTORY is the
one whose disk is watched; PID is the training's process, if there is one.
"""

import os
import struct
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from epochwatch.agent.gpus import Gpus
from epochwatch.agent.host.deadlines import Deadlines, ask_for_punctuality
from epochwatch.agent.host.instance import NAMES, UNITS, Instance
from epochwatch.agent.host.machine import Machine, about, this_machine
from epochwatch.agent.host.rows_file import RowsWriter
from epochwatch.agent.host.sampling import SamplingFile
from epochwatch.agent.host.smdebug_layout import SystemFiles
from epochwatch.agent.spool import Spool
from epochwatch.errors import UsageError
from epochwatch.model.host_rows import Layout, Row
from epochwatch.settings import load

__all__ = ["NAMES", "ROW", "UNITS", "Sampler", "run"]

ROW = struct.Struct(f"<q{len(NAMES)}d")
"""Unix microseconds of the second's beginning, then a value for each of NAMES; NaN where it could not be read."""
FILE_SECONDS = 3600
"""A file of rows is ended after so long, so that what the server has can be removed."""
LOOK_SECONDS = 0.1
"""Between two looks at whether the run is over, where the interval is longer."""
FOLLOW_SECONDS = 1.0
"""Between two looks at how often to sample, where the interval is longer."""
ALIVE_SECONDS = 1.0
"""Between two looks at whether anybody records the run."""
SECOND = 1_000_000
SPAN = SECOND // 2
"""Microseconds whose samples become rows together. Only they are lost where the sampler is killed."""


class Sampler:
    """Takes samples into the files of ``spool``. ``machine`` is asked for with each file: disks come and go."""

    def __init__(self, spool: Path, directory: str, machine: Callable[[], Machine]) -> None:
        self._spool = spool
        self._directory = directory
        self._make = machine
        self._seconds = _SecondsFile(spool / "samples.bin")
        self._sampling = SamplingFile(spool)
        self.deadlines = Deadlines(self._sampling.now.interval)
        self._scheduling = ""
        self._machine: Machine | None = None
        self._clock = 0
        self._begun = self._span = self._second = 0
        self._writer: RowsWriter | None = None
        self._taken: list[tuple[int, float, list[Any]]] = []
        """Time, seconds since the one before and readings of samples that are not in the file yet."""
        self._pending: list[Row] = []
        """Of the second that is not over yet."""
        self._smdebug: SystemFiles | None = None

    def begin(self, scheduling: str = "normal") -> None:
        """Looks at the machine for the first time."""
        self._scheduling = scheduling
        self._open()

    def sample(self) -> None:
        """Reads now; the row is in the file with the end of the span."""
        assert self._machine is not None, "begin comes first"
        now, clock = time.time_ns() // 1000, time.monotonic_ns()
        seconds = (clock - self._clock) / 1e9
        self._clock = clock
        self._taken.append((now, seconds, self._machine.read(seconds)))
        if now // SPAN != self._span:
            self._span = now // SPAN
            self._write_rows()
        if now // SECOND != self._second:
            self._end_second(now)

    def close(self) -> None:
        """Writes what is not in the files yet, and ends them."""
        self._write_rows()
        if self._pending:
            self._write_second()
        if self._writer is not None:
            self._writer.close()
        if self._smdebug is not None:
            self._smdebug.close()
        self._seconds.close()

    def _end_second(self, now: int) -> None:
        self._second = now // SECOND
        self._write_second()
        if not self.follow() and now - self._begun > FILE_SECONDS * SECOND:
            self._renew()

    def follow(self) -> bool:
        """Whether sampling is asked for in another way than before; it is done so from now on."""
        if not self._sampling.changed():
            return False
        self.deadlines = Deadlines(self._sampling.now.interval)
        self._renew()
        return True

    def _write_rows(self) -> None:
        assert self._machine is not None, "begin comes first"
        taken, self._taken = self._taken, []
        rows = [Row(now, seconds, self._machine.values(readings, seconds)) for now, seconds, readings in taken]
        if self._writer is not None and rows:
            self._writer.append(*rows)
        if self._smdebug is not None:
            for row in rows:
                self._smdebug.append(row)
        self._pending += rows

    def _write_second(self) -> None:
        first = self._pending[0]
        time = first.time - round(first.seconds * SECOND)
        self._seconds.append(ROW.pack(time, *self._instance.values(self._pending)))
        self._pending = []

    def _renew(self) -> None:
        self._write_rows()
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        if self._smdebug is not None:
            self._smdebug.close()
            self._smdebug = None
        self._open()

    def _open(self) -> None:
        machine = self._make()
        if self._machine is None or machine.columns != self._machine.columns:
            machine.values(machine.read(0.0), 0.0)  # where the counters begin; with the same columns they go on
            self._machine, self._clock = machine, time.monotonic_ns()
            self.deadlines = Deadlines(self._sampling.now.interval)
        self._begun = time.time_ns() // 1000
        self._span, self._second = self._begun // SPAN, self._begun // SECOND
        self._instance = Instance(self._machine.columns)
        sampling = self._sampling.now
        said = about(self._directory) | {
            "interval": str(sampling.interval),
            "scheduling": self._scheduling,
            **{f"left-out {name}": why for name, why in self._machine.left_out.items()},
        }
        layout = Layout(self._machine.columns, said)
        with suppress(OSError):  # the disk is full: seconds may still find room, and the next file
            self._writer = RowsWriter(self._spool, layout, self._begun)
        if sampling.smdebug_layout:
            self._smdebug = SystemFiles(Path(sampling.smdebug_layout), sampling.node, layout.columns)


class _SecondsFile:
    """``samples.bin``; a torn row at its end, of one that was killed, is taken away first."""

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        size = os.fstat(self._fd).st_size
        self._end = size - size % ROW.size
        os.ftruncate(self._fd, self._end)

    def append(self, row: bytes) -> None:
        with suppress(OSError):  # a full disk; the next row takes this one's place
            if os.pwrite(self._fd, row, self._end) == len(row):
                self._end += len(row)

    def close(self) -> None:
        os.close(self._fd)


def run(spool: Spool, directory: str, pid: int | None = None) -> None:
    """Samples at absolute deadlines until the run is over; waits first while another process samples it."""
    with spool.lock("samples") as lock:
        lock.take(wait=True)
        sampler = Sampler(
            spool.path, directory, lambda: this_machine(directory, pid, lambda job: Gpus.open(job=job))
        )
        sampler.begin(_scheduling())
        alive = _Alive(spool)
        while alive.sleep(min(sampler.deadlines.rest(), FOLLOW_SECONDS)):
            if sampler.deadlines.rest() > 0:
                sampler.follow()
                continue
            sampler.deadlines.take()
            sampler.sample()
        sampler.close()


def _scheduling() -> str:
    """Asks for punctuality unless the settings say otherwise. Which is wrong in them, others tell."""
    with suppress(UsageError):
        if load().sampler_priority == "normal":
            return "normal"
    return ask_for_punctuality()


class _Alive:
    """Whether the run goes on."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._exit = str(spool.path / "exit.json")
        self._looked = 0.0

    def sleep(self, seconds: float) -> bool:
        """Sleeps so long, or until the run is over: then False."""
        deadline = time.monotonic() + seconds
        while True:
            rest = deadline - time.monotonic()
            if rest > 0:
                time.sleep(min(rest, LOOK_SECONDS))
            if os.access(self._exit, os.F_OK) or not self._recorded():
                return False
            if rest <= LOOK_SECONDS:
                return True

    def _recorded(self) -> bool:
        now = time.monotonic()
        if now - self._looked < ALIVE_SECONDS:
            return True
        self._looked = now
        return self._spool.being_recorded()


def main(arguments: Sequence[str]) -> None:
    """The process."""
    run(Spool(Path(arguments[0])), arguments[1], int(arguments[2]) if len(arguments) > 2 else None)


if __name__ == "__main__":
    main(sys.argv[1:])
