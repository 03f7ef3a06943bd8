"""Which patterns Python's own engine can run on short lines at little cost, proven from their parse.

That engine backtracks: the time that most patterns take grows with a power of the line's length. Here that power
is bounded from above. Up to 2, and on lines of at most ``LONGEST`` bytes, its answer costs a fraction of a
call into RE2 and at worst some hundred microseconds; RE2 runs everything else.
"""

import re
from typing import Any, NamedTuple

from epochwatch.extraction.syntax import (
    ANCHORS_OF_END,
    ANCHORS_OF_START,
    ANY,
    AT,
    CATEGORY,
    IN,
    LITERAL,
    MAXREPEAT,
    NEGATE,
    NOT_LITERAL,
    RANGE,
    REPEATS,
    SUBPATTERN,
    Parsed,
    category,
)

LONGEST = 512
"""Bytes of the longest line for which the bound is low enough."""
_POWER = 2
_BRANCHES = 6  # optional items, each of which may double the work

_ALL = frozenset(range(256))


class _Item(NamedTuple):
    """A repeated character; ``low`` = ``high`` = 1 for a single one."""

    low: int
    high: int
    characters: frozenset[int]
    lazy: bool = False

    @property
    def varies(self) -> bool:
        return self.high not in (self.low, 1)


_END = _Item(1, 1, frozenset())  # an anchor of the end: it can fail, and holds no character
_GROUP = _Item(0, 2, _ALL, lazy=True)  # an optional group, which must stand where nothing can fail any more


class _UnprovenError(Exception):
    pass


def searches_from_start(parsed: Parsed) -> bool:
    """Whether a match, if there is one, begins where the line does."""
    tree = parsed.tree
    if not len(tree):
        return False
    op, argument = tree[0]
    if op is AT:
        return argument in ANCHORS_OF_START
    if op not in REPEATS:
        return False
    low, high, body = argument
    return low == 0 and high is MAXREPEAT and len(body) == 1 and body[0][0] is ANY


def is_cheap(parsed: Parsed) -> bool:
    """Whether a search takes at most some multiple of the line's length squared."""
    if parsed.wide:
        return False
    tree = list(parsed.tree)
    from_start = searches_from_start(parsed)
    if tree and tree[0][0] is AT:
        tree = tree[1:]
    try:
        power = _power(_flat(tree, parsed.flags))
    except _UnprovenError:
        return False
    return power + (not from_start) <= _POWER


def _flat(tree: Any, flags: int) -> list[_Item]:
    """The pattern as a row of repeated characters."""
    items: list[_Item] = []
    for op, argument in tree:
        if op in REPEATS:
            low, high, body = argument
            inner = _flat(body, flags)
            if len(inner) == 1 and inner[0].low == inner[0].high == 1 and inner[0] is not _END:
                bound = 10**9 if high is MAXREPEAT else int(high)
                items.append(_Item(low, bound, inner[0].characters, bool(REPEATS[op])))
            elif (low, high) == (0, 1) and not REPEATS[op] and _power(inner) == 0:
                items.append(_GROUP)
            else:
                raise _UnprovenError
        elif op is SUBPATTERN:
            items += _flat(argument[3], (flags | argument[1]) & ~argument[2])
        elif op is AT and argument in ANCHORS_OF_END:
            items.append(_END)
        else:
            items.append(_Item(1, 1, _characters(op, argument, flags)))
    return items


def _characters(op: Any, argument: Any, flags: int) -> frozenset[int]:
    if op is ANY:
        return _ALL
    if op is LITERAL or op is NOT_LITERAL:
        codes = _cased(frozenset([argument]), flags)
        return codes if op is LITERAL else _ALL - codes
    if op is not IN:
        raise _UnprovenError
    union: frozenset[int] = frozenset()
    for kind, what in argument:
        if kind is LITERAL:
            union |= _cased(frozenset([what]), flags)
        elif kind is RANGE:
            union |= _cased(frozenset(range(what[0], what[1] + 1)), flags)
        elif kind is CATEGORY:
            union |= category(what)
        elif kind is not NEGATE:
            raise _UnprovenError
    return _ALL - union if argument[0][0] is NEGATE else union


def _cased(codes: frozenset[int], flags: int) -> frozenset[int]:
    if not flags & re.IGNORECASE:
        return codes
    return codes | {ord(chr(code).swapcase()) for code in codes if chr(code).isalpha()}


def _power(items: list[_Item]) -> int:
    """The power of the line's length that bounds the work behind one place to begin at."""
    # Behind the last item that must be there everything can be left out: nothing fails, nothing is tried again.
    must = max((number for number, item in enumerate(items) if item.low), default=-1)
    before = items[: max(must, 0)]
    if must < 0 or _GROUP in before or sum(item.high == 1 and not item.low for item in before) > _BRANCHES:
        raise _UnprovenError
    return sum(_share(items, number, must) for number in range(must) if items[number].varies)


def _share(items: list[_Item], number: int, must: int) -> int:
    """What one item adds to the power: 0 if all its tries together take time linear in the line."""
    item = items[number]
    if _exclusive(items, number, must):
        # Giving back a character never helps, as what follows cannot begin with it: each step back ends at once.
        return 0 if _fenced(items, number) else 1
    between, last = items[number + 1 : must], items[must]
    if (
        all(other.high == 1 and not other.low for other in between)
        and not item.lazy
        and last.low == 1
        and item.characters <= last.characters
    ):
        # Giving back one character is enough for the last item, so that there is no second step back.
        return 0 if _fenced(items, number) else 1
    return 1


def _exclusive(items: list[_Item], number: int, must: int) -> bool:
    following: set[int] = set()
    for other in items[number + 1 : must + 1]:
        following |= other.characters
        if other.low:
            break
    return following.isdisjoint(items[number].characters)


def _fenced(items: list[_Item], number: int) -> bool:
    """Whether a character that the item cannot hold stands before it: its runs never overlap then."""
    for other in reversed(items[:number]):
        if other.low == other.high == 1:
            return other.characters.isdisjoint(items[number].characters)
        if other.high != 1:
            return False
    return False
