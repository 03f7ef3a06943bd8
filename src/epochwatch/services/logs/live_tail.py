"""Live Tail: a session in which log events are sent as they come."""

import asyncio
import logging
import time
import uuid
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow.compute as pc

from epochwatch.model.aws_error import AwsError
from epochwatch.model.filter_pattern import FilterPattern, InvalidFilterPattern, compile_pattern
from epochwatch.services.call import Call
from epochwatch.services.logs.names import group_arn, identified, invalid, no_group
from epochwatch.services.logs.tail_allowance import MOST_A_SECOND, TICK_SECONDS, Allowance, sample
from epochwatch.store.live import LogTail, TailedRows

logger = logging.getLogger(__name__)

MOST_SESSIONS: Final = 15
"""Sessions of one account and region at once."""
SESSION_SECONDS = 3 * 3600.0
UPDATE_SECONDS: Final = 1.0
"""An update is sent so often, also when there is nothing new."""

Event = tuple[str, dict[str, Any]]
"""Name and members of what is sent."""


def start_live_tail(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """StartLiveTail: a stream of what is written from now on to up to ten groups."""
    groups = _groups(call, request["logGroupIdentifiers"])
    names, prefixes = request.get("logStreamNames"), request.get("logStreamNamePrefixes")
    if names and prefixes:
        raise invalid("logStreamNames and logStreamNamePrefixes are mutually exclusive parameters.")
    if (names or prefixes) and len(groups) > 1:
        raise invalid("Log streams can be specified only if there is one log group in logGroupIdentifiers.")
    try:
        pattern = compile_pattern(request.get("logEventFilterPattern", ""))
    except InvalidFilterPattern as error:
        raise invalid(f"Invalid filter pattern: {error}") from error
    if call.stores.feed.tails(call.tenant) >= MOST_SESSIONS:
        raise AwsError("LimitExceededException", f"{MOST_SESSIONS} Live Tail sessions are open already.")
    session = _Session(call, groups, pattern, _accepting(names, prefixes), _started(call, groups, request))
    return {"responseStream": session.events()}


def _groups(call: Call, identifiers: Sequence[str]) -> list[str]:
    """The names of the groups. Raises AwsError."""
    found: dict[str, None] = {}
    for identifier in identifiers:
        if identifier.endswith("*"):
            raise invalid(f"The log group identifier {identifier} must not end with an asterisk.")
        name = identified(call.tenant, identifier)
        group = None if name is None else call.stores.state.log_groups.group(call.tenant, name)
        if group is None:
            raise no_group()
        if group.log_group_class != "STANDARD":
            message = f"Live Tail is not there for log groups of the class {group.log_group_class}."
            raise AwsError("InvalidOperationException", message)
        found[group.name] = None
    return list(found)


def _accepting(names: Sequence[str] | None, prefixes: Sequence[str] | None) -> Callable[[str], bool]:
    if names:
        return frozenset(names).__contains__
    beginnings = tuple(prefixes or ("",))
    return lambda stream: stream.startswith(beginnings)


def _started(call: Call, groups: Sequence[str], request: dict[str, Any]) -> dict[str, Any]:
    return {
        "requestId": call.request_id,
        "sessionId": str(uuid.uuid4()),
        "logGroupIdentifiers": [group_arn(call.tenant, group) for group in groups],
        "logStreamNames": request.get("logStreamNames", []),
        "logStreamNamePrefixes": request.get("logStreamNamePrefixes", []),
        "logEventFilterPattern": request.get("logEventFilterPattern", ""),
    }


@dataclass(frozen=True, slots=True)
class _Session:
    """A client's session."""

    call: Call
    groups: Sequence[str]
    pattern: FilterPattern
    accepts: Callable[[str], bool]
    started: dict[str, Any]

    async def events(self) -> AsyncGenerator[Event, None]:
        """sessionStart, then an update each second or as soon as there is something. Raises AwsError at the end."""
        loop = asyncio.get_running_loop()
        news = asyncio.Event()

        def wake() -> None:
            loop.call_soon_threadsafe(news.set)

        with self.call.stores.feed.tail(self.call.tenant, self.groups, self.accepts, wake) as tail:
            yield "sessionStart", self.started
            try:
                async with aclosing(self._updates(tail, news)) as updates:
                    async for update in updates:
                        yield "sessionUpdate", update
            except Exception as error:
                logger.exception("a Live Tail session failed")
                message = "The session ended because of an internal error."
                raise AwsError("SessionStreamingException", message) from error
        raise AwsError("SessionTimeoutException", f"The session was open for {SESSION_SECONDS:.0f} seconds.")

    async def _updates(self, tail: LogTail, news: asyncio.Event) -> AsyncGenerator[dict[str, Any], None]:
        allowance, begun = Allowance(), time.monotonic()
        passed = sent = 0.0
        lost = 0
        while passed < SESSION_SECONDS:
            with suppress(TimeoutError):
                await asyncio.wait_for(news.wait(), max(0.0, min(sent + UPDATE_SECONDS, SESSION_SECONDS) - passed))
            news.clear()
            batches, dropped = tail.take(), tail.dropped
            passed = time.monotonic() - begun
            shown, matched = await asyncio.to_thread(self._chosen, batches, allowance, passed)
            if shown or passed - sent >= UPDATE_SECONDS:
                metadata = {"sampled": matched > len(shown) or dropped > lost}
                for first in range(0, max(1, len(shown)), MOST_A_SECOND):
                    yield {"sessionMetadata": metadata, "sessionResults": shown[first : first + MOST_A_SECOND]}
                sent, lost = passed, dropped
            await asyncio.sleep(TICK_SECONDS)
            passed = time.monotonic() - begun

    def _chosen(
        self, batches: Sequence[TailedRows], allowance: Allowance, passed: float
    ) -> tuple[list[dict[str, Any]], int]:
        """The events to send of those that came, and how many match."""
        matching = [(batch, index) for batch in batches for index in self._matching(batch)]
        granted = allowance.grant(passed, len(matching))
        return [self._shown(batch, index) for batch, index in sample(matching, granted)], len(matching)

    def _matching(self, batch: TailedRows) -> Sequence[int]:
        messages = batch.rows["message"]
        if not self.pattern.source.strip():
            return range(len(messages))
        possible = np.ones(len(messages), bool)
        for text in self.pattern.required:
            possible &= pc.match_substring(messages, text).to_numpy(zero_copy_only=False)
        places = np.flatnonzero(possible).tolist()
        return [index for index in places if self.pattern.matches(messages[index].as_py())]

    def _shown(self, batch: TailedRows, index: int) -> dict[str, Any]:
        return {
            "logStreamName": batch.stream,
            "logGroupIdentifier": f"{self.call.tenant.account}:{batch.group}",
            "message": batch.rows["message"][index].as_py(),
            "timestamp": batch.rows["ts"][index].as_py(),
            "ingestionTime": batch.rows["ingestion"][index].as_py(),
        }
