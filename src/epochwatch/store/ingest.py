"""Group commit: many callers' rows go into the engine in few inserts, and each caller learns when its are durable."""

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import AbstractContextManager
from dataclasses import dataclass

import pyarrow as pa

from epochwatch.errors import EpochwatchError
from epochwatch.store.engine import Engine
from epochwatch.store.inserts import insert_tables
from epochwatch.store.rows import Rows
from epochwatch.store.series import SeriesIndex
from epochwatch.store.staging import Staging
from epochwatch.store.tiers import Tiers

logger = logging.getLogger(__name__)

WINDOW_SECONDS = 0.05
"""Two commits into a shared engine begin at least so far apart: the first of a quiet time does not wait."""
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
    """The one writer. ``write`` and ``submit`` may be called from any number of threads.

    Rows of an embedded engine are durable once they are in ``staging``'s log; those of a shared one, which other
    servers read, once the engine has them.
    """

    def __init__(self, engine: Engine, series: SeriesIndex, tiers: Tiers, staging: Staging | None) -> None:
        self.on_run_points: Callable[[pa.RecordBatch], None] = _nothing
        """Called with run points, all of one job, when readers find them and before they are acknowledged."""
        self._engine = engine
        self._series = series
        self._tiers = tiers
        self._staging = staging
        self._window = 0.0 if staging else WINDOW_SECONDS
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

    def paused(self) -> AbstractContextManager[object]:
        """No rows are put into the engine meanwhile. Queries may not be made in the context."""
        return self._staging.paused() if self._staging else self._committing

    def _run(self) -> None:
        begun = 0.0
        while True:
            group = self._collect(begun + self._window)
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
            entries = list({entry.sid: entry for one in group for entry in one.rows.series if entry.due}.values())
            seen = [(entry.last_seen, entry.last_value) for entry in entries]
            self._keep(_tables(group, SeriesIndex.rows(entries, seen)))
            self._series.mark_durable(entries, seen)
        except Exception as error:
            logger.exception("a commit of %d callers failed", len(group))
            return error
        return None

    def _keep(self, rows: list[tuple[str, pa.RecordBatch]]) -> None:
        if self._staging is not None:
            self._staging.add(rows)
            return
        tables: dict[str, list[pa.RecordBatch]] = {}
        for table, batch in rows:
            tables.setdefault(table, []).append(batch)
        with self._committing:
            insert_tables(self._engine, self._tiers, tables, self._tiers.generation(time.time()))

    def _finish(self, group: list[_Pending], error: Exception | None) -> None:
        for pending in group:
            if error is not None:
                pending.future.set_exception(error)
                continue
            if pending.rows.run_points is not None and pending.rows.run_points.num_rows:
                self.on_run_points(pending.rows.run_points)
            pending.future.set_result(None)
            if pending.rows.announce is not None:
                try:
                    pending.rows.announce()
                except Exception:
                    logger.exception("rows could not be announced to the live feed")


def _nothing(_: pa.RecordBatch) -> None:
    """Nobody wants to know."""


def _tables(group: list[_Pending], series: pa.RecordBatch) -> list[tuple[str, pa.RecordBatch]]:
    """The batches of ``group`` with their tables."""
    batches = [("series", series)]
    batches += [
        (table, batch)
        for table in ("datapoints", "run_points", "log_events")
        for pending in group
        if (batch := getattr(pending.rows, table)) is not None
    ]
    return [(table, batch) for table, batch in batches if batch.num_rows]
