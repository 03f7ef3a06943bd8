"""A short notation for a statistic of one metric: ``Lab temperature{Room=a, Floor="2 nd"} p99``.

That is the namespace, the name, the dimensions if there are any, and the statistic, Average where none is named. A
word that holds a blank or one of ``{ } = , "`` stands in double quotes, in which ``"`` and ``\\`` have a backslash
before them.
"""

import re
from dataclasses import dataclass
from typing import Final

from epochwatch.model import statistics
from epochwatch.model.metric import MetricId
from epochwatch.model.statistics import InvalidStatistic, Kind, Statistic

AVERAGE: Final = Statistic(Kind.AVERAGE.value, Kind.AVERAGE)

_BARE: Final = re.compile(r'[^\s{}=,"]+')
_TOKEN: Final = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|([^\s{}=,"]+)|([{}=,])|(\S))', re.DOTALL)
_ORDINARY: Final = re.compile(r"(?!(?:AND|OR)\Z)[^\W\d]\w*")
"""A name that cannot be taken for operators between others; after any other the braces rule that out."""

_SQL: Final = re.compile(r"SELECT\b", re.IGNORECASE)


class InvalidSelector(ValueError):
    """The text names no metric; the message says where and what was expected."""


@dataclass(frozen=True, slots=True)
class Selector:
    """A statistic of a metric; its text is what ``parse`` reads."""

    metric: MetricId
    statistic: Statistic = AVERAGE

    def __str__(self) -> str:
        return f"{written(self.metric)} {self.statistic.name}"


def written(metric: MetricId) -> str:
    """The metric in this notation. Read as an expression, too, it is the metric and nothing else."""
    namespace = quoted(metric.namespace)
    if _SQL.match(namespace):
        namespace = f'"{namespace}"'
    inside = ", ".join(f"{quoted(name)}={quoted(value)}" for name, value in metric.dimensions)
    name = quoted(metric.name)
    plain = name != metric.name or _ORDINARY.fullmatch(name)
    return f"{namespace} {name}" if plain and not inside else f"{namespace} {name}{{{inside}}}"


def quoted(word: str, special: str = "") -> str:
    """The word as it stands in a selector: in double quotes if it needs them, or holds a character of ``special``."""
    if _BARE.fullmatch(word) and not set(special) & set(word):
        return word
    escaped = word.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def parse(text: str) -> Selector:
    """The selector ``text``. Raises InvalidSelector."""
    reader = _Reader(text)
    namespace = reader.word("a namespace")
    name = reader.word("the metric's name")
    braced = reader.takes("{")
    dimensions = reader.dimensions() if braced else []
    if repeated := {key for key, _ in dimensions if sum(key == other for other, _ in dimensions) > 1}:
        raise InvalidSelector(f"the dimension {min(repeated)} is named twice")
    metric = MetricId.of(namespace, name, dimensions)
    if not reader.rest:
        return Selector(metric)
    try:
        return Selector(metric, statistics.parse(reader.rest))
    except InvalidStatistic as error:
        advice = "" if braced else "; a name with blanks stands in double quotes"
        raise InvalidSelector(f"{error}{advice}") from error


class _Reader:
    """The tokens of a selector, one after the other."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._position = 0

    @property
    def rest(self) -> str:
        """What was not read yet."""
        return self._text[self._position :].strip()

    def takes(self, symbol: str) -> bool:
        """Reads ``symbol`` if it is next."""
        match = _TOKEN.match(self._text, self._position)
        if match is None or match[3] != symbol:
            return False
        self._position = match.end()
        return True

    def word(self, wanted: str) -> str:
        """The word that is next."""
        match = _TOKEN.match(self._text, self._position)
        if match is None:
            raise InvalidSelector(f"column {len(self._text) + 1}: the text ends where {wanted} was expected")
        within, bare, _, strange = match.groups()
        if strange is not None:
            raise InvalidSelector(f"column {match.end()}: the text that begins with {strange} is not closed")
        if within == "":
            raise InvalidSelector(f"column {match.end() - 1}: {wanted} is empty")
        if within is None and bare is None:
            raise InvalidSelector(f"column {match.end()}: '{match[3]}' stands where {wanted} was expected")
        self._position = match.end()
        return re.sub(r"\\(.)", r"\1", within, flags=re.DOTALL) if within is not None else bare

    def dimensions(self) -> list[tuple[str, str]]:
        """The pairs up to the closing brace, after the opening one."""
        found: list[tuple[str, str]] = []
        if self.takes("}"):
            return found
        while True:
            name = self.word("a dimension's name")
            self._needs("=")
            found.append((name, self.word(f"the value of {name}")))
            if self.takes("}"):
                return found
            self._needs(",", " or '}'")

    def _needs(self, symbol: str, otherwise: str = "") -> None:
        if not self.takes(symbol):
            column = len(self._text) - len(self._text[self._position :].lstrip()) + 1
            raise InvalidSelector(f"column {column}: '{symbol}'{otherwise} was expected")
