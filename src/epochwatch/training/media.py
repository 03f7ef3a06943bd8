"""What is logged besides numbers: histograms as their statistics; pictures, sound and tables not yet."""

import math
from collections.abc import Iterator
from typing import Any

from epochwatch.errors import UsageError
from epochwatch.training.numbers import as_number


class Histogram:
    """A distribution. Logged under a name it becomes four metrics: ``name/min``, ``name/max``, ``name/mean`` and
    ``name/std`` (of the population), and its values that are not finite are counted in ``name/non_finite``.

    ``sequence`` is a tensor, an array or any (nested) sequence of numbers; ``np_histogram`` is a pair
    ``(counts, bin edges)``, of which the mean and deviation are those of the bins' middles. ``num_bins`` is accepted
    for W&B's sake: no bins are kept.
    """

    def __init__(self, sequence: Any = None, np_histogram: Any = None, num_bins: int = 64) -> None:
        if (sequence is None) == (np_histogram is None):
            raise UsageError("a Histogram takes a sequence of numbers, or np_histogram=(counts, edges)")
        self.non_finite = 0
        self.minimum = self.maximum = self.mean = self.deviation = math.nan
        if np_histogram is not None:
            self._of_bins(*np_histogram)
        else:
            self._of_values(list(_numbers(sequence)))

    def statistics(self) -> dict[str, float]:
        """The metrics it is recorded as, by the end of their names."""
        found = {"min": self.minimum, "max": self.maximum, "mean": self.mean, "std": self.deviation}
        return found | ({"non_finite": float(self.non_finite)} if self.non_finite else {})

    def _of_values(self, values: list[float]) -> None:
        finite = [value for value in values if math.isfinite(value)]
        self.non_finite = len(values) - len(finite)
        if finite:
            self.minimum, self.maximum = min(finite), max(finite)
            self._weigh([(value, 1.0) for value in finite])

    def _of_bins(self, counts: Any, edges: Any) -> None:
        weights, borders = list(_numbers(counts)), list(_numbers(edges))
        if len(borders) != len(weights) + 1:
            raise UsageError("np_histogram is (counts, edges) with one edge more than counts")
        filled = [index for index, weight in enumerate(weights) if weight > 0]
        if filled:
            self.minimum, self.maximum = borders[filled[0]], borders[filled[-1] + 1]
            self._weigh([((borders[i] + borders[i + 1]) / 2, weights[i]) for i in filled])

    def _weigh(self, values: list[tuple[float, float]]) -> None:
        total = math.fsum(weight for _, weight in values)
        self.mean = math.fsum(value * (weight / total) for value, weight in values)
        spread = math.fsum((value - self.mean) ** 2 * (weight / total) for value, weight in values)
        self.deviation = math.sqrt(spread)


def _numbers(sequence: Any) -> Iterator[float]:
    listed = getattr(sequence, "tolist", None)
    if callable(listed):
        sequence = listed()
    if isinstance(sequence, str) or not hasattr(sequence, "__iter__"):
        value = as_number(sequence)
        if value is None:
            raise UsageError(f"a Histogram is made of numbers, not of {type(sequence).__name__}")
        yield value
        return
    for entry in sequence:
        yield from _numbers(entry)


class Unkept:
    """Something that can be made and logged as in W&B, but is not recorded yet; logging it says so once."""

    def __init__(self, *values: Any, **options: Any) -> None:
        """Takes what W&B's class takes, and keeps none of it."""


class Audio(Unkept):
    """A sound; not recorded yet."""


class Html(Unkept):
    """A page; not recorded yet."""


class Image(Unkept):
    """A picture; not recorded yet."""


class Table(Unkept):
    """A table; not recorded yet."""

    def add_data(self, *row: Any) -> None:
        """Takes a row, and does not keep it."""


class Video(Unkept):
    """A film; not recorded yet."""
