"""Quantiles of ranked values, by linear interpolation between neighbours as Prometheus has it."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from epochwatch.model.promql.vectors import Floats, Integers


def interpolated(share: Floats, counts: Integers, ranked: Callable[[NDArray[np.intp]], Floats]) -> Floats:
    """The ``share``-quantiles of groups of values: ``ranked`` gives the value at one rank (from 0) of each group.

    ``counts`` are at least 1. A share below 0 gives -inf, one above 1 gives +inf, NaN gives NaN.
    """
    rank = np.clip(np.nan_to_num(share), 0.0, 1.0) * (counts - 1)
    low = np.floor(rank).astype(np.intp)
    high = np.minimum(low + 1, counts - 1).astype(np.intp)
    weight = rank - low
    found = ranked(low) * (1 - weight) + ranked(high) * weight
    found = np.where(share < 0, -np.inf, np.where(share > 1, np.inf, found))
    return np.where(np.isnan(share), np.nan, found)
