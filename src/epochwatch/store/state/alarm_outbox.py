"""Actions that alarms call for, until they are performed."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from epochwatch.model.tenant import Tenant
from epochwatch.store.state.alarm_history import AlarmHistory, Event
from epochwatch.store.state.database import Database, owner
from epochwatch.store.state.tables import ALARM_ACTIONS


@dataclass(frozen=True, slots=True)
class Action:
    """One action to be performed for one transition of an alarm."""

    id: int
    tenant: Tenant
    alarm: str
    kind: str
    """The alarm's."""
    arn: str
    message: str
    """JSON: what is told of the transition."""
    attempts: int
    """How often it was tried already."""


class AlarmOutbox:
    """Actions of all tenants: written with the transition that calls for them, gone when they are done."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._history = AlarmHistory(database)
        self.added = threading.Event()
        """Set when there may be something new; whoever performs clears it."""

    def add(
        self,
        connection: sa.Connection,
        tenant: Tenant,
        alarm: str,
        kind: str,
        actions: Sequence[tuple[str, str]],
        now: float,
    ) -> None:
        """Take up (ARN, message) pairs, as part of a transaction."""
        for arn, message in actions:
            connection.execute(
                ALARM_ACTIONS.insert().values(
                    **owner(tenant), alarm=alarm, kind=kind, action=arn, message=message, due=now, attempts=0
                )
            )
        if actions:
            self.added.set()

    def due(self, now: float, limit: int) -> Sequence[Action]:
        """Actions to be performed by now, those that wait longest first."""
        columns = ALARM_ACTIONS.c
        query = sa.select(ALARM_ACTIONS).where(columns.due <= now).order_by(columns.due, columns.id).limit(limit)
        with self._database.read() as connection:
            return [
                Action(
                    row.id,
                    Tenant(row.account, row.region),
                    row.alarm,
                    row.kind,
                    row.action,
                    row.message,
                    row.attempts,
                )
                for row in connection.execute(query)
            ]

    def done(self, action: Action, event: Event) -> None:
        """Forget the action; the alarm's history says how it ended."""
        self.perform(action, lambda _: event)

    def perform(self, action: Action, perform: Callable[[sa.Connection], Event]) -> None:
        """Perform an action that is nothing but a change in this database, which is made, told in the alarm's history
        and forgotten in one transaction: once, whoever tries.
        """
        with self._database.begin() as connection:
            if connection.execute(ALARM_ACTIONS.delete().where(ALARM_ACTIONS.c.id == action.id)).rowcount:
                event = perform(connection)
                self._history.add(connection, action.tenant, action.alarm, action.kind, [event])

    def later(self, action: Action, due: float) -> None:
        """Try the action again then."""
        with self._database.begin() as connection:
            connection.execute(
                ALARM_ACTIONS.update()
                .where(ALARM_ACTIONS.c.id == action.id)
                .values(due=due, attempts=action.attempts + 1)
            )
