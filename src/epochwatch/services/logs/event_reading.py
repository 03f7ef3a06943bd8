"""One stream's events, forwards and backwards."""

from collections.abc import Iterable
from itertools import takewhile
from typing import Any, Final

from epochwatch.services.call import Call
from epochwatch.services.logs.event_writing import EVENT_OVERHEAD
from epochwatch.services.logs.names import existing_group, invalid_token, no_stream
from epochwatch.services.logs.paging import position_of
from epochwatch.services.tokens import seal
from epochwatch.store.log_events import LogEvent, Place

MOST_EVENTS: Final = 10_000
MOST_BYTES: Final = 1_048_576
_FORWARD: Final = "f/"
_BACKWARD: Final = "b/"


def get_log_events(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """GetLogEvents: a page of events in order of time, and the tokens of the pages beside it.

    A token is a lasting place in the stream: ``f/`` goes on behind it, ``b/`` in front of it. Where there is
    nothing, the same token comes back, and finds what is added later.
    """
    group, stream = existing_group(call, request).name, request["logStreamName"]
    if call.stores.state.log_groups.stream(call.tenant, group, stream) is None:
        raise no_stream()
    bound = {"group": group, "stream": stream}
    token = request.get("nextToken")
    way, place = _place(bound, token)
    backwards = way == _BACKWARD or (token is None and not request.get("startFromHead", False))
    events = call.stores.logs.events(
        call.tenant,
        group,
        stream,
        start=request.get("startTime"),
        end=request.get("endTime"),
        after=place if way == _FORWARD else None,
        before=place if way == _BACKWARD else None,
        newest=backwards,
        limit=request.get("limit", MOST_EVENTS),
    )
    events = within(reversed(events))[::-1] if backwards else within(events)
    first, last = _edges(events, way, place, request.get("startTime", 0))
    return {
        "events": [
            {"timestamp": event.timestamp, "message": event.message, "ingestionTime": event.ingestion}
            for event in events
        ],
        "nextForwardToken": _FORWARD + seal(bound, last),
        "nextBackwardToken": _BACKWARD + seal(bound, first),
    }


def within(events: Iterable[LogEvent], size: int = MOST_BYTES) -> list[LogEvent]:
    """As many of the events as an answer of ``size`` bytes holds, but one at least."""
    used = 0

    def fits(event: LogEvent) -> bool:
        nonlocal used
        before, used = used, used + len(event.message.encode()) + EVENT_OVERHEAD
        return before == 0 or used <= size

    return list(takewhile(fits, events))


def _place(bound: dict[str, str], token: str | None) -> tuple[str, Place | None]:
    if token is None:
        return "", None
    way = token[:2]
    if way not in (_FORWARD, _BACKWARD):
        raise invalid_token()
    return way, position_of(bound, token[2:])


def _edges(events: list[LogEvent], way: str, place: Place | None, start: int) -> tuple[Place, Place]:
    """The places in front of and behind the page.

    Beside an empty page the token that led there stays as it is; the other one is moved by one, because the
    event at the place itself lies on its side.
    """
    if events:
        return events[0].place, events[-1].place
    if place is None:
        return (start, 0), (start, 0)
    timestamp, seq = place
    if way == _FORWARD:
        return (timestamp, seq + 1), place
    return place, (timestamp, max(seq - 1, 0))
