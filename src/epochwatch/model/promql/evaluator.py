"""Evaluates PromQL expressions at all steps at once, over the samples that a source has."""

import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
import promql_parser

from epochwatch.model.promql.aggregations import aggregated
from epochwatch.model.promql.binary import (
    SET_OPERATORS,
    Matching,
    between_scalars,
    between_vectors,
    combined,
    with_scalar,
)
from epochwatch.model.promql.errors import PromqlError
from epochwatch.model.promql.expressions import milliseconds, operator_of
from epochwatch.model.promql.functions import ABSENCE, INSTANT_FUNCTIONS, absence
from epochwatch.model.promql.labels import NAME, Labels, grouping, nameless
from epochwatch.model.promql.range_functions import KEEP_NAME, RANGE_FUNCTIONS
from epochwatch.model.promql.selectors import Selector, selector_of
from epochwatch.model.promql.vectors import (
    Floats,
    Integers,
    RangeVector,
    Samples,
    Scalar,
    Text,
    Value,
    Vector,
    check_cells,
    empty,
    inhabited,
    joined,
    relabelled,
    stacked,
)
from epochwatch.model.promql.windows import Windows

LOOKBACK = 300_000
"""Milliseconds for which a sample stands for its series if no other follows."""
SUBQUERY_STEP = 60_000
"""Milliseconds between the evaluations of a subquery that names no step."""
MAX_SUBQUERY_STEPS = 1_000_000


class Source(Protocol):
    """Where samples come from."""

    def select(self, selector: Selector, start: int, end: int) -> list[Samples]:
        """The series of ``selector`` with their samples of start < time <= end (milliseconds), and maybe some more."""


