"""The series index: which metrics exist, in memory, loaded from the ``series`` table.

A *series* is one metric of one tenant in one unit; its ``sid`` is a hash of all that. Rows of datapoints carry
only the sid.
"""

import bisect
import hashlib
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from epochwatch.errors import EpochwatchError
from epochwatch.model.metric import Dimensions, MetricId
from epochwatch.model.tenant import Tenant
from epochwatch.store.engine import Engine
from epochwatch.store.schema import SERIES

REWRITE_SECONDS = 3600
"""``last_seen`` of a series is written again when it has advanced by so much."""
REFRESH_SECONDS = 2.0
"""How old the index may be where other servers add series too."""


@dataclass(slots=True, eq=False)
class SeriesEntry:
    """One series. ``last_seen`` is the newest timestamp in it (Unix seconds), ``last_value`` the value then."""

    sid: int
    tenant: Tenant
    metric: MetricId
    unit: str
    last_seen: int = 0
    last_value: float = 0.0
    written_seen: int = -1
    """``last_seen`` as the table has it; -1: not in the table."""

    @property
    def durable(self) -> bool:
        """Whether the series is in the table."""
        return self.written_seen >= 0

    @property
    def due(self) -> bool:
        """Whether the row has to be written with the next commit."""
        return not self.durable or self.last_seen - self.written_seen >= REWRITE_SECONDS


@dataclass(slots=True)
class _TenantIndex:
    metrics: dict[MetricId, dict[str, SeriesEntry]] = field(default_factory=dict)
    by_dimension: dict[tuple[str, str], list[MetricId]] = field(default_factory=dict)
    ordered: list[MetricId] | None = None

    def add(self, entry: SeriesEntry) -> None:
        units = self.metrics.get(entry.metric)
        if units is None:
            units = self.metrics[entry.metric] = {}
            self.ordered = None
            for pair in entry.metric.dimensions:
                self.by_dimension.setdefault(pair, []).append(entry.metric)
        units[entry.unit] = entry


