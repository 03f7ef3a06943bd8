"""Rows that are durable in the write-ahead log and on their way into the engine.

Small inserts are what the engine is worst at (ten times the work for a row), so rows wait here for company: until there
are many, until they are old, or until somebody reads. To a reader they are there as soon as they are durable.
"""

import logging
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pyarrow as pa

from epochwatch.errors import EpochwatchError
from epochwatch.store.engine import Engine
from epochwatch.store.inserts import insert_tables
from epochwatch.store.tiers import Tiers
from epochwatch.store.wal import WriteAheadLog, read_segment

logger = logging.getLogger(__name__)

FLUSH_SECONDS = 1.0
"""Rows go into the engine so long after they came at the latest."""
FLUSH_BYTES = 8 << 20
"""So much is enough for one insert: about 90,000 datapoints."""
MOST_BYTES = 24 << 20
"""With more staged, adding waits: callers slow down to what the engine takes."""
WAIT_SECONDS = 60
RETRY_SECONDS = 1.0
_STUCK = "the metrics store does not take rows at the moment"


@dataclass(slots=True)
class _Load:
    """Rows on their way: a segment of the log, sealed with the generation of its late datapoints."""

    name: str
    generation: int
    rows: dict[str, list[pa.RecordBatch]]
    bytes: int


class Staging:
    """Moves rows from the log into the engine, in a thread of its own. Safe to use from any number of threads."""

    def __init__(self, engine: Engine, tiers: Tiers, log: WriteAheadLog) -> None:
        self._engine = engine
        self._tiers = tiers
        self._log = log
        self._appending = threading.Lock()
        """Held from writing rows into a segment until they are staged: a segment and its load have the same rows."""
        self._moving = threading.Lock()
        self._changed = threading.Condition()
        self._rows: dict[str, list[pa.RecordBatch]] = {}
        self._load: _Load | None = None
        self._since = 0.0
        self._added = 0
        self._moved = 0
        """Of the bytes ever added, how many the engine has."""
        self._wanted = 0
        """Somebody waits for the rows up to here."""
        self._failure: Exception | None = None
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="epochwatch-staging", daemon=True)

    def recover(self) -> None:
        """Insert what an earlier process left in the log; then begin."""
        for path in self._log.leftovers():
            segment = read_segment(path)
            generation = segment.generation
            if generation is None:  # it never got as far as the engine
                generation = self._tiers.generation(time.time())
            insert_tables(self._engine, self._tiers, segment.rows, generation, segment.name)
            self._log.remove(segment.name)
            rows = sum(batch.num_rows for batches in segment.rows.values() for batch in batches)
            logger.info("took %d rows over from the log of an earlier process", rows)
        self._thread.start()

    def add(self, rows: Iterable[tuple[str, pa.RecordBatch]]) -> None:
        """Keep batches of tables; durable on return, and seen by every query that begins later. Raises OSError where
        the log cannot be written, EpochwatchError where the engine has not taken rows for a minute.
        """
        batches = list(rows)
        with self._changed:
            if not self._changed.wait_for(lambda: self._added - self._moved < MOST_BYTES, timeout=WAIT_SECONDS):
                raise EpochwatchError(_STUCK) from self._failure
        with self._appending:
            self._log.append(batches)
            with self._changed:
                for table, batch in batches:
                    self._rows.setdefault(table, []).append(batch)
                    self._added += batch.nbytes
                self._since = self._since or time.monotonic()
                self._changed.notify_all()

    def settle(self) -> None:
        """Return when the engine has every row that was added before. Raises EpochwatchError where it takes none."""
        if self._moved == self._added:
            return
        with self._changed:
            wanted = self._added
            self._wanted = max(self._wanted, wanted)
            self._failure = None
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._moved >= wanted or self._failure, timeout=WAIT_SECONDS)
            if self._moved < wanted:
                raise EpochwatchError(_STUCK) from self._failure

    @contextmanager
    def paused(self) -> Iterator[None]:
        """No rows move into the engine meanwhile. Queries may not be made in the context: they would wait for rows."""
        with self._moving:
            yield

    def close(self) -> None:
        """Move everything, then end; what cannot be moved stays in the log. Idempotent."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join(WAIT_SECONDS)
        self._log.close()

    def _run(self) -> None:
        while self._due():
            try:
                with self._moving:
                    self._move()
            except Exception as error:
                logger.exception(
                    "rows could not be moved into the engine: they stay in the log and are tried again"
                )
                with self._changed:
                    self._failure = error
                    self._changed.notify_all()
                    if self._changed.wait_for(lambda: self._closed, timeout=RETRY_SECONDS):
                        return

    def _due(self) -> bool:
        """Wait until there is something to move; False at the end."""
        with self._changed:
            while True:
                staged = self._added - self._moved
                if staged and (self._closed or self._wanted > self._moved or staged >= FLUSH_BYTES):
                    return True
                if self._closed:
                    return False
                left = FLUSH_SECONDS - (time.monotonic() - self._since) if staged else None
                if left is not None and left <= 0:
                    return True
                self._changed.wait(left)

    def _move(self) -> None:
        load = self._load = self._load or self._taken()
        insert_tables(self._engine, self._tiers, load.rows, load.generation, load.name)
        self._log.remove(load.name)
        with self._changed:
            self._load = None
            self._moved += load.bytes
            self._changed.notify_all()

    def _taken(self) -> _Load:
        with self._appending:
            generation = self._tiers.generation(time.time())
            name = self._log.rotate(generation)
            with self._changed:
                rows, self._rows = self._rows, {}
                self._since = 0.0
        return _Load(name, generation, rows, sum(batch.nbytes for batches in rows.values() for batch in batches))
