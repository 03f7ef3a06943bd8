"""What of a logged mapping is a number."""

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any


def scalars(data: Mapping[str, Any], skipped: Callable[[str, Any], None]) -> Iterator[tuple[str, float]]:
    """Names and numbers in ``data``: nested mappings become ``outer/inner``, one-element arrays and tensors their
    element, booleans 0 and 1. ``skipped`` is told of what is no number.
    """
    for name, value in data.items():
        if isinstance(value, Mapping):
            yield from ((f"{name}/{inner}", number) for inner, number in scalars(value, skipped))
            continue
        number = as_number(value)
        if number is None:
            skipped(str(name), value)
        else:
            yield str(name), number


def as_number(value: Any) -> float | None:
    """``value`` as a float, None where it is no single number. NaN and infinities are numbers."""
    if isinstance(value, (int, float)):
        return _float(value)
    item = getattr(value, "item", None)  # NumPy, PyTorch, JAX: all name it so
    if callable(item):
        try:
            return _float(item())
        except (ValueError, TypeError, RuntimeError):
            return None
    try:
        return None if isinstance(value, (str, bytes)) else float(value)
    except (TypeError, ValueError, OverflowError):
        return None


def _float(value: float) -> float | None:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf
    except (TypeError, ValueError):
        return None
