"""Messages to topics."""

import base64
import json
import re
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Final

from epochwatch.model.aws_error import AwsError
from epochwatch.model.sns import filter_policy
from epochwatch.model.sns.filter_policy import ATTRIBUTES, BODY
from epochwatch.model.sns.notification import NOTIFICATION, Notification
from epochwatch.services.call import Call
from epochwatch.services.sns.arns import topic_name
from epochwatch.services.sns.errors import invalid, no_topic
from epochwatch.services.sns.subscription_attributes import SCOPE
from epochwatch.store.state.topics import Subscription

LARGEST: Final = 256 * 1024
"""Bytes of a message with its attributes, and of a batch."""
MOST_ENTRIES: Final = 10
LONGEST_SUBJECT: Final = 100
LONGEST_NAME: Final = 256
_ENTRY_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,80}", re.ASCII)
_SUBJECT: Final = re.compile(r"[!-~][ -~]{0,99}", re.ASCII)
_ATTRIBUTE_NAME: Final = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*", re.ASCII)
_TYPE: Final = re.compile(r"(String|Number|Binary)(\..+)?")
_NUMBER: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)


def publish(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Publish: sends a message to the subscribers of a topic; acknowledged, it gets to each that can be reached."""
    if "PhoneNumber" in request:
        raise invalid("PhoneNumber", "this server sends no SMS")
    arn, parameter = request.get("TopicArn"), "TopicArn"
    if arn is None and "TargetArn" in request:
        arn, parameter = request["TargetArn"], "TargetArn"
    if arn is None:
        raise invalid("TopicArn or TargetArn", "no value for required parameter")
    if parameter == "TargetArn" and ":endpoint/" in arn:
        raise invalid("TargetArn", "No endpoint found for the target arn specified")
    name = topic_name(call, arn, parameter)
    _require_structure(request)
    _require_sendable(request)
    notification = _notification(call, arn, request)
    _send(call, name, [notification])
    return {"MessageId": notification.id}


def publish_batch(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """PublishBatch: up to ten messages at once; those that cannot be sent are told, the others are sent."""
    name = topic_name(call, request["TopicArn"], "TopicArn")
    entries = request["PublishBatchRequestEntries"]
    _require_batch(entries)
    for entry in entries:
        _require_structure(entry)
    sent: list[tuple[str, Notification]] = []
    failed = []
    for entry in entries:
        try:
            _require_sendable(entry)
        except AwsError as error:
            told = {"Id": entry["Id"], "Code": "InvalidParameter", "Message": str(error), "SenderFault": True}
            failed.append(told)
        else:
            sent.append((entry["Id"], _notification(call, request["TopicArn"], entry)))
    _send(call, name, [notification for _, notification in sent])
    return {"Successful": [{"Id": id, "MessageId": one.id} for id, one in sent], "Failed": failed}


def wants(subscription: Subscription, notification: Notification) -> bool:
    """Whether a subscription's filter policy lets a message through."""
    text = subscription.attributes.get("FilterPolicy")
    if text is None:
        return True
    policy = json.loads(text)
    if subscription.attributes.get(SCOPE, ATTRIBUTES) == BODY:
        return filter_policy.accepts_body(policy, notification.message_for(subscription.protocol))
    return filter_policy.accepts_attributes(policy, notification.attributes)


def _send(call: Call, name: str, notifications: Sequence[Notification]) -> None:
    if not call.stores.state.topics.publish(call.tenant, name, notifications, wants, call.now):
        raise no_topic()


def _notification(call: Call, arn: str, request: Mapping[str, Any]) -> Notification:
    message, by_protocol = request["Message"], {}
    if request.get("MessageStructure") == "json":
        by_protocol = {key: text for key, text in json.loads(message).items() if isinstance(text, str)}
        message = by_protocol.pop("default")
    return Notification(
        id=_message_id(call, arn, request.get("Id", "")),
        type=NOTIFICATION,
        topic=arn,
        message=message,
        published=call.now,
        subject=request.get("Subject"),
        by_protocol=by_protocol,
        attributes={name: _kept(one) for name, one in (request.get("MessageAttributes") or {}).items()},
    )


def _message_id(call: Call, arn: str, entry: str) -> str:
    """The same for each attempt that a client makes at a call: the message of one whose answer was lost is known
    again, here while it is on its way and by receivers after that.
    """
    if not call.attempt.call_id:
        return str(uuid.uuid4())
    return str(uuid.uuid5(uuid.NAMESPACE_URL, "\n".join((arn, call.access_key_id, call.attempt.call_id, entry))))


def _kept(attribute: Mapping[str, Any]) -> dict[str, str]:
    if "BinaryValue" in attribute:
        value = base64.b64encode(attribute["BinaryValue"]).decode()
        return {"DataType": attribute["DataType"], "BinaryValue": value}
    return {"DataType": attribute["DataType"], "StringValue": attribute["StringValue"]}


def _require_batch(entries: Sequence[Mapping[str, Any]]) -> None:
    if not entries:
        raise AwsError("EmptyBatchRequestException", "The batch request doesn't contain any entries.")
    if len(entries) > MOST_ENTRIES:
        raise AwsError(
            "TooManyEntriesInBatchRequestException", "The batch request contains more entries than permissible."
        )
    ids = [entry["Id"] for entry in entries]
    if not all(_ENTRY_ID.fullmatch(id) for id in ids):
        raise AwsError(
            "InvalidBatchEntryIdException",
            "The Id of a batch entry in a batch request doesn't abide by the specification.",
        )
    if len(set(ids)) < len(ids):
        raise AwsError(
            "BatchEntryIdsNotDistinctException", "Two or more batch entries in the request have the same Id."
        )
    if sum(map(_size, entries)) > LARGEST:
        raise AwsError(
            "BatchRequestTooLongException",
            "The length of all the batch messages put together is more than the limit.",
        )


def _require_structure(request: Mapping[str, Any]) -> None:
    """What one bad entry has a whole batch refused for. Raises AwsError."""
    if request.get("MessageStructure", "json") != "json":
        raise invalid("MessageStructure")
    if "MessageStructure" in request:
        try:
            messages = json.loads(request["Message"])
        except (ValueError, RecursionError) as error:
            raise invalid("Message Structure - JSON message body failed to parse") from error
        if not isinstance(messages, dict) or not isinstance(messages.get("default"), str):
            raise invalid("Message Structure - No default entry in JSON message body")
    if "MessageDeduplicationId" in request:
        raise invalid(
            "MessageDeduplicationId",
            "The request includes MessageDeduplicationId parameter that is not valid for this topic type",
        )
    for name, attribute in (request.get("MessageAttributes") or {}).items():
        _require_name(name)
        _require_attribute(name, attribute)


def _require_sendable(request: Mapping[str, Any]) -> None:
    if not request["Message"]:
        raise invalid("Empty message")
    if _size(request) > LARGEST:
        raise invalid("Message too long")
    if "Subject" in request and not _SUBJECT.fullmatch(request["Subject"]):
        raise invalid("Subject")


def _size(request: Mapping[str, Any]) -> int:
    size = len(request["Message"].encode())
    for name, attribute in (request.get("MessageAttributes") or {}).items():
        size += len(name.encode()) + len(attribute["DataType"].encode())
        size += len(attribute.get("BinaryValue", b"")) + len(attribute.get("StringValue", "").encode())
    return size


def _require_name(name: str) -> None:
    if len(name) > LONGEST_NAME:
        raise _invalid_value(f"Length of message attribute name must be less than {LONGEST_NAME} bytes.")
    if _ATTRIBUTE_NAME.fullmatch(name):
        return
    if name.startswith("."):
        raise _invalid_value("Invalid message attribute name starting with character '.' was found.")
    if name.endswith("."):
        raise _invalid_value("Invalid message attribute name ending with character '.' was found.")
    if ".." in name:
        raise _invalid_value("Message attribute name can not have successive '.' character.")
    odd = next((one for one in name if not _ATTRIBUTE_NAME.fullmatch(one) and one != "."), "")
    raise _invalid_value(
        f"Invalid non-alphanumeric character '#x{ord(odd) if odd else 0:X}' was found in the message attribute name. "
        "Can only include alphanumeric characters, hyphens, underscores, or dots."
    )


def _require_attribute(name: str, attribute: Mapping[str, Any]) -> None:
    kind = attribute["DataType"]
    if not _TYPE.fullmatch(kind):
        raise _invalid_value(
            f"The message attribute '{name}' has an invalid message attribute type, the set of supported type "
            "prefixes is Binary, Number, and String."
        )
    field = "Binary" if kind.startswith("Binary") else "String"
    other = "String" if field == "Binary" else "Binary"
    value = attribute.get(f"{field}Value")
    if value is None and f"{other}Value" in attribute:
        raise _invalid_value(f"The message attribute '{name}' with type '{kind}' must use field '{field}'.")
    if not value:
        raise _invalid_value(
            f"The message attribute '{name}' must contain non-empty message attribute value for message attribute "
            f"type '{kind}'."
        )
    if kind.startswith("Number") and not _NUMBER.fullmatch(value):
        raise _invalid_value(f"Could not cast message attribute '{name}' value to number.")


def _invalid_value(message: str) -> AwsError:
    return AwsError("InvalidParameterValueException", message)