class Evaluator:
    """Evaluates one query from ``start`` to ``end`` (milliseconds), every ``step``; once where start is the end.

    Raises PromqlError; of the kind "timeout" once ``deadline`` (on the monotonic clock) has passed.
    """

    def __init__(self, source: Source, start: int, end: int, step: int, deadline: float = float("inf")) -> None:
        self._forms: dict[type, Callable[[Any, Integers], Value]] = {
            promql_parser.NumberLiteral: lambda given, moments: Scalar(np.full(len(moments), given.val)),
            promql_parser.StringLiteral: lambda given, moments: Text(given.val),
            promql_parser.ParenExpr: lambda given, moments: self._value(given.expr, moments),
            promql_parser.UnaryExpr: self._negated,
            promql_parser.VectorSelector: self._instant,
            promql_parser.MatrixSelector: self._range,
            promql_parser.SubqueryExpr: self._subquery,
            promql_parser.AggregateExpr: self._aggregate,
            promql_parser.BinaryExpr: self._binary,
            promql_parser.Call: self._call,
        }
        self._source = source
        self._start = start
        self._end = end
        self._deadline = deadline
        self.moments: Integers = np.arange(start, end + 1, max(step, 1), dtype=np.int64)

    def value(self, expression: Any) -> Value:
        """The expression at every moment."""
        with np.errstate(all="ignore"):
            return self._value(expression, self.moments)

    def _value(self, expression: Any, moments: Integers) -> Value:
        self._check_deadline()
        value = self._forms[type(expression)](expression, moments)
        return inhabited(value) if isinstance(value, Vector) else value

    def _negated(self, expression: promql_parser.UnaryExpr, moments: Integers) -> Value:
        value = self._value(expression.expr, moments)
        if isinstance(value, Scalar):
            return Scalar(-value.values)
        assert isinstance(value, Vector)
        return relabelled(Vector(value.labels, -value.values, value.present), list(map(nameless, value.labels)))

    def _looked_at(self, expression: Any, moments: Integers) -> Integers:
        """The moments moved by the expression's ``@`` and ``offset``."""
        if expression.at is not None:
            kind = str(expression.at.type).rpartition(".")[2]
            fixed = {"Start": self._start, "End": self._end}.get(kind)
            if fixed is None:
                fixed = round(expression.at.at.timestamp() * 1000)
            moments = np.full(len(moments), fixed, np.int64)
        return moments - milliseconds(expression.offset)

    def _instant(self, expression: promql_parser.VectorSelector, moments: Integers) -> Vector:
        at = self._looked_at(expression, moments)
        found = self._selected(selector_of(expression), int(at.min()) - LOOKBACK, int(at.max()))
        check_cells(len(found), len(at))
        if not found:
            return empty(len(at))
        values, times = np.empty((len(found), len(at))), np.empty((len(found), len(at)), np.int64)
        present = np.empty((len(found), len(at)), np.bool_)
        for row, samples in enumerate(found):
            place = np.searchsorted(samples.times, at, "right") - 1
            values[row], times[row] = samples.values[place], samples.times[place]
            present[row] = (place >= 0) & (at - times[row] < samples.reach[place])
        rows = np.asarray(present.any(axis=1))
        labels = [samples.labels for samples, some in zip(found, rows, strict=True) if some]
        return Vector(labels, values[rows], present[rows], times[rows])

    def _selected(self, selector: Selector, start: int, end: int) -> list[Samples]:
        return [samples for samples in self._source.select(selector, start, end) if len(samples.times)]

    def _range(self, expression: promql_parser.MatrixSelector, moments: Integers) -> RangeVector:
        inner = expression.vector_selector
        ends = self._looked_at(inner, moments)
        starts = ends - milliseconds(expression.range)
        found = self._selected(selector_of(inner), int(starts.min()), int(ends.max()))
        return RangeVector(found, starts, ends, moments)

    def _subquery(self, expression: promql_parser.SubqueryExpr, moments: Integers) -> RangeVector:
        ends = self._looked_at(expression, moments)
        starts = ends - milliseconds(expression.range)
        step = milliseconds(expression.step) or SUBQUERY_STEP
        inner = np.arange(int(starts.min()) // step * step + step, int(ends.max()) + 1, step, dtype=np.int64)
        if len(inner) > MAX_SUBQUERY_STEPS:
            raise PromqlError("the subquery has too many steps: take a longer one", "execution")
        if not len(inner):
            return RangeVector([], starts, ends, moments)
        vector = self._value(expression.expr, inner)
        assert isinstance(vector, Vector)
        reach = np.full(len(inner), LOOKBACK)
        series = [
            Samples(labels, inner[there], values[there], reach[there])
            for labels, values, there in zip(vector.labels, vector.values, vector.present, strict=True)
        ]
        return RangeVector(series, starts, ends, moments)

    def _aggregate(self, expression: promql_parser.AggregateExpr, moments: Integers) -> Vector:
        vector = self._value(expression.expr, moments)
        assert isinstance(vector, Vector)
        parameter: Floats | str | None = None
        if expression.param is not None:
            given = self._value(expression.param, moments)
            assert isinstance(given, Scalar | Text)
            parameter = given.values if isinstance(given, Scalar) else given.text
        return aggregated(operator_of(expression), vector, _grouping(expression.modifier), parameter)

    def _binary(self, expression: promql_parser.BinaryExpr, moments: Integers) -> Value:
        operator, modifier = operator_of(expression), expression.modifier
        left, right = self._value(expression.lhs, moments), self._value(expression.rhs, moments)
        if isinstance(left, Scalar) and isinstance(right, Scalar):
            return between_scalars(operator, left, right)
        assert isinstance(left, Vector | Scalar)
        assert isinstance(right, Vector | Scalar)
        as_bool = bool(modifier and modifier.return_bool)
        if isinstance(left, Scalar) or isinstance(right, Scalar):
            return with_scalar(operator, left, right, as_bool=as_bool)
        if operator in SET_OPERATORS:
            return combined(operator, left, right, _matching(modifier))
        return between_vectors(operator, left, right, _matching(modifier), as_bool=as_bool)

    def _call(self, expression: promql_parser.Call, moments: Integers) -> Value:
        name = expression.func.name
        args = [self._value(argument, moments) for argument in expression.args]
        if name in ABSENCE:
            (argument,) = args
            if isinstance(argument, RangeVector):
                argument = self._over_time("present_over_time", argument, [])
            assert isinstance(argument, Vector)
            return absence(_labels_of_absence(expression.args[0]), argument)
        if name in INSTANT_FUNCTIONS:
            return INSTANT_FUNCTIONS[name](moments, *args)
        (ranges,) = (argument for argument in args if isinstance(argument, RangeVector))
        scalars = [argument.values for argument in args if isinstance(argument, Scalar)]
        return self._over_time(name, ranges, scalars)

    def _over_time(self, name: str, ranges: RangeVector, scalars: Sequence[Floats]) -> Vector:
        function = RANGE_FUNCTIONS[name]
        steps = len(ranges.moments)
        check_cells(len(ranges.series), steps)
        renamed: Callable[[Labels], Labels] = (lambda own: own) if name in KEEP_NAME else nameless
        labels, values, present = [], [], []
        for samples in ranges.series:
            self._check_deadline()
            found, there = function(Windows.over(samples, ranges), *scalars)
            if there.any():
                labels.append(renamed(samples.labels))
                values.append(found)
                present.append(there)
        return joined([stacked(labels, values, present, steps)])

    def _check_deadline(self) -> None:
        if time.monotonic() > self._deadline:
            raise PromqlError("the query took too long: select fewer series or a shorter range", "timeout")


def _grouping(modifier: promql_parser.AggModifier | None) -> Callable[[Labels], Labels]:
    if modifier is None:
        return grouping((), keep=True)
    return grouping(modifier.labels, keep=str(modifier.type).endswith("By"))


def _matching(modifier: promql_parser.BinModifier | None) -> Matching:
    if modifier is None:
        return Matching(grouping((), keep=False))
    given = modifier.matching
    labels = tuple(given.labels) if given is not None else ()
    on = given is not None and str(given.type).endswith("Include")
    many = {"ManyToOne": "left", "OneToMany": "right"}.get(str(modifier.card).rpartition(".")[2], "")
    return Matching(grouping(labels, keep=on), labels, on, many, tuple(modifier.group_labels or ()))


def _labels_of_absence(argument: Any) -> dict[str, str]:
    """The labels that a selector's matchers fix, for the series that says it selects nothing."""
    while isinstance(argument, promql_parser.ParenExpr):
        argument = argument.expr
    selector = argument.vector_selector if isinstance(argument, promql_parser.MatrixSelector) else argument
    if not isinstance(selector, promql_parser.VectorSelector):
        return {}
    fixed: dict[str, str] = {}
    seen: set[str] = set()
    for matcher in selector_of(selector).matchers:
        if matcher.name == NAME:
            continue
        if matcher.operator == "=" and matcher.name not in seen and matcher.value:
            fixed[matcher.name] = matcher.value
        else:
            fixed.pop(matcher.name, None)
        seen.add(matcher.name)
    return fixed
