"""Labels of time series: dynamic parts such as ``${LAST}`` or ``${PROP('Dim.Host')}``, and what the series of an
expression that gives several are called.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np

from epochwatch.model.metric import MetricId
from epochwatch.model.metric_math import TimeSeries

MOST_DYNAMIC: Final = 6
"""The most dynamic values in a label, ``${LABEL}`` apart."""

NO_VALUE: Final = "--"
"""What stands for a value of a series without points, and for a property that a series has not."""


class InvalidLabel(ValueError):
    """A label with a dynamic part that does not exist, or a time zone that is none; the message says which."""


class _Points(NamedTuple):
    """What a dynamic value is made of: the series (with points), the time now and the zone to show times in."""

    series: TimeSeries
    now: float
    zone: timezone

    def value(self, place: int) -> float:
        return float(self.series.values[place])

    def time(self, place: int) -> int:
        return int(self.series.timestamps[place])

    @property
    def lowest(self) -> int:
        return int(np.argmin(self.series.values))

    @property
    def highest(self) -> int:
        return int(np.argmax(self.series.values))

    def moment(self, place: int) -> str:
        return _moment(self.time(place), self.zone)

    def ago(self, place: int) -> str:
        return _duration(abs(self.now - self.time(place)))

    def range(self, one: int, other: int) -> str:
        first, last = sorted((one, other))
        return f"{self.moment(first)} - {self.moment(last)}"


_VALUES: Final[dict[str, Callable[[_Points], str]]] = {
    "AVG": lambda points: _number(float(np.mean(points.series.values))),
    "DATAPOINT_COUNT": lambda points: str(len(points.series)),
    "FIRST": lambda points: _number(points.value(0)),
    "FIRST_LAST_RANGE": lambda points: _number(points.value(-1) - points.value(0)),
    "FIRST_LAST_TIME_RANGE": lambda points: points.range(0, len(points.series) - 1),
    "FIRST_TIME": lambda points: points.moment(0),
    "FIRST_TIME_RELATIVE": lambda points: points.ago(0),
    "LAST": lambda points: _number(points.value(-1)),
    "LAST_TIME": lambda points: points.moment(-1),
    "LAST_TIME_RELATIVE": lambda points: points.ago(-1),
    "MAX": lambda points: _number(points.value(points.highest)),
    "MAX_TIME": lambda points: points.moment(points.highest),
    "MAX_TIME_RELATIVE": lambda points: points.ago(points.highest),
    "MIN": lambda points: _number(points.value(points.lowest)),
    "MIN_MAX_RANGE": lambda points: _number(points.value(points.highest) - points.value(points.lowest)),
    "MIN_MAX_TIME_RANGE": lambda points: points.range(points.lowest, points.highest),
    "MIN_TIME": lambda points: points.moment(points.lowest),
    "MIN_TIME_RELATIVE": lambda points: points.ago(points.lowest),
    "SUM": lambda points: _number(float(np.sum(points.series.values))),
}
DYNAMIC_VALUES: Final = frozenset({"LABEL", *_VALUES})
"""What may stand in ``${...}``."""

PROPERTIES: Final = frozenset({"AccountId", "AccountLabel", "MetricName", "Namespace", "Period", "Region", "Stat"})
"""What may stand in ``${PROP('...')}``, besides ``Dim.`` and the name of a dimension."""

_PART: Final = re.compile(r"\$\{(?:([A-Z_]+)|PROP\('([^']+)'\))\}")


class _Part(NamedTuple):
    """A piece of a label: text as it is, the name of a dynamic value, or that of a property."""

    text: str | None = None
    value: str | None = None
    property: str | None = None


def check(label: str) -> None:
    """Raises InvalidLabel for a dynamic part that does not exist, more than six of them, or a second
    ``${LABEL}``.
    """
    _parts(label)


def render(
    label: str,
    default: str,
    series: TimeSeries,
    properties: Mapping[str, str],
    timezone: str | None,
    *,
    now: float,
) -> str:
    """The label with its dynamic parts filled in. Raises InvalidLabel.

    ``default`` is what ``${LABEL}`` stands for; ``properties`` are the ones of ``properties_of``. ``timezone`` is
    LabelOptions.Timezone (``+0130``), UTC if None; ``now``, in Unix seconds, is what relative times count from.
    """
    zone = parse_timezone(timezone)
    points = _Points(series, now, zone) if len(series) else None
    with np.errstate(over="ignore"):
        return "".join(_filled(part, default, points, properties) for part in _parts(label))


def properties_of(series: TimeSeries, *, account_id: str, region: str) -> dict[str, str]:
    """What ``${PROP('...')}`` can say about a series. One that was computed has no metric and no statistic."""
    properties = {
        "AccountId": account_id,
        "AccountLabel": account_id,
        "Region": region,
        "Period": str(series.period),
    }
    if series.statistic is not None:
        properties["Stat"] = series.statistic
    if series.metric is not None:
        properties |= {"MetricName": series.metric.name, "Namespace": series.metric.namespace}
        properties |= {f"Dim.{name}": value for name, value in series.metric.dimensions}
    return properties


def series_labels(
    label: str | None,
    series: Sequence[TimeSeries],
    *,
    account_id: str,
    region: str,
    timezone: str | None,
    now: float,
) -> list[str]:
    """What to call the series of an expression that gives several, in their order. Raises InvalidLabel.

    ``label`` is the expression's own. Without one, or with an empty one, each is called as by itself; a label
    with dynamic parts is rendered for each; any other stands before the name of each.
    """
    defaults = default_labels(series)
    if not label:
        return defaults
    if not any(part.text is None for part in _parts(label)):
        return [f"{label} {default}" for default in defaults]
    return [
        render(
            label,
            default,
            one,
            properties_of(one, account_id=account_id, region=region),
            timezone,
            now=now,
        )
        for one, default in zip(series, defaults, strict=True)
    ]


def default_labels(series: Sequence[TimeSeries]) -> list[str]:
    """What each series is called by itself: its own label, else what tells its metric from the others without
    one.

    That is the metric name where it differs and the values of those dimensions that differ, then namespace and
    statistic if need be; the metric name if nothing differs.
    """
    unlabelled = [one for one in series if not one.label and one.metric is not None]
    found = [_aspects(one.metric, one.statistic) for one in unlabelled if one.metric is not None]
    names = list(dict.fromkeys(name for aspects in found for name in aspects))
    telling = [name for name in names if len({aspects.get(name) for aspects in found}) > 1]
    wanted = [name for name in telling if name not in _LAST_RESORT]
    if len({tuple(aspects.get(name) for name in wanted) for aspects in found}) < len(found):
        wanted = telling
    labels = iter([_joined(aspects, wanted) for aspects in found])
    return [one.label if one.label or one.metric is None else next(labels) for one in series]


_NAME: Final = "metric name"
_LAST_RESORT: Final = ("namespace", "statistic")


def _aspects(metric: MetricId, statistic: str | None) -> dict[str, str]:
    dimensions = {f"dimension {name}": value for name, value in metric.dimensions}
    return {_NAME: metric.name, **dimensions, "namespace": metric.namespace, "statistic": statistic or ""}


def _joined(aspects: dict[str, str], wanted: list[str]) -> str:
    return " ".join(aspects[name] for name in wanted if aspects.get(name)) or aspects[_NAME]


@lru_cache(maxsize=512)
def _parts(label: str) -> tuple[_Part, ...]:
    parts: list[_Part] = []
    position = 0
    while (start := label.find("${", position)) >= 0:
        match = _PART.match(label, start)
        if match is None:
            raise InvalidLabel(f"'{label[start : start + 30]}' is no dynamic part of a label")
        parts += [_Part(text=label[position:start]), _dynamic(match)]
        position = match.end()
    parts.append(_Part(text=label[position:]))
    names = [part.value or part.property for part in parts if part.text is None]
    if names.count("LABEL") > 1:
        raise InvalidLabel("${LABEL} may stand in a label only once")
    if len(names) - names.count("LABEL") > MOST_DYNAMIC:
        raise InvalidLabel(f"a label may hold {MOST_DYNAMIC} dynamic values at most")
    return tuple(parts)


def _dynamic(match: re.Match[str]) -> _Part:
    value, name = match.groups()
    if value is not None and value not in DYNAMIC_VALUES:
        raise InvalidLabel(f"${{{value}}} is no dynamic part of a label; it can be LABEL, {', '.join(_VALUES)}")
    if name is not None and name not in PROPERTIES and not name.startswith("Dim."):
        known = ", ".join(sorted(PROPERTIES))
        raise InvalidLabel(f"there is no property '{name}'; it can be Dim.<dimension name>, {known}")
    return _Part(value=value, property=name)


def _filled(part: _Part, default: str, points: _Points | None, properties: Mapping[str, str]) -> str:
    if part.text is not None:
        return part.text
    if part.property is not None:
        return properties.get(part.property, NO_VALUE)
    if part.value == "LABEL":
        return default
    if points is None:
        return "0" if part.value == "DATAPOINT_COUNT" else NO_VALUE
    return _VALUES[part.value or ""](points)


@lru_cache(maxsize=64)
def parse_timezone(text: str | None) -> timezone:
    """The zone ``+HHMM`` or ``-HHMM``, UTC for None. Raises InvalidLabel."""
    if text is None:
        return UTC
    match = re.fullmatch(r"([+-])(\d\d)([0-5]\d)", text, re.ASCII)
    if match is None or int(match[2]) > 23:
        raise InvalidLabel(f"'{text}' is no time zone: it must be + or - and four digits, hours and minutes")
    offset = timedelta(hours=int(match[2]), minutes=int(match[3]))
    return timezone(offset if match[1] == "+" else -offset)


def _number(value: float) -> str:
    """Whole numbers whole, others to six digits, or to the whole number where that has more."""
    if not np.isfinite(value):
        return NO_VALUE
    if abs(value) < 1e15 and (value.is_integer() or abs(value) >= 1e6):
        return f"{value + 0.0:.0f}"  # adding 0 makes minus zero zero
    return f"{value:.6g}"


def _moment(timestamp: int, zone: timezone) -> str:
    return f"{datetime.fromtimestamp(timestamp, zone):%Y-%m-%d %H:%M:%S} {zone.tzname(None)}"


def _duration(seconds: float) -> str:
    """The two largest units: ``3d 4h``, ``5m 20s``."""
    whole = int(seconds)
    amounts = (("d", whole // 86400), ("h", whole // 3600 % 24), ("m", whole // 60 % 60), ("s", whole % 60))
    first = next((place for place, (_, amount) in enumerate(amounts) if amount), len(amounts) - 1)
    shown = [f"{amount}{unit}" for unit, amount in amounts[first : first + 2] if amount]
    return " ".join(shown) or "0s"
