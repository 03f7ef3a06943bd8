"""The profile of a run on its way to the server: files that its processes write in the spool, whole each time."""

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from epochwatch.model.profile_file import EVENTS, ProfileFile, checked_name

FOLDER: Final = "profile"
"""Below the spool; the training's processes have it from ``profiler.hooks.place``, which needs nothing else."""
LOOK_SECONDS: Final = 1.5
"""Between two looks for what has grown."""
MOST_BYTES: Final = 30 << 20
"""What a server takes; no file of events is as large."""


_KEPT: Final = "kept"
"""A file that says that others read the files, too: none is removed."""


def keep_files(spool: Path) -> None:
    """Leave the files of a profile in the spool, where the server has them, too."""
    (spool / FOLDER).mkdir(exist_ok=True)
    (spool / FOLDER / _KEPT).touch()


class ProfileFiles:
    """Files of one spool in turn, oldest first. ``acknowledged`` says of each how many bytes the server has."""

    def __init__(
        self,
        run_id: str,
        spool: Path,
        acknowledged: dict[str, int],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._run_id = run_id
        self._directory = spool / FOLDER
        self._acknowledged = acknowledged
        self._clock = clock
        self._next_look = 0.0
        self._found: list[Path] = []
        self._looked_last = False
        self._sent: tuple[str, int] | None = None

    def next(self, *, last: bool) -> ProfileFile | None:
        """A file of which the server lacks something; None when there is none now. ``last``: nothing more will be
        written.
        """
        if not self._found and not self._looked_last and (last or self._clock() >= self._next_look):
            self._looked_last = last  # whatever a process that was left behind still writes
            self._next_look = self._clock() + LOOK_SECONDS
            self._found = list(self._grown())
        while self._found:
            path = self._found.pop(0)
            with suppress(OSError):
                content = path.read_bytes()
                name = str(path.relative_to(self._directory))
                self._sent = (name, len(content))
                return ProfileFile(self._run_id, name, content)
        return None

    def acknowledge(self) -> None:
        """The server has what ``next`` gave last."""
        if self._sent is not None:
            self._acknowledged[self._key(self._sent[0])] = self._sent[1]

    def _key(self, name: str) -> str:
        return f"{FOLDER}/{name}"

    def _grown(self) -> Iterator[Path]:
        """Windows come after the events of their steps, each after its trace, which its name sorts behind."""
        events = sorted(self._directory.glob("events-*"))
        windows = sorted((self._directory / "windows").glob("*"), reverse=True)
        newest = {_process(path): path for path in events}
        for path in [*events, *windows]:
            name = str(path.relative_to(self._directory))
            try:
                size = path.stat().st_size
                checked_name(name)
            except (OSError, ValueError):  # removed, or not ours
                continue
            if 0 < size <= MOST_BYTES and size != self._acknowledged.get(self._key(name), 0):
                yield path
            elif EVENTS.fullmatch(name) and newest[_process(path)] != path:
                self._forget(path, name)

    def _forget(self, path: Path, name: str) -> None:
        """A file that its process has ended and that the server has."""
        if (self._directory / _KEPT).exists():
            return
        with suppress(OSError):
            path.unlink()
            self._acknowledged.pop(self._key(name), None)


def _process(path: Path) -> str:
    return path.stem.rpartition("-")[2]
