"""OTLP metrics as datapoints."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from epochwatch.model.metric import NO_UNIT, StatisticSet
from epochwatch.model.promql.labels import BUCKET
from epochwatch.model.promql.numbers import decimal
from epochwatch.prometheus.intake import Intake

RESOURCE_ATTRIBUTES = frozenset({
    "container.name",
    "deployment.environment",
    "deployment.environment.name",
    "host.name",
    "k8s.container.name",
    "k8s.namespace.name",
    "k8s.node.name",
    "k8s.pod.name",
    "service.instance.id",
    "service.name",
    "service.namespace",
})  # fmt: skip
"""Attributes of a resource that become dimensions; the others describe rather than tell apart."""

UNITS = {
    "s": "Seconds",
    "ms": "Milliseconds",
    "us": "Microseconds",
    "By": "Bytes",
    "kBy": "Kilobytes",
    "MBy": "Megabytes",
    "GBy": "Gigabytes",
    "TBy": "Terabytes",
    "bit": "Bits",
    "%": "Percent",
    "By/s": "Bytes/Second",
    "bit/s": "Bits/Second",
}
"""Units of OTLP (UCUM) that CloudWatch has; all others become None."""

_NOT_RECORDED = 1
_DELTA = 1
_PAST_DOUBLE = 1.5e308

Dimensions = tuple[tuple[str, str], ...]


def take(request: Any, intake: Intake) -> None:
    """Take the data points of an ExportMetricsServiceRequest into ``intake``."""
    for resource in request.resource_metrics:
        own = [one for one in resource.resource.attributes if one.key in RESOURCE_ATTRIBUTES]
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                _take_metric(metric, list(own), intake)


def _take_metric(metric: Any, resource: Sequence[Any], intake: Intake) -> None:
    kind = metric.WhichOneof("data")
    if kind is None:
        return
    data = getattr(metric, kind)
    unit = UNITS.get(metric.unit, NO_UNIT)
    delta = getattr(data, "aggregation_temporality", 0) == _DELTA
    for point in data.data_points:
        if point.flags & _NOT_RECORDED:
            continue
        target = _Target(intake, metric.name, _dimensions([*resource, *point.attributes]), unit, point)
        _TAKERS[kind](target, point, delta)


@dataclass(frozen=True, slots=True)
class _Target:
    """Where the values of one data point go."""

    intake: Intake
    name: str
    dimensions: Dimensions
    unit: str
    point: Any

    def value(
        self, value: float, *, suffix: str = "", label: tuple[str, str] | None = None, unit: str = ""
    ) -> None:
        """A value under the metric's name with ``suffix``, and one more dimension."""
        dimensions = (*self.dimensions, label) if label else self.dimensions
        metric = self.intake.metric(self.name + suffix, dimensions)
        if isinstance(metric, str):
            self.intake.drop(metric)
        else:
            self.intake.value(metric, self._milliseconds, value, unit or self.unit)

    def statistic_set(self, values: StatisticSet) -> None:
        """A statistic set under the metric's name."""
        metric = self.intake.metric(self.name, self.dimensions)
        if isinstance(metric, str):
            self.intake.drop(metric)
        else:
            self.intake.statistic_set(metric, self._milliseconds, values, self.unit)

    @property
    def _milliseconds(self) -> int:
        return int(self.point.time_unix_nano) // 1_000_000


def _number(target: _Target, point: Any, delta: bool) -> None:
    form = point.WhichOneof("value")
    if form is None:
        target.intake.drop("the data point has no value")
    else:
        target.value(float(getattr(point, form)))


def _histogram(target: _Target, point: Any, delta: bool) -> None:
    """Of one interval (delta): a statistic set. Since a start (cumulative): what Prometheus has, ``_count`` and
    ``_sum``. Either way the buckets, whose counts add up from below.
    """
    if len(point.bucket_counts) not in (0, len(point.explicit_bounds) + 1):
        target.intake.drop("the histogram has not one bucket more than bounds")
        return
    _count_and_sum(target, point, delta, list(_filled_explicit(point)))
    total = 0
    for bound, count in zip([*point.explicit_bounds, math.inf], point.bucket_counts, strict=False):
        total += count
        target.value(float(total), suffix="_bucket", label=(BUCKET, decimal(bound)), unit=NO_UNIT)


def _exponential_histogram(target: _Target, point: Any, delta: bool) -> None:
    _count_and_sum(target, point, delta, list(_filled_exponential(point)))


def _count_and_sum(target: _Target, point: Any, delta: bool, filled: Sequence[tuple[float, float]]) -> None:
    if not delta:
        target.value(float(point.count), suffix="_count", unit=NO_UNIT)
        if point.HasField("sum"):
            target.value(point.sum, suffix="_sum")
    elif point.count and point.HasField("sum"):
        mean = point.sum / point.count
        low = point.min if point.HasField("min") else min(_finite((low for low, _ in filled), mean))
        high = point.max if point.HasField("max") else max(_finite((high for _, high in filled), mean))
        target.statistic_set(StatisticSet(point.sum, float(point.count), min(low, mean), max(high, mean)))
    elif point.count:
        target.intake.drop("the histogram has no sum")


def _finite(bounds: Iterable[float], mean: float) -> list[float]:
    """Bounds that are numbers; where there is none the mean is all that is known."""
    return [bound for bound in bounds if math.isfinite(bound)] or [mean]


def _filled_explicit(point: Any) -> Iterator[tuple[float, float]]:
    """The bounds of each bucket that has values."""
    bounds = [-math.inf, *point.explicit_bounds, math.inf]
    for low, high, count in zip(bounds, bounds[1:], point.bucket_counts, strict=False):
        if count:
            yield low, high


def _filled_exponential(point: Any) -> Iterator[tuple[float, float]]:
    if point.zero_count:
        yield -point.zero_threshold, point.zero_threshold
    for sign, side in ((1.0, point.positive), (-1.0, point.negative)):
        for place, count in enumerate(side.bucket_counts, side.offset):
            if count:
                bounds = sign * _power(place, point.scale), sign * _power(place + 1, point.scale)
                yield min(bounds), max(bounds)


def _power(place: int, scale: int) -> float:
    """The lower bound of an exponential bucket."""
    exponent = math.ldexp(place, -scale) if abs(scale) < 100 else 0.0
    return 2.0**exponent if -1074 <= exponent < 1024 else (0.0 if exponent < 0 else _PAST_DOUBLE)


def _summary(target: _Target, point: Any, delta: bool) -> None:
    target.value(float(point.count), suffix="_count", unit=NO_UNIT)
    target.value(point.sum, suffix="_sum")
    for one in point.quantile_values:
        target.value(one.value, label=("quantile", decimal(one.quantile)))


_TAKERS = {
    "gauge": _number,
    "sum": _number,
    "histogram": _histogram,
    "exponential_histogram": _exponential_histogram,
    "summary": _summary,
}


def _dimensions(attributes: Iterable[Any]) -> Dimensions:
    """Attributes as texts; of several with one key the last counts."""
    return tuple({one.key: text for one in attributes if (text := _text(_plain(one.value)))}.items())


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else msgspec.json.encode(value).decode()


def _plain(value: Any) -> Any:
    match value.WhichOneof("value"):
        case None:
            return None
        case "array_value":
            return [_plain(one) for one in value.array_value.values]
        case "kvlist_value":
            return {one.key: _plain(one.value) for one in value.kvlist_value.values}
        case form:
            return getattr(value, form)
