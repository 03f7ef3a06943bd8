"""The last values of many devices, and their quantiles."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float32]


class Recent:
    """The last ``size`` values of one thing, and how many there ever were. What is NaN counts for nothing."""

    def __init__(self, size: int) -> None:
        self._size = size
        self.values: Values = np.empty(0, np.float32)
        self.seen = 0

    def add(self, values: NDArray[Any]) -> Values:
        """Take further ones; those that count are given back."""
        known: Values = values[~np.isnan(values)].astype(np.float32, copy=False)
        self.seen += len(known)
        self.values = np.concatenate([self.values, known[-self._size :]])[-self._size :]
        return known

    def quantile(self, share: float) -> float:
        """NaN where there is no value."""
        return float(np.quantile(self.values, share)) if len(self.values) else float("nan")

    def box(self) -> dict[str, float]:
        """What a box plot draws, empty where there is no value."""
        names = {"p5": 0.05, "p25": 0.25, "p50": 0.5, "p75": 0.75, "p95": 0.95}
        return {name: round(self.quantile(share), 4) for name, share in names.items()} if len(self.values) else {}


def mean_of(devices: Mapping[str, Values]) -> Values:
    """The mean over devices at each time, of those that have a value."""
    values = np.stack(list(devices.values()))
    known = ~np.isnan(values).all(axis=0)
    found: Values = np.full(values.shape[1], np.nan, np.float32)
    found[known] = np.nanmean(values[:, known], axis=0)
    return found
