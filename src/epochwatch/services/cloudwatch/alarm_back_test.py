"""What an alarm would have done: its condition tried on what is stored."""

import re
from collections.abc import Mapping
from typing import Any, Final

from epochwatch.model.alarm.evaluation import Condition, Observation, Verdict, evaluate
from epochwatch.model.alarm.state import State
from epochwatch.services.call import Call
from epochwatch.services.cloudwatch.alarm_observations import (
    Watched,
    condition_of,
    is_uncertain,
    observe_metrics,
    observe_queries,
)
from epochwatch.services.cloudwatch.alarm_queries import watched_period
from epochwatch.services.cloudwatch.alarm_requests import metric_definition
from epochwatch.services.cloudwatch.promql_back_test import back_test_promql
from epochwatch.services.cloudwatch.replays import MOST_PERIODS, BackTest, Seen, Turn
from epochwatch.store.state.alarms import METRIC, Alarm

MOST_EVALUATIONS: Final = 200_000
"""Of a sweep, that decides how many settings it tries."""
FEWEST_SETTINGS, MOST_SETTINGS = 7, 41
BAND_WIDTHS: Final = (0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)
_WORST: Final = (State.ALARM, State.OK, State.INSUFFICIENT_DATA)
_WIDTH: Final = re.compile(r"(ANOMALY_DETECTION_BAND\s*\(\s*[^,()]+)(?:,\s*[0-9.]+\s*)?\)\s*\Z", re.IGNORECASE)


def back_test(call: Call, request: Mapping[str, Any], seconds: float) -> BackTest:
    """The alarm that ``request`` (the input of PutMetricAlarm) would make, over the ``seconds`` before the call. It is
    tried once a period; at work, an alarm with a longer period is evaluated each minute. Raises AwsError where the
    request cannot be.
    """
    definition = metric_definition(call, request)
    if "EvaluationCriteria" in definition:
        return back_test_promql(call, definition, seconds)
    watched = _observed(call, definition, seconds)
    condition = condition_of(definition)
    labels = watched.labels or [definition.get("MetricName", "")]
    turns = _turns(definition, watched, condition)
    shown = range(min(condition.reach, len(watched.windows)), len(watched.windows))
    series = [Seen(label, [one[at] for at in shown]) for label, one in zip(labels, watched.series, strict=True)]
    return BackTest(_period(call, definition), turns, [watched.windows[at].start for at in shown], series)


def sweep(call: Call, request: Mapping[str, Any], seconds: float) -> list[tuple[float, int]]:
    """Thresholds, or widths of the band, in ascending order, and how often the alarm would have gone off with each.
    Empty where the alarm has neither, or there is nothing to see. Raises AwsError as `back_test` does.
    """
    definition = metric_definition(call, request)
    if "EvaluationCriteria" in definition:
        return []
    if "ThresholdMetricId" in definition:
        wider = [(width, _with_width(definition, width)) for width in BAND_WIDTHS]
        return [(width, _alarms(one, _observed(call, one, seconds))) for width, one in wider if one is not None]
    watched = _observed(call, definition, seconds)
    settings = min(MOST_SETTINGS, MOST_EVALUATIONS // (len(watched.windows) * len(watched.series)))
    thresholds = _thresholds(watched, max(FEWEST_SETTINGS, settings))
    return [(one, _alarms({**definition, "Threshold": one}, watched)) for one in thresholds]


def _observed(call: Call, definition: Mapping[str, Any], seconds: float) -> Watched:
    count = min(int(seconds // _period(call, definition)), MOST_PERIODS) + condition_of(definition).reach
    alarm = _unkept(call, definition)
    if "Metrics" in definition:
        return observe_queries(call.stores, alarm, call.now, count)
    [watched] = observe_metrics(call.stores, [alarm], call.now, count)
    return watched


def _period(call: Call, definition: Mapping[str, Any]) -> int:
    period: int = definition.get("Period") or watched_period(call, definition)
    return period


def _alarms(definition: Mapping[str, Any], watched: Watched) -> int:
    return sum(turn.state is State.ALARM for turn in _turns(definition, watched, condition_of(definition)))


def _turns(definition: Mapping[str, Any], watched: Watched, condition: Condition) -> list[Turn]:
    turns: list[Turn] = []
    states = [State.INSUFFICIENT_DATA for _ in watched.series]
    for last in range(condition.reach, len(watched.windows) + 1):
        deciding: Verdict | None = None
        for number, series in enumerate(watched.series):
            if not is_uncertain(definition, series[last - condition.periods : last]):
                verdict = evaluate(condition, series[last - condition.reach : last], states[number])
                if verdict.state is State.ALARM and states[number] is not State.ALARM:
                    deciding = deciding or verdict
                states[number] = verdict.state
        worst = min(states, key=_WORST.index)
        if not turns or turns[-1].state is not worst:
            turns.append(Turn(watched.windows[last - 1].end, worst, _trigger(condition, deciding)))
    return turns


def _trigger(condition: Condition, verdict: Verdict | None) -> Observation | None:
    """The newest datapoint that breached; None where there was none: what is missing did."""
    considered = verdict.considered if verdict else ()
    return next((one for one in considered if condition.is_breached_by(one)), None)


def _thresholds(watched: Watched, count: int) -> list[float]:
    """Half of them spread over the values, half over how often there are such; and a bit beyond them at both ends."""
    values = sorted(one.value for series in watched.series for one in series if one is not None)
    if not values:
        return []
    low, high = values[0], values[-1]
    room = (high - low) * 0.05 or abs(high) * 0.05 or 1.0
    parts = max(count // 2, 2)
    even = [low - room + (high - low + 2 * room) * part / (parts - 1) for part in range(parts)]
    frequent = [values[(len(values) - 1) * part // (parts - 1)] for part in range(parts)]
    return sorted({float(f"{one:.4g}") for one in (*even, *frequent)})


def _with_width(definition: Mapping[str, Any], width: float) -> dict[str, Any] | None:
    """The alarm with a band of that many deviations; None where its band is written in a way that is not understood."""
    band = definition["ThresholdMetricId"]
    [expression] = [query["Expression"] for query in definition["Metrics"] if query["Id"] == band]
    written, found = _WIDTH.subn(rf"\g<1>, {width:g})", expression.strip())
    if not found:
        return None
    metrics = [query | ({"Expression": written} if query["Id"] == band else {}) for query in definition["Metrics"]]
    return {**definition, "Metrics": metrics}


def _unkept(call: Call, definition: Mapping[str, Any]) -> Alarm:
    """An alarm that is in no store."""
    return Alarm(
        call.tenant,
        "",
        METRIC,
        definition,
        actions_enabled=False,
        tags={},
        state=State.INSUFFICIENT_DATA,
        reason="",
        reason_data=None,
        progress={},
        created=call.now,
        configured=call.now,
        updated=call.now,
        transitioned=call.now,
        every=0,
        slot=0,
    )
