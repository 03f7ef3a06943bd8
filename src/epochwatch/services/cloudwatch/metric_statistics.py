"""Statistics of one metric over a range of time."""

from collections.abc import Sequence
from typing import Any, Final

from epochwatch.model import periods, statistics
from epochwatch.model.aggregation import Summary, statistic_of
from epochwatch.model.statistics import InvalidStatistic, Statistic
from epochwatch.services.call import Call
from epochwatch.services.cloudwatch.errors import invalid_combination, invalid_value, missing
from epochwatch.services.cloudwatch.identity import metric_of

MOST_DATAPOINTS: Final = 1440


def get_metric_statistics(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """GetMetricStatistics: a datapoint per bucket and unit, oldest first."""
    metric = metric_of(request["Namespace"], request["MetricName"], request.get("Dimensions") or [], "Dimensions")
    wanted = _statistics(request)
    start, end, period = request["StartTime"], request["EndTime"], request["Period"]
    _require_range(start, end, period)
    datapoints: list[dict[str, Any]] = []
    if period % call.stores.metrics.lifetimes(metric.namespace).finest(call.now - start) == 0:
        buckets = periods.buckets(start, end, period, call.now)
        ranked = any(statistic.is_extended for statistic in wanted)
        found = call.stores.metrics.read(
            call.tenant, [metric], buckets, distribution=ranked, unit=request.get("Unit")
        )
        for unit, summary in found[metric].items():
            datapoints += _datapoints(unit, summary, wanted)
    datapoints.sort(key=lambda point: (point["Timestamp"], point["Unit"]))
    return {"Label": request["MetricName"], "Datapoints": datapoints}


def _statistics(request: dict[str, Any]) -> list[Statistic]:
    basic, extended = request.get("Statistics"), request.get("ExtendedStatistics")
    if basic and extended:
        raise invalid_combination("Must specify either Statistics or ExtendedStatistics, but not both.")
    if not basic and not extended:
        raise missing("Must specify either Statistics or ExtendedStatistics.")
    if basic:
        return [statistics.parse(name) for name in basic]
    found = []
    for number, name in enumerate(extended or [], 1):
        try:
            statistic = statistics.parse(name)
        except InvalidStatistic:
            statistic = None
        if statistic is None or not statistic.is_extended:
            raise invalid_value(f"The value {name} for parameter ExtendedStatistics.member.{number} is invalid.")
        found.append(statistic)
    return found


def _require_range(start: float, end: float, period: int) -> None:
    if start >= end:
        raise invalid_value("The parameter StartTime must be less than the parameter EndTime.")
    if not periods.is_valid(period):
        raise invalid_value(
            f"The value {period} for parameter Period is invalid. It must be 1, 5, 10, 20, 30 or a multiple of 60, "
            f"and at most {periods.LONGEST_PERIOD}."
        )
    count = periods.datapoint_count(start, end, period)
    if count > MOST_DATAPOINTS:
        raise invalid_combination(
            f"You have requested up to {count} datapoints, which exceeds the limit of {MOST_DATAPOINTS}. You may "
            "reduce the datapoints requested by increasing Period, or decreasing the time range."
        )


def _datapoints(unit: str, summary: Summary, wanted: Sequence[Statistic]) -> list[dict[str, Any]]:
    found: dict[int, dict[str, Any]] = {}
    for statistic in wanted:
        series = statistic_of(summary, statistic)
        for timestamp, value in zip(series.timestamps.tolist(), series.values.tolist(), strict=True):
            point = found.setdefault(timestamp, {"Timestamp": float(timestamp), "Unit": unit})
            if statistic.is_extended:
                point.setdefault("ExtendedStatistics", {})[statistic.name] = value
            else:
                point[statistic.name] = value
    return list(found.values())
