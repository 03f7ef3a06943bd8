"""Writes a process's events. Needs nothing but Python."""

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from epochwatch.profiler.phases import Phase
from epochwatch.profiler.store.rows import (
    EVENT_ROW,
    IS_EVENT,
    IS_NAME,
    NAME_BYTES,
    NAME_ROW,
    PHASES,
    Header,
    file_name,
)

ROTATE_SECONDS: Final = 20.0
"""After which a file is ended and another begun: a server is sent each whole while it grows."""
ROTATE_BYTES: Final = 4 << 20
_PHASES: Final = {phase: place for place, phase in enumerate(PHASES)}
_MICROSECOND: Final = 1_000


class EventWriter:
    """Appends events to files in a directory, which is made when the first is written. Any thread may add. What was
    flushed is the kernel's, and outlives the process.
    """

    def __init__(self, directory: Path, header: Header, clock: Callable[[], int] = time.time_ns) -> None:
        self._directory = directory
        self._header = header
        self._clock = clock
        self._lock = threading.Lock()
        self._waiting: list[bytes] = []
        self._names: dict[str, int] = {}
        self._fd: int | None = None
        self._end = 0
        self._begun = 0

    @property
    def header(self) -> Header:
        """Of the files from now on."""
        return self._header

    @header.setter
    def header(self, header: Header) -> None:
        self.flush()
        self.close()
        self._header = header

    def add(
        self,
        phase: Phase,
        start: int,
        duration: int,
        step: int = -1,
        mode: int = 1,
        name: str = "",
        thread: int = 0,
        size: int = 0,
    ) -> None:
        """One event, in microseconds; ``size`` is its bytes. It is kept in memory until ``flush``."""
        with self._lock:
            number = self._number(name) if name else 0
            self._waiting.append(
                EVENT_ROW.pack(start, duration, step, thread, size, number, _PHASES[phase], mode, IS_EVENT)
            )

    def flush(self) -> None:
        """Write what waits. Raises OSError where that cannot be; then none of it is written."""
        with self._lock:
            if self._waiting:
                rows, self._waiting = b"".join(self._waiting), []
                self._write(rows)

    def close(self) -> None:
        """End the file: what comes is written to another."""
        with self._lock:
            self._close()

    def forked(self) -> None:
        """In a child of the process: what waits is the parent's, and so are its files. No other thread is here."""
        self._lock = threading.Lock()
        self._waiting = []
        self._close()
        self._header = self._header._replace(process=os.getpid())

    # -- within ----------------------------------------------------------------------------------------

    def _number(self, name: str) -> int:
        number = self._names.get(name)
        if number is None:
            number = self._names[name] = len(self._names) + 1
            self._waiting += _name_rows(name, number)
        return number

    def _write(self, rows: bytes) -> None:
        if self._fd is None:
            self._open()
        assert self._fd is not None, "a file was just opened"
        written = os.pwrite(self._fd, rows, self._end)
        if written < len(rows):
            raise OSError(28, os.strerror(28), str(self._directory))
        self._end += written
        if self._end >= ROTATE_BYTES or self._clock() - self._begun >= ROTATE_SECONDS * 1e9:
            self._close()

    def _open(self) -> None:
        """Names that are used from now on stand in this file before their rows; those that wait have theirs."""
        self._directory.mkdir(parents=True, exist_ok=True)
        self._begun = self._clock()
        path = self._directory / file_name(self._begun // _MICROSECOND, self._header.process)
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        self._end = 0
        header = self._header.pack()
        if os.pwrite(self._fd, header, 0) < len(header):
            raise OSError(28, os.strerror(28), str(path))
        self._end = len(header)

    def _close(self) -> None:
        """Only with nothing waiting, or for a child: names are told anew."""
        self._names = {}
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


def _name_rows(name: str, number: int) -> list[bytes]:
    text = name.encode("utf-8", "replace")
    pieces = [text[begin : begin + NAME_BYTES] for begin in range(0, max(len(text), 1), NAME_BYTES)]
    return [NAME_ROW.pack(piece, number, len(piece), 0, IS_NAME) for piece in pieces]