class SeriesIndex:
    """All series of all tenants. Safe to use from any number of threads."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.RLock()
        self._tenants: dict[Tenant, _TenantIndex] = {}
        self._by_sid: dict[int, SeriesEntry] = {}
        self._loaded = 0.0
        self._version = 0
        self._load()

    def ensure(
        self, tenant: Tenant, metric: MetricId, unit: str, last_seen: int, last_value: float
    ) -> SeriesEntry:
        """The series of ``metric`` in ``unit``, made when it is new, with its newest value; a commit with its
        datapoints makes it durable.
        """
        with self._lock:
            index = self._tenants.setdefault(tenant, _TenantIndex())
            entry = index.metrics.get(metric, {}).get(unit)
            if entry is None:
                entry = SeriesEntry(self._number(tenant, metric, unit), tenant, metric, unit)
                self._remember(entry)
            if last_seen >= entry.last_seen:
                entry.last_seen, entry.last_value = last_seen, last_value
            return entry

    def ensure_all(
        self,
        tenant: Tenant,
        known: Sequence[tuple[MetricId, str]],
        index: NDArray[np.uint32],
        seconds: NDArray[np.int64],
        values: NDArray[np.float64],
    ) -> dict[int, SeriesEntry]:
        """The series of rows by their number in ``known`` (metric and unit): ``index`` has that of each row. Of several
        rows of a series' newest second the last one gives its newest value.
        """
        order = np.lexsort((seconds, index))
        lasts = order[np.flatnonzero(np.diff(index[order].astype(np.int64), append=-1))]
        return {
            number: self.ensure(tenant, known[number][0], known[number][1], second, value)
            for number, second, value in zip(
                index[lasts].tolist(), seconds[lasts].tolist(), values[lasts].tolist(), strict=True
            )
        }

    def units(self, tenant: Tenant, metric: MetricId) -> dict[str, SeriesEntry]:
        """The durable series of ``metric`` by unit; empty when the metric is unknown."""
        self._refresh()
        with self._lock:
            index = self._tenants.get(tenant)
            found = index.metrics.get(metric, {}) if index else {}
            return {unit: entry for unit, entry in sorted(found.items()) if entry.durable}

    def of_dimension(self, tenant: Tenant, pair: tuple[str, str]) -> list[SeriesEntry]:
        """Every durable series that has the dimension ``pair`` (name, value)."""
        self._refresh()
        with self._lock:
            index = self._tenants.get(tenant, _TenantIndex())
            return [
                entry
                for metric in index.by_dimension.get(pair, ())
                for entry in index.metrics[metric].values()
                if entry.durable
            ]

    def ordered(self, tenant: Tenant) -> Sequence[MetricId]:
        """Every metric, also one that is not durable yet, in ascending order; the same object until one is added."""
        self._refresh()
        with self._lock:
            return self._candidates(self._tenants.get(tenant, _TenantIndex()), None, None, ())

    def find(
        self,
        tenant: Tenant,
        namespace: str | None,
        name: str | None,
        dimensions: Sequence[tuple[str, str | None]],
        active_since: int | None,
        after: MetricId | None,
    ) -> Iterator[MetricId]:
        """Durable metrics that match everything given, in ascending order, those behind ``after`` only."""
        self._refresh()
        with self._lock:
            index = self._tenants.get(tenant, _TenantIndex())
            candidates = self._candidates(index, namespace, name, dimensions)
            start = 0 if after is None else bisect.bisect_right(candidates, after)
            selected = candidates[start:]
        for metric in selected:
            if _matches(metric, namespace, name, dimensions):
                entries = list(index.metrics[metric].values())  # a copy: writers add units meanwhile
                seen = max((entry.last_seen for entry in entries if entry.durable), default=-1)
                if seen >= (active_since or 0):
                    yield metric

    def mark_durable(self, entries: Iterable[SeriesEntry], seen: Iterable[tuple[int, float]]) -> None:
        """Their rows are in the table, with these values of ``last_seen`` and ``last_value``."""
        with self._lock:
            for entry, (last, _) in zip(entries, seen, strict=True):
                entry.written_seen = max(entry.written_seen, last)

    def clear(self) -> None:
        """Forget everything (the table was emptied)."""
        with self._lock:
            self._tenants.clear()
            self._by_sid.clear()

    @staticmethod
    def rows(entries: Sequence[SeriesEntry], seen: Sequence[tuple[int, float]]) -> pa.RecordBatch:
        """Rows for the ``series`` table; ``seen`` is (newest timestamp, value then) of each."""
        version = time.time_ns() // 1000
        return pa.RecordBatch.from_arrays(
            [
                pa.array([entry.sid for entry in entries], pa.uint64()),
                pa.array([entry.tenant.account for entry in entries], pa.string()),
                pa.array([entry.tenant.region for entry in entries], pa.string()),
                pa.array([entry.metric.namespace for entry in entries], pa.string()),
                pa.array([entry.metric.name for entry in entries], pa.string()),
                pa.array([[n for n, _ in entry.metric.dimensions] for entry in entries], pa.list_(pa.string())),
                pa.array([[v for _, v in entry.metric.dimensions] for entry in entries], pa.list_(pa.string())),
                pa.array([entry.unit for entry in entries], pa.string()),
                pa.array([last for last, _ in seen], pa.int64()),
                pa.array([value for _, value in seen], pa.float64()),
                pa.array(np.full(len(entries), version, np.uint64)),
            ],
            schema=SERIES,
        )

    @staticmethod
    def _candidates(
        index: _TenantIndex, namespace: str | None, name: str | None, dimensions: Sequence[tuple[str, str | None]]
    ) -> list[MetricId]:
        lists = [index.by_dimension.get((n, v), []) for n, v in dimensions if v is not None]
        if lists:
            fewest = min(lists, key=len)
            return sorted(fewest)
        if index.ordered is None:
            index.ordered = sorted(index.metrics)
        if namespace is None:
            return index.ordered
        low = bisect.bisect_left(index.ordered, MetricId(namespace, name or ""))
        after = MetricId(namespace, name + "\0") if name is not None else MetricId(namespace + "\0", "")
        return index.ordered[low : bisect.bisect_left(index.ordered, after)]

    def _number(self, tenant: Tenant, metric: MetricId, unit: str) -> int:
        parts = [tenant.account, tenant.region, metric.namespace, metric.name, unit]
        parts += [part for pair in metric.dimensions for part in pair]
        key = b"".join(b"%d:%s" % (len(part), part) for part in (text.encode() for text in parts))
        sid = int.from_bytes(hashlib.blake2b(key, digest_size=8).digest(), "big") >> 1
        other = self._by_sid.get(sid)
        if other is not None:
            raise EpochwatchError(
                f"the metrics {metric} and {other.metric} have the same hash: rename one of them"
            )
        return sid

    def _remember(self, entry: SeriesEntry) -> None:
        self._by_sid[entry.sid] = entry
        self._tenants.setdefault(entry.tenant, _TenantIndex()).add(entry)

    def _refresh(self) -> None:
        if not self._engine.shared or time.monotonic() - self._loaded < REFRESH_SECONDS:
            return
        self._load()

    def _load(self) -> None:
        """Take in the rows that came since the last time; a minute's overlap bridges the servers' clocks."""
        self._loaded = time.monotonic()
        rows = self._engine.query(
            "SELECT sid, account, region, namespace, name, dimension_names, dimension_values, unit, "
            "max(last_seen) AS seen, argMax(last_value, last_seen) AS value, max(version) AS latest "
            "FROM series WHERE version >= %(since)s "
            "GROUP BY sid, account, region, namespace, name, dimension_names, dimension_values, unit",
            {"since": max(0, self._version - 60_000_000)},
        )
        recent = self._recent()
        with self._lock:
            for row in rows.to_pylist():
                self._take(row, recent)

    def _recent(self) -> dict[int, tuple[int, float]]:
        """The newest timestamp and value of series that had datapoints within what the table may miss."""
        since = int(time.time()) - 2 * REWRITE_SECONDS
        rows = self._engine.query(
            "SELECT sid, toInt64(toUInt32(max(ts))) AS seen, "
            "argMax(if(is_set, value / weight, value), (ts, seq)) AS last "
            "FROM datapoints WHERE ts >= %(since)s GROUP BY sid",
            {"since": since},
        )
        columns = (rows[name].to_pylist() for name in ("sid", "seen", "last"))
        return {sid: (seen, value) for sid, seen, value in zip(*columns, strict=True)}

    def _take(self, row: dict[str, Any], recent: dict[int, tuple[int, float]]) -> None:
        sid, seen = int(row["sid"]), int(row["seen"])
        entry = self._by_sid.get(sid)
        if entry is None:
            dimensions: Dimensions = tuple(zip(row["dimension_names"], row["dimension_values"], strict=True))
            metric = MetricId(row["namespace"], row["name"], dimensions)
            entry = SeriesEntry(sid, Tenant(row["account"], row["region"]), metric, row["unit"])
            self._remember(entry)
        entry.written_seen = max(entry.written_seen, seen)
        for last, value in ((seen, row["value"]), recent.get(sid, (0, 0.0))):
            if last > entry.last_seen:
                entry.last_seen, entry.last_value = last, float(value)
        self._version = max(self._version, int(row["latest"]))


def _matches(
    metric: MetricId, namespace: str | None, name: str | None, dimensions: Sequence[tuple[str, str | None]]
) -> bool:
    if namespace is not None and metric.namespace != namespace:
        return False
    if name is not None and metric.name != name:
        return False
    own = dict(metric.dimensions)
    return all(n in own and (v is None or own[n] == v) for n, v in dimensions)
