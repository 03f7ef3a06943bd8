"""Tags of topics."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final

from epochwatch.model.aws_error import AwsError
from epochwatch.services.call import Call
from epochwatch.services.sns.arns import topic_name
from epochwatch.services.sns.errors import invalid
from epochwatch.store.state.topics import Topic

MOST_TAGS: Final = 50
RESERVED: Final = "aws:"

Tags = dict[str, str]


def tag_resource(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """TagResource: adds tags to a topic, or replaces their values."""
    given = tags_of(request["Tags"])

    def adding(tags: Tags) -> Tags:
        new = {**tags, **given}
        if len(new) > MOST_TAGS:
            raise _too_many()
        return new

    return _changed(call, request["ResourceArn"], adding)


def untag_resource(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """UntagResource: takes tags from a topic; those it has not got are passed over."""
    gone = set(request["TagKeys"])
    return _changed(
        call, request["ResourceArn"], lambda tags: {key: value for key, value in tags.items() if key not in gone}
    )


def list_tags_for_resource(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """ListTagsForResource: the tags of a topic."""
    topic = call.stores.state.topics.topic(call.tenant, topic_name(call, request["ResourceArn"], "ResourceArn"))
    if topic is None:
        raise _not_there()
    return {"Tags": [{"Key": key, "Value": value} for key, value in topic.tags.items()]}


def tags_of(given: Sequence[dict[str, str]]) -> Tags:
    """Tags by their keys. Raises AwsError."""
    tags: Tags = {}
    for tag in given:
        key = tag["Key"]
        if key in tags:
            raise invalid("Duplicated keys are not allowed.")
        if key.lower().startswith(RESERVED):
            raise invalid(f"Tag keys must not start with '{RESERVED}': {key}")
        tags[key] = tag["Value"]
    if len(tags) > MOST_TAGS:
        raise _too_many()
    return tags


def _changed(call: Call, arn: str, change: Callable[[Tags], Tags]) -> dict[str, Any]:
    def make(known: Topic | None) -> Topic:
        if known is None:
            raise _not_there()
        return replace(known, tags=change(dict(known.tags)))

    call.stores.state.topics.put(call.tenant, topic_name(call, arn, "ResourceArn"), make)
    return {}


def _too_many() -> AwsError:
    return AwsError("TagLimitExceededException", "Could not complete request: tag quota of per resource exceeded")


def _not_there() -> AwsError:
    return AwsError("ResourceNotFoundException", "Resource does not exist")
