"""Functions that make a time series of a time series: rounding, differences, sums, gaps, the calendar."""

from collections.abc import Callable
from typing import Final

import numpy as np

from epochwatch.model.metric_math.series import Floats, Integers, TimeSeries, Value, align, slots, unnamed
from epochwatch.model.metric_math.syntax import InvalidExpression
from epochwatch.model.periods import Buckets

Transform = Callable[[TimeSeries], TimeSeries]


def _each_value(compute: Callable[[Floats], Floats]) -> Transform:
    def transform(series: TimeSeries) -> TimeSeries:
        return series.with_points(series.timestamps, compute(series.values))

    return transform


def _difference(series: TimeSeries) -> TimeSeries:
    return series.with_points(series.timestamps[1:], np.diff(series.values))


def _time_difference(series: TimeSeries) -> TimeSeries:
    return series.with_points(series.timestamps[1:], np.diff(series.timestamps).astype(np.float64))


def _rate(series: TimeSeries) -> TimeSeries:
    return series.with_points(series.timestamps[1:], np.diff(series.values) / np.diff(series.timestamps))


TRANSFORMS: Final[dict[str, Transform]] = {
    "ABS": _each_value(np.abs),
    "CEIL": _each_value(np.ceil),
    "FLOOR": _each_value(np.floor),
    "LOG": _each_value(np.log),
    "LOG10": _each_value(np.log10),
    "RUNNING_SUM": _each_value(np.cumsum),
    "DIFF": _difference,
    "DIFF_TIME": _time_difference,
    "RATE": _rate,
}
"""Functions of TS -> TS and TS[] -> TS[]. Those that compare a point with the one before have no first point."""


def _days(timestamps: Integers) -> Integers:
    return timestamps // 86400


def _dates(timestamps: Integers, unit: str) -> "np.ndarray[tuple[int], np.dtype[np.datetime64]]":
    return timestamps.astype("datetime64[s]").astype(f"datetime64[{unit}]")


_CALENDAR: Final[dict[str, Callable[[Integers], Integers]]] = {
    "MINUTE": lambda ts: ts // 60 % 60,
    "HOUR": lambda ts: ts // 3600 % 24,
    "DAY": lambda ts: (_days(ts) + 3) % 7 + 1,  # 1 January 1970 was a Thursday, Monday is 1
    "DATE": lambda ts: (_dates(ts, "D") - _dates(ts, "M").astype("datetime64[D]")).astype(np.int64) + 1,
    "MONTH": lambda ts: _dates(ts, "M").astype(np.int64) % 12 + 1,
    "YEAR": lambda ts: _dates(ts, "Y").astype(np.int64) + 1970,
    "EPOCH": lambda ts: ts,
}
CALENDAR: Final = frozenset(_CALENDAR)
"""Functions of a series' timestamps, in UTC."""


def calendar(function: str, series: TimeSeries, grid: Buckets) -> TimeSeries:
    """A series without gaps, at the period of ``series``: what the calendar says at each timestamp, in UTC."""
    timestamps = slots(series, grid)
    return unnamed(timestamps, _CALENDAR[function](timestamps).astype(np.float64), series.period)


def fill(series: TimeSeries, filler: Value | str, grid: Buckets) -> TimeSeries:
    """The series with its missing points in the range of the request filled. Raises InvalidExpression for an array.

    ``filler`` is a scalar; a series, which fills where it has a point; REPEAT, the value before the gap; LINEAR,
    the straight line between the ends of the gap. Neither of these two fills a gap that has no value before it,
    nor LINEAR one that has none after it.
    """
    if isinstance(filler, list):
        raise InvalidExpression("FILL takes a scalar, a time series, REPEAT or LINEAR to fill with, not an array")
    if isinstance(filler, TimeSeries):
        both = align((series, filler), grid.start)
        own, other = both.row(0), both.row(1)
        return series.with_points(both.timestamps, np.where(np.isnan(own), other, own), both.period)
    timestamps = slots(series, grid)
    if len(timestamps) == len(series):
        return series
    values = np.full(len(timestamps), np.nan)
    values[np.searchsorted(timestamps, series.timestamps)] = series.values
    missing = np.isnan(values)
    values[missing] = filler if isinstance(filler, float) else _between(filler, series, timestamps[missing])
    return series.with_points(timestamps, values)


def _between(way: str, series: TimeSeries, wanted: Integers) -> Floats:
    """What the points of the series say about other timestamps, NaN where nothing."""
    if not len(series):
        return np.full(len(wanted), np.nan)
    if way == "LINEAR":
        return np.interp(wanted, series.timestamps, series.values, left=np.nan, right=np.nan)
    before = np.searchsorted(series.timestamps, wanted) - 1
    return np.where(before >= 0, series.values[before], np.nan)
