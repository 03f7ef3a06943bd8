"""The live feed: what was just committed, to whoever is watching in this process."""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import TypeAlias

from epochwatch.model.job import TrainingJob
from epochwatch.model.tenant import Tenant
from epochwatch.store.logs import LogEvent

QUEUE_EVENTS = 1000
"""A subscriber that falls so far behind loses its oldest events."""


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


class Subscription:
    """One watcher's queue. A context manager; closing it ends the watch."""

    def __init__(self, feed: "LiveFeed", tenant: Tenant, job: str | None, wake: Callable[[], None] | None) -> None:
        self.tenant = tenant
        self.job = job
        self.dropped = 0
        """Events lost so far because the watcher was slow: it should read the whole state again."""
        self._feed = feed
        self._wake = wake
        self._events: deque[LiveEvent] = deque(maxlen=QUEUE_EVENTS)
        self._changed = threading.Condition()

    def take(self, timeout: float | None = 0) -> list[LiveEvent]:
        """All waiting events, oldest first; waits up to ``timeout`` seconds (None: for ever) for the first."""
        with self._changed:
            self._changed.wait_for(lambda: bool(self._events), timeout)
            events = list(self._events)
            self._events.clear()
            return events

    def close(self) -> None:
        """End the watch. Idempotent."""
        self._feed.unsubscribe(self)

    def offer(self, event: LiveEvent) -> None:
        """Put ``event`` into the queue and wake the watcher; for the feed."""
        with self._changed:
            self.dropped += len(self._events) == QUEUE_EVENTS
            self._events.append(event)
            self._changed.notify_all()
        if self._wake is not None:
            self._wake()

    def __enter__(self) -> "Subscription":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class LiveFeed:
    """Passes committed rows and changed job records on. Safe to use from any number of threads."""

    def __init__(self) -> None:
        self._subscriptions: dict[Tenant, list[Subscription]] = {}
        self._lock = threading.Lock()

    def subscribe(
        self, tenant: Tenant, job: str | None = None, wake: Callable[[], None] | None = None
    ) -> Subscription:
        """Watch one job of ``tenant``, or, with None, the records of all its jobs.

        ``wake`` is called from the publishing thread after each event; it must not block (an event loop gives
        ``lambda: loop.call_soon_threadsafe(event.set)``).
        """
        subscription = Subscription(self, tenant, job, wake)
        with self._lock:
            self._subscriptions.setdefault(tenant, []).append(subscription)
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        """What Subscription.close does."""
        with self._lock:
            mine = self._subscriptions.get(subscription.tenant, [])
            if subscription in mine:
                mine.remove(subscription)
            if not mine:
                self._subscriptions.pop(subscription.tenant, None)

    def watched(self, tenant: Tenant, job: str) -> bool:
        """Whether anyone watches ``job``: if not, its events need not be made."""
        with self._lock:
            return any(watcher.job == job for watcher in self._subscriptions.get(tenant, ()))

    def publish(self, tenant: Tenant, event: LiveEvent) -> None:
        """Hand ``event`` to those who watch its job; job records also to those who watch all jobs."""
        with self._lock:
            mine = list(self._subscriptions.get(tenant, ()))
        for watcher in mine:
            if watcher.job == event.job or (watcher.job is None and isinstance(event, LiveJob)):
                _offer(watcher, event)

    def publish_job(self, tenant: Tenant, record: TrainingJob) -> None:
        """Tell that a job's record changed."""
        self.publish(tenant, LiveJob(record.name, record))


def _offer(watcher: Subscription, event: LiveEvent) -> None:
    try:
        watcher.offer(event)
    except RuntimeError:
        watcher.close()  # its event loop has ended
