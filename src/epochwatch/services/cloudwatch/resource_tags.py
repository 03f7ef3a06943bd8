"""Tags of alarms, alarm mute rules and dashboards."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final, NamedTuple

from epochwatch.model.aws_error import AwsError
from epochwatch.services.call import Call
from epochwatch.services.cloudwatch.alarm_muting import MUTE_RULE
from epochwatch.services.cloudwatch.alarm_requests import MOST_TAGS, tags_of
from epochwatch.services.cloudwatch.errors import invalid_value
from epochwatch.store.state.alarms import Change

Tags = Mapping[str, str]
Changing = Callable[[Tags], Tags]
_ALARM: Final = "alarm"
_DASHBOARD: Final = "dashboard"


class _Tagged(NamedTuple):
    """What has tags, or would if it were there."""

    type: str
    """As AWS calls it in answers."""
    described: str
    tags: Tags | None
    """None where it is not there."""
    change: Callable[[Changing], bool]
    """Gives it other tags. False where it is not there."""


def tag_resource(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """TagResource: adds tags to an alarm, a mute rule or a dashboard, or replaces their values."""
    tagged = _tagged(call, request["ResourceARN"])
    given = tags_of(request["Tags"], tagged.described)

    def adding(tags: Tags) -> Tags:
        new = {**tags, **given}
        if len(new) > MOST_TAGS:
            raise invalid_value(f"{tagged.described} can have at most {MOST_TAGS} tags.")
        return new

    return _changed(tagged, request["ResourceARN"], adding)


def untag_resource(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """UntagResource: takes tags away; those that are not there are passed over."""
    gone = set(request["TagKeys"])
    return _changed(
        _tagged(call, request["ResourceARN"]),
        request["ResourceARN"],
        lambda tags: {key: value for key, value in tags.items() if key not in gone},
    )


def list_tags_for_resource(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """ListTagsForResource: the tags of an alarm, a mute rule or a dashboard. Of an alarm or a mute rule that is not
    there it tells none.
    """
    tagged = _tagged(call, request["ResourceARN"])
    if tagged.tags is None and tagged.type == "Dashboard":
        raise _absent(tagged, request["ResourceARN"])
    return {"Tags": [{"Key": key, "Value": value} for key, value in (tagged.tags or {}).items()]}


def _tagged(call: Call, arn: str) -> _Tagged:
    """What has that ARN. Raises AwsError for an ARN of nothing that has tags here."""
    makers = {
        call.tenant.arn("cloudwatch", f"{_ALARM}:"): _alarm,
        call.tenant.arn("cloudwatch", f"{MUTE_RULE}:"): _mute_rule,
        # A dashboard's names no region.
        f"arn:aws:cloudwatch::{call.tenant.account}:{_DASHBOARD}/": _dashboard,
    }
    for prefix, made in makers.items():
        if arn.startswith(prefix):
            return made(call, arn.removeprefix(prefix))
    raise invalid_value(
        f"The value {arn} for parameter ResourceARN is not the ARN of an alarm, a mute rule or a dashboard of this "
        "account."
    )


def _alarm(call: Call, name: str) -> _Tagged:
    alarms = call.stores.state.alarms
    known = alarms.get(call.tenant, name)

    def change(changing: Changing) -> bool:
        made = alarms.change(
            call.tenant, name, lambda alarm: Change(alarm, replace(alarm, tags=dict(changing(alarm.tags))))
        )
        return made is not None

    return _Tagged("Alarm", "An alarm", known.tags if known else None, change)


def _mute_rule(call: Call, name: str) -> _Tagged:
    resources = call.stores.state.resources
    known = resources.get(call.tenant, MUTE_RULE, name)

    def change(changing: Changing) -> bool:
        return resources.change_tags(call.tenant, MUTE_RULE, name, changing) is not None

    return _Tagged("AlarmMuteRule", "An alarm mute rule", known.tags if known else None, change)


def _dashboard(call: Call, name: str) -> _Tagged:
    dashboards = call.stores.state.dashboards
    known = dashboards.get(call.tenant.account, name)

    def change(changing: Changing) -> bool:
        made = dashboards.change(
            call.tenant.account, name, lambda one: None if one is None else replace(one, tags=changing(one.tags))
        )
        return made is not None

    return _Tagged("Dashboard", "A dashboard", known.tags if known else None, change)


def _changed(tagged: _Tagged, arn: str, changing: Changing) -> dict[str, Any]:
    if not tagged.change(changing):
        raise _absent(tagged, arn)
    return {}


def _absent(tagged: _Tagged, arn: str) -> AwsError:
    what = tagged.described.partition(" ")[2]
    return AwsError(
        "ResourceNotFoundException", f"The {what} does not exist.", ResourceType=tagged.type, ResourceId=arn
    )
