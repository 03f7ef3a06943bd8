"""Reads the samples of selectors from the stores."""

import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from epochwatch.model.aggregation import Summary, statistic_of
from epochwatch.model.metric import NO_UNIT, MetricId
from epochwatch.model.periods import HOUR, MINUTE, Buckets
from epochwatch.model.promql.errors import PromqlError
from epochwatch.model.promql.evaluator import LOOKBACK
from epochwatch.model.promql.labels import NAME, Labels
from epochwatch.model.promql.naming import NAMESPACE, UNIT, metric_name, series_labels
from epochwatch.model.promql.selectors import Selector
from epochwatch.model.promql.vectors import Samples
from epochwatch.model.retention import Lifetimes
from epochwatch.model.tenant import Tenant
from epochwatch.store.metrics import MetricStore

LATEST_SECOND = 2**32
MAX_SERIES = 20_000
"""Series of one selector."""
MAX_SAMPLES = 10_000_000
"""Samples of one selector."""
_READ_AT_ONCE = 500_000
"""Samples that one query of the engine may bring."""


class MetricSource:
    """One tenant's metrics as Prometheus series."""

    def __init__(self, metrics: MetricStore, tenant: Tenant, clock: Callable[[], float] = time.time) -> None:
        self._metrics = metrics
        self._tenant = tenant
        self._clock = clock

    def series(self, selector: Selector, active_since: int | None = None) -> list[tuple[MetricId, str, Labels]]:
        """The metrics of a selector, by unit, that have a datapoint at or after ``active_since`` (Unix seconds).
        Raises PromqlError where they are too many.
        """
        found = []
        for metric in self._matching(selector, active_since):
            for unit in self._metrics.units(self._tenant, metric):
                labels = series_labels(metric, unit)
                if selector.matches(labels):
                    found.append((metric, unit, labels))
            if len(found) > MAX_SERIES:
                raise PromqlError(f"the selector has more than {MAX_SERIES} series: narrow it down", "execution")
        return found

    def select(self, selector: Selector, start: int, end: int) -> list[Samples]:
        """The samples of a selector with start < time <= end (milliseconds), and what reaches into that time."""
        first, last = max(start // 1000, 0), min(end // 1000 + 1, LATEST_SECOND)
        series = self.series(selector, first - HOUR)
        parts: dict[Labels, list[Samples]] = {labels: [] for _, _, labels in series}
        total = 0
        for lifetimes, members in self._by_lifetimes(series):
            for buckets in self._spans(lifetimes, first, last, selector.period):
                for labels, samples in self._read(selector, members, buckets, _most(lifetimes, buckets)):
                    parts[labels].append(samples)
                    total += len(samples.times)
                    if total > MAX_SAMPLES:
                        raise PromqlError(
                            f"the query reads more than {MAX_SAMPLES} samples: select fewer series or a shorter range",
                            "execution",
                        )
        return [_joined(own) for own in parts.values() if own]

    def _matching(self, selector: Selector, active_since: int | None) -> list[MetricId]:
        """Metrics by what can be told from their names alone."""
        names = [matcher.holds for matcher in selector.matchers if matcher.name == NAME]
        others = Selector(tuple(one for one in selector.matchers if one.name not in (NAME, UNIT)))

        def wanted(metric: MetricId) -> bool:
            name = metric_name(metric.name)
            return all(holds(name) for holds in names) and others.matches(series_labels(metric, NO_UNIT))

        return self._metrics.matching(
            self._tenant, wanted, namespace=selector.equal_to(NAMESPACE), active_since=active_since
        )

    def _by_lifetimes(
        self, series: Sequence[tuple[MetricId, str, Labels]]
    ) -> Iterator[tuple[Lifetimes, list[tuple[MetricId, str, Labels]]]]:
        found: dict[Lifetimes, list[tuple[MetricId, str, Labels]]] = {}
        for one in series:
            found.setdefault(self._metrics.lifetimes(one[0].namespace), []).append(one)
        yield from found.items()

    def _spans(self, lifetimes: Lifetimes, first: int, last: int, period: int) -> Iterator[Buckets]:
        """From ``first`` to ``last`` in buckets of ``period`` seconds, or as fine as data of that age is kept."""
        now = self._clock()
        edges = [0]
        for tier in (5 * MINUTE, MINUTE):
            kept = lifetimes.of(tier)
            edges.append(0 if kept is None else max(0, -int(-(now - kept) // HOUR) * HOUR))
        edges.append(LATEST_SECOND)
        for tier, since, until in zip((HOUR, 5 * MINUTE, 1), edges, edges[1:], strict=False):
            finest = max(tier, period)
            start = max(since, first) // finest * finest
            if start < min(until, last):
                yield Buckets(start, min(until, last), finest)

    def _read(
        self, selector: Selector, series: Sequence[tuple[MetricId, str, Labels]], buckets: Buckets, most: int
    ) -> Iterator[tuple[Labels, Samples]]:
        """``most``: samples that one series can have there."""
        chunk = max(1, _READ_AT_ONCE // most)
        for number in range(0, len(series), chunk):
            members = series[number : number + chunk]
            found = self._metrics.read(
                self._tenant,
                dict.fromkeys(metric for metric, _, _ in members),
                buckets,
                distribution=selector.statistic.is_extended,
            )
            for metric, unit, labels in members:
                if unit in found[metric]:
                    yield labels, _samples(labels, found[metric][unit], selector, buckets.period)


def _most(lifetimes: Lifetimes, buckets: Buckets) -> int:
    """How many of ``buckets`` a series can fill: what is no longer kept by the second fills one a minute."""
    if lifetimes.second is None:
        return max(buckets.count, 1)
    older = (buckets.end - buckets.start) // max(buckets.period, MINUTE)
    return min(buckets.count, lifetimes.second // buckets.period + older) + 1


def _samples(labels: Labels, summary: Summary, selector: Selector, period: int) -> Samples:
    series = statistic_of(summary, selector.statistic)
    reach = np.full(len(series.timestamps), max(LOOKBACK, period * 1000))
    return Samples(labels, series.timestamps * 1000, series.values, reach)


def _joined(parts: Sequence[Samples]) -> Samples:
    """Parts of one series in the order of time. Where two metrics have the same labels, the one that comes later in
    the order of names gives the sample of a second that both have.
    """
    if len(parts) == 1:
        return parts[0]
    times = np.concatenate([part.times for part in parts])
    order = np.argsort(times, kind="stable")
    kept = order[np.flatnonzero(np.diff(times[order], append=np.iinfo(np.int64).max))]
    values, reach = (np.concatenate([getattr(part, name) for part in parts])[kept] for name in ("values", "reach"))
    return Samples(parts[0].labels, times[kept], values, reach)
