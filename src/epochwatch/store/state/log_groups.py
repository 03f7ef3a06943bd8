"""Log groups and log streams."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from epochwatch.model.tenant import Tenant
from epochwatch.store.state.database import Database, owned, owner
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


@dataclass(frozen=True, slots=True)
class LogStream:
    """A log stream's record. ``created`` is in Unix milliseconds."""

    log_group: str
    name: str
    created: int


class LogGroupStore:
    """Groups and streams of all tenants."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create_group(
        self,
        tenant: Tenant,
        name: str,
        now_ms: int,
        *,
        log_group_class: str = "STANDARD",
        kms_key: str | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> bool:
        """Make a group. False if there is one of that name."""
        values = _group_values(tenant, name, now_ms, log_group_class, kms_key, tags)
        return self._inserted(LOG_GROUPS.insert().values(values))

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
            condition &= _holds(self._database, column, pattern)
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
        with self._database.begin() as connection:
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
            )
            for row in rows
        ]

    def _streams(self, tenant: Tenant, group: str, condition: sa.ColumnElement[bool]) -> list[LogStream]:
        query = sa.select(LOG_STREAMS).where(
            owned(LOG_STREAMS, tenant), LOG_STREAMS.c.log_group == group, condition
        )
        with self._database.begin() as connection:
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


def _holds(database: Database, column: sa.Column[Any], text: str) -> sa.ColumnElement[bool]:
    """``column`` holds ``text`` with its case (LIKE of SQLite does not see case)."""
    function = sa.func.strpos if database.dialect == "postgresql" else sa.func.instr
    return function(column, text) > 0
