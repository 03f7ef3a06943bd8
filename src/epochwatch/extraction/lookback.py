"""The step and the epoch of lines that tell none themselves: what a line before them told last.

Lines are read backwards from where it matters, so that most need not be read at all.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator

from epochwatch.extraction.matcher import Finder, line_at
from epochwatch.extraction.steps import TELLINGS, Place

_FAR = 4 << 20
"""Bytes of log from which it is not left unread any longer."""
_STEP, _EPOCH, _BOTH = 1, 2, 3
_FINDERS = {
    _STEP: Finder([telling for telling in TELLINGS if not telling.epoch]),
    _EPOCH: Finder([telling for telling in TELLINGS if telling.epoch]),
    _BOTH: Finder(TELLINGS),
}


class LookBack:
    """Keeps ``place.last_step`` and ``place.last_epoch`` for somebody who reads but some lines of a log.

    ``told`` gives the step and the epoch that a line tells.
    """

    def __init__(self, place: Place, told: Callable[[bytes], tuple[int | None, float | None]]) -> None:
        self._place = place
        self._told = told
        self._parts: list[_Part] = []  # what was not looked at, and the block at hand
        self._size = 0

    def begin(self, block: bytes) -> None:
        """The log goes on with the lines of this block."""
        self._parts.append(_Part(block))
        self._size += len(block)

    def catch_up(self, start: int, *, step: bool, epoch: bool) -> None:
        """Learns what was told last before the line of the block that begins at ``start``: the ``step``, the
        ``epoch``, or both. What is not asked for that line must tell.
        """
        missing = _BOTH if step and epoch else _STEP if step else _EPOCH if epoch else 0
        part = self._parts[-1]
        if missing and (len(self._parts) > 1 or part.tells(missing, start)):
            self._look(missing, start)
        if len(self._parts) > 1:
            del self._parts[:-1]
            self._size = len(part.block)

    def passed(self, newline: int) -> None:
        """The line of the block that ends there was read; what it told is known."""
        self._parts[-1].since = newline + 1

    def settle(self) -> None:
        """Learns everything that the log told."""
        if self._parts:
            self.catch_up(len(self._parts[-1].block), step=True, epoch=True)
            self._parts.clear()
            self._size = 0

    def end(self) -> None:
        """The rest of the block is not read for now, if that can wait."""
        if self._size > _FAR:
            self.settle()

    def _look(self, missing: int, start: int) -> None:
        """Reads the log backwards from ``start`` until nothing is missing."""
        kind = missing
        for part in reversed(self._parts):
            for line in part.lines(kind, start if part is self._parts[-1] else len(part.block)):
                step, epoch = self._told(line)
                if step is not None and missing & _STEP:
                    self._place.last_step = step
                    missing &= ~_STEP
                if epoch is not None and missing & _EPOCH:
                    self._place.last_epoch = epoch
                    missing &= ~_EPOCH
                if not missing:
                    return


class _Part:
    """A block of the log: the lines that may tell a step, an epoch or either (the kinds) are found when asked for."""

    def __init__(self, block: bytes) -> None:
        self.block = block
        self.since = 0
        """What was told before this place is known."""
        self._places: dict[int, list[int]] = {}
        self._known: dict[int, int] = {}
        """How many of the places are behind us."""

    def tells(self, kind: int, until: int) -> bool:
        """Whether there are lines before ``until`` that may tell something and were not looked at."""
        places = self._places.get(kind) or self._found(kind)
        number = self._known[kind]
        while places[number] < self.since:
            number += 1
        self._known[kind] = number
        return places[number] < until

    def lines(self, kind: int, until: int) -> Iterator[bytes]:
        """Those lines, the last first."""
        if not self.tells(kind, until):
            return
        places, begin = self._places[kind], self._known[kind]
        end = self._known[kind] = bisect_left(places, until, begin)
        start = until
        for number in range(end - 1, begin - 1, -1):
            if places[number] < start:
                start, newline = line_at(self.block, places[number])
                yield self.block[start:newline]

    def _found(self, kind: int) -> list[int]:
        found = [self.since + place for place in _FINDERS[kind].places(self.block[self.since :])]
        self._places[kind] = [*found, len(self.block)]
        self._known[kind] = 0
        return self._places[kind]
