"""The files of a spool, read as the columns the server takes; each reader goes on from its position."""

import contextlib
import math
import os
import sys
from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol

from epochwatch.agent.early import EarlyValues
from epochwatch.agent.journal import JournalReader
from epochwatch.agent.sampler import NAMES, ROW, UNITS
from epochwatch.agent.spool import INDEX_ROW, Spool
from epochwatch.extraction.columns import run_points
from epochwatch.extraction.extractor import Extracted, Extractor
from epochwatch.extraction.lines import MAX_LINE
from epochwatch.model.batch import (
    Definition,
    DefinitionHealth,
    InstanceSamples,
    LogEvents,
    RunPoints,
)

PIECE_BYTES = 1 << 20
PIECE_ROWS = 20_000


@dataclass(slots=True)
class Piece:
    """What one read of a file gave. ``end`` is the position behind it."""

    file: str
    end: int
    log_events: LogEvents | None = None
    run_points: RunPoints | None = None
    samples: InstanceSamples | None = None
    size: int = 0
    """Rough bytes of the request that carries it."""
    rows: int = 0


class Reader(Protocol):
    """Reads one file of the spool."""

    file: str

    def read(self, *, last: bool) -> Piece | None:
        """The next piece, None when there is nothing now. ``last``: nothing more will be written."""

    def clone(self) -> "Reader":
        """One that goes on from the same position by itself."""


