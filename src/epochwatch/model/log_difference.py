"""Where two logs part: their lines aligned by content, without what differs between any two runs. Pure.

Lines are aligned by those that each log has only once (patience diff), the stretches between them by the shortest
edit (Myers, 1986). Both cost little where the logs are alike; where they are not, the work is bounded, and a stretch
that would need more is told as replaced as a whole.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
from typing import Final, Literal, TypeAlias

from epochwatch.model.line_masks import LineMasks

MOST_LINES: Final = 100_000
"""Of each log that are compared."""
MOST_WORK: Final = 1_000_000
"""Steps of one comparison's search for shortest edits."""
MOST_EDITS: Final = 2000
"""Lines in which a stretch may differ to be aligned line by line."""

Kind: TypeAlias = Literal["equal", "changed", "removed", "added"]


@dataclass(frozen=True, slots=True)
class Block:
    """A run of lines of one kind: ``a[a_first:a_last]`` stands beside ``b[b_first:b_last]``. Lines that are equal or
    changed (in numbers only) are as many on both sides; those removed are of ``a`` alone, those added of ``b``.
    """

    kind: Kind
    a_first: int
    a_last: int
    b_first: int
    b_last: int

    @property
    def rows(self) -> int:
        """How many rows it takes side by side."""
        return max(self.a_last - self.a_first, self.b_last - self.b_first)


@dataclass(frozen=True, slots=True)
class Difference:
    """All blocks of two logs in order, and whether some stretch was too different to be aligned line by line."""

    blocks: list[Block]
    coarse: bool


def difference(
    a: Sequence[str],
    b: Sequence[str],
    names: tuple[Sequence[str], Sequence[str]] = ((), ()),
    *,
    tolerant: bool = False,
) -> Difference:
    """Compare two logs of at most MOST_LINES lines. ``names`` are each log's own names that are masked.

    Lines that differ in numbers only stand beside each other as changed, or, where ``tolerant``, as equal.
    """
    keys = [
        [masks.keys(line) for line in lines] for masks, lines in zip(map(LineMasks, names), (a, b), strict=True)
    ]
    exact, forms = (_numbered(*([key[kind] for key in own] for own in keys)) for kind in (0, 1))
    search = _Search()
    # Two runs that print the same numbers are aligned by them, others by their words alone: a number that comes twice
    # by chance is no anchor.
    alike = not tolerant and _repeat_each_other(*exact)
    pairs = search.pairs(*exact, (0, len(a), 0, len(b))) if alike else iter(())
    blocks: list[Block] = []
    at_a = at_b = 0
    for first_a, first_b, length in chain(pairs, [(len(a), len(b), 0)]):
        gap = search.pairs(*forms, (at_a, first_a, at_b, first_b))
        for low_a, low_b, same in chain(gap, [(first_a, first_b, 0)]):
            _put(blocks, "removed", (at_a, low_a, at_b, at_b))
            _put(blocks, "added", (low_a, low_a, at_b, low_b))
            equal = [tolerant or exact[0][low_a + step] == exact[1][low_b + step] for step in range(same)]
            for step, one in enumerate(equal):
                place = low_a + step, low_a + step + 1, low_b + step, low_b + step + 1
                _put(blocks, "equal" if one else "changed", place)
            at_a, at_b = low_a + same, low_b + same
        _put(blocks, "equal", (first_a, first_a + length, first_b, first_b + length))
        at_a, at_b = first_a + length, first_b + length
    return Difference(blocks, search.coarse)


def _repeat_each_other(a: list[int], b: list[int]) -> bool:
    """Whether half of the shorter log's neighbouring lines are neighbours in the other, too."""
    common = sum((Counter(pairwise(a)) & Counter(pairwise(b))).values())
    return 2 * common >= min(len(a), len(b)) - 1


Part: TypeAlias = tuple[int, int, int, int]
"""``a[first:last]`` and ``b[first:last]``."""
Run: TypeAlias = tuple[int, int, int]
"""So many equal lines from a line of ``a`` and one of ``b`` on."""


def _put(blocks: list[Block], kind: Kind, part: Part) -> None:
    a_first, a_last, b_first, b_last = part
    if a_first == a_last and b_first == b_last:
        return
    if blocks and blocks[-1].kind == kind:
        last = blocks.pop()
        a_first, b_first = last.a_first, last.b_first
    blocks.append(Block(kind, a_first, a_last, b_first, b_last))


def _numbered(a: Iterable[str], b: Iterable[str]) -> tuple[list[int], list[int]]:
    """Lines as numbers: equal lines have equal ones."""
    known: dict[str, int] = {}
    return [known.setdefault(line, len(known)) for line in a], [known.setdefault(line, len(known)) for line in b]


