"""Logs Insights queries under way and their results, which are kept in memory for a while."""

import logging
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import Enum
from typing import Final

import pyarrow as pa
from clickhouse_connect.driver.exceptions import ClickHouseError

from epochwatch.errors import EpochwatchError
from epochwatch.model.logs_insights.syntax import Query
from epochwatch.model.tenant import Tenant
from epochwatch.store.engine import Engine
from epochwatch.store.log_query_sql import Plan, Selection, compile_query

logger = logging.getLogger(__name__)

RUNNING_AT_ONCE: Final = 4
"""Further queries wait: the engine is there for others too."""
QUERY_SECONDS: Final = 60
"""A query that takes longer is given up."""
MOST_ACTIVE: Final = 100
"""Queries of one account and region that wait or run."""
KEPT_SECONDS: Final = 3600
"""A result is there for so long."""
KEPT_QUERIES: Final = 2000
KEPT_BYTES: Final = 128 << 20
"""Of all results together: beyond, the oldest go first."""
RESULT_BYTES: Final = 32 << 20
"""A query whose result is larger fails."""
_SETTINGS: Final = (
    f"max_subquery_depth = 200, max_block_size = 8192, max_result_bytes = {RESULT_BYTES}, "
    "optimize_arithmetic_operations_in_aggregate_functions = 0"
)
"""A query that is stopped ends with a block. The engine cannot take a constant NULL out of a sum."""


class Status(Enum):
    """What has become of a query, as CloudWatch Logs calls it."""

    SCHEDULED = "Scheduled"
    RUNNING = "Running"
    COMPLETE = "Complete"
    FAILED = "Failed"
    CANCELLED = "Cancelled"
    TIMEOUT = "Timeout"

    @property
    def active(self) -> bool:
        """Whether the query still waits or runs."""
        return self in (Status.SCHEDULED, Status.RUNNING)


class TooManyQueries(Exception):
    """As many queries of the account are active as may be."""


@dataclass(frozen=True, slots=True)
class Statistics:
    """What a query looked at."""

    scanned: int = 0
    """Log events."""
    bytes: int = 0
    """Of their messages."""
    matched: int = 0
    """Log events that every filter lets pass."""


@dataclass(slots=True)
class LogQuery:
    """A query and what has become of it."""

    id: str
    tenant: Tenant
    text: str
    groups: tuple[str, ...]
    created: float
    """Unix seconds."""
    plan: Plan
    status: Status = Status.SCHEDULED
    statistics: Statistics = Statistics()
    duration: float = 0.0
    """Seconds that it ran."""
    table: pa.Table | None = None
    begun: float = 0.0
    """By the monotonic clock."""

    @property
    def row_count(self) -> int:
        """The number of rows of the result."""
        return 0 if self.table is None else int(self.table.num_rows)

    def rows(self, offset: int, count: int) -> list[list[tuple[str, str]]]:
        """A part of the result: of each row the fields that it has, with their values."""
        if self.table is None:
            return []
        columns = [column.to_pylist() for column in self.table.slice(offset, count).columns]
        return [
            [(name, value) for name, value in zip(self.plan.names, row, strict=True) if value is not None]
            for row in zip(*columns, strict=True)
        ]


