"""Events of a group that match a filter pattern."""

import hashlib
from collections.abc import Mapping
from typing import Any, Final

from epochwatch.model.filter_pattern import FilterPattern, InvalidFilterPattern, compile_pattern
from epochwatch.services.call import Call
from epochwatch.services.logs.event_reading import MOST_BYTES, MOST_EVENTS
from epochwatch.services.logs.event_writing import EVENT_OVERHEAD
from epochwatch.services.logs.names import existing_group, invalid, no_stream
from epochwatch.services.logs.paging import position_of
from epochwatch.services.tokens import seal
from epochwatch.store.log_events import LogEvent

SCANNED_AT_MOST: Final = 200_000
"""Events looked at for one page; a page may thus be short, or empty, and yet have a token."""
NEWEST_FIRST_SINCE: Final = 1_704_067_200_000
"""Unix milliseconds: newest first cannot be asked for a time before."""
_CHUNK: Final = 10_000
_NOT_BOUND: Final = frozenset({"nextToken", "limit", "startFromHead"})


def filter_log_events(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """FilterLogEvents: a page of matching events by time, from the oldest or, with ``startFromHead`` false, from the
    newest on. A nextToken is there only while events are left; it keeps the direction.
    """
    group = existing_group(call, request).name
    streams, prefix = request.get("logStreamNames"), request.get("logStreamNamePrefix")
    if streams and prefix:
        raise invalid("logStreamNames and logStreamNamePrefix are mutually exclusive parameters.")
    for name in streams or ():
        if call.stores.state.log_groups.stream(call.tenant, group, name) is None:
            raise no_stream()
    try:
        pattern = compile_pattern(request.get("filterPattern", ""))
    except InvalidFilterPattern as error:
        raise invalid(f"Invalid filter pattern: {error}") from error
    bound = {name: value for name, value in request.items() if name not in _NOT_BOUND}
    last = position_of(bound, request.get("nextToken"))
    newest, after = (last[0], last[1:]) if last else (not request.get("startFromHead", True), None)
    if newest and request.get("startTime", NEWEST_FIRST_SINCE) < NEWEST_FIRST_SINCE:
        raise invalid(
            "startFromHead false is supported only for a startTime on or after Jan 1, 2024 00:00:00 UTC."
        )
    scan = _Scan(call, group, request, pattern, newest)
    found, position = scan.page(after, request.get("limit", MOST_EVENTS))
    answer: dict[str, Any] = {"events": [_shown(group, event) for event in found], "searchedLogStreams": []}
    if position is not None:
        answer["nextToken"] = seal(bound, [newest, *position])
    return answer


class _Scan:
    """Walks through a group's events."""

    def __init__(
        self, call: Call, group: str, request: Mapping[str, Any], pattern: FilterPattern, newest: bool
    ) -> None:
        self._call = call
        self._group = group
        self._request = request
        self._pattern = pattern
        self._newest = newest

    def page(
        self, after: tuple[int, int, str] | None, limit: int
    ) -> tuple[list[LogEvent], tuple[int, int, str] | None]:
        """Up to ``limit`` matching events behind ``after``, and where to go on (None at the end)."""
        found: list[LogEvent] = []
        size = scanned = 0
        while scanned < SCANNED_AT_MOST:
            chunk = self._chunk(after, _CHUNK)
            for event in chunk:
                matching = self._pattern.matches(event.message)
                size += (len(event.message.encode()) + EVENT_OVERHEAD) if matching else 0
                if matching and found and (len(found) == limit or size > MOST_BYTES):
                    return found, after
                after = (event.timestamp, event.seq, event.stream)
                if matching:
                    found.append(event)
            if len(chunk) < _CHUNK:
                return found, None
            scanned += len(chunk)
        return found, after

    def _chunk(self, after: tuple[int, int, str] | None, limit: int) -> list[LogEvent]:
        return self._call.stores.logs.scan(
            self._call.tenant,
            self._group,
            self._request.get("logStreamNames"),
            prefix=self._request.get("logStreamNamePrefix"),
            start=self._request.get("startTime"),
            end=self._request.get("endTime"),
            containing=self._pattern.required,
            matching=self._pattern.required_regexes,
            after=after,
            newest=self._newest,
            limit=limit,
        )


def _shown(group: str, event: LogEvent) -> dict[str, Any]:
    place = f"{group}\0{event.stream}\0{event.seq}\0{event.message}".encode("utf-8", "surrogatepass")
    digest = int.from_bytes(hashlib.blake2b(place, digest_size=16).digest(), "big")
    return {
        "logStreamName": event.stream,
        "timestamp": event.timestamp,
        "message": event.message,
        "ingestionTime": event.ingestion,
        "eventId": f"{event.timestamp:017d}{digest:039d}",
    }
