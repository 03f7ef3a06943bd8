"""From one state of an alarm to another: what its record, its history and its actions become."""

import json
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any, Final

import msgspec

from epochwatch.model.alarm import suppression
from epochwatch.model.alarm.notification import Transition, message
from epochwatch.model.alarm.state import State
from epochwatch.model.alarm.suppression import Hold, Suppressor
from epochwatch.store.state.alarm_history import STATE, Event
from epochwatch.store.state.alarms import COMPOSITE, Alarm, Change

ACTIONS: Final = {
    State.OK: "OKActions",
    State.ALARM: "AlarmActions",
    State.INSUFFICIENT_DATA: "InsufficientDataActions",
}
LONGEST_REASON: Final = 1023
LONGEST_DATA: Final = 4000
LONGEST_HISTORY: Final = 4095
HOLD: Final = "hold"
"""Under which name ``progress`` keeps what is held back by a suppressor."""
HELD: Final = "held"
"""And the message that is."""


def transition(
    alarm: Alarm,
    state: State,
    reason: str,
    data: str | None,
    now: float,
    *,
    suppressor: Suppressor | None = None,
    progress: Mapping[str, Any] | None = None,
) -> Change:
    """The alarm gets a state, with the reason and its data (JSON). Where that is the state it is in, no more than the
    reason changes. ``progress``: what its evaluation remembers from now on, where that changes.
    """
    reason, data = reason[:LONGEST_REASON], data if data is None else _fitting(data)
    remembered = dict(alarm.progress if progress is None else progress)
    after = replace(alarm, state=state, reason=reason, reason_data=data, updated=now, progress=remembered)
    if state is alarm.state:
        return Change(alarm, after)
    after = replace(after, transitioned=now)
    event = Event(now, STATE, f"Alarm updated from {alarm.state} to {state}", _history_data(alarm, after))
    actions = called_for(after)
    told = json.dumps(message(_told(alarm, after, now))) if actions or suppressor is not None else ""
    if suppressor is None:
        return Change(alarm, after, [event], [(action, told) for action in actions])
    hold = suppression.transition(_hold(alarm), suppressor, alarm.state, now)
    change = _released(replace(after, progress=remembered | {HELD: told}), hold)
    return replace(change, before=alarm, events=[event, *change.events])


def release(alarm: Alarm, suppressor: Suppressor, now: float) -> Change | None:
    """What becomes of the actions of a composite alarm that are held back; None where all stays as it is."""
    known = _hold(alarm)
    hold = suppression.advance(known, suppressor, now)
    return None if hold == known else _released(alarm, hold)


def suppressed(alarm: Alarm) -> dict[str, Any]:
    """The members that tell why a composite alarm's actions are held back; none where they are not."""
    hold = _hold(alarm)
    if hold.by is None or hold.acted is None:
        return {}
    return {"ActionsSuppressedBy": hold.by, "ActionsSuppressedReason": _REASONS[hold.by]}


_REASONS: Final = {
    suppression.BY_ALARM: "Actions suppressed by the suppressor alarm, which is in ALARM state",
    suppression.BY_WAIT: "Actions suppressed while the suppressor alarm is waited for",
    suppression.BY_EXTENSION: "Actions suppressed for a time after the suppressor alarm left ALARM state",
}


def called_for(alarm: Alarm) -> list[str]:
    """The actions of the state the alarm is in."""
    actions: list[str] = alarm.definition.get(ACTIONS[alarm.state], []) if alarm.actions_enabled else []
    return list(dict.fromkeys(actions))


def _released(alarm: Alarm, hold: Hold) -> Change:
    """The alarm with that hold; what was held back is performed where nothing holds any more, unless the alarm is
    where it was before.
    """
    progress = dict(alarm.progress)
    told: str = progress.get(HELD, "")
    free = hold.by is None and hold.acted is not None
    due = called_for(alarm) if free and told and hold.acted is not alarm.state else []
    if free:
        progress.pop(HELD, None)
        hold = Hold()
    progress[HOLD] = [hold.by, hold.until, hold.acted]
    return Change(alarm, replace(alarm, progress=progress), [], [(action, told) for action in due])


def _hold(alarm: Alarm) -> Hold:
    by, until, acted = alarm.progress.get(HOLD) or (None, None, None)
    return Hold(by, until, None if acted is None else State(acted))


def _history_data(before: Alarm, after: Alarm) -> str:
    """As CloudWatch writes it; without the states' data where it would be too long."""
    for with_data in (True, False):
        told = {"version": "1.0"}
        states = {"oldState": _state(before, with_data), "newState": _state(after, with_data)}
        text = json.dumps(told | states, separators=(",", ":"))
        if len(text) <= LONGEST_HISTORY:
            break
    return text


def states_told(data: str) -> tuple[State, State]:
    """From which state an alarm went to which, by the data of an event of its history."""
    told = msgspec.json.decode(data, type=_Told)
    return State(told.old_state.value), State(told.new_state.value)


class _ToldState(msgspec.Struct):
    value: str = msgspec.field(name="stateValue")


class _Told(msgspec.Struct, rename="camel"):
    old_state: _ToldState
    new_state: _ToldState


def _state(alarm: Alarm, with_data: bool) -> dict[str, Any]:
    told: dict[str, Any] = {"stateValue": alarm.state, "stateReason": alarm.reason}
    if with_data and alarm.reason_data is not None:
        told["stateReasonData"] = json.loads(alarm.reason_data)
    return told


def _told(before: Alarm, after: Alarm, now: float) -> Transition:
    data = json.loads(after.reason_data or "{}")
    return Transition(
        name=after.name,
        arn=after.arn,
        account=after.tenant.account,
        region=region_name(after.tenant.region),
        definition=after.definition,
        configured=after.configured,
        tags=after.tags,
        old=before.state,
        new=after.state,
        reason=after.reason,
        at=now,
        triggers=data.get("triggeringAlarms", ()) if after.kind == COMPOSITE and isinstance(data, dict) else (),
    )


@cache
def region_name(region: str) -> str:
    """The full name of a region; itself where it has none."""
    from botocore.loaders import Loader

    for partition in Loader().load_data("endpoints")["partitions"]:
        if region in partition["regions"]:
            return str(partition["regions"][region]["description"])
    return region


def _fitting(data: str) -> str | None:
    """StateReasonData has room for so much; of the datapoints looked at, the oldest are left out."""
    if len(data) <= LONGEST_DATA:
        return data
    parsed = json.loads(data)
    while isinstance(parsed, dict) and any(isinstance(value, list) and value for value in parsed.values()):
        for name in ("evaluatedDatapoints", "recentDatapoints", "triggeringAlarms"):
            if parsed.get(name):
                kept = parsed[name]
                parsed[name] = (
                    kept[: len(kept) // 2] if name != "recentDatapoints" else kept[(len(kept) + 1) // 2 :]
                )
        for name in ("recentLowerThresholds", "recentUpperThresholds"):
            if parsed.get(name):
                parsed[name] = parsed[name][(len(parsed[name]) + 1) // 2 :]
        text = json.dumps(parsed, separators=(",", ":"))
        if len(text) <= LONGEST_DATA:
            return text
    return None
