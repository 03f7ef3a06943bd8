"""What alarms on metrics see: one observation, or none, for each period they look at."""

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from epochwatch.model.alarm import schedule
from epochwatch.model.alarm.evaluation import Condition, Missing, Observation, is_significant
from epochwatch.model.alarm.schedule import Window
from epochwatch.model.metric import MetricId
from epochwatch.model.periods import MINUTE
from epochwatch.model.statistics import Kind, Statistic, parse
from epochwatch.model.tenant import Tenant
from epochwatch.services.call import Call
from epochwatch.services.cloudwatch.alarm_queries import parsed, watched_period
from epochwatch.services.cloudwatch.evaluation import TOO_MANY, Answer, Evaluation
from epochwatch.services.cloudwatch.identity import metric_of
from epochwatch.services.cloudwatch.metric_reading import Found, Wanted, read_statistics
from epochwatch.store.state.alarms import Alarm
from epochwatch.store.stores import Stores

COUNT: Final = Statistic(Kind.SAMPLE_COUNT.value, Kind.SAMPLE_COUNT)
FEWEST_PERIODS: Final = 8
"""Alarms are read together where they look back as far, rounded up to this times a power of two."""


@dataclass(frozen=True, slots=True)
class Watched:
    """What an alarm looked at."""

    alarm: Alarm
    windows: Sequence[Window]
    series: Sequence[Sequence[Observation | None]]
    """For each series that is watched, what it was in each window; one unless a query returns several."""
    partial: bool = False
    """Not everything could be looked at."""
    labels: Sequence[str] = ()
    """What the series are called, where a query returns them."""


def condition_of(definition: Mapping[str, Any]) -> Condition:
    """When an alarm with a threshold or a band goes off."""
    periods = definition["EvaluationPeriods"]
    return Condition(
        definition["ComparisonOperator"],
        periods,
        definition.get("DatapointsToAlarm", periods),
        definition.get("Threshold"),
        Missing(definition.get("TreatMissingData", Missing.MISSING)),
    )


def call_of(stores: Stores, tenant: Tenant, now: float) -> Call:
    """A call by which the alarms of a tenant read."""
    return Call(tenant, stores, "alarms", now)


def observe_metrics(
    stores: Stores, alarms: Sequence[Alarm], now: float, periods: int | None = None
) -> list[Watched]:
    """Alarms on a single metric each, read by few queries; over the newest ``periods`` that are over, or as many as
    they look at.
    """
    views = [_View.of(alarm, now, periods) for alarm in alarms]
    groups: dict[tuple[Tenant, int, int], list[_Reading]] = defaultdict(list)
    for view in views:
        for reading in view.readings(stores, now):
            groups[view.alarm.tenant, reading.start, reading.end].append(reading)
    for (tenant, start, end), readings in groups.items():
        wanted = {one: None for reading in readings for one in (reading.wanted, reading.counted)}
        found = read_statistics(call_of(stores, tenant, now), wanted, start, end)
        for reading in readings:
            reading.take(found)
    return [Watched(view.alarm, view.windows, [view.observations]) for view in views]


def observe_queries(stores: Stores, alarm: Alarm, now: float, periods: int | None = None) -> Watched:
    """An alarm on metric math, a band or a Metrics Insights query. Raises AwsError where that cannot be computed."""
    call = call_of(stores, alarm.tenant, now)
    definition = alarm.definition
    windows = windows_of(definition, watched_period(call, definition), now, periods)
    queries = parsed(call, definition["Metrics"])
    parts = []
    partial = False
    for run in schedule.lengths(windows):
        evaluation = Evaluation(call, queries, run[0].start, run[-1].end)
        parts.append(evaluation.answers())
        partial |= TOO_MANY in evaluation.messages
    band = definition.get("ThresholdMetricId")
    named = _series(parts, band, windows)
    return Watched(alarm, windows, list(named.values()), partial, list(named))


def windows_of(definition: Mapping[str, Any], period: int, now: float, periods: int | None = None) -> list[Window]:
    """The periods that an alarm looks at, or so many, the oldest first."""
    count = periods or condition_of(definition).reach
    clock = definition.get("EvaluationWindow", {}).get("WallClockWindow")
    if clock is None:
        return schedule.sliding(period, count, now)
    return schedule.by_the_clock(period, count, now, schedule.parse_timezone(clock.get("Timezone")))


