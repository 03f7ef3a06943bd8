"""Jobs against each other: their curves on common places, against a baseline and over groups, and their fields.

Pure: columns in, columns out. A series is its places along an axis, ascending, and its values there.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Series: TypeAlias = tuple[Floats, Floats]
"""Places and values, of one length. Places ascend; several values may stand at one place."""
Relation: TypeAlias = Literal["difference", "ratio"]

MOST_PLACES = 1_000_000
"""Places at which a mean of several series is computed; of more, evenly chosen ones."""


def at_places(series: Series, places: Floats) -> Floats:
    """What ``series`` is at ``places``: interpolated between its own two neighbouring points, NaN outside of them and
    where one of the two is no finite number. Of several values at one place the newest, the last, counts.
    """
    x, value = latest(series)
    if not len(x):
        return np.full(len(places), np.nan)
    known = np.where(np.isfinite(value), value, np.nan)
    right = np.clip(np.searchsorted(x, places, "left"), 0, len(x) - 1)
    left = np.where(x[right] == places, right, np.maximum(right - 1, 0))
    span = np.where(right > left, x[right] - x[left], 1.0)
    share = (places - x[left]) / span
    with np.errstate(invalid="ignore", over="ignore"):
        between = known[left] * (1 - share) + known[right] * share
    found = np.where(left == right, known[left], between)
    return np.where((places >= x[0]) & (places <= x[-1]), found, np.nan)


def latest(series: Series) -> Series:
    """``series`` with the last value of each place."""
    x, value = series
    if len(x) < 2:
        return series
    last = np.append(x[1:] != x[:-1], True)
    return x[last], value[last]


def against(series: Series, baseline: Series, relation: Relation) -> Series:
    """``series`` minus ``baseline``, or divided by it, at the places of ``series`` where both are known (and the
    baseline is not 0, for a ratio).
    """
    x, value = series
    other = at_places(baseline, x)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        result = value - other if relation == "difference" else value / other
    known = np.isfinite(result)
    return x[known], result[known]


def mean_of(several: Sequence[Series]) -> Series:
    """The mean of several series at every place of each, over those that are known there."""
    if len(several) == 1:
        return several[0]
    places = _thinned(np.unique(np.concatenate([x for x, _ in several] or [np.empty(0)])))
    total, count = np.zeros(len(places)), np.zeros(len(places))
    for one in several:
        found = at_places(one, places)
        known = ~np.isnan(found)
        total[known] += found[known]
        count += known
    seen = count > 0
    return places[seen], total[seen] / count[seen]


def _thinned(places: Floats) -> Floats:
    if len(places) <= MOST_PLACES:
        return places
    return places[np.linspace(0, len(places) - 1, MOST_PLACES).astype(np.int64)]


@dataclass(frozen=True, slots=True)
class Columns:
    """A series at the places of a Grid; NaN where it has nothing. ``smooth`` is the mean of its smoothed values."""

    low: Floats
    high: Floats
    mean: Floats
    smooth: Floats


@dataclass(frozen=True, slots=True)
class Grid:
    """Places that many series share: those of their points where these are few, else the middles of equal buckets."""

    places: Floats
    first: float = 0.0
    """Where the first bucket begins."""
    bucket: float = 0.0
    """The extent of a bucket; 0 where the places are those of the points."""

    @classmethod
    def over(cls, several: Iterable[Floats], width: int) -> "Grid":
        """The grid of the places of several series, of at most ``width`` places."""
        seen = [x for x in several if len(x)]
        if not seen:
            return cls(np.empty(0))
        if max(len(x) for x in seen) <= width:
            places = np.unique(np.concatenate(seen))
            if len(places) <= width:
                return cls(places)
        first, last = min(float(x[0]) for x in seen), max(float(x[-1]) for x in seen)
        if last <= first:
            return cls(np.array([first]))
        bucket = (last - first) / width
        return cls(first + bucket * (np.arange(width, dtype=np.float64) + 0.5), first, bucket)

    def columns(self, x: Floats, value: Floats, smooth: Floats) -> Columns:
        """A series, all of it within the grid, at its places. Each extreme is kept."""
        size = len(self.places)
        low, high, mean, soft = (np.full(size, np.nan) for _ in range(4))
        if len(x):
            place = self._place(x)
            first = np.flatnonzero(np.diff(place, prepend=-1))
            count = np.diff(first, append=len(x))
            at = place[first]
            shares = np.repeat(count, count)
            low[at], high[at] = np.minimum.reduceat(value, first), np.maximum.reduceat(value, first)
            mean[at] = np.add.reduceat(value / shares, first)
            soft[at] = np.add.reduceat(smooth / shares, first)
        return Columns(low, high, mean, soft)

    def _place(self, x: Floats) -> NDArray[np.int64]:
        if not self.bucket:
            return np.searchsorted(self.places, x)
        place = ((x - self.first) / self.bucket).astype(np.int64)
        return np.clip(place, 0, len(self.places) - 1)


def windowed(
    x: Floats, value: Floats, smooth: Floats, window: tuple[float, float]
) -> tuple[Floats, Floats, Floats]:
    """The points of a series within ``window``. A line that goes on beyond has a point at the edge itself."""
    low, high = int(np.searchsorted(x, window[0], "left")), int(np.searchsorted(x, window[1], "right"))
    before = [window[0]] if 0 < low < len(x) and x[low] != window[0] else []
    behind = [window[1]] if 0 < high < len(x) and x[high - 1] != window[1] else []
    places = np.concatenate([before, x[low:high], behind])

    def within(column: Floats) -> Floats:
        return np.concatenate([np.interp(before, x, column), column[low:high], np.interp(behind, x, column)])

    return places, within(value), within(smooth)


def combined(grid: Grid, several: Sequence[Columns]) -> Columns:
    """Several series as one: the mean over those that are known at a place, and their range.

    Between its points a series is interpolated, so that one with fewer points does not come and go.
    """
    filled = [_filled(grid.places, one) for one in several]
    low, high = (np.stack([getattr(one, edge) for one in filled]) for edge in ("low", "high"))
    mean, smooth = _mean([one.mean for one in filled]), _mean([one.smooth for one in filled])
    return Columns(np.fmin.reduce(low), np.fmax.reduce(high), mean, smooth)


def _filled(places: Floats, columns: Columns) -> Columns:
    known = ~np.isnan(columns.mean)
    if not known.any():
        return columns

    def fill(column: Floats) -> Floats:
        return np.interp(places, places[known], column[known], left=np.nan, right=np.nan)

    mean = fill(columns.mean)
    low, high = (np.where(known, own, mean) for own in (columns.low, columns.high))
    return Columns(low, high, mean, fill(columns.smooth))


def _mean(rows: Sequence[Floats]) -> Floats:
    stacked = np.stack(rows)
    known = ~np.isnan(stacked)
    count = known.sum(axis=0)
    total = np.where(known, stacked, 0.0).sum(axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


Scalar: TypeAlias = str | int | float | bool | None

MOST_FIELDS = 5000
"""Fields of one job that are compared."""


def flattened(values: Mapping[str, Any], prefix: str = "") -> dict[str, Scalar]:
    """Nested values as fields, named by dots: ``optimizer.lr``. A list of plain values is one field, as JSON; one of
    mappings has a field for each, by number. At most MOST_FIELDS.
    """
    return {name: value for (name, value), _ in zip(_leaves(values, prefix), range(MOST_FIELDS), strict=False)}


def _leaves(value: Any, name: str) -> Iterator[tuple[str, Scalar]]:
    inner: Iterable[tuple[Any, Any]] | None = None
    if isinstance(value, Mapping):
        inner = value.items()
    elif isinstance(value, (list, tuple)) and any(isinstance(one, Mapping) for one in value):
        inner = enumerate(value)
    if inner is None:
        plain = isinstance(value, (str, int, float)) or value is None
        yield name, value if plain else json.dumps(value, default=str)
        return
    for key, one in inner:
        yield from _leaves(one, f"{name}.{key}" if name else str(key))
