"""What PutMetricAlarm and PutCompositeAlarm ask for, checked."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from epochwatch.model.alarm import composite, schedule
from epochwatch.model.alarm.evaluation import BANDS, Missing
from epochwatch.model.alarm.schedule import CLOCK_PERIODS, InvalidTimezone
from epochwatch.model.periods import DAY, HOUR
from epochwatch.model.statistics import InvalidStatistic, Kind, parse
from epochwatch.services.call import Call
from epochwatch.services.cloudwatch.alarm_queries import require_queries, watched_period
from epochwatch.services.cloudwatch.errors import invalid_value, validation
from epochwatch.services.cloudwatch.identity import metric_of

MOST_TAGS: Final = 50
RESERVED: Final = "aws:"
WEEK: Final = 7 * DAY
MOST_WAIT: Final = 86_400
"""Seconds that a composite alarm may wait for its suppressor."""
_SINGLE: Final = ("Namespace", "MetricName", "Dimensions", "Period", "Unit", "Statistic", "ExtendedStatistic")
_OF_METRICS: Final = (
    *_SINGLE,
    "Metrics",
    "Threshold",
    "ComparisonOperator",
    "ThresholdMetricId",
    "EvaluationPeriods",
    "DatapointsToAlarm",
    "TreatMissingData",
    "EvaluateLowSampleCountPercentile",
    "EvaluationWindow",
)
_ACTIONS: Final = ("OKActions", "AlarmActions", "InsufficientDataActions")
_ACTION_SERVICES: Final = frozenset(
    {"aiops", "automate", "autoscaling", "epochwatch", "lambda", "sns", "ssm", "ssm-incidents", "swf"}
)
_OWN_ACTION: Final = re.compile(r"(stop-training-job|run-command)/[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}", re.ASCII)
_KEPT_ELSEWHERE: Final = ("AlarmName", "ActionsEnabled", "Tags")


def metric_definition(call: Call, request: Mapping[str, Any]) -> dict[str, Any]:
    """The definition of a metric alarm. Raises AwsError."""
    _require_common(call, request)
    if "EvaluationCriteria" in request:
        _require_promql(request)
        return _kept(request)
    if "EvaluationInterval" in request:
        raise validation("EvaluationInterval should not be set if MetricName or list of Metrics is set.")
    for name in ("ComparisonOperator", "EvaluationPeriods"):
        if name not in request:
            raise validation(f"{name} must not be null")
    if "Metrics" in request:
        _forbid(request, _SINGLE, "list of Metrics")
    else:
        _require_single(request)
    _require_threshold(request)
    if "Metrics" in request:
        require_queries(call, request)
    _require_span(request, watched_period(call, request))
    _require_treatment(request)
    _require_window(request, watched_period(call, request))
    return _kept(request)


def composite_definition(call: Call, request: Mapping[str, Any]) -> dict[str, Any]:
    """The definition of a composite alarm; whether the alarms it refers to are there is not looked at. Raises
    AwsError.
    """
    _require_common(call, request)
    rule = request["AlarmRule"]
    if rule != rule.strip():
        raise validation("AlarmRule must not contain leading or trailing whitespace or be null")
    try:
        composite.parse(rule)
    except composite.InvalidRule as error:
        raise validation(f"Error in AlarmRule [{error}]") from error
    waits = ("ActionsSuppressorWaitPeriod", "ActionsSuppressorExtensionPeriod")
    for name in waits:
        if ("ActionsSuppressor" in request) != (name in request):
            need = f"{name} must not be null if ActionsSuppressor is set."
            raise validation(need if "ActionsSuppressor" in request else f"{name} needs an ActionsSuppressor.")
        if not 0 <= request.get(name, 0) <= MOST_WAIT:
            raise validation(f"The value {request[name]} for parameter {name} must be between 0 and {MOST_WAIT}.")
    return _kept(request)


def tags_of(given: Sequence[Mapping[str, str]], of: str = "An alarm") -> dict[str, str]:
    """Tags by their keys. Raises AwsError."""
    if len(given) > MOST_TAGS:
        raise invalid_value(f"{of} can have at most {MOST_TAGS} tags.")
    tags: dict[str, str] = {}
    for tag in given:
        key = tag["Key"]
        if key.lower().startswith(RESERVED):
            raise validation(f"Tag keys starting with '{RESERVED}' are reserved: {key}")
        if key in tags:
            raise validation(f"Duplicate tag keys found: {key}. Tag keys must be unique.")
        tags[key] = tag["Value"]
    return tags


def _kept(request: Mapping[str, Any]) -> dict[str, Any]:
    definition = {name: value for name, value in request.items() if name not in _KEPT_ELSEWHERE}
    for name in _ACTIONS:
        definition.setdefault(name, [])
    return definition


def _require_common(call: Call, request: Mapping[str, Any]) -> None:
    for name in _ACTIONS:
        for action in request.get(name, ()):
            _require_action(call, action)
    spread = request.get("ActionConfiguration", {}).get("AlarmTagsPropagation", {})
    if "IncludedTagKeys" in spread and "ExcludedTagKeys" in spread:
        raise validation("IncludedTagKeys and ExcludedTagKeys cannot both be set")
    tags_of(request.get("Tags") or [])


def _require_action(call: Call, action: str) -> None:
    parts = action.split(":", 5)
    if len(parts) < 6 or parts[0] != "arn" or parts[2] not in _ACTION_SERVICES or not parts[5]:
        raise validation(f"Invalid arn syntax: {action}")
    if parts[2] == "epochwatch" and not _OWN_ACTION.fullmatch(parts[5]):
        raise validation(
            f"Unsupported action {parts[5]}. This server has stop-training-job/NAME and run-command/NAME."
        )
    if parts[3] not in ("", call.tenant.region):
        raise validation(f"Invalid region {parts[3]} specified. Only {call.tenant.region} is supported.")


def _forbid(request: Mapping[str, Any], names: Sequence[str], because: str) -> None:
    for name in names:
        if name in request:
            raise validation(f"{name} should not be set if {because} is set.")


def _require_promql(request: Mapping[str, Any]) -> None:
    from epochwatch.model.promql.errors import PromqlError
    from epochwatch.model.promql.expressions import parse as parse_promql

    _forbid(request, _OF_METRICS, "EvaluationCriteria")
    criteria = request["EvaluationCriteria"].get("PromQLCriteria")
    if criteria is None:
        raise validation("EvaluationCriteria must have exactly one of the following members set: PromQLCriteria")
    every = request.get("EvaluationInterval")
    if every is None:
        raise validation("EvaluationInterval must not be null")
    if not schedule.is_valid_period(every):
        raise validation("EvaluationInterval must be 10, 20, 30 or a multiple of 60")
    try:
        parse_promql(criteria["Query"])
    except PromqlError as error:
        raise validation(f"Invalid PromQL query: {error.message}") from error


def _require_single(request: Mapping[str, Any]) -> None:
    for name in ("MetricName", "Namespace", "Period"):
        if name not in request:
            raise validation(f"{name} must not be null")
    if ("Statistic" in request) == ("ExtendedStatistic" in request):
        raise validation(
            "Must specify exactly one of Statistic and ExtendedStatistic"
            if "Statistic" not in request
            else "Statistic and ExtendedStatistic cannot both be set"
        )
    if "ThresholdMetricId" in request:
        raise validation("ThresholdMetricId should not be set if list of Metrics is not set.")
    if "ExtendedStatistic" in request:
        _require_extended(request["ExtendedStatistic"])
    metric_of(request["Namespace"], request["MetricName"], request.get("Dimensions") or [], "Dimensions")
    if not schedule.is_valid_period(request["Period"]):
        raise validation("Period must be 10, 20, 30 or a multiple of 60")


def _require_extended(text: str) -> None:
    try:
        extended = parse(text).is_extended
    except InvalidStatistic:
        extended = False
    if not extended:
        raise validation(f"The value {text} for parameter ExtendedStatistic is not supported.")


def _require_threshold(request: Mapping[str, Any]) -> None:
    banded = request["ComparisonOperator"] in BANDS
    if "Threshold" in request and "ThresholdMetricId" in request:
        raise validation("Threshold and ThresholdMetricId cannot both be set")
    if "Threshold" not in request and "ThresholdMetricId" not in request:
        raise validation("Must specify exactly one of Threshold and ThresholdMetricId")
    if banded != ("ThresholdMetricId" in request):
        need = "ThresholdMetricId" if banded else "Threshold"
        raise validation(f"ComparisonOperator {request['ComparisonOperator']} needs {need} to be set")
    needed, periods = request.get("DatapointsToAlarm", 1), request["EvaluationPeriods"]
    if needed > periods:
        raise validation("DatapointsToAlarm must be less than or equal to EvaluationPeriods")


def _require_span(request: Mapping[str, Any], period: int) -> None:
    span = period * request["EvaluationPeriods"]
    if period < HOUR and span > DAY:
        raise validation(
            f"Metrics cannot be checked across more than a day (EvaluationPeriods * Period must be <= {DAY}) "
            f"for alarms using period < {HOUR}"
        )
    if span > WEEK:
        raise validation(
            f"Metrics cannot be checked across more than a week (EvaluationPeriods * Period must be <= {WEEK}) "
            f"for alarms using period >= {HOUR}"
        )


def _require_treatment(request: Mapping[str, Any]) -> None:
    for name, legal in (
        ("TreatMissingData", [one.value for one in Missing]),
        ("EvaluateLowSampleCountPercentile", ["evaluate", "ignore"]),
    ):
        if request.get(name, legal[0]) not in legal:
            raise validation(
                f"The value {request[name]} for parameter {name} is not supported: it must be one of "
                f"{', '.join(legal)}."
            )
    if "EvaluateLowSampleCountPercentile" in request and (
        "ExtendedStatistic" not in request or parse(request["ExtendedStatistic"]).kind is not Kind.PERCENTILE
    ):
        raise validation("EvaluateLowSampleCountPercentile can be set only for an alarm on a percentile.")


def _require_window(request: Mapping[str, Any], period: int) -> None:
    window = request.get("EvaluationWindow")
    if window is None:
        return
    if len(window) != 1:
        raise validation(
            "EvaluationWindow must have exactly one of the following members set: SlidingWindow, WallClockWindow"
        )
    if "WallClockWindow" in window:
        if period not in CLOCK_PERIODS:
            raise validation("Period must be 60, 300, 3600, 86400 or 604800 with a WallClockWindow")
        try:
            schedule.parse_timezone(window["WallClockWindow"].get("Timezone"))
        except InvalidTimezone as error:
            raise validation(f"The value for parameter Timezone is invalid: {error}.") from error
