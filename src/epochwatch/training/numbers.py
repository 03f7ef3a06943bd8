"""One number out of whatever a library calls one."""

import math
from typing import Any


def as_number(value: Any) -> float | None:
    """``value`` as a float, None where it is no single number. NaN and infinities are numbers."""
    if isinstance(value, (int, float)):
        return _float(value)
    item = getattr(value, "item", None)  # NumPy, PyTorch, JAX: all name it so
    if callable(item):
        try:
            return _float(item())
        except Exception:  # noqa: BLE001 - a library's object may fail in any way, and the training goes on
            return None
    try:
        return None if isinstance(value, (str, bytes)) else float(value)
    except Exception:  # noqa: BLE001 - as above
        return None


def _float(value: float) -> float | None:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf
    except (TypeError, ValueError):
        return None
