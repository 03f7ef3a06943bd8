"""Files of rows in a spool: ``host-<Unix microseconds>.bin``, appended to by one sampler, read while they grow."""

import os
from collections.abc import Sequence
from pathlib import Path

from epochwatch.model.host_rows import Layout, Row

PATTERN = "host-*.bin"
READ_BYTES = 4 << 20


class RowsWriter:
    """Appends rows. What could not be written leaves nothing behind: the next row takes its place."""

    def __init__(self, directory: Path, layout: Layout, now: int) -> None:
        self.path = directory / f"host-{now:016d}.bin"
        self._layout = layout
        self._fd = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        header = layout.header()
        self._end = 0
        if not self._write(header):
            self.close()
            self.path.unlink(missing_ok=True)
            raise OSError(28, os.strerror(28), str(self.path))

    def append(self, *rows: Row) -> bool:
        """Whether the rows are in the file, all of them (else the disk is full, and none is)."""
        return self._write(b"".join(map(self._layout.pack, rows)))

    def close(self) -> None:
        """Ends the file."""
        os.close(self._fd)

    def _write(self, data: bytes) -> bool:
        try:
            written = os.pwrite(self._fd, data, self._end)
        except OSError:
            return False
        if written < len(data):
            return False
        self._end += written
        return True


class RowsReader:
    """Reads the rows of one file from a byte on; ``position`` 0 is its beginning, header included.

    Raises ValueError where it is no file of rows.
    """

    def __init__(self, path: Path, position: int = 0) -> None:
        self.path = path
        self.layout: Layout | None = None
        self._position = position
        self._first = 0

    @property
    def position(self) -> int:
        """Offset of the next row."""
        return max(self._position, self._first)

    def peek(self) -> list[Row]:
        """Rows from the position on, at most READ_BYTES of them; the position stays."""
        if self.layout is None:
            with open(self.path, "rb") as file:
                found = Layout.read(file.read(READ_BYTES))
            if found is None:
                return []
            self.layout, self._first = found
        with open(self.path, "rb") as file:
            file.seek(self.position)
            return list(self.layout.unpack(file.read(self._most() * self.layout.row_size)))

    def is_full(self, rows: Sequence[Row]) -> bool:
        """Whether ``peek`` gave as many as it ever does."""
        return len(rows) >= self._most()

    def advance(self, rows: int) -> None:
        """Moves the position behind so many rows."""
        assert self.layout is not None, "peek comes first"
        self._position = self.position + rows * self.layout.row_size

    def newest(self, count: int) -> Sequence[Row]:
        """The last ``count`` rows of the file, wherever the position is."""
        self.peek()
        if self.layout is None:
            return []
        size = self.layout.row_size
        with open(self.path, "rb") as file:
            whole = (file.seek(0, os.SEEK_END) - self._first) // size
            file.seek(self._first + max(whole - count, 0) * size)
            return list(self.layout.unpack(file.read(count * size)))

    def _most(self) -> int:
        assert self.layout is not None, "peek comes first"
        return max(READ_BYTES // self.layout.row_size, 1)


def row_files(directory: Path) -> list[Path]:
    """All of a spool, oldest first."""
    return sorted(directory.glob(PATTERN))
