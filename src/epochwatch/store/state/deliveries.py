"""Messages on their way to subscribers, until they are delivered."""

import threading
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec
import sqlalchemy as sa

from epochwatch.model.sns.notification import Notification
from epochwatch.model.tenant import Tenant
from epochwatch.store.state.database import Database, owner
from epochwatch.store.state.tables import DELIVERIES, NOTIFICATIONS

_NOTIFICATION: Final = msgspec.json.Decoder(Notification)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message to be brought to one subscriber."""

    id: int
    tenant: Tenant
    subscription: str
    """Its id."""
    notification: Notification
    attempts: int
    """How often it was tried already."""


class DeliveryOutbox:
    """Deliveries of all tenants: written with what calls for them, gone when they are made or given up."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.added = threading.Event()
        """Set when there may be something new; whoever delivers clears it."""

    def add(
        self,
        connection: sa.Connection,
        tenant: Tenant,
        notification: Notification,
        subscriptions: Collection[str],
        now: float,
    ) -> None:
        """Take up a message for subscriptions (their ids), as part of a transaction; one that is on its way already
        is left alone.
        """
        same = sa.select(NOTIFICATIONS.c.id).where(NOTIFICATIONS.c.id == notification.id)
        if not subscriptions or connection.execute(same).first() is not None:
            return
        content = msgspec.json.encode(notification).decode()
        connection.execute(NOTIFICATIONS.insert().values(id=notification.id, content=content))
        connection.execute(
            DELIVERIES.insert(),
            [
                {**owner(tenant), "notification": notification.id, "subscription": one, "due": now, "attempts": 0}
                for one in subscriptions
            ],
        )
        self.added.set()

    def due(self, now: float, busy: Collection[str], limit: int) -> Sequence[Delivery]:
        """What is to be delivered by now: the oldest of each subscription, but for those that are ``busy``."""
        columns = DELIVERIES.c
        waiting = (columns.due <= now) & columns.subscription.not_in(busy)
        oldest = sa.select(sa.func.min(columns.id)).where(waiting).group_by(columns.subscription)
        query = (
            sa.select(DELIVERIES, NOTIFICATIONS.c.content)
            .join(NOTIFICATIONS, NOTIFICATIONS.c.id == columns.notification)
            .where(columns.id.in_(oldest))
            .order_by(columns.due, columns.id)
            .limit(limit)
        )
        with self._database.read() as connection:
            return [
                Delivery(
                    row.id,
                    Tenant(row.account, row.region),
                    row.subscription,
                    _NOTIFICATION.decode(row.content),
                    row.attempts,
                )
                for row in connection.execute(query)
            ]

    def done(self, delivery: Delivery) -> None:
        """Forget it; and the message, when that was its last."""
        with self._database.begin() as connection:
            _drop(connection, DELIVERIES.c.id == delivery.id)

    def later(self, delivery: Delivery, due: float) -> None:
        """Try it again then (Unix seconds)."""
        with self._database.begin() as connection:
            connection.execute(
                DELIVERIES.update()
                .where(DELIVERIES.c.id == delivery.id)
                .values(due=due, attempts=delivery.attempts + 1)
            )

    def forget(self, connection: sa.Connection, subscription: str) -> None:
        """Forget what is on its way to a subscription, as part of a transaction."""
        _drop(connection, DELIVERIES.c.subscription == subscription)


def _drop(connection: sa.Connection, which: sa.ColumnElement[bool]) -> None:
    """Forget deliveries, and the messages that nobody waits for any more then."""
    columns = NOTIFICATIONS.c
    concerned = sa.select(DELIVERIES.c.notification).where(which)
    # Locked: of two that drop a message's last deliveries at once, one must see that the other has done so.
    locked = sa.select(columns.id).where(columns.id.in_(concerned)).order_by(columns.id).with_for_update()
    messages = connection.execute(locked).scalars().all()
    connection.execute(DELIVERIES.delete().where(which))
    waited_for = sa.select(DELIVERIES.c.id).where(DELIVERIES.c.notification == columns.id)
    for id in messages:
        connection.execute(NOTIFICATIONS.delete().where(columns.id == id, ~waited_for.exists()))
