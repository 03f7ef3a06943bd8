"""Group commit: many callers' rows go into the engine in few inserts, and each caller learns when its are durable."""

import logging
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from epochwatch.errors import EpochwatchError
from epochwatch.store.engine import Engine
from epochwatch.store.rows import Rows
from epochwatch.store.schema import LATE_DATAPOINTS, SCHEMAS
from epochwatch.store.series import SeriesEntry, SeriesIndex
from epochwatch.store.tiers import Tiers

logger = logging.getLogger(__name__)

WINDOW_SECONDS = 0.05
"""Two commits begin at least so far apart: the first of a quiet time does not wait."""
COMMIT_ROWS = 20_000
"""So many waiting rows are committed without waiting."""
WAITING_ROWS = 500_000
"""With more rows waiting, submit blocks: callers slow down to what the disk takes."""
CLOSE_SECONDS = 60


@dataclass(slots=True)
class _Pending:
    rows: Rows
    future: "Future[None]"


class Ingest:
    """The one writer. ``write`` and ``submit`` may be called from any number of threads."""

    def __init__(self, engine: Engine, series: SeriesIndex, tiers: Tiers) -> None:
        self._engine = engine
        self._series = series
        self._tiers = tiers
        self._pending: list[_Pending] = []
        self._waiting = 0
        self._closed = False
        self._changed = threading.Condition()
        self._committing = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="epochwatch-ingest", daemon=True)
        self._thread.start()

    def write(self, rows: Rows) -> None:
        """Return when ``rows`` are durable. Raises what the engine raised when they are not."""
        self.submit(rows).result()

    def submit(self, rows: Rows) -> "Future[None]":
        """A future that is done when ``rows`` are durable, or has the engine's exception when they are not."""
        future: Future[None] = Future()
        if not len(rows):
            future.set_result(None)
            return future
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._waiting < WAITING_ROWS)
            if self._closed:
                raise EpochwatchError("the metrics store is closed")
            self._pending.append(_Pending(rows, future))
            self._waiting += len(rows)
            self._changed.notify_all()
        return future

    def close(self) -> None:
        """Commit what was submitted, then end the writer. Idempotent."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join(CLOSE_SECONDS)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """No commit is under way or begins meanwhile."""
        with self._committing:
            yield

    def _run(self) -> None:
        begun = 0.0
        while True:
            group = self._collect(begun + WINDOW_SECONDS)
            if not group:
                return
            begun = time.monotonic()
            self._finish(group, self._commit(group))

    def _collect(self, not_before: float) -> list[_Pending]:
        """What to commit next; empty at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._pending or self._closed)
            while not self._closed and self._waiting < COMMIT_ROWS:
                left = not_before - time.monotonic()
                if left <= 0:
                    break
                self._changed.wait(left)
            group, self._pending = self._pending, []
            self._waiting = 0
            self._changed.notify_all()
            return group

    def _commit(self, group: list[_Pending]) -> Exception | None:
        try:
            with self._committing:
                self._insert_series(group)
                self._insert_datapoints(_joined(group, "datapoints"))
                for table in ("run_points", "log_events"):
                    self._insert(table, _joined(group, table))
        except Exception as error:
            logger.exception("a commit of %d callers failed", len(group))
            return error
        return None

    def _insert_datapoints(self, rows: pa.Table | None) -> None:
        """Those whose hour is closed go where late ones are kept."""
        if rows is None:
            return
        late = self._tiers.late(rows["policy"].to_numpy(), rows["ts"].to_numpy())
        if not late.any():
            self._insert("datapoints", rows)
            return
        self._insert("datapoints", rows.filter(pa.array(~late)))
        rows = rows.filter(pa.array(late))
        generation = np.full(rows.num_rows, self._tiers.generation(time.time()), np.uint32)
        self._insert(
            "late_datapoints", rows.append_column(LATE_DATAPOINTS.field("generation"), pa.array(generation))
        )

    def _insert(self, table: str, rows: pa.Table | None) -> None:
        if rows is not None and rows.num_rows:
            self._engine.insert(table, rows)

    def _insert_series(self, group: list[_Pending]) -> None:
        due: dict[int, SeriesEntry] = {}
        for pending in group:
            due.update((entry.sid, entry) for entry in pending.rows.series if entry.due)
        if due:
            entries = list(due.values())
            seen = [(entry.last_seen, entry.last_value) for entry in entries]
            self._engine.insert("series", SeriesIndex.table(entries, seen))
            self._series.mark_durable(entries, seen)

    @staticmethod
    def _finish(group: list[_Pending], error: Exception | None) -> None:
        for pending in group:
            if error is not None:
                pending.future.set_exception(error)
                continue
            pending.future.set_result(None)
            if pending.rows.announce is not None:
                try:
                    pending.rows.announce()
                except Exception:
                    logger.exception("rows could not be announced to the live feed")


def _joined(group: list[_Pending], table: str) -> pa.Table | None:
    """The rows that ``group`` has for ``table``."""
    batches = [batch for pending in group if (batch := getattr(pending.rows, table)) is not None]
    return pa.Table.from_batches(batches, SCHEMAS[table]) if batches else None
