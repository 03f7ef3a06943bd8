"""Log events of training jobs that come by ``PutLogEvents``: the values in them, as the job's definitions say.

What a stream yields is a pure function of its events in the order in which they were stored (``seq``) and of the
definitions. Its run points are rows of a source of their own whose positions are those numbers, so that they may be
derived again from any earlier state of the extractor: after a restart, or by another server. That state is kept among
the objects now and then, to spare the way from the stream's beginning.
"""

import hashlib
import logging
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from epochwatch.extraction.columns import run_points
from epochwatch.extraction.extractor import Extractor
from epochwatch.extraction.guard import Guard, Worker
from epochwatch.model.attempt import Attempt
from epochwatch.model.batch import Batch, Definition, DefinitionHealth
from epochwatch.model.health import merged
from epochwatch.model.job import LOG_GROUP, Run
from epochwatch.model.tenant import Tenant
from epochwatch.store.batches import commit_batch
from epochwatch.store.rows import API_SOURCE, source_number
from epochwatch.store.schema import DAY_MS, PARTITION_SQL

if TYPE_CHECKING:
    from epochwatch.store.stores import Stores

logger = logging.getLogger(__name__)

KEPT_STREAMS = 1000
"""Streams whose extractors are held in memory."""
SAVE_SECONDS = 1.0
EVENTS_AT_ONCE = 10_000
_BUDGET, _PATIENCE, _ALLOWANCE = 0.05, 2.0, (0.25, 0.00005)
"""What patterns that only Python can run may cost here, where others wait: see `Guard`."""
_STREAM = re.compile(r"(?P<job>[^/]+)/(?P<host>.+?)(?:-(?P<started>[0-9]{9,11}))?")

Event = tuple[int, str]
"""Unix milliseconds, message."""


