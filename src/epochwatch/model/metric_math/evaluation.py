"""What a metric math expression gives, with the data that the caller has fetched for it."""

from collections.abc import Callable
from typing import Final, Protocol

import numpy as np

from epochwatch.model.metric_math import aggregates, operators, pointwise
from epochwatch.model.metric_math.series import TimeSeries, Value, empty, regular, unnamed
from epochwatch.model.metric_math.syntax import (
    Array,
    Call,
    Chain,
    Expression,
    Identifier,
    InvalidExpression,
    Negation,
    Node,
    Number,
    Power,
    Text,
    Word,
    search_of,
    substring_of,
)
from epochwatch.model.periods import Buckets

DEVIATIONS: Final = 2.0
"""How many standard deviations an anomaly detection band is wide on either side unless it says."""

_UNANSWERABLE: Final = {
    "INSIGHT_RULE_METRIC": "there are no Contributor Insights rules on this server",
    "SERVICE_QUOTA": "there are no AWS service quotas on this server",
    "DB_PERF_INSIGHTS": "there is no Performance Insights on this server",
    "LAMBDA": "there are no Lambda data sources on this server",
}


class Environment(Protocol):
    """Where an expression's data comes from. All of it may raise InvalidExpression."""

    @property
    def grid(self) -> Buckets:
        """The range of the request and the period of series that come from no metric (TIME_SERIES)."""

    def value(self, id: str, /) -> Value:
        """What the metric or expression of that Id gives. InvalidExpression if the request has none."""

    def period(self, id: str, /) -> int:
        """The period in seconds of the metric of that Id. InvalidExpression if it is no metric."""

    def metrics(self, substring: str | None, /) -> list[TimeSeries]:
        """The metrics of the request (no expressions), in its order: those whose Id contains ``substring``."""

    def search(self, query: str, statistic: str, period: int | None, /) -> list[TimeSeries]:
        """What a SEARCH finds."""

    def band(self, series_id: str, series: TimeSeries, deviations: float, /) -> tuple[TimeSeries, TimeSeries]:
        """Lower and upper limit of what is normal for the series, ``deviations`` standard deviations wide."""


def evaluate(expression: Expression, environment: Environment) -> Value:
    """What the expression gives: a time series, an array of them or a scalar. Raises InvalidExpression."""
    with np.errstate(all="ignore"):  # what is no finite number is dropped where it arises
        return _Evaluation(environment).value(expression.root)


def returned(value: Value) -> list[TimeSeries]:
    """The series of an expression whose result is asked for. Raises InvalidExpression for a scalar."""
    if isinstance(value, TimeSeries):
        return [value]
    if isinstance(value, list):
        return value
    raise InvalidExpression(
        "the final result of an expression must be a time series or an array of time series, not a scalar; "
        "TIME_SERIES() makes a time series of a scalar"
    )


