"""The step and the epoch of lines that tell none themselves: what a line before them told last.

Lines are read backwards from where it matters, so that most need not be read at all.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence

from epochwatch.extraction.matcher import Finder, Span, line_at
from epochwatch.extraction.steps import TELLINGS, Place

STEP, EPOCH = 1, 2
BOTH = STEP | EPOCH
"""What lines tell, as bits."""
_FAR = 4 << 20
"""Bytes of log from which it is not left unread any longer."""


_FINDERS = {
    kinds: Finder([telling for telling in TELLINGS if kinds & (EPOCH if telling.epoch else STEP)])
    for kinds in (STEP, EPOCH, BOTH)
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

    def catch_up(self, start: int, kinds: int) -> None:
        """Learns what was told last before the line of the block that begins at ``start``: the step, the epoch,
        or both.
        """
        part = self._parts[-1]
        if kinds and (len(self._parts) > 1 or part.tells(kinds, start)):
            self._look(kinds, start)
        for earlier in self._parts[:-1]:
            earlier.know(kinds, len(earlier.block))
        part.know(kinds, start)

    def tellers(self, lines: Sequence[Span], kinds: int) -> dict[int, list[Span]]:
        """For each of the kinds, the lines of the block that may have told it last before one of ``lines``; what was
        told before the block is known then.
        """
        found: dict[int, list[Span]] = {}
        for kind in (STEP, EPOCH):
            if kinds & kind:
                self.catch_up(0, kind)
                found[kind] = self._parts[-1].tellers(lines, kind)
        return found

    def know(self, kinds: int, place: int) -> None:
        """What was told of these before this place of the block is known: its lines were read, or caught up with."""
        self._parts[-1].know(kinds, place)
        if kinds == BOTH and len(self._parts) > 1:
            del self._parts[:-1]
            self._size = len(self._parts[-1].block)

    def settle(self) -> None:
        """Learns everything that the log told."""
        if self._parts:
            self.catch_up(len(self._parts[-1].block), BOTH)
            self._parts.clear()
            self._size = 0

    def end(self) -> None:
        """The rest of the block is not read for now, if that can wait."""
        if self._size > _FAR:
            self.settle()

    def _look(self, missing: int, start: int) -> None:
        """Reads the log backwards from ``start`` until nothing is missing."""
        kinds = missing
        for part in reversed(self._parts):
            for line in part.lines(kinds, start if part is self._parts[-1] else len(part.block)):
                step, epoch = self._told(line)
                if step is not None and missing & STEP:
                    self._place.last_step = step
                    missing &= ~STEP
                if epoch is not None and missing & EPOCH:
                    self._place.last_epoch = epoch
                    missing &= ~EPOCH
                if not missing:
                    return


class _Part:
    """A block of the log: the lines that may tell a step, an epoch or either are found when asked for."""

    def __init__(self, block: bytes) -> None:
        self.block = block
        self._since = {STEP: 0, EPOCH: 0}  # what was told before these places is known
        self._places: dict[int, list[int]] = {}
        self._behind: dict[int, int] = {}  # how many of the places are

    def know(self, kinds: int, place: int) -> None:
        """What was told of these before this place is known."""
        for kind in self._since:
            if kinds & kind:
                self._since[kind] = place

    def tells(self, kinds: int, until: int) -> bool:
        """Whether there are lines before ``until`` that may tell something and were not looked at."""
        since = self._unknown(kinds)
        if since >= until:
            return False
        places = self._places.get(kinds) or self._found(kinds, since)
        number = self._behind[kinds]
        while places[number] < since:
            number += 1
        self._behind[kinds] = number
        return places[number] < until

    def lines(self, kinds: int, until: int) -> Iterator[bytes]:
        """Those lines, the last first."""
        if not self.tells(kinds, until):
            return
        places, begin = self._places[kinds], self._behind[kinds]
        end = self._behind[kinds] = bisect_left(places, until, begin)
        start = until
        for number in range(end - 1, begin - 1, -1):
            if places[number] < start:
                start, newline = line_at(self.block, places[number])
                yield self.block[start:newline]

    def tellers(self, lines: Sequence[Span], kind: int) -> list[Span]:
        """For each of the lines the last before it that may tell something, if it is behind the one before."""
        places = self._places.get(kind) or self._found(kind, 0)
        found: list[Span] = []
        behind = -1
        for start, newline in lines:
            place = places[bisect_left(places, start) - 1]
            if behind < place < start:
                found.append(line_at(self.block, place))
            behind = newline
        return found

    def _unknown(self, kinds: int) -> int:
        return min(place for kind, place in self._since.items() if kinds & kind)

    def _found(self, kinds: int, since: int) -> list[int]:
        found = [since + place for place in _FINDERS[kinds].places(self.block[since:])]
        self._places[kinds] = [*found, len(self.block)]
        self._behind[kinds] = 0
        return self._places[kinds]
