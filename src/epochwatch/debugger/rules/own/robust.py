"""Robust statistics of short series: what one outlier does not move."""

import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

MAD_OF_A_NORMAL: Final = 1.4826
Values = Sequence[float] | np.ndarray[Any, Any]


def median_and_spread(values: Values) -> tuple[float, float]:
    """The median, and the standard deviation that a normal distribution of the same median deviation has."""
    middle = float(np.median(values))
    return middle, MAD_OF_A_NORMAL * float(np.median(np.abs(np.asarray(values) - middle)))


def distance(value: float, values: Values) -> float:
    """How many spreads a value is above the median of others; the spread is taken as a thousandth of the median at
    least, so that values which hardly differ do not make everything far.
    """
    middle, spread = median_and_spread(values)
    return (value - middle) / max(spread, 1e-3 * abs(middle), 1e-12)


def slope(values: Values) -> float:
    """The median of the slopes between all pairs, per element."""
    found = np.asarray(values, float)
    left, right = np.triu_indices(len(found), 1)
    return float(np.median((found[right] - found[left]) / (right - left)))


def trend(values: Values) -> float:
    """Mann and Kendall's z: far above 0 where values rise, far below where they fall, within 2 or so for noise."""
    found = np.asarray(values, float)
    count = len(found)
    if count < 3:
        return 0.0
    left, right = np.triu_indices(count, 1)
    score = float(np.sign(found[right] - found[left]).sum())
    variance = count * (count - 1) * (2 * count + 5) / 18
    return (score - math.copysign(min(1.0, abs(score)), score)) / math.sqrt(variance)


def rank_distance(values: Values, others: Values) -> float:
    """Mann and Whitney's z: how far values lie above others, by ranks alone, within 2 or so where they do not."""
    found, usual = np.asarray(values, float), np.asarray(others, float)
    above = float(np.sign(found[:, None] - usual[None]).sum()) / 2
    return above / math.sqrt(len(found) * len(usual) * (len(found) + len(usual) + 1) / 12)


def thinned(values: Values, count: int) -> list[float]:
    """Medians of that many stretches of equal length, or the values themselves where there are not more."""
    if len(values) <= count:
        return [float(value) for value in values]
    return [float(np.median(part)) for part in np.array_split(np.asarray(values, float), count)]
