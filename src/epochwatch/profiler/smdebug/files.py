"""Which files there are: listed once, and then only what may be new."""

from bisect import bisect_left
from collections.abc import Callable

from epochwatch.debugger.places import Place
from epochwatch.profiler.smdebug.layout import SECOND, ProfilerFile

TRAILING = 300 * SECOND
"""Microseconds before the newest file in which others may still come."""


class Files:
    """The files below a folder, in the order of their times."""

    def __init__(self, place: Place, folder: str, of: Callable[[str], ProfilerFile | None]) -> None:
        self._place, self._folder, self._of = place, folder, of
        self._paths: set[str] = set()
        self._found: list[ProfilerFile] = []
        self._after = ""

    def refresh(self) -> list[ProfilerFile]:
        """All that are there now. Those that came since must not be older than five minutes beside the newest."""
        names = [name for name in self._place.names(self._folder, self._after) if name not in self._paths]
        new = [file for name in names if (file := self._of(name)) is not None]
        if new:
            self._paths.update(file.path for file in new)
            self._found = sorted(self._found + new)
            late = bisect_left(self._found, (self._found[-1].time - TRAILING,))
            self._after = max((file.path for file in self._found[:late]), default="")
        return self._found

    def settled(self, file: ProfilerFile) -> bool:
        """Whether it is so old that nothing is written to it any more."""
        return bool(self._found) and file.time < self._found[-1].time - TRAILING
