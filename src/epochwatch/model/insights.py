"""CloudWatch Metrics Insights: SQL over many metrics at once.

``SELECT MAX(loss) FROM SCHEMA(lab, run, host) WHERE run = 'r7' GROUP BY host ORDER BY MAX() DESC LIMIT 5``

A *label* is a dimension. Keywords may be written in any case; a name that is one, or that holds anything but
letters, digits and underscores, stands in double quotes, a value always in single ones. In both a quote is written
``\\"`` or ``\\'``, or twice.
"""

import re
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import Any, Final, NamedTuple, TypeAlias, cast

from lark import Lark, Token, Transformer, UnexpectedCharacters, UnexpectedToken

from epochwatch.model.aggregation import Series, Summary, statistic_of
from epochwatch.model.metric import MetricId
from epochwatch.model.statistics import Kind, Statistic

MOST_METRICS: Final = 10_000
"""A query reads the first so many metrics that it matches."""
MOST_SERIES: Final = 500
"""A query answers at most so many series."""
FINEST_PERIOD: Final = 60
"""Seconds: a query at a shorter period is answered at this one."""
OTHER: Final = "Other"
"""Stands for the value of a label that a metric does not have."""

Group: TypeAlias = tuple[str, ...]
"""Values of the labels of GROUP BY, in its order; empty without one."""


class InvalidQuery(ValueError):
    """The text is no query. The message says what was expected, and where."""


class Function(Enum):
    """How samples become one value: by SELECT within a bucket and by ORDER BY over a series."""

    AVG = Kind.AVERAGE
    COUNT = Kind.SAMPLE_COUNT
    MAX = Kind.MAXIMUM
    MIN = Kind.MINIMUM
    SUM = Kind.SUM

    @property
    def statistic(self) -> Statistic:
        """The statistic by which SELECT sums up a bucket."""
        return Statistic(self.value.value, self.value)


class Order(NamedTuple):
    """What ORDER BY asks for."""

    function: Function
    descending: bool


Labels: TypeAlias = Mapping[str, str]


class _Condition(NamedTuple):
    """A part of WHERE; ``depth`` counts the levels of AND and OR below it."""

    holds: Callable[[Labels], bool]
    depth: int = 0


@dataclass(frozen=True, slots=True)
class InsightsQuery:
    """A parsed query."""

    text: str
    function: Function
    metric: str
    namespace: str
    schema: frozenset[str] | None
    """The names of the dimensions a metric must have, neither more nor fewer; None: any."""
    group_by: tuple[str, ...]
    order: Order | None
    limit: int
    _condition: _Condition | None

    def matches(self, metric: MetricId) -> bool:
        """Whether SELECT, FROM and WHERE take ``metric``. A label that it does not have equals nothing and differs
        from nothing.
        """
        if metric.name != self.metric or metric.namespace != self.namespace:
            return False
        labels = dict(metric.dimensions)
        if self.schema is not None and self.schema != labels.keys():
            return False
        return self._condition is None or self._condition.holds(labels)

    def group_of(self, metric: MetricId) -> Group:
        """The group of a metric that matches; `OTHER` for labels that it does not have."""
        labels = dict(metric.dimensions)
        return tuple(labels.get(label, OTHER) for label in self.group_by)


def parse(text: str) -> InsightsQuery:
    """The query ``text``. Raises InvalidQuery."""
    try:
        clauses = cast(_Clauses, _parser().parse(text))  # the transformer's doing
    except UnexpectedToken as error:
        raise InvalidQuery(_unexpected(text, error)) from None
    except UnexpectedCharacters as error:
        what = f"the quote {error.char} is not closed" if error.char in "\"'" else f"cannot read {error.char!r}"
        raise InvalidQuery(f"{what} at {_place(text, error.pos_in_stream or 0)}") from None
    except _Wrong as error:
        raise InvalidQuery(f"{error} at {_place(text, error.position)}") from None
    return clauses.query(text)


def statistic(query: InsightsQuery, summary: Summary) -> Series:
    """What SELECT makes of the samples of a group: all samples of a bucket count alike, whichever metric they are
    of.
    """
    return statistic_of(summary, query.function.statistic)


def rank(query: InsightsQuery, found: Mapping[Group, Series]) -> list[tuple[Group, Series]]:
    """The groups that are answered, in order: by ORDER BY's function over the datapoints of each, else by the
    values of their labels; those without a datapoint and those beyond LIMIT are left out.
    """
    present = sorted(((group, series) for group, series in found.items() if len(series.values)), key=_by_labels)
    if query.order is not None:
        over = _OVER[query.order.function]
        present.sort(key=lambda entry: over(entry[1]), reverse=query.order.descending)
    return present[: query.limit]


