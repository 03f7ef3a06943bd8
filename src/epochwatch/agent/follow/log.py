"""A log of the spool into which somebody else's log is read, and the note of up to where it was read.

::

    algo-1.log     the lines
    algo-1.idx     rows ``<QQ``: end offset, Unix microseconds
    algo-1.place   lines of JSON: the log's size, and the place behind what makes up that size in what is followed

They are written in the order place, log, index. The index says what counts: whatever stands behind its end is cut off
by the next to open the log, and read again from the place that belongs to that size. So each byte is there once, though
the follower may be killed at any instruction.
"""

import contextlib
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from epochwatch.agent.spool import INDEX_ROW

Place = dict[str, Any]
"""Where a source is to be read on; JSON-able, and opaque here."""

COMPACT_BYTES = 1 << 18
KEPT_PLACES = 32
"""Places that survive a compaction: after a power cut the log may be shorter than the newest says."""
_READ_BYTES = 1 << 16


class FollowedLog:
    """The log ``file`` of the spool at ``directory``. One process at a time (the holder of ``run.lock``)."""

    def __init__(self, directory: Path, file: str) -> None:
        self.file = file
        self._place_path = (directory / file).with_suffix(".place")
        self._log = _open(directory / file)
        self._index = _open((directory / file).with_suffix(".idx"))
        self._places = _open(self._place_path)
        self._recent: list[bytes] = []
        self.end = 0
        """Size of the log, in bytes."""
        self.place: Place | None = None
        """Where to read on; None: nothing was read yet."""
        self._recover()

    def append(self, data: bytes, rows: Sequence[tuple[int, int]], place: Place) -> None:
        """Adds whole lines. ``rows`` are (end within ``data``, Unix microseconds), the last at its end; ``place`` is
        where to read on. Raises OSError where the disk does not take it; then nothing was added.
        """
        end = self.end + len(data)
        note = json.dumps({"end": end, "place": place}).encode() + b"\n"
        try:
            _write(self._places, note)
            _write(self._log, data)
            _write(self._index, b"".join(INDEX_ROW.pack(self.end + size, time) for size, time in rows))
        except OSError:
            with contextlib.suppress(OSError):
                self._recover()
            raise
        self.end, self.place = end, place
        self._recent = [*self._recent[1 - KEPT_PLACES :], note]
        if os.fstat(self._places).st_size > COMPACT_BYTES + len(note) * KEPT_PLACES:
            self._compact()

    def tail(self, size: int) -> bytes:
        """The log's last bytes."""
        return os.pread(self._log, size, max(0, self.end - size))

    def close(self) -> None:
        """Closes the files."""
        for descriptor in (self._log, self._index, self._places):
            os.close(descriptor)

    def _recover(self) -> None:
        """Goes back to the newest place whose bytes are all there."""
        rows = os.fstat(self._index).st_size // INDEX_ROW.size
        there = min(self._row(rows - 1), os.fstat(self._log).st_size)
        notes = list(filter(None, map(_decoded, _lines(self._places))))
        while notes and notes[-1][1]["end"] > there:
            notes.pop()
        self._recent = [line for line, _ in notes[-KEPT_PLACES:]]
        newest: dict[str, Any] = notes[-1][1] if notes else {"end": 0, "place": None}
        self.end, self.place = newest["end"], newest["place"]
        while rows and self._row(rows - 1) > self.end:
            rows -= 1
        os.ftruncate(self._index, rows * INDEX_ROW.size)
        os.ftruncate(self._log, self.end)
        self._compact()

    def _row(self, number: int) -> int:
        if number < 0:
            return 0
        end, _ = INDEX_ROW.unpack(os.pread(self._index, INDEX_ROW.size, number * INDEX_ROW.size))
        return int(end)

    def _compact(self) -> None:
        """Leaves only the newest places."""
        temporary = self._place_path.with_name(f".{self._place_path.name}.{os.getpid()}")
        temporary.write_bytes(b"".join(self._recent))
        temporary.replace(self._place_path)
        os.close(self._places)
        self._places = _open(self._place_path)


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)


def _write(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _lines(descriptor: int) -> list[bytes]:
    """The whole lines of a small file."""
    data, at = bytearray(), 0
    while piece := os.pread(descriptor, _READ_BYTES, at):
        data += piece
        at += len(piece)
    return bytes(data).splitlines(keepends=True)


def _decoded(line: bytes) -> tuple[bytes, dict[str, Any]] | None:
    """A note and its line; None for one that is torn."""
    try:
        note = json.loads(line)
    except ValueError:
        return None
    return (line, note) if line.endswith(b"\n") and isinstance(note, dict) and "end" in note else None
