"""Datapoints on their way in."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from epochwatch.model.metric import NO_UNIT, DatapointColumns, MetricId, StatisticSet
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
_KNOWN_METRICS: Final = 100_000

Key = tuple[str, str, tuple[tuple[str, str], ...]]


class _Metrics:
    """Metrics by the words in which requests name them: most requests name those of the last one."""

    def __init__(self) -> None:
        self._known: dict[Key, MetricId] = {}

    def get(self, namespace: str, datum: Mapping[str, Any], place: "_Place") -> MetricId:
        """The metric of a datum. Raises AwsError for dimensions that no metric can have."""
        dimensions = datum.get("Dimensions") or ()
        key = (namespace, datum["MetricName"], tuple([(d["Name"], d["Value"]) for d in dimensions]))
        metric = self._known.get(key)
        if metric is None:
            metric = metric_of(namespace, datum["MetricName"], dimensions, f"{place}.Dimensions")
            if len(self._known) >= _KNOWN_METRICS:
                self._known.clear()
            self._known[key] = metric
        return metric


_METRICS: Final = _Metrics()


class _Place:
    """Where in the request a datum stands; becomes text only when it is refused."""

    __slots__ = ("list", "number")

    def __init__(self, where: str, number: int) -> None:
        self.list = where
        self.number = number

    def __str__(self) -> str:
        return f"{self.list}.member.{self.number}"


def put_metric_data(call: Call, request: dict[str, Any]) -> None:
    """PutMetricData: stores all of the request's datapoints, or, where one of them is wrong, none.

    Entities are taken but not kept: nothing that is served here reads them.
    """
    namespace = request["Namespace"]
    if namespace.startswith(RESERVED):
        raise invalid_value(f"The value {namespace} for parameter Namespace is invalid.")
    groups = _groups(request)
    total = sum(len(data) for _, data in groups)
    if not total:
        raise missing("The parameter MetricData is required.")
    if total > MOST_METRICS:
        raise invalid_value(f"The collection MetricData must not have a size greater than {MOST_METRICS}.")
    columns = DatapointColumns()
    for where, data in groups:
        _add_all(columns, namespace, data, where, call.now)
    call.stores.metrics.put(call.tenant, columns)


def _groups(request: Mapping[str, Any]) -> list[tuple[str, Sequence[Mapping[str, Any]]]]:
    """Every list of MetricDatum, with its name."""
    entities = request.get("EntityMetricData") or []
    if len(entities) > MOST_ENTITIES:
        raise invalid_value(f"The collection EntityMetricData must not have a size greater than {MOST_ENTITIES}.")
    groups = [("MetricData", request.get("MetricData") or [])]
    groups += [
        (f"EntityMetricData.member.{number}.MetricData", entity.get("MetricData") or [])
        for number, entity in enumerate(entities, 1)
    ]
    return groups


def _add_all(
    columns: DatapointColumns, namespace: str, data: Sequence[Mapping[str, Any]], where: str, now: float
) -> None:
    """Datums with a plain value, which most are, are collected first: a request has a thousand of them."""
    known: dict[Any, int] = {}
    numbers: list[int] = []
    moments: list[int] = []
    values: list[float] = []
    resolutions: list[int] = []
    oldest, newest = now - OLDEST_SECONDS, now + NEWEST_SECONDS
    place = _Place(where, 0)
    for count, datum in enumerate(data, 1):
        place.number = count
        value: Any = datum.get("Value")
        moment = datum.get("Timestamp", now)
        resolution = datum.get("StorageResolution", 60)
        plain = value is not None and not ("Values" in datum or "StatisticValues" in datum or "Counts" in datum)
        # Comparisons with NaN are false: it goes the long way, where it is refused.
        if not (plain and -LARGEST <= value <= LARGEST and oldest <= moment <= newest and resolution in (1, 60)):
            _add(columns, namespace, datum, place, now)
            continue
        unit, dimensions = datum.get("Unit", NO_UNIT), datum.get("Dimensions")
        key = (
            datum["MetricName"],
            unit,
            tuple([(one["Name"], one["Value"]) for one in dimensions]) if dimensions else (),
        )
        number = known.get(key)
        if number is None:
            number = known[key] = columns.number_of(_METRICS.get(namespace, datum, place), unit)
        numbers.append(number)
        moments.append(math.floor(moment))
        values.append(value)
        resolutions.append(resolution)
    columns.add_values(numbers, moments, values, resolutions)


def _add(columns: DatapointColumns, namespace: str, datum: Mapping[str, Any], place: _Place, now: float) -> None:
    metric = _METRICS.get(namespace, datum, place)
    resolution = datum.get("StorageResolution", 60)
    if resolution not in (1, 60):
        raise invalid_value(f"The value {resolution} for parameter {place}.StorageResolution is invalid.")
    moment = _timestamp(datum.get("Timestamp"), place, now)
    unit = datum.get("Unit", NO_UNIT)
    _require_one_form(datum, place)
    if "Value" in datum:
        _require_storable(datum["Value"], f"{place}.Value")
        columns.add_value(metric, moment, datum["Value"], unit=unit, resolution=resolution)
        return
    if "StatisticValues" in datum:
        values = _statistic_set(datum["StatisticValues"], f"{place}.StatisticValues")
        columns.add_set(metric, moment, values, unit=unit, resolution=resolution)
        return
    for value, count in _values(datum, place):
        columns.add_value(metric, moment, value, count=count, unit=unit, resolution=resolution)


def _require_one_form(datum: Mapping[str, Any], place: _Place) -> None:
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


def _values(datum: Mapping[str, Any], place: _Place) -> list[tuple[float, float]]:
    """Values and how often each occurred."""
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
    return list(zip(values, counts, strict=True))


def _statistic_set(values: Mapping[str, float], place: str) -> StatisticSet:
    for name in ("SampleCount", "Sum", "Minimum", "Maximum"):
        _require_storable(values[name], f"{place}.{name}")
    if values["SampleCount"] <= 0:
        raise invalid_value(f"The parameter {place}.SampleCount must be greater than 0.")
    if values["Minimum"] > values["Maximum"]:
        raise invalid_value(f"The parameter {place}.Maximum must be greater than or equal to {place}.Minimum.")
    return StatisticSet(values["Sum"], values["SampleCount"], values["Minimum"], values["Maximum"])


def _require_storable(value: float, place: str) -> None:
    if not -LARGEST <= value <= LARGEST:
        shown = "NaN" if math.isnan(value) else f"{value:g}"
        shown = {"inf": "Infinity", "-inf": "-Infinity"}.get(shown, shown)
        raise invalid_value(f"The value {shown} for parameter {place} is invalid.")


def _timestamp(given: float | None, place: _Place, now: float) -> int:
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
