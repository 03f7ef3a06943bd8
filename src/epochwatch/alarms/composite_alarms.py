"""Evaluates composite alarms by the states of the alarms they refer to."""

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime

from epochwatch.model.alarm import composite
from epochwatch.model.alarm.ordering import evaluation_order
from epochwatch.model.alarm.reasons import timestamp
from epochwatch.model.alarm.state import State
from epochwatch.model.tenant import Tenant
from epochwatch.services.cloudwatch.alarm_transitions import release, transition
from epochwatch.services.cloudwatch.alarms import children_of, name_of, referred_by, suppressor_in
from epochwatch.store.state.alarms import COMPOSITE, Alarm, Change
from epochwatch.store.stores import Stores


def evaluate_composite_alarms(
    stores: Stores, tenant: Tenant, changed: Collection[str] | None, now: float
) -> list[Change]:
    """The changes of those of a tenant's composite alarms that changed alarms, by name, concern, and of those with a
    suppressor; of all where ``changed`` is None. They are in an order in which they can be made.
    """
    composites = {one.name: one for one in stores.state.alarms.list(tenant, kinds=[COMPOSITE])}
    concerned = _concerned(composites, changed)
    referred = {name for alarm in concerned for name in referred_by(composites[alarm])}
    known = stores.state.alarms.named(tenant, referred - composites.keys()) | composites
    changes = []
    for name in concerned:
        change = _judged(known[name], known, now)
        if change is not None:
            changes.append(change)
            known[name] = change.after
    return changes


def _concerned(composites: Mapping[str, Alarm], changed: Collection[str] | None) -> list[str]:
    """Which are to be evaluated: those before that others refer to."""
    children = {name: children_of(alarm) for name, alarm in composites.items()}
    reached = set(changed or ())
    concerned = []
    for name in evaluation_order(children):
        held = "ActionsSuppressor" in composites[name].definition
        if changed is None or held or name in reached or not reached.isdisjoint(children[name]):
            reached.add(name)
            concerned.append(name)
    return concerned


def _judged(alarm: Alarm, known: Mapping[str, Alarm], now: float) -> Change | None:
    """The alarm's change by the states of those it refers to; None where all stays as it is."""
    suppressor = suppressor_in(alarm, known)
    rule = composite.parse(alarm.definition["AlarmRule"])
    states = {one: known[name].state for one in rule.alarms if (name := name_of(alarm.tenant, one)) in known}
    state = State.ALARM if rule.holds(states) else State.OK
    if state is alarm.state:
        return None if suppressor is None else release(alarm, suppressor, now)
    children = [known[name] for name in children_of(alarm) if name in known]
    return transition(alarm, state, _reason(alarm, state, children), _data(children), now, suppressor=suppressor)


def _reason(alarm: Alarm, state: State, children: Sequence[Alarm]) -> str:
    """Names the alarm whose transition was the last, or that this one is new."""
    newest = max(children, key=lambda child: child.transitioned, default=None)
    if newest is None or newest.transitioned <= alarm.configured:
        done = "created" if alarm.configured == alarm.created else "updated"
        return f"{alarm.arn} was {done} and its alarm rule evaluates to {state}"
    moment = datetime.fromtimestamp(newest.transitioned, UTC)
    return f"{newest.arn} transitioned to {newest.state} at {moment:%A %d %B, %Y %H:%M:%S} UTC"


def _data(children: Sequence[Alarm]) -> str:
    """The alarms behind the transition: those in ALARM, or where none is, the one that changed last."""
    alarmed = [child for child in children if child.state is State.ALARM]
    told = alarmed or [max(children, key=lambda child: child.transitioned)] if children else []
    triggers = [
        {"arn": one.arn, "state": {"value": one.state, "timestamp": timestamp(one.transitioned)}} for one in told
    ]
    return json.dumps({"triggeringAlarms": triggers}, separators=(",", ":"))
