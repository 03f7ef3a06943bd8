"""The range of values to be expected of a metric: the model behind anomaly detection bands.

A value is taken to be a straight trend, plus the time of day, plus the time of week, plus a level that drifts
slowly, plus noise. Each part is estimated by medians, because up to half of the history may be wild without moving
a median far: a trend from the differences between datapoints whole days apart (which a daily pattern cannot bend),
a pattern from the median of each slot of the day or week, the level from the median of each block of time, the
noise from the median of the absolute rest. A pattern is believed only if the odd days (weeks) foretell the even ones
better than no pattern would, and the other way round: noise does not pass for a season.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from enum import Enum
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from epochwatch.model.periods import DAY, HOUR, MINUTE

Floats: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.int64]
Flags: TypeAlias = NDArray[np.bool_]

WEEK: Final = 7 * DAY
HISTORY: Final = 2 * WEEK
"""Seconds before the newest datapoint that a model learns from."""
FEWEST_DATAPOINTS: Final = 30
"""Fewer are too few to tell noise from the rest."""

_SLOTS: Final = (5 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR)
_FEWEST_IN_SLOT: Final = 4
_BELIEVED: Final = 0.9
"""A pattern has to leave less than this share of the absolute deviations."""
_QUARTER: Final = 15 * MINUTE
_NORMAL: Final = 1.4826
"""Standard deviations per median absolute deviation of normal noise."""
_FEW: Final = 0.03
"""So large a share of the history may be outliers."""
_ROUNDING: Final = 1e-9


class Adaptation(Enum):
    """How soon a lasting change is taken for normal: seconds in one block of the level."""

    FAST = 6 * HOUR
    NORMAL = 2 * DAY
    SLOW = WEEK


class Filtering(Enum):
    """Beyond how many deviations a datapoint of the history is left out of the noise."""

    MINIMAL = 8.0
    MODERATE = 5.0
    STRICT = 3.0


@dataclass(frozen=True, slots=True)
class Training:
    """How a model is to be trained."""

    excluded: tuple[tuple[float, float], ...] = ()
    """Ranges of time, Unix seconds, whose datapoints are not learnt from; ends excluded."""
    timezone: tzinfo = UTC
    """Days and weeks begin at its midnights, through changes to and from summer time."""
    adaptation: Adaptation = Adaptation.NORMAL
    filtering: Filtering = Filtering.MODERATE
    periodic_spikes: bool = False
    """Whether spikes that come at the same time on most days are to lie in the band."""


@dataclass(frozen=True, slots=True)
class _Season:
    """A pattern of ``length`` seconds in equal slots."""

    length: int
    profile: Floats

    def at(self, local: Integers) -> Floats:
        """The pattern at local times."""
        return self.profile[_slots(local, self.length, len(self.profile))]


@dataclass(frozen=True, slots=True)
class _Level:
    """The level at the middles of blocks of time; between them on a straight line, beyond them as at the last."""

    middles: Floats
    values: Floats

    def at(self, timestamps: Integers) -> Floats:
        """The level at these times."""
        level: Floats = np.interp(timestamps, self.middles, self.values)
        return level


@dataclass(frozen=True, slots=True)
class AnomalyModel:
    """What `train` learnt."""

    start: int
    """Of the history, Unix seconds."""
    end: int
    deviation: float
    """Standard deviation of the noise."""
    _timezone: tzinfo
    _base: float
    _slope: float
    """Per second."""
    _seasons: tuple[_Season, ...]
    _level: _Level
    _peaks: tuple[_Season, _Season] | None
    """How far spikes usually go below and above what is expected, by the time of day."""
    _floor: float

    def expected(self, timestamps: Integers) -> Floats:
        """The expected values. Behind the history the trend goes on for as long as the history was."""
        return self._expected(timestamps, _local(timestamps, self._timezone))

    def band(self, timestamps: Integers, deviations: float = 2.0) -> tuple[Floats, Floats]:
        """The lower and upper end of the range of normal values at ``timestamps`` (Unix seconds).

        They lie ``deviations`` standard deviations of the noise from what is expected, farther where periodic spikes
        reach farther, and not below zero if the history never did.
        """
        local = _local(timestamps, self._timezone)
        expected = self._expected(timestamps, local)
        below = above = np.full(len(expected), abs(deviations) * self.deviation)
        if self._peaks is not None:
            below, above = (np.maximum(below, peak.at(local)) for peak in self._peaks)
        return np.maximum(expected - below, self._floor), np.maximum(expected + above, self._floor)

    def _expected(self, timestamps: Integers, local: Integers) -> Floats:
        farthest = self.end + (self.end - self.start)
        line = self._base + self._slope * (np.minimum(timestamps, farthest) - self.start)
        return line + self._level.at(timestamps) + _total(self._seasons, local)


def train(
    timestamps: Integers, values: Floats, period: int, training: Training | None = None
) -> AnomalyModel | None:
    """The model of a series (Unix seconds, ascending; at most `HISTORY` of it is looked at) whose datapoints are
    ``period`` seconds apart. None while there are fewer than `FEWEST_DATAPOINTS`.
    """
    training = training or Training()
    kept = np.isfinite(values) & ~_within(timestamps, training.excluded)
    if len(timestamps):
        kept &= timestamps > timestamps[-1] - HISTORY
    times, values = timestamps[kept].astype(np.int64), values[kept].astype(np.float64)
    if len(times) < FEWEST_DATAPOINTS:
        return None
    start, local = int(times[0]), _local(times, training.timezone)
    slope = _slope(times, values, period)
    rest = values - slope * (times - start)
    base = float(np.median(rest))
    rest -= base
    seasons: list[_Season] = []
    for length in (DAY, WEEK):
        season = _season(local, rest, length, period)
        if season is not None:
            seasons.append(season)
            rest = rest - season.at(local)
    level = _level(times, rest, max(training.adaptation.value, FEWEST_DATAPOINTS * period))
    rest = rest - level.at(times)
    deviation = _deviation(rest, training.filtering.value) * _overfit(len(rest), seasons)
    return AnomalyModel(
        start=start,
        end=int(times[-1]) + period,
        deviation=max(deviation, _ROUNDING * float(np.abs(values).max())),
        _timezone=training.timezone,
        _base=base,
        _slope=slope,
        _seasons=tuple(seasons),
        _level=level,
        _peaks=_peaks(local, rest) if training.periodic_spikes else None,
        _floor=0.0 if float(values.min()) >= 0 else -np.inf,
    )


def _within(timestamps: Integers, ranges: Iterable[tuple[float, float]]) -> Flags:
    found: Flags = np.zeros(len(timestamps), np.bool_)
    for start, end in ranges:
        found |= (timestamps >= start) & (timestamps < end)
    return found


def _local(timestamps: Integers, timezone: tzinfo) -> Integers:
    """What clocks of ``timezone`` show, as seconds; these change at quarters of an hour only."""
    if timezone is UTC or not len(timestamps):
        return timestamps
    quarters, place = np.unique(timestamps // _QUARTER, return_inverse=True)
    offsets = [
        offset.total_seconds()
        for quarter in quarters.tolist()
        if (offset := datetime.fromtimestamp(quarter * _QUARTER, timezone).utcoffset()) is not None
    ]
    return timestamps + np.array(offsets, np.int64)[place]


def _slope(times: Integers, values: Floats, period: int) -> float:
    """The trend, per second: from differences between datapoints half the history apart, in whole days (so that a
    history of two weeks compares like weekdays); of less than two days from the medians of 24 parts.
    """
    span = int(times[-1] - times[0]) + period
    if span >= 2 * DAY:
        lag = span // (2 * DAY) * DAY
        later = np.minimum(np.searchsorted(times, times + lag - period // 2), len(times) - 1)
        paired = np.abs(times[later] - times - lag) <= period // 2
        if np.count_nonzero(paired) >= FEWEST_DATAPOINTS:
            return float(np.median(values[later][paired] - values[paired])) / lag
    part = (times - times[0]) * 24 // span
    middles, medians = _medians(part, times, 24), _medians(part, values, 24)
    there = np.isfinite(medians)
    first, second = np.triu_indices(int(np.count_nonzero(there)), 1)
    if not len(first):
        return 0.0
    rises, runs = (column[there][second] - column[there][first] for column in (medians, middles))
    return float(np.median(rises / runs))


def _season(local: Integers, rest: Floats, length: int, period: int) -> _Season | None:
    """The pattern of ``length`` seconds in ``rest``; None where there is none or too little to see it."""
    span = int(local[-1] - local[0]) + period
    if span < 2 * length - HOUR or period * 4 > length:
        return None
    count = length // _slot_seconds(len(rest), span, period, length)
    slot = _slots(local, length, count)
    odd = ((local - local[0]) // length % 2).astype(np.bool_)
    foretold = np.empty(len(rest))
    for half in (odd, ~odd):
        foretold[half] = _medians(slot[~half], rest[~half], count)[slot[half]]
    known = np.isfinite(foretold)
    if np.count_nonzero(known) < len(rest) // 2:
        return None
    before, after = rest[known], (rest - foretold)[known]
    if _spread(after) >= _BELIEVED * _spread(before):
        return None
    profile = _medians(slot, rest, count)
    there = np.flatnonzero(np.isfinite(profile))
    return _Season(length, np.interp(np.arange(count), there, profile[there], period=count))


def _slot_seconds(datapoints: int, span: int, period: int, length: int) -> int:
    """The shortest slot in which a pattern of ``length`` has a few datapoints."""
    usable = [seconds for seconds in _SLOTS if seconds >= period] or [-(-period // HOUR) * HOUR]
    for seconds in usable:
        if datapoints * seconds >= _FEWEST_IN_SLOT * length:
            return seconds
    return usable[-1]


def _slots(local: Integers, length: int, count: int) -> Integers:
    return local % length * count // length


def _level(times: Integers, rest: Floats, block: int) -> _Level:
    """The level in blocks that end with the history; one for all if it has not two."""
    number = (times[-1] - times) // block
    count = int(number[0]) + 1
    if count > 1:
        full = np.bincount(number, minlength=count) >= FEWEST_DATAPOINTS
        blocks = np.flatnonzero(full)[::-1]
        if len(blocks):
            middles = times[-1] - (blocks + 0.5) * block
            return _Level(middles, _medians(number, rest, count)[blocks])
    return _Level(times[:1].astype(np.float64), np.array([np.median(rest)]))


def _deviation(rest: Floats, farthest: float) -> float:
    """The noise's standard deviation, from what lies within ``farthest`` robust ones of nothing. What is farther off
    is left out only while it is little: it belongs to the noise of a series that is nothing most of the time.
    """
    away = np.abs(rest)
    limit = max(farthest * _NORMAL * float(np.median(away)), float(np.quantile(away, 1 - _FEW)))
    return float(np.sqrt(np.mean(np.square(away[away <= limit]))))


def _overfit(datapoints: int, seasons: Iterable[_Season]) -> float:
    """By how much the rest is too small because the patterns were fitted to it."""
    free = datapoints - sum(len(season.profile) for season in seasons)
    return float(np.sqrt(datapoints / max(free, datapoints // 4)))


def _peaks(local: Integers, rest: Floats) -> tuple[_Season, _Season] | None:
    """The median, over the days, of the lowest and the highest rest in each quarter of an hour of the day."""
    count = DAY // _QUARTER
    if int(local[-1] - local[0]) < 3 * DAY - HOUR:
        return None
    quarters, place = np.unique(local // _QUARTER, return_inverse=True)
    found = []
    for away in (-rest, rest):
        farthest = np.zeros(len(quarters))
        np.maximum.at(farthest, place, away)
        found.append(_Season(DAY, np.nan_to_num(_medians(quarters % count, farthest, count))))
    return found[0], found[1]


def _total(seasons: Iterable[_Season], local: Integers) -> Floats:
    total: Floats = np.zeros(len(local))
    for season in seasons:
        total = total + season.at(local)
    return total


def _spread(values: Floats) -> float:
    return float(np.median(np.abs(values - np.median(values))))


def _medians(group: Integers, values: NDArray[np.float64] | Integers, count: int) -> Floats:
    """The median of each group from 0 to ``count``; NaN where it has no member."""
    order = np.lexsort((values, group))
    ranked = values[order]
    edges = np.searchsorted(group[order], np.arange(count + 1))
    first, end = edges[:-1], edges[1:]
    medians: Floats = np.full(count, np.nan)
    there = end > first
    low, high = (first + (end - first - 1) // 2)[there], (first + (end - first) // 2)[there]
    medians[there] = (ranked[low] + ranked[high]) / 2
    return medians