class LogQueries:
    """Runs queries in threads of its own. Safe to use from any number of threads."""

    def __init__(
        self, engine: Engine, *, clock: Callable[[], float] = time.time, seconds: float = QUERY_SECONDS
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._seconds = seconds
        self._queries: dict[str, LogQuery] = {}
        """From the oldest to the newest."""
        self._changed = threading.Lock()
        self._pool = ThreadPoolExecutor(RUNNING_AT_ONCE, thread_name_prefix="epochwatch-log-query")

    def start(self, query: Query, selection: Selection, *, limit: int | None = None) -> LogQuery:
        """Begin with ``query``. ``limit`` is for one that has none. Raises MalformedQuery for what cannot be meant,
        TooManyQueries.
        """
        now = self._clock()
        plan = compile_query(query, selection, now=now, limit=limit)
        started = LogQuery(str(uuid.uuid4()), selection.tenant, query.text, selection.groups, now, plan)
        with self._changed:
            self._forget(now)
            active = sum(one.status.active for one in self._queries.values() if one.tenant == selection.tenant)
            if active >= MOST_ACTIVE:
                raise TooManyQueries
            self._queries[started.id] = started
        self._pool.submit(self._run, started)
        return started

    def get(self, tenant: Tenant, query_id: str) -> LogQuery | None:
        """The tenant's query of that id, while it is kept."""
        with self._changed:
            self._forget(self._clock())
            found = self._queries.get(query_id)
        return found if found is not None and found.tenant == tenant else None

    def list(self, tenant: Tenant) -> Sequence[LogQuery]:
        """The tenant's queries that are kept, from the newest to the oldest."""
        with self._changed:
            self._forget(self._clock())
            return [query for query in reversed(self._queries.values()) if query.tenant == tenant]

    def stop(self, query: LogQuery) -> bool:
        """Give ``query`` up; False when it has ended already."""
        with self._changed:
            if not query.status.active:
                return False
            running = query.status is Status.RUNNING
            self._end(query, Status.CANCELLED)
        if running:
            self._kill(query)
        return True

    def clear(self) -> None:
        """Stop and forget every query."""
        with self._changed:
            queries = list(self._queries.values())
        for query in queries:
            self.stop(query)
        with self._changed:
            for query in queries:
                self._queries.pop(query.id, None)

    def close(self) -> None:
        """Stop every query and end the threads. Idempotent."""
        self.clear()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _run(self, query: LogQuery) -> None:
        with self._changed:
            if query.status is not Status.SCHEDULED:
                return
            query.status, query.begun = Status.RUNNING, time.monotonic()
        status, table, statistics = Status.COMPLETE, None, Statistics()
        try:
            statistics = self._statistics(query)
            if query.status is Status.RUNNING:
                table = self._ask(query, query.plan.rows)
            if table is not None and table.nbytes > RESULT_BYTES:
                logger.warning("the result of log query %s is larger than %d bytes", query.id, RESULT_BYTES)
                status, table = Status.FAILED, None
        except (ClickHouseError, EpochwatchError, OSError, pa.ArrowException) as error:
            status = Status.TIMEOUT if "TIMEOUT_EXCEEDED" in str(error) else Status.FAILED
            if query.status is Status.RUNNING:
                logger.warning("log query %s ended: %s", query.id, str(error)[:500])
        with self._changed:
            if query.status is Status.RUNNING:
                query.table, query.statistics = table, statistics
                self._end(query, status)

    def _statistics(self, query: LogQuery) -> Statistics:
        (scanned,) = self._ask(query, query.plan.scanned).to_pylist()
        matched = scanned["events"]
        if query.plan.matched is not None and query.status is Status.RUNNING:
            (matched,) = self._ask(query, query.plan.matched)["events"].to_pylist()
        return Statistics(scanned["events"], scanned["bytes"] or 0, matched)

    def _ask(self, query: LogQuery, sql: str) -> pa.Table:
        left = max(self._seconds - (time.monotonic() - query.begun), 0.1)
        return self._engine.query(
            f"{_mark(query)} {sql} SETTINGS max_execution_time = {left:.1f}, {_SETTINGS}", query.plan.parameters
        )

    def _kill(self, query: LogQuery) -> None:
        try:
            self._engine.command("KILL QUERY WHERE startsWith(query, %(mark)s) ASYNC", {"mark": _mark(query)})
        except (ClickHouseError, EpochwatchError) as error:
            logger.warning("log query %s runs on until its time is over: %s", query.id, str(error)[:200])

    @staticmethod
    def _end(query: LogQuery, status: Status) -> None:
        query.status = status
        query.duration = time.monotonic() - query.begun if query.begun else 0.0

    def _forget(self, now: float) -> None:
        """Drop what has been kept long enough, and the oldest of what is too much."""
        ended = [query for query in self._queries.values() if not query.status.active]
        size = sum(query.table.nbytes for query in ended if query.table is not None)
        count = len(self._queries)
        for query in ended:
            if query.created > now - KEPT_SECONDS and size <= KEPT_BYTES and count <= KEPT_QUERIES:
                return
            del self._queries[query.id]
            size -= 0 if query.table is None else query.table.nbytes
            count -= 1


def _mark(query: LogQuery) -> str:
    """What the query's statements begin with."""
    return f"/* log query {query.id} */"
