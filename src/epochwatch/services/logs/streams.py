"""Log streams."""

from collections.abc import Mapping
from typing import Any

from epochwatch.model.aws_error import AwsError
from epochwatch.services.call import Call
from epochwatch.services.logs.names import (
    existing_group,
    group_arn,
    invalid,
    no_group,
    no_stream,
    require_deletable,
    sequence_token,
)
from epochwatch.services.logs.paging import position_of
from epochwatch.services.tokens import seal
from epochwatch.store.logs import StreamBounds
from epochwatch.store.state.log_groups import LogStream

PAGE = 50


def create_log_stream(call: Call, request: dict[str, Any]) -> None:
    """CreateLogStream."""
    group = request["logGroupName"]
    groups = call.stores.state.log_groups
    if groups.group(call.tenant, group) is None:
        raise no_group()
    if not groups.create_stream(call.tenant, group, request["logStreamName"], int(call.now * 1000)):
        raise AwsError("ResourceAlreadyExistsException", "The specified log stream already exists")


def delete_log_stream(call: Call, request: dict[str, Any]) -> None:
    """DeleteLogStream: the stream with its events."""
    group, stream = existing_group(call, request), request["logStreamName"]
    require_deletable(group)
    if call.stores.state.log_groups.stream(call.tenant, group.name, stream) is None:
        raise no_stream()
    call.stores.logs.delete(call.tenant, group.name, stream)
    call.stores.state.log_groups.delete_stream(call.tenant, group.name, stream)
    call.stores.logs.delete(call.tenant, group.name, stream)  # what came meanwhile


def describe_log_streams(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """DescribeLogStreams: a page of a group's streams, by name or by their last event.

    A nextToken is there only when streams are left: clients loop as long as one comes.
    """
    group = existing_group(call, request).name
    prefix = request.get("logStreamNamePrefix")
    by_time = request.get("orderBy") == "LastEventTime"
    if by_time and prefix:
        raise invalid("Cannot order by LastEventTime with a logStreamNamePrefix.")
    descending = request.get("descending", False)
    streams = call.stores.state.log_groups.streams(call.tenant, group, prefix)
    bounds: Mapping[str, StreamBounds] = {}
    if by_time:
        bounds = call.stores.logs.stream_bounds(call.tenant, group)
    keyed = sorted(((_key(stream, bounds), stream) for stream in streams), key=lambda pair: pair[0])
    if descending:
        keyed.reverse()
    bound = {name: value for name, value in request.items() if name not in ("nextToken", "limit")}
    after = position_of(bound, request.get("nextToken"))
    if after is not None:
        keyed = [pair for pair in keyed if (pair[0] < after if descending else pair[0] > after)]
    limit = request.get("limit", PAGE)
    page = keyed[:limit]
    if not by_time and page:
        bounds = call.stores.logs.stream_bounds(call.tenant, group, [stream.name for _, stream in page])
    answer: dict[str, Any] = {
        "logStreams": [_described(call, stream, bounds.get(stream.name)) for _, stream in page]
    }
    if len(keyed) > limit:
        answer["nextToken"] = seal(bound, page[-1][0])
    return answer


def _key(stream: LogStream, bounds: Mapping[str, StreamBounds]) -> tuple[int, str]:
    """What streams are ordered by: (time of the last event, where it counts), name."""
    held = bounds.get(stream.name)
    return (held.last if held else 0), stream.name


def _described(call: Call, stream: LogStream, held: StreamBounds | None) -> dict[str, Any]:
    arn = f"{group_arn(call.tenant, stream.log_group)}:log-stream:{stream.name}"
    described: dict[str, Any] = {
        "logStreamName": stream.name,
        "creationTime": stream.created,
        "arn": arn,
        "storedBytes": 0,
        "uploadSequenceToken": sequence_token(arn),
    }
    if held is not None:
        described["firstEventTimestamp"] = held.first
        described["lastEventTimestamp"] = held.last
        described["lastIngestionTime"] = held.last_ingestion
    return described
