"""What a probe is. When it is time it only takes what the kernel says; values are made of that later, many samples
one behind the other: a process that has just woken runs several times slower than one that goes on.
"""

from collections.abc import Sequence
from typing import Protocol, TypeVar

from epochwatch.model.host_rows import Column

Reading = TypeVar("Reading")


class Probe(Protocol[Reading]):
    """Measures some columns."""

    @property
    def columns(self) -> Sequence[Column]:
        """What it measures."""

    def read(self, seconds: float) -> Reading:
        """What there is now, ``seconds`` after the reading before. Raises OSError when it cannot."""

    def values(self, reading: Reading, seconds: float) -> Sequence[float]:
        """A value for each column. Readings come in the order in which they were taken, each once, with the same
        ``seconds``. Raises KeyError or ValueError where it is not understood.
        """
