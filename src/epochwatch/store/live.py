"""The live feed: what was just committed, to whoever is watching in this process."""

import threading
from collections import deque
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Generic, Self, TypeAlias, TypeVar

import pyarrow as pa

from epochwatch.model.job import TrainingJob
from epochwatch.model.tenant import Tenant
from epochwatch.store.log_events import LogEvent, events_in

QUEUE_EVENTS = 1000
"""A subscriber that falls so far behind loses its oldest events."""
MAX_LIVE = 2000
"""Newest items of one kind handed to watchers of a job per batch."""
TAILED_BYTES = 16 << 20
"""A tail that falls so far behind loses the oldest batches, but never the newest."""


@dataclass(frozen=True, slots=True)
class LivePoints:
    """New run points: (metric, host, step or None, epoch or None, Unix seconds, value)."""

    job: str
    points: Sequence[tuple[str, str, int | None, float | None, float, float]]


@dataclass(frozen=True, slots=True)
class LiveLog:
    """New log events of a job, in their source's order."""

    job: str
    events: Sequence[LogEvent]


@dataclass(frozen=True, slots=True)
class LiveSamples:
    """New host samples: (host, metric, Unix seconds, value)."""

    job: str
    samples: Sequence[tuple[str, str, float, float]]


@dataclass(frozen=True, slots=True)
class LiveJob:
    """A job's record as it is now."""

    job: str
    record: TrainingJob


LiveEvent: TypeAlias = LivePoints | LiveLog | LiveSamples | LiveJob


@dataclass(frozen=True, slots=True)
class TailedRows:
    """New log events of a stream, as rows of ``log_events``."""

    group: str
    stream: str
    rows: pa.RecordBatch


Item = TypeVar("Item")


class _Watch(Generic[Item]):
    """A watcher's queue. A context manager; closing it ends the watch."""

    most: int
    """What the items in the queue may weigh together."""

    def __init__(self, leave: Callable[[Any], None], wake: Callable[[], None] | None) -> None:
        self.dropped = 0
        """Items lost so far because the watcher was slow."""
        self._leave = leave
        self._wake = wake
        self._items: deque[Item] = deque()
        self._weight = 0
        self._changed = threading.Condition()

    def take(self, timeout: float | None = 0) -> list[Item]:
        """All waiting items, oldest first; waits up to ``timeout`` seconds (None: for ever) for the first."""
        with self._changed:
            self._changed.wait_for(lambda: bool(self._items), timeout)
            items = list(self._items)
            self._items.clear()
            self._weight = 0
            return items

    def close(self) -> None:
        """End the watch. Idempotent."""
        self._leave(self)

    def offer(self, item: Item) -> None:
        """Put ``item`` into the queue and wake the watcher; for the feed."""
        with self._changed:
            self._items.append(item)
            self._weight += self._weigh(item)
            while self._weight > self.most and len(self._items) > 1:
                self._weight -= self._weigh(self._items.popleft())
                self.dropped += 1
            self._changed.notify_all()
        if self._wake is not None:
            self._wake()

    def _weigh(self, item: Item) -> int:
        return 1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Subscription(_Watch[LiveEvent]):
    """One watcher of some jobs, or of the records of all. What it lost, it should read anew."""

    most = QUEUE_EVENTS

    def __init__(
        self,
        feed: "LiveFeed",
        tenant: Tenant,
        jobs: str | Collection[str] | None,
        wake: Callable[[], None] | None,
    ) -> None:
        super().__init__(feed.unsubscribe, wake)
        self.tenant = tenant
        self.jobs = None if jobs is None else frozenset([jobs] if isinstance(jobs, str) else jobs)


class LogTail(_Watch[TailedRows]):
    """One watcher of log groups."""

    most = TAILED_BYTES

    def __init__(
        self,
        feed: "LiveFeed",
        tenant: Tenant,
        groups: Sequence[str],
        accepts: Callable[[str], bool],
        wake: Callable[[], None] | None,
    ) -> None:
        super().__init__(feed.end_tail, wake)
        self.tenant = tenant
        self.groups = frozenset(groups)
        self.accepts = accepts
        """Whether a stream of the groups is watched, by its name."""

    def _weigh(self, item: TailedRows) -> int:
        return int(item.rows.nbytes)


