"""Answers the queries of a GetMetricData request: reads what they need, then computes."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np

from epochwatch.model import anomaly, insights, labels, periods, search, statistics
from epochwatch.model.insights import InsightsQuery
from epochwatch.model.metric import MetricId
from epochwatch.model.metric_math import (
    Expression,
    InvalidExpression,
    SearchCall,
    TimeSeries,
    Value,
    evaluate,
    returned,
)
from epochwatch.model.periods import Buckets
from epochwatch.model.search import InvalidSearch
from epochwatch.model.statistics import InvalidStatistic
from epochwatch.services.call import Call
from epochwatch.services.cloudwatch.anomaly_detectors import band_of
from epochwatch.services.cloudwatch.data_queries import (
    ExpressionQuery,
    MetricQuery,
    Query,
    expression_error,
)
from epochwatch.services.cloudwatch.errors import validation
from epochwatch.services.cloudwatch.metric_reading import Found, Wanted, read_statistics

ACTIVE_SECONDS: Final = 14 * periods.DAY
"""SEARCH and Metrics Insights see metrics with a datapoint within so long."""
DEFAULT_PERIOD: Final = 300
"""Of searches and Metrics Insights queries that name none."""

MOST_SEARCHES: Final = 100
MOST_LAID_OUT: Final = 20_000_000
"""Datapoints that the functions which fill gaps may make in one request."""
_LAYS_OUT: Final = re.compile(r"\b(TIME_SERIES|FILL|MINUTE|HOUR|DAY|DATE|MONTH|YEAR|EPOCH)\b")

TOO_MANY: Final = {"Code": "MaxMetricsExceeded", "Value": "Maximum number of allowed metrics exceeded"}


@dataclass(frozen=True, slots=True)
class Answer:
    """One series of a query's result."""

    id: str
    label: str
    series: TimeSeries
    messages: Sequence[Mapping[str, str]] = ()
    forbidden: bool = False


