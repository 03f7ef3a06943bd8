"""System metrics as files of SageMaker Debugger's profiler, for its readers."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

from epochwatch.model.host_rows import Column, Row
from epochwatch.profiler.smdebug.layout import SECOND, system_path
from epochwatch.profiler.smdebug.system_event import encoded
from epochwatch.profiler.smdebug.things import events_of, sources


class SystemFiles:
    """Writes rows. What cannot be written is left out: the rows themselves are elsewhere."""

    def __init__(self, directory: Path, node: str, columns: Sequence[Column]) -> None:
        self._directory = directory
        self._node = node
        self._sources = sources(columns)
        self._minute = -1
        self._file: IO[bytes] | None = None

    def append(self, row: Row) -> None:
        """The row's events; in the file of its minute."""
        minute = row.time // SECOND // 60 * 60
        with suppress(OSError):
            if minute != self._minute:
                self._open(minute)
            if self._file is not None:
                events = events_of(row, self._sources, self._node)
                self._file.write(b"".join(b"%b\n" % encoded(event) for event in events))
                self._file.flush()

    def close(self) -> None:
        """Ends the file."""
        with suppress(OSError):
            if self._file is not None:
                self._file.close()
        self._file = None

    def _open(self, minute: int) -> None:
        self.close()
        path = self._directory / system_path(minute, self._node)
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = open(path, "ab")  # noqa: SIM115
        self._minute = minute
