"""A file that somebody else writes, rotates, truncates or replaces, read once from its beginning on.

The file stays open while it is followed, so that what was written before a rotation can be read after it, whatever the
file is called then. What was rotated while nobody followed is looked for beside the file, compressed or not.
"""

import contextlib
import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from epochwatch.agent.follow.formats import Unwrapped, detect, unwrap
from epochwatch.agent.follow.log import Place
from epochwatch.agent.follow.marks import (
    HEAD_BYTES,
    SURE_BYTES,
    TAIL_BYTES,
    Mark,
    Readable,
    family,
    file_of,
    holds,
    is_copy,
    opened,
    rotated,
)

WINDOW_BYTES = 1 << 20
"""Read at once. A line that is longer is taken in pieces."""
GRACE_SECONDS = 10.0
"""How long a file that was rotated is still read: its writer may not have noticed yet."""
PAST_MARKS = 8


@dataclass(slots=True)
class Taken:
    """What one read of a source gave, and the place behind it."""

    data: bytes
    times: list[tuple[int, int]]
    """Rows (end within ``data``, Unix microseconds)."""
    place: Place


@dataclass(slots=True)
class _Part:
    """One file of those that a path has named, oldest first."""

    file: Readable
    offset: int = 0
    head: bytes = b""
    tail: bytes = b""
    quiet_since: float = 0.0
    seen: tuple[int, int] = (-1, -1)
    """Size and time of change when all was read."""

    def mark(self) -> Mark:
        return Mark(self.file.device, self.file.inode, self.offset, self.head, self.tail)

    def advance(self, data: bytes) -> None:
        self.head = (self.head + data[: HEAD_BYTES - len(self.head)]) if len(self.head) < HEAD_BYTES else self.head
        self.tail = (self.tail + data[-TAIL_BYTES:])[-TAIL_BYTES:]
        self.offset += len(data)

    def rewind(self) -> None:
        self.offset, self.head, self.tail, self.seen = 0, b"", b"", (-1, -1)


