"""What a training leaves behind: archives of ``/opt/ml/model`` and ``/opt/ml/output/data``, and its checkpoints."""

import shutil
import tarfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple, Protocol

from epochwatch.launchers.buckets import Buckets, Location

_QUICK: Final = 6
"""Compression level: weights hardly compress, and a higher one takes several times as long."""


def collect(folders: Sequence[Path], into: Path, destination: Location, buckets: Buckets, *, gzip: bool) -> str:
    """Upload the files of all hosts' ``folders`` as one archive ``destination``, or file by file below it; of files
    with one name, the first host's. Returns the URI; empty where there is nothing.
    """
    files = dict(_files(reversed(folders)))
    if not files:
        return ""
    if not gzip:
        for name, path in sorted(files.items()):
            buckets.upload(path, destination.below(name))
        return f"{destination}/"
    archive = into / destination.key.rpartition("/")[2]
    archive.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(archive, "w:gz", compresslevel=_QUICK) as tar:
        for name, path in sorted(files.items()):
            tar.add(path, arcname=name, recursive=False)
    buckets.upload(archive, destination)
    archive.unlink()
    return str(destination)


def unpack(archive: Path, into: Path) -> None:
    """A code archive; nothing in it may lead out of the folder. Raises ValueError for what is none."""
    try:
        with tarfile.open(archive) as tar:
            tar.extractall(into, filter="data")
    except (tarfile.TarError, OSError) as error:
        raise ValueError(f"the code archive cannot be unpacked: {error}") from error


class Mark(NamedTuple):
    """By what a file is known to have changed."""

    size: int
    modified: int
    """Nanoseconds."""


def marks_of(folder: Path, below: str = "") -> dict[str, Mark]:
    """Of all files of a folder, or of those below a path in it, by their paths in the folder."""
    found = {}
    for name, path in _files([folder / below]):
        try:
            stat = path.stat()
        except FileNotFoundError:
            continue
        found[below + name] = Mark(stat.st_size, stat.st_mtime_ns)
    return found


class SentMeanwhile(Protocol):
    """Files that are copied to S3 while their job runs."""

    def send(self, *, last: bool = False) -> None:
        """Send what is new; with ``last``, all that is. Raises TransferFailed and OSError."""


class Checkpoints:
    """A folder and its copy in S3: fetched at the start, sent whenever files have come to rest, and at the end."""

    def __init__(self, folder: Path, location: Location, buckets: Buckets) -> None:
        self._folder = folder
        self._location = location
        self._buckets = buckets
        self._sent: dict[str, Mark] = {}
        self._seen: dict[str, Mark] = {}

    def restore(self) -> None:
        """Fetch what an earlier attempt, or another job, has left."""
        self._folder.mkdir(parents=True, exist_ok=True)
        prefix = self._location.key.rstrip("/")
        for key, _ in self._buckets.list(Location(self._location.bucket, f"{prefix}/" if prefix else "")):
            name = key[len(prefix) + 1 :] if prefix else key
            path = self._folder / name
            if ".." not in Path(name).parts and not path.exists():
                self._buckets.download(Location(self._location.bucket, key), path)
        self._sent = marks_of(self._folder)

    def send(self, *, last: bool = False) -> None:
        """Send files that are new and did not change since the last look; at the end, all that are new."""
        marks = marks_of(self._folder)
        for name, mark in marks.items():
            if self._sent.get(name) == mark or not (last or self._seen.get(name) == mark):
                continue
            try:
                self._buckets.upload(self._folder / name, self._location.below(name))
            except FileNotFoundError:
                continue  # deleted meanwhile: trainings keep the newest few
            self._sent[name] = mark
        self._seen = marks


def clear(folder: Path) -> None:
    """Remove a folder and all in it."""
    shutil.rmtree(folder, ignore_errors=True)


def _files(folders: Iterable[Path]) -> Iterator[tuple[str, Path]]:
    for folder in folders:
        for path in folder.rglob("*"):
            if path.is_file():
                yield path.relative_to(folder).as_posix(), path
