"""Samples in equal spans of time, and the three statistics of their summaries."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from epochwatch.model.host_samples import Samples
from epochwatch.profiler.profile import Span

SECOND: Final = 1_000_000
"""In microseconds."""
Floats = NDArray[np.float64]


def by_statistic(samples: Samples) -> tuple[dict[str, NDArray[np.float32]], ...]:
    """Columns by their own names: means (or every sample), then least and greatest of summaries."""
    found: tuple[dict[str, NDArray[np.float32]], ...] = ({}, {}, {})
    for name, column in samples.values.items():
        stem, _, statistic = name.rpartition(".")
        place = {"mean": 0, "min": 1, "max": 2}.get(statistic)
        found[0 if place is None else place][name if place is None else stem] = column
    return found


def in_percent(column: NDArray[np.float32]) -> NDArray[np.float32]:
    """From 0 to 100. A core's ticks may be counted in the sample after: single ones are above it."""
    return column.clip(0.0, 100.0)


def places(times: NDArray[np.int64], span: Span, count: int) -> NDArray[np.int64]:
    """Of each time the span it lies in."""
    length = max(span[1] - span[0], 1)
    places: NDArray[np.int64] = np.clip((times - span[0]) * count // length, 0, count - 1)
    return places


def rounded(values: Floats) -> tuple[float | None, ...]:
    """Numbers as they are drawn; None for NaN."""
    return tuple(None if value != value else float(f"{value:.4g}") for value in values.tolist())  # noqa: PLR0124
