"""What a GetMetricData request asks for: its queries, checked and parsed."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from epochwatch.model import insights, labels, metric_math, periods, statistics
from epochwatch.model.insights import InsightsQuery, InvalidQuery
from epochwatch.model.labels import InvalidLabel
from epochwatch.model.metric import MetricId
from epochwatch.model.metric_math import Expression, InvalidExpression
from epochwatch.model.statistics import InvalidStatistic, Statistic
from epochwatch.services.cloudwatch.errors import validation
from epochwatch.services.cloudwatch.identity import metric_of

MOST_QUERIES: Final = 500
_ID: Final = re.compile(r"[a-z][a-zA-Z0-9_]*\Z", re.ASCII)
_SELECT: Final = re.compile(r"\s*SELECT\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class MetricQuery:
    """A statistic of one metric."""

    id: str
    label: str | None
    returned: bool
    metric: MetricId
    statistic: Statistic
    period: int
    unit: str | None
    foreign: bool
    """Asks for another account's data."""


@dataclass(frozen=True, slots=True)
class ExpressionQuery:
    """A metric math expression or a Metrics Insights query."""

    id: str
    label: str | None
    returned: bool
    expression: Expression | InsightsQuery
    period: int | None


Query: TypeAlias = MetricQuery | ExpressionQuery


def parse(given: Sequence[Mapping[str, Any]], account: str) -> list[Query]:
    """The queries of a request. Raises AwsError."""
    if not given:
        raise validation("The parameter MetricDataQueries is required.")
    if len(given) > MOST_QUERIES:
        raise validation(f"The collection MetricDataQueries must not have a size greater than {MOST_QUERIES}.")
    found = [_query(entry, f"MetricDataQueries.member.{number}", account) for number, entry in enumerate(given, 1)]
    seen: set[str] = set()
    for query in found:
        if query.id in seen:
            raise validation(f"The values for parameter id in MetricDataQueries are not unique: {query.id}.")
        seen.add(query.id)
    if not any(query.returned for query in found):
        raise validation("At least one of the MetricDataQueries must have ReturnData true.")
    selects = [query for query in found if isinstance(query, ExpressionQuery) and _is_insights(query)]
    if len(selects) > 1:
        raise validation("Only one Metrics Insights query is allowed in a GetMetricData request.")
    return found


def _is_insights(query: ExpressionQuery) -> bool:
    return isinstance(query.expression, InsightsQuery)


def _query(entry: Mapping[str, Any], place: str, account: str) -> Query:
    name = entry["Id"]
    if not _ID.match(name):
        raise validation(
            f"The value {name} for parameter {place}.Id is not matching the expected pattern ^[a-z][a-zA-Z0-9_]*$."
        )
    stat, expression = entry.get("MetricStat"), entry.get("Expression")
    if stat is not None and expression is not None:
        raise validation(f"The parameters {place}.MetricStat and {place}.Expression are mutually exclusive.")
    if stat is None and expression is None:
        raise validation(f"One of the parameters {place}.MetricStat and {place}.Expression must be specified.")
    try:
        labels.check(entry.get("Label") or "")
    except InvalidLabel as error:
        raise validation(f"The value {entry['Label']} for parameter {place}.Label is invalid: {error}.") from error
    if expression is not None:
        return _expression_query(entry, expression, place)
    assert stat is not None
    return _metric_query(entry, stat, place, account)


def _expression_query(entry: Mapping[str, Any], text: str, place: str) -> ExpressionQuery:
    period = entry.get("Period")
    if period is not None:
        _require_period(period, place)
    parsed: Expression | InsightsQuery
    try:
        parsed = insights.parse(text) if _SELECT.match(text) else metric_math.parse(text)
    except (InvalidExpression, InvalidQuery) as error:
        raise expression_error(entry["Id"], error) from error
    return ExpressionQuery(entry["Id"], entry.get("Label"), entry.get("ReturnData", True), parsed, period)


def expression_error(name: str, error: Exception) -> Exception:
    """The refusal of a request because of the expression ``name``."""
    return validation(f"Error in expression '{name}': {error}")


def _metric_query(entry: Mapping[str, Any], stat: Mapping[str, Any], place: str, account: str) -> MetricQuery:
    metric, place = stat["Metric"], f"{place}.MetricStat"
    for member in ("Namespace", "MetricName"):
        if member not in metric:
            raise validation(f"The parameter {place}.Metric.{member} is required.")
    _require_period(stat["Period"], place)
    try:
        statistic = statistics.parse(stat["Stat"])
    except InvalidStatistic as error:
        raise validation(f"The value {stat['Stat']} for parameter {place}.Stat is not supported.") from error
    return MetricQuery(
        id=entry["Id"],
        label=entry.get("Label"),
        returned=entry.get("ReturnData", True),
        metric=metric_of(
            metric["Namespace"], metric["MetricName"], metric.get("Dimensions") or [], f"{place}.Metric.Dimensions"
        ),
        statistic=statistic,
        period=stat["Period"],
        unit=stat.get("Unit"),
        foreign=entry.get("AccountId", account) != account,
    )


def _require_period(period: int, place: str) -> None:
    if not periods.is_valid(period):
        raise validation(
            f"The value {period} for parameter {place}.Period is invalid. It must be 1, 5, 10, 20, 30 or a "
            f"multiple of 60, and at most {periods.LONGEST_PERIOD}."
        )
