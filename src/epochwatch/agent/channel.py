"""One output of the training on its way into the spool."""

import contextlib
import errno
import fcntl
import os
import time
from dataclasses import dataclass
from pathlib import Path

from epochwatch.agent.spool import INDEX_ROW

PIPE_BYTES = 1 << 20
AT_ONCE = 1 << 18
"""Bytes taken from the training before they are stored and noted."""
READ_BYTES = 1 << 16
QUIET_LINE_SECONDS = 0.25
"""After so long without output the values of a line that is not at its end are taken."""


@dataclass(frozen=True, slots=True)
class ChannelEnds:
    """The descriptors that whoever records an output needs; several processes hold them."""

    name: str
    """The log's file name in the spool."""
    source: int
    """Read end of the training's pipe, or the master of its terminal; non-blocking."""
    transit: tuple[int, int]
    """A pipe in which bytes survive the death of whoever carries them from ``source`` to the log."""
    spare: tuple[int, int]
    """A pipe by which the display gets what the disk does not take."""

    @classmethod
    def open(cls, name: str, source: int) -> "ChannelEnds":
        """Ends for a new output."""
        os.set_blocking(source, False)
        return cls(name, source, _pocket(), _pocket())

    @property
    def descriptors(self) -> list[int]:
        """All of them, for handing to another process."""
        return [self.source, *self.transit, *self.spare]


class Channel:
    """Moves an output's bytes into its log, at most one process at a time (the holder of ``run.lock``).

    Inside the kernel where it can (``splice``), so that a kill at any instruction leaves each byte either in the
    source, in the transit pipe or in the log, once. A full disk does not stop the training: bytes then go to the
    display only and are counted in ``lost``.
    """

    def __init__(self, ends: ChannelEnds, directory: Path) -> None:
        self.ends = ends
        self.lost = 0
        self.ended = False
        """Whether the source will give nothing more."""
        self.failure: OSError | None = None
        """Why bytes no longer reach the log."""
        self._log = os.open(directory / ends.name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        index = (directory / ends.name).with_suffix(".idx")
        self._index = os.open(index, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._noted = 0  # bytes of whole rows
        self._moved: float | None = time.monotonic()  # when bytes came of which it is not known how they end
        self._splice_in = self._splice_out = hasattr(os, "splice")
        self._position = os.fstat(self._log).st_size
        self._adopt()

    def _adopt(self) -> None:
        """Takes up where a predecessor was killed: a torn row, bytes without a row, bytes in transit."""
        size = os.fstat(self._index).st_size
        self._noted = size - size % INDEX_ROW.size
        end = 0
        if self._noted:
            row = os.pread(self._index, INDEX_ROW.size, self._noted - INDEX_ROW.size)
            end = INDEX_ROW.unpack(row)[0]
        if self._store() or end < self._position:
            self._note()

    def pump(self) -> tuple[int, bool]:
        """Moves what is there now; returns how many bytes that were and whether it was the end. Never waits."""
        taken = 0
        while taken < AT_ONCE:
            count = self._take()
            if count is None:
                break
            if count == 0:
                self.ended = True
                break
            taken += count
        if taken and self._store():
            self._note()
            self._moved = time.monotonic()
        return taken, self.ended

    def mark_quiet(self) -> bool:
        """Marks in the index that the output has been quiet amid a line, once. Returns whether it may yet come to that:
        call again within ``QUIET_LINE_SECONDS`` then.
        """
        if self._moved is None or self.failure is not None or not self._position:
            return False
        if time.monotonic() - self._moved < QUIET_LINE_SECONDS:
            return True
        self._moved = None
        if os.pread(self._log, 1, self._position - 1) not in _LINE_ENDS:
            self._note()
        return False

    def close(self) -> None:
        """Closes the files; the ends stay open for others of this process."""
        os.close(self._log)
        os.close(self._index)

    def _take(self) -> int | None:
        """Source to transit: bytes moved, 0 at the end, None when there is nothing now (or no room)."""
        try:
            if self._splice_in:
                return os.splice(self.ends.source, self.ends.transit[1], PIPE_BYTES, flags=_NONBLOCK)
            data = os.read(self.ends.source, READ_BYTES)
            if data:
                self._into_transit(data)
            return len(data)
        except (BlockingIOError, InterruptedError):
            return None
        except OSError as error:
            if error.errno == errno.EIO:  # a terminal whose last user is gone
                return 0
            if self._splice_in and error.errno in _REFUSED:
                self._splice_in = False
                return self._take()
            raise

    def _into_transit(self, data: bytes) -> None:
        while data:
            try:
                data = data[os.write(self.ends.transit[1], data) :]
            except BlockingIOError:
                self._store()

    def _store(self) -> int:
        """Transit to log; returns how many bytes the log grew by."""
        before = self._position
        while True:
            try:
                count = self._put() if self.failure is None else self._bypass()
            except (BlockingIOError, InterruptedError):
                break
            except OSError as error:
                if self._splice_out and error.errno in _REFUSED:
                    self._splice_out = False
                else:
                    self.failure = error
                continue
            if count == 0:
                break
        return self._position - before

    def _put(self) -> int:
        if self._splice_out:
            count = os.splice(
                self.ends.transit[0], self._log, PIPE_BYTES, offset_dst=self._position, flags=_NONBLOCK
            )
            self._position += count
            return count
        data = os.read(self.ends.transit[0], READ_BYTES)
        rest = memoryview(data)
        try:
            while rest:
                count = os.pwrite(self._log, rest, self._position)
                self._position += count
                rest = rest[count:]
        except OSError:
            self._to_display(rest)
            raise
        return len(data)

    def _bypass(self) -> int:
        data = os.read(self.ends.transit[0], READ_BYTES)
        self._to_display(memoryview(data))
        return len(data)

    def _to_display(self, data: memoryview) -> None:
        self.lost += len(data)
        with contextlib.suppress(OSError):
            os.write(self.ends.spare[1], data)

    def _note(self) -> None:
        row = INDEX_ROW.pack(self._position, time.time_ns() // 1000)
        try:
            if os.pwrite(self._index, row, self._noted) == len(row):
                self._noted += len(row)
        except OSError as error:
            self.failure = self.failure or error


_LINE_ENDS = (b"\n", b"\r")
_NONBLOCK = getattr(os, "SPLICE_F_NONBLOCK", 0)
_REFUSED = (errno.EINVAL, errno.ENOSYS, errno.EPERM, errno.EOPNOTSUPP)


def open_pipe() -> tuple[int, int]:
    """A pipe that holds as much as the kernel allows, so that a busy reader does not hold up the writer."""
    read, write = os.pipe()
    with contextlib.suppress(AttributeError, OSError):  # the kernel's limit for users may be lower
        fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    return read, write


def _pocket() -> tuple[int, int]:
    read, write = open_pipe()
    for end in (read, write):
        os.set_blocking(end, False)
    return read, write
