"""What a composite alarm would have done, by what its children did."""

from collections.abc import Mapping
from typing import Any, Final

from epochwatch.model.alarm import composite
from epochwatch.model.alarm.state import State
from epochwatch.services.call import Call
from epochwatch.services.cloudwatch.alarm_requests import composite_definition
from epochwatch.services.cloudwatch.alarm_transitions import states_told
from epochwatch.services.cloudwatch.alarms import name_of
from epochwatch.services.cloudwatch.replays import BackTest, Turn
from epochwatch.store.state.alarm_history import STATE
from epochwatch.store.state.alarms import COMPOSITE, METRIC

MOST_TURNS: Final = 5_000
"""Of one child: its newest."""


def back_test_composite(call: Call, request: Mapping[str, Any], seconds: float) -> BackTest:
    """The alarm that ``request`` (the input of PutCompositeAlarm) would make, over the ``seconds`` before the call: its
    rule by the states that its children's history tells. Actions' suppression is not replayed. Raises AwsError where
    the request cannot be.
    """
    definition = composite_definition(call, request)
    rule = composite.parse(definition["AlarmRule"])
    start = call.now - seconds
    named = {one: name_of(call.tenant, one) for one in rule.alarms}
    children = _children(call, sorted(set(named.values())), start)
    states = {one: children[name][0].state for one, name in named.items() if children[name]}
    turns = [Turn(start, _state(rule, states))]
    changes = sorted(((turn.time, name, turn.state) for name, own in children.items() for turn in own[1:]))
    for time, name, state in changes:
        states |= {one: state for one, its in named.items() if its == name}
        now = _state(rule, states)
        if now is not turns[-1].state:
            turns.append(Turn(time, now, cause=name))
    return BackTest(0, turns, children=children)


def _children(call: Call, names: list[str], start: float) -> dict[str, list[Turn]]:
    """The states of alarms from ``start`` to the call's moment, each first in which it was then; nothing of one that is
    not there.
    """
    known = call.stores.state.alarms.named(call.tenant, names)
    found: dict[str, list[Turn]] = {name: [] for name in names}
    for name, alarm in known.items():
        events = call.stores.state.alarms.history.list(
            call.tenant, kinds=[METRIC, COMPOSITE], alarm=name, type=STATE, start=start, limit=MOST_TURNS
        )
        told = [(item.event.at, *states_told(item.event.data)) for item in reversed(events)]
        first = told[0][1] if told else alarm.state
        turns = [Turn(start, first), *(Turn(at, after) for at, _, after in told)]
        found[name] = [turn for turn in turns if turn.time <= call.now]
    return found


def _state(rule: composite.Rule, states: Mapping[str, State]) -> State:
    return State.ALARM if rule.holds(states) else State.OK
