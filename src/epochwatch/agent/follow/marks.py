"""By what a file that was read up to some offset is known again: by what is in it, whatever it is called now.

Inode numbers say little: they are given again after a deletion, and a mount, a copy or an editor changes them.
"""

import base64
import bz2
import contextlib
import functools
import gzip
import lzma
import os
import re
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

HEAD_BYTES = 1024
TAIL_BYTES = 256
SURE_BYTES = 256
"""So many equal bytes make two files one; fewer may be what every log begins with."""
MOST_SIBLINGS = 1000

_PACKED: dict[str, Callable[[Path], IO[bytes]]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}  # type: ignore[dict-item]
PACKED = (*_PACKED, ".zst", ".lz4", ".zip", ".Z")
"""Endings of compressed files; those that Python's library knows can be read."""

_BEHIND = re.compile(r"(?<=[^.\-_\d])[.\-_]\d[\d.\-_:T]*$")
_BETWEEN = re.compile(r"(?<=[^.\-_\d])[.\-_]\d{4}[\d.\-_:T]{4,}$")


@dataclass(frozen=True, slots=True)
class Mark:
    """A file up to ``offset``: its first bytes and the last before the offset."""

    device: int
    inode: int
    offset: int
    head: bytes
    tail: bytes

    def fits(self, file: "Readable") -> bool:
        """Whether the file holds what was read."""
        if file.read(0, len(self.head)) != self.head:
            return False
        return file.read(self.offset - len(self.tail), len(self.tail)) == self.tail

    def to_json(self) -> dict[str, Any]:
        """For a place."""
        head, tail = (base64.b64encode(part).decode() for part in (self.head, self.tail))
        return {"dev": self.device, "ino": self.inode, "offset": self.offset, "head": head, "tail": tail}

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> "Mark":
        """The reverse of ``to_json``."""
        head, tail = (base64.b64decode(fields[name]) for name in ("head", "tail"))
        return cls(fields["dev"], fields["ino"], fields["offset"], head, tail)


class Readable:
    """A file that is open: a plain one, which may grow, or a compressed one, read as what is in it."""

    def __init__(self, path: Path) -> None:
        """Raises OSError. Never waits, not even for a pipe's other end."""
        self.path = path
        self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        status = os.fstat(self._fd)
        self.device, self.inode = status.st_dev, status.st_ino
        self.regular = stat.S_ISREG(status.st_mode)
        opener = _PACKED.get(path.suffix)
        self._stream = None if opener is None else opener(path)
        self.packed = opener is not None
        """Whether it is compressed."""

    @property
    def identity(self) -> tuple[int, int]:
        """Device and inode."""
        return self.device, self.inode

    def status(self) -> os.stat_result:
        """What the file system says now."""
        return os.fstat(self._fd)

    def read(self, offset: int, count: int) -> bytes:
        """Up to ``count`` bytes from ``offset``. Raises OSError, also for a compressed file that is broken."""
        if self._stream is None:
            return os.pread(self._fd, count, offset)
        try:
            self._stream.seek(offset)
            return self._stream.read(count)
        except (EOFError, lzma.LZMAError) as error:
            raise OSError(f"{self.path} is not whole: {error}") from error

    def close(self) -> None:
        """Lets the file go."""
        os.close(self._fd)
        if self._stream is not None:
            self._stream.close()


def is_packed(path: Path) -> bool:
    """Whether the name is that of a compressed file."""
    return path.suffix in PACKED


@functools.lru_cache(4096)
def family(name: str) -> str:
    """The name that a log has while it is written, of what rotation makes of it: ``train.log`` of ``train.log.1``,
    ``train.log-20240102.gz``, ``train.log.2024-01-02`` and ``train-20240102.log``. (``train.1.log`` may be a rank's.)
    """
    for ending in PACKED:
        name = name.removesuffix(ending)
    name = _BEHIND.sub("", name)
    stem, suffix = os.path.splitext(name)
    return _BETWEEN.sub("", stem) + suffix


def rotated(path: Path) -> list[Path]:
    """Files beside ``path`` that are called like older ones of it and can be read, oldest first."""
    found: list[tuple[int, str, Path]] = []
    wanted = family(path.name)
    with contextlib.suppress(OSError), os.scandir(path.parent) as entries:
        for entry in entries:
            name = entry.name
            if name == path.name or family(name) != wanted:
                continue
            if is_packed(Path(name)) and Path(name).suffix not in _PACKED:
                continue
            with contextlib.suppress(OSError):
                found.append((entry.stat().st_mtime_ns, name, Path(entry.path)))
    return [one for _, _, one in sorted(found, reverse=True)[:MOST_SIBLINGS]][::-1]


def opened(path: Path) -> Readable | None:
    """The regular file at ``path``; None where there is none that can be read."""
    try:
        file = Readable(path)
    except OSError:
        return None
    if file.regular:
        return file
    file.close()
    return None


def holds(mark: Mark, file: Readable, *, sure: bool) -> bool:
    """Whether the file holds what was read; ``sure``: not only the few bytes that any log may begin with."""
    with contextlib.suppress(OSError):
        if not sure or mark.offset >= SURE_BYTES or (mark.device, mark.inode) == file.identity:
            return mark.fits(file)
    return False


def is_copy(mark: Mark, file: Readable) -> bool:
    """Whether a rotated file is what was read, or one that is just being compressed."""
    try:
        if not file.packed:
            return holds(mark, file, sure=True)
        return not file.read(0, 1) or mark.fits(file)
    except OSError:
        return True


def file_of(mark: Mark, files: list[Readable]) -> Readable | None:
    """The file of the mark among ``files``, newest first: the very same one if it is there."""
    same = [file for file in files if file.identity == (mark.device, mark.inode)]
    for file in (*same, *files):
        if holds(mark, file, sure=True):
            return file
    return next((file for file in files[:1] if holds(mark, file, sure=False)), None)