class FileSource:
    """Follows ``path``. ``others`` gives the sources that follow other files; ``on_notice`` hears what a person
    should know.
    """

    def __init__(
        self,
        path: Path,
        form: str,
        place: Place | None,
        others: Callable[[], Iterable["FileSource"]],
        on_notice: Callable[[str], None],
    ) -> None:
        self.path = path
        self.name = str(path)
        self._asked = form
        self._form = place.get("format", "") if place else ""
        self._marks = [Mark.from_json(fields) for fields in place["marks"]] if place else []
        """Of files that are read to their end, then those to go on with."""
        self._resuming = place is not None
        self._parts: list[_Part] = []
        """The files that the path has named and that are read, oldest first."""
        self._foreign: tuple[int, int] | None = None
        """A file that the path names but that is not to be read here."""
        self._past: list[Mark] = []
        self._others = others
        self._on_notice = on_notice
        self._said: set[str] = set()

    # -- what others ask ------------------------------------------------------------------------------------

    def has(self, identity: tuple[int, int]) -> bool:
        """Whether it has the file open."""
        return any(part.file.identity == identity for part in self._parts)

    def had(self, file: Readable) -> bool:
        """Whether ``file`` is an older one of this log, renamed, copied or compressed."""
        if self.has(file.identity):
            return True
        if family(file.path.name) != family(self.path.name) or file.path.parent != self.path.parent:
            return False
        marks = [*self._marks, *self._past, *(part.mark() for part in self._parts)]
        return any(holds(mark, file, sure=True) for mark in marks if mark.offset)

    # -- reading --------------------------------------------------------------------------------------------

    def read(self, *, last: bool = False) -> Taken | None:
        """The next lines; None when there are none now. ``last``: the unfinished last line comes too."""
        if not last and self._nothing_new():
            return None
        self._look()
        for part in list(self._parts):
            try:
                if self._unchanged(part) and not last:
                    continue
                if self._was_cut(part):
                    self._truncated(part)
                    return self.read(last=last)
                taken = self._take(part, last=last)
            except OSError as error:  # a stale handle of a network file system, a disk that fails
                self._say(f"cannot read {part.file.path}: {error.strerror or error}")
                self._let_go()
                return None
            if taken is not None:
                return taken
        return None

    def close(self) -> None:
        """Lets its files go."""
        for part in self._parts:
            part.file.close()
        self._parts = []

    def _unchanged(self, part: _Part) -> bool:
        """Whether the newest file is as it was when all of it had been read."""
        status = part.file.status()
        return part is self._parts[-1] and part.seen == (status.st_size, status.st_mtime_ns)

    def _nothing_new(self) -> bool:
        """Whether the path names the file that was read to its end: one look for each of many quiet files."""
        if len(self._parts) != 1 or self._resuming:
            return False
        (part,) = self._parts
        with contextlib.suppress(OSError):
            status = os.stat(self.path)
            same = part.file.inode == status.st_ino and part.file.device == status.st_dev
            return same and part.seen == (status.st_size, status.st_mtime_ns)
        return False

    @staticmethod
    def _was_cut(part: _Part) -> bool:
        """Whether what stands before the offset is not what was read."""
        known = len(part.tail)
        return not part.file.packed and part.file.read(part.offset - known, known) != part.tail

    def _take(self, part: _Part, *, last: bool) -> Taken | None:
        newest = part is self._parts[-1]
        status = part.file.status()
        block = part.file.read(part.offset, WINDOW_BYTES)
        if not part.offset and block.startswith(b"\0"):
            block = _behind_hole(part)
        full = len(block) >= WINDOW_BYTES
        whole = last or (not newest and self._superseded(part))
        out = self._unwrapped(block, everything=whole and not full)
        if full and not out.taken:
            out = self._unwrapped(block, everything=True)
        if out.taken:
            return self._advanced(part, block[: out.taken], out, ends=not newest and whole and not full)
        part.seen = (status.st_size, status.st_mtime_ns)
        if not newest and time.monotonic() - part.quiet_since > GRACE_SECONDS:
            self._past.append(part.mark())
            part.file.close()
            self._parts.remove(part)
        return None

    def _unwrapped(self, block: bytes, *, everything: bool) -> Unwrapped:
        if not self._form and block:
            line, newline, _ = block.partition(b"\n")
            if newline or everything or len(block) >= WINDOW_BYTES:
                self._form = detect(line) if self._asked == "auto" else self._asked
        return unwrap(self._form or "plain", block, time.time_ns() // 1000, everything=everything)

    def _advanced(self, part: _Part, taken: bytes, out: Unwrapped, *, ends: bool) -> Taken:
        part.advance(taken)
        part.quiet_since = time.monotonic()
        data, times = out.data, out.times
        if ends and data and not data.endswith((b"\n", b"\r")):  # another file follows, with a line of its own
            data += b"\n"
            times = [*times[:-1], (len(data), times[-1][1])]
        marks = [*self._past[-PAST_MARKS:], *(part.mark() for part in self._parts)]
        return Taken(data, times, {"format": self._form, "marks": [mark.to_json() for mark in marks]})

    # -- which file it is -----------------------------------------------------------------------------------

    def _look(self) -> None:
        """Sees what the path names now."""
        try:
            status = os.stat(self.path)
        except (FileNotFoundError, NotADirectoryError):
            status = None
        except OSError as error:
            self._say(f"cannot look at {self.path}: {error.strerror}")
            return
        if self._resuming:
            self._resume(status)
        elif status is not None:
            self._compare(status)
        elif self._parts:
            self._catch_up()

    def _compare(self, status: os.stat_result) -> None:
        identity = (status.st_dev, status.st_ino)
        if self._parts and self._parts[-1].file.identity == identity:
            if status.st_size < self._parts[-1].offset and not self._parts[-1].file.packed:
                self._truncated(self._parts[-1])
        elif identity != self._foreign:
            file = self._opened(identity)
            if file is not None:
                self._switch(file)

    def _opened(self, identity: tuple[int, int]) -> Readable | None:
        """The file that the path names; None if it cannot be read, or another source goes on with it."""
        try:
            file = Readable(self.path)
        except OSError as error:
            self._say(f"cannot read {self.path}: {error.strerror}")
            return None
        if not file.regular:
            self._say(f"{self.path} is no regular file")
        elif not any(other.had(file) for other in self._others() if other is not self):
            return file
        self._foreign = identity
        file.close()
        return None

    def _switch(self, file: Readable) -> None:
        """Another file has the path now."""
        if self._parts and _continues(self._parts[-1], file):
            part = self._parts[-1]
            part.file.close()
            part.file, part.seen = file, (-1, -1)
            return
        if self._parts:
            self._catch_up()
        for part in self._parts:
            part.quiet_since = time.monotonic()
        self._parts.append(_Part(file))

    def _catch_up(self) -> None:
        """Takes up what was rotated since the newest file was opened, unseen."""
        newest = self._parts[-1]
        if newest.file.status().st_nlink == 0:
            self._exchange(newest)
        self._parts += [_Part(file) for file in self._between(newest.mark(), newest.file)]

    def _exchange(self, part: _Part) -> None:
        """A file that is deleted may live on in another that was rotated since, with more in it."""
        older = self._older()
        found = file_of(part.mark(), older) if part.offset else None
        for file in older:
            if file is not found:
                file.close()
        if found is not None:
            part.file.close()
            part.file, part.seen = found, (-1, -1)

    def _superseded(self, part: _Part) -> bool:
        """Whether the writer has gone on in the next file, so that nothing more will end this one's last line."""
        following = self._parts[self._parts.index(part) + 1]
        quiet = time.monotonic() - part.quiet_since
        return following.file.status().st_size > 0 or quiet > GRACE_SECONDS

    def _truncated(self, part: _Part) -> None:
        """The file was cut: what it had may have been copied away first."""
        mark = part.mark()
        copies = [file for file in self._older() if file.identity != part.file.identity]
        copy = file_of(mark, copies)
        for file in copies:
            if file is not copy:
                file.close()
        if copy is not None:
            place = self._parts.index(part)
            self._parts.insert(place, _at(copy, mark))
            between = [_Part(file) for file in self._between(mark, copy)]
            self._parts[place + 1 : place + 1] = between
        elif mark.offset:
            self._past.append(mark)
        part.rewind()

    def _between(self, mark: Mark, read: Readable) -> list[Readable]:
        """The files that were rotated after ``read``, of which the mark is, oldest first: they came and went unseen."""
        since = read.status().st_mtime_ns
        later = []
        for file in reversed(self._older()):
            if file.status().st_mtime_ns > since and not is_copy(mark, file):
                later.append(file)
            else:
                file.close()
        return later

    def _older(self) -> list[Readable]:
        """The files that rotation has left beside the path, newest first, but for those that are open."""
        files = [file for path in reversed(rotated(self.path)) if (file := opened(path)) is not None]
        kept = []
        for file in files:
            if self.has(file.identity) or any(other.has(file.identity) for other in self._others()):
                file.close()
            else:
                kept.append(file)
        return kept

    # -- going on after a stop ------------------------------------------------------------------------------

    def _resume(self, status: os.stat_result | None) -> None:
        """Finds the file that was read when the follower ended, and those that came after it."""
        while self._marks and not self._marks[-1].offset:
            self._marks.pop()
        current = None if status is None else self._opened((status.st_dev, status.st_ino))
        files = self._generations(self._marks[-1], current) if self._marks else [_Part(current)] if current else []
        if not files and current is None:
            return  # it may come yet
        self._past = self._marks[:-1]
        self._marks, self._parts, self._resuming = [], files, False

    def _generations(self, mark: Mark, current: Readable | None) -> list[_Part]:
        """The file of the mark, whatever it is called now, those rotated after it, and the one that has the path."""
        older = self._older()
        read = file_of(mark, [*([current] if current is not None else []), *older])
        for file in older:
            if file is not read:
                file.close()
        newest = [] if current is None or current is read else [_Part(current)]
        if read is None:
            self._say(f"{self.path}: what was written to it after it was last read is not to be found any more")
            return newest
        first = _at(read, mark)
        if read is current:
            return [first]
        self._parts = [first]  # open: not among those that are looked for
        return [first, *(_Part(file) for file in self._between(mark, read)), *newest]

    def _let_go(self) -> None:
        """Begins again with looking for what the path names."""
        self._marks, self._resuming = [*self._past, *(part.mark() for part in self._parts)], True
        self.close()

    def _say(self, text: str) -> None:
        if text not in self._said:
            self._said.add(text)
            self._on_notice(text)


def _at(file: Readable, mark: Mark) -> _Part:
    return _Part(file, mark.offset, mark.head, mark.tail)


def _continues(part: _Part, file: Readable) -> bool:
    """Whether an editor or a copying program has put the same content, and perhaps more, in the file's place."""
    gone = part.file.status().st_nlink == 0
    if not part.offset or not (gone or part.offset >= SURE_BYTES) or not holds(part.mark(), file, sure=False):
        return False
    rest = part.file.read(part.offset, WINDOW_BYTES)
    return file.read(part.offset, len(rest)) == rest


def _behind_hole(part: _Part) -> bytes:
    """What a file has behind the hole at its beginning: it was cut under a writer that does not append but goes on at
    its own offset.
    """
    at = 0
    while (block := part.file.read(at, WINDOW_BYTES)) and not block.strip(b"\0"):
        at += len(block)
    at += len(block) - len(block.lstrip(b"\0"))
    part.offset, part.head, part.tail = at, b"\0" * min(at, HEAD_BYTES), b"\0" * min(at, TAIL_BYTES)
    return part.file.read(at, WINDOW_BYTES)
