"""Functions of range vectors: rates, trends, and statistics over time."""

from collections.abc import Callable
from functools import partial
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from epochwatch.model.promql.quantiles import interpolated
from epochwatch.model.promql.vectors import Flags, Floats
from epochwatch.model.promql.windows import Layout, Windows

Answer: TypeAlias = tuple[Floats, Flags]
"""A value for each window, and which windows have one."""
RangeFunction: TypeAlias = Callable[..., Answer]
"""Gets the windows of one series and the scalar arguments, each with one number a window."""

_EXTRAPOLATION = 1.1
"""A series is taken to go on beyond its samples for at most this many average intervals between samples."""


def _resets(windows: Windows, values: Floats) -> Floats:
    """What counters lost by starting again."""
    lost = np.append(0.0, np.where(values[1:] < values[:-1], values[:-1], 0.0))
    return windows.reduced(np.add, lost, skip=1)


def _extrapolated(windows: Windows, *, counter: bool, per_second: bool) -> Answer:
    """The change over a window as if its samples reached to both of its ends."""
    have = windows.having(2)
    first = windows.first()
    change = windows.last() - first
    if counter and have.any():
        change = change + _resets(windows, windows.values)
    first_time = windows.at(windows.times, windows.lows).astype(np.int64)
    last_time = windows.at(windows.times, windows.highs - 1).astype(np.int64)
    sampled = (last_time - first_time) / 1000
    average = sampled / np.maximum(windows.counts - 1, 1)
    to_start = (first_time - windows.starts) / 1000
    to_end = (windows.ends - last_time) / 1000
    to_start = np.where(to_start >= average * _EXTRAPOLATION, average / 2, to_start)
    to_end = np.where(to_end >= average * _EXTRAPOLATION, average / 2, to_end)
    if counter:
        to_zero = np.where((change > 0) & (first >= 0), sampled * (first / change), np.inf)
        to_start = np.minimum(to_start, to_zero)
    factor = (sampled + to_start + to_end) / sampled
    if per_second:
        factor = factor / ((windows.ends - windows.starts) / 1000)
    return change * factor, have


def _rate(windows: Windows) -> Answer:
    return _extrapolated(windows, counter=True, per_second=True)


def _increase(windows: Windows) -> Answer:
    return _extrapolated(windows, counter=True, per_second=False)


def _delta(windows: Windows) -> Answer:
    return _extrapolated(windows, counter=False, per_second=False)


def _irate(windows: Windows) -> Answer:
    last, before = windows.last(), windows.last(1)
    times = [windows.at(windows.times, windows.highs - 1 - back).astype(np.int64) for back in (0, 1)]
    return np.where(last < before, last, last - before) / ((times[0] - times[1]) / 1000), windows.having(2)


def _idelta(windows: Windows) -> Answer:
    return windows.last() - windows.last(1), windows.having(2)


def _steps(windows: Windows, happens: Flags) -> Answer:
    marked = np.append(0.0, happens.astype(np.float64))[: len(windows.values)]
    return windows.reduced(np.add, marked, skip=1) if len(marked) else windows.first(), windows.having(1)


def _changes(windows: Windows) -> Answer:
    before, after = windows.values[:-1], windows.values[1:]
    return _steps(windows, (before != after) & ~(np.isnan(before) & np.isnan(after)))


def _resets_counted(windows: Windows) -> Answer:
    return _steps(windows, windows.values[1:] < windows.values[:-1])


def _line(windows: Windows) -> tuple[Floats, Floats, Floats]:
    """The least squares line of each window: its slope a second, and a point on it (milliseconds, value)."""
    slope, time, level = (np.full(len(windows.lows), np.nan) for _ in range(3))
    for layout in windows.laid_out():
        origin = layout.times[layout.firsts]
        seconds = (layout.times - np.repeat(origin, layout.counts)) / 1000
        across, up = layout.deviations(seconds), layout.deviations(layout.values)
        slope[layout.windows] = layout.total(across * up) / layout.total(across * across)
        time[layout.windows] = origin + 1000 * layout.total(seconds) / layout.counts
        level[layout.windows] = layout.total(layout.values) / layout.counts
    return slope, time, level


def _deriv(windows: Windows) -> Answer:
    return _line(windows)[0], windows.having(2)


def _predict_linear(windows: Windows, ahead: Floats) -> Answer:
    slope, time, level = _line(windows)
    return level + slope * ((windows.moments - time) / 1000 + ahead), windows.having(2)


def _sum(windows: Windows) -> Answer:
    return windows.reduced(np.add, windows.values), windows.having(1)


def _avg(windows: Windows) -> Answer:
    return windows.reduced(np.add, windows.values) / windows.counts, windows.having(1)


def _min(windows: Windows) -> Answer:
    return windows.reduced(np.fmin, windows.values), windows.having(1)


def _max(windows: Windows) -> Answer:
    return windows.reduced(np.fmax, windows.values), windows.having(1)


def _count(windows: Windows) -> Answer:
    return windows.counts.astype(np.float64), windows.having(1)


def _last(windows: Windows) -> Answer:
    return windows.last(), windows.having(1)


def _present(windows: Windows) -> Answer:
    return np.ones(len(windows.lows)), windows.having(1)


def _variance(windows: Windows) -> Answer:
    found = np.full(len(windows.lows), np.nan)
    for layout in windows.laid_out():
        apart = layout.deviations(layout.values)
        found[layout.windows] = layout.total(apart * apart) / layout.counts
    return found, windows.having(1)


def _deviation(windows: Windows) -> Answer:
    found, have = _variance(windows)
    return np.sqrt(found), have


def _quantile(windows: Windows, share: Floats) -> Answer:
    found = np.full(len(windows.lows), np.nan)
    for layout in windows.laid_out():
        window = np.repeat(np.arange(len(layout.counts)), layout.counts)
        missing = np.where(np.isnan(layout.values), -np.inf, layout.values)
        ranked = layout.values[np.lexsort((missing, window))]
        found[layout.windows] = interpolated(
            share[layout.windows], layout.counts, partial(_ranked, ranked, layout)
        )
    return found, windows.having(1)


def _ranked(ranked: Floats, layout: Layout, rank: NDArray[np.intp]) -> Floats:
    return np.asarray(ranked[layout.firsts + rank])


RANGE_FUNCTIONS: dict[str, RangeFunction] = {
    "avg_over_time": _avg,
    "changes": _changes,
    "count_over_time": _count,
    "delta": _delta,
    "deriv": _deriv,
    "idelta": _idelta,
    "increase": _increase,
    "irate": _irate,
    "last_over_time": _last,
    "max_over_time": _max,
    "min_over_time": _min,
    "predict_linear": _predict_linear,
    "present_over_time": _present,
    "quantile_over_time": _quantile,
    "rate": _rate,
    "resets": _resets_counted,
    "stddev_over_time": _deviation,
    "stdvar_over_time": _variance,
    "sum_over_time": _sum,
}
"""By name. Those of them that keep the metric's name are in KEEP_NAME."""
KEEP_NAME = frozenset({"last_over_time"})
