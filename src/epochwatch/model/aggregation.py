"""Statistics over weighted values and statistic sets, bucket by bucket.

The one module of this room that imports numpy: it is used on the server only.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from epochwatch.model.periods import Buckets
from epochwatch.model.statistics import Kind, Statistic

Floats: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.int64]
Flags: TypeAlias = NDArray[np.bool_]

_RELATIVE_SLACK = 1e-12
"""A rank this share above a whole number is that number: 0.07 x 100 is not 7 in binary floating point."""


@dataclass(frozen=True, slots=True)
class Samples:
    """Columns of stored samples of one series in one unit, ordered by time.

    A row is a value that occurred ``weight`` times (``low`` = ``high`` = ``value``), or a statistic set
    (``is_set``): ``weight`` its count, ``value`` its sum, ``low`` and ``high`` its extremes.
    """

    timestamps: Integers
    """Unix seconds."""
    value: Floats
    weight: Floats
    low: Floats
    high: Floats
    is_set: Flags

    @property
    def sums(self) -> Floats:
        """What each row adds to the sum."""
        return np.where(self.is_set, self.value, self.value * self.weight)

    def distribution(self) -> tuple[Floats, Flags]:
        """Each row's value as a sample that occurred ``weight`` times, and where a row has one.

        A statistic set has one when all its values must be equal: its extremes agree with each other and
        with sum / count (a count of 1 included).
        """
        uniform = (self.low == self.high) & np.isclose(self.value, self.low * self.weight, rtol=1e-9, atol=0.0)
        return np.where(self.is_set, self.low, self.value), ~self.is_set | uniform


@dataclass(frozen=True, slots=True)
class Series:
    """Results of one statistic: bucket starts (Unix seconds, ascending) and values; empty buckets are left out."""

    timestamps: Integers
    values: Floats


def aggregate(samples: Samples, buckets: Buckets, statistics: Sequence[Statistic]) -> list[Series]:
    """One series per statistic, in the order given. Samples outside the buckets are ignored."""
    low = int(np.searchsorted(samples.timestamps, buckets.start, side="left"))
    high = int(np.searchsorted(samples.timestamps, buckets.end, side="left"))
    rows = Samples(*(getattr(samples, name)[low:high] for name in Samples.__slots__))
    positive = rows.weight > 0
    if not positive.all():
        rows = Samples(*(getattr(rows, name)[positive] for name in Samples.__slots__))
    if not len(rows.timestamps):
        empty = Series(np.empty(0, np.int64), np.empty(0, np.float64))
        return [empty] * len(statistics)
    bucket = (rows.timestamps - buckets.start) // buckets.period
    firsts = np.flatnonzero(np.diff(bucket, prepend=bucket[0] - 1))
    starts = buckets.start + bucket[firsts] * buckets.period
    extended = _Ranked(rows, bucket, firsts) if any(s.is_extended for s in statistics) else None
    return [
        _basic(statistic.kind, rows, firsts, starts)
        if extended is None or not statistic.is_extended
        else extended.series(statistic, starts)
        for statistic in statistics
    ]


def _basic(kind: Kind, rows: Samples, firsts: NDArray[np.intp], starts: Integers) -> Series:
    if kind is Kind.MINIMUM:
        values = np.minimum.reduceat(rows.low, firsts)
    elif kind is Kind.MAXIMUM:
        values = np.maximum.reduceat(rows.high, firsts)
    elif kind is Kind.SAMPLE_COUNT:
        values = np.add.reduceat(rows.weight, firsts)
    elif kind is Kind.SUM:
        values = np.add.reduceat(rows.sums, firsts)
    else:
        values = np.add.reduceat(rows.sums, firsts) / np.add.reduceat(rows.weight, firsts)
    return Series(starts, values)


class _Ranked:
    """The samples of each bucket in ascending order. Buckets with a set that has no distribution are left out."""

    def __init__(self, rows: Samples, bucket: Integers, firsts: NDArray[np.intp]) -> None:
        value, known = rows.distribution()
        self.answerable: Flags = np.logical_and.reduceat(known, firsts)
        order = np.lexsort((value, bucket))
        ends = np.append(firsts[1:], len(bucket))
        self._groups = [
            (value[order[first:end]], rows.weight[order[first:end]])
            for first, end, whole in zip(firsts, ends, self.answerable, strict=True)
            if whole
        ]

    def series(self, statistic: Statistic, starts: Integers) -> Series:
        compute = _COMPUTE[statistic.kind]
        found = [compute(statistic, values, weights) for values, weights in self._groups]
        kept = [index for index, result in enumerate(found) if result is not None]
        timestamps = starts[self.answerable][kept]
        return Series(timestamps, np.array([found[index] for index in kept], np.float64))


def _percentile(share: float, values: Floats, cumulative: Floats) -> float:
    """The smallest value that at least ``share`` of the samples do not exceed (nearest rank, no interpolation)."""
    total = cumulative[-1]
    index = int(np.searchsorted(cumulative, share * total - _RELATIVE_SLACK * total, side="left"))
    return float(values[min(index, len(values) - 1)])


def _kept(statistic: Statistic, values: Floats, weights: Floats) -> Floats:
    """How much of each weight lies in the range: above the lower bound, up to and including the upper one.

    A relative bound cuts the ranked samples at that share and splits the sample it falls into.
    """
    if not statistic.relative:
        inside = np.ones(len(values), np.bool_)
        if statistic.low is not None:
            inside &= values > statistic.low
        if statistic.high is not None:
            inside &= values <= statistic.high
        return np.where(inside, weights, 0.0)
    after = np.cumsum(weights)
    before = after - weights
    total = after[-1]
    low = (statistic.low or 0.0) * total
    high = total if statistic.high is None else statistic.high * total
    overlap = np.minimum(after, high) - np.maximum(before, low)
    return np.where(overlap > _RELATIVE_SLACK * total, overlap, 0.0)


def _percentile_of(statistic: Statistic, values: Floats, weights: Floats) -> float | None:
    return _percentile(statistic.high or 0.0, values, np.cumsum(weights))


def _trimmed_mean(statistic: Statistic, values: Floats, weights: Floats) -> float | None:
    kept = _kept(statistic, values, weights)
    total = kept.sum()
    return float((values * kept).sum() / total) if total > 0 else None


def _trimmed_count(statistic: Statistic, values: Floats, weights: Floats) -> float | None:
    return float(_kept(statistic, values, weights).sum())


def _trimmed_sum(statistic: Statistic, values: Floats, weights: Floats) -> float | None:
    return float((values * _kept(statistic, values, weights)).sum())


def _percentile_rank(statistic: Statistic, values: Floats, weights: Floats) -> float | None:
    return float(100.0 * _kept(statistic, values, weights).sum() / weights.sum())


def _winsorized_mean(statistic: Statistic, values: Floats, weights: Floats) -> float | None:
    low, high = statistic.low, statistic.high
    if statistic.relative:
        cumulative = np.cumsum(weights)
        low = None if low is None else _percentile(low, values, cumulative)
        high = None if high is None else _percentile(high, values, cumulative)
    clipped = np.clip(values, -np.inf if low is None else low, np.inf if high is None else high)
    return float((clipped * weights).sum() / weights.sum())


_COMPUTE: dict[Kind, Callable[[Statistic, Floats, Floats], float | None]] = {
    Kind.PERCENTILE: _percentile_of,
    Kind.TRIMMED_MEAN: _trimmed_mean,
    Kind.WINSORIZED_MEAN: _winsorized_mean,
    Kind.TRIMMED_COUNT: _trimmed_count,
    Kind.TRIMMED_SUM: _trimmed_sum,
    Kind.PERCENTILE_RANK: _percentile_rank,
}
