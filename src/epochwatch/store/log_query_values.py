"""Values of a Logs Insights query as SQL expressions.

Log events have no types: a field out of a message is text that may spell a number. Each expression has a *kind*, which
says how it is compared, sorted and shown. Text of a query never stands in SQL: it is bound to a parameter.
"""

from enum import Enum, auto
from typing import Any, NamedTuple

from epochwatch.model.logs_insights.errors import MalformedQuery
from epochwatch.model.logs_insights.syntax import Span

MOST_SQL = 1 << 20
"""Characters an expression may become."""


class Kind(Enum):
    """What an SQL expression holds. All of them may be NULL: the field is missing."""

    ANY = auto()
    """Text that is a number where it looks like one."""
    TEXT = auto()
    NUMBER = auto()
    """Float64."""
    BOOLEAN = auto()
    """0 or 1."""
    TIME = auto()
    """Unix milliseconds, Int64."""


class Value(NamedTuple):
    """An SQL expression and its kind."""

    sql: str
    kind: Kind


class Parameters:
    """The parameters of a statement, numbered as they come."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}

    def bind(self, value: Any) -> str:
        """What stands for ``value`` in the statement."""
        name = f"p{len(self.values)}"
        self.values[name] = value
        return f"%({name})s"


def text(value: Value) -> str:
    """``value`` as it is shown; of a number that is not finite NULL."""
    sql, kind = value
    if kind is Kind.NUMBER:
        return f"if(isFinite({sql}), toString({sql}), NULL)"
    if kind is Kind.TIME:
        return f"toString(fromUnixTimestamp64Milli({sql}, 'UTC'))"
    return f"toString({sql})" if kind is Kind.BOOLEAN else sql


def number(value: Value) -> str:
    """``value`` as a number; NULL where it spells none."""
    sql, kind = value
    if kind is Kind.NUMBER:
        return sql
    if kind in (Kind.BOOLEAN, Kind.TIME):
        return f"toFloat64({sql})"
    return f"if(isFinite(toFloat64OrNull({sql})), toFloat64OrNull({sql}), NULL)"


def time(value: Value) -> str:
    """``value`` as Unix milliseconds; NULL where it is no number of the years 1900 to 2299."""
    if value.kind is Kind.TIME:
        return value.sql
    found = number(value)
    return f"if({found} BETWEEN -2208988800000 AND 10413791999999, toInt64({found}), NULL)"


def condition(value: Value) -> str:
    """Whether ``value`` holds: a number that is not 0. Never NULL."""
    if value.kind is Kind.BOOLEAN:
        return f"ifNull({value.sql}, 0)"
    return f"ifNull({number(value)} != 0, 0)"


def compared(operator: str, left: Value, right: Value, literal: str | float | None) -> Value:
    """A comparison; false where a side is missing. ``literal`` is what is on the right, if it is one. Two values are
    compared as numbers where both are, else as text.
    """
    if Kind.TEXT in (left.kind, right.kind) or (isinstance(literal, str) and not _numeric(literal)):
        sql = f"{text(left)} {operator} {text(right)}"
    elif Kind.ANY in (left.kind, right.kind) and not isinstance(literal, float):
        numbers = f"{number(left)} {operator} {number(right)}"
        sql = f"ifNull({numbers}, {text(left)} {operator} {text(right)})"
    else:
        sql = f"{number(left)} {operator} {number(right)}"
    return Value(f"ifNull({sql}, 0)", Kind.BOOLEAN)


def sort_keys(value: Value) -> list[tuple[str, bool]]:
    """Expressions whose order is that of ``value``, and whether each of them is turned round with the direction: what
    is missing comes last in both. Text comes before numbers, and digits in it by the number they make.
    """
    missing = (f"isNull({value.sql})", False)
    if value.kind not in (Kind.ANY, Kind.TEXT):
        return [missing, (value.sql, True)]
    chunks = f"extractAll(assumeNotNull({value.sql}), '[0-9]+|[^0-9]+')"
    padded = "if(match(x, '^[0-9]'), concat('0', char(least(length(x), 255)), x), x)"
    natural = f"arrayStringConcat(arrayMap(x -> {padded}, {chunks}))"
    if value.kind is Kind.TEXT:
        return [missing, (natural, True)]
    found = number(value)
    return [
        missing,
        (f"isNotNull({found})", True),
        (f"ifNull({found}, 0)", True),
        (f"if(isNull({found}) AND isNotNull({value.sql}), {natural}, '')", True),
    ]


def bounded(value: Value, span: Span) -> Value:
    """``value``. Raises MalformedQuery where it has become too large."""
    if len(value.sql) > MOST_SQL:
        raise MalformedQuery("the expression is too complex", span.start, span.end)
    return value


def _numeric(literal: str) -> bool:
    try:
        return float(literal) < float("inf")
    except ValueError:
        return False