class _Search:
    """Finds equal lines within the bounds of one comparison."""

    def __init__(self) -> None:
        self.coarse = False
        self._left = MOST_WORK

    def pairs(self, a: list[int], b: list[int], part: Part) -> Iterator[Run]:
        """Runs of equal lines within ``part``, in order and none crossing."""
        waiting: list[Part | Run] = [part]
        while waiting:
            one = waiting.pop()
            if len(one) == 3:
                yield one
                continue
            head, middle, tail = _trimmed(a, b, *one)
            yield from head
            waiting += tail
            if middle[0] == middle[1] or middle[2] == middle[3]:
                continue
            anchors = _anchors(a, b, *middle)
            waiting += reversed(_between(anchors, *middle) if anchors else self._shortest(a, b, *middle))

    def _shortest(
        self, a: list[int], b: list[int], low_a: int, high_a: int, low_b: int, high_b: int
    ) -> Sequence[Part | Run]:
        """The runs of the shortest edit (Myers); none where it is longer than may be looked for."""
        count_a, count_b = high_a - low_a, high_b - low_b
        if not set(a[low_a:high_a]) & set(b[low_b:high_b]):
            return []
        reached = {1: 0}
        trace: list[dict[int, int]] = []
        for edits in range(min(count_a + count_b, MOST_EDITS) + 1):
            trace.append({})
            for diagonal in range(-edits, edits + 1, 2):
                down = diagonal == -edits or (
                    diagonal != edits and reached.get(diagonal - 1, -1) < reached.get(diagonal + 1, -1)
                )
                x = reached[diagonal + 1] if down else reached[diagonal - 1] + 1
                most = min(count_a - x, count_b - x + diagonal)
                run = _run(a, low_a + x, b, low_b + x - diagonal, most)
                x += run
                self._left -= 1 + run // 16
                reached[diagonal] = trace[-1][diagonal] = x
                if x >= count_a and x - diagonal >= count_b:
                    return [
                        (low_a + at_a, low_b + at_b, size) for at_a, at_b, size in _walked(trace, count_a, count_b)
                    ]
            if self._left < 0:
                break
        self.coarse = True
        return []


def _run(a: list[int], at_a: int, b: list[int], at_b: int, most: int) -> int:
    """How many lines, at most ``most``, are equal from these on; long runs are compared by the slice."""
    count, size = 0, 1
    while count < most:
        size = min(size, most - count)
        if a[at_a + count : at_a + count + size] == b[at_b + count : at_b + count + size]:
            count += size
            size = min(2 * size, 4096)
        elif size == 1:
            break
        else:
            size = size // 2
    return count


def _trimmed(
    a: list[int], b: list[int], low_a: int, high_a: int, low_b: int, high_b: int
) -> tuple[list[Run], Part, list[Run]]:
    """The equal lines at both ends of a part, and what is left between them."""
    most = min(high_a - low_a, high_b - low_b)
    head = _run(a, low_a, b, low_b, most)
    tail = 0
    while tail < most - head and a[high_a - tail - 1] == b[high_b - tail - 1]:
        tail += 1
    return (
        [(low_a, low_b, head)] if head else [],
        (low_a + head, high_a - tail, low_b + head, high_b - tail),
        [(high_a - tail, high_b - tail, tail)] if tail else [],
    )


def _anchors(
    a: list[int], b: list[int], low_a: int, high_a: int, low_b: int, high_b: int
) -> list[tuple[int, int]]:
    """Lines that both parts have once, the longest series of them that does not cross."""
    once_a, once_b = (Counter(keys) for keys in (a[low_a:high_a], b[low_b:high_b]))
    places = {
        key: at for at, key in enumerate(b[low_b:high_b], low_b) if once_b[key] == 1 and once_a.get(key) == 1
    }
    found = [(at, places[key]) for at, key in enumerate(a[low_a:high_a], low_a) if key in places]
    ends: list[int] = []
    tops: list[int] = []
    before: list[int] = []
    for index, (_, place) in enumerate(found):
        pile = bisect_left(ends, place)
        before.append(tops[pile - 1] if pile else -1)
        if pile == len(ends):
            ends.append(place)
            tops.append(index)
        else:
            ends[pile], tops[pile] = place, index
    chosen = []
    index = tops[-1] if tops else -1
    while index >= 0:
        chosen.append(found[index])
        index = before[index]
    return chosen[::-1]


def _between(
    anchors: list[tuple[int, int]], low_a: int, high_a: int, low_b: int, high_b: int
) -> Sequence[Part | Run]:
    """The anchors, and the parts between them, in order."""
    parts: list[Part | Run] = []
    for at_a, at_b in anchors:
        parts += [(low_a, at_a, low_b, at_b), (at_a, at_b, 1)]
        low_a, low_b = at_a + 1, at_b + 1
    return [*parts, (low_a, high_a, low_b, high_b)]


def _walked(trace: list[dict[int, int]], x: int, y: int) -> list[Run]:
    """The runs of equal lines on the way that was found, from its end back to its beginning."""
    runs: list[Run] = []
    for edits in range(len(trace) - 1, 0, -1):
        before, diagonal = trace[edits - 1], x - y
        down = diagonal == -edits or (
            diagonal != edits and before.get(diagonal - 1, -1) < before.get(diagonal + 1, -1)
        )
        from_x = before[diagonal + 1] if down else before[diagonal - 1]
        from_y = from_x - (diagonal + 1 if down else diagonal - 1)
        start = from_x if down else from_x + 1
        if x > start:
            runs.append((start, start - diagonal, x - start))
        x, y = from_x, from_y
    if x:
        runs.append((0, 0, x))
    return runs[::-1]