class _Evaluation:
    """One walk over a tree. Depth is bounded by the parser."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._grid = environment.grid
        self._handlers: dict[str, Callable[[Call], Value]] = {
            "ANOMALY_DETECTION_BAND": self._band,
            "FILL": self._fill,
            "FIRST": lambda call: self._end(call, 0),
            "IF": self._if,
            "LAST": lambda call: self._end(call, -1),
            "METRICS": lambda call: self._environment.metrics(substring_of(call)),
            "METRIC_COUNT": lambda call: float(len(self._list(call, 0))),
            "PERIOD": lambda call: float(self._environment.period(self._id(call))),
            "REMOVE_EMPTY": lambda call: [one for one in self._list(call, 0) if len(one)],
            "SEARCH": self._search,
            "SLICE": self._slice,
            "SORT": self._sort,
            "TIME_SERIES": self._time_series,
        }

    def value(self, node: Node) -> Value:
        result: Value
        match node:
            case Number(number):
                result = number
            case Identifier(id):
                result = self._environment.value(id)
            case Chain():
                result = self._chain(node)
            case Negation(operand):
                result = operators.negative(self.value(operand))
            case Power():
                result = self._power(node)
            case Array(items):
                result = self._array(items)
            case Call():
                result = self._call(node)
            case Text(text) | Word(text):
                raise InvalidExpression(f"'{text}' has no value of its own")
        return result

    def _chain(self, node: Chain) -> Value:
        result = self.value(node.first)
        for operator, operand in node.rest:
            result = operators.apply(operator, result, self.value(operand), self._grid.start)
        return result

    def _power(self, node: Power) -> Value:
        negative, last = node.exponents[-1]
        result = self.value(last)
        bases = [(False, node.base), *node.exponents[:-1]]
        for next_negative, base in reversed(bases):
            exponent = operators.negative(result) if negative else result
            result = operators.apply("^", self.value(base), exponent, self._grid.start)
            negative = next_negative
        return result

    def _array(self, items: tuple[Node, ...]) -> list[TimeSeries]:
        series: list[TimeSeries] = []
        for item in items:
            value = self.value(item)
            if isinstance(value, float):
                raise InvalidExpression(
                    "an array [...] takes time series and arrays, not scalars; TIME_SERIES() makes one of a scalar"
                )
            series.extend([value] if isinstance(value, TimeSeries) else value)
        return series

    def _call(self, call: Call) -> Value:
        name = call.function
        if name in _UNANSWERABLE:
            raise InvalidExpression(f"{name} cannot be answered: {_UNANSWERABLE[name]}")
        if name in pointwise.TRANSFORMS:
            return self._for_each(call, pointwise.TRANSFORMS[name])
        if name in aggregates.AGGREGATES:
            return self._aggregate(call)
        if name in pointwise.CALENDAR:
            return pointwise.calendar(name, self._series(call, 0), self._grid)
        return self._handlers[name](call)

    def _for_each(self, call: Call, transform: Callable[[TimeSeries], TimeSeries]) -> Value:
        value = self.value(call.arguments[0])
        if isinstance(value, list):
            return [transform(one) for one in value]
        if isinstance(value, TimeSeries):
            return transform(value)
        raise self._mismatch(call, 0, "a time series or an array of time series", value)

    def _aggregate(self, call: Call) -> Value:
        value = self.value(call.arguments[0])
        if isinstance(value, list):
            return aggregates.series_of(call.function, value, self._grid.start, self._grid.period)
        if isinstance(value, TimeSeries):
            return aggregates.scalar_of(call.function, value)
        raise self._mismatch(call, 0, "a time series or an array of time series", value)

    def _fill(self, call: Call) -> Value:
        word = call.arguments[1]
        filler = word.value if isinstance(word, Word) else self.value(word)
        return self._for_each(call, lambda series: pointwise.fill(series, filler, self._grid))

    def _if(self, call: Call) -> Value:
        condition, then, *rest = (self.value(argument) for argument in call.arguments)
        otherwise = rest[0] if rest else None
        return operators.choose(condition, then, otherwise, self._grid.start, self._grid.period)

    def _end(self, call: Call, place: int) -> TimeSeries:
        array = self._list(call, 0)
        return array[place] if array else empty(self._grid.period)

    def _slice(self, call: Call) -> list[TimeSeries]:
        end = self._number(call, 2) if len(call.arguments) > 2 else None
        return aggregates.sliced(self._list(call, 0), self._number(call, 1), end)

    def _sort(self, call: Call) -> list[TimeSeries]:
        function, order = (word.value for word in call.arguments[1:3] if isinstance(word, Word))
        limit = self._number(call, 3) if len(call.arguments) > 3 else None
        return aggregates.sorted_by(self._list(call, 0), function, order, limit)

    def _search(self, call: Call) -> list[TimeSeries]:
        wanted = search_of(call)
        return self._environment.search(wanted.query, wanted.statistic, wanted.period)

    def _time_series(self, call: Call) -> TimeSeries:
        grid, value = self._grid, self._number(call, 0)
        timestamps = regular(grid.start, grid.end, grid.period)
        return unnamed(timestamps, np.full(len(timestamps), value), grid.period)

    def _band(self, call: Call) -> list[TimeSeries]:
        deviations = self._number(call, 1) if len(call.arguments) > 1 else DEVIATIONS
        if not deviations > 0:
            raise InvalidExpression(f"{call.function}: the number of deviations must be above 0")
        lower, upper = self._environment.band(self._id(call), self._series(call, 0), deviations)
        return [upper, lower]

    def _id(self, call: Call) -> str:
        argument = call.arguments[0]
        assert isinstance(argument, Identifier)
        return argument.id

    def _series(self, call: Call, place: int) -> TimeSeries:
        value = self.value(call.arguments[place])
        if isinstance(value, TimeSeries):
            return value
        raise self._mismatch(call, place, "a time series", value)

    def _list(self, call: Call, place: int) -> list[TimeSeries]:
        value = self.value(call.arguments[place])
        if isinstance(value, list):
            return value
        raise self._mismatch(call, place, "an array of time series", value)

    def _number(self, call: Call, place: int) -> float:
        value = self.value(call.arguments[place])
        if isinstance(value, float):
            return value
        raise self._mismatch(call, place, "a scalar", value)

    @staticmethod
    def _mismatch(call: Call, place: int, wanted: str, value: Value) -> InvalidExpression:
        return InvalidExpression(
            f"argument {place + 1} of {call.function} must be {wanted}, not {operators.type_name(value)}"
        )
