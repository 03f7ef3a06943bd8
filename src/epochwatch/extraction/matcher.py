"""Which patterns to try on which lines: one pass over a block of lines for the fixed texts of all patterns."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache
from itertools import chain, product
from typing import Protocol

from ahocorasick_rs import BytesAhoCorasick, MatchKind

_WINDOW = 6  # bytes of a literal that the pass over a block looks for
_SHORT_WINDOW = 4  # ... where case does not matter
_MOST_CASES = 48  # texts that are looked for in all their cases; with more, the block is put into lower case
_WAYS = 4
_MOST_SELECTIONS = 4096

Span = tuple[int, int]
"""A line of a block: where it begins and ends (before its newline)."""


class Sought(Protocol):
    """A pattern, as far as the pass over the log needs to know it."""

    @property
    def literals(self) -> frozenset[bytes]:
        """Texts of which every line that it matches holds at least one; empty: none is known."""

    @property
    def folded(self) -> bool:
        """Whether case does not matter; the literals are in lower case then."""


class Finder:
    """Finds the lines of a block that may match some pattern: none that is left out can."""

    def __init__(self, patterns: Sequence[Sought], *, prefilter: bool = True) -> None:
        self.every = not prefilter or any(not pattern.literals for pattern in patterns)
        """Every line may match."""
        # Few short texts are looked for by vector instructions. Leftmost search may hide one behind another that
        # overlaps it, but never a line that holds any.
        exact = {text for pattern in patterns if not pattern.folded for text in pattern.literals}
        folded = {text for pattern in patterns if pattern.folded for text in pattern.literals}
        self._searches = [(_search(tuple(_windows(exact, _WINDOW))), False)] if exact else []
        if folded:
            cases = [case for text in _windows(folded, _SHORT_WINDOW) for case in _cases(text)]
            few = len(cases) <= _MOST_CASES
            self._searches.append((_search(tuple(cases if few else _windows(folded, _WINDOW))), not few))

    def lines(self, block: bytes) -> list[Span]:
        """The lines, in order. Every line of the block has its newline."""
        if self.every:
            return list(_spans(block))
        return _lines(block, self.places(block))

    def places(self, block: bytes) -> list[int]:
        """A place in each of the lines, or several, ascending; not where ``every`` line may match."""
        found = [
            [place for _, place, _ in search.find_matches_as_indexes(block.lower() if folded else block)]
            for search, folded in self._searches
        ]
        return found[0] if len(found) == 1 else sorted(chain.from_iterable(found))


class Selector:
    """Tells which patterns to try on a line: none that is left out can match it."""

    def __init__(self, patterns: Sequence[Sought], *, prefilter: bool = True) -> None:
        literal = [prefilter and bool(pattern.literals) for pattern in patterns]
        self._always = tuple(number for number, has in enumerate(literal) if not has)
        exact = {n: pattern for n, pattern in enumerate(patterns) if literal[n] and not pattern.folded}
        folded = {n: pattern for n, pattern in enumerate(patterns) if literal[n] and pattern.folded}
        self._searches = [_Literals(chosen) for chosen in (exact, folded) if chosen]

    def numbers(self, line: bytes) -> tuple[int, ...]:
        """The patterns' numbers, ascending."""
        found = [numbers for search in self._searches if (numbers := search.numbers(line))]
        if not found:
            return self._always
        if len(found) == 1 and not self._always:
            return found[0]
        return tuple(sorted({*self._always, *(number for some in found for number in some)}))


# Whoever reads by the same patterns shares what finds their texts: copies of an extractor are made often.
@lru_cache(maxsize=128)
def _overlapping(literals: tuple[bytes, ...]) -> BytesAhoCorasick:
    return BytesAhoCorasick(list(literals))


@lru_cache(maxsize=128)
def _search(texts: tuple[bytes, ...]) -> BytesAhoCorasick:
    # Texts that begin in three ways or fewer are looked for by their first bytes, which is slow where these are
    # common; with more the library looks for three bytes at once.
    ways = len({text[0] for text in texts})
    decoys = [bytes([number]) * 3 for number in range(_WAYS - ways)] if ways > 1 else []
    return BytesAhoCorasick([*texts, *decoys], matchkind=MatchKind.LeftmostFirst)


def _spans(block: bytes) -> Iterable[Span]:
    start = 0
    while (end := block.find(b"\n", start)) >= 0:
        yield start, end
        start = end + 1


def line_at(block: bytes, place: int) -> Span:
    """The line of the block that holds the byte at ``place``."""
    return block.rfind(b"\n", 0, place) + 1, block.find(b"\n", place)


def _lines(block: bytes, places: Iterable[int]) -> list[Span]:
    found: list[Span] = []
    end = -1
    for place in places:
        if place > end:
            start, end = block.rfind(b"\n", 0, place) + 1, block.find(b"\n", place)
            found.append((start, end))
    return found


class _Literals:
    """One set of literals and the patterns that each selects."""

    def __init__(self, patterns: dict[int, Sought]) -> None:
        selected: dict[bytes, list[int]] = {}
        for number, pattern in patterns.items():
            for literal in sorted(pattern.literals):
                selected.setdefault(literal, []).append(number)
        self._selected = list(selected.values())
        self._folded = next(iter(patterns.values())).folded
        self._search = _overlapping(tuple(selected))  # sees every literal, overlapping ones too
        self._selections: dict[tuple[int, ...], tuple[int, ...]] = {}

    def numbers(self, line: bytes) -> tuple[int, ...]:
        hits = self._search.find_matches_as_indexes(line.lower() if self._folded else line, overlapping=True)
        return self._select(tuple([literal for literal, _, _ in hits])) if hits else ()

    def _select(self, literals: tuple[int, ...]) -> tuple[int, ...]:
        """The patterns that these literals select; lines of one shape hold the same ones."""
        numbers = self._selections.get(literals)
        if numbers is None:
            if len(self._selections) >= _MOST_SELECTIONS:
                self._selections.clear()
            numbers = tuple(sorted({number for literal in literals for number in self._selected[literal]}))
            self._selections[literals] = numbers
        return numbers


def _windows(literals: Collection[bytes], width: int) -> list[bytes]:
    """Short texts of which every literal holds one: those that many literals share, so that there are few."""
    parts = {
        literal: {literal[at : at + width] for at in range(max(1, len(literal) - width + 1))}
        for literal in literals
    }
    shared = Counter(part for choice in parts.values() for part in choice)
    chosen: set[bytes] = set()
    for literal in sorted(literals, key=lambda text: (len(parts[text]), text)):
        if parts[literal].isdisjoint(chosen):
            chosen.add(max(parts[literal], key=lambda part: (shared[part], len(set(part)), part)))
    return sorted(chosen)


def _cases(text: bytes) -> list[bytes]:
    """A text of ASCII in lower case as it is, and with any of its letters in upper case."""
    return [bytes(case) for case in product(*({code, *bytes([code]).upper()} for code in text))]
