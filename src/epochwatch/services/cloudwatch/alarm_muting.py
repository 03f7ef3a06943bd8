"""Mutes alarms: actions that a rule mutes are kept, and performed when it ends if the alarm is still in its state."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from epochwatch.model.alarm.mute import Status, schedule_of, status
from epochwatch.model.tenant import Tenant
from epochwatch.store.state.alarm_history import ACTION, Event
from epochwatch.store.state.alarms import Alarm, Change
from epochwatch.store.state.resources import Resource
from epochwatch.store.stores import Stores

MUTE_RULE: Final = "alarm-mute-rule"
"""The kind of resource that mute rules are."""
MUTED: Final = "muted"
"""Under which name ``progress`` keeps what is muted: ``before``, the state before the transitions that are muted, and
``actions``, (ARN, message) pairs.
"""


def targets_of(rule: Resource | None) -> list[str]:
    """The names of the alarms that a rule mutes."""
    return [] if rule is None else list(rule.record.get("MuteTargets", {}).get("AlarmNames", ()))


def status_of(rule: Resource, now: float) -> Status:
    """What a rule does now."""
    record = rule.record
    schedule = schedule_of(record["Rule"]["Schedule"])
    return status(schedule, now, record.get("StartDate"), record.get("ExpireDate"))


def muted(stores: Stores, changes: Sequence[Change], now: float) -> list[Change]:
    """The changes, with those actions kept back that a rule mutes now."""
    tenants = {change.after.tenant for change in changes if change.actions}
    muting = {tenant: _muting(stores, tenant, now) for tenant in tenants}
    return [_muted(change, muting.get(change.after.tenant, {}).get(change.after.name), now) for change in changes]


def release(stores: Stores, tenant: Tenant, names: Collection[str], now: float) -> None:
    """Perform what is kept back of alarms that no rule mutes any more."""
    if not names:
        return
    muting = _muting(stores, tenant, now)
    for name, alarm in stores.state.alarms.named(tenant, names).items():
        if MUTED in alarm.progress and name not in muting:
            stores.state.alarms.change(tenant, name, _released)


def _muting(stores: Stores, tenant: Tenant, now: float) -> dict[str, str]:
    """The names of the alarms that are muted now, and the rule that does it."""
    rules, _ = stores.state.resources.list(tenant, MUTE_RULE, sort="name")
    return {
        name: rule.name for rule in rules if status_of(rule, now) is Status.ACTIVE for name in targets_of(rule)
    }


def _muted(change: Change, rule: str | None, now: float) -> Change:
    known: Mapping[str, Any] | None = change.before.progress.get(MUTED)
    moved = change.after.state is not change.before.state
    if known is None and (rule is None or not change.actions):
        return change
    progress = dict(change.after.progress)
    if moved or change.actions:
        progress.pop(MUTED, None)
    if rule is None or not change.actions:
        return replace(change, after=replace(change.after, progress=progress))
    before = known["before"] if known is not None else change.before.state if moved else None
    if before != change.after.state:  # back where it was, there is nothing to tell
        progress[MUTED] = {"before": before, "actions": list(change.actions)}
    events = [*change.events, *(_event(arn, rule, now) for arn, _ in change.actions)]
    return Change(change.before, replace(change.after, progress=progress), events)


def _released(alarm: Alarm) -> Change:
    progress = dict(alarm.progress)
    kept = progress.pop(MUTED, {"actions": []})
    actions = [
        (arn, json.dumps(json.loads(message) | {"ActionExecutedAfterMuteWindow": True}))
        for arn, message in kept["actions"]
        if alarm.actions_enabled
    ]
    return Change(alarm, replace(alarm, progress=progress), [], actions)


def _event(arn: str, rule: str, now: float) -> Event:
    told = {"version": "1.0", "actionState": "Muted", "notificationResource": arn, "alarmMuteRule": rule}
    return Event(now, ACTION, f"Muted action {arn}", json.dumps(told, separators=(",", ":")))
