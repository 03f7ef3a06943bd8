"""The operators of metric math, and IF: what they give for scalars, time series and arrays, and for gaps."""

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from epochwatch.model.metric_math.series import Floats, TimeSeries, Value, align, empty, unnamed
from epochwatch.model.metric_math.syntax import InvalidExpression

_Arrays = Callable[[Any, Any], Any]


def _flag(condition: Any) -> Any:
    return np.asarray(condition, np.float64)


_OPERATORS: Final[dict[str, _Arrays]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "^": np.power,
    "==": lambda a, b: _flag(a == b),
    "!=": lambda a, b: _flag(a != b),
    "<": lambda a, b: _flag(a < b),
    "<=": lambda a, b: _flag(a <= b),
    ">": lambda a, b: _flag(a > b),
    ">=": lambda a, b: _flag(a >= b),
    "AND": lambda a, b: _flag((a != 0) & (b != 0)),
    "OR": lambda a, b: _flag((a != 0) | (b != 0)),
}


def type_name(value: Value) -> str:
    """What AWS calls the type of a value in its messages."""
    if isinstance(value, TimeSeries):
        return "TimeSeries"
    return "Array[TimeSeries]" if isinstance(value, list) else "Scalar"


def apply(operator: str, left: Value, right: Value, origin: int) -> Value:
    """``left operator right``. Raises InvalidExpression for two arrays.

    Between two series a point that only one of them has counts as 0 in the other; a result that is no finite
    number (division by zero) drops the point. An array takes the operator series by series.
    """
    if isinstance(left, list) and isinstance(right, list):
        raise InvalidExpression(
            f"Unsupported operand type(s) for {operator}: '[{type_name(left)}, {type_name(right)}]'; an operator takes "
            "one array of time series at most"
        )
    compute = _OPERATORS[operator]
    if isinstance(left, list):
        return [_named(_pair(compute, one, right, origin), one) for one in left]
    if isinstance(right, list):
        return [_named(_pair(compute, left, one, origin), one) for one in right]
    return _pair(compute, left, right, origin)


def _named(result: Value, after: TimeSeries) -> TimeSeries:
    """The result for one member of an array keeps the member's name, whatever the other operand is."""
    assert isinstance(result, TimeSeries)
    return TimeSeries(result.timestamps, result.values, result.period, after.label, after.metric, after.statistic)


def _pair(compute: _Arrays, left: Any, right: Any, origin: int) -> TimeSeries | float:
    if isinstance(left, TimeSeries) and isinstance(right, TimeSeries):
        both = align((left, right), origin)
        first, second = np.nan_to_num(both.row(0)), np.nan_to_num(both.row(1))
        return unnamed(both.timestamps, compute(first, second), both.period)
    result = compute(_operand(left), _operand(right))
    if isinstance(left, TimeSeries):
        return left.with_points(left.timestamps, _known(result, right))
    if isinstance(right, TimeSeries):
        return right.with_points(right.timestamps, _known(result, left))
    scalar = float(result)
    return scalar if np.isfinite(left) and np.isfinite(right) and np.isfinite(scalar) else float("nan")


def _operand(value: TimeSeries | float) -> Any:
    return value.values if isinstance(value, TimeSeries) else np.float64(value)


def _known(result: Floats, scalar: float) -> Floats:
    """A scalar of nothing leaves nothing, also where a comparison with NaN would say 0 or 1."""
    return result if np.isfinite(scalar) else np.full(len(result), np.nan)


def negative(value: Value) -> Value:
    """``-value``."""
    if isinstance(value, list):
        return [one.with_points(one.timestamps, -one.values) for one in value]
    return value.with_points(value.timestamps, -value.values) if isinstance(value, TimeSeries) else -value


def choose(condition: Value, then: Value, otherwise: Value | None, origin: int, period: int) -> Value:
    """``IF(condition, then, otherwise)``. Raises InvalidExpression for arrays.

    A series as condition decides for each of its points: true (not 0) gives ``then``, 0 where that has no point;
    false gives ``otherwise``, and drops the point where that has none. A scalar picks one of them whole; false
    without ``otherwise`` is an empty series of ``period`` seconds.
    """
    for value in (condition, then, otherwise):
        if isinstance(value, list):
            raise InvalidExpression("IF takes time series and scalars, not an array of time series")
    if isinstance(condition, float):
        nothing = empty(period)
        if np.isnan(condition):
            return nothing
        return then if condition else nothing if otherwise is None else otherwise
    sides = [side for side in (then, otherwise) if isinstance(side, TimeSeries)]
    rows = align([condition, *sides], origin)  # type: ignore[list-item]  # no list is left here
    decided = rows.row(0)
    remaining = iter([rows.row(place) for place in range(1, len(rows.members))])
    if_true = np.nan_to_num(next(remaining)) if isinstance(then, TimeSeries) else then
    if_false = next(remaining) if isinstance(otherwise, TimeSeries) else np.nan if otherwise is None else otherwise
    values = np.where(decided != 0, if_true, if_false)  # type: ignore[arg-type]
    return unnamed(rows.timestamps, np.where(np.isnan(decided), np.nan, values), rows.period)
