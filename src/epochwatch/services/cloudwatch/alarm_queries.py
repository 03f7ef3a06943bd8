"""The queries of alarms on metric math: checked when the alarm is put, answered when it is evaluated."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from epochwatch.model.alarm.evaluation import LOOK_BACK
from epochwatch.model.alarm.schedule import is_valid_period
from epochwatch.model.aws_error import AwsError
from epochwatch.model.insights import InsightsQuery
from epochwatch.services.call import Call
from epochwatch.services.cloudwatch import data_queries
from epochwatch.services.cloudwatch.data_queries import ExpressionQuery, MetricQuery, Query
from epochwatch.services.cloudwatch.errors import validation
from epochwatch.services.cloudwatch.evaluation import Evaluation

MOST_METRICS: Final = 10
MOST_EXPRESSIONS: Final = 10
_BAND: Final = re.compile(r"\s*ANOMALY_DETECTION_BAND\s*\(", re.IGNORECASE)


def require_queries(call: Call, request: Mapping[str, Any]) -> None:
    """Raises AwsError where the ``Metrics`` of a request can be no alarm's."""
    given: Sequence[Mapping[str, Any]] = request["Metrics"]
    for entry in given:
        if "Expression" in entry and "MetricStat" in entry:
            raise validation(
                "The parameters MetricDataQuery Expression and MetricStat are mutually exclusive and you have "
                "specified both."
            )
        if entry.get("AccountId", call.tenant.account) != call.tenant.account:
            raise validation(f"The value {entry['AccountId']} for parameter AccountId is no linked account.")
    queries = parsed(call, given)
    _require_count(queries)
    band = request.get("ThresholdMetricId")
    if len([query for query in queries if query.returned and query.id != band]) != 1:
        raise validation("Exactly one element of the metrics list should return data.")
    if band is not None:
        _require_band(given, band)
    for query in queries:
        if query.period is not None and not is_valid_period(query.period):
            raise validation("Period must be 10, 20, 30 or a multiple of 60")
        expression = query.expression if isinstance(query, ExpressionQuery) else None
        if expression is not None and not isinstance(expression, InsightsQuery) and expression.searches:
            raise _refused(
                validation(f"Error in expression '{query.id}': SEARCH is not supported on Metric Alarms.")
            )
    period = watched_period(call, request)
    reach = period * (request["EvaluationPeriods"] + LOOK_BACK)
    try:
        Evaluation(call, queries, call.now - min(reach, 10 * period), call.now).answers()
    except AwsError as error:
        raise _refused(error) from error


def parsed(call: Call, given: Sequence[Mapping[str, Any]]) -> list[Query]:
    """The queries of an alarm. Raises AwsError."""
    try:
        return data_queries.parse(given, call.tenant.account)
    except AwsError as error:
        raise _refused(error) from error


def watched_period(call: Call, request: Mapping[str, Any]) -> int:
    """The period of what an alarm watches, in seconds. Raises AwsError where it has none."""
    if "Metrics" not in request:
        period: int = request["Period"]
        return period
    queries = parsed(call, request["Metrics"])
    watched = next(query for query in queries if query.returned and query.id != request.get("ThresholdMetricId"))
    metrics = [query.period for query in queries if isinstance(query, MetricQuery)]
    found = watched.period or min(metrics, default=None)
    if found is None:
        raise validation("Period must not be null")
    return found


def _require_count(queries: Sequence[Query]) -> None:
    metrics = sum(isinstance(query, MetricQuery) for query in queries)
    for count, most, what in (
        (metrics, MOST_METRICS, "metrics"),
        (len(queries) - metrics, MOST_EXPRESSIONS, "expressions"),
    ):
        if count > most:
            raise validation(f"The metrics list of an alarm has at most {most} {what}, not {count}.")


def _require_band(given: Sequence[Mapping[str, Any]], band: str) -> None:
    query = next((query for query in given if query["Id"] == band), None)
    if query is None:
        raise validation(f"ThresholdMetricId {band} must be the Id of an element of the metrics list.")
    if not _BAND.match(query.get("Expression", "")):
        raise validation(f"ThresholdMetricId {band} must be the Id of an ANOMALY_DETECTION_BAND expression.")
    if not query.get("ReturnData", True):
        raise validation(f"The element {band} of the metrics list should return data.")


def _refused(error: AwsError) -> AwsError:
    """The refusal of queries, in the words of an alarm."""
    words = str(error).replace("MetricDataQueries", "Metrics")
    return AwsError(error.code, f"Invalid metrics list: {words}" if words.startswith("Error in") else words)
