"""Numbers of a tensor by whatever was saved of it: statistics where they tell exactly, else the value."""

import math
from bisect import bisect_left
from collections.abc import Iterator
from typing import Any

import numpy as np

from epochwatch.debugger.exceptions import TensorUnavailableForStep
from epochwatch.debugger.mode_keys import ModeKeys
from epochwatch.debugger.source import Array
from epochwatch.debugger.tensor import Tensor


def statistic(tensor: Tensor, step: int, worker: str, name: str, absolute: bool = False) -> float | None:
    """A saved statistic; None if it was not saved, or as NaN."""
    if (name, absolute) not in tensor.entry(step, worker=worker).reductions:
        return None
    found = float(tensor.reduction_value(step, name, worker=worker, abs=absolute))
    return None if math.isnan(found) else found


def has_value(tensor: Tensor, step: int, worker: str) -> bool:
    """Whether the array itself was saved."""
    return tensor.entry(step, worker=worker).location is not None


def value(tensor: Tensor, step: int, worker: str) -> Array:
    """The array, of a type that can be computed with: float16 and bool as float32. Raises TensorUnavailableForStep for
    one that holds no real numbers.
    """
    found = tensor.value(step, worker=worker)
    if found.dtype.kind not in "fiub":
        raise TensorUnavailableForStep(tensor.name, step)
    return found.astype(np.float32) if found.dtype in (np.float16, np.bool_) else found


def variance(tensor: Tensor, step: int, worker: str) -> float:
    """The variance of all elements, saved as it is or as its root, else computed."""
    for name, power in (("variance", 1), ("std", 2)):
        found = statistic(tensor, step, worker, name)
        if found is not None:
            return found**power
    with np.errstate(all="ignore"):
        return float(np.var(value(tensor, step, worker), dtype=np.float64))


def absolute_mean(tensor: Tensor, step: int, worker: str) -> float:
    """The mean of the absolute values."""
    found = statistic(tensor, step, worker, "mean", absolute=True)
    if found is not None:
        return found
    with np.errstate(all="ignore"):
        array = value(tensor, step, worker)
        return float(np.mean(np.abs(array), dtype=np.float64)) if array.size else math.nan


def non_finite(tensor: Tensor, step: int, worker: str) -> tuple[bool, bool]:
    """(whether it has NaN, whether it has infinities); of saved reductions by its extremes, which hold them."""
    counts = [statistic(tensor, step, worker, name) for name in ("nans", "infs")]
    if None not in counts:
        return bool(counts[0]), bool(counts[1])
    if has_value(tensor, step, worker):
        array = value(tensor, step, worker)
        return bool(np.isnan(array).any()), bool(np.isinf(array).any())
    extremes = [float(tensor.reduction_value(step, name, worker=worker)) for name in ("min", "max")]
    return any(map(math.isnan, extremes)), any(map(math.isinf, extremes))


def zero_percent(tensor: Tensor, step: int, worker: str) -> float:
    """The percentage of elements that are zero; NaN of a tensor without elements."""
    zeros, size = (statistic(tensor, step, worker, name) for name in ("zeros", "size"))
    if zeros is not None and size is not None:
        return 100.0 * zeros / size if size else math.nan
    if not has_value(tensor, step, worker) and _is_zero_by_extremes(tensor, step, worker):
        return 100.0
    array = value(tensor, step, worker)
    return 100.0 * (array.size - np.count_nonzero(array)) / array.size if array.size else math.nan


def _is_zero_by_extremes(tensor: Tensor, step: int, worker: str) -> bool:
    greatest = statistic(tensor, step, worker, "max", absolute=True)
    extremes = [statistic(tensor, step, worker, name) for name in ("min", "max")]
    return greatest == 0 or extremes == [0, 0]


def steps_before(tensor: Tensor, step: int, mode: ModeKeys = ModeKeys.GLOBAL) -> Iterator[int]:
    """Global steps of the mode before ``step`` at which the tensor was saved, latest first."""
    numbered = tensor.trial.numbered_steps(mode)
    for place in range(bisect_left(numbered, step, key=lambda pair: pair[0]) - 1, -1, -1):
        if tensor.trial.has_saved(tensor.name, numbered[place][0]):
            yield numbered[place][0]


def flat_values(tensors: list[Tensor], step: int) -> Any:
    """The elements of several tensors at a global step as one vector of float64, of the first worker of each."""
    parts = [np.ravel(value(tensor, step, tensor.workers(step)[0])) for tensor in tensors]
    return np.concatenate([np.asarray(part, np.float64) for part in parts]) if parts else np.empty(0)
