"""Anomaly detectors: putting, describing and deleting them, and the bands of expected values they stand for."""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
import numpy as np
from numpy.typing import NDArray

from epochwatch.model import periods, statistics
from epochwatch.model.aggregation import statistic_of
from epochwatch.model.anomaly import (
    FEWEST_DATAPOINTS,
    HISTORY,
    Adaptation,
    AnomalyModel,
    Filtering,
    Training,
    train,
)
from epochwatch.model.aws_error import AwsError
from epochwatch.model.metric import MetricId
from epochwatch.model.periods import MINUTE, Buckets
from epochwatch.model.statistics import InvalidStatistic, Statistic
from epochwatch.services.call import Call
from epochwatch.services.cloudwatch.errors import invalid_combination, invalid_value, missing
from epochwatch.services.cloudwatch.identity import dimensions_of, metric_of
from epochwatch.services.tokens import seal, unseal
from epochwatch.store.state.anomaly_detectors import AnomalyDetector

SINGLE: Final = "SingleMetricAnomalyDetector"
MATH: Final = "MetricMathAnomalyDetector"
MOST_RANGES: Final = 10
MOST_RESULTS: Final = 100
JUDGED_PERIOD: Final = 5 * MINUTE
"""Seconds: a detector counts as trained when it has enough datapoints at this period."""

MOST_LEARNT: Final = HISTORY // MINUTE
"""A model learns from at most so many datapoints: at periods under a minute from less than two weeks."""

Band: TypeAlias = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Lower and upper ends."""

_FLAT: Final = ("Namespace", "MetricName", "Dimensions", "Stat")
_REQUIRED: Final = ("Namespace", "MetricName", "Stat")
_FILTERS: Final = ("Namespace", "MetricName", "Dimensions", "AnomalyDetectorTypes")
_QUERY_ID: Final = re.compile(r"[a-z][a-zA-Z0-9_]*", re.ASCII)


def put_anomaly_detector(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """PutAnomalyDetector: makes a detector, or configures anew the one that watches the same."""
    watched = _watched(call, request)
    record = watched | {"Configuration": _configuration(request.get("Configuration") or {})}
    if "MetricCharacteristics" in request:
        record["MetricCharacteristics"] = request["MetricCharacteristics"]
    name = _detector_id(watched)
    call.stores.state.anomaly_detectors.put(call.tenant, name, record, call.now)
    return {"AnomalyDetectorId": name}


def delete_anomaly_detector(call: Call, request: dict[str, Any]) -> None:
    """DeleteAnomalyDetector: by its id or by what it watches."""
    name = request.get("AnomalyDetectorId")
    if name is not None:
        _require_alone("AnomalyDetectorId", request, (*_FLAT, SINGLE, MATH))
    else:
        name = _detector_id(_watched(call, request))
    if not call.stores.state.anomaly_detectors.delete(call.tenant, name):
        raise AwsError(
            "ResourceNotFoundException",
            "The specified anomaly detector does not exist.",
            ResourceType="AnomalyDetector",
            ResourceId=name,
        )


def describe_anomaly_detectors(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """DescribeAnomalyDetectors: a page of them, the oldest first."""
    limit = request.get("MaxResults", MOST_RESULTS)
    if limit > MOST_RESULTS:
        raise invalid_value(f"The value {limit} for parameter MaxResults must be at most {MOST_RESULTS}.")
    if "AnomalyDetectorIds" in request:
        _require_alone("AnomalyDetectorIds", request, _FILTERS)
    bound = {name: value for name, value in request.items() if name not in ("NextToken", "MaxResults")}
    after = _position(bound, request.get("NextToken"))
    found = [
        detector
        for detector in call.stores.state.anomaly_detectors.all(call.tenant)
        if (after is None or [detector.created, detector.id] > after) and _wanted(detector, request)
    ]
    page = found[:limit]
    answer: dict[str, Any] = {"AnomalyDetectors": _described(call, page)}
    if len(found) > limit:
        answer["NextToken"] = seal(bound, [page[-1].created, page[-1].id])
    return answer


def detector_for(call: Call, metric: MetricId, statistic: Statistic) -> Training:
    """How the detector of ``metric`` and ``statistic`` is to be trained; as usual where there is none."""
    watched = {SINGLE: _single_metric(call.tenant.account, metric, statistic.name)}
    detector = call.stores.state.anomaly_detectors.get(call.tenant, _detector_id(watched))
    return Training() if detector is None else _training(detector.record)


def band_of(
    call: Call,
    metric: MetricId,
    statistic: Statistic,
    unit: str | None,
    period: int,
    timestamps: NDArray[np.int64],
    deviations: float = 2.0,
) -> Band:
    """The band of ``metric`` at ``timestamps`` (Unix seconds); NaN while it has too little history.

    ``unit`` None: the first in which there are datapoints. The model is kept and trained anew as time goes by.
    """
    training = detector_for(call, metric, statistic)
    model = call.stores.state.anomaly_detectors.models.get(
        (call.tenant, metric, statistic.name, unit, period, training),
        call.now,
        lambda: _trained(call, metric, statistic, unit, period, training),
    )
    if model is None:
        unknown = np.full(len(timestamps), np.nan)
        return unknown, unknown
    return model.band(timestamps, deviations)


def _detector_id(watched: Mapping[str, Any]) -> str:
    """The id of the detector that watches this."""
    text = msgspec.json.encode(watched, order="deterministic")
    return hashlib.blake2b(text, digest_size=16).hexdigest()


def _single_metric(account: str, metric: MetricId, stat: str) -> dict[str, Any]:
    """A metric and statistic as SingleMetricAnomalyDetector says them."""
    return {
        "AccountId": account,
        "Namespace": metric.namespace,
        "MetricName": metric.name,
        "Dimensions": dimensions_of(metric),
        "Stat": stat,
    }


def _watched(call: Call, request: Mapping[str, Any]) -> dict[str, Any]:
    """What the request's detector watches: one member, SINGLE or MATH. Raises AwsError."""
    given = [name for name in (*_FLAT, SINGLE, MATH) if name in request]
    for name in (SINGLE, MATH):
        if name in given:
            _require_alone(name, request, (*_FLAT, SINGLE, MATH))
    if MATH in given:
        queries = request[MATH].get("MetricDataQueries") or []
        _require_queries(call, queries, f"{MATH}.MetricDataQueries")
        return {MATH: {"MetricDataQueries": queries}}
    if SINGLE in given:
        return {SINGLE: _single(call, request[SINGLE], f"{SINGLE}.")}
    if not given:
        raise missing(f"One of the parameters {SINGLE} and {MATH} must be specified.")
    return {SINGLE: _single(call, request, "")}


