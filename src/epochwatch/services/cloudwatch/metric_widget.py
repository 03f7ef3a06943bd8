"""What a widget shows: its rows asked as a GetMetricData request asks, and the answers made curves."""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import msgspec

from epochwatch.model import labels, periods
from epochwatch.model.aws_error import AwsError
from epochwatch.model.dashboard.metric_rows import ExpressionRow, MetricRow, Row
from epochwatch.model.dashboard.picture import PALETTE, Curve, Level, Picture
from epochwatch.model.dashboard.widget import HorizontalAnnotation, MetricWidget
from epochwatch.model.metric import NO_UNIT
from epochwatch.model.tenant import Tenant
from epochwatch.services.call import Call
from epochwatch.services.cloudwatch import data_queries
from epochwatch.services.cloudwatch.alarms import name_of
from epochwatch.services.cloudwatch.data_queries import MetricQuery, Query
from epochwatch.services.cloudwatch.errors import validation
from epochwatch.services.cloudwatch.evaluation import Answer, Evaluation
from epochwatch.store.state.alarms import Alarm

ALARM_COLOR: Final = "#d62728"
_BAND: Final = re.compile(r"\s*ANOMALY_DETECTION_BAND\s*\(", re.IGNORECASE)
_NUMBERS: Final = ("singleValue", "gauge", "bar", "pie")
"""Views that show one value of each curve."""
_SIGNS: Final = {
    "GreaterThanOrEqualToThreshold": ">=",
    "GreaterThanThreshold": ">",
    "LessThanThreshold": "<",
    "LessThanOrEqualToThreshold": "<=",
}


def picture_of(call: Call, widget: MetricWidget) -> Picture:
    """What a widget shows at the time of the call. Raises AwsError."""
    start, end = widget.range(call.now)
    if start >= end:
        raise validation("The parameter start must be less than the parameter end.")
    levels: list[Level] = list(widget.annotations.horizontal)
    for arn in widget.annotations.alarms:
        alarm = _alarm(call, arn)
        if not widget.metrics:
            widget = msgspec.structs.replace(widget, metrics=_alarm_rows(alarm.definition))
        levels += _threshold(alarm)
    rows = widget.rows()
    regions = dict.fromkeys(_region(call, widget, row) for row in rows)
    found: dict[int, list[Curve]] = {}
    for region in regions:
        there = replace(call, tenant=Tenant(call.tenant.account, region))
        members = {number: row for number, row in enumerate(rows) if _region(call, widget, row) == region}
        found |= _Reading(there, widget, members, start, end).curves()
    curves = [curve for number in sorted(found) for curve in found[number]]
    colored = [
        curve if curve.color else replace(curve, color=PALETTE[place % len(PALETTE)])
        for place, curve in enumerate(curves)
    ]
    return Picture(widget, start, end, colored, levels)


class _Reading:
    """The rows of one region, by their numbers in the widget."""

    def __init__(
        self, call: Call, widget: MetricWidget, rows: Mapping[int, Row], start: float, end: float
    ) -> None:
        self._call = call
        self._widget = widget
        self._rows = rows
        self._start = start
        self._end = end
        self._ids = {number: row.options.id or f"z__{number}" for number, row in rows.items()}

    def curves(self) -> dict[int, list[Curve]]:
        """The curves of each row that is to be seen."""
        shown = {self._ids[number]: number for number, row in self._rows.items() if row.options.visible}
        if not shown:
            return {}
        queries = self._queries()
        answers = self._answers(queries)
        whole = answers
        if self._widget.set_period_to_time_range and self._widget.view in _NUMBERS:
            whole = self._answers([self._over_all(query) for query in queries])
        numbers = {_identity(one): float(one.series.values[-1]) for one in whole if len(one.series)}
        found: dict[int, list[Curve]] = {number: [] for number in shown.values()}
        for answer, name in zip(answers, self._names(answers), strict=True):
            number = shown[answer.id]
            found[number].append(self._curve(number, answer, numbers.get(_identity(answer)), name))
        return {number: _banded(self._rows[number], curves) for number, curves in found.items()}

    def _queries(self) -> list[Query]:
        given = [self._query(number, row) for number, row in self._rows.items()]
        try:
            queries = data_queries.parse(given, self._call.tenant.account)
        except AwsError as error:
            raise validation(str(error).replace("MetricDataQueries", "metrics")) from error
        return [
            replace(query, period=self._period(row))
            for query, row in zip(queries, self._rows.values(), strict=True)
        ]

    def _query(self, number: int, row: Row) -> dict[str, Any]:
        options = row.options
        query: dict[str, Any] = {"Id": self._ids[number], "ReturnData": options.visible}
        if options.label:
            query["Label"] = options.label
        account = options.account_id or self._widget.account_id
        if account:
            query["AccountId"] = account
        if isinstance(row, ExpressionRow):
            return query | {"Expression": row.expression}
        metric = {
            "Namespace": row.namespace,
            "MetricName": row.name,
            "Dimensions": [{"Name": name, "Value": value} for name, value in row.dimensions],
        }
        stat = options.stat or self._widget.stat
        return query | {"MetricStat": {"Metric": metric, "Period": periods.MINUTE, "Stat": stat}}

    def _period(self, row: Row) -> int:
        """The period of a row, which may be many days; longer than it says where data as old as the widget's start is
        not kept so fine.
        """
        period = row.options.period or self._widget.period
        if period % periods.MINUTE and not periods.is_valid(period):
            raise validation(
                f"The value {period} for parameter period is invalid. It must be 1, 5, 10, 20, 30 or a multiple of 60."
            )
        namespace = row.namespace if isinstance(row, MetricRow) else ""
        finest = self._call.stores.metrics.lifetimes(namespace).finest(self._call.now - self._start)
        return math.ceil(period / finest) * finest

    def _over_all(self, query: Query) -> Query:
        """The query with one period that holds the whole range."""
        first = periods.rounded_start(self._start, periods.DAY, self._call.now)
        last = math.ceil(self._end / periods.MINUTE) * periods.MINUTE
        namespace = query.metric.namespace if isinstance(query, MetricQuery) else ""
        finest = self._call.stores.metrics.lifetimes(namespace).finest(self._call.now - self._start)
        step = math.lcm(periods.MINUTE, finest)
        return replace(query, period=max(math.ceil((last - first) / step), 1) * step)

    def _answers(self, queries: Sequence[Query]) -> list[Answer]:
        evaluation = Evaluation(self._call, queries, self._start, self._end, self._widget.timezone)
        return evaluation.answers()

    def _names(self, answers: Sequence[Answer]) -> list[str]:
        """Labels; metrics without one are called by what tells them from the others."""
        plain = [replace(answer.series, label="") for answer in answers if self._is_unnamed(answer.id)]
        names = iter(labels.default_labels(plain))
        return [next(names) if self._is_unnamed(answer.id) else answer.label for answer in answers]

    def _is_unnamed(self, id: str) -> bool:
        row = next(row for number, row in self._rows.items() if self._ids[number] == id)
        return isinstance(row, MetricRow) and not row.options.label

    def _curve(self, place: int, answer: Answer, number: float | None, label: str) -> Curve:
        row, series, metric = self._rows[place], answer.series, answer.series.metric
        units = [] if metric is None else self._call.stores.metrics.units(self._call.tenant, metric)
        return Curve(
            label=label,
            timestamps=series.timestamps,
            values=series.values,
            color=row.options.color or "",
            axis=row.options.y_axis,
            unit=units[0] if len(units) == 1 and units[0] != NO_UNIT else "",
            number=number,
            incomplete=answer.forbidden,
            row=place,
            period=series.period,
            dimensions=() if metric is None else metric.dimensions,
        )


