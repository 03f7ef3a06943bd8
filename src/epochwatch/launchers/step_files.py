"""What the processes of a host did, as smdebug's timelines: derived from the files of events that they write."""

from contextlib import suppress
from pathlib import Path
from typing import Final

from epochwatch.agent.profile import FOLDER as PROFILE
from epochwatch.debugger.places import open_place
from epochwatch.profiler.smdebug.export import Timelines
from epochwatch.profiler.store.reader import events_in

TAKEN: Final = "taken"
"""Beside the files of events: a line for each piece of them in the order in which they were taken, its end in bytes
and its file.
"""


class StepFiles:
    """The timelines of a host, which go on where a predecessor that was killed has left them.

    Where a timeline ends depends on the pieces in which its events came. So these are noted before they are taken, and
    taken again in the same way at the next start: the same files are written, and what was in none yet comes, too.
    """

    def __init__(self, spool: Path, folder: Path, node: str) -> None:
        self._directory = spool / PROFILE
        self._timelines = Timelines(open_place(str(folder)), node)
        self._read: dict[str, int] = {}
        for name, end in self._taken_before():
            self._take(name, end)

    def write(self, *, last: bool) -> None:
        """Go on with what was recorded since; with ``last`` to its end. Raises OSError."""
        for path in sorted(self._directory.glob("events-*")):
            end = path.stat().st_size
            if end > self._read.get(path.name, 0):
                with open(self._directory / TAKEN, "a") as file:
                    file.write(f"{end} {path.name}\n")
                self._take(path.name, end)
        if last:
            self._timelines.close()

    def _take(self, name: str, end: int) -> None:
        with open(self._directory / name, "rb") as file:
            content = file.read(end)
        with suppress(ValueError):  # damaged: the server is told by the agent
            self._timelines.add(events_in(content, after=self._read.get(name, 0)))
        self._read[name] = end

    def _taken_before(self) -> list[tuple[str, int]]:
        """What a predecessor has noted; a line that it was killed in was not taken, and is removed."""
        path = self._directory / TAKEN
        if not path.exists():
            return []
        text = path.read_text()
        whole = text[: text.rfind("\n") + 1]
        if whole != text:
            path.write_text(whole)
        return [(name, int(end)) for end, _, name in (line.partition(" ") for line in whole.splitlines())]
