"""Profiles of jobs as files in the object store, as long as the job's record.

``profiles/<account>/<region>/<kind>/<job>/<host>/<YYYYMMDDHH>/``: event files as agents send them, by the hour in which
each was begun; later ``hour.parquet`` of all of them, in whose metadata stands how much of which files is in it. What
comes of a file after that is read beside it. ``.../<host>/windows/`` has operator windows: ``<name>.json`` and a trace.
``profiles-due/`` has an empty object for each host and hour of which files are still to be put together.
"""

import io
import json
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from epochwatch.model.host_samples import MICRO, Columns, Samples
from epochwatch.model.job import TERMINAL, TRAINING, Run, TrainingJob
from epochwatch.model.profile_file import EVENTS, ProfileFile, checked_name
from epochwatch.model.tenant import Tenant
from epochwatch.profiler.events import SCHEMA
from epochwatch.profiler.phases import Phase
from epochwatch.profiler.profile import Span, Window
from epochwatch.profiler.store.reader import bounded, chosen, events_in
from epochwatch.profiler.store.rows import begun_at
from epochwatch.profiler.store.windows import window_in
from epochwatch.store.due_hours import HOUR, put_together_due
from epochwatch.store.host_samples import (
    HostPlace,
    read_samples,
    read_summaries,
)
from epochwatch.store.objects import ObjectStore

if TYPE_CHECKING:
    from epochwatch.store.stores import Stores

DUE: Final = "profiles-due"
SEALED: Final = "hour.parquet"
LATER_HOURS: Final = 1
"""After a span in which events are looked for that began within it: a file holds what was over while it grew."""
KEPT_ROWS: Final = 3_000_000
"""Of hours that were put together, kept as they were read last: a report asks for each of them several times."""
_CONTENTS: Final = b"files"
_NAMES: Final = [field.name for field in SCHEMA if pa.types.is_dictionary(field.type)]


@dataclass(frozen=True, slots=True)
class ProfilePlace:
    """Where the profile of one host of one job is; host "": of all its hosts."""

    tenant: Tenant
    kind: str
    job: str
    host: str = ""

    @property
    def folder(self) -> str:
        """The key of all of them."""
        words = ("profiles", self.tenant.account, self.tenant.region, self.kind, self.job, self.host)
        return "/".join(filter(None, words))

    def hour(self, hour: int) -> str:
        """The key of an hour's files, by its first Unix second."""
        return f"{self.folder}/{datetime.fromtimestamp(hour, UTC):%Y%m%d%H}"

    def due(self, hour: int) -> str:
        """The key that says that an hour's files are to be put together; sorted by the hour."""
        words = (self.tenant.account, self.tenant.region, self.kind, self.job, self.host)
        return f"{DUE}/{hour:010d},{','.join(words)}"

    @classmethod
    def of_due(cls, key: str) -> "tuple[ProfilePlace, int]":
        """The reverse of ``due``: the place and the hour."""
        hour, account, region, kind, job, host = key.rpartition("/")[2].split(",")
        return cls(Tenant(account, region), kind, job, host), int(hour)


def keep_profile_file(objects: ObjectStore, tenant: Tenant, run: Run, file: ProfileFile) -> None:
    """Store a file of the run's own host; on disk on return, and the same when it comes again. Raises ValueError for
    what is none.
    """
    place = ProfilePlace(tenant, run.kind.resource, run.job, run.host)
    begun = begun_at(checked_name(file.name))
    if begun is None:
        if file.name.endswith(".json"):
            window_in(file.content)
        objects.put_durably(f"{place.folder}/{file.name}", file.content)
        return
    events_in(file.content)
    hour = begun // MICRO // HOUR * HOUR
    objects.put_durably(f"{place.hour(hour)}/{file.name}", file.content)
    # After the file: whoever takes this away looks for files once more.
    objects.put(place.due(hour), b"")


def delete_profile(objects: ObjectStore, tenant: Tenant, kind: str, job: str) -> None:
    """Forget all hosts' files of a job."""
    for key, _ in list(objects.list(ProfilePlace(tenant, kind, job).folder)):
        objects.delete(key)


# -- sealing --------------------------------------------------------------------------------------------------


def seal_due(objects: ObjectStore, now: float, clock: Callable[[], float] = time.monotonic) -> None:
    """Put together the hours of all hosts that are over at ``now`` (Unix seconds), oldest first, as time allows."""
    put_together_due(objects, DUE, ProfilePlace.of_due, seal, _event_files, now, clock)


