"""Many metrics by one request."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from epochwatch.model import periods, statistics
from epochwatch.model.aggregation import Summary, statistic_of
from epochwatch.model.aws_error import AwsError
from epochwatch.model.metric import MetricId
from epochwatch.model.statistics import InvalidStatistic, Statistic
from epochwatch.services.call import Call
from epochwatch.services.cloudwatch.errors import validation
from epochwatch.services.cloudwatch.identity import metric_of
from epochwatch.services.tokens import seal, unseal

MOST_QUERIES: Final = 500
MOST_DATAPOINTS: Final = 100_800
_ID: Final = re.compile(r"[a-z][a-zA-Z0-9_]*\Z", re.ASCII)
_TIMEZONE: Final = re.compile(r"[+-]\d{4}\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class _Query:
    id: str
    metric: MetricId
    statistic: Statistic
    period: int
    unit: str | None
    label: str | None
    returned: bool
    foreign: bool
    """Asks for another account's data."""


@dataclass(frozen=True, slots=True)
class _Result:
    points: list[tuple[int, float]]
    """(Unix seconds, value), ascending."""
    messages: list[dict[str, str]]


def get_metric_data(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """GetMetricData of metrics. Expressions are refused as not implemented."""
    if request["StartTime"] >= request["EndTime"]:
        raise validation("The parameter StartTime must be less than the parameter EndTime.")
    timezone = (request.get("LabelOptions") or {}).get("Timezone")
    if timezone is not None and not _TIMEZONE.match(timezone):
        raise validation(f"The value {timezone} for parameter LabelOptions.Timezone is invalid.")
    room = request.get("MaxDatapoints", MOST_DATAPOINTS)
    if not 1 <= room <= MOST_DATAPOINTS:
        raise validation(f"The parameter MaxDatapoints must be between 1 and {MOST_DATAPOINTS}.")
    queries = _queries(request["MetricDataQueries"], call.tenant.account)
    labels = _labels(queries)
    shown = [query for query in queries if query.returned]
    bound = {name: value for name, value in request.items() if name not in ("NextToken", "MaxDatapoints")}
    first, after = _position(bound, request.get("NextToken"), len(shown))
    descending = request.get("ScanBy", "TimestampDescending") == "TimestampDescending"
    results = _results(call, request, shown[first:])
    page = _Page(room, descending, after)
    for query in shown[first:]:
        page.add(query, labels[query.id], results[query.id])
    answer: dict[str, Any] = {"MetricDataResults": page.results, "Messages": []}
    if page.cut is not None:
        index, last = page.cut
        answer["NextToken"] = seal(bound, [first + index, last])
    return answer


class _Page:
    """Fills up with the results' datapoints, query after query, until there is no room."""

    def __init__(self, room: int, descending: bool, after: int | None) -> None:
        self.results: list[dict[str, Any]] = []
        self.cut: tuple[int, int | None] | None = None
        """(index of the query to go on with, its last timestamp delivered or None), once something is left out."""
        self._room = room
        self._descending = descending
        self._after = after

    def add(self, query: _Query, label: str, result: _Result) -> None:
        points = result.points[::-1] if self._descending else result.points
        after, self._after = self._after, None
        if after is not None:
            points = [(t, v) for t, v in points if (t < after if self._descending else t > after)]
        taken = points[: self._room]
        self._room -= len(taken)
        if len(taken) < len(points) and self.cut is None:
            self.cut = (len(self.results), taken[-1][0] if taken else after)
        status = "Complete" if self.cut is None else "PartialData"
        entry: dict[str, Any] = {
            "Id": query.id,
            "Label": label,
            "Timestamps": [float(timestamp) for timestamp, _ in taken],
            "Values": [value for _, value in taken],
            "StatusCode": "Forbidden" if query.foreign else status,
        }
        if result.messages:
            entry["Messages"] = result.messages
        self.results.append(entry)


def _queries(given: Sequence[Mapping[str, Any]], account: str) -> list[_Query]:
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
    return found


def _query(entry: Mapping[str, Any], place: str, account: str) -> _Query:
    name = entry["Id"]
    if not _ID.match(name):
        raise validation(
            f"The value {name} for parameter {place}.Id is not matching the expected pattern ^[a-z][a-zA-Z0-9_]*$."
        )
    stat, expression = entry.get("MetricStat"), entry.get("Expression")
    if stat is not None and expression is not None:
        raise validation(f"The parameters {place}.MetricStat and {place}.Expression are mutually exclusive.")
    if expression is not None:
        raise AwsError(
            "NotImplemented",
            f"{place}.Expression '{expression[:200]}': metric math, SEARCH and Metrics Insights expressions are "
            "not implemented by epochwatch yet. Ask for the metrics with MetricStat.",
        )
    if stat is None:
        raise validation(f"One of the parameters {place}.MetricStat and {place}.Expression must be specified.")
    metric, place = stat["Metric"], f"{place}.MetricStat"
    for member in ("Namespace", "MetricName"):
        if member not in metric:
            raise validation(f"The parameter {place}.Metric.{member} is required.")
    if not periods.is_valid(stat["Period"]):
        raise validation(
            f"The value {stat['Period']} for parameter {place}.Period is invalid. It must be 1, 5, 10, 20, 30 or a "
            f"multiple of 60, and at most {periods.LONGEST_PERIOD}."
        )
    try:
        statistic = statistics.parse(stat["Stat"])
    except InvalidStatistic as error:
        raise validation(f"The value {stat['Stat']} for parameter {place}.Stat is not supported.") from error
    return _Query(
        id=name,
        metric=metric_of(
            metric["Namespace"], metric["MetricName"], metric.get("Dimensions") or [], f"{place}.Metric.Dimensions"
        ),
        statistic=statistic,
        period=stat["Period"],
        unit=stat.get("Unit"),
        label=entry.get("Label"),
        returned=entry.get("ReturnData", True),
        foreign=entry.get("AccountId", account) != account,
    )


def _labels(queries: Sequence[_Query]) -> dict[str, str]:
    """The labels given, else the metric's name, with the statistic and period where these tell queries apart."""
    stats = len({query.statistic.name for query in queries}) > 1
    several = len({query.period for query in queries}) > 1
    found = {}
    for query in queries:
        parts = [query.metric.name]
        parts += [query.statistic.name] if stats else []
        parts += [str(query.period)] if several else []
        found[query.id] = " ".join(parts) if query.label is None else query.label
    return found


def _position(bound: Mapping[str, Any], token: str | None, count: int) -> tuple[int, int | None]:
    """(index of the first query to answer, its last timestamp already delivered)."""
    if token is None:
        return 0, None
    try:
        index, after = unseal(bound, token)
    except ValueError as error:
        raise AwsError("InvalidNextToken", "The next token specified is invalid.") from error
    return min(index, count), after


def _results(call: Call, request: Mapping[str, Any], queries: Sequence[_Query]) -> dict[str, _Result]:
    """Every query's result; those of one time range are read together."""
    start, end = request["StartTime"], request["EndTime"]
    found: dict[str, _Result] = {}
    together: dict[periods.Buckets, list[_Query]] = defaultdict(list)
    for query in queries:
        finest = call.stores.metrics.lifetimes(query.metric.namespace).finest(call.now - start)
        if query.foreign or query.period % finest:
            found[query.id] = _Result([], [])
        else:
            together[periods.buckets(start, end, query.period, call.now)].append(query)
    for buckets, members in together.items():
        metrics = {query.metric for query in members}
        ranked = any(query.statistic.is_extended for query in members)
        rows = call.stores.metrics.read(call.tenant, metrics, buckets, distribution=ranked)
        for query in members:
            found[query.id] = _result(query, rows[query.metric])
    return found


def _result(query: _Query, units: Mapping[str, Summary]) -> _Result:
    """Of several units the first in the alphabet answers, and a message names them all."""
    matching = [unit for unit in units if query.unit in (None, unit)]
    if not matching:
        return _Result([], [])
    series = statistic_of(units[matching[0]], query.statistic)
    points = list(zip(series.timestamps.tolist(), series.values.tolist(), strict=True))
    messages = []
    if len(matching) > 1:
        messages.append({"Code": "MultipleUnits", "Value": f"Multiple units returned: '[{', '.join(matching)}]'"})
    return _Result(points, messages)
