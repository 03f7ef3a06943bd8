"""Log events on their way in."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from typing import Any, Final

import pyarrow as pa

from epochwatch.model.embedded_metric import extract
from epochwatch.model.job import LOG_GROUP
from epochwatch.model.metric import DatapointColumns
from epochwatch.services.call import Call
from epochwatch.services.logs.names import invalid, no_group, no_stream, sequence_token
from epochwatch.store.job_logs import job_stream, put_job_events
from epochwatch.store.metric_filters import filtered

HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS
MOST_BYTES: Final = 1_048_576
EVENT_OVERHEAD: Final = 26
"""Bytes an event counts besides its message."""
LONGEST_SPAN_MS: Final = DAY_MS
OLDEST_MS: Final = 14 * DAY_MS
NEWEST_MS: Final = 2 * HOUR_MS


def put_log_events(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """PutLogEvents: stores what is neither too old nor too new nor expired. Sequence tokens are ignored.

    Metrics embedded in the events, and what metric filters find in them, are made durable after these and before the
    answer: of what is answered nothing is missing, but a client that sends again for want of an answer may store all
    twice. Not so in a stream of a job that has metric definitions: there what a repeated call brings, and the values
    in it, are stored once.
    """
    group_name, stream = request["logGroupName"], request["logStreamName"]
    groups = call.stores.state.log_groups
    group = groups.group(call.tenant, group_name)
    if group is None:
        raise no_group()
    if groups.stream(call.tenant, group_name, stream) is None:
        raise no_stream()
    events = [(event["timestamp"], event["message"]) for event in request["logEvents"]]
    times = [timestamp for timestamp, _ in events]
    _require_batch(events, times)
    now = int(call.now * 1000)
    first, last, rejected = _accepted(times, now, group.retention_days)
    accepted = events[first:last]
    announce = partial(_announce, call, group_name, stream)
    place = job_stream(call.stores, call.tenant, group_name, stream)
    if place is None:
        call.stores.logs.put_events(call.tenant, group_name, stream, accepted, now, announce)
    else:
        put_job_events(call.stores, place, accepted, call.now, announce, call.attempt)
    columns = _embedded(accepted, now)
    _filter(call, group_name, accepted, columns)
    call.stores.metrics.put(call.tenant, columns)
    answer: dict[str, Any] = {"nextSequenceToken": sequence_token(call.request_id)}
    if rejected:
        answer["rejectedLogEventsInfo"] = rejected
    return answer


def _embedded(events: Sequence[tuple[int, str]], now: int) -> DatapointColumns:
    columns = DatapointColumns()
    for timestamp, message in events:
        for metric, unit, resolution, second, values in extract(message, timestamp, now):
            for value in values:
                columns.add_value(metric, second, value, unit=unit, resolution=resolution)
    return columns


def _filter(call: Call, group: str, events: Sequence[tuple[int, str]], columns: DatapointColumns) -> None:
    """Adds what the group's metric filters find."""
    records = call.stores.state.metric_filters
    filters = records.acting(call.tenant, group)
    if filters and events:
        _, matched = filtered(filters, events, columns)
        records.note(call.tenant, group, int(call.now) // 60, matched)


def _announce(call: Call, group: str, stream: str, rows: pa.RecordBatch) -> None:
    """Tells those who tail the group or watch the job that the stream belongs to."""
    job, slash, _ = stream.partition("/")
    call.stores.feed.publish_log(call.tenant, group, stream, job if group == LOG_GROUP and slash else "", rows)


def _require_batch(events: Sequence[tuple[int, str]], times: Sequence[int]) -> None:
    size = sum(len(message.encode()) + EVENT_OVERHEAD for _, message in events)
    if size > MOST_BYTES:
        raise invalid(f"Upload too large: {size} bytes exceeds limit of {MOST_BYTES}")
    if any(later < earlier for earlier, later in pairwise(times)):
        raise invalid("Log events in a single PutLogEvents request must be in chronological order.")
    if times[-1] - times[0] > LONGEST_SPAN_MS:
        raise invalid("The batch of log events in a single PutLogEvents request cannot span more than 24 hours.")


def _accepted(times: Sequence[int], now: int, retention_days: int | None) -> tuple[int, int, dict[str, int]]:
    """(first, end) of the events to store, and what the answer says about the others."""
    rejected: dict[str, int] = {}
    first = bisect_left(times, now - OLDEST_MS)
    if first:
        rejected["tooOldLogEventEndIndex"] = first
    if retention_days is not None:
        expired = bisect_left(times, now - retention_days * DAY_MS)
        if expired > first:
            rejected["expiredLogEventEndIndex"] = expired
            first = expired
    last = bisect_right(times, now + NEWEST_MS)
    if last < len(times):
        rejected["tooNewLogEventStartIndex"] = last
    return first, max(first, last), rejected
