"""Answers the queries of a GetMetricData request: reads what they need, then computes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np

from epochwatch.model import anomaly, insights, labels, periods, search, statistics
from epochwatch.model.insights import InsightsQuery
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
from epochwatch.services.cloudwatch.data_queries import (
    ExpressionQuery,
    MetricQuery,
    Query,
    expression_error,
)
from epochwatch.services.cloudwatch.metric_reading import Found, Wanted, read_statistics

ACTIVE_SECONDS: Final = 14 * periods.DAY
"""SEARCH and Metrics Insights see metrics with a datapoint within so long."""
DEFAULT_PERIOD: Final = 300
"""Of searches and Metrics Insights queries that name none."""

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
    _evaluating: list[str] = field(default_factory=list)
    _found: dict[Wanted, Found] = field(default_factory=dict)
    _searched: dict[SearchCall, list[Wanted]] = field(default_factory=dict)
    _labels: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._by_id = {query.id: query for query in self.queries}
        self.grid = self._grid(60)

    def answers(self) -> list[Answer]:
        """What the queries that are to be returned give, in their order. Raises AwsError."""
        self._labels = _default_labels([query for query in self.queries if isinstance(query, MetricQuery)])
        self._read()
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
            value = self.value(query.id)
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
        """The value of the query ``id``. Raises InvalidExpression."""
        if id in self._values:
            return self._values[id]
        query = self._by_id.get(id)
        if query is None:
            raise InvalidExpression(f"there is no query with the Id '{id}'")
        if id in self._evaluating:
            raise InvalidExpression(f"'{id}' refers to itself: {' -> '.join([*self._evaluating, id])}")
        self._evaluating.append(id)
        self._values[id] = self._computed(query)
        self._evaluating.pop()
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
        call = SearchCall(query, statistic, period)
        if call not in self._searched:
            self._searched[call] = self._hits(call, self._evaluating[-1])
            self._fetch(self._searched[call])
        return [_time_series(one, self._found[one]) for one in self._searched[call]]

    def band(self, series_id: str, series: TimeSeries, deviations: float, /) -> tuple[TimeSeries, TimeSeries]:
        """What is normal for a series, by its history."""
        from epochwatch.services.cloudwatch.anomaly_detectors import band_of

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
        past = history._alone(series_id)
        if not isinstance(past, TimeSeries):
            raise InvalidExpression("ANOMALY_DETECTION_BAND takes a single time series")
        model = anomaly.train(past.timestamps, past.values, past.period)
        if model is None:
            return np.full(len(series), np.nan), np.full(len(series), np.nan)
        return model.band(series.timestamps, deviations)

    def _alone(self, series_id: str) -> Value:
        self._fetch(self._needs([series_id]))
        return self.value(series_id)

    def _computed(self, query: Query) -> Value:
        if isinstance(query, MetricQuery):
            return self._series(query)
        if isinstance(query.expression, InsightsQuery):
            return self._insights(query, query.expression)
        outer, self.grid = self.grid, self._grid(self._period_of(query))
        try:
            return evaluate(query.expression, self)
        finally:
            self.grid = outer

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
        matching = self.call.stores.metrics.matching(
            self.call.tenant,
            parsed.matches,
            namespace=parsed.namespace,
            name=parsed.metric,
            active_since=int(self.call.now) - ACTIVE_SECONDS,
        )
        if len(matching) > insights.MOST_METRICS:
            self._say(TOO_MANY)
        groups: dict[tuple[str, ...], list[Any]] = {}
        for metric in matching[: insights.MOST_METRICS]:
            groups.setdefault(parsed.group_of(metric), []).append(metric)
        grid = self._grid(query.period or DEFAULT_PERIOD)
        summaries = self.call.stores.metrics.read_groups(self.call.tenant, list(groups.values()), grid)
        found = {
            group: insights.statistic(parsed, summary) for group, summary in zip(groups, summaries, strict=True)
        }
        named = [
            TimeSeries(series.timestamps, series.values, grid.period, " ".join(group) or query.id)
            for group, series in insights.rank(parsed, found)
        ]
        return named if parsed.group_by or not named else named[0]

    # Reading everything that is needed by few queries of the store.

    def _read(self) -> None:
        shown = [query.id for query in self.queries if query.returned]
        try:
            self._fetch(self._needs(shown))
        except InvalidExpression as error:
            raise expression_error(self._evaluating[-1], error) from error

    def _needs(self, ids: Sequence[str]) -> list[Wanted]:
        """Every statistic that the queries of these Ids refer to, directly or through others."""
        needed: list[Wanted] = []
        seen: set[str] = set()
        waiting = list(ids)
        while waiting:
            query = self._by_id.get(name := waiting.pop())
            if query is None or name in seen:
                continue
            seen.add(name)
            if isinstance(query, MetricQuery):
                needed += [] if query.foreign else [_wanted(query)]
            elif isinstance(query.expression, Expression):
                waiting += query.expression.identifiers
                waiting += self._called(query.expression)
                self._evaluating.append(name)
                for call in query.expression.searches:
                    if call not in self._searched:  # once: new metrics must not come up between reading and answering
                        self._searched[call] = self._hits(call, name)
                    needed += self._searched[call]
                self._evaluating.pop()
        return needed

    def _called(self, expression: Expression) -> list[str]:
        return [
            query.id
            for part in expression.metrics_calls
            for query in self.queries
            if isinstance(query, MetricQuery) and (part is None or part in query.id)
        ]

    def _hits(self, call: SearchCall, name: str) -> list[Wanted]:
        query = self._by_id[name]
        period = call.period or (query.period if isinstance(query, ExpressionQuery) else None) or DEFAULT_PERIOD
        try:
            wanted, statistic = search.parse(call.query), statistics.parse(call.statistic)
        except (InvalidSearch, InvalidStatistic) as error:
            raise InvalidExpression(str(error)) from error
        found = self.call.stores.metrics.matching(
            self.call.tenant,
            wanted.matches,
            namespace=wanted.namespace,
            name=wanted.metric_name,
            active_since=int(self.call.now) - ACTIVE_SECONDS,
        )
        if len(found) > search.MOST_SERIES:
            self._say(TOO_MANY)
        return [Wanted(metric, statistic, period) for metric in found[: search.MOST_SERIES]]

    def _fetch(self, wanted: Sequence[Wanted]) -> None:
        missing = dict.fromkeys(one for one in wanted if one not in self._found)
        self._found |= read_statistics(self.call, missing, self.start, self.end)

    def _say(self, message: Mapping[str, str]) -> None:
        if message not in self.messages:
            self.messages.append(message)

    def _grid(self, period: int) -> Buckets:
        return periods.buckets(self.start, self.end, period, self.call.now)

    def _period_of(self, query: ExpressionQuery) -> int:
        """Of what an expression makes of no metric: its own period, else the shortest of the metrics it refers to."""
        if query.period is not None:
            return query.period
        referred = [one.period for one in self._needs([query.id])]
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
