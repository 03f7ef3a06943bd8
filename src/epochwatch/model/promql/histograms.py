"""Quantiles of histograms whose buckets are series, told apart by their upper bound in the label ``le``."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from epochwatch.model.promql.labels import BUCKET, NAME, Labels, dropped, value_of
from epochwatch.model.promql.vectors import Flags, Floats, Vector, some, stacked


def histogram_quantile(share: Floats, vector: Vector) -> Vector:
    """The ``share``-quantile (a number a step) of each histogram, interpolated within the bucket it falls into.

    Series without a readable ``le`` are left out.
    """
    groups: dict[Labels, list[tuple[float, int]]] = {}
    for row, labels in enumerate(vector.labels):
        bound = _bound(value_of(labels, BUCKET))
        if bound is not None:
            groups.setdefault(dropped(labels, (BUCKET, NAME)), []).append((bound, row))
    results = [_group(share, vector, sorted(buckets)) for buckets in groups.values()]
    present = [some(vector.present, [row for _, row in buckets]) for buckets in groups.values()]
    return stacked(list(groups), results, present, vector.steps)


def _bound(text: str) -> float | None:
    try:
        bound = float(text)
    except ValueError:
        return None
    return None if math.isnan(bound) else bound


def _group(share: Floats, vector: Vector, buckets: Sequence[tuple[float, int]]) -> Floats:
    """One histogram. Steps at which the same buckets are there are worked out together."""
    bounds = np.array([bound for bound, _ in buckets])
    rows = [row for _, row in buckets]
    counts, present = vector.values[rows], vector.present[rows]
    patterns, which = np.unique(present, axis=1, return_inverse=True)
    found = np.full(vector.steps, np.nan)
    for number in range(patterns.shape[1]):
        steps = np.flatnonzero(which.reshape(-1) == number)
        there = patterns[:, number]
        if there.any():
            found[steps] = _quantile(share[steps], bounds[there], counts[np.ix_(there, steps)])
    return found


def _quantile(share: Floats, bounds: Floats, counts: Floats) -> Floats:
    """``bounds`` ascend; ``counts`` (bucket, step) are cumulative."""
    firsts = np.unique(bounds, return_index=True)[1]
    bounds, counts = bounds[firsts], np.add.reduceat(counts, firsts, axis=0)
    if not np.isposinf(bounds[-1]) or len(bounds) < 2:
        found = np.full(len(share), np.nan)
    else:
        found = _interpolated(share, bounds, np.fmax.accumulate(counts, axis=0))
    return np.where(np.isnan(share), np.nan, np.where(share < 0, -np.inf, np.where(share > 1, np.inf, found)))


def _interpolated(share: Floats, bounds: Floats, counts: Floats) -> Floats:
    steps = np.arange(counts.shape[1])
    rank = np.nan_to_num(share) * counts[-1]
    place = _first(counts[:-1] >= rank)
    upper = bounds[np.minimum(place, len(bounds) - 2)]
    before = np.maximum(place - 1, 0)
    start = np.where(place > 0, bounds[before], 0.0)
    below = np.where(place > 0, counts[before, steps], 0.0)
    inside = start + (upper - start) * ((rank - below) / (counts[place, steps] - below))
    last = place == len(bounds) - 1
    found = np.where(last | ((place == 0) & (bounds[0] <= 0)), upper, inside)
    return np.where(counts[-1] > 0, found, np.nan)


def _first(flags: Flags) -> NDArray[np.intp]:
    """The first true of each column; the number of rows where there is none."""
    return np.where(flags.any(axis=0), flags.argmax(axis=0), len(flags))
