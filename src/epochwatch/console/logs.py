"""Logs, page by page: of a job (all its hosts), of streams, or of whole groups; what is searched in them, and where."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Final

from starlette.responses import Response, StreamingResponse

from epochwatch.console.log_search import Wanted, level, wanted
from epochwatch.console.requests import Asked, Refusal, no_such_job
from epochwatch.model.job import TrainingJob
from epochwatch.store.log_events import GroupPlace, LogEvent
from epochwatch.store.stores import Stores

MAX_LINES: Final = 10_000
DEFAULT_LINES: Final = 1000
MAX_BUCKETS: Final = 1000
PATIENCE_SECONDS: Final = 1.0
"""A search answers after so long with what it has, and where to go on."""
GROWTH: Final = 4
"""How much longer each span of time that is searched is than the one before."""
CANDIDATES: Final = 20_000
"""Judged at once, where the engine cannot tell."""
TEXT_LINES: Final = 5000
"""Read at once for a download."""


@dataclass(frozen=True, slots=True)
class Log:
    """A log: all events of a group, or of some of its streams."""

    stores: Stores
    asked: Asked
    group: str
    streams: Sequence[str] | None

    def walk(
        self, looked_for: Wanted | None, limit: int, **bounds: Any
    ) -> Iterator[tuple[list[LogEvent], GroupPlace]]:
        """At most ``limit`` of its events that are wanted, span of time by span of time, with the place that was
        looked up to. ``bounds`` are those of `LogStore.walk`.
        """
        condition = looked_for or Wanted()
        if condition.matches is None:
            yield from self._walk(condition, limit, bounds)
            return
        newest, left = bool(bounds.get("newest")), limit
        while left:
            # What the engine lets pass is judged here, a chunk at a time.
            candidates = 0
            for events, reached in self._walk(condition, CANDIDATES, bounds):
                candidates += len(events)
                found = [event for event in events if condition.matches(event.message)][:left]
                left -= len(found)
                full = candidates == CANDIDATES
                yield found, place(events[-1]) if full and events else reached
                if not left:
                    return
            if candidates < CANDIDATES:
                return
            bounds = bounds | {"before" if newest else "after": place(events[-1])}

    def _walk(
        self, condition: Wanted, limit: int, bounds: dict[str, Any]
    ) -> Iterator[tuple[list[LogEvent], GroupPlace]]:
        return self.stores.logs.walk(
            self.asked.tenant,
            self.group,
            self.streams,
            condition=condition.condition,
            parameters=condition.parameters,
            limit=limit,
            growth=GROWTH,
            **bounds,
        )


def log_of(stores: Stores, asked: Asked) -> Log:
    """The log that a request is about: that of the job in its path, or of ``group``; of those ``stream`` parameters, if
    there are any. Raises Refusal.
    """
    if "job" in asked.request.path_params:
        job = stores.state.jobs.get(asked.tenant, asked.job)
        if job is None:
            raise no_such_job(asked.job)
        own, chosen = job_streams(stores, asked, job), asked.texts("stream")
        return Log(stores, asked, job.log_group, [one for one in own if not chosen or one in chosen])
    group, streams = asked.text("group"), asked.texts("stream")
    if not group:
        raise Refusal(400, "group is missing.", "Name a log group, and with stream some of its streams.")
    groups = stores.state.log_groups
    if groups.group(asked.tenant, group) is None:
        raise Refusal(404, f"There is no log group '{group}'.", "See them all at /_/logs.")
    for stream in streams:
        if groups.stream(asked.tenant, group, stream) is None:
            raise Refusal(404, f"The log group '{group}' has no stream '{stream}'.", "See them at /_/logs?group=…")
    return Log(stores, asked, group, streams or None)


def job_streams(stores: Stores, asked: Asked, job: TrainingJob) -> list[str]:
    """The log streams of the job's hosts."""
    own = stores.state.log_groups.streams(asked.tenant, job.log_group, f"{job.name}/")
    return sorted({job.log_stream, *(stream.name for stream in own)} - {""})