def _identity(answer: Answer) -> tuple[Any, ...]:
    """What tells a series from the others of the widget, whatever its period."""
    series = answer.series
    return answer.id, series.metric, series.statistic, series.label


def _banded(row: Row, curves: list[Curve]) -> list[Curve]:
    """The two edges of an anomaly detection band as one."""
    if isinstance(row, ExpressionRow) and _BAND.match(row.expression) and len(curves) == 2:
        high, low = curves
        return [
            replace(low, label=row.options.label or "Expected", high=high.values, color=low.color or "#95a5a6")
        ]
    return curves


def _region(call: Call, widget: MetricWidget, row: Row) -> str:
    return row.options.region or widget.region or call.tenant.region


def _alarm(call: Call, arn: str) -> Alarm:
    """The alarm of an ARN, in the region that it names. Raises AwsError."""
    region = arn.split(":")[3]
    tenant = Tenant(call.tenant.account, region)
    alarm = call.stores.state.alarms.get(tenant, name_of(tenant, arn))
    if alarm is None:
        raise validation(f"The alarm {arn} does not exist.")
    return alarm


def _alarm_rows(definition: Mapping[str, Any]) -> list[Any]:
    """What an alarm watches, as the rows of a widget."""
    if "MetricName" in definition:
        return [_metric_row(definition, definition, {})]
    return [_query_row(query) for query in definition.get("Metrics", ())]


def _query_row(query: Mapping[str, Any]) -> list[Any]:
    options = {"id": query["Id"], "visible": query.get("ReturnData", True)}
    if query.get("Label"):
        options["label"] = query["Label"]
    if "Expression" in query:
        period = {"period": query["Period"]} if "Period" in query else {}
        return [options | {"expression": query["Expression"]} | period]
    stat = query["MetricStat"]
    return _metric_row(stat["Metric"], stat, options)


def _metric_row(metric: Mapping[str, Any], stat: Mapping[str, Any], options: Mapping[str, Any]) -> list[Any]:
    dimensions = [text for one in metric.get("Dimensions") or () for text in (one["Name"], one["Value"])]
    statistic = stat.get("Stat") or stat.get("Statistic") or stat["ExtendedStatistic"]
    drawn = {**options, "stat": statistic, "period": stat["Period"]}
    return [metric["Namespace"], metric["MetricName"], *dimensions, drawn]


def _threshold(alarm: Alarm) -> Iterator[HorizontalAnnotation]:
    """The line at which an alarm goes off; none of one that has a band instead."""
    definition = alarm.definition
    sign = _SIGNS.get(definition.get("ComparisonOperator", ""))
    if "Threshold" not in definition or sign is None:
        return
    threshold, periods_seen = definition["Threshold"], definition["EvaluationPeriods"]
    needed = definition.get("DatapointsToAlarm", periods_seen)
    label = f"{alarm.name} {sign} {threshold:g} for {needed} of {periods_seen} datapoints"
    yield HorizontalAnnotation(threshold, label, ALARM_COLOR)
