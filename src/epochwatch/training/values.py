"""What of a logged mapping is a number."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from epochwatch.training.media import Histogram
from epochwatch.training.numbers import as_number


def scalars(data: Mapping[str, Any], skipped: Callable[[str, Any], None]) -> Iterator[tuple[str, float]]:
    """Names and numbers in ``data``: nested mappings become ``outer/inner``, one-element arrays and tensors their
    element, booleans 0 and 1, histograms their statistics. ``skipped`` is told of what is no number.
    """
    for name, value in data.items():
        if isinstance(value, Mapping):
            yield from ((f"{name}/{inner}", number) for inner, number in scalars(value, skipped))
            continue
        if isinstance(value, Histogram):
            yield from ((f"{name}/{ending}", number) for ending, number in value.statistics().items())
            continue
        number = as_number(value)
        if number is None:
            skipped(str(name), value)
        else:
            yield str(name), number
