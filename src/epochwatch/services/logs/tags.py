"""Tags of log groups."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from epochwatch.model.aws_error import AwsError
from epochwatch.services.call import Call
from epochwatch.services.logs.names import identified, invalid, no_group

MOST_TAGS: Final = 50
RESERVED: Final = "aws:"

_Change = Callable[[dict[str, str]], dict[str, str]]


def tag_resource(call: Call, request: dict[str, Any]) -> None:
    """TagResource: adds tags to a log group, or replaces their values."""
    _change(call, _named(call, request), _adding(request["tags"], "TooManyTagsException"))


def untag_resource(call: Call, request: dict[str, Any]) -> None:
    """UntagResource: takes tags from a log group; those it has not got are passed over."""
    _change(call, _named(call, request), _without(request["tagKeys"]))


def list_tags_for_resource(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """ListTagsForResource: the tags of a log group."""
    return _listed(call, _named(call, request))


def tag_log_group(call: Call, request: dict[str, Any]) -> None:
    """TagLogGroup: TagResource by the group's name."""
    _change(call, request["logGroupName"], _adding(request["tags"], "InvalidParameterException"))


def untag_log_group(call: Call, request: dict[str, Any]) -> None:
    """UntagLogGroup: UntagResource by the group's name."""
    _change(call, request["logGroupName"], _without(request["tags"]))


def list_tags_log_group(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """ListTagsLogGroup: ListTagsForResource by the group's name."""
    return _listed(call, request["logGroupName"])


def require_tags(tags: Mapping[str, str], refusal: str = "InvalidParameterException") -> None:
    """Raises AwsError for more tags than a group may have (with the code ``refusal``), and for reserved keys."""
    for key in tags:
        if key.lower().startswith(RESERVED):
            raise invalid(f"The tag key '{key}' is reserved: keys must not begin with '{RESERVED}'.")
    if len(tags) > MOST_TAGS:
        raise AwsError(refusal, f"A log group has at most {MOST_TAGS} tags.")


def _adding(tags: Mapping[str, str], refusal: str) -> _Change:
    def change(old: dict[str, str]) -> dict[str, str]:
        new = {**old, **tags}
        require_tags(new, refusal)
        return new

    return change


def _without(keys: list[str]) -> _Change:
    return lambda old: {key: value for key, value in old.items() if key not in keys}


def _named(call: Call, request: Mapping[str, Any]) -> str:
    """The log group that ``resourceArn`` names; whether it is there shows later."""
    arn = request["resourceArn"]
    if not arn.startswith("arn:"):
        raise invalid(f"'{arn}' is not the ARN of a log group.")
    name = identified(call.tenant, arn)
    if name is None:
        raise AwsError("ResourceNotFoundException", f"There is no log group with the ARN {arn}.")
    return name


def _change(call: Call, group: str, change: _Change) -> None:
    if not call.stores.state.log_groups.change_tags(call.tenant, group, change):
        raise no_group()


def _listed(call: Call, name: str) -> dict[str, Any]:
    group = call.stores.state.log_groups.group(call.tenant, name)
    if group is None:
        raise no_group()
    return {"tags": group.tags}
