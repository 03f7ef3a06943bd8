"""What happened to alarms."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from epochwatch.model.tenant import Tenant
from epochwatch.store.state.database import Database, owned, owner
from epochwatch.store.state.tables import ALARM_HISTORY

CONFIGURATION: Final = "ConfigurationUpdate"
STATE: Final = "StateUpdate"
ACTION: Final = "Action"
LONGEST_SUMMARY: Final = 255


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened."""

    at: float
    """Unix seconds."""
    type: str
    """CloudWatch's ``HistoryItemType``."""
    summary: str
    data: str
    """JSON."""


@dataclass(frozen=True, slots=True)
class Item:
    """An event and whose it is."""

    id: int
    """Of two items the later one's is larger."""
    tenant: Tenant
    alarm: str
    kind: str
    event: Event


class AlarmHistory:
    """Events of the alarms of all tenants, deleted ones included."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self, connection: sa.Connection, tenant: Tenant, alarm: str, kind: str, events: Sequence[Event]
    ) -> None:
        """Note what happened to an alarm, as part of a transaction."""
        rows = [
            {
                **owner(tenant),
                "alarm": alarm,
                "kind": kind,
                "at": event.at,
                "type": event.type,
                "summary": event.summary[:LONGEST_SUMMARY],
                "data": event.data,
            }
            for event in events
        ]
        if rows:
            connection.execute(ALARM_HISTORY.insert(), rows)

    def list(
        self,
        tenant: Tenant,
        *,
        kinds: Sequence[str],
        alarm: str | None = None,
        type: str | None = None,
        start: float | None = None,
        end: float | None = None,
        descending: bool = True,
        after: tuple[float, int] | None = None,
        limit: int,
    ) -> "Sequence[Item]":
        """Items in the order of time that happened at or after ``start`` and before or at ``end``; those behind
        ``after``, the (time, id) of one.
        """
        columns = ALARM_HISTORY.c
        conditions = [owned(ALARM_HISTORY, tenant), columns.kind.in_(kinds)]
        filters: Mapping[Any, Any] = {columns.alarm: alarm, columns.type: type}
        conditions += [column == value for column, value in filters.items() if value is not None]
        if start is not None:
            conditions.append(columns.at >= start)
        if end is not None:
            conditions.append(columns.at <= end)
        place = sa.tuple_(columns.at, columns.id)
        if after is not None:
            last = sa.tuple_(sa.literal(after[0]), sa.literal(after[1]))
            conditions.append(place < last if descending else place > last)
        order = [column.desc() if descending else column.asc() for column in (columns.at, columns.id)]
        query = sa.select(ALARM_HISTORY).where(*conditions).order_by(*order).limit(limit)
        with self._database.read() as connection:
            return [_item(row) for row in connection.execute(query)]

    def newest(self) -> int:
        """The id of the last item; 0 where there is none."""
        return self._newest()

    def newest_since(self, tenant: Tenant, start: float) -> int:
        """The id of the last item of ``tenant`` that happened at or after ``start``; 0 where there is none."""
        return self._newest(owned(ALARM_HISTORY, tenant), ALARM_HISTORY.c.at >= start)

    def _newest(self, *conditions: sa.ColumnElement[bool]) -> int:
        with self._database.read() as connection:
            return connection.execute(sa.select(sa.func.max(ALARM_HISTORY.c.id)).where(*conditions)).scalar() or 0

    def since(self, last: int, types: Sequence[str]) -> "Sequence[Item]":
        """Items of all tenants that came behind the one with the id ``last``."""
        columns = ALARM_HISTORY.c
        query = sa.select(ALARM_HISTORY).where(columns.id > last, columns.type.in_(types)).order_by(columns.id)
        with self._database.read() as connection:
            return [_item(row) for row in connection.execute(query)]

    def expire(self, before: float) -> None:
        """Forget what happened before then."""
        with self._database.begin() as connection:
            connection.execute(ALARM_HISTORY.delete().where(ALARM_HISTORY.c.at < before))


def _item(row: Any) -> Item:
    event = Event(row.at, row.type, row.summary, row.data)
    return Item(row.id, Tenant(row.account, row.region), row.alarm, row.kind, event)
