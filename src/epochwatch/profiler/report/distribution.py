"""Distributions of what is measured: exact of values in memory, and of streams that do not fit there."""

from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

SHARES: Final = (0.05, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99)
_LEAST: Final = 1e-6
_WIDTH: Final = np.log1p(0.001)
_BINS: Final = int(np.log(1e13) / _WIDTH) + 2
"""From a microsecond to ten million seconds."""


@dataclass(frozen=True, slots=True)
class Distribution:
    """Where values lie. NaN everywhere but in ``count`` where there are none."""

    count: int
    mean: float
    min: float
    p5: float
    p25: float
    p50: float
    p75: float
    p90: float
    p95: float
    p99: float
    max: float

    @classmethod
    def of(
        cls, values: NDArray[Any], least: NDArray[Any] | None = None, greatest: NDArray[Any] | None = None
    ) -> Self:
        """Of values; NaN are none. Where these are means of spans, ``least`` and ``greatest`` of the spans give the
        ends.
        """
        known = values[~np.isnan(values)]
        if not len(known):
            return cls(0, *(float("nan"),) * 10)
        shares = np.quantile(known, SHARES)
        low = known if least is None else least
        high = known if greatest is None else greatest
        mean = np.mean(known, dtype=np.float64)
        return cls(len(known), *map(float, (mean, np.nanmin(low), *shares, np.nanmax(high))))


class Durations:
    """Seconds of very many things in little memory: percentiles are right within a thousandth, all else exactly."""

    def __init__(self) -> None:
        self._counts: NDArray[np.int64] = np.zeros(_BINS, np.int64)
        self.count = 0
        self.total = 0.0
        self._squares = 0.0
        self.min = np.inf
        self.max = -np.inf

    def add(self, seconds: NDArray[Any]) -> None:
        """Take over finite values."""
        if not len(seconds):
            return
        seconds = np.asarray(seconds, np.float64)
        self._counts += np.bincount(_bins(seconds), minlength=_BINS)
        self.count += len(seconds)
        self.total += float(seconds.sum())
        self._squares += float(np.square(seconds).sum())
        self.min = min(self.min, float(seconds.min()))
        self.max = max(self.max, float(seconds.max()))

    @property
    def mean(self) -> float:
        """NaN without any."""
        return self.total / self.count if self.count else float("nan")

    @property
    def deviation(self) -> float:
        """The standard deviation of all of them; NaN without any."""
        return max(self._squares / self.count - self.mean**2, 0.0) ** 0.5 if self.count else float("nan")

    def quantile(self, share: float) -> float:
        """The least value with so large a share at or below it."""
        if not self.count:
            return float("nan")
        place = int(np.searchsorted(np.cumsum(self._counts), max(share * self.count, 1)))
        return float(np.clip(_LEAST * np.exp((place - 0.5) * _WIDTH), self.min, self.max))

    def above(self, seconds: float) -> int:
        """How many are longer, within a thousandth."""
        return int(self._counts[int(_bins(np.array([seconds]))[0]) + 1 :].sum()) if self.count else 0

    def distribution(self) -> Distribution:
        """The same in the numbers that are shown."""
        if not self.count:
            return Distribution.of(np.empty(0))
        p5, p25, p50, p75, p90, p95, p99 = map(self.quantile, SHARES)
        return Distribution(self.count, self.mean, self.min, p5, p25, p50, p75, p90, p95, p99, self.max)

    def histogram(self, bars: int = 60) -> "Histogram":
        """Bars of equal width up to the 99th of a hundred and half as far again; longer ones are in the last bar.
        There are fewer bars where the values are so close together that they could not be told apart.
        """
        if not self.count:
            return Histogram(0.0, 0.0, ())
        low = self.quantile(0.001)
        high = max(min(self.max, self.quantile(0.99) + (self.quantile(0.99) - low) / 2), low * 1.001, _LEAST)
        bars = int(np.clip(np.log(high / max(low, _LEAST)) / _WIDTH / 3, 1, bars))
        middles = _LEAST * np.exp((np.arange(_BINS) - 0.5) * _WIDTH)
        places = np.clip(((middles - low) / (high - low) * bars).astype(np.int64), 0, bars - 1)
        counts = np.bincount(places, weights=self._counts, minlength=bars)
        return Histogram(low, high, tuple(int(count) for count in counts))


@dataclass(frozen=True, slots=True)
class Histogram:
    """How many values are in each of bars of equal width from ``low`` to ``high``; the last has all above it, too."""

    low: float
    high: float
    counts: tuple[int, ...]


def _bins(seconds: NDArray[Any]) -> NDArray[np.int64]:
    """0 is a microsecond and less."""
    found = np.ceil(np.log(np.maximum(seconds, _LEAST) / _LEAST) / _WIDTH)
    places: NDArray[np.int64] = np.minimum(found, _BINS - 1).astype(np.int64)
    return places
