"""CloudWatch datapoints: writing them, reading statistics of them, and finding metrics."""

import base64
import json
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import TypeAlias

import numpy as np

from epochwatch.model.aggregation import Summary
from epochwatch.model.metric import DatapointColumns, MetricId
from epochwatch.model.periods import Buckets
from epochwatch.model.retention import Lifetimes
from epochwatch.model.tenant import Tenant
from epochwatch.store.ingest import Ingest
from epochwatch.store.rows import API_SOURCE, LATEST_TS, Rows, SequenceNumbers, datapoint_rows
from epochwatch.store.series import SeriesEntry, SeriesIndex
from epochwatch.store.summaries import SummaryReader
from epochwatch.store.tiers import Tiers

MetricIds: TypeAlias = list[MetricId]


class MetricStore:
    """Datapoints of all tenants."""

    def __init__(
        self,
        summaries: SummaryReader,
        ingest: Ingest,
        series: SeriesIndex,
        numbers: SequenceNumbers,
        tiers: Tiers,
    ) -> None:
        self._summaries = summaries
        self._ingest = ingest
        self._series = series
        self._numbers = numbers
        self._tiers = tiers

    def put(self, tenant: Tenant, datapoints: DatapointColumns) -> None:
        """Store ``datapoints``; durable on return. Raises ValueError for a time or number that cannot be stored."""
        if len(datapoints):
            self._ingest.write(self._rows(tenant, datapoints))

    def read(
        self,
        tenant: Tenant,
        metrics: Iterable[MetricId],
        buckets: Buckets,
        *,
        distribution: bool = False,
        unit: str | None = None,
    ) -> dict[MetricId, dict[str, Summary]]:
        """What each metric amounts to in ``buckets``, by unit in ascending order; units without datapoints there are
        left out, every metric asked for has an entry. ``distribution``: for statistics that need it.
        """
        found: dict[MetricId, dict[str, Summary]] = {metric: {} for metric in metrics}
        wanted = [
            entry
            for metric in found
            for entry in self._series.units(tenant, metric).values()
            if unit is None or entry.unit == unit
        ]
        parts = self._summaries.read([[entry.sid] for entry in wanted], buckets, distribution=distribution)
        for entry, summary in zip(wanted, parts, strict=True):
            if len(summary.timestamps):
                found[entry.metric][entry.unit] = summary
        return found

    def read_groups(self, tenant: Tenant, groups: Sequence[Iterable[MetricId]], buckets: Buckets) -> list[Summary]:
        """What each group of metrics, in all their units, amounts to together. A metric may be in one group only."""
        sids = [
            [entry.sid for metric in group for entry in self._series.units(tenant, metric).values()]
            for group in groups
        ]
        return self._summaries.read(sids, buckets, distribution=False)

    def known(self, tenant: Tenant) -> Sequence[MetricId]:
        """Every metric there is, in ascending order; the same object until there is another one. Not to be changed."""
        return self._series.ordered(tenant)

    def matching(
        self,
        tenant: Tenant,
        wanted: Callable[[MetricId], bool],
        *,
        namespace: str | None = None,
        name: str | None = None,
        active_since: int | None = None,
    ) -> MetricIds:
        """Every metric that ``wanted`` says yes to, in ascending order. The names narrow down whom it is asked about;
        ``active_since`` (Unix seconds) leaves out metrics without a datapoint at or after it.
        """
        found = self._series.find(tenant, namespace, name, (), active_since, None)
        return [metric for metric in found if wanted(metric)]

    def latest(self, tenant: Tenant, metrics: Iterable[MetricId]) -> dict[MetricId, tuple[int, float]]:
        """The newest value of each metric that has one, and its time (Unix seconds), from memory. Of a statistic set
        it is the average.
        """
        found: dict[MetricId, tuple[int, float]] = {}
        for metric in metrics:
            entries: list[SeriesEntry] = list(self._series.units(tenant, metric).values())
            if entries:
                newest = max(entries, key=lambda entry: entry.last_seen)
                found[metric] = (newest.last_seen, newest.last_value)
        return found

    def lifetimes(self, namespace: str) -> Lifetimes:
        """How long datapoints of ``namespace`` are kept at which period."""
        return self._tiers.lifetimes(namespace)

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

    def _rows(self, tenant: Tenant, datapoints: DatapointColumns) -> Rows:
        index = np.frombuffer(datapoints.index, np.uint32)
        seconds = np.frombuffer(datapoints.timestamps, np.int64)
        values = np.frombuffer(datapoints.values, np.float64)
        weights = np.frombuffer(datapoints.weights, np.float64)
        sets = np.frombuffer(datapoints.is_set, np.uint8)
        columns = {
            "value": values,
            "weight": weights,
            "low": np.frombuffer(datapoints.lows, np.float64),
            "high": np.frombuffer(datapoints.highs, np.float64),
        }
        if not all(np.isfinite(column).all() for column in columns.values()):
            raise ValueError("a datapoint is not a finite number")
        if int(seconds.min()) < 0 or int(seconds.max()) > LATEST_TS:
            raise ValueError("a time lies outside of 1970 to 2106")
        with np.errstate(over="ignore"):  # a set may claim a sum that no number of its values can have
            means = np.clip(values / np.where(weights == 0, 1.0, weights), columns["low"], columns["high"])
        single = np.where(sets, means, values)
        entries = list(self._series.ensure_all(tenant, datapoints.series, index, seconds, single).values())
        policies = [self._tiers.policy(entry.metric.namespace) for entry in entries]
        count = len(index)
        return Rows(
            series=entries,
            datapoints=datapoint_rows(
                {
                    "policy": np.array(policies, np.uint16)[index],
                    "sid": np.array([entry.sid for entry in entries], np.uint64)[index],
                    "ts": seconds,
                    **columns,
                    "is_set": sets,
                    "resolution": np.frombuffer(datapoints.resolutions, np.uint8),
                    "source": np.full(count, API_SOURCE, np.uint64),
                    "seq": self._numbers.take(count),
                }
            ),
        )


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
