"""Alarms: putting and deleting them, setting their state, and whether their actions are performed."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from epochwatch.model.alarm import composite
from epochwatch.model.alarm.reasons import UNCHECKED, timestamp
from epochwatch.model.alarm.schedule import interval, slot
from epochwatch.model.alarm.state import State
from epochwatch.model.alarm.suppression import Suppressor
from epochwatch.model.aws_error import AwsError
from epochwatch.model.periods import MINUTE
from epochwatch.model.tenant import Tenant
from epochwatch.services.call import Call
from epochwatch.services.cloudwatch.alarm_muting import muted
from epochwatch.services.cloudwatch.alarm_queries import watched_period
from epochwatch.services.cloudwatch.alarm_requests import composite_definition, metric_definition, tags_of
from epochwatch.services.cloudwatch.alarm_transitions import LONGEST_HISTORY, transition
from epochwatch.services.cloudwatch.errors import validation
from epochwatch.store.state.alarm_history import CONFIGURATION, Event
from epochwatch.store.state.alarms import COMPOSITE, METRIC, Alarm, Change

MOST_PARENTS: Final = 150
"""Composite alarms that may refer to one alarm."""
WARM_UP_FROM: Final = "warm_up_from"
"""Under which name ``progress`` keeps when a warm-up began (Unix seconds)."""
WARM: Final = "warm"
"""And whether it is over."""
CONTRIBUTORS: Final = "contributors"
"""And what is known of each series of a PromQL alarm, by its id."""


def put_metric_alarm(call: Call, request: dict[str, Any]) -> None:
    """PutMetricAlarm: makes an alarm, or configures it anew; its state stays."""
    definition = metric_definition(call, request)
    if "EvaluationCriteria" in definition:
        every, first = definition["EvaluationInterval"], State.OK
    else:
        every, first = interval(watched_period(call, definition)), State.INSUFFICIENT_DATA
    _put(call, request, METRIC, definition, every, first)


def put_composite_alarm(call: Call, request: dict[str, Any]) -> None:
    """PutCompositeAlarm: makes an alarm by a rule about others, or configures it anew."""
    definition = composite_definition(call, request)
    name = request["AlarmName"]
    children = [name_of(call.tenant, one) for one in sorted(composite.parse(request["AlarmRule"]).alarms)]
    referred = [*children, *suppressor_names(call.tenant, definition)]
    known = call.stores.state.alarms.named(call.tenant, referred)
    absent = [one for one in dict.fromkeys(children) if one not in known and one != name]
    if absent:
        raise validation(
            f"Could not save the composite alarm as alarms [{', '.join(absent)}] in the alarm rule do not exist"
        )
    if any(one not in known for one in referred):
        raise validation(
            f"Could not save the composite alarm as its suppressor {definition['ActionsSuppressor']} does not exist"
        )
    _require_few_parents(call, name, children)
    _put(call, request, COMPOSITE, definition, MINUTE, State.INSUFFICIENT_DATA)


def delete_alarms(call: Call, request: dict[str, Any]) -> None:
    """DeleteAlarms: all of them or none; at most one of them composite, none that a composite alarm needs."""
    names = list(dict.fromkeys(request["AlarmNames"]))

    def check(known: Mapping[str, Alarm]) -> list[Event]:
        absent = [name for name in names if name not in known]
        if absent:
            raise AwsError("ResourceNotFound", f"Alarms [{', '.join(absent)}] do not exist.")
        if sum(known[name].kind == COMPOSITE for name in names) > 1:
            raise validation("You can delete only one composite alarm in one operation.")
        staying = [alarm for name, alarm in known.items() if alarm.kind == COMPOSITE and name not in names]
        needed = {one for alarm in staying for one in referred_by(alarm)}
        kept = [name for name in names if name in needed]
        if kept:
            them = "it" if len(kept) == 1 else "them"
            raise validation(
                f"Cannot delete {','.join(kept)} as there are composite alarm(s) depending on {them}."
            )
        return [_configured(known[name], "deleted", call.now) for name in names]

    call.stores.state.alarms.delete(call.tenant, names, check)


def set_alarm_state(call: Call, request: dict[str, Any]) -> None:
    """SetAlarmState: the state holds until the alarm is evaluated again."""
    data = request.get("StateReasonData")
    if data is not None and not _is_json(data):
        raise AwsError("InvalidFormatFault", "StateReasonData is not valid JSON.")
    state = State(request["StateValue"])

    def change(alarm: Alarm) -> Change:
        suppressor = suppressor_of(call, alarm)
        made = transition(alarm, state, request["StateReason"], data, call.now, suppressor=suppressor)
        return muted(call.stores, [made], call.now)[0]

    if call.stores.state.alarms.change(call.tenant, request["AlarmName"], change) is None:
        raise AwsError("ResourceNotFound")


def enable_alarm_actions(call: Call, request: dict[str, Any]) -> None:
    """EnableAlarmActions: names that no alarm has are passed over."""
    _enable(call, request["AlarmNames"], enabled=True)


def disable_alarm_actions(call: Call, request: dict[str, Any]) -> None:
    """DisableAlarmActions: the state still changes, and nothing is done about it."""
    _enable(call, request["AlarmNames"], enabled=False)


def name_of(tenant: Tenant, name_or_arn: str) -> str:
    """The name of an alarm that a rule names or gives the ARN of."""
    return name_or_arn.removeprefix(tenant.arn("cloudwatch", "alarm:"))


def suppressor_names(tenant: Tenant, definition: Mapping[str, Any]) -> list[str]:
    """The name of a composite alarm's suppressor; empty where it has none."""
    return [name_of(tenant, definition["ActionsSuppressor"])] if "ActionsSuppressor" in definition else []


