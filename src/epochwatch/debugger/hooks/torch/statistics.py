"""Statistics of tensors: rows computed where the tensors are, made into columns in the background.

A row describes a piece of a tensor, so that rows of pieces (of a large tensor, of shards on several ranks) add up.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import torch

from epochwatch.debugger.source import Array

PIECE: Final = 1 << 24
"""Elements that are looked at together: what is needed beside the tensor stays small, and float32 counts them."""

COUNT, MEAN, M2, MIN, MAX, ABS_SUM, SQUARES, ZEROS, NANS, INFS = range(10)
"""Parts of a row. All but the last two are of the finite elements; ``M2`` is the sum of squares around the mean."""
EMPTY: Final = (0.0, 0.0, 0.0, math.inf, -math.inf, 0.0, 0.0, 0.0, 0.0, 0.0)


def pieces(tensor: Any) -> list[Any]:
    """A tensor as flat stretches of at most ``PIECE`` elements."""
    flat = tensor.detach()
    if flat.is_complex():
        flat = torch.view_as_real(flat)
    if flat.layout is not torch.strided:
        flat = flat.coalesce().values() if flat.layout is torch.sparse_coo else flat.values()
    return list(flat.reshape(-1).split(PIECE)) if flat.numel() else [flat.reshape(-1)]


def rows_of(flats: Sequence[Any]) -> Any:
    """A row for each stretch, as an array where they are in the host's memory, else as one tensor on their device
    that nothing waited for.
    """
    if all(flat.device.type == "cpu" for flat in flats):
        return np.array([_host_row(_real(flat)) for flat in flats]).reshape(-1, len(EMPTY))
    return torch.stack([_device_row(_real(flat)) for flat in flats])


def _real(flat: Any) -> Any:
    if flat.dtype in (torch.float32, torch.float64):
        return flat
    return flat.double() if flat.dtype in (torch.int64, torch.int32) else flat.float()


def _host_row(flat: Any) -> tuple[float, ...]:
    """On the host a result can be looked at for nothing: most tensors are finite, and need few passes."""
    count = flat.numel()
    if not count:
        return EMPTY
    low, high = (bound.item() for bound in torch.aminmax(flat))
    if not (math.isfinite(low) and math.isfinite(high)):
        finite = flat[torch.isfinite(flat)]
        nans = int(torch.isnan(flat).sum())
        return (*_host_row(finite)[:NANS], nans, count - finite.numel() - nans)
    total = flat.sum().item()
    squares = torch.linalg.vector_norm(flat).item() ** 2
    if not (math.isfinite(total) and math.isfinite(squares)):
        if flat.dtype == torch.float32:
            return _host_row(flat.double())
        total, squares = total if math.isfinite(total) else math.nan, math.inf
    mean = total / count
    m2 = squares - count * mean * mean
    if not m2 > squares / 10:  # too much was lost in the difference
        m2 = torch.var(flat, correction=0).item() * count
    absolute = abs(total) if low >= 0 or high <= 0 else flat.abs().sum().item()
    zeros = int(np.count_nonzero((flat == 0).numpy())) if low <= 0 <= high else 0
    return count, mean, m2, low, high, absolute, squares, zeros, 0, 0


def _device_row(flat: Any) -> Any:
    """The same without ever waiting for the device."""
    wide = torch.float32 if flat.device.type == "mps" else torch.float64
    nan, infinite = torch.isnan(flat), torch.isinf(flat)
    other = nan | infinite
    number = torch.where(other, 0.0, flat)
    nans, infs, zeros = nan.sum(dtype=wide), infinite.sum(dtype=wide), (flat == 0).sum(dtype=wide)
    count = flat.numel() - nans - infs
    mean = number.sum(dtype=wide) / count
    around = torch.where(other, 0.0, flat - mean.to(flat.dtype))
    low = torch.where(other, math.inf, flat).min() if flat.numel() else flat.new_tensor(math.inf)
    high = torch.where(other, -math.inf, flat).max() if flat.numel() else flat.new_tensor(-math.inf)
    parts = {
        COUNT: count,
        MEAN: torch.where(count > 0, mean, 0.0),
        M2: torch.linalg.vector_norm(around, dtype=wide).square(),
        MIN: low,
        MAX: high,
        ABS_SUM: torch.linalg.vector_norm(number, 1, dtype=wide),
        SQUARES: torch.linalg.vector_norm(number, dtype=wide).square(),
        ZEROS: zeros,
        NANS: nans,
        INFS: infs,
    }
    return torch.stack([parts[number].to(wide) for number in range(len(EMPTY))])


def merged(rows: Array, owners: Array, count: int) -> Array:
    """One row for each of ``count`` tensors, of rows of their pieces; ``owners`` says which tensor each row is of."""
    weights = rows[:, COUNT]

    def added(values: Array) -> Array:
        found: Array = np.bincount(owners, weights=values, minlength=count)
        return found

    found = np.stack([added(rows[:, part]) for part in range(len(EMPTY))], axis=1)
    mean = added(weights * rows[:, MEAN]) / np.where(found[:, COUNT] > 0, found[:, COUNT], 1)
    found[:, MEAN] = mean
    found[:, M2] = added(rows[:, M2] + weights * (rows[:, MEAN] - mean[owners]) ** 2)
    found[:, MIN], found[:, MAX] = np.inf, -np.inf
    np.minimum.at(found[:, MIN], owners, rows[:, MIN])
    np.maximum.at(found[:, MAX], owners, rows[:, MAX])
    return found


def columns_of(rows: Array, owners: Array, count: int) -> dict[str, Array]:
    """The columns of ``count`` tensors, of rows as ``merged`` takes them. Without a finite element everything but
    ``size`` and the counts is NaN.
    """
    rows = merged(rows, owners, count)
    finite, nans, infs = rows[:, COUNT], rows[:, NANS], rows[:, INFS]
    some = np.where(finite > 0, finite, np.nan)
    low, high = np.where(finite > 0, rows[:, MIN], np.nan), np.where(finite > 0, rows[:, MAX], np.nan)
    return {
        "size": finite + nans + infs,
        "mean": rows[:, MEAN] * some / some,
        "std": np.sqrt(rows[:, M2] / some),
        "min": low,
        "max": high,
        "l2": np.sqrt(rows[:, SQUARES] * some / some),
        "abs_mean": rows[:, ABS_SUM] / some,
        "abs_max": np.maximum(np.abs(low), np.abs(high)),
        "zeros": rows[:, ZEROS],
        "nans": nans,
        "infs": infs,
    }


_REDUCTIONS: Final[Mapping[str, Any]] = {
    "min": torch.min,
    "max": torch.max,
    "mean": torch.mean,
    "median": lambda flat: torch.quantile(flat, 0.5) if flat.numel() <= PIECE else flat.median(),
    "std": lambda flat: torch.std(flat, correction=0),
    "variance": lambda flat: torch.var(flat, correction=0),
    "sum": torch.sum,
    "prod": torch.prod,
    "l1": lambda flat: torch.linalg.vector_norm(flat, 1),
    "l2": torch.linalg.vector_norm,
}


def reduced(tensor: Any, names: Sequence[str]) -> Any:
    """Some reductions of a tensor, by their columns' names, as one tensor on its device."""
    flat = _real(tensor.detach().reshape(-1))
    values = [
        _REDUCTIONS[name.removeprefix("abs_")](flat.abs() if name.startswith("abs_") else flat) for name in names
    ]
    return torch.stack(values)
