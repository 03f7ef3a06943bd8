"""Where a trial lives: a directory of this machine or a prefix in S3, by one set of verbs.

Paths are relative, with ``/``. A file appears whole or not at all; only what is appended to grows.
"""

import os
import secrets
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

from epochwatch.errors import EpochwatchError

Range = tuple[int, int]
"""(first byte, number of bytes)."""

_LOCAL_BYTES: Final = 1 << 16
_S3_BYTES: Final = 1 << 26
"""How much is read at once: as much as pays, and no more than need be held."""

_WRITTEN_BYTES: Final = 1 << 17
"""How much is written at once. For long writes the kernel takes pages of megabytes; where a virtual machine has to ask
its host for those, they cost ten times what small ones do, and elsewhere as much.
"""
_WRITTEN_PARTS: Final = 1024
"""The most parts of one write that Linux takes (IOV_MAX)."""


class Appender(Protocol):
    """A file that grows. What was flushed can be read by others."""

    def append(self, data: bytes) -> None:
        """Add to the end."""

    def flush(self) -> None:
        """Let others read what was appended."""

    def close(self) -> None:
        """Flush for the last time."""


class Place(Protocol):
    """Files below one root."""

    def names(self, folder: str, after: str = "") -> list[str]:
        """Sorted paths below ``folder`` that come after ``after``; none if there is no such folder."""

    def exists(self, path: str) -> bool:
        """Whether there is such a file."""

    def size(self, path: str) -> int:
        """Bytes. Raises FileNotFoundError."""

    def read(self, path: str, start: int = 0) -> bytes:
        """From byte ``start`` to the end. Raises FileNotFoundError."""

    def read_ranges(self, path: str, ranges: Sequence[Range]) -> Iterator[memoryview]:
        """Several stretches of one file, read together as far as that is good; each can be used until the next is
        taken. Raises FileNotFoundError.
        """

    def write(self, path: str, parts: Iterable[bytes | memoryview]) -> None:
        """Put a file, whole; replaces what was there. Parts are taken as they are written."""

    def appender(self, path: str) -> Appender:
        """A new file to append to."""

    def delete(self, path: str) -> None:
        """Remove a file; nothing happens if there is none."""


def open_place(path: str) -> Place:
    """A directory, or ``s3://bucket/prefix`` with endpoint, region and key from the AWS variables."""
    path = path.strip()
    return S3Place(path) if path.startswith("s3://") else LocalPlace(Path(path).expanduser())


