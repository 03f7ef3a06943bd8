"""Statistics of many metrics, read together."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from epochwatch.model import periods
from epochwatch.model.aggregation import Series, statistic_of
from epochwatch.model.metric import MetricId
from epochwatch.model.periods import Buckets
from epochwatch.model.statistics import Statistic
from epochwatch.services.call import Call
from epochwatch.services.cloudwatch.errors import validation

MOST_DATAPOINTS = 25_000_000
"""What one request may have to hold in memory: 500 metrics at the finest period kept for any age are half of it."""
NOTHING = Series(np.empty(0, np.int64), np.empty(0))


class Wanted(NamedTuple):
    """A statistic of a metric; ``unit`` None: whatever it is stored in."""

    metric: MetricId
    statistic: Statistic
    period: int
    unit: str | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """Of several units the first in the alphabet answers."""

    series: Series = NOTHING
    units: tuple[str, ...] = ()
    """All units in which there are datapoints."""


def read_statistics(call: Call, wanted: Iterable[Wanted], start: float, end: float) -> dict[Wanted, Found]:
    """Each statistic over ``[start, end)``; those of one period by one query. A period that is not kept any more for
    data as old as ``start`` has nothing. Raises AwsError where that is too much at once.
    """
    found: dict[Wanted, Found] = {}
    room = MOST_DATAPOINTS
    together: dict[tuple[Buckets, bool], list[Wanted]] = defaultdict(list)
    for one in wanted:
        found[one] = Found()
        if one.period % call.stores.metrics.lifetimes(one.metric.namespace).finest(call.now - start) == 0:
            buckets = periods.buckets(start, end, one.period, call.now)
            together[buckets, one.statistic.is_extended].append(one)
            room -= buckets.count
    if room < 0:
        raise validation("The request asks for too many datapoints: ask for a shorter time or a longer period.")
    for (buckets, ranked), members in together.items():
        rows = call.stores.metrics.read(
            call.tenant, {member.metric for member in members}, buckets, distribution=ranked
        )
        for member in members:
            units = {u: one for u, one in rows[member.metric].items() if member.unit in (None, u)}
            if units:
                first = next(iter(units.values()))
                found[member] = Found(statistic_of(first, member.statistic), tuple(units))
    return found
