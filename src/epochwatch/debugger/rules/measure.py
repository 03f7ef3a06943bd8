"""The statistics of a tensor that was saved whole, as the hooks take them of one that was not."""

from typing import Any, Final

import numpy as np

from epochwatch.debugger.source import Array

COLUMNS: Final = ("size", "mean", "std", "min", "max", "l2", "abs_mean", "abs_max", "zeros", "nans", "infs")
"""Those of every tensor; of weights there is ``update_l2`` besides."""


def measured(value: Array) -> dict[str, float]:
    """``COLUMNS`` of an array of numbers; all but the counts are of its finite elements, NaN where it has none."""
    flat: Any = np.ravel(np.abs(value) if value.dtype.kind == "c" else value).astype(np.float64)
    nans, infs = int(np.isnan(flat).sum()), int(np.isinf(flat).sum())
    found = {"size": flat.size, "zeros": int((flat == 0).sum()), "nans": nans, "infs": infs}
    finite = flat[np.isfinite(flat)] if nans or infs else flat
    if not finite.size:
        return {name: float(found.get(name, np.nan)) for name in COLUMNS}
    absolute = np.abs(finite)
    found |= {
        "mean": finite.mean(), "std": finite.std(), "min": finite.min(), "max": finite.max(),
        "l2": np.linalg.norm(finite), "abs_mean": absolute.mean(), "abs_max": absolute.max(),
    }  # fmt: skip
    return {name: float(found[name]) for name in COLUMNS}