class LocalPlace:
    """A directory, made with the first file."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def names(self, folder: str, after: str = "") -> list[str]:
        """See ``Place``. Folders whose files all come before ``after`` are not read."""
        return sorted(name for name in self._walk(folder, after) if name > after)

    def _walk(self, folder: str, after: str) -> Iterator[str]:
        try:
            entries = list(os.scandir(self._root / folder))
        except (FileNotFoundError, NotADirectoryError):
            return
        for entry in entries:
            name = f"{folder}/{entry.name}"
            if entry.is_dir():
                if name >= after[: len(name)]:
                    yield from self._walk(name, after)
            elif not name.endswith(".tmp"):
                yield name

    def exists(self, path: str) -> bool:
        """See ``Place``."""
        return (self._root / path).exists()

    def size(self, path: str) -> int:
        """See ``Place``."""
        return (self._root / path).stat().st_size

    def read(self, path: str, start: int = 0) -> bytes:
        """See ``Place``."""
        with open(self._root / path, "rb") as file:
            file.seek(start)
            return file.read()

    def read_ranges(self, path: str, ranges: Sequence[Range]) -> Iterator[memoryview]:
        """See ``Place``. All go through one buffer, which stays in the processor's cache: fresh memory for each
        costs several times what reading does.
        """
        groups = list(_groups(ranges, _LOCAL_BYTES, gaps=False))
        buffer = memoryview(bytearray(max((_end(group) - group[0][0] for group in groups), default=0)))
        descriptor = os.open(self._root / path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            for group in groups:
                origin = group[0][0]
                filled = _fill(descriptor, buffer[: _end(group) - origin], origin)
                for start, length in group:
                    yield buffer[start - origin : min(start - origin + length, filled)]
        finally:
            os.close(descriptor)

    def write(self, path: str, parts: Iterable[bytes | memoryview]) -> None:
        """See ``Place``."""
        target = self._root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(f"{target.name}.{secrets.token_hex(8)}.tmp")  # all workers write the marks
        try:
            with open(temporary, "wb", buffering=0) as file:
                for group in _written_together(parts):
                    _write_all(file.fileno(), group)
            temporary.replace(target)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise

    def appender(self, path: str) -> Appender:
        """See ``Place``."""
        target = self._root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        return _FileAppender(target)

    def delete(self, path: str) -> None:
        """See ``Place``."""
        (self._root / path).unlink(missing_ok=True)


def _groups(ranges: Sequence[Range], limit: int, *, gaps: bool) -> Iterator[Sequence[Range]]:
    """Cut ranges into groups of at most ``limit`` bytes, or of one that is longer; without ``gaps`` those of a group
    follow each other immediately.
    """
    first, size, end = 0, 0, 0
    for number, (start, length) in enumerate(ranges):
        if number > first and (size + length > limit or not (gaps or start == end)):
            yield ranges[first:number]
            first, size = number, 0
        size += length
        end = start + length
    if ranges:
        yield ranges[first:]


def _written_together(parts: Iterable[bytes | memoryview]) -> Iterator[list[bytes | memoryview]]:
    """Parts in groups for one write each."""
    group: list[bytes | memoryview] = []
    size = 0
    for piece in _pieces(parts):
        if group and (size + len(piece) > _WRITTEN_BYTES or len(group) == _WRITTEN_PARTS):
            yield group
            group, size = [], 0
        group.append(piece)
        size += len(piece)
    if group:
        yield group


def _pieces(parts: Iterable[bytes | memoryview]) -> Iterator[bytes | memoryview]:
    for part in parts:
        if len(part) <= _WRITTEN_BYTES:
            yield part
        else:
            whole = memoryview(part)
            yield from (whole[at : at + _WRITTEN_BYTES] for at in range(0, len(whole), _WRITTEN_BYTES))


def _write_all(descriptor: int, group: list[bytes | memoryview]) -> None:
    written = os.writev(descriptor, group)
    for part in group:
        if written < len(part):  # the disk is all but full, or a signal came
            rest = memoryview(part)[written:]
            while rest:
                rest = rest[os.write(descriptor, rest) :]
        written = max(0, written - len(part))


def _end(group: Sequence[Range]) -> int:
    start, length = group[-1]
    return start + length


def _fill(descriptor: int, buffer: memoryview, start: int) -> int:
    """Read from ``start`` as much as there is room for; how many bytes there were."""
    filled = 0
    while filled < len(buffer) and (read := os.preadv(descriptor, [buffer[filled:]], start + filled)):
        filled += read
    return filled


class _FileAppender:
    """Each append is one write to the kernel: it outlives the process."""

    def __init__(self, path: Path) -> None:
        self._descriptor: int | None = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)

    def append(self, data: bytes) -> None:
        if self._descriptor is None:
            raise ValueError("the file is closed")
        _write_all(self._descriptor, [data])

    def flush(self) -> None:
        pass  # the kernel has everything already

    def close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    __del__ = close


class S3Place:
    """A prefix of a bucket."""

    def __init__(self, url: str) -> None:
        try:
            from obstore.exceptions import BaseError
            from obstore.store import S3Store
        except ImportError as error:
            raise EpochwatchError(f"reading {url} needs obstore", "pip install 'epochwatch[debugger]'") from error
        parts = urlsplit(url)
        prefix = parts.path.strip("/")
        endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
        options: dict[str, Any] = {"virtual_hosted_style_request": False, "endpoint": endpoint} if endpoint else {}
        client: Any = {"allow_http": True} if endpoint and endpoint.startswith("http://") else {}
        try:
            self._store: Any = S3Store(parts.netloc, prefix=prefix or None, client_options=client, **options)
        except BaseError as error:
            raise EpochwatchError(f"cannot open {url}: {error}") from error

    def names(self, folder: str, after: str = "") -> list[str]:
        """See ``Place``."""
        import obstore

        pages = obstore.list(self._store, prefix=folder, offset=after or None, chunk_size=1000)
        return sorted(item["path"] for page in pages for item in page)

    def exists(self, path: str) -> bool:
        """See ``Place``."""
        try:
            self.size(path)
        except FileNotFoundError:
            return False
        return True

    def size(self, path: str) -> int:
        """See ``Place``."""
        import obstore

        return int(obstore.head(self._store, path)["size"])

    def read(self, path: str, start: int = 0) -> bytes:
        """See ``Place``."""
        import obstore

        if not start:
            return bytes(obstore.get(self._store, path).bytes())
        rest = self.size(path) - start
        return bytes(next(self.read_ranges(path, [(start, rest)]))) if rest > 0 else b""

    def read_ranges(self, path: str, ranges: Sequence[Range]) -> Iterator[memoryview]:
        """See ``Place``. Neighbouring ranges travel in one request."""
        import obstore
        from obstore.exceptions import GenericError

        for group in _groups(ranges, _S3_BYTES, gaps=True):
            starts, lengths = [start for start, _ in group], [length for _, length in group]
            try:
                found = obstore.get_ranges(self._store, path, starts=starts, lengths=lengths)
            except GenericError:  # some servers answer a range over a whole object as if there were no range
                whole = memoryview(self.read(path))
                yield from (whole[start : start + length] for start, length in group)
            else:
                yield from (memoryview(part) for part in found)

    def write(self, path: str, parts: Iterable[bytes | memoryview]) -> None:
        """See ``Place``."""
        import obstore

        obstore.put(self._store, path, b"".join(parts))

    def appender(self, path: str) -> Appender:
        """See ``Place``. S3 has no append: each flush puts the whole file again, so keep it short."""
        return _ObjectAppender(self, path)

    def delete(self, path: str) -> None:
        """See ``Place``."""
        import obstore

        obstore.delete(self._store, path)


class _ObjectAppender:
    def __init__(self, place: S3Place, path: str) -> None:
        self._place, self._path = place, path
        self._parts: list[bytes] = []
        self._flushed = 0

    def append(self, data: bytes) -> None:
        self._parts.append(data)

    def flush(self) -> None:
        if len(self._parts) > self._flushed:
            self._place.write(self._path, self._parts)
            self._flushed = len(self._parts)

    def close(self) -> None:
        self.flush()
