"""Server-sent events: what is stored shows at once, in at most ten messages of a kind a second; fewer where very many
watch."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import contextmanager

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from epochwatch.console.attention import AlarmNews, Attention
from epochwatch.console.deliveries import Deliveries, Message
from epochwatch.console.records import job_summary
from epochwatch.console.requests import Door, Refusal, no_such_job
from epochwatch.console.together import Together
from epochwatch.errors import EpochwatchError
from epochwatch.model.job import TrainingJob
from epochwatch.model.tenant import Tenant
from epochwatch.store.live import LiveEvent, LiveJob, LiveLog, LivePoints, LiveSamples
from epochwatch.store.stores import Stores

INTERVAL_SECONDS = 0.1
"""Least time between two deliveries; the first of a quiet time does not wait."""
DELIVERIES = 1000
"""A second, to all who watch: where they are more than a hundred, each gets more at once, less often."""
HEARTBEAT_SECONDS = 15.0
NOTICE_SECONDS = 2.0
"""A stream on which nothing happens looks so often whether something needs attention."""
MAX_ITEMS = 20_000
"""Points, lines or samples in one delivery; a client that would get more is told to fetch instead."""
MAX_JOBS = 200
"""Jobs of one stream."""

KINDS: dict[str, type[LiveEvent]] = {
    "points": LivePoints,
    "log": LiveLog,
    "hosts": LiveSamples,
    "job": LiveJob,
}

BEHIND: Message = ("behind", {})


class Live:
    """The endpoint ``/_/api/live``."""

    def __init__(self, stores: Stores, door: Door) -> None:
        self._stores = stores
        self._door = door
        self._together: Together[Message] = Together()
        self._deliveries = Deliveries()
        self._alarms = AlarmNews(stores)
        self._open = 0

    async def endpoint(self, request: Request) -> Response:
        """One open stream, of the jobs that are named or (records only) of all."""
        jobs = list(dict.fromkeys(request.query_params.getlist("job")))
        kinds = request.query_params.getlist("kind")
        try:
            tenant = await self._door.tenant(request)
            await run_in_threadpool(self._check, tenant, jobs, kinds)
        except Refusal as refusal:
            return refusal.response()
        return StreamingResponse(
            self._stream(tenant, jobs or None, [KINDS[kind] for kind in kinds or KINDS]),
            media_type="text/event-stream",
            headers={"cache-control": "no-store", "x-accel-buffering": "no"},
        )

    def _check(self, tenant: Tenant, jobs: list[str], kinds: list[str]) -> None:
        if len(jobs) > MAX_JOBS:
            raise Refusal(400, f"job is given more than {MAX_JOBS} times.", "Leave it out to follow all records.")
        if any(kind not in KINDS for kind in kinds):
            raise Refusal(400, f"kind must be one of {', '.join(KINDS)}.")
        known = self._stores.state.jobs.named(tenant, jobs)
        for job in jobs:
            if job not in known:
                raise no_such_job(job)

    async def _stream(
        self, tenant: Tenant, jobs: list[str] | None, kinds: list[type[LiveEvent]]
    ) -> AsyncIterator[bytes]:
        loop = asyncio.get_running_loop()
        news = asyncio.Event()
        numbers = itertools.count(1)

        def wake() -> None:
            loop.call_soon_threadsafe(news.set)

        subscribe = self._stores.feed.subscribe
        with self._counted(), subscribe(tenant, jobs, wake) as watch, subscribe(tenant, None, wake) as all_jobs:
            attention = Attention()
            # The client fetches after this, so that nothing lies between what it fetched and what it is sent.
            yield _encoded([("hello", {"jobs": jobs})], numbers)
            lost, quiet = 0, 0.0
            while True:
                messages: list[Message] = []
                try:
                    await asyncio.wait_for(news.wait(), NOTICE_SECONDS)
                except TimeoutError:
                    quiet += NOTICE_SECONDS
                else:
                    news.clear()
                    messages = await self._messages(
                        tenant, [event for event in watch.take() if type(event) in kinds]
                    )
                if watch.dropped > lost:
                    lost = watch.dropped
                    messages = [BEHIND]
                records = {event.job: event.record for event in all_jobs.take() if isinstance(event, LiveJob)}
                alarms = await self._alarms.lately(tenant)
                told = attention.news(records.values(), alarms.turns)
                messages += [("notification", one) for one in told]
                if attention.moved(alarms.newest):
                    messages.append(("alarms", {"newest": alarms.newest}))
                if messages:
                    yield _encoded(messages, numbers)
                elif quiet >= HEARTBEAT_SECONDS:
                    yield b": still here\n\n"
                else:
                    continue
                quiet = 0.0
                await asyncio.sleep(max(INTERVAL_SECONDS, self._open / DELIVERIES))

    @contextmanager
    def _counted(self) -> Iterator[None]:
        self._open += 1
        try:
            yield
        finally:
            self._open -= 1

    async def _messages(self, tenant: Tenant, events: list[LiveEvent]) -> list[Message]:
        if sum(_size(event) for event in events) > MAX_ITEMS:
            return [BEHIND]
        records = {event.job: event.record for event in events if isinstance(event, LiveJob)}
        messages = self._deliveries.messages(events)
        if records:
            try:
                messages += [await self._record(tenant, record) for record in records.values()]
            except EpochwatchError:
                # The stores are closing or busy: the page asks again by itself.
                messages.append(BEHIND)
        return messages

    async def _record(self, tenant: Tenant, record: TrainingJob) -> Message:
        """A job of the list, read once for all who watch it."""
        question = (tenant, record.name, record.updated)
        return await self._together.answer(question, lambda: run_in_threadpool(self._read, tenant, record))

    def _read(self, tenant: Tenant, record: TrainingJob) -> Message:
        metrics = self._stores.metric_summaries.of(tenant, [record])
        return "job", job_summary(tenant, record, metrics[record.name])


def _size(event: LiveEvent) -> int:
    if isinstance(event, LivePoints):
        return len(event.points)
    if isinstance(event, LiveLog):
        return len(event.events)
    return len(event.samples) if isinstance(event, LiveSamples) else 0


def _encoded(messages: Iterable[Message], numbers: "itertools.count[int]") -> bytes:
    return b"".join(
        b"id: %d\nevent: %s\ndata: %s\n\n" % (next(numbers), name.encode(), msgspec.json.encode(data))
        for name, data in messages
    )
