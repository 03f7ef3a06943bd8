"""Samples of a host as columns."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Values = dict[str, NDArray[np.float32]]
Columns = Iterable[str] | Callable[[str], bool] | None
"""Those that are read: by their names, or as it says of a name; None: all."""


@dataclass(slots=True)
class Samples:
    """Rows of one host, in the order of time."""

    times: NDArray[np.int64]
    """Unix microseconds."""
    seconds: NDArray[np.float32]
    """Over which each row's values are."""
    values: Values
    units: dict[str, str]
