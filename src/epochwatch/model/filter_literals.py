"""The right-hand sides of filter pattern conditions: text with ``*``, numbers and ``%regex%``."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeAlias

import re2

NOT_EQUAL: Final = "!="
EQUAL: Final = "="
_ORDER: Final[dict[str, Callable[[float, float], bool]]] = {
    "<": lambda left, right: left < right,
    ">": lambda left, right: left > right,
    "<=": lambda left, right: left <= right,
    ">=": lambda left, right: left >= right,
}
_NUMBER: Final = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?\Z", re.ASCII)
_REGEX_ALPHABET: Final = re.compile(r"(?:[A-Za-z0-9 :_#=@/;,\-^$?\[\]{}|*+.]|\\[\x20-\x7e])*\Z")


class InvalidFilterPattern(ValueError):
    """The filter pattern is not one; the message says what is wrong where."""


class JsonNumber(float):
    """A number of a JSON document that remembers how it was written."""

    text: str

    def __new__(cls, text: str) -> "JsonNumber":
        """The number that ``text`` spells."""
        number = super().__new__(cls, text)
        number.text = text
        return number


Scalar: TypeAlias = str | JsonNumber | bool | None


class Literal(Protocol):
    """What a condition compares with."""

    def equals(self, actual: str) -> bool:
        """Whether the text is one the literal stands for."""
        ...

    @property
    def number(self) -> float | None:
        """The literal as a number, None if it is none."""
        ...


@dataclass(frozen=True, slots=True)
class Text:
    """A word or quoted string, in which ``*`` stands for any run of characters. Case counts."""

    text: str
    quoted: bool = False

    def equals(self, actual: str) -> bool:
        """True when the whole of ``actual`` is this text."""
        if "*" not in self.text:
            return actual == self.text
        head, *middle, tail = self.text.split("*")
        if len(actual) < len(head) + len(tail) or not actual.startswith(head) or not actual.endswith(tail):
            return False
        position, end = len(head), len(actual) - len(tail)
        for part in middle:
            found = actual.find(part, position, end)
            if found < 0:
                return False
            position = found + len(part)
        return True

    @property
    def number(self) -> float | None:
        """The number an unquoted word spells."""
        return None if self.quoted else as_number(self.text)


class Regex:
    """A ``%...%`` expression, found anywhere in the text, in time linear in it."""

    number: float | None = None

    def __init__(self, source: str) -> None:
        if not _REGEX_ALPHABET.match(source):
            raise InvalidFilterPattern(f"%{source}% uses a character that regular expressions here may not have")
        options = re2.Options()
        options.log_errors = False
        try:
            self._search = re2.compile(source, options).search
        except re2.error as error:
            raise InvalidFilterPattern(f"%{source}% is not a regular expression: {error}") from error

    def equals(self, actual: str) -> bool:
        """True when the expression is found in ``actual``."""
        return self._search(actual) is not None


def as_number(text: str) -> float | None:
    """The finite decimal number that ``text`` spells, or None."""
    return float(text) if _NUMBER.match(text) else None


def check(operator: str, literal: Literal) -> None:
    """Raises InvalidFilterPattern when the operator cannot take this literal."""
    if operator in _ORDER and literal.number is None:
        raise InvalidFilterPattern(f"{operator} needs a number on its right")


def compare(actual: Any, operator: str, literal: Literal) -> bool:
    """Whether ``actual`` (text of a field, or a scalar out of JSON) stands in that relation to the literal."""
    if operator in _ORDER:
        number = _number_of(actual)
        wanted = literal.number
        return number is not None and wanted is not None and _ORDER[operator](number, wanted)
    equal = _equal(actual, literal)
    return equal if operator == EQUAL else not equal


def _equal(actual: Any, literal: Literal) -> bool:
    if actual is None:
        return False
    if isinstance(actual, bool):
        return literal.equals("true" if actual else "false")
    wanted = literal.number
    if wanted is not None and _number_of(actual) == wanted:
        return True
    return literal.equals(actual.text if isinstance(actual, JsonNumber) else actual)


def _number_of(actual: Any) -> float | None:
    if isinstance(actual, JsonNumber):
        return float(actual)
    return as_number(actual) if isinstance(actual, str) else None
