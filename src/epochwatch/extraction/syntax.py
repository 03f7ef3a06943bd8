"""Python's own parse of a regular expression, read for two ends: the same pattern in RE2's words, and the
fixed texts that every match must hold.

The parser is Python's, so what is accepted and what it means is Python's; RE2 only runs it.
"""

import importlib
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

_parser: Any = importlib.import_module("re._parser")
_constants: Any = importlib.import_module("re._constants")

LITERAL, NOT_LITERAL, ANY, IN = (_constants.LITERAL, _constants.NOT_LITERAL, _constants.ANY, _constants.IN)
BRANCH, SUBPATTERN, AT = _constants.BRANCH, _constants.SUBPATTERN, _constants.AT
RANGE, NEGATE, CATEGORY = _constants.RANGE, _constants.NEGATE, _constants.CATEGORY
REPEATS = {_constants.MAX_REPEAT: "", _constants.MIN_REPEAT: "?"}
LOOPS = frozenset([*REPEATS, _constants.POSSESSIVE_REPEAT])
ATOMIC_GROUP = _constants.ATOMIC_GROUP
MAXREPEAT = _constants.MAXREPEAT

_UNSUPPORTED = {
    _constants.ASSERT: "look-around",
    _constants.ASSERT_NOT: "look-around",
    _constants.GROUPREF: "a back-reference",
    _constants.GROUPREF_EXISTS: "a conditional group",
    _constants.ATOMIC_GROUP: "an atomic group",
    _constants.POSSESSIVE_REPEAT: "a possessive repeat",
}
# The parser gives line anchors only these names; a line holds no newline, so they anchor at its two ends.
_ANCHORS = {
    _constants.AT_BEGINNING: r"\A",
    _constants.AT_BEGINNING_STRING: r"\A",
    _constants.AT_END: r"\z",
    _constants.AT_END_STRING: r"\z",
    _constants.AT_BOUNDARY: r"\b",
    _constants.AT_NON_BOUNDARY: r"\B",
}
ANCHORS_OF_START = frozenset([_constants.AT_BEGINNING, _constants.AT_BEGINNING_STRING])
ANCHORS_OF_END = frozenset([_constants.AT_END, _constants.AT_END_STRING])
_CATEGORIES = {
    _constants.CATEGORY_DIGIT: "0-9",
    _constants.CATEGORY_NOT_DIGIT: r"\D",
    _constants.CATEGORY_SPACE: r"\t-\r ",  # RE2's own \s leaves out the vertical tab
    _constants.CATEGORY_NOT_SPACE: r"\x00-\x08\x0e-\x1f!-\x{%s}",
    _constants.CATEGORY_WORD: "0-9A-Za-z_",
    _constants.CATEGORY_NOT_WORD: r"\W",
}


_PROBES = {
    _constants.CATEGORY_DIGIT: rb"\d",
    _constants.CATEGORY_NOT_DIGIT: rb"\D",
    _constants.CATEGORY_SPACE: rb"\s",
    _constants.CATEGORY_NOT_SPACE: rb"\S",
    _constants.CATEGORY_WORD: rb"\w",
    _constants.CATEGORY_NOT_WORD: rb"\W",
}


def category(name: Any) -> frozenset[int]:
    """The bytes of a category of the parse."""
    return frozenset(code for code in range(256) if re.match(_PROBES[name], bytes([code])))


class UnsupportedError(Exception):
    """RE2 cannot run the pattern, or not with the same answers as Python; the text says why."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """A pattern's parse."""

    tree: Any
    flags: int
    groups: int
    """Number of capturing groups."""
    names: dict[str, int]
    """Named groups."""
    wide: bool
    """It names characters beyond ASCII: it is matched against text, not bytes."""
    source: str
    """The pattern in Python's syntax (Java's ``(?<name>`` rewritten)."""


def parse(pattern: str) -> Parsed:
    """The parse of ``pattern``, with ``\\w \\d \\s \\b`` meaning ASCII. Raises ``re.error``."""
    try:
        return _parse(pattern)
    except re.error:
        # SageMaker users write Java's named groups, too.
        renamed = re.sub(r"(?<!\\)((?:\\\\)*)\(\?<(?=[A-Za-z])", r"\1(?P<", pattern)
        if renamed == pattern:
            raise
        return _parse(renamed)


def _parse(pattern: str) -> Parsed:
    try:
        with warnings.catch_warnings():
            # Python warns of "[[" and the like, which may one day mean something else; today it does not.
            warnings.simplefilter("ignore")
            tree = _parser.parse(pattern, re.ASCII)
    except (RecursionError, OverflowError, ValueError) as error:
        raise re.error(str(error), pattern) from error
    codes = _codes(tree)
    if any(0xD800 <= code < 0xE000 for code in codes):
        raise re.error("a surrogate is no character", pattern)
    wide = any(code > 127 for code in codes)
    return Parsed(tree, tree.state.flags, tree.state.groups - 1, dict(tree.state.groupdict), wide, pattern)


