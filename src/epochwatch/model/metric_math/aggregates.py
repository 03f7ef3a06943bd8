"""Functions that sum up: of a time series one number, of an array one time series; and functions that pick from
an array.
"""

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from epochwatch.model.metric_math.series import Aligned, Floats, TimeSeries, align, empty, unnamed
from epochwatch.model.metric_math.syntax import InvalidExpression

NOTHING: Final = float("nan")
"""The average of no points."""

_Scalar = Callable[[Floats], Any]

_OF_ONE: Final[dict[str, _Scalar]] = {
    "AVG": np.mean,
    "MAX": np.max,
    "MIN": np.min,
    "STDDEV": np.std,
    "SUM": np.sum,
    "DATAPOINT_COUNT": len,
}
_OF_NONE: Final = {"SUM": 0.0, "DATAPOINT_COUNT": 0.0}


def _counts(rows: Aligned) -> Floats:
    counts = np.zeros(len(rows.timestamps))
    for places, _ in rows.members:
        counts[places] += 1
    return counts


def _sums(rows: Aligned) -> Floats:
    sums = np.zeros(len(rows.timestamps))
    for places, values in rows.members:
        sums[places] += values
    return sums


def _averages(rows: Aligned) -> Floats:
    return _sums(rows) / len(rows.members)


def _deviations(rows: Aligned) -> Floats:
    counts = _counts(rows)
    means = _sums(rows) / counts
    squares = np.zeros(len(rows.timestamps))
    for places, values in rows.members:
        squares[places] += (values - means[places]) ** 2
    return np.sqrt(squares / counts)


def _extremes(rows: Aligned, pick: np.ufunc, worst: float) -> Floats:
    extremes = np.full(len(rows.timestamps), worst)
    for places, values in rows.members:
        extremes[places] = pick(extremes[places], values)
    return extremes


_OF_MANY: Final[dict[str, Callable[[Aligned], Floats]]] = {
    "AVG": _averages,
    "MAX": lambda rows: _extremes(rows, np.maximum, -np.inf),
    "MIN": lambda rows: _extremes(rows, np.minimum, np.inf),
    "STDDEV": _deviations,
    "SUM": _sums,
    "DATAPOINT_COUNT": _counts,
}
AGGREGATES: Final = frozenset(_OF_MANY)
"""Functions of TS -> S and TS[] -> TS."""


def scalar_of(function: str, series: TimeSeries) -> float:
    """The aggregate over the points of one series; of no points NaN, but SUM and DATAPOINT_COUNT are 0."""
    if not len(series):
        return _OF_NONE.get(function, NOTHING)
    result = float(_OF_ONE[function](series.values))
    return result if np.isfinite(result) else NOTHING


def series_of(function: str, array: list[TimeSeries], origin: int, period: int) -> TimeSeries:
    """The aggregate over the series of an array, timestamp by timestamp where any has a point.

    AVG counts a missing value as 0; the others take the series that have a point there. An empty array is an
    empty series of ``period`` seconds.
    """
    if not array:
        return empty(period)
    rows = align(array, origin)
    return unnamed(rows.timestamps, _OF_MANY[function](rows), rows.period)


def sorted_by(array: list[TimeSeries], function: str, order: str, limit: float | None) -> list[TimeSeries]:
    """The series by an aggregate of each, ASC or DESC, those without points last; at most ``limit`` of them.

    Equal ones stay in their order. Raises InvalidExpression for a limit that is no whole number.
    """
    ranks = [(scalar_of(function, one), one) for one in array]
    sign = 1.0 if order == "ASC" else -1.0
    ranked = sorted(
        (pair for pair in ranks if len(pair[1]) and not np.isnan(pair[0])), key=lambda pair: sign * pair[0]
    )
    ranked += [pair for pair in ranks if not len(pair[1]) or np.isnan(pair[0])]
    return [one for _, one in ranked][: None if limit is None else whole("SORT", limit)]


def sliced(array: list[TimeSeries], start: float, end: float | None) -> list[TimeSeries]:
    """The series from ``start`` (counted from 0) up to, without, ``end``. Raises InvalidExpression for others than
    whole numbers from 0 on.
    """
    return array[whole("SLICE", start) : None if end is None else whole("SLICE", end)]


def whole(function: str, number: float) -> int:
    """``number`` as an int. Raises InvalidExpression unless it is a whole number from 0 on."""
    if not (number >= 0 and float(number).is_integer()):
        raise InvalidExpression(f"{function} takes whole numbers from 0 on, not {number:g}")
    return int(number)
