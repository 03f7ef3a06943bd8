"""A job's profile, wherever it lies: what its nodes and its processes did. Rules and reports read nothing else."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import pyarrow as pa

from epochwatch.model.host_samples import Columns, Samples
from epochwatch.profiler.events import Phase

Span = tuple[int, int]
"""(first, last) Unix microseconds, the last one not included."""


@dataclass(frozen=True, slots=True)
class Window:
    """Steps of one process over which the framework's own profiler ran."""

    node: str
    rank: int
    first_step: int
    last_step: int
    span: Span
    cost: float
    """Seconds by which the window made its steps longer than those around it; NaN if that cannot be said."""
    path: str
    """Of the trace, relative to the profile: in Chrome's format, gzipped."""


class Profile(Protocol):
    """Reads what is there now; asked again, it may have more."""

    @property
    def job(self) -> str:
        """The training job's name."""

    def ended(self) -> bool:
        """Whether the training is over: what is read after this was asked is everything."""

    def span(self) -> Span:
        """From the first to the last thing that is known; (0, 0) while there is none."""

    def nodes(self) -> Sequence[str]:
        """``algo-1``, ... : those with samples or events."""

    def system(self, node: str, span: Span, columns: Columns = None, seconds: int = 0) -> Samples:
        """What a node's sampler measured, its columns as the sampler names them (``cpu.0.busy``, ``cpu.0.iowait``,
        ``gpu.0.busy``, ``gpu.0.memory.percent``, ``memory.percent``, ``network...``): every sample, or the ``.min``,
        ``.mean`` and ``.max`` of spans of 1, 10 or 60 ``seconds``.
        """

    def events(self, span: Span, phases: Collection[Phase] | None = None) -> Iterator[pa.Table]:
        """Events that begin within the span, of some phases or all, in tables of ``events.SCHEMA`` of bounded size,
        each process in the order of its time.
        """

    def windows(self) -> Sequence[Window]:
        """Windows that are complete, oldest first."""

    def read(self, path: str) -> bytes:
        """A file of the profile, such as a window's trace. Raises FileNotFoundError."""