def _codes(tree: Any) -> list[int]:
    """Every character code that the parse names."""
    found: list[int] = []
    stack: list[Any] = [tree]
    while stack:
        item = stack.pop()
        if isinstance(item, tuple) and len(item) == 2 and item[0] in (LITERAL, NOT_LITERAL, RANGE):
            found.extend(item[1] if isinstance(item[1], tuple) else (item[1],))
        elif isinstance(item, (tuple, list, _parser.SubPattern)):
            stack.extend(item)
    return found


def certain_groups(tree: Any) -> set[int]:
    """The groups that take part in every match."""
    found: set[int] = set()
    for op, argument in tree:
        if op is SUBPATTERN:
            group, _, _, body = argument
            if group is not None:
                found.add(group)
            found |= certain_groups(body)
        elif op is BRANCH:
            found |= set.intersection(*(certain_groups(branch) for branch in argument[1]))
        elif op in LOOPS and argument[0] > 0:
            found |= certain_groups(argument[2])
        elif op is ATOMIC_GROUP:
            found |= certain_groups(argument)
    return found


def to_re2(parsed: Parsed, captures: set[int]) -> str:
    """The pattern in RE2's syntax, capturing only the groups in ``captures`` (their order is kept).

    RE2's answer on it equals Python's on every text without a newline. Raises UnsupportedError where that
    cannot be.
    """
    return _Writer(captures, "10FFFF" if parsed.wide else "FF").sequence(parsed.tree, parsed.flags)


class _Writer:
    def __init__(self, captures: set[int], last: str) -> None:
        self._captures = captures
        self._last = last

    def sequence(self, tree: Any, flags: int) -> str:
        return "".join(self._item(op, argument, flags) for op, argument in tree)

    def _item(self, op: Any, argument: Any, flags: int) -> str:
        if op in REPEATS:
            return self._repeat(argument, flags) + REPEATS[op]
        write = self._WRITERS.get(op)
        if write is None:
            raise UnsupportedError(f"it uses {_UNSUPPORTED.get(op, str(op).lower())}")
        return write(self, argument, flags)

    def _any(self, _argument: None, _flags: int) -> str:
        return "(?s:.)"

    def _anchor(self, argument: Any, _flags: int) -> str:
        return _ANCHORS[argument]

    def _not_literal(self, code: int, flags: int) -> str:
        return self._class([(NEGATE, None), (LITERAL, code)], flags)

    def _branch(self, argument: Any, flags: int) -> str:
        return f"(?:{'|'.join(self.sequence(branch, flags) for branch in argument[1])})"

    def _group(self, argument: Any, flags: int) -> str:
        group, added, removed, body = argument
        opening = "(" if group in self._captures else "(?:"
        return f"{opening}{self.sequence(body, (flags | added) & ~removed)})"

    def _repeat(self, argument: Any, flags: int) -> str:
        low, high, body = argument
        if body.getwidth()[0] == 0 and high != 1:
            raise UnsupportedError("it repeats something that can be empty")
        if high is MAXREPEAT:
            count = {0: "*", 1: "+"}.get(low, f"{{{low},}}")
        else:
            count = "?" if (low, high) == (0, 1) else f"{{{low},{high}}}"
        return f"(?:{self.sequence(body, flags)}){count}"

    def _literal(self, code: int, flags: int) -> str:
        letter = chr(code)
        if flags & re.IGNORECASE and letter.isalpha():
            cases = sorted({form for form in (letter, letter.lower(), letter.upper()) if len(form) == 1})
            return f"[{''.join(cases)}]"
        return _escape(code)

    def _class(self, items: list[Any], flags: int) -> str:
        parts = []
        for op, argument in items:
            if op is NEGATE:
                parts.append("^")
            elif op is CATEGORY:
                category = _CATEGORIES[argument]
                parts.append(category % self._last if "%s" in category else category)
            else:
                low, high = argument if op is RANGE else (argument, argument)
                parts.append(f"{_escape(low)}-{_escape(high)}")
                if flags & re.IGNORECASE:
                    parts.append(self._other_case(low, high))
        return f"[{''.join(parts)}]"

    def _other_case(self, low: int, high: int) -> str:
        if high > 127:
            raise UnsupportedError("it ignores the case of a letter beyond ASCII")
        letters = (chr(code) for code in range(low, high + 1))
        return "".join(letter.swapcase() for letter in letters if letter.isalpha())

    _WRITERS: ClassVar[dict[Any, Callable[["_Writer", Any, int], str]]] = {
        LITERAL: _literal,
        NOT_LITERAL: _not_literal,
        ANY: _any,
        IN: _class,
        BRANCH: _branch,
        SUBPATTERN: _group,
        AT: _anchor,
    }


def _escape(code: int) -> str:
    character = chr(code)
    if character.isascii() and character.isalnum():
        return character
    return f"\\x{{{code:X}}}"