def children_of(alarm: Alarm) -> list[str]:
    """The names of the alarms in a composite alarm's rule."""
    return sorted({name_of(alarm.tenant, one) for one in composite.parse(alarm.definition["AlarmRule"]).alarms})


def referred_by(alarm: Alarm) -> list[str]:
    """The names of all alarms that a composite alarm needs."""
    return [*children_of(alarm), *suppressor_names(alarm.tenant, alarm.definition)]


def suppressor_of(call: Call, alarm: Alarm) -> Suppressor | None:
    """The suppressor of a composite alarm as it is now; None where it has none."""
    names = suppressor_names(alarm.tenant, alarm.definition)
    return suppressor_in(alarm, call.stores.state.alarms.named(alarm.tenant, names)) if names else None


def suppressor_in(alarm: Alarm, known: Mapping[str, Alarm]) -> Suppressor | None:
    """The suppressor of a composite alarm among alarms by their names."""
    names = suppressor_names(alarm.tenant, alarm.definition)
    if not names:
        return None
    found = known.get(names[0])
    return Suppressor(
        found is not None and found.state is State.ALARM,
        alarm.definition["ActionsSuppressorWaitPeriod"],
        alarm.definition["ActionsSuppressorExtensionPeriod"],
    )


def _put(
    call: Call, request: Mapping[str, Any], kind: str, definition: Mapping[str, Any], every: int, first: State
) -> None:
    name, now = request["AlarmName"], call.now
    fresh = Alarm(
        tenant=call.tenant,
        name=name,
        kind=kind,
        definition=definition,
        actions_enabled=request.get("ActionsEnabled", True),
        tags=tags_of(request.get("Tags") or []),
        state=first,
        reason=UNCHECKED,
        reason_data=None,
        progress={WARM_UP_FROM: now},
        created=now,
        configured=now,
        updated=now,
        transitioned=now,
        every=every,
        slot=slot(call.tenant.arn("cloudwatch", f"alarm:{name}"), every),
    )

    def make(known: Alarm | None) -> tuple[Alarm, Event]:
        if known is None:
            return fresh, _configured(fresh, "created", now)
        if known.kind != kind:
            raise validation(f"An alarm of another type has the name {name} already.")
        alarm = replace(
            known,
            definition=definition,
            actions_enabled=fresh.actions_enabled,
            progress=_progress(known, definition, now),
            configured=now,
            every=every,
            slot=fresh.slot,
        )
        return alarm, _configured(alarm, "updated", now)

    call.stores.state.alarms.put(call.tenant, name, make)


def _progress(known: Alarm, definition: Mapping[str, Any], now: float) -> dict[str, Any]:
    """What an alarm still remembers when it is configured anew. A warm-up that is over does not begin again."""
    progress = dict(known.progress)
    if "WarmUpConfiguration" in definition and "WarmUpConfiguration" not in known.definition:
        progress[WARM_UP_FROM] = now
        progress.pop(WARM, None)
    if definition.get("EvaluationCriteria") != known.definition.get("EvaluationCriteria"):
        progress.pop(CONTRIBUTORS, None)
    return progress


def _require_few_parents(call: Call, name: str, children: Sequence[str]) -> None:
    others = call.stores.state.alarms.list(call.tenant, kinds=[COMPOSITE], wanted=lambda one: one.name != name)
    parents = [child for other in others for child in children_of(other)]
    for child in dict.fromkeys(children):
        if parents.count(child) >= MOST_PARENTS:
            raise AwsError(
                "LimitExceededFault",
                f"The alarm {child} is in the rules of {MOST_PARENTS} composite alarms already.",
            )


def _enable(call: Call, names: Sequence[str], *, enabled: bool) -> None:
    def change(alarm: Alarm) -> Change:
        after = replace(alarm, actions_enabled=enabled, configured=call.now)
        events = [_configured(after, "updated", call.now)] if enabled != alarm.actions_enabled else []
        return Change(alarm, after, events)

    for name in names:
        call.stores.state.alarms.change(call.tenant, name, change)


def _configured(alarm: Alarm, what: str, now: float) -> Event:
    """That an alarm was created, updated or deleted, as its history tells it."""
    told = {
        "alarmName": alarm.name,
        "alarmArn": alarm.arn,
        "actionsEnabled": alarm.actions_enabled,
        "stateValue": alarm.state,
        "alarmConfigurationUpdatedTimestamp": timestamp(alarm.configured),
        "stateUpdatedTimestamp": timestamp(alarm.updated),
        **_lowered(alarm.definition),
    }
    entry = {"version": "1.0", "type": what.removesuffix("d").capitalize(), f"{what}Alarm": told}
    text = json.dumps(entry, separators=(",", ":"))
    if len(text) > LONGEST_HISTORY:
        text = json.dumps(entry | {f"{what}Alarm": {"alarmName": alarm.name, "alarmArn": alarm.arn}})
    return Event(now, CONFIGURATION, f'Alarm "{alarm.name}" {what}', text)


def _lowered(value: Any) -> Any:
    """Members as the history names them: ``okactions``, ``metricName``."""
    if isinstance(value, Mapping):
        return {
            "okactions" if name == "OKActions" else name[:1].lower() + name[1:]: _lowered(inner)
            for name, inner in value.items()
        }
    return [_lowered(inner) for inner in value] if isinstance(value, list) else value


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