def log_page(stores: Stores, asked: Asked) -> dict[str, Any]:
    """Events behind ``after`` or in front of ``before`` a token, the first of all, with ``tail`` the last, or those
    around ``at`` (a token) or ``time`` (Unix seconds); only those with ``search``, or with ``marked`` all of them.

    ``forward`` goes on behind the page, ``backward`` in front of it. ``searched``: the time up to which was looked so
    far, where patience ended before the page was full; null: there is no more.
    """
    limit = asked.whole("limit", DEFAULT_LINES, 1, MAX_LINES)
    after, before, at = (_token(asked, name) for name in ("after", "before", "at"))
    moment = asked.real("time", -1.0, -1.0, 1e11)
    start = int(asked.real("from", 0.0, 0.0, 1e11) * 1000) or None
    tail, marked = (asked.choice(name, ("0", "1"), "0") == "1" for name in ("tail", "marked"))
    looked_for = wanted(asked)
    log = log_of(stores, asked)
    only = None if marked else looked_for
    if at is None and moment >= 0:
        at = int(moment * 1000), 0, ""
    if at is not None:
        here = (at[0], at[1], "")
        behind, forward = _page(log, only, limit - limit // 2, after=here, start=start)
        in_front, backward = _page(log, only, limit // 2, before=here, newest=True, start=start)
        events = in_front[::-1] + behind
        searched = None
    else:
        newest = tail or (before is not None and after is None)
        events, reached = _page(log, only, limit, after=after, before=before, newest=newest, start=start)
        searched = None if reached is None else reached[0] / 1000
        forward, backward = (None, reached) if newest else (reached, None)
        behind = events
        events = events[::-1] if newest else events
    hits = _hits(log, looked_for, events) if marked and looked_for else None
    return {
        "events": [
            event_json(event) | ({} if hits is None else {"hit": place(event) in hits}) for event in events
        ],
        "forward": _next(forward, events[-1:], asked, ("after", "before")),
        "backward": _next(backward, events[:1], asked, ("before", "after")),
        "searched": searched,
        **({"at": token(behind[0]) if behind else None} if at is not None else {}),
    }


def _page(
    log: Log, looked_for: Wanted | None, limit: int, **bounds: Any
) -> tuple[list[LogEvent], GroupPlace | None]:
    """Events, and where the search was when patience ended; None: it came to the end of the log, or has enough."""
    found: list[LogEvent] = []
    if not limit:
        return found, None
    patience = time.monotonic() + PATIENCE_SECONDS
    for events, reached in log.walk(looked_for, limit, **bounds):
        found += events
        if len(found) < limit and time.monotonic() > patience:
            return found, reached
    return found, None


def _hits(log: Log, looked_for: Wanted, events: Sequence[LogEvent]) -> set[GroupPlace]:
    """The places of those of a page's events that are wanted."""
    if not events:
        return set()
    first, last = events[0], events[-1]
    walk = log.walk(
        looked_for,
        len(events),
        start=first.timestamp,
        end=last.timestamp + 1,
        after=(first.timestamp, max(first.seq - 1, 0), ""),
    )
    return {place(event) for found, _ in walk for event in found}


def _next(
    reached: GroupPlace | None, edge: Sequence[LogEvent], asked: Asked, given: tuple[str, str]
) -> str | None:
    if reached is not None:
        return _written(reached)
    return token(edge[0]) if edge else asked.text(given[0]) or asked.text(given[1]) or None


def log_density(stores: Stores, asked: Asked) -> dict[str, Any]:
    """How many events a log has over time, in ``buckets`` equal spans from its first to its last, and how many that
    are looked for. What only we can judge is counted from the newest on, back to ``counted_from``.
    """
    buckets = asked.whole("buckets", 200, 1, MAX_BUCKETS)
    looked_for = wanted(asked) or Wanted()
    log = log_of(stores, asked)
    density = stores.logs.density(
        asked.tenant,
        log.group,
        log.streams,
        buckets,
        condition=looked_for.condition if looked_for.matches is None else "",
        parameters=looked_for.parameters,
    )
    if density is None:
        return {"start": None, "end": None, "width": None, "events": [], "hits": None, "counted_from": None}
    counted_from = None
    if looked_for.matches is not None:
        hits, patience = [0] * len(density.events), time.monotonic() + 2 * PATIENCE_SECONDS
        for events, reached in log.walk(looked_for, 10**9, newest=True):
            for event in events:
                hits[min(max(event.timestamp - density.first, 0) // density.width, len(hits) - 1)] += 1
            if time.monotonic() > patience:
                counted_from = reached[0] / 1000
                break
        density.hits = hits
    return {
        "start": density.first / 1000,
        "end": density.last / 1000,
        "width": density.width / 1000,
        "events": density.events,
        "hits": density.hits,
        "counted_from": counted_from,
    }


def log_text(stores: Stores, asked: Asked) -> Response:
    """The whole log as a text file, line by line as it was written; only what has ``search``; with ``details`` each
    behind its time and stream.
    """
    details = asked.choice("details", ("0", "1"), "0") == "1"
    looked_for = wanted(asked)
    log = log_of(stores, asked)

    def lines() -> Iterator[bytes]:
        after: GroupPlace | None = None
        while True:
            pages = log.walk(looked_for, TEXT_LINES, after=after)
            events = list(islice((event for events, _ in pages for event in events), TEXT_LINES))
            if not events:
                return
            yield "".join(_line(event, details) for event in events).encode("utf-8", "replace")
            after = place(events[-1])

    name = "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in log.group.strip("/"))
    return StreamingResponse(
        lines(),
        media_type="text/plain; charset=utf-8",
        headers={"content-disposition": f'attachment; filename="{name[:100]}.log"', "cache-control": "no-store"},
    )


def _line(event: LogEvent, details: bool) -> str:
    if not details:
        return f"{event.message}\n"
    moment = datetime.fromtimestamp(event.timestamp / 1000, UTC).isoformat(timespec="milliseconds")
    return f"{moment.replace('+00:00', 'Z')}\t{event.stream}\t{event.message}\n"


def event_json(event: LogEvent) -> dict[str, Any]:
    """An event in the API."""
    return {
        "time": event.timestamp / 1000,
        "message": event.message,
        "stream": event.stream,
        "level": level(event.message),
        "token": token(event),
    }


def place(event: LogEvent) -> GroupPlace:
    """Where the event stands among all of its log."""
    return event.timestamp, event.seq, event.stream


def token(event: LogEvent) -> str:
    """The event's place, for the client opaque."""
    return _written(place(event))


def _written(place: GroupPlace) -> str:
    return f"{place[0]}.{place[1]}.{place[2]}"


def read_token(text: str, name: str) -> GroupPlace:
    """The place that a token stands for. Raises Refusal, which calls it ``name``."""
    parts: Sequence[str] = text.split(".", 2)
    if len(parts) != 3 or not all(part.isascii() and part.isdecimal() and len(part) <= 20 for part in parts[:2]):
        raise Refusal(400, f"{name} is no token of this log.", "Take it from `forward`, `backward` or an event.")
    return int(parts[0]), int(parts[1]), parts[2]


def _token(asked: Asked, name: str) -> GroupPlace | None:
    text = asked.text(name)
    return read_token(text, name) if text else None