@dataclass(slots=True)
class Evaluation:
    """One request's queries over ``[start, end)`` (Unix seconds). Implements metric math's Environment."""

    call: Call
    queries: Sequence[Query]
    start: float
    end: float
    timezone: str | None = None
    messages: list[Mapping[str, str]] = field(default_factory=list)
    """What is to be said about the request as a whole; filled by ``answers``."""
    grid: Buckets = field(init=False)
    _by_id: dict[str, Query] = field(init=False)
    _values: dict[str, Value] = field(default_factory=dict)
    _found: dict[Wanted, Found] = field(default_factory=dict)
    _searched: dict[SearchCall, list[Wanted]] = field(default_factory=dict)
    """By what is looked for, with the period that holds there."""
    _period: int = DEFAULT_PERIOD
    _labels: dict[str, str] = field(default_factory=dict)
    _laid_out: int = 0

    def __post_init__(self) -> None:
        self._by_id = {query.id: query for query in self.queries}
        self.grid = self._grid(60)

    def answers(self) -> list[Answer]:
        """What the queries that are to be returned give, in their order. Raises AwsError."""
        self._labels = _default_labels([query for query in self.queries if isinstance(query, MetricQuery)])
        self._compute([query.id for query in self.queries if query.returned])
        found: list[Answer] = []
        for query in self.queries:
            if query.returned:
                found += self._metric(query) if isinstance(query, MetricQuery) else self._expression(query)
        return found

    def _metric(self, query: MetricQuery) -> list[Answer]:
        series = self._series(query)
        units = self._found[_wanted(query)].units if not query.foreign else ()
        several = {"Code": "MultipleUnits", "Value": f"Multiple units returned: '[{', '.join(units)}]'"}
        return [
            Answer(query.id, series.label, series, [several] if len(units) > 1 else [], forbidden=query.foreign)
        ]

    def _expression(self, query: ExpressionQuery) -> list[Answer]:
        try:
            value = self._values[query.id]
            found = returned(value)
            named = (
                [self._rendered(query.label, query.id, found[0])]
                if isinstance(value, TimeSeries)
                else labels.series_labels(query.label, found, **self._naming())
            )
        except (InvalidExpression, labels.InvalidLabel) as error:
            raise expression_error(query.id, error) from error
        return [Answer(query.id, label, series) for label, series in zip(named, found, strict=True)]

    # What metric math asks for.

    def value(self, id: str, /) -> Value:
        """The value of the query ``id``: those an expression refers to are computed before it."""
        return self._values[id]

    def period(self, id: str, /) -> int:
        """The period of the metric ``id``. Raises InvalidExpression."""
        query = self._by_id.get(id)
        if not isinstance(query, MetricQuery):
            raise InvalidExpression(f"PERIOD takes the Id of a metric, and '{id}' is none")
        return query.period

    def metrics(self, substring: str | None, /) -> list[TimeSeries]:
        """The request's metrics whose Id contains ``substring``."""
        return [
            self._series(query)
            for query in self.queries
            if isinstance(query, MetricQuery) and (substring is None or substring in query.id)
        ]

    def search(self, query: str, statistic: str, period: int | None, /) -> list[TimeSeries]:
        """What a SEARCH finds."""
        hits = self._searched[SearchCall(query, statistic, period or self._period)]
        return [_time_series(one, self._found[one]) for one in hits]

    def band(self, series_id: str, series: TimeSeries, deviations: float, /) -> tuple[TimeSeries, TimeSeries]:
        """What is normal for a series, by its history."""
        query = self._by_id[series_id]
        if isinstance(query, MetricQuery):
            low, high = band_of(
                self.call, query.metric, query.statistic, query.unit, query.period, series.timestamps, deviations
            )
        else:
            low, high = self._band_of_expression(series_id, series, deviations)
        named = replace(series, metric=None, statistic=None, label=series.label)
        return named.with_points(series.timestamps, low), named.with_points(series.timestamps, high)

    def _band_of_expression(self, series_id: str, series: TimeSeries, deviations: float) -> tuple[Any, Any]:
        history = Evaluation(self.call, self.queries, self.call.now - ACTIVE_SECONDS, self.end)
        history._compute([series_id])
        past = history._values[series_id]
        if not isinstance(past, TimeSeries):
            raise InvalidExpression("ANOMALY_DETECTION_BAND takes a single time series")
        model = anomaly.train(past.timestamps, past.values, past.period)
        if model is None:
            return np.full(len(series), np.nan), np.full(len(series), np.nan)
        return model.band(series.timestamps, deviations)

    def _computed(self, query: Query) -> Value:
        if isinstance(query, MetricQuery):
            return self._series(query)
        if isinstance(query.expression, InsightsQuery):
            return self._insights(query, query.expression)
        self.grid = self._grid(self._period_of(query))
        self._period = query.period or DEFAULT_PERIOD
        if _LAYS_OUT.search(query.expression.source):
            self._laid_out += self.grid.count * max(1, len(self._found))
            if self._laid_out > MOST_LAID_OUT:
                raise InvalidExpression("it makes too many datapoints: ask for a shorter time or a longer period")
        return evaluate(query.expression, self)

    def _series(self, query: MetricQuery) -> TimeSeries:
        wanted = _wanted(query)
        series = _time_series(wanted, Found() if query.foreign else self._found[wanted])
        label = self._rendered(query.label, self._labels.get(query.id, query.metric.name), series)
        return replace(series, label=label)

    def _rendered(self, label: str | None, default: str, series: TimeSeries) -> str:
        if label is None:
            return default
        properties = labels.properties_of(
            series, account_id=self.call.tenant.account, region=self.call.tenant.region
        )
        return labels.render(label, default, series, properties, self.timezone, now=self.call.now)

    def _naming(self) -> dict[str, Any]:
        tenant = self.call.tenant
        return {
            "account_id": tenant.account,
            "region": tenant.region,
            "timezone": self.timezone,
            "now": self.call.now,
        }

    def _insights(self, query: ExpressionQuery, parsed: InsightsQuery) -> Value:
        matching = self._matching(parsed.matches, parsed.namespace, parsed.metric, insights.MOST_METRICS)
        groups: dict[tuple[str, ...], list[MetricId]] = {}
        for metric in matching:
            groups.setdefault(parsed.group_of(metric), []).append(metric)
        grid = self._grid(max(query.period or DEFAULT_PERIOD, insights.FINEST_PERIOD))
        summaries = self.call.stores.metrics.read_groups(self.call.tenant, list(groups.values()), grid)
        found = {
            group: insights.statistic(parsed, summary) for group, summary in zip(groups, summaries, strict=True)
        }
        named = [
            TimeSeries(series.timestamps, series.values, grid.period, " ".join(group) or query.id)
            for group, series in insights.rank(parsed, found)
        ]
        return named if parsed.group_by or not named else named[0]

    # Reading everything that is needed by few queries of the store, then computing in order.

    def _compute(self, ids: Sequence[str]) -> None:
        """The values of these queries and of all that they refer to. Raises AwsError."""
        order = self._order(ids)
        needed: list[Wanted] = []
        for query in order:
            try:
                needed += self._needs(query)
            except InvalidExpression as error:
                raise expression_error(query.id, error) from error
        if len(self._searched) > MOST_SEARCHES:
            raise validation(f"A GetMetricData request may have {MOST_SEARCHES} SEARCH expressions at most.")
        self._found = read_statistics(self.call, dict.fromkeys(needed), self.start, self.end)
        for query in order:
            try:
                self._values[query.id] = self._computed(query)
            except (InvalidExpression, labels.InvalidLabel) as error:
                raise expression_error(query.id, error) from error

    def _order(self, ids: Sequence[str]) -> list[Query]:
        """The queries of these Ids and all that they refer to, each behind those. Raises AwsError."""
        order: dict[str, Query] = {}
        path: dict[str, Iterator[str]] = {}
        for first in ids:
            if first in order:
                continue
            path[first] = iter(self._references(first))
            while path:
                current, references = next(reversed(path.items()))
                following = next((one for one in references if one not in order), None)
                if following is None:
                    order[current] = self._by_id[current]
                    del path[current]
                elif following in path:
                    names = list(path)
                    circle = " -> ".join([*names[names.index(following) :], following])
                    raise expression_error(current, InvalidExpression(f"'{following}' refers to itself: {circle}"))
                elif following not in self._by_id:
                    missing = InvalidExpression(f"there is no query with the Id '{following}'")
                    raise expression_error(current, missing)
                else:
                    path[following] = iter(self._references(following))
        return list(order.values())

    def _references(self, name: str) -> list[str]:
        query = self._by_id[name]
        if isinstance(query, MetricQuery) or not isinstance(query.expression, Expression):
            return []
        return [*query.expression.identifiers, *self._called(query.expression)]

    def _needs(self, query: Query) -> list[Wanted]:
        """The statistics that the query itself asks for. Raises InvalidExpression."""
        if isinstance(query, MetricQuery):
            return [] if query.foreign else [_wanted(query)]
        needed: list[Wanted] = []
        for asked in query.expression.searches if isinstance(query.expression, Expression) else ():
            call = replace(asked, period=asked.period or query.period or DEFAULT_PERIOD)
            if call not in self._searched:  # once: what is found must not change within a request
                self._searched[call] = self._hits(call)
            needed += self._searched[call]
        return needed

    def _called(self, expression: Expression) -> list[str]:
        return [
            query.id
            for part in expression.metrics_calls
            for query in self.queries
            if isinstance(query, MetricQuery) and (part is None or part in query.id)
        ]

    def _hits(self, call: SearchCall) -> list[Wanted]:
        try:
            wanted, statistic = search.parse(call.query), statistics.parse(call.statistic)
        except (InvalidSearch, InvalidStatistic) as error:
            raise InvalidExpression(str(error)) from error
        found = self._matching(wanted.matches, wanted.namespace, wanted.metric_name, search.MOST_SERIES)
        return [Wanted(metric, statistic, call.period or DEFAULT_PERIOD) for metric in found]

    def _matching(
        self, wanted: Callable[[MetricId], bool], namespace: str | None, name: str | None, most: int
    ) -> list[MetricId]:
        """The first ``most`` active metrics that match."""
        since = int(self.call.now) - ACTIVE_SECONDS
        found = self.call.stores.metrics.matching(
            self.call.tenant, wanted, namespace=namespace, name=name, active_since=since
        )
        if len(found) > most:
            self._say(TOO_MANY)
        return found[:most]

    def _say(self, message: Mapping[str, str]) -> None:
        if message not in self.messages:
            self.messages.append(message)

    def _grid(self, period: int) -> Buckets:
        return periods.buckets(self.start, self.end, period, self.call.now)

    def _period_of(self, query: ExpressionQuery) -> int:
        """Of what an expression makes of no metric: its own period, else the shortest of the metrics it refers to."""
        if query.period is not None:
            return query.period
        referred = [one.period for part in self._order([query.id]) for one in self._needs(part)]
        of_all = [one.period for one in self.queries if isinstance(one, MetricQuery)]
        return min(referred or of_all or [DEFAULT_PERIOD])


def _wanted(query: MetricQuery) -> Wanted:
    return Wanted(query.metric, query.statistic, query.period, query.unit)


def _time_series(wanted: Wanted, found: Found) -> TimeSeries:
    return TimeSeries(
        found.series.timestamps,
        found.series.values,
        wanted.period,
        metric=wanted.metric,
        statistic=wanted.statistic.name,
    )


def _default_labels(queries: Sequence[MetricQuery]) -> dict[str, str]:
    """The metric's name, with the statistic and period where these tell queries apart."""
    stats = len({query.statistic.name for query in queries}) > 1
    several = len({query.period for query in queries}) > 1
    found = {}
    for query in queries:
        parts = [query.metric.name]
        parts += [query.statistic.name] if stats else []
        parts += [str(query.period)] if several else []
        found[query.id] = " ".join(parts)
    return found
