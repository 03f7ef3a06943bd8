"""Topics and who has subscribed to them."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from epochwatch.model.sns.notification import Notification
from epochwatch.model.tenant import Tenant
from epochwatch.store.state.database import Database, owned, owner
from epochwatch.store.state.deliveries import DeliveryOutbox
from epochwatch.store.state.tables import SUBSCRIPTIONS, TOPICS

PENDING: Final = "pending"
CONFIRMED: Final = "confirmed"
CANCELLED: Final = "cancelled"
"""By a link that anybody may have followed: a token brings it back."""


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic as it is kept."""

    tenant: Tenant
    name: str
    attributes: Mapping[str, str]
    """Those that were set."""
    tags: Mapping[str, str]
    ended: int = 0
    """How many subscriptions to it have ended."""

    @property
    def arn(self) -> str:
        """The topic's ARN."""
        return self.tenant.arn("sns", self.name)


@dataclass(frozen=True, slots=True)
class Subscription:
    """A subscription as it is kept."""

    tenant: Tenant
    topic: str
    """The topic's name."""
    id: str
    protocol: str
    endpoint: str
    state: str
    token: str
    """What confirms it; from ``token_made`` (Unix seconds) on, for a time."""
    token_made: float
    attributes: Mapping[str, str]
    authenticated: bool = False
    """It was confirmed by a signed request."""
    guarded: bool = False
    """Only a signed request may end it."""

    @property
    def arn(self) -> str:
        """The subscription's ARN."""
        return f"{self.topic_arn}:{self.id}"

    @property
    def topic_arn(self) -> str:
        """Its topic's ARN."""
        return self.tenant.arn("sns", self.topic)


