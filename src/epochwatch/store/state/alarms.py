"""Alarms, and in one transaction with each change of theirs: its history and the actions it calls for."""

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from epochwatch.model.alarm.state import State
from epochwatch.model.tenant import Tenant
from epochwatch.store.state.alarm_history import AlarmHistory, Event
from epochwatch.store.state.alarm_outbox import AlarmOutbox
from epochwatch.store.state.database import Database, owned, owner
from epochwatch.store.state.tables import ALARMS

METRIC: Final = "MetricAlarm"
COMPOSITE: Final = "CompositeAlarm"
AT_ONCE: Final = 500
"""Names that one query asks for."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """An alarm as it is kept. Times are Unix seconds."""

    tenant: Tenant
    name: str
    kind: str
    """``MetricAlarm`` or ``CompositeAlarm``."""
    definition: Mapping[str, Any]
    """The members it was put with, but for its name, its tags and whether its actions are enabled."""
    actions_enabled: bool
    tags: Mapping[str, str]
    state: State
    reason: str
    reason_data: str | None
    """JSON."""
    progress: Mapping[str, Any]
    """What its evaluation remembers from one time to the next."""
    created: float
    configured: float
    updated: float
    transitioned: float
    every: int
    """Seconds between two evaluations."""
    slot: int
    """It is evaluated when the time, in seconds, leaves this when divided by ``every``."""
    revision: int = 0
    """Goes up with each change."""

    @property
    def arn(self) -> str:
        """The alarm's ARN."""
        return self.tenant.arn("cloudwatch", f"alarm:{self.name}")


@dataclass(frozen=True, slots=True)
class Change:
    """What is to become of an alarm, with what is told of it and done about it."""

    before: Alarm
    after: Alarm
    events: Sequence[Event] = ()
    actions: Sequence[tuple[str, str]] = field(default=())
    """(ARN, message) of what is to be performed."""