def seal(objects: ObjectStore, place: ProfilePlace, hour: int) -> None:
    """Put an hour's files into one; nothing happens when there are none.

    Interrupted anywhere, it leaves files that read the same, and can be done again.
    """
    folder = place.hour(hour)
    files = _event_files(objects, folder)
    if not files:
        return
    sealed = objects.get(f"{folder}/{SEALED}")
    known = _contents(sealed)
    tables = [SCHEMA.empty_table(), *([_unpacked(sealed)] if sealed is not None else [])]
    for name in files:
        content = objects.get(f"{folder}/{name}")
        if content is not None and len(content) > known.get(name, 0):
            tables.append(events_in(content, place.host, known.get(name, 0)))
            known[name] = len(content)
    whole = (
        pa.concat_tables(tables).unify_dictionaries().sort_by([("process", "ascending"), ("start", "ascending")])
    )
    objects.put_durably(f"{folder}/{SEALED}", _packed(whole, known))
    for name in files:
        objects.delete(f"{folder}/{name}")


def _packed(table: pa.Table, contents: dict[str, int]) -> bytes:
    plain = [field.name for field in SCHEMA if field.name not in _NAMES]
    sink = io.BytesIO()
    with pq.ParquetWriter(
        sink,
        SCHEMA.with_metadata({_CONTENTS: json.dumps(contents).encode()}),
        compression="zstd",
        use_dictionary=_NAMES,
        column_encoding=dict.fromkeys((name for name in plain if name != "mode"), "DELTA_BINARY_PACKED"),
    ) as writer:
        writer.write_table(table.replace_schema_metadata({_CONTENTS: json.dumps(contents).encode()}), 1 << 17)
    return sink.getvalue()


def _unpacked(content: bytes) -> pa.Table:
    return pq.read_table(pa.BufferReader(content), read_dictionary=_NAMES).cast(SCHEMA)


def _contents(sealed: bytes | None) -> dict[str, int]:
    """How many bytes of which files are in it."""
    if sealed is None:
        return {}
    metadata = pq.read_schema(pa.BufferReader(sealed)).metadata or {}
    found: dict[str, int] = json.loads(metadata.get(_CONTENTS, b"{}"))
    return found


def _event_files(objects: ObjectStore, folder: str) -> list[str]:
    names = (key.rpartition("/")[2] for key, _ in objects.list(folder))
    return sorted(name for name in names if EVENTS.fullmatch(name))


# -- reading --------------------------------------------------------------------------------------------------


def profile_of(stores: "Stores", tenant: Tenant, job: str) -> "JobProfile":
    """What a training job did. Raises KeyError where there is no such job."""
    record = stores.state.jobs.get(tenant, job)
    if record is None:
        raise KeyError(job)
    return JobProfile(stores, tenant, record)


