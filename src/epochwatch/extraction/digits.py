"""Where a pattern tells one digit from another, known from its parse."""

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
_SHORTEST = 2


class _ToldApartError(Exception):
    pass


def texts_with_digits(parsed: Parsed) -> frozenset[bytes] | None:
    """The fixed texts in which the pattern asks for certain digits; None if it tells digits apart otherwise.

    Everywhere else a line may have any other digits in the places of its own, and the pattern matches it at the
    same places. ``#011`` is a tab here: it stands for one in SageMaker's form of a line, and for nothing else.
    """
    found: set[bytes] = set()
    try:
        if parsed.wide:
            raise _ToldApartError
        _walk(parsed.tree, found)
    except _ToldApartError:
        return None
    return frozenset(found)


def _walk(tree: Any, found: set[bytes]) -> None:
    run = bytearray()
    for op, argument in tree:
        if op is LITERAL:
            run.append(argument)
            continue
        _close(run, found)
        if op is SUBPATTERN:
            _walk(argument[3], found)
        elif op in REPEATS:
            _walk(argument[2], found)
        elif op is BRANCH:
            for branch in argument[1]:
                _walk(branch, found)
        elif not _alike(op, argument):
            raise _ToldApartError
    _close(run, found)


def _close(run: bytearray, found: set[bytes]) -> None:
    text = bytes(run).replace(b"#011", b"\t")
    run.clear()
    if not _DIGITS.isdisjoint(text):
        if len(text) < _SHORTEST:
            raise _ToldApartError
        found.add(text)


def _alike(op: Any, argument: Any) -> bool:
    if op is NOT_LITERAL:
        return argument not in _DIGITS
    if op is IN:
        return all(_all_or_none(*item) for item in argument)
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
