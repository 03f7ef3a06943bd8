"""What of a subscription can be set."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from epochwatch.model.aws_error import AwsError
from epochwatch.model.sns import filter_policy
from epochwatch.model.sns.filter_policy import ATTRIBUTES, BODY, InvalidPolicy, NestedPolicy
from epochwatch.model.sns.notification import Notification
from epochwatch.model.sns.retries import (
    InvalidDeliveryPolicy,
    effective_subscription_policy,
    parse_subscription_policy,
)
from epochwatch.services.call import Call
from epochwatch.services.sns.arns import split_arn
from epochwatch.services.sns.endpoints import HTTP, shown
from epochwatch.services.sns.errors import invalid, no_subscription
from epochwatch.store.state.topics import CANCELLED, CONFIRMED, Subscription

_Refuse = Callable[[str], AwsError]
SCOPE: Final = "FilterPolicyScope"
SETTABLE: Final = ("DeliveryPolicy", "FilterPolicy", SCOPE, "RawMessageDelivery", "RedrivePolicy")


def get_subscription_attributes(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """GetSubscriptionAttributes: what was set of a subscription, and what is known of it."""
    subscription = subscription_of(call, request["SubscriptionArn"])
    own = subscription.attributes
    attributes = {
        "SubscriptionArn": subscription.arn,
        "TopicArn": subscription.topic_arn,
        "Owner": call.tenant.account,
        "Protocol": subscription.protocol,
        "Endpoint": shown(subscription.endpoint),
        "ConfirmationWasAuthenticated": _word(subscription.authenticated),
        "PendingConfirmation": _word(subscription.state != CONFIRMED),
        "RawMessageDelivery": "false",
        "SubscriptionPrincipal": f"arn:aws:iam::{call.tenant.account}:root",
        **({SCOPE: ATTRIBUTES} if "FilterPolicy" in own else {}),
        **{name: value for name, value in own.items() if name != SCOPE or "FilterPolicy" in own},
    }
    if subscription.protocol in HTTP:
        topic = call.stores.state.topics.topic(call.tenant, subscription.topic)
        general = topic.attributes.get("DeliveryPolicy", "{}") if topic else "{}"
        policy = effective_subscription_policy(json.loads(general), json.loads(own.get("DeliveryPolicy", "{}")))
        attributes["EffectiveDeliveryPolicy"] = json.dumps(policy, separators=(",", ":"))
    return {"Attributes": attributes}


def set_subscription_attributes(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """SetSubscriptionAttributes: sets one attribute; with an empty value it is as if it had not been set."""
    name, value = request["AttributeName"], request.get("AttributeValue", "")

    def change(known: Subscription) -> tuple[Subscription, Notification | None]:
        kept = {key: old for key, old in known.attributes.items() if key != name}
        wanted = kept | ({name: value} if value or name == "RawMessageDelivery" else {})
        return replace(known, attributes=checked(known.protocol, wanted, invalid)), None

    if name not in SETTABLE:
        raise invalid("AttributeName")
    found = subscription_of(call, request["SubscriptionArn"])
    if call.stores.state.topics.change_subscription(call.tenant, found.id, change) is None:
        raise no_subscription()
    return {}


def subscription_of(call: Call, arn: str) -> Subscription:
    """The subscription of that ARN. Raises AwsError."""
    name, _, id = split_arn(arn, "SubscriptionArn")[5].rpartition(":")
    if not name:
        raise invalid("SubscriptionArn", "An ARN must have at least 7 elements")
    found = call.stores.state.topics.subscription(call.tenant, id)
    if found is None or found.arn != arn or found.state == CANCELLED:
        raise no_subscription()
    return found


def checked(protocol: str, attributes: Mapping[str, str], refuse: _Refuse) -> dict[str, str]:
    """Attributes as they are kept. Raises AwsError, made by ``refuse`` of the reason."""
    kept: dict[str, str] = {}
    for name, value in attributes.items():
        if name not in SETTABLE:
            raise invalid("AttributeName")
        kept[name] = _CHECKS[name](protocol, value, refuse)
    if "FilterPolicy" in kept:
        _check_filter(kept["FilterPolicy"], kept.get(SCOPE, ATTRIBUTES), refuse)
    return kept


def _check_filter(policy: str, scope: str, refuse: _Refuse) -> None:
    try:
        filter_policy.parse(policy, scope)
    except NestedPolicy as error:
        raise invalid(f"Filter policy scope {ATTRIBUTES} does not support nested filter policy") from error
    except InvalidPolicy as error:
        raise refuse(f"FilterPolicy: {error}") from error


def _as_is(_: str, value: str, __: _Refuse) -> str:
    return value


def _scope(_: str, value: str, refuse: _Refuse) -> str:
    if value not in (ATTRIBUTES, BODY):
        raise refuse(f"{SCOPE}: Invalid value [{value}]. Please use either {BODY} or {ATTRIBUTES}")
    return value


def _raw(protocol: str, value: str, refuse: _Refuse) -> str:
    if value.lower() not in ("true", "false"):
        raise refuse(f"RawMessageDelivery: Invalid value [{value}]. Must be true or false.")
    if value.lower() == "true" and protocol not in HTTP:
        raise refuse(f"Delivery protocol [{protocol}] does not support raw message delivery.")
    return value.lower()


def _delivery_policy(_: str, value: str, refuse: _Refuse) -> str:
    try:
        return json.dumps(parse_subscription_policy(value), separators=(",", ":"))
    except InvalidDeliveryPolicy as error:
        raise refuse(f"DeliveryPolicy: {error}") from error


def _redrive_policy(_: str, value: str, refuse: _Refuse) -> str:
    try:
        policy = json.loads(value)
    except ValueError as error:
        raise refuse("RedrivePolicy: failed to parse JSON.") from error
    queue = policy.get("deadLetterTargetArn") if isinstance(policy, dict) else None
    if not isinstance(queue, str) or not queue.startswith("arn:") or queue.count(":") != 5 or ":sqs:" not in queue:
        raise refuse("RedrivePolicy: deadLetterTargetArn is an invalid arn")
    return value


_CHECKS: Final[Mapping[str, Callable[[str, str, _Refuse], str]]] = {
    "DeliveryPolicy": _delivery_policy,
    "FilterPolicy": _as_is,
    SCOPE: _scope,
    "RawMessageDelivery": _raw,
    "RedrivePolicy": _redrive_policy,
}


def _word(value: bool) -> str:
    return "true" if value else "false"
