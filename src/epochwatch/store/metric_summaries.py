"""What is known of the metrics of many jobs, kept in memory; of those that go on only the last points are read."""

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple, Protocol, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from epochwatch.model.tenant import Tenant
from epochwatch.store.engine import Engine
from epochwatch.store.ingest import Ingest
from epochwatch.store.run_points import TRAINING_JOB, MetricSummary, RunPointStore

KEPT: Final = 20_000
"""Jobs in memory."""
SHARED_SECONDS: Final = 30.0
"""How old a summary may be where other servers store points too."""
SETTLED: Final = 300_000_000
"""Microseconds. Points that are older when they come are late, and all of their job's are read again. Points that were
older when they were read are not read again.
"""
_AT_ONCE: Final = 1000
_NOTHING: Final = -1

Metrics: TypeAlias = Mapping[str, MetricSummary]
_Key: TypeAlias = tuple[Tenant, str]


class Created(Protocol):
    """A job, or what a table has of it."""

    @property
    def name(self) -> str:
        """Its name; of a deleted job another one may have it later."""

    @property
    def created(self) -> float:
        """Unix seconds."""


class _Came(NamedTuple):
    """How many batches of a job's points came since the server started, and how many with late ones."""

    batches: int = 0
    late: int = 0


class _Known(NamedTuple):
    created: float
    came: _Came
    """What had come when it was read."""
    read: float
    """When all points were read, by the monotonic clock."""
    until: int
    """Microseconds: up to then points are settled."""
    settled: Metrics
    metrics: Metrics


class MetricSummaries:
    """Summaries for whoever looks at jobs again and again. Safe to use from any number of threads."""

    def __init__(self, engine: Engine, ingest: Ingest, run_points: RunPointStore) -> None:
        self._run_points = run_points
        self._lifetime = SHARED_SECONDS if engine.shared else math.inf
        self._known: OrderedDict[_Key, _Known] = OrderedDict()
        self._came: dict[_Key, _Came] = {}
        self._lock = threading.Lock()
        ingest.on_run_points = self._note

    def of(self, tenant: Tenant, jobs: "Iterable[Created]") -> dict[str, Metrics]:
        """The metrics of each training job by name, in order of their names; of a job that got no points since the last
        time, without reading any.
        """
        found: dict[str, Metrics] = {}
        stale: dict[int, dict[str, _Known]] = {}
        settled = _settled_now()  # before it is seen what came, so that whatever comes behind it is late by then
        with self._lock:
            for job in jobs:
                key = (tenant, job.name)
                known, came = self._usable(key, job.created), self._came.get(key, _Came())
                if known.until != _NOTHING and known.came == came:
                    found[job.name] = known.metrics
                else:
                    stale.setdefault(known.until, {})[job.name] = known._replace(came=came)
        for after, changed in stale.items():
            until = settled if after == _NOTHING or settled - after > SETTLED else after
            names = list(changed)
            for start in range(0, len(names), _AT_ONCE):
                some = {name: changed[name] for name in names[start : start + _AT_ONCE]}
                found |= self._read(tenant, some, after, until)
        return found

    def _usable(self, key: _Key, created: float) -> _Known:
        """What is known of a job, as far as it still holds: an earlier job may have had its name."""
        known, late = self._known.get(key), self._came.get(key, _Came()).late
        now = time.monotonic()
        if (
            known is not None
            and (known.created, known.came.late) == (created, late)
            and now - known.read < self._lifetime
        ):
            return known
        return _Known(created, _Came(), now, _NOTHING, {}, {})

    def _read(self, tenant: Tenant, jobs: Mapping[str, _Known], after: int, until: int) -> dict[str, Metrics]:
        """The metrics of jobs of which all points up to ``after`` are known; those up to ``until`` are settled."""
        read = self._run_points.summaries_apart(tenant, TRAINING_JOB, list(jobs), after, until)
        found = {}
        for name, (older, newer) in read.items():
            settled = _together(jobs[name].settled, older)
            found[name] = jobs[name]._replace(until=until, settled=settled, metrics=_together(settled, newer))
        with self._lock:
            self._known |= {(tenant, name): known for name, known in found.items()}
            while len(self._known) > KEPT:
                self._known.popitem(last=False)
        return {name: known.metrics for name, known in found.items()}

    def _note(self, points: pa.RecordBatch) -> None:
        account, region, owner, name = (
            points.column(of)[0].as_py() for of in ("account", "region", "owner", "name")
        )
        if owner != TRAINING_JOB:
            return
        key = (Tenant(account, region), name)
        late = pc.min(points.column("time")).as_py() <= _settled_now()
        with self._lock:
            came = self._came.get(key, _Came())
            self._came[key] = _Came(came.batches + 1, came.late + late)


def _settled_now() -> int:
    return int(time.time() * 1e6) - SETTLED


def _together(earlier: Metrics, later: Iterable[MetricSummary]) -> Metrics:
    """The metrics of points and of those that are later than all of them."""
    found = dict(earlier)
    for one in later:
        found[one.name] = found[one.name].and_then(one) if one.name in found else one
    return dict(sorted(found.items()))
