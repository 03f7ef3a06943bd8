"""Log groups and log streams."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from epochwatch.model.tenant import Tenant
from epochwatch.store.state.database import Database, owned, owner
from epochwatch.store.state.metric_filters import MetricFilterStore
from epochwatch.store.state.remembered import Remembered
from epochwatch.store.state.tables import LOG_GROUPS, LOG_STREAMS


@dataclass(frozen=True, slots=True)
class LogGroup:
    """A log group's record. ``created`` is in Unix milliseconds."""

    name: str
    created: int
    retention_days: int | None
    log_group_class: str
    kms_key: str | None
    tags: dict[str, str]
    deletion_protected: bool


@dataclass(frozen=True, slots=True)
class LogStream:
    """A log stream's record. ``created`` is in Unix milliseconds."""

    log_group: str
    name: str
    created: int


class LogGroupStore:
    """Groups and streams of all tenants."""

    def __init__(self, database: Database, metric_filters: MetricFilterStore) -> None:
        self._database = database
        self._metric_filters = metric_filters
        self._retention: Remembered[tuple[Tenant, str], int | None] = Remembered(database, self._retention_of)
        self._present: Remembered[tuple[Tenant, str, str], bool] = Remembered(database, self._is_present)

    def create_group(
        self,
        tenant: Tenant,
        name: str,
        now_ms: int,
        *,
        log_group_class: str = "STANDARD",
        kms_key: str | None = None,
        tags: Mapping[str, str] | None = None,
        deletion_protected: bool = False,
    ) -> bool:
        """Make a group. False if there is one of that name."""
        values = _group_values(tenant, name, now_ms, log_group_class, kms_key, tags)
        return self._inserted(LOG_GROUPS.insert().values(values | {"deletion_protected": deletion_protected}))

    def create_stream(self, tenant: Tenant, group: str, name: str, now_ms: int) -> bool:
        """Make a stream in a group. False if there is one of that name."""
        return self._inserted(
            LOG_STREAMS.insert().values(**owner(tenant), log_group=group, name=name, created_ms=now_ms)
        )

    def ensure(self, connection: sa.Connection, tenant: Tenant, group: str, stream: str, now_ms: int) -> None:
        """Within a transaction of the caller: a group and a stream, made where they are missing."""
        if not self._exists(connection, LOG_GROUPS, tenant, LOG_GROUPS.c.name == group):
            with connection.begin_nested() as step:
                try:
                    connection.execute(
                        LOG_GROUPS.insert().values(_group_values(tenant, group, now_ms, "STANDARD", None, None))
                    )
                except IntegrityError:  # made by another server meanwhile
                    step.rollback()
        condition = (LOG_STREAMS.c.log_group == group) & (LOG_STREAMS.c.name == stream)
        if not self._exists(connection, LOG_STREAMS, tenant, condition):
            connection.execute(
                LOG_STREAMS.insert().values(**owner(tenant), log_group=group, name=stream, created_ms=now_ms)
            )

    def ensure_stream(self, tenant: Tenant, group: str, stream: str, now_ms: int) -> None:
        """A group and a stream, made where they are missing: both may have been deleted while events come."""
        if not self._present.get((tenant, group, stream)):
            with self._database.begin() as connection:
                self.ensure(connection, tenant, group, stream, now_ms)
            self.forget()

    def set_retention(self, tenant: Tenant, group: str, days: int | None) -> bool:
        """Keep a group's events for so many days, None: for ever. False if there is no such group."""
        return self._changed(tenant, group, retention_days=days)

    def retention(self, tenant: Tenant, group: str) -> int | None:
        """For how many days events of a group are kept, from memory; None: for ever, or there is no such group."""
        return self._retention.get((tenant, group))

    def retentions(self) -> dict[tuple[str, str, str], int]:
        """The days of every group that has any, by account, region and name."""
        columns = (LOG_GROUPS.c.account, LOG_GROUPS.c.region, LOG_GROUPS.c.name, LOG_GROUPS.c.retention_days)
        with self._database.read() as connection:
            rows = connection.execute(sa.select(*columns).where(LOG_GROUPS.c.retention_days.is_not(None)))
            return {(account, region, name): days for account, region, name, days in rows}

    def protect(self, tenant: Tenant, group: str, protected: bool) -> bool:
        """Refuse, or allow, deletions in a group. False if there is no such group."""
        return self._changed(tenant, group, deletion_protected=protected)

    def change_tags(
        self, tenant: Tenant, group: str, change: Callable[[dict[str, str]], Mapping[str, str]]
    ) -> bool:
        """Give a group the tags that ``change`` makes of those it has; what it raises leaves them as they were. False
        if there is no such group.
        """
        one = owned(LOG_GROUPS, tenant) & (LOG_GROUPS.c.name == group)
        with self._database.begin() as connection:
            row = connection.execute(sa.select(LOG_GROUPS.c.tags).where(one).with_for_update()).first()
            if row is None:
                return False
            tags = json.dumps(dict(change(json.loads(row.tags))))
            connection.execute(LOG_GROUPS.update().where(one).values(tags=tags))
        return True

    def delete_group(self, tenant: Tenant, group: str) -> None:
        """Forget a group with its streams and metric filters; its events are the log store's."""
        with self._database.begin() as connection:
            self._metric_filters.delete_all(connection, tenant, group)
            connection.execute(
                LOG_STREAMS.delete().where(owned(LOG_STREAMS, tenant), LOG_STREAMS.c.log_group == group)
            )
            connection.execute(LOG_GROUPS.delete().where(owned(LOG_GROUPS, tenant), LOG_GROUPS.c.name == group))
        self._metric_filters.forget()
        self.forget()

    def delete_stream(self, tenant: Tenant, group: str, name: str) -> None:
        """Forget a stream; its events are the log store's."""
        with self._database.begin() as connection:
            condition = (LOG_STREAMS.c.log_group == group) & (LOG_STREAMS.c.name == name)
            connection.execute(LOG_STREAMS.delete().where(owned(LOG_STREAMS, tenant), condition))
        self.forget()

    def forget(self) -> None:
        """Drop what is kept in memory."""
        self._retention.forget()
        self._present.forget()

    def group(self, tenant: Tenant, name: str) -> LogGroup | None:
        """A group's record; None if there is none."""
        found = self._groups(LOG_GROUPS.c.name == name, tenant, 1)
        return found[0] if found else None

    def groups(
        self,
        tenant: Tenant,
        *,
        prefix: str | None = None,
        pattern: str | None = None,
        log_group_class: str | None = None,
        names: list[str] | None = None,
        after: str | None = None,
        limit: int = 50,
    ) -> list[LogGroup]:
        """Groups by the bytes of their names: those that begin with ``prefix``, hold ``pattern`` (with its
        case), are of the class, are among ``names``, and come behind ``after``.
        """
        column = LOG_GROUPS.c.name
        condition: sa.ColumnElement[bool] = sa.true()
        if prefix:
            condition &= sa.func.substr(column, 1, len(prefix)) == prefix
        if pattern:
            condition &= self._database.holds(column, pattern)
        if log_group_class:
            condition &= LOG_GROUPS.c.log_group_class == log_group_class
        if names is not None:
            condition &= column.in_(names)
        if after is not None:
            condition &= self._database.bytewise(column) > after
        return self._groups(condition, tenant, limit)

    def stream(self, tenant: Tenant, group: str, name: str) -> LogStream | None:
        """A stream's record; None if there is none."""
        found = self._streams(tenant, group, LOG_STREAMS.c.name == name)
        return found[0] if found else None

    def streams(self, tenant: Tenant, group: str, prefix: str | None = None) -> list[LogStream]:
        """The streams of a group by the bytes of their names: those that begin with ``prefix``, if given."""
        condition: sa.ColumnElement[bool] = sa.true()
        if prefix:
            condition = sa.func.substr(LOG_STREAMS.c.name, 1, len(prefix)) == prefix
        return self._streams(tenant, group, condition)

    def _changed(self, tenant: Tenant, group: str, **values: object) -> bool:
        one = owned(LOG_GROUPS, tenant) & (LOG_GROUPS.c.name == group)
        with self._database.begin() as connection:
            found = connection.execute(LOG_GROUPS.update().where(one).values(values)).rowcount
        self.forget()
        return bool(found)

    def _retention_of(self, place: tuple[Tenant, str]) -> int | None:
        found = self.group(*place)
        return found.retention_days if found else None

    def _is_present(self, place: tuple[Tenant, str, str]) -> bool:
        return self.stream(*place) is not None

    def _inserted(self, statement: sa.Insert) -> bool:
        try:
            with self._database.begin() as connection:
                connection.execute(statement)
        except IntegrityError:
            return False
        return True

    @staticmethod
    def _exists(
        connection: sa.Connection, table: sa.Table, tenant: Tenant, condition: sa.ColumnElement[bool]
    ) -> bool:
        query = sa.select(sa.literal(1)).select_from(table).where(owned(table, tenant), condition)
        return connection.execute(query).first() is not None

    def _groups(self, condition: sa.ColumnElement[bool], tenant: Tenant, limit: int) -> list[LogGroup]:
        query = sa.select(LOG_GROUPS).where(owned(LOG_GROUPS, tenant), condition)
        with self._database.read() as connection:
            rows = connection.execute(
                query.order_by(self._database.bytewise(LOG_GROUPS.c.name)).limit(limit)
            ).all()
        return [
            LogGroup(
                row.name,
                row.created_ms,
                row.retention_days,
                row.log_group_class,
                row.kms_key,
                json.loads(row.tags),
                row.deletion_protected,
            )
            for row in rows
        ]

    def _streams(self, tenant: Tenant, group: str, condition: sa.ColumnElement[bool]) -> list[LogStream]:
        query = sa.select(LOG_STREAMS).where(
            owned(LOG_STREAMS, tenant), LOG_STREAMS.c.log_group == group, condition
        )
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(self._database.bytewise(LOG_STREAMS.c.name))).all()
        return [LogStream(row.log_group, row.name, row.created_ms) for row in rows]


def _group_values(
    tenant: Tenant,
    name: str,
    now_ms: int,
    log_group_class: str,
    kms_key: str | None,
    tags: Mapping[str, str] | None,
) -> dict[str, Any]:
    return {
        **owner(tenant),
        "name": name,
        "created_ms": now_ms,
        "log_group_class": log_group_class,
        "kms_key": kms_key,
        "tags": json.dumps(dict(tags or {})),
    }
