"""Curves as a screen can show them: at most ``width`` buckets that keep every extreme, smoothed on the full data.

Pure: columns in, columns out. A bucket carries the minimum, maximum and mean of its values, so that a spike of a
single step is always seen. Values that are no finite numbers are never averaged in and never dropped: they are
listed beside the curve.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from epochwatch.model.aggregation import Summary

Floats = NDArray[np.float64]

MAX_MARKS = 1000
"""Non-finite values listed by place; the count tells of all."""

SHORTEST_PAUSE = 5.0
"""Seconds without a sample of a host that are a gap in its curves."""

AXES = ("step", "epoch", "time", "relative")


@dataclass(frozen=True, slots=True)
class Track:
    """All values of one metric on one host, in order of time; columns of one length."""

    step: Floats
    """NaN where unknown."""
    epoch: Floats
    """NaN where unknown."""
    time: Floats
    """Unix seconds."""
    value: Floats


def curve(
    track: Track, axis: str, started: float, window: tuple[float, float], width: int, smoothing: float
) -> dict[str, Any]:
    """``track`` along ``axis`` (one of AXES) within ``window``, as the console's API shows it.

    ``relative`` counts seconds from ``started``. Smoothing is an exponential moving average over all points, also
    those outside of the window, corrected for its start (0: none).
    """
    x, value = placed(track, axis, started)
    finite = np.isfinite(value)
    marks_x, marks = x[~finite], value[~finite]
    x_all, value_all = x[finite], value[finite]
    smooth, ema = smoothed(value_all, smoothing)
    inside = (marks_x >= window[0]) & (marks_x <= window[1])
    span = _within(x_all, window)
    columns = bucketed(x_all[span], value_all[span], smooth[span], width)
    return {
        **columns,
        "total": len(track.value),
        "non_finite": [
            {"x": float(place), "value": word(mark)}
            for place, mark in zip(marks_x[inside][:MAX_MARKS], marks[inside][:MAX_MARKS], strict=True)
        ],
        "non_finite_total": int((~finite).sum()),
        "last_time": float(track.time[-1]) if len(track.time) else None,
        "axis_known": bool(len(x)) or not len(track.value),
        "ema": ema,
    }


def placed(track: Track, axis: str, started: float) -> tuple[Floats, Floats]:
    """x and value ascending by x (in order of time where x is equal), of those that have a place on the axis."""
    x = positions(track, axis, started)
    known = ~np.isnan(x)
    x, value = x[known], track.value[known]
    if len(x) > 1 and (np.diff(x) < 0).any():
        order = np.argsort(x, kind="stable")
        x, value = x[order], value[order]
    return x, value


def positions(track: Track, axis: str, started: float) -> Floats:
    """x of each value, NaN where it has none.

    A value without a step (or epoch) of its own stands at the last one known before it. A metric that has no step
    at all counts its points; one without any epoch has no place on that axis.
    """
    if axis == "time":
        return track.time
    if axis == "relative":
        return track.time - started
    x = _filled(track.step if axis == "step" else track.epoch)
    if axis == "step" and len(x) and np.isnan(x).all():
        return np.arange(len(x), dtype=np.float64)
    return x


def _filled(column: Floats) -> Floats:
    known = ~np.isnan(column)
    if known.all() or not known.any():
        return column
    last = np.maximum.accumulate(np.where(known, np.arange(len(column)), -1))
    last[last < 0] = int(np.argmax(known))
    return column[last]


def _within(x: Floats, window: tuple[float, float]) -> slice:
    """The rows in ``window`` and one more on each side, so that lines reach the edges."""
    low = int(np.searchsorted(x, window[0], "left"))
    high = int(np.searchsorted(x, window[1], "right"))
    return slice(max(low - 1, 0), min(high + 1, len(x)))


def smoothed(value: Floats, smoothing: float) -> tuple[Floats, dict[str, float]]:
    """The moving average of ``value`` (all finite), and its state, from which more values can go on."""
    if smoothing <= 0:
        last = float(value[-1]) if len(value) else 0.0
        return value, {"mean": last, "weight": 1.0 if len(value) else 0.0}
    mean = weight = 0.0
    share = 1 - smoothing
    means = np.empty(len(value))
    for index, one in enumerate(value.tolist()):
        mean = smoothing * mean + share * one
        weight = smoothing * weight + share
        means[index] = mean / weight
    return means, {"mean": mean, "weight": weight}


def summarised(parts: Sequence[Summary], width: int) -> dict[str, list[Any]]:
    """Datapoints of a metric over time (Unix seconds) in at most ``width`` buckets. What was summed up by the minute
    keeps the extremes of its minutes. Where nothing came for long stands one more place, with None for its values.
    """
    x = _joined([part.timestamps.astype(np.float64) for part in parts])
    order = np.argsort(x, kind="stable")
    means, lows, highs = (
        bucketed(x[order], values[order], values[order], width)
        for values in (
            _joined([part.sums / part.counts for part in parts]),
            _joined([part.lows for part in parts]),
            _joined([part.highs for part in parts]),
        )
    )
    columns = {"x": means["x"], "min": lows["min"], "max": highs["max"], "mean": means["mean"]}
    return _with_pauses(columns, pauses(x[order]))


def pauses(x: Floats) -> list[tuple[float, float]]:
    """Times (ascending) between which nothing came for longer than SHORTEST_PAUSE seconds and much longer than before
    and behind: samples come by the second, and when they are old, by the minute or the hour.
    """
    spans = np.diff(x)
    if len(spans) < 2:
        return []
    before = np.concatenate([[0.0], spans[:-1]])
    behind = np.concatenate([spans[1:], [0.0]])
    long = spans > np.maximum(3 * np.maximum(before, behind), SHORTEST_PAUSE)
    return [(float(x[at]), float(x[at + 1])) for at in np.flatnonzero(long).tolist()]


def _with_pauses(columns: dict[str, list[Any]], found: Sequence[tuple[float, float]]) -> dict[str, list[Any]]:
    for begin, end in reversed(found):
        at = bisect_right(columns["x"], begin)
        if 0 < at < len(columns["x"]) and columns["x"][at] >= end:  # else it is within a bucket
            for name, column in columns.items():
                column.insert(at, (begin + end) / 2 if name == "x" else None)
    return columns


def _joined(columns: Sequence[Floats]) -> Floats:
    return np.concatenate(columns) if columns else np.empty(0)


def bucketed(x: Floats, value: Floats, smooth: Floats, width: int) -> dict[str, list[float]]:
    """At most ``width`` buckets of equal extent along x; every point as it is where there are no more than that."""
    if len(x) <= width:
        values = value.tolist()
        return {"x": x.tolist(), "min": values, "max": values, "mean": values, "smooth": smooth.tolist()}
    extent = float(x[-1] - x[0])
    place = ((x - x[0]) * (width / extent)).astype(np.int64) if extent > 0 else np.zeros(len(x), np.int64)
    np.minimum(place, width - 1, out=place)
    first = np.flatnonzero(np.diff(place, prepend=-1))
    count = np.diff(first, append=len(x))
    last = first + count - 1
    shares = np.repeat(count, count)
    middle = (x[first] + x[last]) / 2
    middle[0], middle[-1] = x[0], x[-1]
    return {
        "x": middle.tolist(),
        "min": np.minimum.reduceat(value, first).tolist(),
        "max": np.maximum.reduceat(value, first).tolist(),
        "mean": np.add.reduceat(value / shares, first).tolist(),
        "smooth": np.add.reduceat(smooth / shares, first).tolist(),
    }


def word(value: float) -> str:
    """A non-finite number in the API's JSON."""
    return "NaN" if np.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def number(value: float | None) -> float | str | None:
    """A number as JSON can carry it."""
    return value if value is None or np.isfinite(value) else word(value)
