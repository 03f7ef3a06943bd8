"""Which patterns to try on which lines: one pass over a block of lines for the fixed texts of all patterns."""

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import reduce
from typing import Protocol

from ahocorasick_rs import BytesAhoCorasick, MatchKind

_SPARSE = 500  # bytes of log for each line with a hit from which a fast pass and a look back are cheaper
_WINDOW = 6  # bytes of a literal that the fast pass looks for
_MOST_SELECTIONS = 4096

Candidate = tuple[int, int, tuple[int, ...]]
"""A line of a block: where it begins and ends (before its newline), and the patterns to try, ascending."""


class Sought(Protocol):
    """A pattern, as far as the pass over the log needs to know it."""

    @property
    def literals(self) -> frozenset[bytes]:
        """Texts of which every line that it matches holds at least one; empty: none is known."""

    @property
    def folded(self) -> bool:
        """Whether case does not matter; the literals are in lower case then."""


class Matcher:
    """Finds candidate lines: (line, pattern) pairs such that no pair left out can match.

    The answer does not depend on how lines are grouped into blocks.
    """

    def __init__(self, patterns: Sequence[Sought], *, prefilter: bool = True) -> None:
        literal = [prefilter and bool(pattern.literals) for pattern in patterns]
        self._always = tuple(number for number, has in enumerate(literal) if not has)
        exact = {n: pattern for n, pattern in enumerate(patterns) if literal[n] and not pattern.folded}
        folded = {n: pattern for n, pattern in enumerate(patterns) if literal[n] and pattern.folded}
        self._searches = [_Literals(chosen) for chosen in (exact, folded) if chosen]

    def candidates(self, block: bytes) -> list[Candidate]:
        """The lines with something to try, in order. Every line of the block has its newline; empty lines are no
        candidates.
        """
        found = [search.find(block) for search in self._searches]
        if self._always:
            found.append([(start, end, self._always) for start, end in spans(block) if start < end])
        return reduce(_joined, found) if found else []


def spans(block: bytes) -> Iterable[tuple[int, int]]:
    """Where each line of a block begins and ends (before its newline)."""
    start = 0
    while (end := block.find(b"\n", start)) >= 0:
        yield start, end
        start = end + 1


def _joined(some: list[Candidate], others: list[Candidate]) -> list[Candidate]:
    left = {candidate[0]: candidate for candidate in others}
    joined = [
        candidate if (other := left.pop(candidate[0], None)) is None else _both(candidate, other)
        for candidate in some
    ]
    if left:
        joined.extend(left.values())
        joined.sort()
    return joined


def _both(one: Candidate, other: Candidate) -> Candidate:
    return one[0], one[1], tuple(sorted({*one[2], *other[2]}))


class _Literals:
    """One set of literals and the patterns that each selects."""

    def __init__(self, patterns: dict[int, Sought]) -> None:
        selected: dict[bytes, list[int]] = {}
        for number, pattern in patterns.items():
            for literal in sorted(pattern.literals):
                selected.setdefault(literal, []).append(number)
        self._selected = list(selected.values())
        self._folded = next(iter(patterns.values())).folded
        self._exact = BytesAhoCorasick(list(selected))  # sees every literal, overlapping ones too
        # Few short texts are looked for by vector instructions. Leftmost search may hide one behind another that
        # overlaps it, but never a line that holds any.
        self._fast = BytesAhoCorasick(_windows(list(selected)), matchkind=MatchKind.LeftmostFirst)
        self._dense = False
        self._selections: dict[tuple[int, ...], tuple[int, ...]] = {}

    def find(self, block: bytes) -> list[Candidate]:
        seen = block.lower() if self._folded else block
        found = self._find_exact(seen) if self._dense else self._find_fast(seen)
        self._dense = len(found) * _SPARSE > len(block)
        return found

    def _find_exact(self, block: bytes) -> list[Candidate]:
        found: list[Candidate] = []
        start = end = -1
        here: list[int] = []
        for literal, place, _ in self._exact.find_matches_as_indexes(block, overlapping=True):
            if place >= end:  # in order of their ends, so that lines come in order
                if here:
                    found.append((start, end, self._select(here)))
                here = []
                start, end = block.rfind(b"\n", 0, place) + 1, block.find(b"\n", place)
            here.append(literal)
        if here:
            found.append((start, end, self._select(here)))
        return found

    def _find_fast(self, block: bytes) -> list[Candidate]:
        found: list[Candidate] = []
        search = self._exact.find_matches_as_indexes
        end = -1
        for _, place, _ in self._fast.find_matches_as_indexes(block):
            if place >= end:
                start, end = block.rfind(b"\n", 0, place) + 1, block.find(b"\n", place)
                here = [literal for literal, _, _ in search(block[start:end], overlapping=True)]
                if here:
                    found.append((start, end, self._select(here)))
        return found

    def _select(self, literals: list[int]) -> tuple[int, ...]:
        """The patterns that these literals select; lines of one shape hold the same ones."""
        key = tuple(literals)
        numbers = self._selections.get(key)
        if numbers is None:
            if len(self._selections) >= _MOST_SELECTIONS:
                self._selections.clear()
            numbers = tuple(sorted({number for literal in literals for number in self._selected[literal]}))
            self._selections[key] = numbers
        return numbers


def _windows(literals: list[bytes]) -> list[bytes]:
    """Short texts of which every literal holds one: those that many literals share, so that there are few."""
    parts = {
        literal: {literal[at : at + _WINDOW] for at in range(max(1, len(literal) - _WINDOW + 1))}
        for literal in literals
    }
    shared = Counter(part for choice in parts.values() for part in choice)
    chosen: set[bytes] = set()
    for literal in sorted(literals, key=lambda text: (len(parts[text]), text)):
        if parts[literal].isdisjoint(chosen):
            chosen.add(max(parts[literal], key=lambda part: (shared[part], len(set(part)), part)))
    return sorted(chosen)
