"""Statistics over weighted values and statistic sets, bucket by bucket.

A `Summary` is what a series amounts to in each bucket; every statistic is computed from one. Summaries of the same
buckets add up (`merged`), whichever tier each came from.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
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
    """Columns of samples of one series in one unit, ordered by time.

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


@dataclass(frozen=True, slots=True)
class Distribution:
    """The values of all buckets, bucket by bucket, ascending within each; columns of one length."""

    bucket: Integers
    """Index into the summary's buckets; ascending."""
    values: Floats
    weights: Floats


@dataclass(frozen=True, slots=True)
class Summary:
    """A series in buckets; columns of one length, without empty buckets."""

    timestamps: Integers
    """Starts of the buckets, Unix seconds, ascending."""
    sums: Floats
    counts: Floats
    lows: Floats
    highs: Floats
    distribution: Distribution | None = None
    """Where statistics of the distribution are wanted. What is missing there to ``counts`` came in statistic sets
    whose values are not known."""


@dataclass(frozen=True, slots=True)
class Series:
    """Results of one statistic: bucket starts (Unix seconds, ascending) and values; empty buckets are left out."""

    timestamps: Integers
    values: Floats


_NONE: Floats = np.empty(0)
EMPTY = Summary(np.empty(0, np.int64), _NONE, _NONE, _NONE, _NONE)
"""A series without any datapoint."""


def summarise(samples: Samples, buckets: Buckets, *, distribution: bool = True) -> Summary:
    """``samples`` in buckets; those outside of the buckets are left out."""
    inside = (samples.timestamps >= buckets.start) & (samples.timestamps < buckets.end) & (samples.weight > 0)
    rows = Samples(*(getattr(samples, name)[inside] for name in Samples.__slots__))
    if not len(rows.timestamps):
        return EMPTY
    bucket = (rows.timestamps - buckets.start) // buckets.period
    firsts = _firsts(bucket)
    sums = np.where(rows.is_set, rows.value, rows.value * rows.weight)
    ranked = None
    if distribution:
        value, known = single_values(rows)
        ranked = _ranked(_numbered(bucket, firsts)[known], value[known], rows.weight[known])
    return Summary(
        buckets.start + bucket[firsts] * buckets.period,
        np.add.reduceat(sums, firsts),
        np.add.reduceat(rows.weight, firsts),
        np.minimum.reduceat(rows.low, firsts),
        np.maximum.reduceat(rows.high, firsts),
        ranked,
    )


def single_values(rows: Samples) -> tuple[Floats, Flags]:
    """Each row's value as a sample that occurred ``weight`` times, and where a row has one.

    A statistic set has one when all its values must be equal: its extremes agree with each other and with
    sum / count (a count of 1 included).
    """
    uniform = (rows.low == rows.high) & np.isclose(rows.value, rows.low * rows.weight, rtol=1e-9, atol=0.0)
    return np.where(rows.is_set, rows.low, rows.value), ~rows.is_set | uniform


def merged(parts: Sequence[Summary]) -> Summary:
    """Summaries of one series over the same buckets as one. A part without a distribution spoils the whole's."""
    parts = [part for part in parts if len(part.timestamps)]
    if len(parts) < 2:
        return parts[0] if parts else EMPTY
    stamps = np.concatenate([part.timestamps for part in parts])
    order = np.argsort(stamps, kind="stable")
    firsts = _firsts(stamps[order])
    starts = stamps[order][firsts]

    def joined(column: str, reduce: Callable[[Floats, NDArray[np.intp]], Floats]) -> Floats:
        return reduce(np.concatenate([getattr(part, column) for part in parts])[order], firsts)

    return Summary(
        starts,
        joined("sums", np.add.reduceat),
        joined("counts", np.add.reduceat),
        joined("lows", np.minimum.reduceat),
        joined("highs", np.maximum.reduceat),
        _merged_distribution(parts, starts),
    )


def _merged_distribution(parts: Sequence[Summary], starts: Integers) -> Distribution | None:
    found = [(part.timestamps, part.distribution) for part in parts if part.distribution is not None]
    if len(found) < len(parts):
        return None
    return _ranked(
        np.concatenate([np.searchsorted(starts, stamps)[ranked.bucket] for stamps, ranked in found]),
        np.concatenate([ranked.values for _, ranked in found]),
        np.concatenate([ranked.weights for _, ranked in found]),
    )


def _ranked(bucket: Integers, values: Floats, weights: Floats) -> Distribution:
    order = np.lexsort((values, bucket))
    return Distribution(bucket[order], values[order], weights[order])


def _firsts(group: Integers) -> NDArray[np.intp]:
    """Where each run of equal numbers begins."""
    return np.flatnonzero(np.diff(group, prepend=group[0] - 1)) if len(group) else np.empty(0, np.intp)


def _numbered(group: Integers, firsts: NDArray[np.intp]) -> Integers:
    """Which run of equal numbers each one is in."""
    starts = np.zeros(len(group), np.int64)
    starts[firsts] = 1
    return np.cumsum(starts) - 1


def aggregate(samples: Samples, buckets: Buckets, statistics: Sequence[Statistic]) -> list[Series]:
    """One series per statistic, in the order given. Samples outside the buckets are ignored."""
    summary = summarise(samples, buckets, distribution=any(one.is_extended for one in statistics))
    return [statistic_of(summary, statistic) for statistic in statistics]


