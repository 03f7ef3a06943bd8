"""What is known of the metrics of many jobs, kept in memory until points come."""

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from typing import Final, NamedTuple, TypeAlias

import pyarrow as pa

from epochwatch.model.tenant import Tenant
from epochwatch.store.engine import Engine
from epochwatch.store.ingest import Ingest
from epochwatch.store.run_points import MetricSummary, Owner, RunPointStore

KEPT: Final = 20_000
"""Jobs in memory."""
SHARED_SECONDS: Final = 30.0
"""How old a summary may be where other servers store points too."""
_AT_ONCE: Final = 1000

Metrics: TypeAlias = Mapping[str, MetricSummary]
_Key: TypeAlias = tuple[str, str, str, str]


class _Known(NamedTuple):
    made: float
    change: int
    read: float
    metrics: Metrics


class MetricSummaries:
    """Summaries for whoever looks at thousands of jobs again and again. Safe to use from any number of threads."""

    def __init__(self, engine: Engine, ingest: Ingest, run_points: RunPointStore) -> None:
        self._run_points = run_points
        self._lifetime = SHARED_SECONDS if engine.shared else math.inf
        self._known: OrderedDict[_Key, _Known] = OrderedDict()
        self._changes: dict[_Key, int] = {}
        self._lock = threading.Lock()
        ingest.on_run_points = self._changed

    def of(self, tenant: Tenant, owner: Owner, made: Mapping[str, float]) -> dict[str, Metrics]:
        """The metrics of each job by name; of those that got no points since the last time, without reading any.
        ``made`` says when each job was made: an earlier one may have had its name.
        """
        found: dict[str, Metrics] = {}
        missing: dict[str, int] = {}
        now = time.monotonic()
        with self._lock:
            for name, when in made.items():
                key = (tenant.account, tenant.region, owner, name)
                known, change = self._known.get(key), self._changes.get(key, 0)
                fresh = known is not None and known[:2] == (when, change) and now - known.read < self._lifetime
                if known is not None and fresh:
                    found[name] = known.metrics
                else:
                    missing[name] = change
        names = list(missing)
        for start in range(0, len(names), _AT_ONCE):
            read = self._run_points.summaries(tenant, owner, names[start : start + _AT_ONCE])
            with self._lock:
                for name, metrics in read.items():
                    found[name] = {one.name: one for one in metrics}
                    key = (tenant.account, tenant.region, owner, name)
                    self._known[key] = _Known(made[name], missing[name], now, found[name])
                while len(self._known) > KEPT:
                    self._known.popitem(last=False)
        return found

    def _changed(self, points: pa.RecordBatch) -> None:
        key = tuple(points.column(name)[0].as_py() for name in ("account", "region", "owner", "name"))
        with self._lock:
            self._changes[key] = self._changes.get(key, 0) + 1
