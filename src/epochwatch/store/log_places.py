"""Which line of a log a run point came from, and which points came of a line.

What an agent finds in a line has the source and the position of the line; of a line that is not at its end yet it has
an earlier one, behind that of the line before. What the server finds in a stream (`store.job_logs`) has a source of the
stream's own and the event's ``seq``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from epochwatch.model.job import LOG_GROUP
from epochwatch.model.tenant import Tenant
from epochwatch.store.job_logs import JobStream
from epochwatch.store.log_events import GroupPlace, LogEvent, events_in
from epochwatch.store.rows import API_SOURCE, source_number
from epochwatch.store.run_points import TRAINING_JOB, selection

if TYPE_CHECKING:
    from epochwatch.store.stores import Stores

LATEST_END_MS = 3_600_000
"""A line that values were taken from before its end ends within so long."""
_LINE = "ts, ingestion, seq, toString(stream) AS stream, message"
_POINT = "toString(metric) AS metric, toString(host) AS host, step, epoch, time, value, source, seq"


@dataclass(frozen=True, slots=True)
class JobLog:
    """The log of a training job."""

    tenant: Tenant
    job: str
    streams: Sequence[str]

    @property
    def where(self) -> str:
        """The condition of its events."""
        given = "account = %(account)s AND region = %(region)s AND log_group = %(group)s"
        return f"{given} AND stream IN %(streams)s" if self.streams else "0"

    @property
    def parameters(self) -> dict[str, Any]:
        """Those of the condition."""
        tenant = self.tenant
        return {
            "account": tenant.account,
            "region": tenant.region,
            "group": LOG_GROUP,
            "streams": list(self.streams),
        }

    def stream_source(self, stream: str) -> int:
        """The source of the points that the server found in a stream."""
        return source_number(self.tenant, JobStream(self.tenant, self.job, "", stream).values_source)


def placed_points(stores: "Stores", log: JobLog, metric: str, host: str | None) -> pa.Table:
    """The points of a metric by host, time and place; columns as of `RunPointStore.points`, and ``source``, ``seq``."""
    where, parameters = selection(log.tenant, TRAINING_JOB, log.job, [metric], host)
    return stores.engine.query(
        f"SELECT {_POINT} FROM run_points WHERE {where} ORDER BY run_points.host, run_points.time, run_points.seq",
        parameters,
    )


def line_of(stores: "Stores", log: JobLog, source: int, seq: int, time: int) -> LogEvent | None:
    """The line from which a point came, by its place and its time (Unix microseconds); None: it came from no line."""
    moment = time // 1000
    asked: dict[str, Any] = {"source": source, "seq": seq, "first": moment - 1000, "last": moment + LATEST_END_MS}
    within = "AND ts BETWEEN %(first)s AND %(last)s"
    stream = next((one for one in log.streams if log.stream_source(one) == source), None)
    if stream is not None:
        where = "AND stream = %(stream)s AND seq = %(seq)s"
        asked["stream"] = stream
    elif source == API_SOURCE:
        return None
    else:
        where = "AND source = %(source)s AND seq >= %(seq)s"
    rows = stores.engine.query(
        f"SELECT {_LINE} FROM log_events WHERE {log.where} {where} {within} ORDER BY seq LIMIT 1",
        log.parameters | asked,
    )
    return next(events_in(rows), None)


def line_near(stores: "Stores", log: JobLog, host: str, time: int) -> LogEvent | None:
    """The last line of a host at or before a time (Unix microseconds), else the first behind it."""
    own = [stream for stream in log.streams if stream.startswith(f"{log.job}/{host}")] or list(log.streams)
    moment = time // 1000
    for bounds in ({"newest": True, "before": (moment + 1, 0, "")}, {"after": (moment + 1, 0, "")}):
        for events, _ in stores.logs.walk(log.tenant, LOG_GROUP, own, limit=1, **bounds):
            if events:
                return events[0]
    return None


def points_of(stores: "Stores", log: JobLog, place: GroupPlace) -> pa.Table:
    """The points that came of a line, by metric; columns as of `placed_points`."""
    moment, seq, stream = place
    asked = {"line": seq, "stream": stream, "first": moment - LATEST_END_MS, "last": moment}
    (line,) = stores.engine.query(
        f"SELECT max(source) AS source, (SELECT max(seq) FROM log_events WHERE {log.where} "
        "AND stream = %(stream)s AND ts BETWEEN %(first)s AND %(last)s AND seq < %(line)s AND source IN "
        f"(SELECT source FROM log_events WHERE {log.where} AND stream = %(stream)s AND ts = %(last)s "
        f"AND seq = %(line)s)) AS before FROM log_events WHERE {log.where} AND stream = %(stream)s "
        "AND ts = %(last)s AND seq = %(line)s",
        log.parameters | asked,
    ).to_pylist()
    where, parameters = selection(log.tenant, TRAINING_JOB, log.job, None, None)
    own = "(source = %(stream_source)s AND seq = %(line)s)"
    if line["source"]:
        own += " OR (source = %(source)s AND seq > %(before)s AND seq <= %(line)s)"
    return stores.engine.query(
        f"SELECT {_POINT} FROM run_points WHERE {where} AND time BETWEEN %(begin)s AND %(end)s AND ({own}) "
        "ORDER BY run_points.metric, run_points.time, run_points.seq",
        parameters
        | {
            "line": seq,
            "source": line["source"],
            "before": line["before"] or max(seq - 1, 0),
            "stream_source": log.stream_source(stream),
            "begin": (moment - LATEST_END_MS) * 1000,
            "end": (moment + 1000) * 1000,
        },
    )
