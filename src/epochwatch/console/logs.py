"""A job's log, page by page, over the streams of all its hosts."""

import heapq
import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from epochwatch.console.requests import Asked, Refusal
from epochwatch.model.job import TrainingJob, log_stream
from epochwatch.store.logs import LogEvent, Place
from epochwatch.store.stores import Stores

Token = tuple[int, int, str]
"""A place among all events of a job: timestamp (ms), seq, stream."""


SEARCHED_AT_ONCE = 10_000
"""Lines with the longest word of a search that are looked at in one go."""

ESCAPES = re.compile(r"\x1b\[[0-9;:?<=>]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[ -/]*[0-~]?")
"""Colours, titles, links and other orders to a terminal."""


def log_page(stores: Stores, asked: Asked, job: TrainingJob, *, limit: int, tail: bool) -> dict[str, Any]:
    """Events after or before a token, the first of all, or with ``tail`` the last; only those with ``search``.

    ``forward`` goes on behind the page, ``backward`` in front of it; an empty page keeps the token it was asked
    with.
    """
    after, before = (_token(asked, name) for name in ("after", "before"))
    newest = tail or (before is not None and after is None)
    search = asked.text("search")
    pages = []
    for stream in _streams(job):
        read = partial(stores.logs.events, asked.tenant, job.log_group, stream, newest=newest)
        behind = None if after is None else _place(after, stream, behind=True)
        in_front = None if before is None else _place(before, stream, behind=False)
        pages.append(_searched(read, search, behind, in_front, newest, limit))
    events = list(heapq.merge(*pages, key=_key))
    events = events[-limit:] if newest else events[:limit]
    return {
        "events": [event_json(event) for event in events],
        "forward": token(events[-1]) if events else asked.text("after") or asked.text("before") or None,
        "backward": token(events[0]) if events else asked.text("before") or asked.text("after") or None,
    }


def _searched(
    read: Callable[..., list[LogEvent]],
    search: str,
    after: Place | None,
    before: Place | None,
    newest: bool,
    limit: int,
) -> list[LogEvent]:
    """At most ``limit`` events of one stream whose text, without terminal escapes, has ``search`` in any case.

    The engine looks for the longest word of it, as colours rarely change within a word; the rest is looked at here.
    """
    if not search:
        return read(after=after, before=before, limit=limit)
    word = max(search.split(), key=len, default=None)
    wanted = search.casefold()
    found: list[LogEvent] = []
    while True:
        page = read(after=after, before=before, containing=word, limit=SEARCHED_AT_ONCE)
        hits = [event for event in page if wanted in ESCAPES.sub("", event.message).casefold()]
        found = [*hits, *found] if newest else [*found, *hits]
        if len(page) < SEARCHED_AT_ONCE or len(found) >= limit:
            return found[-limit:] if newest else found[:limit]
        if newest:
            before = page[0].place
        else:
            after = page[-1].place


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


def _streams(job: TrainingJob) -> list[str]:
    """The log streams of the job's hosts."""
    return list(dict.fromkeys([job.log_stream, *(log_stream(job.name, host, job.started) for host in job.hosts)]))


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
