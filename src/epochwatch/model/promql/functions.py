"""Functions of instant vectors and scalars, by name."""

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from epochwatch.model.promql.histograms import histogram_quantile
from epochwatch.model.promql.label_functions import label_join, label_replace
from epochwatch.model.promql.labels import nameless
from epochwatch.model.promql.range_functions import RANGE_FUNCTIONS
from epochwatch.model.promql.vectors import (
    Floats,
    Integers,
    Scalar,
    Text,
    Value,
    Vector,
    empty,
    relabelled,
    selected,
    some,
)

Elementwise: TypeAlias = Callable[..., Floats]
"""Gets values and further scalar arguments; gives values of the same shape."""


def _round(values: Floats, nearest: Floats | float = 1.0) -> Floats:
    inverse = np.divide(1.0, nearest)
    return np.floor(values * inverse + 0.5) / inverse


def _clamp_max(values: Floats, highest: Floats) -> Floats:
    return np.minimum(values, highest)


def _clamp_min(values: Floats, lowest: Floats) -> Floats:
    return np.maximum(values, lowest)


ELEMENTWISE: dict[str, Elementwise] = {
    "abs": np.abs,
    "acos": np.arccos,
    "acosh": np.arccosh,
    "asin": np.arcsin,
    "asinh": np.arcsinh,
    "atan": np.arctan,
    "atanh": np.arctanh,
    "ceil": np.ceil,
    "clamp_max": _clamp_max,
    "clamp_min": _clamp_min,
    "cos": np.cos,
    "cosh": np.cosh,
    "deg": np.degrees,
    "exp": np.exp,
    "floor": np.floor,
    "ln": np.log,
    "log10": np.log10,
    "log2": np.log2,
    "rad": np.radians,
    "round": _round,
    "sgn": np.sign,
    "sin": np.sin,
    "sinh": np.sinh,
    "sqrt": np.sqrt,
    "tan": np.tan,
    "tanh": np.tanh,
}

_SECOND = "datetime64[s]"


def _moment(values: Floats) -> Any:
    return np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0).astype("int64").astype(_SECOND)


def _since(values: Floats, larger: str, smaller: str) -> Any:
    """How many whole ``smaller`` units of time each moment lies behind the start of its ``larger`` one."""
    moment = _moment(values)
    start = moment.astype(f"datetime64[{larger}]").astype(f"datetime64[{smaller}]")
    return (moment.astype(f"datetime64[{smaller}]") - start).astype("int64")


def _weekday(values: Floats) -> Any:
    return (_moment(values).astype("datetime64[D]").astype("int64") + 4) % 7


def _days_in_month(values: Floats) -> Any:
    month = _moment(values).astype("datetime64[M]")
    return ((month + 1).astype("datetime64[D]") - month.astype("datetime64[D]")).astype("int64")


_CALENDAR: dict[str, Callable[[Floats], Any]] = {
    "day_of_month": lambda values: _since(values, "M", "D") + 1,
    "day_of_week": _weekday,
    "day_of_year": lambda values: _since(values, "Y", "D") + 1,
    "days_in_month": _days_in_month,
    "hour": lambda values: _since(values, "D", "h"),
    "minute": lambda values: _since(values, "h", "m"),
    "month": lambda values: _since(values, "Y", "M") + 1,
    "year": lambda values: _moment(values).astype("datetime64[Y]").astype("int64") + 1970,
}


def calendar(name: str) -> Elementwise:
    """A function of the time of day or the date (UTC) of Unix times; NaN of what is no time."""
    worked_out = _CALENDAR[name]
    return lambda values: np.where(np.isfinite(values), worked_out(values).astype(np.float64), np.nan)


ELEMENTWISE |= {name: calendar(name) for name in _CALENDAR}


def elementwise(function: Elementwise, vector: Vector, *scalars: Floats) -> Vector:
    """``function`` of every value; the names go."""
    values = function(vector.values, *scalars)
    return relabelled(Vector(vector.labels, values, vector.present), list(map(nameless, vector.labels)))