def statistic_of(summary: Summary, statistic: Statistic) -> Series:
    """One statistic of every bucket that has it. An extended one needs the summary's distribution."""
    if not statistic.is_extended:
        with np.errstate(over="ignore"):
            values = _BASIC[statistic.kind](summary)
        kept = np.isfinite(values)  # sets that contradict themselves may have an average beyond all numbers
        return Series(summary.timestamps, values) if kept.all() else Series(summary.timestamps[kept], values[kept])
    if summary.distribution is None or not len(summary.timestamps):
        return Series(EMPTY.timestamps, EMPTY.sums)
    ranks = _Ranks(summary, summary.distribution)
    with np.errstate(over="ignore"):
        values = _EXTENDED[statistic.kind](ranks, statistic)
    kept = ranks.answerable & np.isfinite(values)
    return Series(summary.timestamps[kept], values[kept])


_BASIC: dict[Kind, Callable[[Summary], Floats]] = {
    Kind.SAMPLE_COUNT: lambda summary: summary.counts,
    Kind.SUM: lambda summary: summary.sums,
    Kind.AVERAGE: lambda summary: summary.sums / summary.counts,
    Kind.MINIMUM: lambda summary: summary.lows,
    Kind.MAXIMUM: lambda summary: summary.highs,
}


class _Ranks:
    """The places of all values in the ranking of their bucket. Buckets in which a value is unknown get NaN."""

    def __init__(self, summary: Summary, distribution: Distribution) -> None:
        self.bucket = distribution.bucket
        self.values = distribution.values
        self.weights = distribution.weights
        self.buckets = len(summary.timestamps)
        self._firsts = np.searchsorted(self.bucket, np.arange(self.buckets + 1))
        self._once = bool((self.weights == 1).all())
        self.totals = np.diff(self._firsts).astype(np.float64) if self._once else self.total_of(self.weights)
        known = np.abs(self.totals - summary.counts) <= 1e-9 * summary.counts
        self.answerable: Flags = (self.totals > 0) & known

    @cached_property
    def after(self) -> Floats:
        """Samples of the bucket up to and including each value."""
        running = np.cumsum(self.weights)
        base = np.append(0.0, running)[self._firsts[:-1]]
        after: Floats = running - base[self.bucket]
        return after

    def percentile(self, share: float) -> Floats:
        """The smallest value that at least ``share`` of the samples do not exceed (nearest rank, no
        interpolation).
        """
        target = (share - _RELATIVE_SLACK) * self.totals
        if self._once:
            below = np.maximum(np.ceil(target) - 1, 0).astype(np.int64)
        else:
            below = np.bincount(self.bucket, self.after < target[self.bucket], self.buckets).astype(np.int64)
        found = np.full(self.buckets, np.nan)
        firsts, lasts = self._firsts[:-1], self._firsts[1:] - 1
        present = lasts >= firsts
        found[present] = self.values[np.minimum(firsts + below, lasts)[present]]
        return found

    def kept(self, statistic: Statistic) -> Floats:
        """How much of each weight lies in the range: above the lower bound, up to and including the upper one.

        A relative bound cuts the ranked samples at that share and splits the sample it falls into.
        """
        if not statistic.relative:
            inside = np.ones(len(self.values), np.bool_)
            if statistic.low is not None:
                inside &= self.values > statistic.low
            if statistic.high is not None:
                inside &= self.values <= statistic.high
            return np.where(inside, self.weights, 0.0)
        total = self.totals[self.bucket]
        low = (statistic.low or 0.0) * total
        high = total if statistic.high is None else statistic.high * total
        overlap = np.minimum(self.after, high) - np.maximum(self.after - self.weights, low)
        return np.where(overlap > _RELATIVE_SLACK * total, overlap, 0.0)

    def total_of(self, column: Floats) -> Floats:
        """``column`` summed up by bucket."""
        total: Floats = np.bincount(self.bucket, column, self.buckets).astype(np.float64)
        return total


def _trimmed_mean(ranks: _Ranks, statistic: Statistic) -> Floats:
    kept = ranks.kept(statistic)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean: Floats = ranks.total_of(ranks.values * kept) / ranks.total_of(kept)
    return mean


def _percentile_rank(ranks: _Ranks, statistic: Statistic) -> Floats:
    with np.errstate(invalid="ignore", divide="ignore"):
        rank: Floats = 100.0 * ranks.total_of(ranks.kept(statistic)) / ranks.totals
    return rank


def _winsorized_mean(ranks: _Ranks, statistic: Statistic) -> Floats:
    low, high = (_bound(ranks, statistic, bound) for bound in (statistic.low, statistic.high))
    clipped = np.clip(ranks.values, -np.inf if low is None else low, np.inf if high is None else high)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean: Floats = ranks.total_of(clipped * ranks.weights) / ranks.totals
    return mean


def _bound(ranks: _Ranks, statistic: Statistic, bound: float | None) -> Floats | float | None:
    if bound is None or not statistic.relative:
        return bound
    return ranks.percentile(bound)[ranks.bucket]


_EXTENDED: dict[Kind, Callable[[_Ranks, Statistic], Floats]] = {
    Kind.PERCENTILE: lambda ranks, statistic: ranks.percentile(statistic.high or 0.0),
    Kind.TRIMMED_MEAN: _trimmed_mean,
    Kind.WINSORIZED_MEAN: _winsorized_mean,
    Kind.TRIMMED_COUNT: lambda ranks, statistic: ranks.total_of(ranks.kept(statistic)),
    Kind.TRIMMED_SUM: lambda ranks, statistic: ranks.total_of(ranks.values * ranks.kept(statistic)),
    Kind.PERCENTILE_RANK: _percentile_rank,
}
