"""The functions of Logs Insights as SQL."""

import ipaddress
from collections.abc import Callable, Sequence
from typing import Final

from epochwatch.model.logs_insights.errors import MalformedQuery
from epochwatch.model.logs_insights.syntax import Call, Expression, Literal, Period
from epochwatch.store.log_query_values import Kind, Parameters, Value, number, text, time

PERIOD_AT: Final = {"bin": 0, "datefloor": 1, "dateceil": 1}
"""Which argument of a function is a period, for those that have one."""
_MILLISECONDS: Final = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_CALENDAR: Final = {"w": "WEEK", "mo": "MONTH", "q": "QUARTER", "y": "YEAR"}
_SPACE: Final = r"' \t\n\r\f\v'"
_LONGEST_PERIODS: Final = {"w": 5000, "mo": 1200, "q": 400, "y": 100}

Arguments = Sequence[Value]
_Function = Callable[[Arguments], Value]


def row_function(call: Call, arguments: Arguments, parameters: Parameters, now: float) -> Value:
    """A function of one row. ``now``: Unix seconds. Raises MalformedQuery."""
    if call.function in _OF_PERIODS:
        return _OF_PERIODS[call.function](call, arguments)
    if call.function in _OF_SUBNETS:
        return _in_subnet(call, arguments[0], parameters)
    if call.function in _TRIMS:
        return _trimmed(call, arguments, parameters)
    if call.function == "now":
        return Value(f"toFloat64({int(now)})", Kind.NUMBER)
    return _FUNCTIONS[call.function](arguments)


def aggregate_function(call: Call, arguments: Arguments, place: str | None) -> Value:
    """A function of many rows. ``place``: an SQL expression by which log events are in order of time, None where rows
    are no log events. Raises MalformedQuery.
    """
    if call.function == "count":
        return Value(f"toFloat64(count({text(arguments[0]) if arguments else ''}))", Kind.NUMBER)
    value = arguments[0]
    if call.function in ("earliest", "latest"):
        if place is None:
            message = f"{call.function} works on log events, not on what an earlier stats made of them"
            raise MalformedQuery(message, call.span.start, call.span.end)
        return Value(f"{'argMin' if call.function == 'earliest' else 'argMax'}({value.sql}, {place})", value.kind)
    if call.function == "pct":
        percent = call.arguments[1]
        if not isinstance(percent, Literal) or isinstance(percent.value, str) or percent.value > 100:
            raise MalformedQuery("pct takes a percentage from 0 to 100", call.span.start, call.span.end)
        return Value(f"quantileExactInclusive({percent.value / 100!r})({number(value)})", Kind.NUMBER)
    return _AGGREGATES[call.function](value)


def _extreme(function: str, value: Value) -> Value:
    if value.kind is not Kind.ANY:
        return Value(f"{function}({value.sql})", value.kind)
    numeric = text(Value(f"{function}({number(value)})", Kind.NUMBER))
    return Value(f"ifNull({numeric}, {function}({value.sql}))", Kind.ANY)


def _numeric_aggregate(function: str) -> Callable[[Value], Value]:
    return lambda value: Value(f"{function}({number(value)})", Kind.NUMBER)


_AGGREGATES: Final[dict[str, Callable[[Value], Value]]] = {
    "count_distinct": lambda value: Value(f"toFloat64(uniqExact({text(value)}))", Kind.NUMBER),
    "sum": _numeric_aggregate("sum"),
    "avg": _numeric_aggregate("avg"),
    "stddev": _numeric_aggregate("stddevPop"),
    "min": lambda value: _extreme("min", value),
    "max": lambda value: _extreme("max", value),
    "sortsfirst": lambda value: Value(f"min({text(value)})", Kind.ANY),
    "sortslast": lambda value: Value(f"max({text(value)})", Kind.ANY),
}


def _numeric(function: str) -> _Function:
    def made(arguments: Arguments) -> Value:
        return Value(f"{function}({', '.join(number(value) for value in arguments)})", Kind.NUMBER)

    return made


def _textual(function: str) -> _Function:
    def made(arguments: Arguments) -> Value:
        return Value(f"{function}({', '.join(text(value) for value in arguments)})", Kind.TEXT)

    return made


def _test(template: str) -> _Function:
    """A test of the text that stands for ``?`` in ``template``."""

    def made(arguments: Arguments) -> Value:
        return Value(f"ifNull({template.replace('?', text(arguments[0]))}, 0)", Kind.BOOLEAN)

    return made


def _coalesced(arguments: Arguments) -> Value:
    kinds = {value.kind for value in arguments}
    if len(kinds) == 1:
        return Value(f"coalesce({', '.join(value.sql for value in arguments)})", kinds.pop())
    return Value(f"coalesce({', '.join(text(value) for value in arguments)})", Kind.ANY)


def _concatenated(arguments: Arguments) -> Value:
    return Value(f"concat({', '.join(f'ifNull({text(value)}, {_EMPTY})' for value in arguments)}, '')", Kind.TEXT)


_EMPTY: Final = "''"


def _substring(arguments: Arguments) -> Value:
    start = f"1 + toInt64(greatest(least({number(arguments[1])}, 1e9), 0))"
    if len(arguments) == 2:
        return Value(f"substringUTF8({text(arguments[0])}, {start})", Kind.TEXT)
    length = f"toInt64(greatest(least({number(arguments[2])}, 1e9), 0))"
    return Value(f"substringUTF8({text(arguments[0])}, {start}, {length})", Kind.TEXT)