def _of_scalar(scalar: Scalar) -> Vector:
    return Vector([()], scalar.values[None, :], np.ones((1, len(scalar.values)), np.bool_))


def _apply(name: str) -> Callable[..., Value]:
    function = ELEMENTWISE[name]

    def applied(moments: Integers, *args: Value) -> Value:
        if not args:
            return elementwise(function, _of_scalar(Scalar(moments / 1000)))
        return elementwise(function, _vector(args[0]), *(_numbers(arg) for arg in args[1:]))

    return applied


def _clamp(moments: Integers, *args: Value) -> Value:
    vector, low, high = _vector(args[0]), _numbers(args[1]), _numbers(args[2])
    inside = Vector(vector.labels, vector.values, vector.present & ~(low > high))
    return elementwise(lambda values: np.maximum(low, np.minimum(high, values)), inside)


def _timestamp(moments: Integers, *args: Value) -> Value:
    vector = _vector(args[0])
    times = np.broadcast_to(moments, vector.values.shape) if vector.times is None else vector.times
    return elementwise(lambda _: times / 1000, vector)


def _scalar(moments: Integers, *args: Value) -> Value:
    vector = _vector(args[0])
    only = vector.present.sum(axis=0) == 1
    return Scalar(np.where(only, np.where(vector.present, vector.values, 0.0).sum(axis=0), np.nan))


def _sorted(*, descending: bool) -> Callable[..., Value]:
    def ordered(moments: Integers, *args: Value) -> Value:
        vector = _vector(args[0])
        if vector.steps != 1:
            return Vector(vector.labels, vector.values, vector.present)
        values = vector.values[:, 0]
        key = -values if descending else values
        return selected(vector, np.lexsort((key, np.isnan(key))).tolist())

    return ordered


def _label_replace(moments: Integers, *args: Value) -> Value:
    return label_replace(_vector(args[0]), *(_text(arg) for arg in args[1:]))


def _label_join(moments: Integers, *args: Value) -> Value:
    target, separator, *sources = (_text(arg) for arg in args[1:])
    return label_join(_vector(args[0]), target, separator, sources)


def _histogram_quantile(moments: Integers, *args: Value) -> Value:
    return histogram_quantile(_numbers(args[0]), _vector(args[1]))


INSTANT_FUNCTIONS: dict[str, Callable[..., Value]] = {
    **{name: _apply(name) for name in ELEMENTWISE},
    "clamp": _clamp,
    "histogram_quantile": _histogram_quantile,
    "label_join": _label_join,
    "label_replace": _label_replace,
    "pi": lambda moments: Scalar(np.full(len(moments), np.pi)),
    "scalar": _scalar,
    "sort": _sorted(descending=False),
    "sort_desc": _sorted(descending=True),
    "time": lambda moments: Scalar(moments / 1000),
    "timestamp": _timestamp,
    "vector": lambda moments, scalar: _of_scalar(scalar),
}
"""Each gets the moments of evaluation (milliseconds) and its evaluated arguments."""
ABSENCE = frozenset({"absent", "absent_over_time"})
"""Functions that look at how their argument is written."""
FUNCTIONS = frozenset({*INSTANT_FUNCTIONS, *RANGE_FUNCTIONS, *ABSENCE})
"""Every function that can be evaluated."""


def absence(labels: dict[str, str], argument: Vector) -> Vector:
    """1 at the steps at which ``argument`` has no value."""
    missing = ~some(argument.present)
    if not missing.any():
        return empty(argument.steps)
    return Vector([tuple(sorted(labels.items()))], np.ones((1, argument.steps)), missing[None, :])


def _vector(value: Value) -> Vector:
    assert isinstance(value, Vector)
    return value


def _numbers(value: Value) -> Floats:
    assert isinstance(value, Scalar)
    return value.values


def _text(value: Value) -> str:
    assert isinstance(value, Text)
    return value.text