@dataclass(frozen=True, slots=True)
class JobStream:
    """A log stream of a training job's host."""

    tenant: Tenant
    job: str
    host: str
    stream: str

    @property
    def run(self) -> Run:
        """The place of its rows."""
        return Run(f"stream-{self.digest}", self.job, self.host, LOG_GROUP, self.stream, 0.0)

    @property
    def values_source(self) -> str:
        """The source of its run points."""
        return f"{self.run.run_id}/values"

    @property
    def digest(self) -> str:
        """Its name in few characters."""
        return hashlib.blake2b(self.stream.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def definitions_of(stores: "Stores", tenant: Tenant, job: str) -> list[Definition]:
    """The definitions by which a job's log is read here: those given, not those learnt by an agent."""
    record = stores.state.jobs.get(tenant, job)
    given = record.definitions if record else []
    return [definition for definition in given if definition.regex and definition.origin not in ("auto", "log")]


def job_stream(stores: "Stores", tenant: Tenant, group: str, stream: str) -> JobStream | None:
    """The stream as one of a job whose log is read here; None for any other, and for those of agents, which read
    the log themselves.
    """
    found = _STREAM.fullmatch(stream) if group == LOG_GROUP else None
    if found is None:
        return None
    place = JobStream(tenant, found["job"], found["host"], stream)
    if stores.job_logs.knows(place):
        return place
    if not definitions_of(stores, tenant, place.job):
        return None
    agents = {own.rpartition("-")[2] for own in stores.state.jobs.log_streams(tenant, place.job)}
    return None if found["started"] in agents else place


def put_job_events(
    stores: "Stores",
    place: JobStream,
    events: Sequence[Event],
    now: float,
    announce: Callable[[pa.RecordBatch], None],
    attempt: Attempt,
) -> None:
    """Store events, and then what they yield; both durable on return. Of a call that is repeated, what is stored is
    not stored again. ``now`` is in Unix seconds.
    """
    source = source_number(place.tenant, f"call/{attempt.call_id}") if attempt.call_id else API_SOURCE
    with stores.job_logs.held(stores, place, now) as reader:
        if attempt.repeats:
            events = _not_stored(stores, place, source, events)
        numbers = stores.logs.put_events(
            place.tenant,
            LOG_GROUP,
            place.stream,
            events,
            int(now * 1000),
            announce,
            source=source,
            above=reader.position,
        )
        reader.read(stores, numbers, events, now)


def _not_stored(stores: "Stores", place: JobStream, source: int, events: Sequence[Event]) -> Sequence[Event]:
    """Of the events of a call those that no earlier attempt stored: an insert is whole within a day."""
    rows = stores.engine.query(
        f"SELECT DISTINCT {PARTITION_SQL['log_events']} AS day FROM log_events "
        f"WHERE {_OF_STREAM} AND source = %(source)s",
        _of_stream(place) | {"source": source},
    )
    days = set(rows["day"].to_pylist())
    return [event for event in events if event[0] // DAY_MS not in days]


_OF_STREAM = "account = %(account)s AND region = %(region)s AND log_group = %(group)s AND stream = %(stream)s"


def _of_stream(place: JobStream) -> dict[str, Any]:
    tenant = place.tenant
    return {"account": tenant.account, "region": tenant.region, "group": LOG_GROUP, "stream": place.stream}


class _Saved(msgspec.Struct):
    """What is kept of a stream among the objects."""

    position: int
    health: list[DefinitionHealth]
    extractor: dict[str, Any]


class StreamReader:
    """The extractor of one stream, and how far it has come. Used by one thread at a time."""

    def __init__(self, place: JobStream, worker: Worker) -> None:
        self.place = place
        self.lock = threading.Lock()
        self.users = 0
        """Threads that have it or wait for it."""
        self.position = 0
        """``seq`` of the last event read."""
        self.saved_position = 0
        self.saved = float("-inf")
        """Monotonic seconds."""
        self._guard = Guard(_BUDGET, _PATIENCE, _ALLOWANCE, worker)
        self._extractor: Extractor | None = None

    @property
    def loaded(self) -> bool:
        """Whether it has begun."""
        return self._extractor is not None

    def load(self, definitions: Sequence[Definition], saved: bytes | None) -> None:
        """Begin, where the state was saved or at the beginning of the stream."""
        self._guard.accounts.clear()
        self.position, self._extractor = 0, None
        if saved is not None:
            try:
                state = msgspec.json.decode(saved, type=_Saved)
                self._extractor = Extractor.restore(state.extractor, guard=self._guard)
                self.position = state.position
            except (msgspec.DecodeError, ValueError):  # cut short, or of another version
                logger.warning("the stream %s is read again from its beginning", self.place.stream)
        if self._extractor is None:
            self._extractor = Extractor(definitions, automatic=False, guard=self._guard)
        self.saved_position = self.position

    def forget(self) -> None:
        """What is in memory may be wrong: begin anew."""
        self._extractor = None

    def state(self) -> bytes:
        """For `load`."""
        assert self._extractor is not None
        return msgspec.json.encode(_Saved(self.position, self._extractor.health(), self._extractor.state()))

    def health(self) -> list[DefinitionHealth]:
        """How the definitions fared."""
        return [] if self._extractor is None else self._extractor.health()

    def catch_up(self, stores: "Stores", now: float) -> None:
        """Read what is stored behind the last event read."""
        while True:
            rows = stores.engine.query(
                f"SELECT seq, ts, message FROM log_events WHERE {_OF_STREAM} AND seq > %(position)s "
                "ORDER BY seq LIMIT %(limit)s",
                _of_stream(self.place) | {"position": self.position, "limit": EVENTS_AT_ONCE},
            )
            if not rows.num_rows:
                return
            events = list(zip(rows["ts"].to_pylist(), rows["message"].to_pylist(), strict=True))
            self.read(stores, rows["seq"].to_numpy().astype(np.uint64), events, now)

    def read(self, stores: "Stores", numbers: NDArray[np.uint64], events: Sequence[Event], now: float) -> None:
        """Make what the next events of the stream yield durable."""
        if not events:
            return
        assert self._extractor is not None
        base = self._extractor.offset
        lines = [message.encode("utf-8", "replace") + b"\n" for _, message in events]
        ends = np.fromiter(accumulate(map(len, lines), initial=base), np.uint64, len(lines) + 1)[1:]
        extracted = self._extractor.feed(b"".join(lines), base)
        if extracted.values:
            of_event = np.searchsorted(ends, np.frombuffer(extracted.ends, np.uint64))
            times = np.array([timestamp for timestamp, _ in events], np.int64)[of_event] * 1000
            run = self.place.run
            values = run_points(extracted, self.place.values_source, numbers[of_event].tobytes(), times.tobytes())
            batch = Batch(run.run_id, run_points=[values], resend=True)
            commit_batch(stores, self.place.tenant, run, batch, now)
        self.position = int(numbers[-1])


class JobLogs:
    """The streams of jobs that this server has read of late. Safe to use from any number of threads."""

    def __init__(self) -> None:
        self._readers: OrderedDict[tuple[Tenant, str], StreamReader] = OrderedDict()
        self._health: dict[tuple[Tenant, str], dict[str, list[DefinitionHealth]]] = {}
        self._worker = Worker()
        self._lock = threading.Lock()

    def knows(self, place: JobStream) -> bool:
        """Whether the stream was read before."""
        return (place.tenant, place.stream) in self._readers

    @contextmanager
    def held(self, stores: "Stores", place: JobStream, now: float) -> Iterator[StreamReader]:
        """The stream's reader, which has read all that is stored, for one thread of one server at a time. If the
        context fails, the reader begins anew the next time.
        """
        reader = self._taken(place)
        try:
            with reader.lock, stores.state.alone(f"stream {place.tenant} {place.stream}"):
                try:
                    if not reader.loaded:
                        reader.load(
                            definitions_of(stores, place.tenant, place.job), stores.objects.get(_key(place))
                        )
                        stores.state.jobs.ensure_host(place.tenant, place.job, place.host)
                        reader.catch_up(stores, now)
                    elif stores.engine.shared:
                        reader.catch_up(stores, now)
                    yield reader
                except BaseException:
                    reader.forget()
                    raise
                if time.monotonic() - reader.saved >= SAVE_SECONDS:
                    self._save(stores, reader, now)
        finally:
            with self._lock:
                reader.users -= 1

    def save(self, stores: "Stores", now: float) -> None:
        """Keep the states that changed since they were kept, and let go of streams of which nothing was heard for
        long.
        """
        with self._lock:
            readers = list(self._readers.values())
        for reader in readers:
            with reader.lock:
                if reader.loaded and reader.position > reader.saved_position:
                    self._save(stores, reader, now)
        with self._lock:
            idle = [key for key, reader in self._readers.items() if not reader.users]
            for key in idle[: max(0, len(self._readers) - KEPT_STREAMS)]:
                del self._readers[key]
            jobs = {(reader.place.tenant, reader.place.job) for reader in self._readers.values()}
            self._health = {job: streams for job, streams in self._health.items() if job in jobs}

    def clear(self) -> None:
        """Forget everything (the tables were emptied)."""
        with self._lock:
            self._readers.clear()
            self._health.clear()

    def close(self) -> None:
        """End the worker process, if one was needed."""
        self._worker.close()

    def _taken(self, place: JobStream) -> StreamReader:
        with self._lock:
            key = place.tenant, place.stream
            reader = self._readers.get(key)
            if reader is None:
                reader = self._readers[key] = StreamReader(place, self._worker)
            self._readers.move_to_end(key)
            reader.users += 1
            return reader

    def _save(self, stores: "Stores", reader: StreamReader, now: float) -> None:
        """Keep the state, and note on the job's record how the definitions fared. What fails is tried again later: an
        older state will do.
        """
        try:
            self._keep(stores, reader, now)
        except Exception:
            logger.exception("how far the stream %s was read could not be kept", reader.place.stream)

    def _keep(self, stores: "Stores", reader: StreamReader, now: float) -> None:
        place = reader.place
        stores.objects.put(_key(place), reader.state())
        reader.saved, reader.saved_position = time.monotonic(), reader.position
        job = place.tenant, place.job
        with self._lock:
            streams = self._health.get(job)
        if streams is None:
            streams = _saved_health(stores, place)
        with self._lock:
            streams = self._health.setdefault(job, streams)
            streams[place.digest] = reader.health()
            health = merged(list(streams.values()))
        record = stores.state.jobs.note_health(place.tenant, place.job, health, now)
        if record is not None:
            stores.feed.publish_job(place.tenant, record)


def _saved_health(stores: "Stores", place: JobStream) -> dict[str, list[DefinitionHealth]]:
    """What was kept of the streams of the place's job."""
    found = {}
    for key, _ in stores.objects.list(_folder(place)):
        content = stores.objects.get(key)
        try:
            found[key.rpartition("/")[2]] = msgspec.json.decode(content or b"", type=_Saved).health
        except msgspec.DecodeError:
            continue  # it is written anew when its stream is read
    return found


def _folder(place: JobStream) -> str:
    return f"job-logs/{place.tenant.account}/{place.tenant.region}/{place.job}"


def _key(place: JobStream) -> str:
    return f"{_folder(place)}/{place.digest}"
