"""Takes messages from the outbox and brings them to their subscribers."""

import json
import logging
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from epochwatch.delivery import apprise, http_post, mail
from epochwatch.delivery.due_work import DueWork, Task
from epochwatch.delivery.errors import FailedError, RefusedError
from epochwatch.delivery.mail import Letter, MailServer
from epochwatch.delivery.signing import Signer
from epochwatch.model.sns.destinations import Destinations
from epochwatch.model.sns.notification import (
    NOTIFICATION,
    SUBSCRIPTION,
    Place,
    document,
    mail_subject,
    mail_text,
    signed,
    text_to_sign,
)
from epochwatch.model.sns.retries import MAIL_DEFAULT, Retries, effective_subscription_policy
from epochwatch.services.sns.endpoints import APPRISE, HTTP
from epochwatch.services.sns.subscriptions import TOKEN_SECONDS
from epochwatch.store.state import StateStore
from epochwatch.store.state.deliveries import Delivery
from epochwatch.store.state.topics import Subscription, Topic

logger = logging.getLogger(__name__)

DUTY: Final = "deliveries"
AGENT: Final = "epochwatch (Simple Notification Service)"


@dataclass(frozen=True, slots=True)
class Means:
    """By what messages are delivered."""

    place: Place
    destinations: str
    """As Destinations.parse takes it."""
    mail_server: MailServer | None


class Deliverer:
    """Delivers what is due in threads of its own, until it is stopped."""

    def __init__(
        self, state: StateStore, means: Means, signer: Signer, clock: Callable[[], float] = time.time
    ) -> None:
        self._state = state
        self._means = means
        self._signer = signer
        self._clock = clock
        self._destinations = Destinations.parse(means.destinations)
        outbox = state.topics.deliveries
        self._work = DueWork(state, DUTY, self.due, added=outbox.added, each_term=self._tidy, clock=clock)

    def start(self) -> None:
        """Begin."""
        self._work.start()

    def stop(self) -> None:
        """End; what is under way has a moment to finish."""
        self._work.stop()

    def due(self, now: float, busy: Collection[str], limit: int) -> Sequence[Task]:
        """What is to be delivered by now (Unix seconds), but for the subscriptions that are ``busy``."""
        due = self._state.topics.deliveries.due(now, busy, limit) if limit > 0 else []
        return [Task(one.subscription, partial(self._deliver, one)) for one in due]

    def _tidy(self, now: float) -> None:
        self._state.topics.expire(now - TOKEN_SECONDS)

    def _deliver(self, delivery: Delivery) -> None:
        outbox = self._state.topics.deliveries
        subscription = self._state.topics.subscription(delivery.tenant, delivery.subscription)
        topic = None if subscription is None else self._state.topics.topic(delivery.tenant, subscription.topic)
        if subscription is None or topic is None:  # ended meanwhile
            outbox.done(delivery)
            return
        own, general = (json.loads(one.attributes.get("DeliveryPolicy", "{}")) for one in (subscription, topic))
        policy = effective_subscription_policy(general, own)
        began = time.monotonic()
        try:
            self._bring(delivery, subscription, topic, policy["requestPolicy"]["headerContentType"])
        except RefusedError as error:
            self._give_up(delivery, subscription, str(error))
        except Exception as error:
            if not isinstance(error, FailedError):
                logger.exception("%s: delivery failed", subscription.arn)
            retries = Retries.of(policy["healthyRetryPolicy"] if subscription.protocol in HTTP else MAIL_DEFAULT)
            self._again(delivery, subscription, retries.pause(delivery.attempts + 1), str(error))
        else:
            outbox.done(delivery)
        most = (policy["throttlePolicy"] or {}).get("maxReceivesPerSecond")
        if most and subscription.protocol in HTTP:  # the next has to wait until this task is over
            time.sleep(max(0.0, 1 / most - (time.monotonic() - began)))

    def _again(self, delivery: Delivery, subscription: Subscription, pause: float | None, why: str) -> None:
        if pause is None:
            self._give_up(delivery, subscription, why)
        else:
            logger.warning("%s: not delivered, again in %g s: %s", subscription.arn, pause, why)
            self._state.topics.deliveries.later(delivery, self._clock() + pause)

    def _give_up(self, delivery: Delivery, subscription: Subscription, why: str) -> None:
        logger.error(
            "%s: the message %s is not delivered, and not tried again: %s",
            subscription.arn, delivery.notification.id, why,
        )  # fmt: skip
        self._state.topics.deliveries.done(delivery)

    def _bring(self, delivery: Delivery, subscription: Subscription, topic: Topic, content_type: str) -> None:
        if subscription.protocol in HTTP:
            self._post(delivery, subscription, topic, content_type)
        elif subscription.protocol == APPRISE:
            notification = delivery.notification
            text = notification.by_protocol.get(APPRISE) or notification.message_for("email")
            apprise.notify(subscription.endpoint, mail_subject(notification), text, self._means.destinations)
        else:
            self._mail(delivery, subscription, topic)

    def _post(self, delivery: Delivery, subscription: Subscription, topic: Topic, content_type: str) -> None:
        notification = delivery.notification
        headers = {
            "Content-Type": content_type,
            "User-Agent": AGENT,
            "x-amz-sns-message-type": notification.type,
            "x-amz-sns-message-id": notification.id,
            "x-amz-sns-topic-arn": notification.topic,
        }
        if notification.type != SUBSCRIPTION:
            headers["x-amz-sns-subscription-arn"] = subscription.arn
        if notification.type == NOTIFICATION and subscription.attributes.get("RawMessageDelivery") == "true":
            headers["x-amz-sns-rawdelivery"] = "true"
            body = notification.message_for(subscription.protocol)
        else:
            body = self._document(delivery, subscription, topic)
        http_post.post(subscription.endpoint, headers, body.encode(), self._destinations)

    def _mail(self, delivery: Delivery, subscription: Subscription, topic: Topic) -> None:
        server = self._means.mail_server
        if server is None:
            raise FailedError("no mail server is set: set smtp_host")
        notification, place = delivery.notification, self._means.place
        # The confirmation is for people, also where they have programs read the rest.
        as_document = subscription.protocol == "email-json" and notification.type == NOTIFICATION
        text = (
            self._document(delivery, subscription, topic)
            if as_document
            else mail_text(notification, subscription.arn, place)
        )
        headers = {"X-Amz-Sns-Message-Id": notification.id, "Auto-Submitted": "auto-generated"}
        if notification.type == NOTIFICATION:
            headers["List-Unsubscribe"] = f"<{place.unsubscribe(subscription.arn, page=True)}>"
        letter = Letter(
            f"{notification.id}.{subscription.id}",
            subscription.endpoint,
            mail_subject(notification),
            text,
            topic.attributes.get("DisplayName", ""),
            headers,
            notification.published,
        )
        mail.send(server, letter)

    def _document(self, delivery: Delivery, subscription: Subscription, topic: Topic) -> str:
        """The message in SNS's form, signed."""
        version = topic.attributes.get("SignatureVersion", "1")
        told = document(delivery.notification, subscription.protocol, subscription.arn, self._means.place)
        signature = self._signer.sign(text_to_sign(told), version)
        return signed(told, version, signature, self._means.place.certificate(self._signer.certificate_name))