class AlarmStore:
    """Alarms of all tenants."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.history = AlarmHistory(database)
        self.outbox = AlarmOutbox(database)

    def put(self, tenant: Tenant, name: str, make: Callable[[Alarm | None], tuple[Alarm, Event]]) -> None:
        """Give an alarm the form that ``make`` says, by the one there is of that name."""
        try:
            self._put(tenant, name, make)
        except IntegrityError:  # made by another request meanwhile
            self._put(tenant, name, make)

    def _put(self, tenant: Tenant, name: str, make: Callable[[Alarm | None], tuple[Alarm, Event]]) -> None:
        with self._database.begin() as connection:
            row = connection.execute(sa.select(ALARMS).where(_named(tenant, [name])).with_for_update()).first()
            known = None if row is None else _alarm(row)
            alarm, event = make(known)
            if known is None:
                connection.execute(
                    ALARMS.insert().values(**owner(tenant), name=name, revision=0, **_columns(alarm))
                )
            else:
                _update(connection, known, alarm)
            self.history.add(connection, alarm.tenant, alarm.name, alarm.kind, [event])

    def get(self, tenant: Tenant, name: str) -> Alarm | None:
        """The alarm of that name; None if there is none."""
        return self.named(tenant, [name]).get(name)

    def named(self, tenant: Tenant, names: Collection[str]) -> dict[str, Alarm]:
        """Those of these names that there are."""
        wanted = list(dict.fromkeys(names))
        with self._database.read() as connection:
            rows = [
                row
                for first in range(0, len(wanted), AT_ONCE)
                for row in connection.execute(
                    sa.select(ALARMS).where(_named(tenant, wanted[first : first + AT_ONCE]))
                )
            ]
        return {row.name: _alarm(row) for row in rows}

    def list(
        self,
        tenant: Tenant,
        *,
        kinds: Sequence[str],
        prefix: str = "",
        state: str | None = None,
        after: tuple[str, str] | None = None,
        wanted: Callable[[Alarm], bool] = lambda _: True,
        limit: int | None = None,
    ) -> "Sequence[Alarm]":
        """Alarms that ``wanted`` says yes to, by kind and then by name, behind ``after`` (kind, name)."""
        named = self._database.bytewise(ALARMS.c.name)
        conditions = [owned(ALARMS, tenant), ALARMS.c.kind.in_(kinds)]
        if prefix:
            conditions += [named >= prefix, sa.func.substr(ALARMS.c.name, 1, len(prefix)) == prefix]
        if state is not None:
            conditions.append(ALARMS.c.state == state)
        if after is not None:
            conditions.append((ALARMS.c.kind > after[0]) | ((ALARMS.c.kind == after[0]) & (named > after[1])))
        found: list[Alarm] = []
        with self._database.read() as connection:
            for row in connection.execute(sa.select(ALARMS).where(*conditions).order_by(ALARMS.c.kind, named)):
                alarm = _alarm(row)
                if wanted(alarm):
                    found.append(alarm)
                    if limit is not None and len(found) == limit:
                        break
        return found

    def due(self, moments: Iterable[int]) -> "Sequence[Alarm]":
        """Those of all tenants that are to be evaluated at one of these seconds."""
        with self._database.read() as connection:
            intervals = connection.execute(sa.select(ALARMS.c.every).distinct()).scalars().all()
            slots = {(every, moment % every) for moment in moments for every in intervals}
            query = sa.select(ALARMS).where(sa.tuple_(ALARMS.c.every, ALARMS.c.slot).in_(sorted(slots)))
            return [_alarm(row) for row in connection.execute(query)] if slots else []

    def remembering(self, what: str) -> "Sequence[Alarm]":
        """Those of all tenants whose ``progress`` has that name. Every alarm is looked at."""
        named = ALARMS.c.progress.contains(json.dumps(what), autoescape=True)
        with self._database.read() as connection:
            alarms = [_alarm(row) for row in connection.execute(sa.select(ALARMS).where(named))]
        return [alarm for alarm in alarms if what in alarm.progress]

    def delete(
        self, tenant: Tenant, names: Collection[str], check: Callable[[Mapping[str, Alarm]], Sequence[Event]]
    ) -> None:
        """Forget alarms. ``check`` is given all alarms of the tenant that are composite or of these names; it raises
        where they may not be deleted, else says what the history tells, one event a name.
        """
        concerned = owned(ALARMS, tenant) & (ALARMS.c.name.in_(names) | (ALARMS.c.kind == COMPOSITE))
        with self._database.begin() as connection:
            rows = connection.execute(sa.select(ALARMS).where(concerned).with_for_update())
            known = {row.name: _alarm(row) for row in rows}
            events = check(known)
            connection.execute(ALARMS.delete().where(_named(tenant, names)))
            for name, event in zip(names, events, strict=True):
                self.history.add(connection, tenant, name, known[name].kind, [event])

    def change(self, tenant: Tenant, name: str, change: Callable[[Alarm], Change]) -> Alarm | None:
        """Make of an alarm what ``change`` says. None if there is none of that name."""
        while True:
            known = self.get(tenant, name)
            if known is None:
                return None
            wanted = change(known)
            if self.apply([wanted]):
                return wanted.after

    def apply(self, changes: Sequence[Change]) -> "Sequence[Change]":
        """Make these changes together, each with its history and its actions; those that were made. A change of an
        alarm that has changed meanwhile is left out.
        """
        if not changes:
            return []
        made: list[Change] = []
        with self._database.begin() as connection:
            for change in changes:
                if not _update(connection, change.before, change.after):
                    continue
                made.append(change)
                alarm = change.after
                self.history.add(connection, alarm.tenant, alarm.name, alarm.kind, change.events)
                at = max((event.at for event in change.events), default=alarm.updated)
                self.outbox.add(connection, alarm.tenant, alarm.name, alarm.kind, change.actions, at)
        return made


# Made once: to make a statement takes longer than to execute it.
_CHANGE: Final = ALARMS.update().where(
    ALARMS.c.account == sa.bindparam("of_account"),
    ALARMS.c.region == sa.bindparam("of_region"),
    ALARMS.c.name == sa.bindparam("of_name"),
    ALARMS.c.revision == sa.bindparam("of_revision"),
)


def _update(connection: sa.Connection, before: Alarm, after: Alarm) -> bool:
    known = {
        "of_account": before.tenant.account,
        "of_region": before.tenant.region,
        "of_name": before.name,
        "of_revision": before.revision,
    }
    return bool(
        connection.execute(_CHANGE, {**known, **_columns(after), "revision": before.revision + 1}).rowcount
    )


def _named(tenant: Tenant, names: Collection[str]) -> sa.ColumnElement[bool]:
    return owned(ALARMS, tenant) & ALARMS.c.name.in_(names)


def _columns(alarm: Alarm) -> dict[str, Any]:
    return {
        "kind": alarm.kind,
        "definition": json.dumps(alarm.definition),
        "actions_enabled": alarm.actions_enabled,
        "tags": json.dumps(alarm.tags),
        "state": alarm.state,
        "reason": alarm.reason,
        "reason_data": alarm.reason_data,
        "progress": json.dumps(alarm.progress),
        "created": alarm.created,
        "configured": alarm.configured,
        "updated": alarm.updated,
        "transitioned": alarm.transitioned,
        "every": alarm.every,
        "slot": alarm.slot,
    }


def _alarm(row: Any) -> Alarm:
    return Alarm(
        tenant=Tenant(row.account, row.region),
        name=row.name,
        kind=row.kind,
        definition=msgspec.json.decode(row.definition),
        actions_enabled=row.actions_enabled,
        tags=msgspec.json.decode(row.tags),
        state=State(row.state),
        reason=row.reason,
        reason_data=row.reason_data,
        progress=msgspec.json.decode(row.progress),
        created=row.created,
        configured=row.configured,
        updated=row.updated,
        transitioned=row.transitioned,
        every=row.every,
        slot=row.slot,
        revision=row.revision,
    )