def _by_labels(entry: tuple[Group, Series]) -> Group:
    return entry[0]


_OVER: Final[dict[Function, Callable[[Series], float]]] = {
    Function.AVG: lambda series: float(series.values.mean()),
    Function.COUNT: lambda series: float(len(series.values)),
    Function.MAX: lambda series: float(series.values.max()),
    Function.MIN: lambda series: float(series.values.min()),
    Function.SUM: lambda series: float(series.values.sum()),
}

_FUNCTIONS: Final = tuple(function.name for function in Function)
_KEYWORDS: Final = frozenset(
    {"SELECT", "FROM", "SCHEMA", "WHERE", "AND", "OR", "GROUP", "ORDER", "BY", "ASC", "DESC", "LIMIT", "IN", "NOT"}
)
_DEEPEST: Final = 64

_GRAMMAR: Final = r"""
    start: select FROM source [where] [group] [order] [limit]
    select: SELECT FUNCTION "(" name ")"
    ?source: name -> namespace | SCHEMA "(" name ("," label)* ")" -> schema
    where: WHERE either
    either: both (OR both)*
    both: condition (AND condition)*
    ?condition: label EQUAL VALUE -> equal | label UNEQUAL VALUE -> unequal | "(" either ")" -> inner
    group: GROUP BY label ("," label)*
    order: ORDER BY FUNCTION "(" ")" [ASC | DESC]
    limit: LIMIT NUMBER
    name: WORD | NUMBER | QUOTED
    label: WORD | NUMBER | QUOTED | DOTTED

    WORD: /[A-Za-z0-9_]+/
    DOTTED.1: /[A-Za-z0-9_]+\.(?:[A-Za-z0-9_.]+|"(?:[^"\\]|\\.|"")*")?/s
    QUOTED: /"(?:[^"\\]|\\.|"")*"/s
    VALUE: /'(?:[^'\\]|\\.|'')*'/s
    UNEQUAL: "!="
    EQUAL: "="
    %declare NUMBER FUNCTION SELECT FROM SCHEMA WHERE AND OR GROUP ORDER BY ASC DESC LIMIT IN NOT
    %ignore /\s+/
"""
_SPOKEN: Final = {
    "WORD": "a name",
    "VALUE": "a value in single quotes",
    "FUNCTION": "one of " + ", ".join(_FUNCTIONS),
    "LPAR": "'('",
    "RPAR": "')'",
    "COMMA": "','",
    "EQUAL": "'='",
    "UNEQUAL": "'!='",
    "NUMBER": "a number",
    "$END": "the end",
}
_UNSPOKEN: Final = frozenset({"QUOTED", "DOTTED"})
"""Other ways to write what is named already."""


class _Wrong(Exception):
    """What the grammar allows and the language does not; ``position`` is an index into the text."""

    def __init__(self, message: str, token: Token) -> None:
        super().__init__(message)
        self.position = token.start_pos or 0


class _Source(NamedTuple):
    namespace: str
    schema: frozenset[str] | None


class _Clauses(NamedTuple):
    select: tuple[Function, str]
    source: _Source
    where: _Condition | None
    group_by: tuple[str, ...] | None
    order: Order | None
    limit: int | None

    def query(self, text: str) -> InsightsQuery:
        function, metric = self.select
        return InsightsQuery(
            text,
            function,
            metric,
            self.source.namespace,
            self.source.schema,
            self.group_by or (),
            self.order,
            MOST_SERIES if self.limit is None else self.limit,
            self.where,
        )


