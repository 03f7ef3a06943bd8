"""All alarms at once, what changed since, and which states they were in."""

import time
from typing import Any, Final

from epochwatch.console.requests import Asked
from epochwatch.model.alarm.mute import Status
from epochwatch.services.cloudwatch.alarm_descriptions import described
from epochwatch.services.cloudwatch.alarm_muting import MUTE_RULE, status_of, targets_of
from epochwatch.services.cloudwatch.alarm_transitions import states_told
from epochwatch.store.state.alarm_history import ACTION, CONFIGURATION, STATE
from epochwatch.store.state.alarms import COMPOSITE, METRIC, Alarm
from epochwatch.store.stores import Stores

KINDS: Final = (METRIC, COMPOSITE)
MOST_TURNS: Final = 20_000
DAY: Final = 86_400


def listed_alarms(stores: Stores, asked: Asked) -> dict[str, Any]:
    """The answer to ``/alarms``: every alarm as DescribeAlarms has it, with its tags; with ``since``, the ``newest`` of
    an answer before, those that changed after it, and the names of those that are ``gone``.
    """
    alarms, since = stores.state.alarms, asked.whole("since", -1, 0, 10**11) if asked.text("since") else None
    newest = alarms.history.newest()
    if since is None:
        found, gone = list(alarms.list(asked.tenant, kinds=KINDS)), []
    else:
        items = alarms.history.since(since, [CONFIGURATION, STATE, ACTION])
        newest = max([newest, *(item.id for item in items)])
        names = {item.alarm for item in items if item.tenant == asked.tenant}
        known = alarms.named(asked.tenant, names)
        found, gone = list(known.values()), sorted(names - known.keys())
    return {
        "alarms": [_listed(alarm) for alarm in found],
        "gone": gone,
        "newest": newest,
        "muted": _muted(stores, asked),
    }


def alarm_states(stores: Stores, asked: Asked) -> dict[str, Any]:
    """The answer to ``/alarms/states``: for each alarm whose state changed between ``from`` and ``to`` (Unix seconds),
    the state in which it was then, or when it was made, and those to which it went, with their times. Where there are
    too many, the answer's ``from`` is later.
    """
    now = time.time()
    start, end = asked.real("from", now - DAY, 0), asked.real("to", now, 0)
    items = stores.state.alarms.history.list(
        asked.tenant, kinds=KINDS, type=STATE, start=start, end=end, limit=MOST_TURNS
    )
    if len(items) == MOST_TURNS:
        start = items[-1].event.at
    known = stores.state.alarms.named(asked.tenant, {item.alarm for item in items})
    states: dict[str, list[tuple[float, str]]] = {}
    for item in reversed(items):
        alarm = known.get(item.alarm)
        if alarm is None or item.event.at < alarm.created:  # one that had the name before
            continue
        before, after = states_told(item.event.data)
        turns = states.setdefault(item.alarm, [(max(start, alarm.created), before.value)])
        turns.append((item.event.at, after.value))
    return {"from": start, "to": end, "states": states}


def _listed(alarm: Alarm) -> dict[str, Any]:
    told = described(alarm) | {"tags": alarm.tags, "created": alarm.created}
    told.pop("StateReasonData", None)
    return told


def _muted(stores: Stores, asked: Asked) -> dict[str, str]:
    """The mute rule that is at work now, by the alarm that it mutes."""
    now = time.time()
    rules, _ = stores.state.resources.list(asked.tenant, MUTE_RULE, sort="name", descending=False)
    active = [rule for rule in rules if status_of(rule, now) is Status.ACTIVE]
    return {name: rule.name for rule in active for name in targets_of(rule)}
