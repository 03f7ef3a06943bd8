"""Samples of a host as columns."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from epochwatch.model.host_rows import Column

Values = dict[str, NDArray[np.float32]]
Columns = Iterable[str] | Callable[[str], bool] | None
"""Those that are read: by their names, or as it says of a name; None: all."""

SPANS = (1, 10, 60)
"""Seconds of the summaries."""
SUMMARIES = ("min", "mean", "max")
MICRO = 1_000_000


@dataclass(slots=True)
class Samples:
    """Rows of one host, in the order of time."""

    times: NDArray[np.int64]
    """Unix microseconds."""
    seconds: NDArray[np.float32]
    """Over which each row's values are."""
    values: Values
    units: dict[str, str]


def chosen(columns: Columns) -> Callable[[str], bool]:
    """Whether a column is one of those."""
    if columns is None:
        return lambda _: True
    return columns if callable(columns) else frozenset(columns).__contains__


def of_columns(samples: Samples, columns: Columns) -> Samples:
    """Some of the columns."""
    wanted = chosen(columns)
    values = {name: column for name, column in samples.values.items() if wanted(name)}
    return Samples(samples.times, samples.seconds, values, {name: samples.units[name] for name in values})


def samples_of_rows(columns: Sequence[Column], rows: bytes) -> Samples:
    """Rows as the sampler packs them. Raises ValueError where they do not fit their columns."""
    kind = np.dtype([("time", "<i8"), ("seconds", "<f4"), ("values", "<f4", (len(columns),))])
    if len(rows) % kind.itemsize:
        raise ValueError("the rows of host samples do not fit their columns")
    found = np.frombuffer(rows, kind)
    values = {name: found["values"][:, place] for place, (name, _) in enumerate(columns)}
    return Samples(found["time"], found["seconds"], values, dict(columns))


def joined(parts: Sequence[Samples]) -> Samples:
    """All rows in the order of time; of rows at one time the last stands."""
    if not parts:
        return Samples(np.zeros(0, np.int64), np.zeros(0, np.float32), {}, {})
    times = np.concatenate([part.times for part in parts])
    names = list(dict.fromkeys(name for part in parts for name in part.values))
    _, last = np.unique(times[::-1], return_index=True)
    kept = len(times) - 1 - last
    values = {}
    for name in names:
        columns = [part.values.get(name, np.full(len(part.times), np.nan, np.float32)) for part in parts]
        values[name] = np.concatenate(columns)[kept]
    units = {name: unit for part in parts for name, unit in part.units.items()}
    seconds = np.concatenate([part.seconds for part in parts])
    return Samples(times[kept], seconds[kept], values, units)


def within(samples: Samples, start: float, end: float) -> Samples:
    """The rows from ``start`` until before ``end`` (Unix seconds)."""
    rows = (samples.times >= start * MICRO) & (samples.times < end * MICRO)
    values = {name: column[rows] for name, column in samples.values.items()}
    return Samples(samples.times[rows], samples.seconds[rows], values, samples.units)


def summed_up(samples: Samples, span: int) -> Samples:
    """Least, mean (weighted with time) and greatest of each column in spans of so many seconds."""
    begins = samples.times - (samples.seconds.astype(np.float64) * MICRO).round().astype(np.int64)
    spans = np.maximum(begins, 0) // (span * MICRO)
    numbers, first = np.unique(spans, return_index=True)
    values: Values = {}
    units: dict[str, str] = {}
    for name, column in samples.values.items():
        known = ~np.isnan(column)
        weights = np.where(known, samples.seconds, 0.0).astype(np.float64)
        with np.errstate(invalid="ignore", divide="ignore"):
            total = _reduced(np.add, np.where(known, column, 0.0) * weights, first)
            values[f"{name}.mean"] = (total / _reduced(np.add, weights, first)).astype(np.float32)
        for kind, function in (("min", np.fmin), ("max", np.fmax)):
            values[f"{name}.{kind}"] = _reduced(function, column, first).astype(np.float32)
        units |= {f"{name}.{kind}": samples.units[name] for kind in SUMMARIES}
    seconds = _reduced(np.add, samples.seconds, first).astype(np.float32)
    return Samples(numbers * span * MICRO, seconds, values, units)


def _reduced(function: np.ufunc, column: NDArray[np.floating], first: NDArray[np.intp]) -> NDArray[np.floating]:
    found: NDArray[np.floating] = function.reduceat(column, first) if len(first) else column[:0]
    return found
