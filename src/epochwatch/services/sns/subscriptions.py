"""Subscriptions: asked for, confirmed, ended, listed."""

import re
import secrets
import uuid
from dataclasses import replace
from typing import Any, Final

from epochwatch.model.aws_error import AwsError
from epochwatch.model.sns.notification import CANCELLATION, SUBSCRIPTION, Notification, confirmation_message
from epochwatch.services.call import Call
from epochwatch.services.sns.arns import split_arn, topic_name
from epochwatch.services.sns.endpoints import MAIL, needs_confirmation, require_endpoint, shown
from epochwatch.services.sns.errors import invalid, no_topic
from epochwatch.services.sns.subscription_attributes import checked
from epochwatch.services.sns.topics import PAGE, resume, topic_of
from epochwatch.services.tokens import seal
from epochwatch.store.state.topics import CANCELLED, CONFIRMED, PENDING, Subscription

TOKEN_SECONDS: Final = 2 * 86_400
"""How long a token confirms."""
UNCONFIRMED: Final = "PendingConfirmation"
_TOKEN: Final = re.compile(r"[0-9a-f]{64,512}")
_TOKEN_BYTES: Final = 64
_Made = tuple[Subscription, Notification | None]


def subscribe(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Subscribe: asks an endpoint whether it wants a topic's messages. One that is asked already is asked again."""
    name = topic_name(call, request["TopicArn"], "TopicArn")
    protocol, endpoint = request["Protocol"], request.get("Endpoint", "")
    require_endpoint(protocol, endpoint)
    if protocol in MAIL and not call.sends_mail:
        raise invalid(
            "Protocol", f"this server sends no mail, so nothing by {protocol}, until its smtp_host is set"
        )
    given = request.get("Attributes") or {}
    attributes = checked(protocol, given, lambda reason: invalid("Attributes", reason))

    def make(known: Subscription | None) -> _Made:
        if known is None or known.state == CANCELLED:
            id = str(uuid.uuid4()) if known is None else known.id
            new = Subscription(call.tenant, name, id, protocol, endpoint, PENDING, "", call.now, attributes)
            return _asked(call, new) if needs_confirmation(protocol) else (_confirmed(new), None)
        if given and dict(known.attributes) != attributes:
            raise invalid("Attributes", "Subscription already exists with different attributes")
        return _asked(call, known) if known.state == PENDING else (known, None)

    made = call.stores.state.topics.subscribe(call.tenant, name, protocol, endpoint, make)
    if made is None:
        raise no_topic()
    told = made.state == CONFIRMED or request.get("ReturnSubscriptionArn")
    return {"SubscriptionArn": made.arn if told else "pending confirmation"}


def confirm_subscription(call: Call, request: dict[str, Any], *, authenticated: bool = True) -> dict[str, Any]:
    """ConfirmSubscription: the endpoint wants the messages, as the token shows that it was sent. Whoever visits the
    link is not ``authenticated``.
    """
    name = topic_name(call, request["TopicArn"], "TopicArn")
    token = request["Token"]
    guard = request.get("AuthenticateOnUnsubscribe", "false").lower()
    if guard not in ("true", "false"):
        raise invalid("AuthenticateOnUnsubscribe")
    if not _TOKEN.fullmatch(token):
        raise AwsError("InvalidParameterException", "Invalid token")
    found = call.stores.state.topics.awaiting(call.tenant, name, token)
    if found is None or found.token_made < call.now - TOKEN_SECONDS:
        raise invalid("Token")

    def change(known: Subscription) -> _Made:
        guarded = known.guarded or (authenticated and guard == "true")
        return replace(
            _confirmed(known), authenticated=known.authenticated or authenticated, guarded=guarded
        ), None

    if call.stores.state.topics.change_subscription(call.tenant, found.id, change) is None:
        raise invalid("Token")
    return {"SubscriptionArn": found.arn}


def unsubscribe(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Unsubscribe: ends a subscription; one that is not there is no error."""
    found = _ended(call, request["SubscriptionArn"])
    if found is not None:
        call.stores.state.topics.delete_subscription(call.tenant, found.id)
    return {}


def unsubscribe_by_link(call: Call, arn: str) -> None:
    """Ends a subscription as whoever has the link may; the endpoint is told, with a token that brings it back. Raises
    AwsError.
    """
    found = _ended(call, arn)
    if found is None or found.state != CONFIRMED:
        return
    if found.guarded:
        raise AwsError("AuthorizationErrorException", "Only a signed request may end this subscription.")

    def change(known: Subscription) -> _Made:
        asked, notification = _asked(call, known, CANCELLATION)
        return replace(asked, state=CANCELLED), notification

    call.stores.state.topics.change_subscription(call.tenant, found.id, change)


def list_subscriptions(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """ListSubscriptions: a page of a hundred subscriptions, by topic."""
    return _page(call, None, request.get("NextToken"))


def list_subscriptions_by_topic(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """ListSubscriptionsByTopic: a page of a hundred subscriptions to a topic."""
    return _page(call, topic_of(call, request["TopicArn"]).name, request.get("NextToken"))


def _page(call: Call, topic: str | None, token: str | None) -> dict[str, Any]:
    bound = {"Topic": topic}
    after = resume(bound, token, ("", ""))
    found = call.stores.state.topics.subscriptions(call.tenant, topic, tuple(after), PAGE + 1)
    answer: dict[str, Any] = {"Subscriptions": [_described(one) for one in found[:PAGE]]}
    last = found[PAGE - 1] if len(found) > PAGE else None
    return answer | ({"NextToken": seal(bound, [last.topic, last.id])} if last else {})


def _described(subscription: Subscription) -> dict[str, str]:
    return {
        "SubscriptionArn": subscription.arn if subscription.state == CONFIRMED else UNCONFIRMED,
        "Owner": subscription.tenant.account,
        "Protocol": subscription.protocol,
        "Endpoint": shown(subscription.endpoint),
        "TopicArn": subscription.topic_arn,
    }


def _asked(call: Call, subscription: Subscription, type: str = SUBSCRIPTION) -> _Made:
    """The subscription with a new token, and the message that brings it to the endpoint."""
    asked = replace(subscription, token=secrets.token_hex(_TOKEN_BYTES), token_made=call.now)
    text = confirmation_message(type, asked.topic_arn, asked.arn)
    id = str(uuid.uuid4())
    return asked, Notification(id, type, asked.topic_arn, text, call.now, token=asked.token)


def _confirmed(subscription: Subscription) -> Subscription:
    return replace(subscription, state=CONFIRMED)


def _ended(call: Call, arn: str) -> Subscription | None:
    """The subscription that is to end; None where there is none of that ARN. Raises AwsError."""
    topic, _, id = split_arn(arn, "SubscriptionArn")[5].rpartition(":")
    if not topic:
        raise invalid("SubscriptionArn")
    found = call.stores.state.topics.subscription(call.tenant, id)
    return found if found is not None and found.arn == arn else None
