"""The fixed texts without which a pattern cannot match: what the one pass over the log looks for."""

import re
from typing import Any

from epochwatch.extraction.syntax import (
    ATOMIC_GROUP,
    BRANCH,
    LITERAL,
    LOOPS,
    SUBPATTERN,
    Parsed,
)

MINIMUM = 2
"""Shorter texts hit nearly every line and select nothing."""
_NOT_SOUGHT = (
    "\n\ufffd"  # no line holds the first; the other is what patterns see in place of bytes that are no UTF-8
)
_MOST = 32  # alternatives; more of them select little and cost memory


def required_literals(parsed: Parsed) -> tuple[frozenset[str], bool]:
    """Texts of which every match holds at least one (empty: none is known), and whether they are to be looked
    for without regard to (ASCII) case; they are in lower case then.
    """
    best = _Search().best(parsed.tree, parsed.flags)
    if best is None:
        return frozenset(), False
    folded = any(is_folded for _, is_folded in best)
    return frozenset(text.lower() if folded else text for text, _ in best), folded


_Set = set[tuple[str, bool]]


def _score(candidate: _Set) -> tuple[int, int, int]:
    shortest = min(len(text) for text, _ in candidate)
    # Beyond a few bytes a literal selects well enough: fewer alternatives and no folding are worth more then.
    return min(shortest, 12), -len(candidate), -sum(folded for _, folded in candidate)


class _Search:
    def best(self, tree: Any, flags: int) -> _Set | None:
        """The best set for a sequence, by the length of its shortest text."""
        candidates: list[_Set] = []
        run: list[tuple[str, bool]] = []
        self._walk(tree, flags, run, candidates)
        self._close(run, candidates)
        usable = [candidate for candidate in candidates if _score(candidate)[0] >= MINIMUM]
        return max(usable, key=_score, default=None)

    def _walk(self, tree: Any, flags: int, run: list[tuple[str, bool]], candidates: list[_Set]) -> None:
        for op, argument in tree:
            if op is LITERAL:
                self._literal(argument, flags, run, candidates)
            elif op is SUBPATTERN:
                # A group is no boundary: what stands in it adjoins what stands around it.
                self._walk(argument[3], (flags | argument[1]) & ~argument[2], run, candidates)
            elif op is ATOMIC_GROUP:
                self._walk(argument, flags, run, candidates)
            else:
                self._close(run, candidates)
                found = self._inside(op, argument, flags)
                if found is not None:
                    candidates.append(found)

    def _literal(self, code: int, flags: int, run: list[tuple[str, bool]], candidates: list[_Set]) -> None:
        character = chr(code)
        if character in _NOT_SOUGHT or (not character.isascii() and flags & re.IGNORECASE):
            self._close(run, candidates)
            return
        run.append((character, bool(flags & re.IGNORECASE) and character.isalpha()))

    def _close(self, run: list[tuple[str, bool]], candidates: list[_Set]) -> None:
        if run:
            text = "".join(character for character, _ in run)
            candidates.append({(text, any(folded for _, folded in run))})
            run.clear()

    def _inside(self, op: Any, argument: Any, flags: int) -> _Set | None:
        if op is BRANCH:
            union: _Set = set()
            for branch in argument[1]:
                found = self.best(branch, flags)
                if found is None:
                    return None
                union |= found
            return union if len(union) <= _MOST else None
        if op in LOOPS and argument[0] > 0:
            return self.best(argument[2], flags)
        return None
