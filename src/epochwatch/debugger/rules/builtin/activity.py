"""How much of an activation layer still responds."""

from typing import Any

import numpy as np

from epochwatch.debugger.exceptions import TensorUnavailableForStep
from epochwatch.debugger.source import Array
from epochwatch.debugger.tensor import Tensor


def inactive_percent(tensor: Tensor, step: int, active: Array, threshold: float) -> float:
    """The percentage of a layer's nodes that are active in less than ``threshold`` percent of the samples.

    ``active`` says so of each sample (first axis) and node (all other axes). Raises TensorUnavailableForStep if there
    are none.
    """
    if active.ndim == 0 or not active.size:
        raise TensorUnavailableForStep(tensor.name, step)
    activity: Any = 100.0 * np.mean(active, axis=0, dtype=np.float64)
    return float(100.0 * np.mean(activity < threshold))
