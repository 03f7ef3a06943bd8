"""The samples of one series in overlapping time ranges, one a step."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from epochwatch.model.promql.vectors import Flags, Floats, Integers, RangeVector, Samples

_CHUNK = 1_000_000
"""Samples that are laid out window by window at a time."""


@dataclass(frozen=True, slots=True)
class Windows:
    """Window i holds the samples ``lows[i]`` up to but excluding ``highs[i]``; it is open at its start."""

    times: Integers
    """Milliseconds."""
    values: Floats
    lows: Integers
    highs: Integers
    starts: Integers
    ends: Integers
    moments: Integers

    @classmethod
    def over(cls, samples: Samples, ranges: RangeVector) -> "Windows":
        """One series in the ranges of its vector."""
        lows = np.searchsorted(samples.times, ranges.starts, "right")
        highs = np.searchsorted(samples.times, ranges.ends, "right")
        return cls(samples.times, samples.values, lows, highs, ranges.starts, ranges.ends, ranges.moments)

    @property
    def counts(self) -> Integers:
        """Samples of each window."""
        return self.highs - self.lows

    def having(self, count: int) -> Flags:
        """The windows with at least so many samples."""
        return self.counts >= count

    def at(self, column: NDArray[np.generic], place: Integers) -> NDArray[np.generic]:
        """``column`` at one place of each window; anything where the place is outside of all samples."""
        if not len(column):
            return np.zeros(len(place), column.dtype)
        return column[np.clip(place, 0, len(column) - 1)]

    def first(self) -> Floats:
        """The oldest value of each window."""
        return self.at(self.values, self.lows).astype(np.float64)

    def last(self, back: int = 0) -> Floats:
        """The newest value of each window, or the one ``back`` before it."""
        return self.at(self.values, self.highs - 1 - back).astype(np.float64)

    def reduced(self, function: np.ufunc, column: Floats, *, skip: int = 0) -> Floats:
        """``function`` over each window's part of ``column`` without its first ``skip`` samples; 0 where none is
        left.
        """
        lows = np.minimum(self.lows + skip, self.highs)
        some = np.flatnonzero(lows < self.highs)
        found = np.zeros(len(lows))
        if len(some):
            pairs = np.stack([lows[some], self.highs[some]], axis=1).ravel()
            found[some] = function.reduceat(np.append(column, column[-1]), pairs)[::2]
        return found

    def laid_out(self) -> Iterator["Layout"]:
        """All windows that have samples, with each one's samples side by side; a bounded number at a time."""
        filled = np.flatnonzero(self.counts)
        running = np.cumsum(self.counts[filled])
        first = 0
        while first < len(filled):
            before = running[first - 1] if first else 0
            last = max(int(np.searchsorted(running, before + _CHUNK, "right")), first + 1)
            yield Layout.of(self, filled[first:last])
            first = last


@dataclass(frozen=True, slots=True)
class Layout:
    """Samples of some windows, window by window."""

    windows: NDArray[np.intp]
    """Which windows these are."""
    firsts: NDArray[np.intp]
    """Where each one's samples begin."""
    counts: Integers
    times: Integers
    values: Floats

    @classmethod
    def of(cls, windows: Windows, chosen: NDArray[np.intp]) -> "Layout":
        """``chosen`` windows, each of which has samples."""
        counts = windows.counts[chosen]
        firsts = np.cumsum(counts) - counts
        places = np.arange(counts.sum()) + np.repeat(windows.lows[chosen] - firsts, counts)
        return cls(chosen, firsts, counts, windows.times[places], windows.values[places])

    def spread(self, column: Floats) -> Floats:
        """A value of each window at each of its samples."""
        return np.repeat(column, self.counts)

    def total(self, column: Floats) -> Floats:
        """The sum over each window."""
        found: Floats = np.add.reduceat(column, self.firsts)
        return found

    def deviations(self, column: Floats) -> Floats:
        """How far each sample is from its window's mean."""
        return column - self.spread(self.total(column) / self.counts)
