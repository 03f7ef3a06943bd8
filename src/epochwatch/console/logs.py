"""A job's log, page by page, over the streams of all its hosts."""

import heapq
from collections.abc import Sequence
from typing import Any

from epochwatch.console.requests import Asked, Refusal
from epochwatch.model.job import TrainingJob
from epochwatch.store.logs import LogEvent
from epochwatch.store.stores import Stores

Token = tuple[int, int, str]
"""A place among all events of a job: timestamp (ms), seq, stream."""


def log_page(stores: Stores, asked: Asked, job: TrainingJob, *, limit: int, tail: bool) -> dict[str, Any]:
    """Events after or before a token, the first of all, or with ``tail`` the last; only those with ``search``.

    ``forward`` goes on behind the page, ``backward`` in front of it; an empty page keeps the token it was asked
    with.
    """
    after, before = (_token(asked, name) for name in ("after", "before"))
    newest = tail or (before is not None and after is None)
    pages = [
        stores.logs.events(
            asked.tenant,
            job.log_group,
            stream,
            after=None if after is None else _place(after, stream, behind=True),
            before=None if before is None else _place(before, stream, behind=False),
            newest=newest,
            containing=asked.text("search") or None,
            limit=limit,
        )
        for stream in stores.state.jobs.log_streams(asked.tenant, job.name)
    ]
    events = list(heapq.merge(*pages, key=_key))
    events = events[-limit:] if newest else events[:limit]
    return {
        "events": [event_json(event) for event in events],
        "forward": token(events[-1]) if events else asked.text("after") or asked.text("before") or None,
        "backward": token(events[0]) if events else asked.text("before") or asked.text("after") or None,
    }


def event_json(event: LogEvent) -> dict[str, Any]:
    """An event in the API."""
    return {
        "time": event.timestamp / 1000,
        "message": event.message,
        "stream": event.stream,
        "token": token(event),
    }


def token(event: LogEvent) -> str:
    """The event's place, for the client opaque."""
    return f"{event.timestamp}.{event.seq}.{event.stream}"


def _key(event: LogEvent) -> Token:
    return event.timestamp, event.seq, event.stream


def _token(asked: Asked, name: str) -> Token | None:
    text = asked.text(name)
    if not text:
        return None
    parts: Sequence[str] = text.split(".", 2)
    if len(parts) != 3 or not all(part.isascii() and part.isdecimal() and len(part) <= 20 for part in parts[:2]):
        raise Refusal(400, f"{name} is no token of this log.", "Take it from `forward`, `backward` or an event.")
    return int(parts[0]), int(parts[1]), parts[2]


def _place(token: Token, stream: str, *, behind: bool) -> tuple[int, int]:
    """The place in ``stream`` behind which (or before which) its events lie beyond ``token``.

    Events of one moment and seq stand in the order of their streams' names.
    """
    timestamp, seq, own = token
    if behind:
        return (timestamp, seq - 1) if stream > own and seq > 0 else (timestamp, seq)
    return (timestamp, seq + 1) if stream < own else (timestamp, seq)
