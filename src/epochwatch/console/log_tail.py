"""Lines of several log groups as they are written, as server-sent events: a session of Live Tail in a browser."""

import time
import uuid
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from epochwatch.console.log_search import level
from epochwatch.console.requests import Door, Refusal
from epochwatch.model.aws_error import AwsError
from epochwatch.services.call import Call
from epochwatch.services.logs.live_tail import start_live_tail
from epochwatch.store.stores import Stores

MOST_GROUPS = 10


class LogTails:
    """The endpoint ``/_/api/logs/tail``."""

    def __init__(self, stores: Stores, door: Door) -> None:
        self._stores = stores
        self._door = door

    async def endpoint(self, request: Request) -> Response:
        """A session on the ``group`` parameters, with ``stream`` on these streams of one group, with ``filter`` only of
        what a filter pattern matches.
        """
        try:
            tenant = await self._door.tenant(request)
            call = Call(tenant, self._stores, uuid.uuid4().hex, time.time())
            session = await run_in_threadpool(_session, call, request)
        except Refusal as refusal:
            return refusal.response()
        return StreamingResponse(
            _stream(session),
            media_type="text/event-stream",
            headers={"cache-control": "no-store", "x-accel-buffering": "no"},
        )


def _session(call: Call, request: Request) -> Any:
    """StartLiveTail's own stream of events. Raises Refusal."""
    query = request.query_params
    groups = list(dict.fromkeys(query.getlist("group")))
    if not 1 <= len(groups) <= MOST_GROUPS:
        raise Refusal(400, f"group must be given 1 to {MOST_GROUPS} times.", "Name the log groups to follow.")
    streams = list(dict.fromkeys(filter(None, query.getlist("stream"))))
    asked: dict[str, Any] = {"logGroupIdentifiers": groups, "logEventFilterPattern": query.get("filter", "")}
    if streams:
        asked["logStreamNames"] = streams
    try:
        return start_live_tail(call, asked)["responseStream"]
    except AwsError as error:
        raise Refusal(400, str(error), "See docs/log-explorer.md, Live tail.") from error


async def _stream(session: Any) -> AsyncIterator[bytes]:
    number = 0
    async with aclosing(session) as events:
        try:
            async for name, members in events:
                if name == "sessionStart":
                    yield _event("hello", {"groups": members["logGroupIdentifiers"]})
                    continue
                rows = members["sessionResults"]
                if not rows and not members["sessionMetadata"]["sampled"]:
                    yield b": still here\n\n"
                    continue
                lines = [_line(row, number + place) for place, row in enumerate(rows)]
                number += len(rows)
                yield _event("lines", {"sampled": members["sessionMetadata"]["sampled"], "events": lines})
        except AwsError as error:
            yield _event("ended", {"message": str(error)})


def _line(row: dict[str, Any], number: int) -> dict[str, Any]:
    return {
        "time": row["timestamp"] / 1000,
        "message": row["message"],
        "group": row["logGroupIdentifier"].partition(":")[2],
        "stream": row["logStreamName"],
        "level": level(row["message"]),
        "number": number,
    }


def _event(name: str, data: Any) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (name.encode(), msgspec.json.encode(data))
