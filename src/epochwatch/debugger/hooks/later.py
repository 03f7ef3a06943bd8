"""Values that a hook hands over before they are there: waiting for a device on the writing thread costs no training."""

import math
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias, TypeVar

T = TypeVar("T")
Later: TypeAlias = T | Callable[[], T]
"""A value, or what gives it on the writing thread."""


def now(value: Any) -> Any:
    """What was to come later, or is there."""
    return value() if callable(value) else value


def mean(values: Sequence[Later[float]]) -> Later[float]:
    """Of some numbers; one alone is itself."""
    return values[0] if len(values) == 1 else lambda: math.fsum(now(value) for value in values) / len(values)
