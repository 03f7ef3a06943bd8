"""A profile in memory, for tests of what reads profiles."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from epochwatch.model.host_samples import Columns, Samples
from epochwatch.profiler.events import SCHEMA, Phase
from epochwatch.profiler.profile import Span, Window


def event(phase: Phase, start: int, duration: int, step: int = -1, **other: Any) -> dict[str, Any]:
    """One row of ``events.SCHEMA``."""
    row = {"mode": 1, "name": phase.value, "node": "algo-1", "rank": 0, "process": 1, "thread": 1, "bytes": 0}
    return row | {"phase": phase.value, "start": start, "duration": duration, "step": step} | other


@dataclass
class MemoryProfile:
    """Events in a table; ``samples`` by node."""

    rows: list[dict[str, Any]]
    samples: dict[str, Samples] = field(default_factory=dict)
    job: str = "training"
    rows_of_a_table: int = 1000

    def ended(self) -> bool:
        return True

    def span(self) -> Span:
        if not self.rows:
            return (0, 0)
        return min(row["start"] for row in self.rows), max(row["start"] + row["duration"] for row in self.rows) + 1

    def nodes(self) -> Sequence[str]:
        return sorted({row["node"] for row in self.rows} | set(self.samples))

    def system(self, node: str, span: Span, columns: Columns = None, seconds: int = 0) -> Samples:
        return self.samples.get(node, Samples(np.empty(0, np.int64), np.empty(0, np.float32), {}, {}))

    def events(self, span: Span, phases: Collection[Phase] | None = None) -> Iterator[pa.Table]:
        table = pa.Table.from_pylist(self.rows, SCHEMA)
        chosen = pc.and_(pc.greater_equal(table["start"], span[0]), pc.less(table["start"], span[1]))
        table = table.filter(chosen)
        if phases is not None:
            names = pc.cast(table["phase"], pa.string())
            table = table.filter(pc.is_in(names, pa.array([Phase(one).value for one in phases])))
        for start in range(0, len(table), self.rows_of_a_table):
            yield table.slice(start, self.rows_of_a_table)

    def windows(self) -> Sequence[Window]:
        return []

    def read(self, path: str) -> bytes:
        raise FileNotFoundError(path)
