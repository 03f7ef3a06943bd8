"""Datapoints for tests, and what was stored of them, second by second."""

from collections.abc import Sequence
from typing import NamedTuple

from epochwatch.model.aggregation import Summary
from epochwatch.model.metric import DatapointColumns, MetricId, StatisticSet
from epochwatch.model.periods import Buckets
from epochwatch.model.tenant import Tenant
from epochwatch.store.stores import Stores


class Point(NamedTuple):
    """Values of one second, each with its count, or a statistic set."""

    metric: MetricId
    second: int
    values: Sequence[float] = ()
    counts: Sequence[float] = ()
    unit: str = "None"
    statistic_set: StatisticSet | None = None


def put(stores: Stores, tenant: Tenant, *points: Point) -> None:
    """Store them by one call."""
    stores.metrics.put(tenant, columns(*points))


def columns(*points: Point) -> DatapointColumns:
    made = DatapointColumns()
    for point in points:
        for number, value in enumerate(point.values):
            count = point.counts[number] if point.counts else 1.0
            made.add_value(point.metric, point.second, value, count=count, unit=point.unit)
        if point.statistic_set is not None:
            made.add_set(point.metric, point.second, point.statistic_set, unit=point.unit)
    return made


def read(
    stores: Stores,
    tenant: Tenant,
    metric: MetricId,
    start: int,
    end: int,
    unit: str | None = None,
    period: int = 1,
) -> dict[str, Summary]:
    """What is stored, by unit, second by second."""
    return stores.metrics.read(tenant, [metric], Buckets(start, end, period), distribution=True, unit=unit)[metric]


def values(summary: Summary) -> list[float]:
    """Every single value, bucket by bucket, ascending within each."""
    assert summary.distribution is not None
    return summary.distribution.values.tolist()
