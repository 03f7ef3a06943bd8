"""Lines that may tell something, read backwards from where it is needed: most need not be read at all."""

from bisect import bisect_left
from collections.abc import Iterator

from epochwatch.extraction.matcher import Finder, line_at


class LookBack:
    """The lines of a block that ``finder`` finds. They are looked for when first asked for."""

    __slots__ = ("_block", "_finder", "_known", "_places")

    def __init__(self, finder: Finder, block: bytes) -> None:
        self._finder = finder
        self._block = block
        self._places: list[int] | None = None
        self._known = 0  # how many of the places lie before what was asked for last

    def lines(self, since: int, until: int) -> Iterator[bytes]:
        """Those between two places where lines begin, the last first. Neither place may be before that of an
        earlier call.
        """
        if self._places is None:
            self._places = [since + place for place in self._finder.places(self._block[since:])]
        begin = bisect_left(self._places, since, self._known)
        self._known = bisect_left(self._places, until, begin)
        start = until
        for number in range(self._known - 1, begin - 1, -1):
            if self._places[number] < start:
                start, newline = line_at(self._block, self._places[number])
                yield self._block[start:newline]
