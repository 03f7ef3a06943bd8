"""The journal: where ``epochwatch.log`` puts its values, in microseconds and beyond the reach of SIGKILL.

A call writes 32 bytes into a shared mapping of a file; the kernel owns them from then on. No lock, no thread and no
network on the way. Another process reads the file while it grows.
"""

import itertools
import mmap
import os
import struct
import threading
import time
from array import array
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from epochwatch.model.batch import NO_STEP

MAGIC = b"EWJOURNAL1"
HEADER_BYTES = 64
BLOCK_BYTES = 32
FIRST_BYTES = 1 << 20
LARGEST_GROWTH = 1 << 26

_VALUE = struct.Struct("<dqqI")
_NAME = struct.Struct("<24sI")
_KIND_AT = 28
_EMPTY, _IS_VALUE, _IS_NAME = 0, 1, 2


class Journal:
    """Writes a journal file.

    Layout: a header of 64 bytes that begins with ``EWJOURNAL1``, then blocks of 32 bytes, little-endian::

        value   f64 value, i64 step (-2**63: none), i64 Unix microseconds, u32 metric, u8 kind = 1, 3 unused
        name    24 bytes of the metric's name (UTF-8, padded with NUL; a longer name takes several blocks in
                order), u32 metric, u8 kind = 2, 3 unused

    The kind is written last: a block of kind 0 is not written yet (or never was, if the process died in between).
    A metric's name stands before its first value. The file is allocated ahead in steps, so that a full disk shows
    itself as an OSError here and not as a signal in the training. Any thread may write; a forked child must open
    a journal of its own.
    """

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        self._growing = threading.Lock()
        self._ids: dict[str, int] = {}
        self._take: Callable[[], int] = itertools.count().__next__
        self._new_metric: Callable[[], int] = itertools.count().__next__
        self._capacity = 0
        self._map = self._mapped(FIRST_BYTES)
        self._map[: len(MAGIC)] = MAGIC

    def write(self, name: str, value: float, step: int = NO_STEP, moment: int | None = None) -> None:
        """Append one value. ``moment`` is in Unix microseconds (now, if None). Raises OSError on a full disk."""
        metric = self._ids.get(name)
        if metric is None:
            metric = self._introduce(name)
        place = self._take()
        if place >= self._capacity:
            self._grow(place)
        at = HEADER_BYTES + place * BLOCK_BYTES
        mapped = self._map
        _VALUE.pack_into(mapped, at, value, step, time.time_ns() // 1000 if moment is None else moment, metric)
        mapped[at + _KIND_AT] = _IS_VALUE

    def sync(self) -> None:
        """Have the kernel write to disk what it holds (SIGKILL needs no such call; a power cut does)."""
        self._map.flush()

    def close(self) -> None:
        """Close the file; its contents stay."""
        os.close(self._file)

    def _introduce(self, name: str) -> int:
        metric = self._new_metric()  # two threads may each introduce one name: readers join them again
        text = name.encode("utf-8", "replace").replace(b"\0", b"")
        for begin in range(0, max(len(text), 1), 24):
            place = self._take()
            if place >= self._capacity:
                self._grow(place)
            at = HEADER_BYTES + place * BLOCK_BYTES
            _NAME.pack_into(self._map, at, text[begin : begin + 24], metric)
            self._map[at + _KIND_AT] = _IS_NAME
        self._ids[name] = metric
        return metric

    def _grow(self, place: int) -> None:
        with self._growing:
            while place >= self._capacity:
                size = HEADER_BYTES + self._capacity * BLOCK_BYTES
                self._map = self._mapped(size + min(size, LARGEST_GROWTH))

    def _mapped(self, size: int) -> mmap.mmap:
        """The file at a new size. Threads that still write through an older mapping write the same pages."""
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(self._file, 0, size)
        else:
            os.ftruncate(self._file, size)
        mapped = mmap.mmap(self._file, size)
        self._capacity = (size - HEADER_BYTES) // BLOCK_BYTES
        return mapped


@dataclass(slots=True)
class JournalRows:
    """Values read from a journal, as columns of one length, in the order they were written."""

    end: int
    """Position behind what was read: the block to go on from."""
    names: list[str]
    """Every metric name known so far; ``metrics`` holds indices into it."""
    positions: "array[int]" = field(default_factory=lambda: array("Q"))
    """Position behind each value."""
    metrics: "array[int]" = field(default_factory=lambda: array("I"))
    steps: "array[int]" = field(default_factory=lambda: array("q"))
    times: "array[int]" = field(default_factory=lambda: array("q"))
    """Unix microseconds."""
    values: "array[float]" = field(default_factory=lambda: array("d"))


class JournalReader:
    """Reads a journal while it is written, and after."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._names: list[bytes] = []
        self._named_to = 0

    def read(self, start: int, limit: int, *, last: bool = False) -> JournalRows:
        """Up to ``limit`` blocks from block ``start`` on. ``last``: the writer is gone, so that a block it left
        unfinished is passed over instead of waited for. Raises OSError, and ValueError for a foreign file.
        """
        with open(self._path, "rb") as file:
            if file.read(len(MAGIC)) not in (MAGIC, b"\0" * len(MAGIC)):
                raise ValueError(f"{self._path} is no journal")
            self._learn_names(file.fileno(), start)
            data = os.pread(file.fileno(), limit * BLOCK_BYTES, HEADER_BYTES + start * BLOCK_BYTES)
        return self._rows(data, start, last)

    def _rows(self, data: bytes, start: int, last: bool) -> JournalRows:
        kinds = data[_KIND_AT::BLOCK_BYTES]
        count = len(kinds.rstrip(b"\0")) if last else _first_empty(kinds)
        rows = JournalRows(start + count, [])
        for number in range(count):
            at = number * BLOCK_BYTES
            if kinds[number] == _IS_NAME:
                self._name(start + number, data[at : at + BLOCK_BYTES])
            elif kinds[number] == _IS_VALUE:
                value, step, moment, metric = _VALUE.unpack_from(data, at)
                rows.positions.append(start + number + 1)
                rows.metrics.append(metric)
                rows.steps.append(step)
                rows.times.append(moment)
                rows.values.append(value)
        self._named_to = max(self._named_to, rows.end)
        rows.names = [name.decode("utf-8", "replace") for name in self._names]
        return rows

    def _learn_names(self, file: int, start: int) -> None:
        """Names that stand before ``start``: needed when reading goes on in the middle."""
        while self._named_to < start:
            count = min(start - self._named_to, 1 << 15)
            data = os.pread(file, count * BLOCK_BYTES, HEADER_BYTES + self._named_to * BLOCK_BYTES)
            begin = self._named_to
            kinds = data[_KIND_AT::BLOCK_BYTES]
            number = kinds.find(_IS_NAME)
            while number >= 0:
                self._name(begin + number, data[number * BLOCK_BYTES : (number + 1) * BLOCK_BYTES])
                number = kinds.find(_IS_NAME, number + 1)
            self._named_to = begin + count

    def _name(self, place: int, block: bytes) -> None:
        if place < self._named_to:
            return
        self._named_to = place + 1
        text, metric = _NAME.unpack_from(block)
        while len(self._names) <= metric:
            self._names.append(b"")
        self._names[metric] += text.rstrip(b"\0")


def _first_empty(kinds: bytes) -> int:
    found = kinds.find(_EMPTY)
    return len(kinds) if found < 0 else found
