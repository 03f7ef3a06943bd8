"""Which patterns to try on which lines: one pass over a block of lines for the fixed texts of all patterns."""

from collections.abc import Sequence

from ahocorasick_rs import BytesAhoCorasick, MatchKind

from epochwatch.extraction.pattern import Pattern

_DENSE = 0.25  # share of lines with a hit from which one exact pass is cheaper than a fast one and a look back

_Hit = tuple[int, int, int]  # literal, start, end


class Matcher:
    """Finds candidate lines: (line, pattern) pairs such that no pair left out can match.

    The answer does not depend on how lines are grouped into blocks.
    """

    def __init__(self, patterns: Sequence[Pattern], *, prefilter: bool = True) -> None:
        literal = [prefilter and bool(pattern.literals) for pattern in patterns]
        self._always = [number for number, has in enumerate(literal) if not has]
        exact = [n for n, pattern in enumerate(patterns) if literal[n] and not pattern.folded]
        folded = [n for n, pattern in enumerate(patterns) if literal[n] and pattern.folded]
        self._exact = _Literals(patterns, exact) if exact else None
        self._folded = _Literals(patterns, folded) if folded else None

    def candidates(self, texts: Sequence[bytes], block: bytes | None = None) -> list[tuple[int, list[int]]]:
        """The lines with something to try, in order, each with the numbers of the patterns, ascending.

        ``block`` is the texts joined by newlines, where the caller has it anyway; no text holds one. Empty
        lines are no candidates.
        """
        block = b"\n".join(texts) if block is None else block
        found: dict[int, set[int]] = {}
        if self._exact is not None:
            self._exact.add(block, texts, found)
        if self._folded is not None:
            self._folded.add(block.lower(), texts, found)
        if self._always:
            for line, text in enumerate(texts):
                if text:
                    found.setdefault(line, set()).update(self._always)
        return [(line, sorted(found[line])) for line in sorted(found)]


class _Literals:
    """One set of literals and the patterns that each selects."""

    def __init__(self, patterns: Sequence[Pattern], numbers: Sequence[int]) -> None:
        selected: dict[bytes, list[int]] = {}
        for number in numbers:
            for literal in patterns[number].literals:
                selected.setdefault(literal, []).append(number)
        literals = list(selected)
        self._selected = list(selected.values())
        self._folded = patterns[numbers[0]].folded
        # Leftmost search may hide a literal behind an overlapping one but never a line that holds any; it is
        # vectorised. The other sees every literal.
        self._fast = BytesAhoCorasick(literals, matchkind=MatchKind.LeftmostFirst)
        self._exact = BytesAhoCorasick(literals)
        self._dense = False

    def add(self, block: bytes, texts: Sequence[bytes], found: dict[int, set[int]]) -> None:
        if self._dense:
            hits = self._exact.find_matches_as_indexes(block, overlapping=True)
        else:
            hits = self._fast.find_matches_as_indexes(block)
        if not hits:
            self._dense = False
            return
        before = len(found)
        if self._dense:
            self._add_exact(hits, block, found)
        else:
            self._add_fast(hits, block, texts, found)
        self._dense = (len(found) - before) > _DENSE * len(texts)

    def _add_exact(self, hits: list[_Hit], block: bytes, found: dict[int, set[int]]) -> None:
        selected = self._selected
        line = position = end = 0
        here: set[int] = set()
        for literal, start, _ in hits:  # in order of their ends, so that lines come in order
            if start >= end:
                line += block.count(b"\n", position, start)
                position, end = start, _line_end(block, start)
                here = found.setdefault(line, set())
            here.update(selected[literal])

    def _add_fast(
        self, hits: list[_Hit], block: bytes, texts: Sequence[bytes], found: dict[int, set[int]]
    ) -> None:
        find, selected = self._exact.find_matches_as_indexes, self._selected
        line = position = end = 0
        for _, start, _ in hits:
            if start < end:
                continue
            line += block.count(b"\n", position, start)
            position, end = start, _line_end(block, start)
            here = found.setdefault(line, set())
            text = texts[line].lower() if self._folded else texts[line]
            for literal, _, _ in find(text, overlapping=True):
                here.update(selected[literal])


def _line_end(block: bytes, start: int) -> int:
    end = block.find(b"\n", start)
    return end if end >= 0 else len(block)