class JobProfile:
    """A Profile from the server's own store. All times are by the server's clock."""

    def __init__(self, stores: "Stores", tenant: Tenant, record: TrainingJob) -> None:
        self._stores = stores
        self._objects = stores.objects
        self._tenant = tenant
        self._record = record
        self._kept: OrderedDict[str, tuple[bytes, pa.Table]] = OrderedDict()

    @property
    def job(self) -> str:
        """The training job's name."""
        return self._record.name

    def ended(self) -> bool:
        """Whether the training is over."""
        self._record = self._stores.state.jobs.get(self._tenant, self.job) or self._record
        return self._record.status in TERMINAL

    def span(self) -> Span:
        """From the first to the last thing that is known; (0, 0) while there is none."""
        found = [span for node in self.nodes() for span in (*self._sampled(node), *self._timed(node))]
        return (min(first for first, _ in found), max(last for _, last in found) + 1) if found else (0, 0)

    def nodes(self) -> Sequence[str]:
        """Those with samples or events."""
        found = set()
        for folder in (self._hosts().folder.rstrip("/"), self._place().folder):
            found |= {key[len(folder) + 1 :].partition("/")[0] for key, _ in self._objects.list(folder)}
        return sorted(found, key=lambda name: (len(name), name))

    def system(self, node: str, span: Span, columns: Columns = None, seconds: int = 0) -> Samples:
        """What a node's sampler measured."""
        shift = self._shift(node)
        start, end = ((moment - shift) / MICRO for moment in span)
        if seconds:
            found = read_summaries(self._objects, self._hosts(node), start, end, seconds, columns)
        else:
            found = read_samples(self._objects, self._hosts(node), start, end, columns)
        return replace(found, times=found.times + shift)

    def events(self, span: Span, phases: Collection[Phase] | None = None) -> Iterator[pa.Table]:
        """Events that begin within the span, of some phases or all; each process in the order of its time."""
        return bounded(chosen(table, span, phases) for node in self.nodes() for table in self._tables(node, span))

    def windows(self) -> Sequence[Window]:
        """Windows that are complete, oldest first."""
        found = []
        for node in self.nodes():
            for key, _ in self._objects.list(f"{self._place(node).folder}/windows"):
                if key.endswith(".json") and (content := self._objects.get(key)) is not None:
                    window = window_in(content)
                    shift = self._shift(node)
                    path = f"{node}/{window.path}"
                    span = (window.span[0] + shift, window.span[1] + shift)
                    found.append(replace(window, node=node, span=span, path=path))
        return sorted(found, key=lambda window: (window.span, window.node, window.rank))

    def read(self, path: str) -> bytes:
        """A file of the profile, such as a window's trace. Raises FileNotFoundError."""
        content = None
        if ".." not in path.split("/"):
            content = self._objects.get(f"{self._place().folder}/{path}")
        if content is None:
            raise FileNotFoundError(path)
        return content

    # -- within ----------------------------------------------------------------------------------------

    def _place(self, node: str = "") -> ProfilePlace:
        return ProfilePlace(self._tenant, TRAINING.resource, self.job, node)

    def _hosts(self, node: str = "") -> HostPlace:
        return HostPlace(self._tenant, TRAINING.resource, self.job, node)

    def _shift(self, node: str) -> int:
        """Microseconds to be added to the times of a host."""
        clock = self._record.clocks.get(node)
        return round(clock.shift * MICRO) if clock is not None else 0

    def _tables(self, node: str, span: Span) -> Iterator[pa.Table]:
        shift = self._shift(node)
        for hour in self._hours(self._place(node).folder):
            if (hour + HOUR) * MICRO + shift > span[0] and hour * MICRO + shift < span[
                1
            ] + LATER_HOURS * HOUR * MICRO:
                for table in self._hour(node, hour):
                    yield _shifted(table, shift)

    def _hour(self, node: str, hour: int) -> Iterator[pa.Table]:
        folder = self._place(node).hour(hour)
        files = _event_files(self._objects, folder)  # before what they may be sealed into meanwhile
        contents = {name: self._objects.get(f"{folder}/{name}") for name in files}
        sealed = self._objects.get(f"{folder}/{SEALED}")
        if sealed is not None:
            yield self._sealed(folder, sealed)
        known = _contents(sealed)
        for name, content in contents.items():
            if content is not None and len(content) > known.get(name, 0):
                yield events_in(content, node, known.get(name, 0))

    def _sealed(self, folder: str, content: bytes) -> pa.Table:
        known = self._kept.pop(folder, None)
        table = known[1] if known is not None and known[0] == content else _unpacked(content)
        self._kept[folder] = content, table
        while len(self._kept) > 1 and sum(len(one) for _, one in self._kept.values()) > KEPT_ROWS:
            self._kept.popitem(last=False)
        return table

    def _hours(self, folder: str) -> list[int]:
        """Unix seconds of those that have files."""
        words = {key[len(folder) + 1 :].partition("/")[0] for key, _ in self._objects.list(folder)}
        moments = (datetime.strptime(word, "%Y%m%d%H") for word in words if len(word) == 10 and word.isdecimal())
        return sorted(int(moment.replace(tzinfo=UTC).timestamp()) for moment in moments)

    def _sampled(self, node: str) -> Iterable[Span]:
        hours = self._hours(self._hosts(node).folder)
        for hour in {*hours[:1], *hours[-1:]}:
            span = (hour - 60) * MICRO, (hour + HOUR + 60) * MICRO
            times = self.system(node, span, []).times
            if len(times):
                yield int(times[0]), int(times[-1])

    def _timed(self, node: str) -> Iterable[Span]:
        hours = self._hours(self._place(node).folder)
        for hour in {*hours[:1], *hours[-1:]}:
            for table in self._hour(node, hour):
                if len(table):
                    shift = self._shift(node)
                    ends = pc.max(pc.add(table["start"], table["duration"])).as_py()
                    yield pc.min(table["start"]).as_py() + shift, ends + shift


def _shifted(table: pa.Table, shift: int) -> pa.Table:
    if not shift:
        return table
    return table.set_column(0, SCHEMA.field("start"), pc.add(table["start"], shift))