class TopicStore:
    """Topics and subscriptions of all tenants."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.deliveries = DeliveryOutbox(database)

    def put(self, tenant: Tenant, name: str, make: Callable[[Topic | None], Topic | None]) -> Topic | None:
        """Give a topic the form that ``make`` says, by the one there is of that name; None leaves all as it is."""
        with self._changing() as connection:
            row = connection.execute(sa.select(TOPICS).where(_named(tenant, name))).first()
            topic = make(None if row is None else _topic(row))
            if topic is None:
                return None
            values = {"attributes": json.dumps(topic.attributes), "tags": json.dumps(topic.tags)}
            if row is None:
                connection.execute(TOPICS.insert().values(**owner(tenant), name=name, ended=0, **values))
            else:
                connection.execute(TOPICS.update().where(_named(tenant, name)).values(**values))
        return topic

    def topic(self, tenant: Tenant, name: str) -> Topic | None:
        """The topic of that name; None if there is none."""
        with self._database.read() as connection:
            row = connection.execute(sa.select(TOPICS).where(_named(tenant, name))).first()
        return None if row is None else _topic(row)

    def topics(self, tenant: Tenant, after: str, limit: int) -> Sequence[Topic]:
        """Topics by the bytes of their names, those behind ``after``."""
        name = self._database.bytewise(TOPICS.c.name)
        query = sa.select(TOPICS).where(owned(TOPICS, tenant), name > after).order_by(name).limit(limit)
        with self._database.read() as connection:
            return [_topic(row) for row in connection.execute(query)]

    def delete_topic(self, tenant: Tenant, name: str) -> None:
        """Forget a topic, its subscriptions and what is still on its way to them."""
        own = owned(SUBSCRIPTIONS, tenant) & (SUBSCRIPTIONS.c.topic == name)
        with self._changing() as connection:
            for id in connection.execute(sa.select(SUBSCRIPTIONS.c.id).where(own)).scalars().all():
                self.deliveries.forget(connection, id)
            connection.execute(SUBSCRIPTIONS.delete().where(own))
            connection.execute(TOPICS.delete().where(_named(tenant, name)))

    def subscribe(
        self,
        tenant: Tenant,
        topic: str,
        protocol: str,
        endpoint: str,
        make: Callable[[Subscription | None], tuple[Subscription, Notification | None]],
    ) -> Subscription | None:
        """Give an endpoint's subscription the form that ``make`` says, by the one there is; with it goes the message,
        if there is one. None where there is no such topic.
        """
        same = (SUBSCRIPTIONS.c.topic == topic, SUBSCRIPTIONS.c.protocol == protocol)
        with self._changing() as connection:
            if connection.execute(sa.select(TOPICS.c.name).where(_named(tenant, topic))).first() is None:
                return None
            query = sa.select(SUBSCRIPTIONS).where(owned(SUBSCRIPTIONS, tenant), *same)
            row = connection.execute(query.where(SUBSCRIPTIONS.c.endpoint == endpoint)).first()
            known = None if row is None else _subscription(row)
            made, notification = make(known)
            self._write(connection, known, made, notification)
        return made

    def subscription(self, tenant: Tenant, id: str) -> Subscription | None:
        """The subscription of that id; None if there is none."""
        return self._found(_identified(tenant, id))

    def awaiting(self, tenant: Tenant, topic: str, token: str) -> Subscription | None:
        """The subscription to a topic that a token confirms; None if there is none."""
        columns = SUBSCRIPTIONS.c
        return self._found(owned(SUBSCRIPTIONS, tenant) & (columns.topic == topic) & (columns.token == token))

    def change_subscription(
        self, tenant: Tenant, id: str, change: Callable[[Subscription], tuple[Subscription, Notification | None]]
    ) -> Subscription | None:
        """Make of a subscription what ``change`` says; with it goes the message, if there is one. None if there is
        no such subscription.
        """
        with self._changing() as connection:
            row = connection.execute(sa.select(SUBSCRIPTIONS).where(_identified(tenant, id))).first()
            if row is None:
                return None
            known = _subscription(row)
            made, notification = change(known)
            self._write(connection, known, made, notification)
        return made

    def delete_subscription(self, tenant: Tenant, id: str) -> None:
        """Forget a subscription and what is still on its way to it."""
        with self._changing() as connection:
            row = connection.execute(sa.select(SUBSCRIPTIONS).where(_identified(tenant, id))).first()
            if row is not None:
                self.deliveries.forget(connection, id)
                connection.execute(SUBSCRIPTIONS.delete().where(_identified(tenant, id)))
                self._count_ended(connection, tenant, row.topic)

    def subscriptions(
        self, tenant: Tenant, topic: str | None, after: tuple[str, str], limit: int
    ) -> Sequence[Subscription]:
        """Subscriptions, of all topics or of one, by topic and id, those behind ``after``; none that are cancelled."""
        columns = SUBSCRIPTIONS.c
        place = (self._database.bytewise(columns.topic), self._database.bytewise(columns.id))
        conditions = [owned(SUBSCRIPTIONS, tenant), columns.state != CANCELLED]
        if topic is not None:
            conditions.append(columns.topic == topic)
        behind = (place[0] > after[0]) | ((place[0] == after[0]) & (place[1] > after[1]))
        query = sa.select(SUBSCRIPTIONS).where(*conditions, behind).order_by(*place).limit(limit)
        with self._database.read() as connection:
            return [_subscription(row) for row in connection.execute(query)]

    def counts(self, tenant: Tenant, topic: str) -> Mapping[str, int]:
        """How many subscriptions of a topic are in each state."""
        state = SUBSCRIPTIONS.c.state
        own = owned(SUBSCRIPTIONS, tenant) & (SUBSCRIPTIONS.c.topic == topic)
        query = sa.select(state, sa.func.count()).where(own).group_by(state)
        with self._database.read() as connection:
            return {row[0]: row[1] for row in connection.execute(query)}

    def publish(
        self,
        tenant: Tenant,
        topic: str,
        notifications: Sequence[Notification],
        wants: Callable[[Subscription, Notification], bool],
        now: float,
        connection: sa.Connection | None = None,
    ) -> bool:
        """Send messages to the confirmed subscriptions of a topic that want them; as part of a transaction where one
        is given. False where there is no such topic.
        """
        if connection is None:
            with self._database.begin() as own:
                return self.publish(tenant, topic, notifications, wants, now, own)
        if connection.execute(sa.select(TOPICS.c.name).where(_named(tenant, topic))).first() is None:
            return False
        confirmed = (SUBSCRIPTIONS.c.topic == topic) & (SUBSCRIPTIONS.c.state == CONFIRMED)
        query = sa.select(SUBSCRIPTIONS).where(owned(SUBSCRIPTIONS, tenant), confirmed)
        subscriptions = [_subscription(row) for row in connection.execute(query)]
        for notification in notifications:
            wanting = [one.id for one in subscriptions if wants(one, notification)]
            self.deliveries.add(connection, tenant, notification, wanting, now)
        return True

    def expire(self, before: float) -> None:
        """Forget subscriptions that nobody has confirmed, or brought back, since then (Unix seconds)."""
        columns = SUBSCRIPTIONS.c
        query = sa.select(SUBSCRIPTIONS).where(columns.state != CONFIRMED, columns.token_made < before)
        with self._database.read() as connection:
            old = [_subscription(row) for row in connection.execute(query)]
        for one in old:
            self.delete_subscription(one.tenant, one.id)

    @contextmanager
    def _changing(self) -> Iterator[sa.Connection]:
        """A transaction in which a topic and its subscriptions stay as they were read."""
        with self._database.alone("topics"), self._database.begin() as connection:
            yield connection

    def _found(self, condition: sa.ColumnElement[bool]) -> Subscription | None:
        with self._database.read() as connection:
            row = connection.execute(sa.select(SUBSCRIPTIONS).where(condition)).first()
        return None if row is None else _subscription(row)

    def _write(
        self,
        connection: sa.Connection,
        known: Subscription | None,
        made: Subscription,
        notification: Notification | None,
    ) -> None:
        if known is None:
            connection.execute(SUBSCRIPTIONS.insert().values(_columns(made)))
        elif made != known:
            connection.execute(
                SUBSCRIPTIONS.update().where(_identified(known.tenant, known.id)).values(_columns(made))
            )
        if made.state == CANCELLED:
            self.deliveries.forget(connection, made.id)
        if notification is not None:
            self.deliveries.add(connection, made.tenant, notification, [made.id], notification.published)

    @staticmethod
    def _count_ended(connection: sa.Connection, tenant: Tenant, topic: str) -> None:
        connection.execute(TOPICS.update().where(_named(tenant, topic)).values(ended=TOPICS.c.ended + 1))


def _named(tenant: Tenant, name: str) -> sa.ColumnElement[bool]:
    return owned(TOPICS, tenant) & (TOPICS.c.name == name)


def _identified(tenant: Tenant, id: str) -> sa.ColumnElement[bool]:
    return owned(SUBSCRIPTIONS, tenant) & (SUBSCRIPTIONS.c.id == id)


def _topic(row: Any) -> Topic:
    tenant = Tenant(row.account, row.region)
    return Topic(tenant, row.name, json.loads(row.attributes), json.loads(row.tags), row.ended)


def _columns(subscription: Subscription) -> dict[str, Any]:
    return {
        **owner(subscription.tenant),
        "id": subscription.id,
        "topic": subscription.topic,
        "protocol": subscription.protocol,
        "endpoint": subscription.endpoint,
        "state": subscription.state,
        "token": subscription.token,
        "token_made": subscription.token_made,
        "attributes": json.dumps(subscription.attributes),
        "authenticated": subscription.authenticated,
        "guarded": subscription.guarded,
    }


def _subscription(row: Any) -> Subscription:
    return Subscription(
        tenant=Tenant(row.account, row.region),
        topic=row.topic,
        id=row.id,
        protocol=row.protocol,
        endpoint=row.endpoint,
        state=row.state,
        token=row.token,
        token_made=row.token_made,
        attributes=json.loads(row.attributes),
        authenticated=row.authenticated,
        guarded=row.guarded,
    )