def _require_alone(name: str, request: Mapping[str, Any], others: Sequence[str]) -> None:
    for other in others:
        if other != name and other in request:
            raise invalid_combination(
                f"The parameters {name} and {other} are mutually exclusive and you have specified both."
            )


def _single(call: Call, given: Mapping[str, Any], place: str) -> dict[str, Any]:
    for name in _REQUIRED:
        if name not in given:
            raise missing(f"The parameter {place}{name} is required.")
    account = given.get("AccountId", call.tenant.account)
    if account != call.tenant.account:
        raise invalid_value(f"The value {account} for parameter {place}AccountId is no linked account.")
    _require_statistic(given["Stat"], f"{place}Stat")
    metric = metric_of(
        given["Namespace"], given["MetricName"], given.get("Dimensions") or [], f"{place}Dimensions"
    )
    return _single_metric(account, metric, given["Stat"])


def _require_queries(call: Call, queries: Sequence[Mapping[str, Any]], place: str) -> None:
    if not queries:
        raise missing(f"The parameter {place} is required.")
    names = [query["Id"] for query in queries]
    returned = [query for query in queries if query.get("ReturnData", True)]
    if len(set(names)) < len(names):
        raise invalid_value(f"The parameter {place} has the same Id more than once.")
    if len(returned) != 1:
        raise invalid_value(f"Exactly one element of {place} must have ReturnData true, not {len(returned)}.")
    if "Expression" not in returned[0]:
        raise invalid_value(f"The element of {place} that has ReturnData true must be an Expression.")
    for number, query in enumerate(queries, 1):
        _require_query(call, query, f"{place}.member.{number}")


def _require_query(call: Call, query: Mapping[str, Any], place: str) -> None:
    if not _QUERY_ID.fullmatch(query["Id"]):
        raise invalid_value(f"The value {query['Id']} for parameter {place}.Id is invalid.")
    if ("MetricStat" in query) == ("Expression" in query):
        raise invalid_combination(f"{place} must have either MetricStat or Expression.")
    if query.get("AccountId", call.tenant.account) != call.tenant.account:
        raise invalid_value(
            f"The value {query['AccountId']} for parameter {place}.AccountId is no linked account."
        )
    if "MetricStat" in query:
        stat = query["MetricStat"]
        for name in ("Namespace", "MetricName"):
            if name not in stat["Metric"]:
                raise missing(f"The parameter {place}.MetricStat.Metric.{name} is required.")
        _metric(query, f"{place}.MetricStat.Metric.Dimensions")
        _require_statistic(stat["Stat"], f"{place}.MetricStat.Stat")
        if not periods.is_valid(stat["Period"]):
            raise invalid_value(f"The value {stat['Period']} for parameter {place}.MetricStat.Period is invalid.")


def _require_statistic(stat: str, place: str) -> None:
    try:
        statistics.parse(stat)
    except InvalidStatistic as error:
        raise invalid_value(f"The value {stat} for parameter {place} is not supported.") from error


