"""Topics and their attributes."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from epochwatch.model.sns.retries import InvalidDeliveryPolicy, effective_topic_policy, parse_topic_policy
from epochwatch.services.call import Call
from epochwatch.services.sns.arns import topic_name
from epochwatch.services.sns.errors import invalid, no_topic
from epochwatch.services.sns.tags import tags_of
from epochwatch.services.tokens import seal, unseal
from epochwatch.store.state.topics import CANCELLED, CONFIRMED, PENDING, Topic

PAGE: Final = 100
LONGEST_DISPLAY_NAME: Final = 100
_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,256}", re.ASCII)
_FEEDBACK: Final = re.compile(
    r"(HTTP|Application|Lambda|Firehose|SQS)(SuccessFeedbackRoleArn|SuccessFeedbackSampleRate|FailureFeedbackRoleArn)"
)
_FIFO: Final = ("FifoTopic", "ContentBasedDeduplication", "FifoThroughputScope", "ArchivePolicy")
_ACTIONS: Final = (
    "GetTopicAttributes",
    "SetTopicAttributes",
    "AddPermission",
    "RemovePermission",
    "DeleteTopic",
    "Subscribe",
    "ListSubscriptionsByTopic",
    "Publish",
)


def create_topic(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """CreateTopic: makes a topic, or finds the one of that name where it is the same."""
    name = request["Name"]
    if name.endswith(".fifo") or request.get("Attributes", {}).get("FifoTopic") == "true":
        raise _no_fifo("Attributes")
    if not _NAME.fullmatch(name):
        raise invalid("Topic Name")
    if request.get("DataProtectionPolicy"):
        raise invalid("DataProtectionPolicy", "this server does not look into messages")
    attributes = {
        key: value
        for key, value in (request.get("Attributes") or {}).items()
        if _checked(key, value, lambda what: invalid("Attributes", what)) != ""
    }
    tags = tags_of(request.get("Tags") or [])

    def make(known: Topic | None) -> Topic | None:
        if known is None:
            return Topic(call.tenant, name, attributes, tags)
        if any(known.attributes.get(key) != value for key, value in attributes.items()):
            raise invalid("Attributes", "Topic already exists with different attributes")
        if "Tags" in request and dict(known.tags) != tags:
            raise invalid("Tags", "Topic already exists with different tags")
        return None

    call.stores.state.topics.put(call.tenant, name, make)
    return {"TopicArn": call.tenant.arn("sns", name)}


def delete_topic(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """DeleteTopic: forgets a topic with its subscriptions; one that is not there is no error."""
    call.stores.state.topics.delete_topic(call.tenant, topic_name(call, request["TopicArn"], "TopicArn"))
    return {}


def list_topics(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """ListTopics: a page of a hundred topics, by name."""
    after = resume({}, request.get("NextToken"), "")
    found = call.stores.state.topics.topics(call.tenant, after, PAGE + 1)
    answer: dict[str, Any] = {"Topics": [{"TopicArn": topic.arn} for topic in found[:PAGE]]}
    return answer | ({"NextToken": seal({}, found[PAGE - 1].name)} if len(found) > PAGE else {})


def get_topic_attributes(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """GetTopicAttributes: what was set of a topic, and what is known of it."""
    topic = topic_of(call, request["TopicArn"])
    counts = call.stores.state.topics.counts(call.tenant, topic.name)
    own = json.loads(topic.attributes.get("DeliveryPolicy", "{}"))
    attributes = {
        "TopicArn": topic.arn,
        "Owner": call.tenant.account,
        "DisplayName": "",
        "Policy": _default_policy(topic),
        "EffectiveDeliveryPolicy": _compact(effective_topic_policy(own)),
        "SubscriptionsConfirmed": str(counts.get(CONFIRMED, 0)),
        "SubscriptionsPending": str(counts.get(PENDING, 0)),
        "SubscriptionsDeleted": str(topic.ended + counts.get(CANCELLED, 0)),
        **topic.attributes,
    }
    return {"Attributes": attributes}


def set_topic_attributes(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """SetTopicAttributes: sets one attribute; with an empty value it is as if it had not been set."""
    name = topic_name(call, request["TopicArn"], "TopicArn")
    key, value = request["AttributeName"], request.get("AttributeValue", "")
    value = _checked(key, value, invalid)

    def make(known: Topic | None) -> Topic:
        if known is None:
            raise no_topic()
        kept = {name: old for name, old in known.attributes.items() if name != key}
        return replace(known, attributes=kept | ({key: value} if value else {}))

    call.stores.state.topics.put(call.tenant, name, make)
    return {}


def topic_of(call: Call, arn: str, parameter: str = "TopicArn") -> Topic:
    """The topic of that ARN. Raises AwsError."""
    topic = call.stores.state.topics.topic(call.tenant, topic_name(call, arn, parameter))
    if topic is None:
        raise no_topic()
    return topic


def resume(bound: Mapping[str, Any], token: str | None, start: Any) -> Any:
    """Where a list goes on. Raises AwsError for a token of another."""
    if not token:
        return start
    try:
        return unseal(bound, token)
    except ValueError as error:
        raise invalid("NextToken") from error


def _checked(key: str, value: str, refuse: Callable[[str], Exception]) -> str:
    """The value of an attribute, in the form it is kept. Raises what ``refuse`` makes of the reason."""
    if key in _FIFO and value != "false":
        raise _no_fifo("Attributes")
    if key in _FIFO:
        return ""
    if key in _KNOWN:
        return _KNOWN[key](value, refuse) if value else ""
    if _FEEDBACK.fullmatch(key):
        return value
    raise invalid("AttributeName")


def _display_name(value: str, refuse: Callable[[str], Exception]) -> str:
    if len(value) > LONGEST_DISPLAY_NAME or not value.isprintable():
        raise refuse("DisplayName")
    return value


def _delivery_policy(value: str, refuse: Callable[[str], Exception]) -> str:
    try:
        return _compact(parse_topic_policy(value))
    except InvalidDeliveryPolicy as error:
        raise refuse(f"DeliveryPolicy: {error}") from error


def _policy(value: str, refuse: Callable[[str], Exception]) -> str:
    try:
        whole = isinstance(json.loads(value), dict)
    except ValueError:
        whole = False
    if not whole:
        raise refuse("Policy Error: null")
    return value


def _one_of(*legal: str) -> Callable[[str, Callable[[str], Exception]], str]:
    def check(value: str, refuse: Callable[[str], Exception]) -> str:
        if value not in legal:
            raise refuse(f"Invalid value [{value}]. Must be {' or '.join(legal)}.")
        return value

    return check


def _no_key(value: str, refuse: Callable[[str], Exception]) -> str:
    raise refuse("KmsMasterKeyId: this server has no keys to encrypt messages with")


_KNOWN: Final[Mapping[str, Callable[[str, Callable[[str], Exception]], str]]] = {
    "DeliveryPolicy": _delivery_policy,
    "DisplayName": _display_name,
    "KmsMasterKeyId": _no_key,
    "Policy": _policy,
    "SignatureVersion": _one_of("1", "2"),
    "TracingConfig": _one_of("PassThrough", "Active"),
}


def _no_fifo(parameter: str) -> Exception:
    return invalid(parameter, "FIFO topics deliver to queues of SQS only, which this server has none of")


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def _default_policy(topic: Topic) -> str:
    """The access policy of a topic that was given none: its owner may do everything."""
    statement = {
        "Sid": "__default_statement_ID",
        "Effect": "Allow",
        "Principal": {"AWS": "*"},
        "Action": [f"SNS:{action}" for action in _ACTIONS],
        "Resource": topic.arn,
        "Condition": {"StringEquals": {"AWS:SourceOwner": topic.tenant.account}},
    }
    return _compact({"Version": "2008-10-17", "Id": "__default_policy_ID", "Statement": [statement]})
