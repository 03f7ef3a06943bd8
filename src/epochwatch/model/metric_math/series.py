"""Time series as metric math sees them, and how several are brought onto the same timestamps."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import lcm
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from epochwatch.model.metric import MetricId
from epochwatch.model.metric_math.syntax import InvalidExpression
from epochwatch.model.periods import LONGEST_PERIOD, Buckets

Floats: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class TimeSeries:
    """Values at ascending timestamps (Unix seconds, starts of buckets of ``period`` seconds); all are finite.

    ``label`` is what the series is called on its own, empty when it has no name yet. ``metric`` and
    ``statistic`` say what it was read from; a series computed from several has neither.
    """

    timestamps: Integers
    values: Floats
    period: int
    label: str = ""
    metric: MetricId | None = None
    statistic: str | None = None

    def __len__(self) -> int:
        return len(self.timestamps)

    def with_points(self, timestamps: Integers, values: Floats, period: int | None = None) -> "TimeSeries":
        """The series of the same name with other points; those that are not finite are dropped."""
        kept = np.isfinite(values)
        if not kept.all():
            timestamps, values = timestamps[kept], values[kept]
        return replace(self, timestamps=timestamps, values=values, period=period or self.period)


Value: TypeAlias = TimeSeries | list[TimeSeries] | float
"""What an expression may be: TS, TS[] or S. The scalar of nothing (the average of no points) is NaN."""

_SPARSEST: Final = 8
"""Timestamps are laid out one period apart unless that makes more than this many for each point."""

_RESAMPLE: Final[dict[str | None, Callable[[Floats, NDArray[np.intp]], Floats]]] = {
    "Sum": np.add.reduceat,
    "SampleCount": np.add.reduceat,
    "Minimum": np.minimum.reduceat,
    "Maximum": np.maximum.reduceat,
}


def unnamed(timestamps: Integers, values: Floats, period: int) -> TimeSeries:
    """A series computed from several; points that are not finite are dropped."""
    return TimeSeries(timestamps, values, period).with_points(timestamps, values)


def empty(period: int) -> TimeSeries:
    """The series without points."""
    return TimeSeries(np.empty(0, np.int64), np.empty(0, np.float64), period)


@dataclass(frozen=True, slots=True, eq=False)
class Aligned:
    """Several series at the timestamps where any of them has a point."""

    timestamps: Integers
    members: list[tuple[Integers | slice, Floats]]
    """For each series the places of its points among ``timestamps``, and their values."""
    period: int

    def row(self, member: int) -> Floats:
        """The values of one series at all timestamps, NaN where it has none."""
        places, values = self.members[member]
        row = np.full(len(self.timestamps), np.nan)
        row[places] = values
        return row


def align(series: Sequence[TimeSeries], origin: int) -> Aligned:
    """The series at a common period. Raises InvalidExpression if they have none of up to a day.

    The common period is the least common multiple of theirs, so the larger where one is a multiple of the
    other; its buckets begin at ``origin`` (Unix seconds).
    """
    period = lcm(*(one.period for one in series))
    if period > LONGEST_PERIOD:
        periods = ", ".join(str(p) for p in sorted({one.period for one in series}))
        raise InvalidExpression(f"series with periods of {periods} seconds have no common period of up to a day")
    same = [resampled(one, period, origin) for one in series]
    first = same[0].timestamps
    if all(one.timestamps is first or np.array_equal(one.timestamps, first) for one in same[1:]):
        return Aligned(first, [(slice(None), one.values) for one in same], period)
    timestamps, places = _places([one.timestamps for one in same], period)
    return Aligned(timestamps, [(at, one.values) for at, one in zip(places, same, strict=True)], period)


def _places(columns: list[Integers], period: int) -> tuple[Integers, list[Integers]]:
    """All timestamps of the columns, of which one has some, in order, and where those of each column are."""
    start = min(int(column[0]) for column in columns if len(column))
    end = max(int(column[-1]) for column in columns if len(column))
    count = (end - start) // period + 1
    if count > _SPARSEST * sum(map(len, columns)) or not all(
        _lies_on(column, start, period) for column in columns
    ):
        every = np.unique(np.concatenate(columns))
        return every, [np.searchsorted(every, column) for column in columns]
    places = [(column - start) // period for column in columns]  # computed, which is far quicker than sorting
    seen = np.zeros(count, np.bool_)
    for place in places:
        seen[place] = True
    if seen.all():
        return regular(start, end + 1, period), places
    renumbered = np.cumsum(seen) - 1
    return start + np.flatnonzero(seen) * period, [renumbered[place] for place in places]


def _lies_on(timestamps: Integers, start: int, period: int) -> bool:
    return not ((timestamps - start) % period).any()


def resampled(series: TimeSeries, period: int, origin: int) -> TimeSeries:
    """The series at a multiple of its period, by its own statistic: sums and sample counts are added up,
    extremes kept, anything else averaged.
    """
    if series.period == period or not len(series):
        return series if series.period == period else replace(series, period=period)
    bucket = (series.timestamps - origin) // period
    firsts = np.flatnonzero(np.diff(bucket, prepend=bucket[0] - 1))
    combine = _RESAMPLE.get(series.statistic, _mean)
    values = combine(series.values, firsts)
    return series.with_points(origin + bucket[firsts] * period, values, period)


def _mean(values: Floats, firsts: NDArray[np.intp]) -> Floats:
    counts = np.diff(firsts, append=len(values))
    return np.asarray(np.add.reduceat(values, firsts) / counts, np.float64)


def regular(start: int, end: int, period: int) -> Integers:
    """The timestamps from ``start`` up to, without, ``end``."""
    return np.arange(start, end, period, dtype=np.int64)


def slots(series: TimeSeries, grid: Buckets) -> Integers:
    """Every timestamp at which the series could have a point in the range of the request, and its own."""
    period = series.period
    if not len(series):
        return regular(grid.start, grid.end, period)
    phase = int(series.timestamps[0] - grid.start) % period
    lattice = regular(grid.start + phase, grid.end, period)
    inside = len(lattice) and series.timestamps[0] >= lattice[0] and series.timestamps[-1] <= lattice[-1]
    if inside and _lies_on(series.timestamps, int(lattice[0]), period):
        return lattice
    return np.asarray(np.union1d(lattice, series.timestamps), np.int64)
