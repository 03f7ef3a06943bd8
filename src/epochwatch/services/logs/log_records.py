"""Single log events with all their fields, and the fields that the events of a group have."""

import base64
import binascii
from collections import Counter
from typing import Any, Final

from epochwatch.model.aws_error import AwsError
from epochwatch.model.logs_insights.discovered import discovered_fields
from epochwatch.services.call import Call
from epochwatch.services.logs.names import existing_group, invalid

SAMPLE: Final = 10_000
"""Events, the newest of the time, that the fields of a group are found in."""
MOST_NAMES: Final = 1000
"""Of a group: the most frequent ones."""
_RECENT_MS: Final = 15 * 60_000
_AROUND_MS: Final = 8 * 60_000
_GENERATED: Final = ("@ingestionTime", "@log", "@logStream", "@message", "@ptr", "@timestamp")


def get_log_record(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """GetLogRecord: the event that a ``@ptr`` of a query's result points at. Nothing is masked here, so ``unmask``
    changes nothing.
    """
    pointer = request["logRecordPointer"]
    group, stream, timestamp, seq = _place(pointer)
    found = call.stores.logs.events(
        call.tenant, group, stream, start=timestamp, end=timestamp + 1, after=(timestamp, seq - 1), limit=1
    )
    if not found or found[0].place != (timestamp, seq):
        raise AwsError("ResourceNotFoundException", "The specified log record does not exist.")
    event = found[0]
    record = {
        "@ingestionTime": str(event.ingestion),
        "@log": f"{call.tenant.account}:{group}",
        "@logStream": stream,
        "@message": event.message,
        "@ptr": pointer,
        "@timestamp": str(event.timestamp),
    }
    return {"logRecord": discovered_fields(event.message) | record}


def get_log_group_fields(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """GetLogGroupFields: names and how many of the events have them, of the last 15 minutes or of 16 around ``time``
    (Unix seconds).
    """
    group = existing_group(call, request).name
    now, around = int(call.now * 1000), request.get("time")
    start, end = now - _RECENT_MS, now
    if around is not None:
        start, end = around * 1000 - _AROUND_MS, around * 1000 + _AROUND_MS
    events = call.stores.logs.scan(call.tenant, group, start=start, end=end + 1, newest=True, limit=SAMPLE)
    if not events:
        return {"logGroupFields": []}
    counts = Counter(name for event in events for name in discovered_fields(event.message))
    names = dict.fromkeys(_GENERATED, len(events)) | dict(counts.most_common(MOST_NAMES))
    shares = [(name, max(1, round(100 * count / len(events)))) for name, count in names.items()]
    shares.sort(key=lambda share: (-share[1], share[0]))
    return {"logGroupFields": [{"name": name, "percent": percent} for name, percent in shares]}


def _place(pointer: str) -> tuple[str, str, int, int]:
    """Group, stream, timestamp and number of the event. Raises AwsError."""
    try:
        group, stream, timestamp, seq = base64.b64decode(pointer, validate=True).decode().split("\0")
        return group, stream, int(timestamp), int(seq)
    except (binascii.Error, ValueError) as error:
        raise invalid("The specified logRecordPointer is invalid.") from error
