"""Counts of values, from which quantiles are read: of percentages to a tenth, of anything else to a thousandth."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

_PERCENT_BINS: Final = 1001
_FINEST: Final = 1e-6
_PER_E: Final = 1000
_BINS: Final = 48_000
"""Of a thousandth each: up to 7e14 of what is from 1e-6 on."""


class Tally:
    """Takes any number of values in a bounded space. What is NaN counts for nothing; least and greatest, sum and
    deviation are exact.
    """

    def __init__(self, *, percent: bool = False) -> None:
        self._percent = percent
        self._counts = np.zeros(_PERCENT_BINS if percent else _BINS, np.int64)
        self.count = 0
        self.least, self.greatest = float("inf"), float("-inf")
        self._shift = 0.0
        self._sum = self._squares = 0.0

    def add(self, values: NDArray[Any]) -> None:
        """Values from 0."""
        known = values[~np.isnan(values)].astype(np.float64)
        if not len(known):
            return
        if not self.count:
            self._shift = float(known[0])
        self.count += len(known)
        self.least, self.greatest = min(self.least, float(known.min())), max(self.greatest, float(known.max()))
        apart = known - self._shift
        self._sum += float(apart.sum())
        self._squares += float(apart @ apart)
        bins = self._bins(known)
        self._counts += np.bincount(bins, minlength=len(self._counts))

    def _bins(self, values: NDArray[np.float64]) -> NDArray[np.int64]:
        if self._percent:
            found = np.rint(values * 10)
        else:
            found = np.rint(np.log(np.maximum(values, _FINEST) / _FINEST) * _PER_E)
        return found.clip(0, len(self._counts) - 1).astype(np.int64)

    @property
    def mean(self) -> float:
        """NaN without values."""
        return self._shift + self._sum / self.count if self.count else float("nan")

    @property
    def deviation(self) -> float:
        """Of the values themselves, as numpy's ``std``; NaN without values."""
        if not self.count:
            return float("nan")
        return float(np.sqrt(max(0.0, self._squares / self.count - (self._sum / self.count) ** 2)))

    def quantile(self, share: float) -> float:
        """NaN without values."""
        if not self.count:
            return float("nan")
        place = int(np.searchsorted(np.cumsum(self._counts), max(1, np.ceil(share * self.count))))
        value = place / 10 if self._percent else _FINEST * float(np.exp(place / _PER_E))
        return min(max(value, self.least), self.greatest)

    def above(self, value: float) -> int:
        """How many are greater, to a thousandth of the value (of percentages, to a tenth of a percent)."""
        place = int(self._bins(np.array([value]))[0])
        return int(self._counts[place + 1 :].sum())

    def five(self) -> dict[str, float]:
        """What SageMaker's table of a node's usage has; empty without values."""
        if not self.count:
            return {}
        quantiles = {name: self.quantile(share) for name, share in (("p99", 0.99), ("p95", 0.95), ("p50", 0.5))}
        found = {"max": self.greatest, **quantiles, "min": self.least}
        return {name: round(value, 4) for name, value in found.items()}
