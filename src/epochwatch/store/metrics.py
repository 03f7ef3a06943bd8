"""CloudWatch datapoints: writing them, reading a range of them, and listing metrics."""

import base64
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from epochwatch.model.metric import Datapoint, MetricId
from epochwatch.model.tenant import Tenant
from epochwatch.store.engine import Engine
from epochwatch.store.ingest import Ingest
from epochwatch.store.rows import API_SOURCE, Rows, SequenceNumbers, datapoint_rows
from epochwatch.store.series import SeriesIndex

__all__ = ["Datapoint", "MetricId", "MetricStore", "SeriesRows"]

MetricIds: TypeAlias = list[MetricId]


@dataclass(frozen=True, slots=True)
class SeriesRows:
    """Stored rows of one metric in one unit, ascending by time; columns of one length.

    A row is a value that occurred ``weight`` times (``low`` = ``high`` = ``value``), or, where ``is_set``, a
    statistic set: ``value`` its sum, ``weight`` its count, ``low`` and ``high`` its extremes.
    """

    unit: str
    ts: NDArray[np.int64]
    """Unix seconds."""
    value: NDArray[np.float64]
    weight: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    is_set: NDArray[np.bool_]


class MetricStore:
    """Datapoints of all tenants."""

    def __init__(self, engine: Engine, ingest: Ingest, series: SeriesIndex, numbers: SequenceNumbers) -> None:
        self._engine = engine
        self._ingest = ingest
        self._series = series
        self._numbers = numbers

    def put(self, tenant: Tenant, datapoints: Sequence[Datapoint]) -> None:
        """Store ``datapoints``; durable on return. Raises ValueError for a time or number that cannot be stored."""
        if datapoints:
            self._ingest.write(self._rows(tenant, datapoints))

    def samples(
        self, tenant: Tenant, metric: MetricId, start: int, end: int, unit: str | None = None
    ) -> list[SeriesRows]:
        """Rows of ``metric`` with start <= ts < end (Unix seconds), per unit in which there are any."""
        return self.samples_of(tenant, [metric], start, end, unit)[metric]

    def samples_of(
        self, tenant: Tenant, metrics: Iterable[MetricId], start: int, end: int, unit: str | None = None
    ) -> dict[MetricId, list[SeriesRows]]:
        """The same for many metrics by one query; every metric asked for has an entry."""
        found: dict[MetricId, list[SeriesRows]] = {metric: [] for metric in metrics}
        wanted = {
            entry.sid: entry
            for metric in found
            for entry in self._series.units(tenant, metric).values()
            if unit is None or entry.unit == unit
        }
        if not wanted:
            return found
        table = self._engine.query(
            "SELECT sid, toUInt32(ts) AS t, value, weight, low, high, is_set FROM datapoints "
            "WHERE sid IN %(sids)s AND ts >= %(start)s AND ts < %(end)s ORDER BY sid, ts, source, seq",
            {"sids": list(wanted), "start": _second(start), "end": _second(end)},
        )
        sid, ts, value, weight, low, high, is_set = (column.to_numpy() for column in table.columns)
        cuts = np.flatnonzero(np.diff(sid)) + 1
        for first, last in zip([0, *cuts], [*cuts, len(sid)], strict=True):
            if first == last:
                continue
            entry, span = wanted[int(sid[first])], slice(first, last)
            sets = is_set[span].astype(bool)
            found[entry.metric].append(
                SeriesRows(
                    unit=entry.unit,
                    ts=ts[span].astype(np.int64),
                    value=value[span],
                    weight=weight[span],
                    low=np.where(sets, low[span], value[span]),
                    high=np.where(sets, high[span], value[span]),
                    is_set=sets,
                )
            )
        for rows in found.values():
            rows.sort(key=lambda series: series.unit)
        return found

    def list(
        self,
        tenant: Tenant,
        namespace: str | None = None,
        name: str | None = None,
        dimensions: Sequence[tuple[str, str | None]] = (),
        active_since: int | None = None,
        after: str | None = None,
        limit: int = 500,
    ) -> tuple[MetricIds, str | None]:
        """One page of metrics in ascending order, and the token of the next page (None at the end).

        ``dimensions`` are (name, value or None for any) that a metric must have; ``active_since`` (Unix
        seconds) leaves out metrics without a datapoint at or after it. Raises ValueError for a strange token.
        """
        behind = None if after is None else _from_token(after)
        found = list(
            islice(self._series.find(tenant, namespace, name, dimensions, active_since, behind), limit + 1)
        )
        if len(found) <= limit:
            return found, None
        return found[:limit], _token(found[limit - 1])

    def units(self, tenant: Tenant, metric: MetricId) -> Sequence[str]:
        """The units in which ``metric`` has datapoints, sorted."""
        return list(self._series.units(tenant, metric))

    def last_seen(self, tenant: Tenant, metric: MetricId) -> int | None:
        """The newest timestamp of ``metric`` (Unix seconds), or None when it is unknown."""
        return max((entry.last_seen for entry in self._series.units(tenant, metric).values()), default=None)

    def _rows(self, tenant: Tenant, datapoints: Sequence[Datapoint]) -> Rows:
        columns: dict[str, list[float]] = {
            name: [] for name in ("sid", "ts", "value", "weight", "low", "high", "is_set", "resolution")
        }
        series = []
        for point in datapoints:
            if not 0 <= point.timestamp < 2**32:
                raise ValueError(f"the timestamp {point.timestamp} lies outside of 1970 to 2106")
            entry = self._series.ensure(tenant, point.metric, point.unit, point.timestamp)
            series.append(entry)
            for value, weight, low, high, is_set in _samples(point):
                row = (entry.sid, point.timestamp, value, weight, low, high, is_set, point.resolution)
                for name, cell in zip(columns, row, strict=True):
                    columns[name].append(cell)
        count = len(columns["sid"])
        if not all(np.isfinite(columns[name]).all() for name in ("value", "weight", "low", "high")):
            raise ValueError("a datapoint is not a finite number")
        return Rows(
            series=series,
            datapoints=datapoint_rows(
                {
                    "sid": np.array(columns["sid"], np.uint64),
                    "ts": np.array(columns["ts"], np.int64),
                    **{name: np.array(columns[name], np.float64) for name in ("value", "weight", "low", "high")},
                    "is_set": np.array(columns["is_set"], np.uint8),
                    "resolution": np.array(columns["resolution"], np.uint8),
                    "source": np.full(count, API_SOURCE, np.uint64),
                    "seq": self._numbers.take(count),
                }
            ),
        )


def _samples(point: Datapoint) -> list[tuple[float, float, float, float, int]]:
    if point.statistic_set is not None:
        total, count, low, high = point.statistic_set
        return [(total, count, low, high, 1)]
    return [(value, count, 0.0, 0.0, 0) for value, count in zip(point.values, point.counts, strict=True)]


def _second(moment: int) -> int:
    return min(max(int(moment), 0), 2**32)


def _token(metric: MetricId) -> str:
    return base64.urlsafe_b64encode(
        json.dumps([metric.namespace, metric.name, metric.dimensions]).encode()
    ).decode()


def _from_token(token: str) -> MetricId:
    try:
        namespace, name, dimensions = json.loads(base64.urlsafe_b64decode(token.encode()))
        return MetricId(str(namespace), str(name), tuple((str(n), str(v)) for n, v in dimensions))
    except (ValueError, TypeError) as error:
        raise ValueError("the token is not one of this list") from error
