"""Saved queries of Logs Insights."""

import uuid

import msgspec
import sqlalchemy as sa

from epochwatch.model.tenant import Tenant
from epochwatch.store.state.database import Database, owned, owner
from epochwatch.store.state.tables import QUERY_DEFINITIONS


class QueryParameter(msgspec.Struct, frozen=True, omit_defaults=True):
    """What ``{{name}}`` in a saved query stands for."""

    name: str
    default: str | None = None
    description: str | None = None


class QueryDefinition(msgspec.Struct, frozen=True, omit_defaults=True):
    """A saved query as it was put."""

    name: str
    query: str
    language: str
    log_groups: tuple[str, ...] = ()
    parameters: tuple[QueryParameter, ...] = ()


class QueryDefinitionRecord(msgspec.Struct, frozen=True):
    """A saved query. ``modified`` is in Unix milliseconds."""

    id: str
    modified: int
    definition: QueryDefinition


class QueryDefinitionStore:
    """Saved queries of all tenants."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(
        self, tenant: Tenant, definition: QueryDefinition, now_ms: int, most: int, client_token: str | None = None
    ) -> QueryDefinitionRecord | None:
        """Save a query under a new id; None where the tenant has ``most`` already. What was made with the same
        ``client_token`` is given instead, while it is there.
        """
        mine = owned(QUERY_DEFINITIONS, tenant)
        with self._database.begin() as connection:
            if client_token is not None:
                made = sa.select(QUERY_DEFINITIONS).where(mine, QUERY_DEFINITIONS.c.client_token == client_token)
                row = connection.execute(made).first()
                if row is not None:
                    return _record(row)
            if connection.execute(sa.select(sa.func.count()).where(mine)).scalar_one() >= most:
                return None
            record = QueryDefinitionRecord(str(uuid.uuid4()), now_ms, definition)
            connection.execute(
                QUERY_DEFINITIONS.insert().values(
                    **owner(tenant), id=record.id, client_token=client_token, **_columns(definition, now_ms)
                )
            )
        return record

    def update(self, tenant: Tenant, id: str, definition: QueryDefinition, now_ms: int) -> bool:
        """Put another query in the place of that id. False if there is none."""
        change = QUERY_DEFINITIONS.update().where(_one(tenant, id)).values(_columns(definition, now_ms))
        with self._database.begin() as connection:
            return bool(connection.execute(change).rowcount)

    def delete(self, tenant: Tenant, id: str) -> bool:
        """Forget a query. False if there is none of that id."""
        with self._database.begin() as connection:
            return bool(connection.execute(QUERY_DEFINITIONS.delete().where(_one(tenant, id))).rowcount)

    def select(
        self,
        tenant: Tenant,
        *,
        prefix: str | None = None,
        language: str | None = None,
        after: tuple[str, str] | None = None,
        limit: int,
    ) -> list[QueryDefinitionRecord]:
        """Queries by the bytes of their names, then their ids: those whose name begins with ``prefix``, and that come
        behind ``after`` (name, id).
        """
        table = QUERY_DEFINITIONS.c
        condition = owned(QUERY_DEFINITIONS, tenant)
        if prefix:
            condition &= sa.func.substr(table.name, 1, len(prefix)) == prefix
        if language is not None:
            condition &= table.language == language
        name = self._database.bytewise(table.name)
        if after is not None:
            condition &= (name > after[0]) | ((name == after[0]) & (table.id > after[1]))
        query = sa.select(QUERY_DEFINITIONS).where(condition).order_by(name, table.id).limit(limit)
        with self._database.read() as connection:
            return [_record(row) for row in connection.execute(query)]


def _one(tenant: Tenant, id: str) -> sa.ColumnElement[bool]:
    return owned(QUERY_DEFINITIONS, tenant) & (QUERY_DEFINITIONS.c.id == id)


def _columns(definition: QueryDefinition, now_ms: int) -> dict[str, str | int]:
    return {
        "name": definition.name,
        "language": definition.language,
        "modified_ms": now_ms,
        "definition": msgspec.json.encode(definition).decode(),
    }


def _record(row: "sa.Row[tuple[object, ...]]") -> QueryDefinitionRecord:
    return QueryDefinitionRecord(
        row.id, row.modified_ms, msgspec.json.decode(row.definition, type=QueryDefinition)
    )
