"""Histograms of tensors over the steps, of their saved values, ready to draw as a heat map."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import pyarrow as pa

from epochwatch.debugger.bulk import ValueKey, read_values
from epochwatch.debugger.exceptions import SMDebugValueError
from epochwatch.debugger.source import Array
from epochwatch.debugger.trial import Trial, no_refresh

Kind = Literal["exponent", "value"]
"""Of the powers of two below the absolute values, or of the values themselves."""

_LEAST_EXPONENT: Final = -64
_LARGEST_EXPONENT: Final = 64


@dataclass(frozen=True)
class Histograms:
    """Of one tensor of a worker. ``counts[i, j]`` elements at the global step ``steps[i]`` are from ``edges[j]`` up to,
    not including, ``edges[j + 1]``; of values the last edge is included. Edges of exponents are powers of two, those
    at the ends take what lies beyond. What has no place there, by step: ``zeros`` (of exponents), ``nans``, ``infs``.
    """

    tensor: str
    worker: str
    kind: Kind
    steps: Array
    edges: Array
    counts: Array
    zeros: Array
    nans: Array
    infs: Array

    def to_arrow(self) -> Any:
        """A table with a row for each step: ``tensor``, ``worker``, ``step``, ``counts`` (a list), ``zeros``, ``nans``
        and ``infs``; the edges are in the metadata of the column of counts, as NumPy's float64.
        """
        rows, bins = self.counts.shape
        counts = pa.FixedSizeListArray.from_arrays(pa.array(self.counts.ravel()), bins)
        metadata = {"kind": self.kind, "edges": self.edges.astype("<f8").tobytes()}
        columns = {
            "tensor": pa.array([self.tensor] * rows, pa.string()),
            "worker": pa.array([self.worker] * rows, pa.string()),
            "step": pa.array(self.steps),
            "counts": counts,
            "zeros": pa.array(self.zeros),
            "nans": pa.array(self.nans),
            "infs": pa.array(self.infs),
        }
        fields = [
            pa.field(name, column.type, metadata=metadata if name == "counts" else None)
            for name, column in columns.items()
        ]
        return pa.table(list(columns.values()), schema=pa.schema(fields))


def read_histograms(
    trial: Trial, kind: Kind = "exponent", *, bins: int = 64, **selection: Any
) -> list[Histograms]:
    """Histograms of each tensor that is saved whole and has numbers, by tensor and worker, all its steps with the same
    edges. ``bins`` is how many there are of values, between the least and the largest finite one of all steps; of
    exponents there is one for each that occurs. ``selection`` is that of ``read_values``. The arrays are read one by
    one, of values twice. Raises SMDebugValueError for another kind or number of bins.
    """
    if kind not in ("exponent", "value"):
        raise SMDebugValueError(f"kind is exponent or value, not {kind!r}")
    if isinstance(bins, bool) or not isinstance(bins, int) or bins < 1:
        raise SMDebugValueError(f"bins is a whole number from 1, not {bins!r}")
    trial.maybe_refresh()
    with no_refresh(trial):
        if kind == "exponent":
            return _exponent_histograms(trial, selection)
        return _value_histograms(trial, bins, selection)


class _Rows:
    """The histograms of one tensor and worker while they are counted."""

    def __init__(self) -> None:
        self.steps: list[int] = []
        self.counts: list[Array] = []
        self.outside: list[tuple[int, int, int]] = []

    def add(self, step: int, counts: Array, value: Array, zeros: int) -> None:
        self.steps.append(step)
        self.counts.append(counts)
        self.outside.append((zeros, int(np.isnan(value).sum()), int(np.isinf(value).sum())))

    def histograms(self, key: tuple[str, str], kind: Kind, edges: Array, used: slice) -> Histograms:
        outside = np.array(self.outside, np.int64).T
        counts = np.array(self.counts, np.int64)[:, used]
        return Histograms(*key, kind, np.array(self.steps, np.int64), edges, counts, *outside)


def _exponent_histograms(trial: Trial, selection: dict[str, Any]) -> list[Histograms]:
    found: dict[tuple[str, str], _Rows] = {}
    for key, value in _numbers(trial, selection):
        finite = value[np.isfinite(value) & (value != 0)]
        exponents = np.clip(np.frexp(finite)[1] - 1, _LEAST_EXPONENT, _LARGEST_EXPONENT) - _LEAST_EXPONENT
        counts = np.bincount(exponents, minlength=_LARGEST_EXPONENT - _LEAST_EXPONENT + 1)
        rows = found.setdefault((key.tensor, key.worker), _Rows())
        rows.add(key.step, counts, value, int((value == 0).sum()))
    histograms = []
    for where, rows in sorted(found.items()):
        occurring = np.flatnonzero(np.any(rows.counts, axis=0))
        used = (
            slice(occurring[0], occurring[-1] + 1)
            if len(occurring)
            else slice(-_LEAST_EXPONENT, 1 - _LEAST_EXPONENT)
        )
        edges = np.ldexp(1.0, np.arange(used.start, used.stop + 1) + _LEAST_EXPONENT)
        histograms.append(rows.histograms(where, "exponent", edges, used))
    return histograms


def _value_histograms(trial: Trial, bins: int, selection: dict[str, Any]) -> list[Histograms]:
    spans: dict[tuple[str, str], tuple[float, float]] = {}
    for key, value in _numbers(trial, selection):
        finite = value[np.isfinite(value)]
        least, largest = spans.get((key.tensor, key.worker), (np.inf, -np.inf))
        found_least, found_largest = float(finite.min(initial=np.inf)), float(finite.max(initial=-np.inf))
        spans[key.tensor, key.worker] = min(least, found_least), max(largest, found_largest)
    edges = {where: _edges(*span, bins) for where, span in spans.items()}
    found: dict[tuple[str, str], _Rows] = {where: _Rows() for where in spans}
    for key, value in _numbers(trial, selection):
        where = key.tensor, key.worker
        found[where].add(key.step, np.histogram(value[np.isfinite(value)], edges[where])[0], value, 0)
    return [rows.histograms(where, "value", edges[where], slice(None)) for where, rows in sorted(found.items())]


def _edges(least: float, largest: float, bins: int) -> Array:
    """Of bins of the same width, which is wider than the numbers need where there are not so many between them."""
    if least > largest:  # nothing was finite
        least, largest = 0.0, 1.0
    needed = max(2 * bins * float(np.spacing(max(abs(least), abs(largest)))), 1.0 if least == largest else 0.0)
    if largest - least < needed:
        least, largest = least - needed / 2, largest + needed / 2
    scale = 1.0 if np.isfinite(largest - least) else 0.5
    return np.linspace(least * scale, largest * scale, bins + 1) / scale


def _numbers(trial: Trial, selection: dict[str, Any]) -> Iterator[tuple[ValueKey, Array]]:
    for key, value in read_values(trial, **selection):
        if value.dtype.kind in "fiub":
            yield key, value.astype(np.float64).ravel()
