"""The sketch of a distribution that rolled-up tiers keep: how often values fell into logarithmic buckets.

A value has the key sign x (OFFSET + floor(log(|value|) / log(GROWTH))), 0 has 0. Neighbouring buckets differ by
GROWTH = (1 + ERROR) / (1 - ERROR), so that the middle of a bucket is off by ERROR of the value at most. Sketches add
up key by key, in any order, without loss.
"""

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

ERROR: Final = 0.01
"""The largest relative error of a value read back from a sketch."""
GROWTH: Final = (1 + ERROR) / (1 - ERROR)
OFFSET: Final = 40_000
"""Larger than any |log| of a floating-point number, so that a key tells the sign."""

_LARGEST: Final = 709.78
"""The logarithm of about the largest floating-point number."""

_LOGARITHM: Final = f"log(abs(if({{value}} = 0, 1, {{value}}))) / {math.log(GROWTH)!r}"
KEY_SQL: Final = f"toInt32(sign({{value}}) * ({OFFSET} + floor({_LOGARITHM})))"
"""The key as the engine computes it; ``{value}`` is the value's expression."""


def keys(values: NDArray[np.float64]) -> NDArray[np.int32]:
    """The keys of finite values."""
    logarithm = np.log(np.abs(np.where(values == 0, 1.0, values)))
    key: NDArray[np.int32] = (np.sign(values) * (OFFSET + np.floor(logarithm / math.log(GROWTH)))).astype(np.int32)
    return key


def values(keys: NDArray[np.int32]) -> NDArray[np.float64]:
    """For each key a value within ERROR of all that have it."""
    power = np.abs(keys.astype(np.float64)) - OFFSET
    middle = np.exp(np.minimum(power * math.log(GROWTH) + math.log1p(ERROR), _LARGEST))
    found: NDArray[np.float64] = np.sign(keys) * middle
    return found