def _configuration(given: Mapping[str, Any]) -> dict[str, Any]:
    place = "Configuration.ExcludedTimeRanges"
    ranges = given.get("ExcludedTimeRanges") or []
    if len(ranges) > MOST_RANGES:
        raise invalid_value(f"The collection {place} must not have a size greater than {MOST_RANGES}.")
    for number, span in enumerate(ranges, 1):
        if span["StartTime"] >= span["EndTime"]:
            raise invalid_value(f"The parameter {place}.member.{number}.StartTime must be less than EndTime.")
    zone = given.get("MetricTimezone")
    if zone is not None and not _is_timezone(zone):
        raise invalid_value(
            f"The value {zone} for parameter Configuration.MetricTimezone is invalid: it must be a name of the tz "
            "database, such as Europe/Berlin."
        )
    return {**given, "ExcludedTimeRanges": ranges}


def _is_timezone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _position(bound: Mapping[str, Any], token: str | None) -> list[Any] | None:
    if token is None:
        return None
    try:
        position: list[Any] = unseal(bound, token)
    except ValueError as error:
        raise AwsError("InvalidNextToken", "The next token specified is invalid.") from error
    return position


def _wanted(detector: AnomalyDetector, request: Mapping[str, Any]) -> bool:
    ids = request.get("AnomalyDetectorIds")
    if ids is not None:
        return detector.id in ids
    kind = "SINGLE_METRIC" if SINGLE in detector.record else "METRIC_MATH"
    if kind not in (request.get("AnomalyDetectorTypes") or ["SINGLE_METRIC"]):
        return False
    unfiltered = not any(request.get(name) for name in ("Namespace", "MetricName", "Dimensions"))
    return unfiltered or any(_passes(metric, request) for metric in _metrics(detector))


def _passes(metric: MetricId, request: Mapping[str, Any]) -> bool:
    dimensions = {(entry["Name"], entry["Value"]) for entry in request.get("Dimensions") or []}
    return (
        request.get("Namespace", metric.namespace) == metric.namespace
        and request.get("MetricName", metric.name) == metric.name
        and dimensions <= set(metric.dimensions)
    )


def _metrics(detector: AnomalyDetector) -> Iterator[MetricId]:
    """The metrics that a detector watches."""
    single = detector.record.get(SINGLE)
    if single is not None:
        yield metric_of(single["Namespace"], single["MetricName"], single["Dimensions"], "Dimensions")
        return
    for query in detector.record[MATH]["MetricDataQueries"]:
        if "MetricStat" in query:
            yield _metric(query, "Dimensions")


def _metric(query: Mapping[str, Any], place: str) -> MetricId:
    metric = query["MetricStat"]["Metric"]
    return metric_of(metric["Namespace"], metric["MetricName"], metric.get("Dimensions") or [], place)


def _described(call: Call, detectors: Sequence[AnomalyDetector]) -> list[dict[str, Any]]:
    watched = {detector.id: list(_metrics(detector)) for detector in detectors}
    counts = _datapoint_counts(call, {metric for metrics in watched.values() for metric in metrics})
    found = []
    for detector in detectors:
        fewest = min((counts[metric] for metric in watched[detector.id]), default=0)
        single = detector.record.get(SINGLE) or {}
        flat = {name: single[name] for name in _FLAT if name in single}
        found.append({"AnomalyDetectorId": detector.id, **flat, **detector.record, "StateValue": _state(fewest)})
    return found


def _datapoint_counts(call: Call, metrics: set[MetricId]) -> dict[MetricId, int]:
    """How many datapoints each metric has to learn from."""
    end = int(call.now) // JUDGED_PERIOD * JUDGED_PERIOD + JUDGED_PERIOD
    found = call.stores.metrics.read(call.tenant, metrics, Buckets(end - HISTORY, end, JUDGED_PERIOD))
    return {
        metric: max((len(summary.timestamps) for summary in units.values()), default=0)
        for metric, units in found.items()
    }


def _state(datapoints: int) -> str:
    if not datapoints:
        return "PENDING_TRAINING"
    return "TRAINED" if datapoints >= FEWEST_DATAPOINTS else "TRAINED_INSUFFICIENT_DATA"


def _training(record: Mapping[str, Any]) -> Training:
    configuration = record["Configuration"]
    zone = configuration.get("MetricTimezone")
    usual = Training()
    return Training(
        excluded=tuple((span["StartTime"], span["EndTime"]) for span in configuration["ExcludedTimeRanges"]),
        timezone=usual.timezone if zone is None else ZoneInfo(zone),
        adaptation=Adaptation[configuration.get("AdaptationSpeed", usual.adaptation.name)],
        filtering=Filtering[configuration.get("OutlierFilteringStrength", usual.filtering.name)],
        periodic_spikes=record.get("MetricCharacteristics", {}).get("PeriodicSpikes", False),
    )


def _trained(
    call: Call, metric: MetricId, statistic: Statistic, unit: str | None, period: int, training: Training
) -> AnomalyModel | None:
    end = int(call.now) // period * period
    buckets = Buckets(end - min(HISTORY, MOST_LEARNT * period) // period * period, end, period)
    by_unit = call.stores.metrics.read(
        call.tenant, [metric], buckets, distribution=statistic.is_extended, unit=unit
    )[metric]
    for summary in by_unit.values():
        history = statistic_of(summary, statistic)
        return train(history.timestamps, history.values, period, training)
    return None
