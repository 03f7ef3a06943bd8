"""How far each agent source is stored: what makes delivery exactly-once.

Rows of a source enter each partition of each table in the order of their positions, whole inserts at a time, so a
partition holds a source up to some position and has nothing behind it. Those positions are remembered here, and
read back from the tables after a start.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from epochwatch.store.engine import Engine
from epochwatch.store.schema import PARTITION_SQL, partitions

TABLES = ("datapoints", "run_points", "log_events")
KEPT_SOURCES = 50_000
"""Sources remembered; one that is forgotten is read back when it speaks again."""


class Stored:
    """Up to which position one source is stored, by table and partition."""

    def __init__(self, positions: dict[str, dict[int, int]]) -> None:
        self._positions = positions

    def new(
        self, table: str, times: NDArray[np.int64], positions: NDArray[np.uint64], policy: int = 0
    ) -> NDArray[np.bool_]:
        """Which rows are not stored yet. ``times`` are the table's time column, ``positions`` never decrease,
        ``policy`` is that of datapoints.
        """
        known = self._positions[table]
        if not known:
            return np.ones(len(positions), bool)
        parts = partitions(table, times, policy)
        reached = np.zeros(len(positions), np.uint64)
        for part in np.unique(parts):
            reached[parts == part] = known.get(int(part), 0)
        fresh: NDArray[np.bool_] = positions > reached
        return fresh

    def advance(
        self, table: str, times: NDArray[np.int64], positions: NDArray[np.uint64], policy: int = 0
    ) -> None:
        """These rows are durable, or will be before anyone else holds the source."""
        known = self._positions[table]
        parts = partitions(table, times, policy)
        for part in np.unique(parts):
            last = int(positions[parts == part].max())
            known[int(part)] = max(last, known.get(int(part), 0))


class _Source:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.stored: Stored | None = None


class Sources:
    """All sources this server has heard from. Safe to use from any number of threads."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._known: OrderedDict[int, _Source] = OrderedDict()
        self._lock = threading.Lock()

    @contextmanager
    def held(self, number: int, *, reread: bool = False) -> Iterator[Stored]:
        """What is stored of a source, for one batch at a time. The caller advances it and makes the rows durable;
        if it fails instead, all is read back the next time. ``reread``: do not trust what is remembered, another
        server may have stored more.
        """
        source = self._source(number)
        with source.lock:
            if source.stored is None or (reread and self._engine.shared):
                source.stored = self._read(number)
            try:
                yield source.stored
            except BaseException:
                source.stored = None
                raise

    def clear(self) -> None:
        """Forget everything (the tables were emptied)."""
        with self._lock:
            self._known.clear()

    def _source(self, number: int) -> _Source:
        with self._lock:
            source = self._known.setdefault(number, _Source())
            self._known.move_to_end(number)
            while len(self._known) > KEPT_SOURCES:
                self._known.popitem(last=False)
            return source

    def _read(self, number: int) -> Stored:
        return Stored({table: self._positions(table, number) for table in TABLES})

    def _positions(self, table: str, number: int) -> dict[int, int]:
        """Also those of rows that are gone: datapoints that were summed up, log events that were deleted."""
        part = f"toInt64({PARTITION_SQL[table]}) AS part"
        asked = [f"SELECT {part}, max(seq) AS position FROM {table} WHERE source = %(source)s GROUP BY part"]
        kept = "FROM source_positions WHERE source = %(source)s"
        if table == "datapoints":
            asked.append(asked[0].replace("FROM datapoints", "FROM late_datapoints"))
            asked.append(f"SELECT part, position {kept} AND part >= 0")
        if table == "log_events":
            asked.append(
                f"SELECT -1 - source_positions.part AS part, position {kept} AND source_positions.part < 0"
            )
        rows = self._engine.query(
            f"SELECT part, max(position) AS position FROM ({' UNION ALL '.join(asked)}) GROUP BY part",
            {"source": number},
        )
        return dict(zip(rows["part"].to_pylist(), rows["position"].to_pylist(), strict=True))
