"""Metric filters of log groups, and the minutes for which a default value may be due."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import msgspec
import sqlalchemy as sa

from epochwatch.model.metric_filter import MetricFilter, MetricFilterDefinition
from epochwatch.model.tenant import Tenant
from epochwatch.store.state.database import Database, owned, owner
from epochwatch.store.state.remembered import Remembered
from epochwatch.store.state.tables import METRIC_FILTER_MINUTES, METRIC_FILTERS

_Place = tuple[Tenant, str]


@dataclass(frozen=True, slots=True)
class MetricFilterRecord:
    """A metric filter of a log group. ``created`` is in Unix milliseconds."""

    log_group: str
    created: int
    definition: MetricFilterDefinition


@dataclass(frozen=True, slots=True)
class FilterMinute:
    """A minute (since 1970) in which events came for a filter, and whether one of them matched."""

    tenant: Tenant
    log_group: str
    name: str
    minute: int
    matched: bool


class MetricFilterStore:
    """Metric filters of all tenants."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._acting: Remembered[_Place, Sequence[MetricFilter]] = Remembered(database, self._compiled)
        self._noted: dict[tuple[Tenant, str, str], tuple[int, bool]] = {}

    def put(self, tenant: Tenant, group: str, definition: MetricFilterDefinition, now_ms: int, most: int) -> bool:
        """Make the filter of that name, or give it a new definition. False where the group has ``most`` others."""
        columns = {
            "metric_name": definition.metric_name,
            "namespace": definition.namespace,
            "definition": msgspec.json.encode(definition).decode(),
        }
        known = self._one(tenant, group, definition.name)
        with self._database.begin() as connection:
            if not connection.execute(METRIC_FILTERS.update().where(known).values(columns)).rowcount:
                count = sa.select(sa.func.count()).where(_of_group(METRIC_FILTERS, tenant, group))
                if connection.execute(count).scalar_one() >= most:
                    return False
                connection.execute(
                    METRIC_FILTERS.insert().values(
                        **owner(tenant), log_group=group, name=definition.name, created_ms=now_ms, **columns
                    )
                )
            self._forget_minutes(connection, tenant, group, definition.name)
        self.forget()
        return True

    def delete(self, tenant: Tenant, group: str, name: str) -> bool:
        """Forget the filter. False if there is none of that name."""
        with self._database.begin() as connection:
            found = connection.execute(METRIC_FILTERS.delete().where(self._one(tenant, group, name))).rowcount
            self._forget_minutes(connection, tenant, group, name)
        self.forget()
        return bool(found)

    def delete_all(self, connection: sa.Connection, tenant: Tenant, group: str) -> None:
        """Within a transaction of the caller: forget the filters of a group. `forget` is to be called behind it."""
        for table in (METRIC_FILTERS, METRIC_FILTER_MINUTES):
            connection.execute(table.delete().where(_of_group(table, tenant, group)))

    def select(
        self,
        tenant: Tenant,
        group: str | None = None,
        *,
        prefix: str | None = None,
        metric: tuple[str, str] | None = None,
        after: tuple[str, str] | None = None,
        limit: int = 50,
    ) -> list[MetricFilterRecord]:
        """Filters by the bytes of their names and of their groups': those whose name begins with ``prefix``, whose
        metric is ``metric`` (namespace, name), and that come behind ``after`` (name, group).
        """
        table = METRIC_FILTERS.c
        condition = owned(METRIC_FILTERS, tenant)
        if group is not None:
            condition &= table.log_group == group
        if prefix:
            condition &= sa.func.substr(table.name, 1, len(prefix)) == prefix
        if metric is not None:
            condition &= (table.namespace == metric[0]) & (table.metric_name == metric[1])
        name, owned_by = self._database.bytewise(table.name), self._database.bytewise(table.log_group)
        if after is not None:
            condition &= (name > after[0]) | ((name == after[0]) & (owned_by > after[1]))
        query = sa.select(METRIC_FILTERS).where(condition).order_by(name, owned_by).limit(limit)
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        return [
            MetricFilterRecord(
                row.log_group, row.created_ms, msgspec.json.decode(row.definition, type=MetricFilterDefinition)
            )
            for row in rows
        ]

    def counts(self, tenant: Tenant, groups: Sequence[str]) -> dict[str, int]:
        """How many filters each group has that has any."""
        table = METRIC_FILTERS.c
        query = (
            sa.select(table.log_group, sa.func.count().label("filters"))
            .where(owned(METRIC_FILTERS, tenant), table.log_group.in_(list(groups)))
            .group_by(table.log_group)
        )
        with self._database.read() as connection:
            return {row.log_group: row.filters for row in connection.execute(query)}

    def acting(self, tenant: Tenant, group: str) -> Sequence[MetricFilter]:
        """The filters that act on events of a group, from memory."""
        return self._acting.get((tenant, group))

    def note(self, tenant: Tenant, group: str, minute: int, matched: Mapping[str, bool]) -> None:
        """Events came in ``minute`` (since 1970) for these filters, and matched or not; durable on return."""
        news = {
            name: hit
            for name, hit in matched.items()
            if self._noted.get((tenant, group, name)) not in ((minute, True), (minute, hit))
        }
        if not news:
            return
        with self._database.begin() as connection:
            for name, hit in news.items():
                self._note(connection, tenant, group, name, minute, hit)
        self._noted.update({(tenant, group, name): (minute, hit) for name, hit in news.items()})

    def minutes(self, before: int) -> list[FilterMinute]:
        """What was noted of minutes before ``before``, of all tenants, the earliest minute first."""
        table = METRIC_FILTER_MINUTES.c
        query = sa.select(METRIC_FILTER_MINUTES).where(table.minute < before).order_by(table.minute)
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        return [
            FilterMinute(Tenant(row.account, row.region), row.log_group, row.name, row.minute, row.matched)
            for row in rows
        ]

    def forget_minutes(self, minutes: Iterable[FilterMinute]) -> None:
        """What is due for these minutes is done."""
        with self._database.begin() as connection:
            for one in minutes:
                known = self._minute(one.tenant, one.log_group, one.name, one.minute)
                connection.execute(METRIC_FILTER_MINUTES.delete().where(known))

    def forget(self) -> None:
        """Drop what is kept in memory."""
        self._acting.forget()
        self._noted.clear()

    def _note(
        self, connection: sa.Connection, tenant: Tenant, group: str, name: str, minute: int, hit: bool
    ) -> None:
        known = self._minute(tenant, group, name, minute)
        matched = METRIC_FILTER_MINUTES.c.matched
        update = METRIC_FILTER_MINUTES.update().where(known).values(matched=sa.true() if hit else matched)
        if connection.execute(update).rowcount:
            return
        with connection.begin_nested() as step:
            try:
                connection.execute(
                    METRIC_FILTER_MINUTES.insert().values(
                        **owner(tenant), log_group=group, name=name, minute=minute, matched=hit
                    )
                )
            except sa.exc.IntegrityError:  # noted by another server meanwhile
                step.rollback()
                connection.execute(update)

    def _compiled(self, place: _Place) -> Sequence[MetricFilter]:
        tenant, group = place
        compiled = [MetricFilter(one.definition, tenant) for one in self.select(tenant, group, limit=1_000_000)]
        return [one for one in compiled if one.active]

    @staticmethod
    def _forget_minutes(connection: sa.Connection, tenant: Tenant, group: str, name: str) -> None:
        table = METRIC_FILTER_MINUTES
        connection.execute(table.delete().where(_of_group(table, tenant, group), table.c.name == name))

    @staticmethod
    def _one(tenant: Tenant, group: str, name: str) -> sa.ColumnElement[bool]:
        return _of_group(METRIC_FILTERS, tenant, group) & (METRIC_FILTERS.c.name == name)

    @staticmethod
    def _minute(tenant: Tenant, group: str, name: str, minute: int) -> sa.ColumnElement[bool]:
        table = METRIC_FILTER_MINUTES
        return _of_group(table, tenant, group) & (table.c.name == name) & (table.c.minute == minute)


def _of_group(table: sa.Table, tenant: Tenant, group: str) -> sa.ColumnElement[bool]:
    return owned(table, tenant) & (table.c.log_group == group)