Watcher = TypeVar("Watcher", Subscription, LogTail)


class LiveFeed:
    """Passes committed rows and changed job records on. Safe to use from any number of threads."""

    def __init__(self) -> None:
        self._subscriptions: dict[Tenant, list[Subscription]] = {}
        self._tails: dict[Tenant, list[LogTail]] = {}
        self._lock = threading.Lock()

    def subscribe(
        self,
        tenant: Tenant,
        jobs: str | Collection[str] | None = None,
        wake: Callable[[], None] | None = None,
    ) -> Subscription:
        """Watch one or several jobs of ``tenant``, or, with None, the records of all its jobs.

        ``wake`` is called from the publishing thread after each event; it must not block (an event loop gives
        ``lambda: loop.call_soon_threadsafe(event.set)``).
        """
        subscription = Subscription(self, tenant, jobs, wake)
        with self._lock:
            self._subscriptions.setdefault(tenant, []).append(subscription)
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        """What Subscription.close does."""
        with self._lock:
            _leave(self._subscriptions, subscription)

    def tail(
        self,
        tenant: Tenant,
        groups: Sequence[str],
        accepts: Callable[[str], bool],
        wake: Callable[[], None] | None = None,
    ) -> LogTail:
        """Watch what is written to log groups of ``tenant``, in the streams whose names ``accepts`` takes. ``wake`` is
        that of `subscribe`.
        """
        tail = LogTail(self, tenant, groups, accepts, wake)
        with self._lock:
            self._tails.setdefault(tenant, []).append(tail)
        return tail

    def end_tail(self, tail: LogTail) -> None:
        """What LogTail.close does."""
        with self._lock:
            _leave(self._tails, tail)

    def tails(self, tenant: Tenant) -> int:
        """How many tails ``tenant`` has open."""
        with self._lock:
            return len(self._tails.get(tenant, ()))

    def watched(self, tenant: Tenant, job: str) -> bool:
        """Whether anyone watches ``job``: if not, its events need not be made."""
        with self._lock:
            return any(job in (watcher.jobs or ()) for watcher in self._subscriptions.get(tenant, ()))

    def publish(self, tenant: Tenant, event: LiveEvent) -> None:
        """Hand ``event`` to those who watch its job; job records also to those who watch all jobs."""
        with self._lock:
            mine = list(self._subscriptions.get(tenant, ()))
        for watcher in mine:
            if isinstance(event, LiveJob) if watcher.jobs is None else event.job in watcher.jobs:
                _offer(watcher, event)

    def publish_log(self, tenant: Tenant, group: str, stream: str, job: str, rows: pa.RecordBatch) -> None:
        """Hand stored rows of ``log_events``, all of one stream, to those who tail its group, and the newest of them
        to those who watch ``job`` (empty: the stream is none of a job).
        """
        with self._lock:
            tails = list(self._tails.get(tenant, ()))
        for tail in tails:
            if group in tail.groups and tail.accepts(stream):
                _offer(tail, TailedRows(group, stream, rows))
        if job and self.watched(tenant, job):
            self.publish(tenant, LiveLog(job, list(events_in(rows.slice(max(0, rows.num_rows - MAX_LIVE))))))

    def publish_job(self, tenant: Tenant, record: TrainingJob) -> None:
        """Tell that a job's record changed."""
        self.publish(tenant, LiveJob(record.name, record))


def _leave(watchers: dict[Tenant, list[Watcher]], watcher: Watcher) -> None:
    mine = watchers.get(watcher.tenant, [])
    if watcher in mine:
        mine.remove(watcher)
    if not mine:
        watchers.pop(watcher.tenant, None)


def _offer(watcher: _Watch[Item], item: Item) -> None:
    try:
        watcher.offer(item)
    except RuntimeError:
        watcher.close()  # its event loop has ended
