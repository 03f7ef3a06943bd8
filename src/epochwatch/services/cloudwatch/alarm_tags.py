"""Tags of alarms and of alarm mute rules."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from epochwatch.model.aws_error import AwsError
from epochwatch.services.call import Call
from epochwatch.services.cloudwatch.alarm_muting import MUTE_RULE
from epochwatch.services.cloudwatch.alarm_requests import MOST_TAGS, tags_of
from epochwatch.services.cloudwatch.errors import invalid_value
from epochwatch.store.state.alarms import Alarm, Change
from epochwatch.store.state.resources import Resource

Tags = dict[str, str]
_ALARM: Final = "alarm"


def tag_resource(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """TagResource: adds tags to an alarm or a mute rule, or replaces their values."""
    given = tags_of(request["Tags"])

    def adding(tags: Tags) -> Tags:
        new = {**tags, **given}
        if len(new) > MOST_TAGS:
            raise invalid_value(f"An alarm can have at most {MOST_TAGS} tags.")
        return new

    return _changed(call, request["ResourceARN"], adding)


def untag_resource(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """UntagResource: takes tags from an alarm or a mute rule; those it has not got are passed over."""
    gone = set(request["TagKeys"])
    return _changed(
        call, request["ResourceARN"], lambda tags: {key: value for key, value in tags.items() if key not in gone}
    )


def list_tags_for_resource(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """ListTagsForResource: the tags of an alarm or a mute rule; none of one that is not there."""
    kind, name = _named(call, request["ResourceARN"])
    state = call.stores.state
    known: Alarm | Resource | None = (
        state.alarms.get(call.tenant, name) if kind == _ALARM else state.resources.get(call.tenant, kind, name)
    )
    return {"Tags": [{"Key": key, "Value": value} for key, value in (known.tags if known else {}).items()]}


def _changed(call: Call, arn: str, change: Callable[[Tags], Tags]) -> dict[str, Any]:
    kind, name = _named(call, arn)
    state = call.stores.state
    if kind == _ALARM:
        made = state.alarms.change(
            call.tenant, name, lambda alarm: Change(alarm, replace(alarm, tags=change(dict(alarm.tags))))
        )
        found = made is not None
    else:
        found = state.resources.change_tags(call.tenant, kind, name, change) is not None
    if not found:
        what, type = ("alarm", "Alarm") if kind == _ALARM else ("alarm mute rule", "AlarmMuteRule")
        raise AwsError(
            "ResourceNotFoundException", f"The {what} does not exist.", ResourceType=type, ResourceId=arn
        )
    return {}


def _named(call: Call, arn: str) -> tuple[str, str]:
    """The kind and the name of what has that ARN. Raises AwsError."""
    for kind in (_ALARM, MUTE_RULE):
        prefix = call.tenant.arn("cloudwatch", f"{kind}:")
        if arn.startswith(prefix):
            return kind, arn.removeprefix(prefix)
    raise invalid_value(
        f"The value {arn} for parameter ResourceARN is not the ARN of an alarm or a mute rule of this account."
    )
