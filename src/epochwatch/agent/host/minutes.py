"""Minutes of host samples on their way to the server: whole ones, or what there is once the run is over."""

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from epochwatch.agent.host.rows_file import RowsReader, row_files
from epochwatch.model.host_rows import HostMinute, Row

SECOND = 1_000_000
LOOK_SECONDS = 1.0
"""Between two looks for files, when there was nothing to send."""


class MinuteReader:
    """Reads the files of one spool in turn. ``acknowledged`` says of each up to which byte the server has it."""

    def __init__(
        self,
        run_id: str,
        directory: Path,
        acknowledged: dict[str, int],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._run_id = run_id
        self._directory = directory
        self._acknowledged = acknowledged
        self._readers: dict[str, RowsReader] = {}
        self._clock = clock
        self._next_look = 0.0
        self._taken = 0
        self._due: dict[str, int] = {}
        """Unix seconds before which a file that grows has no whole minute: it is not read for nothing."""

    def next(self, *, last: bool) -> HostMinute | None:
        """The oldest minute that is not acknowledged; None when none is whole.

        ``last``: nothing more will be written.
        """
        if not last and self._clock() < self._next_look:
            return None
        files = row_files(self._directory)
        for number, path in enumerate(files):
            ended = last or number < len(files) - 1
            reader = self._readers.get(path.name)
            if reader is None:
                reader = self._readers[path.name] = RowsReader(path, self._acknowledged.get(path.name, 0))
            minute = self._minute_of(reader, ended)
            if minute is not None:
                self._reading = reader
                return minute
            if ended and not last:
                self._forget(path)
        self._next_look = self._clock() + LOOK_SECONDS
        return None

    def acknowledge(self) -> None:
        """The server has the minute that ``next`` gave last."""
        self._reading.advance(self._taken)
        self._acknowledged[self._reading.path.name] = self._reading.position

    def _minute_of(self, reader: RowsReader, ended: bool) -> HostMinute | None:
        if not ended and self._clock() < self._due.get(reader.path.name, 0):
            return None
        try:
            rows = reader.peek()
        except (OSError, ValueError):  # damaged, or just removed
            return None
        if not rows or reader.layout is None:
            return None
        minute = _minute(rows[0])
        taken = next((number for number, row in enumerate(rows) if _minute(row) != minute), None)
        if taken is None and not ended and not reader.is_full(rows):
            self._due[reader.path.name] = (minute + 1) * 60 + 1
            return None
        self._taken = taken if taken is not None else len(rows)
        packed = b"".join(map(reader.layout.pack, rows[: self._taken]))
        part = f"{reader.path.stem}-{reader.position}"
        columns = list(reader.layout.columns)
        return HostMinute(self._run_id, part, minute * 60, columns, packed, reader.layout.about)

    def _forget(self, path: Path) -> None:
        """A file that has ended and that the server has."""
        self._readers.pop(path.name, None)
        self._due.pop(path.name, None)
        self._acknowledged.pop(path.name, None)
        with suppress(OSError):
            path.unlink()


def _minute(row: Row) -> int:
    """The minute in which the row's time begins."""
    return (row.time - round(row.seconds * SECOND)) // SECOND // 60
