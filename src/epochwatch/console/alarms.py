"""Alarms tried before they are made: on past data, and rules as they are typed."""

import time
import uuid
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from epochwatch.console.requests import Asked, Refusal
from epochwatch.gateway.errors import validation_error
from epochwatch.gateway.models import operation_model
from epochwatch.gateway.shapes import WrongType, validate
from epochwatch.model.alarm import composite
from epochwatch.model.alarm.state import State
from epochwatch.model.aws_error import AwsError
from epochwatch.services.call import Call
from epochwatch.services.cloudwatch.alarm_back_test import back_test, sweep
from epochwatch.services.cloudwatch.alarms import name_of
from epochwatch.services.cloudwatch.composite_back_test import back_test_composite
from epochwatch.services.cloudwatch.replays import BackTest, Seen, Turn
from epochwatch.store.stores import Stores

LONGEST_SECONDS: Final = 63 * 86_400
LARGEST_ALARM: Final = 200_000
"""Characters of its JSON."""


def tried_alarm(stores: Stores, asked: Asked) -> dict[str, Any]:
    """The answer to ``/alarms/back-test``: what the ``alarm``, the input of PutMetricAlarm or PutCompositeAlarm in
    JSON, would have done over the ``seconds`` before ``end`` (Unix seconds; now). Raises Refusal.
    """
    call, request, seconds = _asked(stores, asked)
    try:
        if "AlarmRule" in request:
            found = back_test_composite(call, request, seconds)
        else:
            found = back_test(call, request, seconds)
    except AwsError as error:
        raise _refused(error) from error
    return {
        "from": call.now - seconds,
        "to": call.now,
        "period": found.period,
        "alarms": found.alarms,
        "turns": _turns(found.turns),
        "episodes": _episodes(found),
        "datapoints": sum(one is not None for series in found.series for one in series.observations),
        "times": found.times,
        "series": [_series(one) for one in found.series],
        "children": {name: _turns(turns) for name, turns in found.children.items()},
    }


def swept_alarm(stores: Stores, asked: Asked) -> dict[str, Any]:
    """The answer to ``/alarms/sweep``: how often that alarm would have gone off with other thresholds, or with other
    widths of its band. Raises Refusal.
    """
    call, request, seconds = _asked(stores, asked)
    try:
        found = [] if "AlarmRule" in request else sweep(call, request, seconds)
    except AwsError as error:
        raise _refused(error) from error
    return {"of": "width" if "ThresholdMetricId" in request else "threshold", "tried": found}


def checked_rule(stores: Stores, asked: Asked) -> dict[str, Any]:
    """The answer to ``/alarms/rule``: a composite alarm's ``rule`` (JSON text), its parts with whether they hold now,
    or what is wrong with it and where.
    """
    text = _decoded(asked.text("rule", most=LARGEST_ALARM), str)
    try:
        rule = composite.parse(text)
    except composite.InvalidRule as error:
        return {"error": str(error), "place": error.place}
    named = {one: name_of(asked.tenant, one) for one in rule.alarms}
    known = stores.state.alarms.named(asked.tenant, set(named.values()))
    states = {one: known[name].state for one, name in named.items() if name in known}
    return {
        "holds": rule.holds(states),
        "root": _node(rule.root, states, named),
        "absent": sorted(name for name in named.values() if name not in known),
    }


def _asked(stores: Stores, asked: Asked) -> tuple[Call, dict[str, Any], int]:
    now = time.time()
    end = asked.real("end", now, 0, now + 1)
    seconds = asked.whole("seconds", 86_400, 60, LONGEST_SECONDS)
    request = _decoded(asked.text("alarm", most=LARGEST_ALARM), dict[str, Any])
    try:
        return Call(asked.tenant, stores, uuid.uuid4().hex, end), _request(request), seconds
    except AwsError as error:
        raise _refused(error) from error


def _decoded(text: str, kind: Any) -> Any:
    try:
        return msgspec.json.decode(text, type=kind)
    except msgspec.DecodeError as error:
        raise Refusal(400, f"This cannot be an alarm: {error}", "It is the input of PutMetricAlarm.") from error


def _request(given: dict[str, Any]) -> dict[str, Any]:
    """The input of the operation that would make the alarm, of the right types. Raises Refusal and AwsError."""
    operation = operation_model("cloudwatch", "PutCompositeAlarm" if "AlarmRule" in given else "PutMetricAlarm")
    assert operation is not None
    try:
        values, problems = validate("cloudwatch", operation.input_shape, given)
    except WrongType as error:
        raise Refusal(400, f"This cannot be an alarm: {error}", "It is the input of PutMetricAlarm.") from error
    if problems:
        raise validation_error("cloudwatch", problems)
    return values


def _refused(error: AwsError) -> Refusal:
    return Refusal(400, f"This cannot be an alarm: {error}")


def _turns(turns: Sequence[Turn]) -> list[dict[str, Any]]:
    return [{"time": turn.time, "state": turn.state.value} for turn in turns]


def _episodes(found: BackTest) -> list[dict[str, Any]]:
    """The times in ALARM, the oldest first; ``to`` is null of one that goes on."""
    ends = [turn.time for turn in found.turns[1:]]
    return [
        {
            "from": turn.time,
            "to": ends[at] if at < len(ends) else None,
            "value": None if turn.trigger is None else turn.trigger.value,
            "at": None if turn.trigger is None else turn.trigger.timestamp,
            "cause": turn.cause,
        }
        for at, turn in enumerate(found.turns)
        if turn.state is State.ALARM
    ]


def _series(seen: Seen) -> dict[str, Any]:
    values = seen.observations
    told: dict[str, Any] = {"label": seen.label, "values": [None if one is None else one.value for one in values]}
    if any(one is not None and one.upper is not None for one in values):
        told["low"] = [None if one is None else one.lower for one in values]
        told["high"] = [None if one is None else one.upper for one in values]
    return told


def _node(node: composite.Node, states: dict[str, State], named: dict[str, str]) -> dict[str, Any]:
    told: dict[str, Any] = {"holds": node.holds(states)}
    match node:
        case composite.Reference():
            return told | {"wanted": node.state, "alarm": named[node.alarm], "state": states.get(node.alarm)}
        case composite.Constant():
            return told | {"constant": node.value}
    return told | {"operator": node.operator, "parts": [_node(part, states, named) for part in node.parts]}
