"""Which patterns cannot tell one digit from another, known from their parse."""

from typing import Any

from epochwatch.extraction.syntax import (
    ANY,
    AT,
    BRANCH,
    CATEGORY,
    IN,
    LITERAL,
    NOT_LITERAL,
    RANGE,
    REPEATS,
    SUBPATTERN,
    Parsed,
    category,
)

_DIGITS = frozenset(b"0123456789")
_TAB = [
    (LITERAL, code) for code in b"#011"
]  # stands for a tab in SageMaker's form of a line, and for nothing else


def blind_to_digits(parsed: Parsed) -> bool:
    """Whether a line may have any other digits in the places of its own, and the pattern matches it at the same
    places. The digits of a tab's escaped form ``#011`` do not count: they are no digits of the line.
    """
    return not parsed.wide and _blind(parsed.tree)


def _blind(tree: Any) -> bool:
    items = list(tree)
    place = 0
    while place < len(items):
        if items[place : place + 4] == _TAB:
            place += 4
        elif _alike(*items[place]):
            place += 1
        else:
            return False
    return True


def _alike(op: Any, argument: Any) -> bool:
    if op is LITERAL or op is NOT_LITERAL:
        return argument not in _DIGITS
    if op is IN:
        return all(_all_or_none(*item) for item in argument)
    if op is SUBPATTERN:
        return _blind(argument[3])
    if op in REPEATS:
        return _blind(argument[2])
    if op is BRANCH:
        return all(_blind(branch) for branch in argument[1])
    return op is ANY or op is AT


def _all_or_none(kind: Any, what: Any) -> bool:
    """Whether a part of a set of characters holds every digit, or none."""
    if kind is LITERAL:
        return what not in _DIGITS
    if kind is RANGE:
        held: frozenset[int] = frozenset(range(what[0], what[1] + 1)) & _DIGITS
    elif kind is CATEGORY:
        held = category(what) & _DIGITS
    else:
        return True  # the sign that it is all the other characters
    return held in (frozenset(), _DIGITS)
