"""What subscribers get: documents in SNS's form, what of them is signed, and plain text for people."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlencode

NOTIFICATION: Final = "Notification"
SUBSCRIPTION: Final = "SubscriptionConfirmation"
CANCELLATION: Final = "UnsubscribeConfirmation"
_SIGNED: Final = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
_SIGNED_CONFIRMATION: Final = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")


@dataclass(frozen=True, slots=True)
class Notification:
    """A message of a topic on its way to subscribers."""

    id: str
    type: str
    topic: str
    """Its ARN."""
    message: str
    published: float
    """Unix seconds."""
    subject: str | None = None
    by_protocol: Mapping[str, str] = field(default_factory=dict)
    """Messages of their own for some protocols."""
    attributes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """``DataType`` and ``StringValue``, or ``BinaryValue`` in base64, by name."""
    token: str = ""
    """Of a confirmation: what confirms."""

    def message_for(self, protocol: str) -> str:
        """What subscribers by that protocol are told."""
        return self.by_protocol.get(protocol, self.message)


@dataclass(frozen=True, slots=True)
class Place:
    """Where the server's own pages for subscribers are: ``http://host:port/_/sns``."""

    url: str

    def confirm(self, notification: Notification, *, page: bool = False) -> str:
        """What a subscriber visits to confirm; a page for people, that asks them first, if wanted."""
        query = urlencode({"TopicArn": notification.topic, "Token": notification.token})
        return f"{self.url}/{'pages/' if page else ''}confirm?{query}"

    def unsubscribe(self, subscription_arn: str, *, page: bool = False) -> str:
        """What a subscriber visits to be left alone; a page for people, that asks them first, if wanted."""
        query = urlencode({"SubscriptionArn": subscription_arn})
        return f"{self.url}/{'pages/' if page else ''}unsubscribe?{query}"

    def certificate(self, name: str) -> str:
        """Where the certificate is of that name."""
        return f"{self.url}/{name}"


def document(notification: Notification, protocol: str, subscription_arn: str, place: Place) -> dict[str, Any]:
    """The message in SNS's form, not yet signed."""
    told: dict[str, Any] = {"Type": notification.type, "MessageId": notification.id}
    if notification.type != NOTIFICATION:
        told["Token"] = notification.token
    told["TopicArn"] = notification.topic
    if notification.subject is not None:
        told["Subject"] = notification.subject
    told["Message"] = notification.message_for(protocol)
    if notification.type == NOTIFICATION:
        told["Timestamp"] = _moment(notification.published)
        told["UnsubscribeURL"] = place.unsubscribe(subscription_arn)
        if notification.attributes:
            told["MessageAttributes"] = {name: _attribute(one) for name, one in notification.attributes.items()}
    else:
        told["SubscribeURL"] = place.confirm(notification)
        told["Timestamp"] = _moment(notification.published)
    return told


def text_to_sign(document: Mapping[str, Any]) -> bytes:
    """The members that the signature covers, each name and each value on a line of its own, by name."""
    names = _SIGNED if document["Type"] == NOTIFICATION else _SIGNED_CONFIRMATION
    return "".join(f"{name}\n{document[name]}\n" for name in names if name in document).encode()


def signed(document: Mapping[str, Any], version: str, signature: bytes, certificate_url: str) -> str:
    """The document with its signature, as it is sent."""
    told: dict[str, Any] = {}
    for name, value in document.items():
        told[name] = value
        if name == "Timestamp":
            told["SignatureVersion"] = version
            told["Signature"] = base64.b64encode(signature).decode()
            told["SigningCertURL"] = certificate_url
    return json.dumps(told, indent=2, separators=(",", " : "), ensure_ascii=False)


def mail_subject(notification: Notification) -> str:
    """What stands in a mail's subject line."""
    if notification.type == SUBSCRIPTION:
        return "Confirm your subscription"
    if notification.type == CANCELLATION:
        return "Your subscription has ended"
    return notification.subject or "Notification"


def mail_text(notification: Notification, subscription_arn: str, place: Place) -> str:
    """A mail for people. Its links lead to pages that ask first: programs that look at mail follow links."""
    topic = notification.topic
    if notification.type == SUBSCRIPTION:
        link = place.confirm(notification, page=True)
        return (
            f"Notifications of the topic\n{topic}\nare to be sent to this address.\n\n"
            f"To get them, visit:\n{link}\n\nIf you did not ask for this, ignore this mail: nothing more will come.\n"
        )
    if notification.type == CANCELLATION:
        link = place.confirm(notification, page=True)
        return (
            f"You get no more notifications of the topic\n{topic}\n\n"
            f"If that was a mistake, visit this to have them again:\n{link}\n"
        )
    link = place.unsubscribe(subscription_arn, page=True)
    return (
        f"{notification.message_for('email')}\n\n--\nTo get no more notifications of this topic, visit:\n{link}\n"
    )


def confirmation_message(type: str, topic: str, subscription_arn: str) -> str:
    """The ``Message`` of a confirmation."""
    if type == SUBSCRIPTION:
        return (
            f"You have chosen to subscribe to the topic {topic}.\n"
            "To confirm the subscription, visit the SubscribeURL included in this message."
        )
    return (
        f"You have chosen to deactivate subscription {subscription_arn}.\n"
        "To cancel this operation and restore the subscription, visit the SubscribeURL included in this message."
    )


def _moment(seconds: float) -> str:
    text = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def _attribute(attribute: Mapping[str, str]) -> dict[str, str]:
    return {
        "Type": attribute["DataType"],
        "Value": attribute.get("StringValue") or attribute.get("BinaryValue", ""),
    }