class _Reader(Transformer[Token, _Clauses]):
    """Makes clauses of what the parser finds, from the inside out."""

    def start(self, parts: list[Any]) -> _Clauses:
        select, _, *others = parts
        return _Clauses(select, *others)

    def select(self, parts: list[Any]) -> tuple[Function, str]:
        _, function, metric = parts
        return Function[function.upper()], metric

    def namespace(self, parts: list[Any]) -> _Source:
        return _Source(parts[0], None)

    def schema(self, parts: list[Any]) -> _Source:
        return _Source(parts[1], frozenset(parts[2:]))

    def where(self, parts: list[Any]) -> _Condition:
        condition: _Condition = parts[1]
        return condition

    def either(self, parts: list[Any]) -> _Condition:
        return _joined(any, parts)

    def both(self, parts: list[Any]) -> _Condition:
        return _joined(all, parts)

    def inner(self, parts: list[Any]) -> _Condition:
        condition: _Condition = parts[0]
        return condition

    def equal(self, parts: list[Any]) -> _Condition:
        label, _, value = parts
        wanted = _unquoted(value)
        return _Condition(lambda labels: labels.get(label) == wanted)

    def unequal(self, parts: list[Any]) -> _Condition:
        label, _, value = parts
        unwanted = _unquoted(value)
        return _Condition(lambda labels: labels.get(label, unwanted) != unwanted)

    def group(self, parts: list[Any]) -> tuple[str, ...]:
        return tuple(parts[2:])

    def order(self, parts: list[Any]) -> Order:
        _, _, function, direction = parts
        return Order(Function[function.upper()], direction is not None and direction.type == "DESC")

    def limit(self, parts: list[Any]) -> int:
        token = parts[1]
        if len(token) > len(str(MOST_SERIES)) or not 1 <= int(token) <= MOST_SERIES:
            raise _Wrong(f"LIMIT must be between 1 and {MOST_SERIES}, not {token[:20]},", token)
        return int(token)

    def name(self, parts: list[Token]) -> str:
        token = parts[0]
        if token.type != "QUOTED":
            return str(token)
        if len(token) == 2:
            raise _Wrong("a name may not be empty", token)
        return _unquoted(token)

    def label(self, parts: list[Token]) -> str:
        token = parts[0]
        if token.type != "DOTTED":
            return self.name(parts)
        if token.lower().startswith("tag."):
            raise _Wrong(f"{token[:100]}: tags of resources are not known here, use a dimension,", token)
        if token.lower().startswith("aws."):
            raise _Wrong(f"{token[:100]}: only the metrics of the own account can be read,", token)
        raise _Wrong(f'write "{token[:100]}" in double quotes', token)


def _joined(how: Callable[..., bool], parts: list[Any]) -> _Condition:
    conditions: list[_Condition] = [part for part in parts if isinstance(part, _Condition)]
    if len(conditions) == 1:
        return conditions[0]
    depth = 1 + max(condition.depth for condition in conditions)
    if depth > _DEEPEST:
        operator = next(part for part in parts if isinstance(part, Token))
        raise _Wrong(f"conditions are nested more than {_DEEPEST} deep", operator)
    return _Condition(lambda labels: how(condition.holds(labels) for condition in conditions), depth)


def _unquoted(token: Token) -> str:
    """What a quoted text says."""
    quote = token[0]
    return re.sub(rf"\\([\\'\"])|({quote}){quote}", lambda found: found[1] or found[2], token[1:-1])


def _classified(token: Token) -> Token:
    """A word by what it says: a keyword, a function, a number or, as it is, a name."""
    upper = token.upper()
    if upper in _KEYWORDS:
        token.type = upper
    elif upper in _FUNCTIONS:
        token.type = "FUNCTION"
    elif token.isdecimal():
        token.type = "NUMBER"
    return token


@cache
def _parser() -> Lark:
    return Lark(
        _GRAMMAR,
        parser="lalr",
        lexer="basic",
        transformer=_Reader(),
        maybe_placeholders=True,
        lexer_callbacks={"WORD": _classified},
    )


def _unexpected(text: str, error: UnexpectedToken) -> str:
    token, accepted = error.token, error.accepts or error.expected
    expected = sorted({_SPOKEN.get(name, name) for name in accepted - _UNSPOKEN})
    if "a name" in expected and "a number" in expected:
        expected.remove("a number")
    wanted = f"expected {' or '.join(expected)}"
    if token.type == "$END":
        return f"{wanted} but the query ends"
    return f"{wanted} but found {_shown(token)} at {_place(text, token.start_pos or 0)}{_hint(token, accepted)}"


def _hint(token: Token, accepted: Set[str]) -> str:
    if token.type in ("IN", "NOT") and accepted & {"EQUAL", "VALUE"}:
        return "; say label = 'a' OR label = 'b'"
    if "WORD" in accepted and token.type in {*_KEYWORDS, "FUNCTION"}:
        return f'; a name that is a keyword is written "{token}"'
    if token.type == "QUOTED" and "VALUE" in accepted:
        return "; double quotes are for names"
    if token.type == "VALUE" and "WORD" in accepted:
        return "; single quotes are for values"
    return ""


def _shown(token: Token) -> str:
    return f"{token[:40]}…" if len(token) > 40 else str(token)


def _place(text: str, position: int) -> str:
    line = text.count("\n", 0, position) + 1
    column = position - (text.rfind("\n", 0, position) + 1) + 1
    return f"line {line}, column {column}"
