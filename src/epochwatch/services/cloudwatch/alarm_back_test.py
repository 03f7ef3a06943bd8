"""What an alarm would have done: its condition tried on what is stored."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from epochwatch.model.alarm.evaluation import Observation, evaluate
from epochwatch.model.alarm.state import State
from epochwatch.services.call import Call
from epochwatch.services.cloudwatch.alarm_observations import (
    condition_of,
    is_uncertain,
    observe_metrics,
    observe_queries,
)
from epochwatch.services.cloudwatch.alarm_queries import watched_period
from epochwatch.services.cloudwatch.alarm_requests import metric_definition
from epochwatch.services.cloudwatch.errors import invalid_value
from epochwatch.store.state.alarms import METRIC, Alarm

MOST_PERIODS: Final = 10_000
_WORST: Final = (State.ALARM, State.OK, State.INSUFFICIENT_DATA)


@dataclass(frozen=True, slots=True)
class Turn:
    """A change of the state, at the end of a period (Unix seconds)."""

    time: int
    state: State


@dataclass(frozen=True, slots=True)
class BackTest:
    """What the alarm would have seen and been in."""

    period: int
    """Seconds."""
    turns: list[Turn]
    """From the first period on, before which there was too little data."""
    series: list[list[Observation]]
    """What there was of each series that is watched."""

    @property
    def alarms(self) -> int:
        """How often it would have gone off."""
        return sum(turn.state is State.ALARM for turn in self.turns)


def back_test(call: Call, request: Mapping[str, Any], seconds: float) -> BackTest:
    """The alarm that ``request`` (the input of PutMetricAlarm) would make, over the last ``seconds``. It is tried once
    a period; at work, an alarm with a longer period is evaluated each minute. Raises AwsError where the request cannot
    be, and for alarms on PromQL, whose contributors are not replayed.
    """
    definition = metric_definition(call, request)
    if "EvaluationCriteria" in definition:
        raise invalid_value("Alarms on PromQL cannot be tried on past data.")
    period = definition.get("Period") or watched_period(call, definition)
    condition = condition_of(definition)
    count = min(int(seconds // period), MOST_PERIODS) + condition.reach
    alarm = _unkept(call, definition)
    if "Metrics" in definition:
        watched = observe_queries(call.stores, alarm, call.now, count)
    else:
        [watched] = observe_metrics(call.stores, [alarm], call.now, count)
    turns: list[Turn] = []
    states = [State.INSUFFICIENT_DATA for _ in watched.series]
    for last in range(condition.reach, len(watched.windows) + 1):
        for number, series in enumerate(watched.series):
            if not is_uncertain(definition, series[last - condition.periods : last]):
                seen = series[last - condition.reach : last]
                states[number] = evaluate(condition, seen, states[number]).state
        worst = min(states, key=_WORST.index)
        if not turns or turns[-1].state is not worst:
            turns.append(Turn(watched.windows[last - 1].end, worst))
    shown = [[one for one in series[condition.reach :] if one is not None] for series in watched.series]
    return BackTest(period, turns, shown)


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
