"""The statistics of an array in the host's memory, as hooks save them and rules read them."""

from typing import Final

import numpy as np

from epochwatch.debugger.source import Array

COLUMNS: Final = ("size", "mean", "std", "min", "max", "l2", "abs_mean", "abs_max", "zeros", "nans", "infs")
"""Those of every tensor; of weights there is ``update_l2`` besides."""


def row(flat: Array) -> tuple[float, ...]:
    """``COLUMNS`` of numbers in float64; all but the counts are of the finite ones, NaN where there are none."""
    finite = flat[np.isfinite(flat)]
    nans = int(np.isnan(flat).sum())
    counts = (flat.size - int(np.count_nonzero(flat)), nans, flat.size - finite.size - nans)
    if not finite.size:
        return (flat.size, *[float("nan")] * 7, *counts)
    absolute = np.abs(finite)
    largest = float(absolute.max())
    l2 = largest * float(np.linalg.norm(finite / largest)) if largest else 0.0
    return (
        flat.size,
        float(finite.mean()),
        float(finite.std()),
        float(finite.min()),
        float(finite.max()),
        l2,
        float(absolute.mean()),
        largest,
        *counts,
    )


def measured(value: Array) -> dict[str, float]:
    """``COLUMNS`` by name, of a tensor that was saved whole; of complex numbers those of their absolute values."""
    flat = np.ravel(np.abs(value) if value.dtype.kind == "c" else value).astype(np.float64)
    return dict(zip(COLUMNS, map(float, row(flat)), strict=True))
