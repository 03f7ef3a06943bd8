"""Metric filters: what makes datapoints of log events as they come."""

from collections.abc import Mapping
from typing import Any, Final

from epochwatch.model.aws_error import AwsError
from epochwatch.model.filter_pattern import InvalidFilterPattern, compile_pattern
from epochwatch.model.metric_filter import InvalidMetricFilter, MetricFilter, MetricFilterDefinition
from epochwatch.services.call import Call
from epochwatch.services.logs.names import existing_group, invalid
from epochwatch.services.logs.paging import position_of
from epochwatch.services.tokens import seal
from epochwatch.store.state.metric_filters import MetricFilterRecord

MOST_FILTERS: Final = 100
"""Of one log group."""
MOST_REGEXES: Final = 5
"""Filters of one group that hold regular expressions."""
PAGE: Final = 50
RESERVED: Final = "AWS/"


def put_metric_filter(call: Call, request: dict[str, Any]) -> None:
    """PutMetricFilter: acts on events that come from now on, by PutLogEvents or from the runs of jobs."""
    group = existing_group(call, {"logGroupName": request["logGroupName"]})
    if group.log_group_class != "STANDARD":
        raise AwsError(
            "InvalidOperationException",
            f"Metric filters are supported for log groups of the STANDARD class only, not {group.log_group_class}.",
        )
    if request.get("applyOnTransformedLogs"):
        raise invalid("applyOnTransformedLogs needs a log transformer, and the log group has none.")
    definition = _definition(request)
    try:
        compiled = MetricFilter(definition, call.tenant)
    except InvalidMetricFilter as error:
        raise invalid(str(error)) from error
    if compiled.pattern.regexes:
        _require_few_regexes(call, group.name, definition.name)
    records = call.stores.state.metric_filters
    if not records.put(call.tenant, group.name, definition, int(call.now * 1000), MOST_FILTERS):
        raise _too_many()


def describe_metric_filters(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """DescribeMetricFilters: a page of filters by name, of one group or of all."""
    group = None
    if "logGroupName" in request:
        group = existing_group(call, {"logGroupName": request["logGroupName"]}).name
    name, namespace = request.get("metricName"), request.get("metricNamespace")
    if (name is None) != (namespace is None):
        raise invalid("metricName and metricNamespace must be given together.")
    bound = {key: value for key, value in request.items() if key not in ("nextToken", "limit")}
    limit = request.get("limit", PAGE)
    found = call.stores.state.metric_filters.select(
        call.tenant,
        group,
        prefix=request.get("filterNamePrefix") if group is not None else None,
        metric=None if name is None or namespace is None else (namespace, name),
        after=position_of(bound, request.get("nextToken")),
        limit=limit + 1,
    )
    page = found[:limit]
    answer: dict[str, Any] = {"metricFilters": [_described(record) for record in page]}
    if len(found) > limit:
        answer["nextToken"] = seal(bound, (page[-1].definition.name, page[-1].log_group))
    return answer


def delete_metric_filter(call: Call, request: dict[str, Any]) -> None:
    """DeleteMetricFilter: what it has made of events stays."""
    group = existing_group(call, {"logGroupName": request["logGroupName"]})
    if not call.stores.state.metric_filters.delete(call.tenant, group.name, request["filterName"]):
        raise AwsError("ResourceNotFoundException", "The specified metric filter does not exist.")


def test_metric_filter(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """TestMetricFilter: which of the messages match, and the values of what the pattern names."""
    try:
        pattern = compile_pattern(request["filterPattern"])
    except InvalidFilterPattern as error:
        raise invalid(f"Invalid filter pattern: {error}") from error
    return {
        "matches": [
            {"eventNumber": number, "eventMessage": message, "extractedValues": dict(pattern.values(message))}
            for number, message in enumerate(request["logEventMessages"], 1)
            if pattern.matches(message)
        ]
    }


def _definition(request: Mapping[str, Any]) -> MetricFilterDefinition:
    transformation = request["metricTransformations"][0]
    for member in ("metricName", "metricNamespace", "metricValue"):
        if not transformation[member].strip():
            raise invalid(f"Invalid metric transformation: {member} must not be empty.")
    if transformation["metricNamespace"].startswith(RESERVED):
        raise invalid(f"Invalid metric transformation: namespaces that begin with '{RESERVED}' are reserved.")
    dimensions = transformation.get("dimensions") or {}
    if not all(name.strip() and name.isascii() and not name.startswith(":") for name in dimensions):
        raise invalid("Invalid metric transformation: a dimension's name is ASCII and does not begin with ':'.")
    return MetricFilterDefinition(
        name=request["filterName"],
        pattern=request["filterPattern"],
        metric_name=transformation["metricName"],
        namespace=transformation["metricNamespace"],
        value=transformation["metricValue"],
        default=transformation.get("defaultValue"),
        unit=transformation.get("unit"),
        dimensions=tuple(dimensions.items()),
        system_dimensions=tuple(dict.fromkeys(request.get("emitSystemFieldDimensions") or ())),
        criteria=request.get("fieldSelectionCriteria"),
    )


def _require_few_regexes(call: Call, group: str, name: str) -> None:
    others = call.stores.state.metric_filters.select(call.tenant, group, limit=MOST_FILTERS)
    patterns = [compile_pattern(other.definition.pattern) for other in others if other.definition.name != name]
    if sum(pattern.regexes > 0 for pattern in patterns) >= MOST_REGEXES:
        raise _too_many()


def _too_many() -> AwsError:
    return AwsError("LimitExceededException", "Resource limit exceeded.")


def _described(record: MetricFilterRecord) -> dict[str, Any]:
    definition = record.definition
    transformation: dict[str, Any] = {
        "metricName": definition.metric_name,
        "metricNamespace": definition.namespace,
        "metricValue": definition.value,
    }
    if definition.default is not None:
        transformation["defaultValue"] = definition.default
    if definition.dimensions:
        transformation["dimensions"] = dict(definition.dimensions)
    if definition.unit is not None:
        transformation["unit"] = definition.unit
    described: dict[str, Any] = {
        "filterName": definition.name,
        "filterPattern": definition.pattern,
        "metricTransformations": [transformation],
        "creationTime": record.created,
        "logGroupName": record.log_group,
        "applyOnTransformedLogs": False,
    }
    if definition.criteria is not None:
        described["fieldSelectionCriteria"] = definition.criteria
    if definition.system_dimensions:
        described["emitSystemFieldDimensions"] = list(definition.system_dimensions)
    return described