@dataclass(slots=True)
class _View:
    """An alarm on one metric, and what it sees."""

    alarm: Alarm
    windows: Sequence[Window]
    observations: list[Observation | None]

    @classmethod
    def of(cls, alarm: Alarm, now: float, periods: int | None) -> "_View":
        windows = windows_of(alarm.definition, alarm.definition["Period"], now, periods)
        return cls(alarm, windows, [None] * len(windows))

    def readings(self, stores: Stores, now: float) -> "Iterator[_Reading]":
        definition = self.alarm.definition
        metric = _metric(
            definition["Namespace"],
            definition["MetricName"],
            tuple((one["Name"], one["Value"]) for one in definition.get("Dimensions") or ()),
        )
        statistic = parse(definition.get("Statistic") or definition["ExtendedStatistic"])
        first = 0
        for run in schedule.lengths(self.windows):
            length = run[0].end - run[0].start
            start = _rounded(run, length) if len(run) == len(self.windows) else run[0].start
            kept = stores.metrics.lifetimes(metric.namespace).second
            if length < MINUTE and kept is not None:  # what is older is not kept by so short periods
                start = max(start, run[-1].end - math.ceil(run[-1].end - now + kept - 1) // length * length)
            wanted = Wanted(metric, statistic, length, definition.get("Unit"))
            yield _Reading(self, first, run, start, run[-1].end, wanted, wanted._replace(statistic=COUNT))
            first += len(run)


@dataclass(frozen=True, slots=True)
class _Reading:
    """Windows of one length that an alarm sees, and by which reading."""

    view: _View
    first: int
    """Which of the view's windows is the first of these."""
    run: Sequence[Window]
    start: int
    end: int
    wanted: Wanted
    counted: Wanted

    def take(self, found: Mapping[Wanted, Found]) -> None:
        """Fill in what was found."""
        values, counts = (found[one].series for one in (self.wanted, self.counted))
        samples = dict(zip(counts.timestamps.tolist(), counts.values.tolist(), strict=True))
        known = dict(zip(values.timestamps.tolist(), values.values.tolist(), strict=True))
        for number, window in enumerate(self.run, self.first):
            value = known.get(window.start)
            if value is not None:
                self.view.observations[number] = Observation(
                    window.start, value, samples=samples.get(window.start)
                )


def is_uncertain(definition: Mapping[str, Any], newest: Sequence[Observation | None]) -> bool:
    """Whether a percentile is of too few values in one of its evaluation periods, and the alarm minds."""
    if definition.get("EvaluateLowSampleCountPercentile") != "ignore":
        return False
    statistic = parse(definition["ExtendedStatistic"])
    return any(one is not None and not is_significant(statistic, one.samples or 0) for one in newest)


def _rounded(run: Sequence[Window], length: int) -> int:
    """Where the reading of a run begins: earlier than it has to, so that more alarms are read together."""
    periods = FEWEST_PERIODS
    while periods < len(run):
        periods *= 2
    reach = periods * length
    return run[-1].end - (reach if reach <= schedule.WEEK else len(run) * length)


@lru_cache(maxsize=20_000)
def _metric(namespace: str, name: str, dimensions: tuple[tuple[str, str], ...]) -> MetricId:
    return metric_of(namespace, name, [{"Name": key, "Value": value} for key, value in dimensions], "Dimensions")


def _series(
    parts: Sequence[Sequence[Answer]], band: str | None, windows: Sequence[Window]
) -> dict[str, list[Observation | None]]:
    """The watched series of answers over successive spans of time, with the ends of their band, by their labels."""
    ends: tuple[dict[int, float], dict[int, float]] = ({}, {})
    watched: dict[str, dict[int, float]] = {}
    for answers in parts:
        for known, answer in zip(ends, [answer for answer in answers if answer.id == band], strict=False):
            known.update(_points(answer))
        for answer in answers:
            if answer.id != band:
                watched.setdefault(answer.label, {}).update(_points(answer))
    upper, lower = ends
    return {
        label: [
            Observation(at, values[at], lower.get(at), upper.get(at)) if at in values else None
            for at in (window.start for window in windows)
        ]
        for label, values in (watched or {"": {}}).items()
    }


def _points(answer: Answer) -> dict[int, float]:
    stamps, values = answer.series.timestamps, answer.series.values
    return {at: value for at, value in zip(stamps.tolist(), values.tolist(), strict=True) if math.isfinite(value)}