class OutputReader:
    """Lines of an output and the metric values in them: a function of the bytes, and of where between them the index
    notes that they were quiet. There the values of an unfinished line are taken, too.
    """

    _log = -1

    def __init__(self, spool: Spool, file: str, definitions: Sequence[Definition], *, automatic: bool) -> None:
        self.file = file
        self.extractor = Extractor(definitions, automatic=automatic)
        self._spool = spool
        self._early = EarlyValues()
        self._flushed = self._glimpsed = 0
        self._index = _Index((spool.path / file).with_suffix(".idx"))

    @property
    def position(self) -> int:
        """Offset up to which bytes were fed to the extractor."""
        return self.extractor.offset

    def state(self) -> dict[str, Any]:
        """For ``resume``; JSON-able."""
        return self.extractor.state() | {"early": self._early.state()}

    def resume(self, state: dict[str, Any]) -> None:
        """Goes on where ``state`` was taken; by another version of this program, from the beginning: the
        server drops what it has.
        """
        with contextlib.suppress(ValueError):
            extractor = Extractor.restore(state)
            self.extractor.close()
            self.extractor = extractor
            self._early.restore(state.get("early", []))

    def clone(self) -> "OutputReader":
        """Another at the same position."""
        twin = OutputReader(self._spool, self.file, [], automatic=False)
        twin.resume(self.state())
        return twin

    def read(self, *, last: bool) -> Piece | None:
        """As Reader.read; the unfinished last line comes with the last piece."""
        begin = self.position
        parts = list(self._parts(min(self._index.refresh(begin), begin + PIECE_BYTES)))
        if last and self._flushed < begin == self.position:
            self._flushed = begin
            parts.append(self._early.rest(self.extractor.flush()))
        piece = self._piece(parts)
        return piece if piece.rows or begin < self.position else None

    def health(self) -> list[DefinitionHealth]:
        """How the definitions fared so far."""
        return self.extractor.health()

    def close(self) -> None:
        """Ends the extractor's worker and closes the log."""
        self.extractor.close()
        self._close_log()

    def _parts(self, until: int) -> Iterator[Extracted]:
        """What the bytes up to an offset give, and unfinished lines where it was quiet between them."""
        while True:
            begin = self.position
            if self._index.quiet(begin) == begin and self._glimpsed < begin:
                self._glimpsed = begin
                yield self._early.glimpse(self.extractor)
            data = self._bytes(begin, min(until, self._index.quiet(begin + 1)) - begin)
            if not data:
                return
            yield self._early.rest(self.extractor.feed(data, begin))

    def _bytes(self, begin: int, count: int) -> bytes:
        if count <= 0:
            return b""
        if self._log < 0:
            self._log = os.open(self._spool.path / self.file, os.O_RDONLY | os.O_CLOEXEC)
        return os.pread(self._log, count, begin)

    def _close_log(self) -> None:
        if self._log >= 0:
            os.close(self._log)
            self._log = -1

    __del__ = _close_log  # copies that read ahead are let go of without a word

    def _piece(self, parts: Sequence[Extracted]) -> Piece:
        source = self._spool.source(self.file)
        piece = Piece(self.file, self.position)
        ends = array("Q")
        messages: list[str] = []
        for lines in [part.lines for part in parts if part.lines]:
            ends.extend(lines.ends())
            messages += lines.messages()
        if messages:
            times = array("q", [time // 1000 for time in self._index.times(ends)])
            piece.log_events = LogEvents(source, ends.tobytes(), times.tobytes(), messages)
            piece.size += sum(map(len, messages)) + 18 * len(messages)
        giving = [part for part in parts if part.values]
        if giving:
            extracted, *later = giving
            for part in later:
                extracted.extend(part)
            times = array("q", self._index.times(extracted.ends))
            piece.run_points = run_points(extracted, source, extracted.ends.tobytes(), times.tobytes())
            piece.size += 44 * len(extracted.values)
            piece.rows = len(extracted.values)
        piece.rows += len(messages)
        return piece


class _Index:
    """Times of arrival: which row covers an offset, and where the output was quiet amid a line."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd = -1
        self._read = 0
        self._ends = array("Q")
        self._times = array("Q")
        self._quiet = array("Q")

    def refresh(self, position: int) -> int:
        """Reads new rows and returns the offset up to which the log is noted."""
        if self._fd < 0:
            try:
                self._fd = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
            except FileNotFoundError:
                return 0
        while rows := os.pread(self._fd, INDEX_ROW.size * 65536, self._read):
            rows = rows[: len(rows) - len(rows) % INDEX_ROW.size]
            if not rows:
                break
            self._read += len(rows)
            both = array("Q", rows)
            known = len(self._ends)
            self._ends.extend(both[::2])
            self._quiet.extend([end for before, end in pairwise(self._ends[max(known - 1, 0) :]) if before == end])
            self._times.extend(both[1::2])
        # A line may end a little before what was fed last: its beginning was held back.
        done = bisect_left(self._ends, position - 2 * MAX_LINE) if position > 2 * MAX_LINE else 0
        if done > 4096:
            del self._ends[:done], self._times[:done]
            del self._quiet[: bisect_left(self._quiet, self._ends[0])]
        return self._ends[-1] if self._ends else 0

    def quiet(self, position: int) -> int:
        """The first place at or behind an offset at which the output was quiet; ``sys.maxsize`` if there is none."""
        row = bisect_left(self._quiet, position)
        return self._quiet[row] if row < len(self._quiet) else sys.maxsize

    def times(self, ends: "array[int]") -> list[int]:
        """Unix microseconds of arrival for offsets that never decrease."""
        found = []
        row = 0
        for end in ends:
            if row == 0 or self._ends[row] < end:
                row = min(bisect_left(self._ends, end, row), len(self._ends) - 1)
            found.append(self._times[row])
        return found

    def __del__(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)


class JournalFileReader:
    """Values of ``epochwatch.log``; positions count blocks of the journal."""

    def __init__(self, spool: Spool, file: str, position: int = 0) -> None:
        self.file = file
        self.position = position
        self._spool = spool
        self._journal = JournalReader(spool.path / file)

    def read(self, *, last: bool) -> Piece | None:
        """As Reader.read."""
        rows = self._journal.read(self.position, PIECE_ROWS, last=last)
        if rows.end == self.position:
            return None
        self.position = rows.end
        piece = Piece(self.file, rows.end, rows=len(rows.values), size=44 * len(rows.values))
        if rows.values:
            piece.run_points = RunPoints(
                self._spool.source(self.file),
                rows.positions.tobytes(),
                rows.names,
                rows.metrics.tobytes(),
                rows.steps.tobytes(),
                array("d", [math.nan]).tobytes() * len(rows.values),
                rows.times.tobytes(),
                rows.values.tobytes(),
            )
        return piece

    def clone(self) -> "JournalFileReader":
        """Another at the same position."""
        return JournalFileReader(self._spool, self.file, self.position)


@dataclass(slots=True)
class SampleReader:
    """Host samples; positions count rows."""

    spool: Spool
    file: str = "samples.bin"
    position: int = 0

    def read(self, *, last: bool) -> Piece | None:
        """As Reader.read."""
        try:
            with open(self.spool.path / self.file, "rb") as file:
                file.seek(self.position * ROW.size)
                data = file.read(ROW.size * (PIECE_ROWS // len(NAMES)))
        except FileNotFoundError:
            return None
        rows = list(ROW.iter_unpack(data[: len(data) - len(data) % ROW.size]))
        if not rows:
            return None
        positions, metrics, times, values = array("Q"), array("I"), array("q"), array("d")
        for number, (time, *row) in enumerate(rows, self.position + 1):
            for metric, value in enumerate(row):
                if not math.isnan(value):
                    positions.append(number)
                    metrics.append(metric)
                    times.append(time)
                    values.append(value)
        self.position += len(rows)
        samples = InstanceSamples(
            self.spool.source(self.file),
            positions.tobytes(),
            list(NAMES),
            metrics.tobytes(),
            times.tobytes(),
            values.tobytes(),
            list(UNITS),
        )
        return Piece(self.file, self.position, samples=samples, size=28 * len(values), rows=len(values))

    def clone(self) -> "SampleReader":
        """Another at the same position."""
        return SampleReader(self.spool, self.file, self.position)
