"""Tags of dashboards."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from epochwatch.model.aws_error import AwsError
from epochwatch.services.call import Call
from epochwatch.services.cloudwatch.alarm_requests import MOST_TAGS, tags_of
from epochwatch.services.cloudwatch.errors import invalid_value
from epochwatch.store.state.dashboards import Dashboard

Tags = Mapping[str, str]


def checked_tags(given: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Tags by their keys. Raises AwsError."""
    if len(given) > MOST_TAGS:
        raise _too_many()
    return tags_of(given)


def tag_dashboard(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """TagResource of a dashboard: adds tags, or replaces their values."""
    given = checked_tags(request["Tags"])

    def adding(tags: Tags) -> Tags:
        new = {**tags, **given}
        if len(new) > MOST_TAGS:
            raise _too_many()
        return new

    return _changed(call, request["ResourceARN"], adding)


def untag_dashboard(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """UntagResource of a dashboard: tags that it has not got are passed over."""
    gone = set(request["TagKeys"])
    return _changed(
        call, request["ResourceARN"], lambda tags: {key: value for key, value in tags.items() if key not in gone}
    )


def list_tags_for_dashboard(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """ListTagsForResource of a dashboard. Raises AwsError where there is none."""
    arn = request["ResourceARN"]
    found = call.stores.state.dashboards.get(call.tenant.account, _name(call, arn))
    if found is None:
        raise _absent(arn)
    return {"Tags": [{"Key": key, "Value": value} for key, value in found.tags.items()]}


def _changed(call: Call, arn: str, change: Callable[[Tags], Tags]) -> dict[str, Any]:
    def changed(known: Dashboard | None) -> Dashboard | None:
        return None if known is None else replace(known, tags=change(known.tags))

    if call.stores.state.dashboards.change(call.tenant.account, _name(call, arn), changed) is None:
        raise _absent(arn)
    return {}


def _name(call: Call, arn: str) -> str:
    """The name of the dashboard of that ARN. Raises AwsError."""
    prefix = f"arn:aws:cloudwatch::{call.tenant.account}:dashboard/"
    if not arn.startswith(prefix):
        raise invalid_value(
            f"The value {arn} for parameter ResourceARN is not the ARN of a dashboard of this account."
        )
    return arn.removeprefix(prefix)


def _absent(arn: str) -> AwsError:
    return AwsError(
        "ResourceNotFoundException", "The dashboard does not exist.", ResourceType="Dashboard", ResourceId=arn
    )


def _too_many() -> AwsError:
    return invalid_value(f"A dashboard can have at most {MOST_TAGS} tags.")
