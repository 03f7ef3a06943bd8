"""Datapoints on their way in."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from epochwatch.model.metric import NO_UNIT, Datapoint, StatisticSet
from epochwatch.model.periods import DAY, HOUR
from epochwatch.services.call import Call
from epochwatch.services.cloudwatch.errors import invalid_combination, invalid_value, missing
from epochwatch.services.cloudwatch.identity import metric_of

MOST_METRICS: Final = 1000
MOST_ENTITIES: Final = 2
MOST_VALUES: Final = 150
LARGEST: Final = 2.0**360
OLDEST_SECONDS: Final = 14 * DAY
NEWEST_SECONDS: Final = 2 * HOUR
RESERVED: Final = "AWS/"


def put_metric_data(call: Call, request: dict[str, Any]) -> None:
    """PutMetricData: stores all of the request's datapoints, or, where one of them is wrong, none.

    Entities are taken but not kept: nothing that is served here reads them.
    """
    namespace = request["Namespace"]
    if namespace.startswith(RESERVED):
        raise invalid_value(f"The value {namespace} for parameter Namespace is invalid.")
    data = list(_data(request))
    if not data:
        raise missing("The parameter MetricData is required.")
    if len(data) > MOST_METRICS:
        raise invalid_value(f"The collection MetricData must not have a size greater than {MOST_METRICS}.")
    call.stores.metrics.put(call.tenant, [_datapoint(namespace, datum, place, call.now) for place, datum in data])


def _data(request: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """Every MetricDatum with its place in the request."""
    groups = request.get("EntityMetricData") or []
    if len(groups) > MOST_ENTITIES:
        raise invalid_value(f"The collection EntityMetricData must not have a size greater than {MOST_ENTITIES}.")
    found = list(_numbered("MetricData", request.get("MetricData") or []))
    for number, group in enumerate(groups, 1):
        found += _numbered(f"EntityMetricData.member.{number}.MetricData", group.get("MetricData") or [])
    return found


def _numbered(where: str, data: Sequence[Mapping[str, Any]]) -> list[tuple[str, Mapping[str, Any]]]:
    return [(f"{where}.member.{number}", datum) for number, datum in enumerate(data, 1)]


def _datapoint(namespace: str, datum: Mapping[str, Any], place: str, now: float) -> Datapoint:
    metric = metric_of(namespace, datum["MetricName"], datum.get("Dimensions") or [], f"{place}.Dimensions")
    resolution = datum.get("StorageResolution", 60)
    if resolution not in (1, 60):
        raise invalid_value(f"The value {resolution} for parameter {place}.StorageResolution is invalid.")
    point = Datapoint(
        metric, _timestamp(datum.get("Timestamp"), place, now), datum.get("Unit", NO_UNIT), resolution
    )
    _require_one_form(datum, place)
    if "StatisticValues" in datum:
        point.statistic_set = _statistic_set(datum["StatisticValues"], f"{place}.StatisticValues")
    elif "Value" in datum:
        _require_storable(datum["Value"], f"{place}.Value")
        point.values, point.counts = [datum["Value"]], [1.0]
    else:
        point.values, point.counts = _values(datum, place)
    return point


def _require_one_form(datum: Mapping[str, Any], place: str) -> None:
    forms = [form for form in ("Value", "Values", "StatisticValues") if form in datum]
    if len(forms) > 1:
        first, second = forms[:2]
        raise invalid_combination(
            f"The parameters {place}.{first} and {place}.{second} are mutually exclusive "
            "and you have specified both."
        )
    if not datum.get("Values") and forms in ([], ["Values"]):
        raise missing(
            f"At least one of the parameters {place}.Value, {place}.Values and {place}.StatisticValues "
            "must be specified."
        )
    if "Counts" in datum and forms != ["Values"]:
        raise invalid_combination(f"The parameter {place}.Counts must be specified with {place}.Values only.")


def _values(datum: Mapping[str, Any], place: str) -> tuple[list[float], list[float]]:
    values: list[float] = datum["Values"]
    counts: list[float] = datum.get("Counts") or [1.0] * len(values)
    if len(values) > MOST_VALUES:
        raise invalid_value(f"The collection {place}.Values must not have a size greater than {MOST_VALUES}.")
    if len(counts) != len(values):
        raise invalid_value(f"The parameters {place}.Values and {place}.Counts must be of the same size.")
    for number, (value, count) in enumerate(zip(values, counts, strict=True), 1):
        _require_storable(value, f"{place}.Values.member.{number}")
        _require_storable(count, f"{place}.Counts.member.{number}")
        if count <= 0:
            raise invalid_value(
                f"The value {count:g} for parameter {place}.Counts.member.{number} must be greater than 0."
            )
    return values, counts


def _statistic_set(values: Mapping[str, float], place: str) -> StatisticSet:
    for name in ("SampleCount", "Sum", "Minimum", "Maximum"):
        _require_storable(values[name], f"{place}.{name}")
    if values["SampleCount"] <= 0:
        raise invalid_value(f"The parameter {place}.SampleCount must be greater than 0.")
    if values["Minimum"] > values["Maximum"]:
        raise invalid_value(f"The parameter {place}.Maximum must be greater than or equal to {place}.Minimum.")
    return StatisticSet(values["Sum"], values["SampleCount"], values["Minimum"], values["Maximum"])


def _require_storable(value: float, place: str) -> None:
    if not math.isfinite(value) or abs(value) > LARGEST:
        shown = "NaN" if math.isnan(value) else f"{value:g}"
        shown = {"inf": "Infinity", "-inf": "-Infinity"}.get(shown, shown)
        raise invalid_value(f"The value {shown} for parameter {place} is invalid.")


def _timestamp(given: float | None, place: str, now: float) -> int:
    moment = now if given is None else given
    if moment < now - OLDEST_SECONDS:
        raise invalid_value(
            f"The parameter {place}.Timestamp must specify a time no more than two weeks in the past."
        )
    if moment > now + NEWEST_SECONDS:
        raise invalid_value(
            f"The parameter {place}.Timestamp must specify a time no more than two hours in the future."
        )
    return math.floor(moment)
