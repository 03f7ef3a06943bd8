"""Alarm mute rules: putting, telling and deleting them."""

from collections.abc import Mapping
from typing import Any, Final

from epochwatch.model.alarm.mute import InvalidSchedule, schedule_of
from epochwatch.model.aws_error import AwsError
from epochwatch.services.call import Call
from epochwatch.services.cloudwatch.alarm_descriptions import PAGE, position
from epochwatch.services.cloudwatch.alarm_muting import MUTE_RULE, release, status_of, targets_of
from epochwatch.services.cloudwatch.alarm_requests import tags_of
from epochwatch.services.cloudwatch.errors import validation
from epochwatch.services.tokens import seal
from epochwatch.store.state.resources import Resource

_KEPT: Final = ("Description", "Rule", "MuteTargets", "StartDate", "ExpireDate")


def put_alarm_mute_rule(call: Call, request: dict[str, Any]) -> None:
    """PutAlarmMuteRule: makes a rule, or configures it anew; alarms that it does not mute any more are unmuted."""
    record = _record(call, request)
    rules = call.stores.state.resources
    tags = tags_of(request.get("Tags") or [])
    if rules.create(call.tenant, MUTE_RULE, request["Name"], record, call.now, tags=tags):
        return
    known = rules.get(call.tenant, MUTE_RULE, request["Name"])
    rules.change(call.tenant, MUTE_RULE, request["Name"], lambda _: record, call.now)
    release(call.stores, call.tenant, targets_of(known), call.now)


def get_alarm_mute_rule(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """GetAlarmMuteRule: a rule and what it does now."""
    name = request["AlarmMuteRuleName"]
    rule = call.stores.state.resources.get(call.tenant, MUTE_RULE, name)
    if rule is None:
        raise AwsError("ResourceNotFoundException", ResourceType="AlarmMuteRule", ResourceId=name)
    return {"Name": rule.name, **rule.record, **_summary(rule, call.now)}


def list_alarm_mute_rules(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """ListAlarmMuteRules: a page of rules by name; those that target an alarm, those of some statuses."""
    bound = {name: value for name, value in request.items() if name not in ("MaxRecords", "NextToken")}
    after = position(bound, request.get("NextToken"))
    limit = request.get("MaxRecords", PAGE)
    alarm, statuses = request.get("AlarmName"), request.get("Statuses")
    rules, _ = call.stores.state.resources.list(call.tenant, MUTE_RULE, sort="name", descending=False)
    found = [
        rule
        for rule in rules
        if (after is None or rule.name > after[0])
        and (alarm is None or alarm in targets_of(rule))
        and (not statuses or status_of(rule, call.now) in statuses)
    ]
    page = found[:limit]
    answer: dict[str, Any] = {"AlarmMuteRuleSummaries": [_summary(rule, call.now) for rule in page]}
    return answer | ({"NextToken": seal(bound, [page[-1].name])} if len(found) > limit else {})


def delete_alarm_mute_rule(call: Call, request: dict[str, Any]) -> None:
    """DeleteAlarmMuteRule: what it muted is unmuted at once. One that is not there is no error."""
    rules = call.stores.state.resources
    known = rules.get(call.tenant, MUTE_RULE, request["AlarmMuteRuleName"])
    if known is not None and rules.delete(call.tenant, MUTE_RULE, known.name):
        release(call.stores, call.tenant, targets_of(known), call.now)


def _record(call: Call, request: Mapping[str, Any]) -> dict[str, Any]:
    """What is kept of a rule. Raises AwsError."""
    try:
        schedule_of(request["Rule"]["Schedule"])
    except InvalidSchedule as error:
        raise validation(f"The mute rule's schedule is invalid: {error}.") from error
    start, expire = request.get("StartDate"), request.get("ExpireDate")
    if expire is not None and expire <= max(call.now, start or 0):
        raise validation("ExpireDate must be in the future and after StartDate.")
    names = request.get("MuteTargets", {}).get("AlarmNames", [])
    known = call.stores.state.alarms.named(call.tenant, names)
    absent = [name for name in names if name not in known]
    if absent:
        raise validation(f"The alarms [{', '.join(absent)}] in MuteTargets do not exist.")
    return {name: request[name] for name in _KEPT if name in request}


def _summary(rule: Resource, now: float) -> dict[str, Any]:
    told: dict[str, Any] = {
        "AlarmMuteRuleArn": rule.tenant.arn("cloudwatch", f"{MUTE_RULE}:{rule.name}"),
        "Status": status_of(rule, now),
        "MuteType": "RECURRING" if schedule_of(rule.record["Rule"]["Schedule"]).recurring else "ONE_TIME",
        "LastUpdatedTimestamp": rule.updated,
    }
    return told | ({"ExpireDate": rule.record["ExpireDate"]} if "ExpireDate" in rule.record else {})
