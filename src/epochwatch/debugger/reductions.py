"""Reductions of a tensor to one number: their names, as they are stored, and their definitions."""

import re
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from epochwatch.debugger.exceptions import SMDebugValueError

Reduction = tuple[str, bool]
"""Name, and whether it is taken of the absolute values."""

PREFIX: Final = "smdebug/reductions/"
NORMS: Final = ("l1", "l2")

_DEFINITIONS: Final[dict[str, Callable[[Any], Any]]] = {
    "min": np.min,
    "max": np.max,
    "mean": np.mean,
    "median": np.median,
    "std": np.std,
    "variance": np.var,
    "sum": np.sum,
    "prod": np.prod,
    "l1": lambda flat: np.sum(np.abs(flat)),
    "l2": np.linalg.norm,
}
REDUCTIONS: Final = tuple(_DEFINITIONS)


def reduce(name: str, value: Any, absolute: bool = False) -> Any:
    """One reduction of an array of any shape. Norms are of the tensor as one vector; ``std`` and ``variance`` divide
    by the number of elements. Raises SMDebugValueError for another name.
    """
    if name not in _DEFINITIONS:
        raise SMDebugValueError(f"Invalid reduction type {name}: one of {', '.join(REDUCTIONS)} is expected")
    flat = np.ravel(np.abs(value) if absolute else value)
    if flat.dtype in (np.float16, np.bool_):
        flat = flat.astype(np.float32)
    return _DEFINITIONS[name](flat)


def reduction_tensor_name(tensor: str, reduction: Reduction) -> str:
    """The name under which smdebug keeps a reduction as a tensor of its own."""
    name, absolute = reduction
    return PREFIX + ("abs_" if absolute else "") + re.sub(r":\d+", "", f"{name}/{tensor}")


def parse_reduction_tensor_name(name: str) -> tuple[str, Reduction] | None:
    """(tensor, reduction) of such a name; None for any other."""
    if PREFIX not in name:
        return None
    reduction, _, tensor = name.split(PREFIX, 1)[1].partition("/")
    return tensor, (reduction.removeprefix("abs_"), reduction.startswith("abs_"))
