"""Delivery policies: when a message that could not be delivered is tried again."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

LONGEST_DELAY: Final = 3600
MOST_RETRIES: Final = 100
BACKOFFS: Final = ("linear", "arithmetic", "geometric", "exponential")
HTTP_DEFAULT: Final[dict[str, Any]] = {
    "minDelayTarget": 20,
    "maxDelayTarget": 20,
    "numRetries": 3,
    "numMaxDelayRetries": 0,
    "numNoDelayRetries": 0,
    "numMinDelayRetries": 0,
    "backoffFunction": "linear",
}
MAIL_DEFAULT: Final[dict[str, Any]] = HTTP_DEFAULT | {
    "minDelayTarget": 10,
    "maxDelayTarget": 600,
    "numRetries": 50,
    "numMaxDelayRetries": 38,
    "numMinDelayRetries": 2,
    "backoffFunction": "exponential",
}
"""What SNS does for mail: fifty attempts in more than six hours."""
CONTENT_TYPE: Final = "text/plain; charset=UTF-8"
_CONTENT_TYPES: Final = (
    "text/plain",
    "text/css",
    "text/csv",
    "text/html",
    "text/xml",
    "application/atom+xml",
    "application/json",
    "application/octet-stream",
    "application/soap+xml",
    "application/x-www-form-urlencoded",
    "application/xhtml+xml",
    "application/xml",
)
_THROTTLE: Final = "maxReceivesPerSecond"


class InvalidDeliveryPolicy(Exception):
    """A delivery policy that cannot be; the message says why."""


@dataclass(frozen=True, slots=True)
class Retries:
    """In four phases: at once, after the shortest pause, after growing ones, after the longest. Seconds."""

    at_once: int
    after_shortest: int
    growing: int
    after_longest: int
    shortest: float
    longest: float
    function: str

    @classmethod
    def of(cls, policy: Mapping[str, Any]) -> "Retries":
        """By a healthyRetryPolicy."""
        policy = {**HTTP_DEFAULT, **policy}
        at_once, shortest, longest = (policy[f"num{one}Retries"] for one in ("NoDelay", "MinDelay", "MaxDelay"))
        return cls(
            at_once=at_once,
            after_shortest=shortest,
            growing=policy["numRetries"] - at_once - shortest - longest,
            after_longest=longest,
            shortest=policy["minDelayTarget"],
            longest=policy["maxDelayTarget"],
            function=policy["backoffFunction"],
        )

    def pause(self, attempts: int) -> float | None:
        """Seconds to wait after that many attempts, at least one; None where no other is to be made."""
        number = attempts - 1
        for count, delay in (
            (self.at_once, lambda _: 0.0),
            (self.after_shortest, lambda _: self.shortest),
            (self.growing, self._grown),
            (self.after_longest, lambda _: self.longest),
        ):
            if number < count:
                return float(delay(number))
            number -= count
        return None

    def _grown(self, number: int) -> float:
        """The pause before a retry of the growing phase, the first being number 0."""
        part = 1.0 if self.growing == 1 else number / (self.growing - 1)
        shortest, span = max(self.shortest, 1), self.longest - self.shortest
        if self.function == "arithmetic":
            part = part * (part + 1) / 2
        elif self.function == "geometric":
            part = part * part
        elif self.function == "exponential":
            return min(self.longest, shortest * math.pow(self.longest / shortest, part))
        return self.shortest + span * part


def parse_topic_policy(text: str) -> dict[str, Any]:
    """A topic's DeliveryPolicy. Raises InvalidDeliveryPolicy."""
    policy = _document(text)
    _known(policy, ("http",), "")
    http = _member(policy, "http")
    _known(
        http,
        (
            "defaultHealthyRetryPolicy", "disableSubscriptionOverrides", "defaultThrottlePolicy",
            "defaultRequestPolicy",
        ),
        "http.",
    )  # fmt: skip
    if not isinstance(http.get("disableSubscriptionOverrides", False), bool):
        raise InvalidDeliveryPolicy("http.disableSubscriptionOverrides must be true or false")
    _check_retries(_member(http, "defaultHealthyRetryPolicy"))
    _check_throttle(_member(http, "defaultThrottlePolicy"))
    _check_request(_member(http, "defaultRequestPolicy"))
    return policy


