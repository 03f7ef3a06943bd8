"""Tags of alarms."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from epochwatch.model.aws_error import AwsError
from epochwatch.services.call import Call
from epochwatch.services.cloudwatch.alarm_requests import MOST_TAGS, tags_of
from epochwatch.services.cloudwatch.errors import invalid_value
from epochwatch.store.state.alarms import Change

Tags = dict[str, str]


def tag_resource(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """TagResource: adds tags to an alarm, or replaces their values."""
    given = tags_of(request["Tags"])

    def adding(tags: Tags) -> Tags:
        new = {**tags, **given}
        if len(new) > MOST_TAGS:
            raise invalid_value(f"An alarm can have at most {MOST_TAGS} tags.")
        return new

    return _changed(call, request["ResourceARN"], adding)


def untag_resource(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """UntagResource: takes tags from an alarm; those it has not got are passed over."""
    gone = set(request["TagKeys"])
    return _changed(
        call, request["ResourceARN"], lambda tags: {key: value for key, value in tags.items() if key not in gone}
    )


def list_tags_for_resource(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """ListTagsForResource: the tags of an alarm; none of one that is not there."""
    alarm = call.stores.state.alarms.get(call.tenant, _name(call, request["ResourceARN"]))
    tags = {} if alarm is None else alarm.tags
    return {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}


def _changed(call: Call, arn: str, change: Callable[[Tags], Tags]) -> dict[str, Any]:
    made = call.stores.state.alarms.change(
        call.tenant, _name(call, arn), lambda alarm: Change(alarm, replace(alarm, tags=change(dict(alarm.tags))))
    )
    if made is None:
        raise AwsError(
            "ResourceNotFoundException", "The alarm does not exist.", ResourceType="Alarm", ResourceId=arn
        )
    return {}


def _name(call: Call, arn: str) -> str:
    """The name of the alarm of that ARN. Raises AwsError."""
    prefix = call.tenant.arn("cloudwatch", "alarm:")
    if not arn.startswith(prefix):
        raise invalid_value(
            f"The value {arn} for parameter ResourceARN is not the ARN of an alarm of this account."
        )
    return arn.removeprefix(prefix)