_FUNCTIONS: Final[dict[str, _Function]] = {
    "abs": _numeric("abs"),
    "ceil": _numeric("ceil"),
    "floor": _numeric("floor"),
    "greatest": _numeric("greatest"),
    "least": _numeric("least"),
    "log": _numeric("log"),
    "sqrt": _numeric("sqrt"),
    "frommillis": lambda arguments: Value(time(arguments[0]), Kind.TIME),
    "tomillis": lambda arguments: Value(number(arguments[0]), Kind.NUMBER),
    "ispresent": lambda arguments: Value(f"isNotNull({text(arguments[0])})", Kind.BOOLEAN),
    "coalesce": _coalesced,
    "isempty": lambda arguments: Value(f"ifNull(empty({text(arguments[0])}), 1)", Kind.BOOLEAN),
    "isblank": lambda arguments: Value(
        f"ifNull(empty(trimBoth({text(arguments[0])}, {_SPACE})), 1)", Kind.BOOLEAN
    ),
    "concat": _concatenated,
    "strlen": lambda arguments: Value(f"toFloat64(lengthUTF8({text(arguments[0])}))", Kind.NUMBER),
    "toupper": _textual("upperUTF8"),
    "tolower": _textual("lowerUTF8"),
    "substr": _substring,
    "replace": _textual("replaceAll"),
    "strcontains": lambda arguments: Value(
        f"ifNull(position({text(arguments[0])}, {text(arguments[1])}) > 0, 0)", Kind.BOOLEAN
    ),
    "isvalidip": _test("(isIPv4String(?) OR isIPv6String(?))"),
    "isvalidipv4": _test("isIPv4String(?)"),
    "isvalidipv6": _test("isIPv6String(?)"),
}

_TRIMS: Final = {"ltrim": "trimLeft", "rtrim": "trimRight", "trim": "trimBoth"}


def _trimmed(call: Call, arguments: Arguments, parameters: Parameters) -> Value:
    letters = _SPACE
    if len(arguments) == 2:
        letters = parameters.bind(_literal(call, call.arguments[1], "characters to trim"))
    return Value(f"{_TRIMS[call.function]}({text(arguments[0])}, {letters})", Kind.TEXT)


_OF_SUBNETS: Final = {"isipinsubnet": (4, 6), "isipv4insubnet": (4,), "isipv6insubnet": (6,)}


def _in_subnet(call: Call, value: Value, parameters: Parameters) -> Value:
    subnet = _literal(call, call.arguments[1], "a subnet")
    try:
        network = ipaddress.ip_network(subnet, strict=False)
    except ValueError:
        raise MalformedQuery(f"'{subnet[:50]}' is no subnet", call.span.start, call.span.end) from None
    if network.version not in _OF_SUBNETS[call.function]:
        raise MalformedQuery(f"'{subnet[:50]}' is of IPv{network.version}", call.span.start, call.span.end)
    found = text(value)
    valid, none = ("isIPv4String", "'0.0.0.0'") if network.version == 4 else ("isIPv6String", "'::'")
    address = f"if(ifNull({valid}({found}), 0), assumeNotNull({found}), {none})"
    inside = f"isIPAddressInRange({address}, {parameters.bind(str(network))})"
    return Value(f"(ifNull({valid}({found}), 0) AND {inside})", Kind.BOOLEAN)


def _bin(call: Call, arguments: Arguments) -> Value:
    return Value(_floor(_period(call), "ts"), Kind.TIME)


def _datefloor(call: Call, arguments: Arguments) -> Value:
    return Value(_floor(_period(call), time(arguments[0])), Kind.TIME)


def _dateceil(call: Call, arguments: Arguments) -> Value:
    period, moment = _period(call), time(arguments[0])
    if period.unit in _MILLISECONDS:
        length = period.count * _MILLISECONDS[period.unit]
        return Value(f"({moment}) + positiveModulo(-({moment}), {length})", Kind.TIME)
    floor = _floor(period, moment)
    later = f"fromUnixTimestamp64Milli({floor}, 'UTC') + INTERVAL {period.count} {_CALENDAR[period.unit]}"
    return Value(f"if({floor} = {moment}, {moment}, toUnixTimestamp64Milli({later}))", Kind.TIME)


_OF_PERIODS: Final = {"bin": _bin, "datefloor": _datefloor, "dateceil": _dateceil}


def _floor(period: Period, moment: str) -> str:
    if period.unit in _MILLISECONDS:
        length = period.count * _MILLISECONDS[period.unit]
        return f"({moment}) - positiveModulo({moment}, {length})"
    interval = f"INTERVAL {period.count} {_CALENDAR[period.unit]}"
    start = f"toStartOfInterval(fromUnixTimestamp64Milli({moment}, 'UTC'), {interval})"
    return f"toUnixTimestamp64Milli(toDateTime64({start}, 3, 'UTC'))"


def _period(call: Call) -> Period:
    period = call.arguments[PERIOD_AT[call.function]]
    if not isinstance(period, Period):
        raise MalformedQuery("expected a period such as 5m", period.span.start, period.span.end)
    if period.count > _LONGEST_PERIODS.get(period.unit, 10**9):
        raise MalformedQuery("the period is too long", period.span.start, period.span.end)
    return period


def _literal(call: Call, argument: Expression, what: str) -> str:
    if not isinstance(argument, Literal) or not isinstance(argument.value, str):
        raise MalformedQuery(f"expected {what} in quotes", argument.span.start, argument.span.end)
    return argument.value