def parse_subscription_policy(text: str) -> dict[str, Any]:
    """A subscription's DeliveryPolicy. Raises InvalidDeliveryPolicy."""
    policy = _document(text)
    _known(policy, ("healthyRetryPolicy", "sicklyRetryPolicy", "throttlePolicy", "requestPolicy"), "")
    for name in ("healthyRetryPolicy", "sicklyRetryPolicy"):
        _check_retries(_member(policy, name))
    _check_throttle(_member(policy, "throttlePolicy"))
    _check_request(_member(policy, "requestPolicy"))
    return policy


def effective_topic_policy(policy: Mapping[str, Any]) -> dict[str, Any]:
    """The topic's policy with all defaults."""
    http = policy.get("http") or {}
    effective = {
        "defaultHealthyRetryPolicy": HTTP_DEFAULT | (http.get("defaultHealthyRetryPolicy") or {}),
        "disableSubscriptionOverrides": http.get("disableSubscriptionOverrides", False),
        "defaultRequestPolicy": {"headerContentType": CONTENT_TYPE} | (http.get("defaultRequestPolicy") or {}),
    }
    if http.get("defaultThrottlePolicy"):
        effective["defaultThrottlePolicy"] = http["defaultThrottlePolicy"]
    return {"http": effective}


def effective_subscription_policy(topic: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """What holds for a subscription by http(s): its own policy, unless the topic's forbids that, then the topic's."""
    http = effective_topic_policy(topic)["http"]
    if http["disableSubscriptionOverrides"]:
        own = {}
    own_retries = own.get("healthyRetryPolicy")
    return {
        "healthyRetryPolicy": HTTP_DEFAULT | own_retries if own_retries else http["defaultHealthyRetryPolicy"],
        "sicklyRetryPolicy": own.get("sicklyRetryPolicy"),
        "throttlePolicy": own.get("throttlePolicy") or http.get("defaultThrottlePolicy"),
        "requestPolicy": http["defaultRequestPolicy"] | (own.get("requestPolicy") or {}),
        "guaranteed": False,
    }


def _document(text: str) -> dict[str, Any]:
    try:
        policy = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidDeliveryPolicy("failed to parse JSON.") from error
    if not isinstance(policy, dict):
        raise InvalidDeliveryPolicy("it must be a JSON object")
    return policy


def _member(policy: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = policy.get(name)
    if value is not None and not isinstance(value, dict):
        raise InvalidDeliveryPolicy(f"{name} must be a JSON object")
    return value or {}


def _known(policy: Mapping[str, Any], names: tuple[str, ...], place: str) -> None:
    for name in policy:
        if name not in names:
            raise InvalidDeliveryPolicy(f"Unexpected JSON member: {place}{name}")


def _check_retries(policy: Mapping[str, Any]) -> None:
    _known(policy, tuple(HTTP_DEFAULT), "")
    if not policy:
        return
    for name, value in policy.items():
        if name == "backoffFunction":
            if value not in BACKOFFS:
                raise InvalidDeliveryPolicy(f"backoffFunction must be one of {', '.join(BACKOFFS)}")
        elif not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise InvalidDeliveryPolicy(f"{name} must be a whole number that is not negative")
    whole = {**HTTP_DEFAULT, **policy}
    if not 1 <= whole["minDelayTarget"] <= whole["maxDelayTarget"] <= LONGEST_DELAY:
        raise InvalidDeliveryPolicy(
            f"minDelayTarget must be from 1 to maxDelayTarget, and that at most {LONGEST_DELAY} seconds"
        )
    if whole["numRetries"] > MOST_RETRIES:
        raise InvalidDeliveryPolicy(f"numRetries must be from 0 to {MOST_RETRIES}")
    if Retries.of(policy).growing < 0:
        raise InvalidDeliveryPolicy(
            "numRetries must be at least the sum of numNoDelayRetries, numMinDelayRetries and numMaxDelayRetries"
        )


def _check_throttle(policy: Mapping[str, Any]) -> None:
    _known(policy, (_THROTTLE,), "")
    most = policy.get(_THROTTLE, 1)
    if most is not None and (not isinstance(most, int) or isinstance(most, bool) or most < 1):
        raise InvalidDeliveryPolicy(f"{_THROTTLE} must be a whole number of at least 1")


def _check_request(policy: Mapping[str, Any]) -> None:
    _known(policy, ("headerContentType",), "")
    given = policy.get("headerContentType", CONTENT_TYPE)
    if not isinstance(given, str) or given.partition(";")[0].strip().lower() not in _CONTENT_TYPES:
        raise InvalidDeliveryPolicy("headerContentType is not supported")
    if not given.isprintable() or not given.isascii():
        raise InvalidDeliveryPolicy("headerContentType is not supported")
