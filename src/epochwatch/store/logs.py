"""Log events: writing, reading a stream in order from any place, scanning a group."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from epochwatch.model.tenant import Tenant
from epochwatch.store.engine import Engine
from epochwatch.store.ingest import Ingest
from epochwatch.store.log_deletion import delete_events
from epochwatch.store.log_events import GroupPlace, LogEvent, Place, beside, between, events_in, having, where_of
from epochwatch.store.rows import API_SOURCE, Rows, SequenceNumbers, constant, log_event_rows
from epochwatch.store.schema import DAY_MS
from epochwatch.store.state.log_groups import LogGroupStore

SPAN_EVENTS = 200_000
SPAN_GROWTH = 64


@dataclass(frozen=True, slots=True)
class StreamBounds:
    """What a stream holds. Times are Unix milliseconds."""

    first: int
    last: int
    last_ingestion: int


@dataclass(slots=True)
class Density:
    """How many events there are over time. Times are Unix milliseconds."""

    first: int
    last: int
    width: int
    """Of a bucket, in milliseconds."""
    events: list[int]
    """Of each bucket."""
    hits: list[int] | None
    """Those of them that were looked for; None: nothing was."""


class LogStore:
    """Log events of all tenants. Groups and streams themselves are records of the state store.

    Events that are past their group's retention are not read, whether they are deleted yet or not.
    """

    def __init__(self, engine: Engine, ingest: Ingest, numbers: SequenceNumbers, groups: LogGroupStore) -> None:
        self._engine = engine
        self._ingest = ingest
        self._numbers = numbers
        self._groups = groups

    def put_events(
        self,
        tenant: Tenant,
        group: str,
        stream: str,
        events: Sequence[tuple[int, str]],
        now_ms: int,
        announce: Callable[[pa.RecordBatch], None] | None = None,
        *,
        source: int = API_SOURCE,
        above: int = 0,
    ) -> NDArray[np.uint64]:
        """Store (timestamp in ms, message) events as rows of ``source``; durable on return. ``announce`` is called
        after the commit with the rows they became. Their ``seq``, each greater than ``above``.
        """
        count = len(events)
        numbers = self._numbers.take(count, above)
        if not count:
            return numbers
        columns: dict[str, Any] = {
            "account": constant(tenant.account, count),
            "region": constant(tenant.region, count),
            "log_group": constant(group, count),
            "stream": constant(stream, count),
            "ts": np.array([timestamp for timestamp, _ in events], np.int64),
            "ingestion": np.full(count, now_ms, np.int64),
            "message": pa.array([message for _, message in events], pa.string()),
            "source": np.full(count, source, np.uint64),
            "seq": numbers,
        }
        rows = log_event_rows(columns)
        tell = None if announce is None else partial(announce, rows)
        self._ingest.write(Rows(log_events=rows, announce=tell))
        return numbers

    def kept_since(self, tenant: Tenant, group: str) -> int | None:
        """The time (Unix ms) of the oldest event of a group that is not past its retention; None: it has none."""
        days = self._groups.retention(tenant, group)
        return None if days is None else int(time.time() * 1000) - days * DAY_MS

    def delete(self, tenant: Tenant, group: str, stream: str | None = None) -> None:
        """Forget the events of a group, or of one of its streams. They are gone for readers on return."""
        where, parameters = where_of(tenant, group, None if stream is None else [stream], None, None)
        delete_events(self._engine, where, parameters)

    def events(
        self,
        tenant: Tenant,
        group: str,
        stream: str,
        *,
        start: int | None = None,
        end: int | None = None,
        after: Place | None = None,
        before: Place | None = None,
        newest: bool = False,
        limit: int = 10_000,
    ) -> list[LogEvent]:
        """Events of one stream in order, with start <= timestamp < end (ms), behind ``after`` and in front of
        ``before``; at most ``limit``, the oldest of them or with ``newest`` the newest.
        """
        where, parameters = self._kept(tenant, group, [stream], start, end)
        where += beside(after, before, parameters)
        order = "DESC" if newest else "ASC"
        table = self._engine.query(
            f"SELECT ts, ingestion, seq, toString(stream) AS stream, message FROM log_events WHERE {where} "
            f"ORDER BY ts {order}, seq {order} LIMIT %(limit)s",
            parameters | {"limit": limit},
        )
        found = list(events_in(table))
        return found[::-1] if newest else found

    def scan(
        self,
        tenant: Tenant,
        group: str,
        streams: Sequence[str] | None = None,
        *,
        prefix: str | None = None,
        start: int | None = None,
        end: int | None = None,
        containing: Sequence[str] = (),
        matching: Sequence[str] = (),
        after: tuple[int, int, str] | None = None,
        newest: bool = False,
        limit: int = 10_000,
    ) -> list[LogEvent]:
        """Events of a group's streams (or those whose name begins with ``prefix``) by timestamp, seq and stream,
        with ``newest`` from the last to the first, behind ``after`` of that order; only those whose message has
        all the texts of ``containing``, and in which all regular expressions of ``matching`` are found.
        """
        wanted, parameters = having(containing, matching)
        found: list[LogEvent] = []
        for events, _ in self.walk(
            tenant,
            group,
            streams,
            prefix=prefix,
            start=start,
            end=end,
            condition=wanted,
            parameters=parameters,
            before=after if newest else None,
            after=None if newest else after,
            newest=newest,
            limit=limit,
        ):
            found += events
        return found

    def walk(
        self,
        tenant: Tenant,
        group: str,
        streams: Sequence[str] | None = None,
        *,
        prefix: str | None = None,
        start: int | None = None,
        end: int | None = None,
        condition: str = "",
        parameters: Mapping[str, Any] | None = None,
        after: GroupPlace | None = None,
        before: GroupPlace | None = None,
        newest: bool = False,
        limit: int = 10_000,
        growth: int = SPAN_GROWTH,
    ) -> Iterator[tuple[list[LogEvent], GroupPlace]]:
        """As `scan`, but span of time by span of time, each ``growth`` times as long as the one before: its events for
        which a condition of the engine holds, and the place that was looked up to. Whoever has enough goes no further.
        """
        where, given = self._kept(tenant, group, streams, start, end)
        if prefix is not None:
            where += " AND startsWith(stream, %(prefix)s)"
            given["prefix"] = prefix
        where += between(after, before, given)
        wanted = f" AND ({condition})" if condition else ""
        given |= parameters or {}
        order = "DESC" if newest else "ASC"
        count = 0
        for first, last in self._spans(where, given, newest, growth):
            table = self._engine.query(
                "SELECT ts, ingestion, seq, toString(stream) AS stream, message FROM log_events "
                f"WHERE {where}{wanted} AND ts >= %(first)s AND ts <= %(last)s "
                f"ORDER BY ts {order}, seq {order}, stream {order} LIMIT %(limit)s",
                given | {"first": first, "last": last, "limit": limit - count},
            )
            events = list(events_in(table))
            count += len(events)
            yield events, (first, 0, "") if newest else (last + 1, 0, "")
            if count == limit:
                return

    def density(
        self,
        tenant: Tenant,
        group: str,
        streams: Sequence[str] | None,
        buckets: int,
        *,
        start: int | None = None,
        end: int | None = None,
        condition: str = "",
        parameters: Mapping[str, Any] | None = None,
    ) -> Density | None:
        """How many events there are in each of at most ``buckets`` equal spans of time from the first of all to the
        last, and for how many of them a condition of the engine holds; None where there are no events.
        """
        where, given = self._kept(tenant, group, streams, start, end)
        first, last, events = self._extent(where, given)
        if not events:
            return None
        width = (last - first) // buckets + 1
        hits = f"countIf({condition})" if condition else "0"
        rows = self._engine.query(
            f"SELECT intDiv(ts - %(first)s, %(width)s) AS bucket, count() AS events, {hits} AS hits "
            f"FROM log_events WHERE {where} GROUP BY bucket",
            given | dict(parameters or {}) | {"first": first, "width": width},
        )
        density = Density(first, last, width, [0] * ((last - first) // width + 1), None)
        if condition:
            density.hits = [0] * len(density.events)
        for bucket, count, matching in zip(
            *(rows[name].to_pylist() for name in ("bucket", "events", "hits")), strict=True
        ):
            if bucket >= len(density.events):
                continue  # written while it was counted
            density.events[bucket] = int(count)
            if density.hits is not None:
                density.hits[bucket] = int(matching)
        return density

    def _extent(self, where: str, parameters: Mapping[str, Any]) -> tuple[int, int, int]:
        """Times of the first and the last event of a condition, and how many there are."""
        rows = self._engine.query(
            f"SELECT min(ts) AS first, max(ts) AS last, count() AS events FROM log_events WHERE {where}",
            parameters,
        )
        (found,) = zip(*(rows[name].to_pylist() for name in ("first", "last", "events")), strict=True)
        first, last, events = found
        return first, last, events

    def _spans(
        self, where: str, parameters: Mapping[str, Any], newest: bool, growth: int
    ) -> Iterator[tuple[int, int]]:
        """Spans of time (both ends belong to them), one after the other, that cover the events of a condition: the
        first has about `SPAN_EVENTS`, each further one is ``growth`` times as long. Few of many events are then
        found without looking at all of them.
        """
        first, last, events = self._extent(where, parameters)
        if not events:
            return
        length = max(1, (last - first + 1) * SPAN_EVENTS // events)
        while first <= last:
            if newest:
                yield max(first, last - length + 1), last
                last -= length
            else:
                yield first, min(last, first + length - 1)
                first += length
            length *= growth

    def stream_bounds(
        self, tenant: Tenant, group: str, streams: Sequence[str] | None = None
    ) -> dict[str, StreamBounds]:
        """What each stream with events holds, by name."""
        where, parameters = self._kept(tenant, group, streams, None, None)
        table = self._engine.query(
            "SELECT toString(stream) AS name, min(ts) AS first, max(ts) AS last, max(ingestion) AS last_ingestion "
            f"FROM log_events WHERE {where} GROUP BY stream",
            parameters,
        )
        return {
            row.pop("name"): StreamBounds(**{name: int(value) for name, value in row.items()})
            for row in table.to_pylist()
        }

    def group_sizes(self, tenant: Tenant, groups: Sequence[str]) -> dict[str, int]:
        """Bytes of the messages in each group that has events, 26 added for each as CloudWatch bills them."""
        if not groups:
            return {}
        where = "account = %(account)s AND region = %(region)s AND log_group IN %(groups)s"
        parameters: dict[str, Any] = {
            "account": tenant.account,
            "region": tenant.region,
            "groups": list(groups),
        }
        for number, group in enumerate(groups):
            since = self.kept_since(tenant, group)
            if since is not None:
                where += f" AND NOT (log_group = %(group{number})s AND ts < %(since{number})s)"
                parameters |= {f"group{number}": group, f"since{number}": since}
        table = self._engine.query(
            "SELECT toString(log_group) AS name, sum(size) + 26 * count() AS bytes FROM log_events "
            f"WHERE {where} GROUP BY log_group",
            parameters,
        )
        return {row["name"]: int(row["bytes"]) for row in table.to_pylist()}

    def _kept(
        self, tenant: Tenant, group: str, streams: Sequence[str] | None, start: int | None, end: int | None
    ) -> tuple[str, dict[str, Any]]:
        """The condition of a read."""
        since = self.kept_since(tenant, group)
        if since is not None:
            start = since if start is None else max(start, since)
        return where_of(tenant, group, streams, start, end)
