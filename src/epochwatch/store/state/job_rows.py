"""Rows of the table of training jobs: decoded once, and again when a record has changed."""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from epochwatch.model.job_filter import JobRow, Narrowing
from epochwatch.model.tenant import Tenant
from epochwatch.store.state.database import Database, owned
from epochwatch.store.state.tables import TRAINING_JOBS

KEPT: Final = 50_000
"""Rows in memory."""
_AT_ONCE: Final = 500

_COLUMNS: Final = TRAINING_JOBS.c
_DECODER: Final = msgspec.json.Decoder(JobRow)


class JobRows:
    """Training jobs as their table shows them. Safe to use from any number of threads."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: OrderedDict[tuple[Tenant, str], tuple[int, JobRow]] = OrderedDict()
        self._lock = threading.Lock()

    def select(self, tenant: Tenant, narrowings: Sequence[Narrowing] = ()) -> list[JobRow]:
        """The jobs of which all ``narrowings`` are true, in no order."""
        conditions = [owned(TRAINING_JOBS, tenant), *map(self._condition, narrowings)]
        query = sa.select(_COLUMNS.name, _COLUMNS.stamp).where(*conditions)
        with self._database.read() as connection:
            found = connection.execute(query).all()
            rows, changed = self._remembered(tenant, found)
            for start in range(0, len(changed), _AT_ONCE):
                rows += self._load(connection, tenant, changed[start : start + _AT_ONCE])
        return rows

    def _remembered(self, tenant: Tenant, found: Sequence[Any]) -> tuple[list[JobRow], list[str]]:
        rows: list[JobRow] = []
        changed: list[str] = []
        with self._lock:
            for name, stamp in found:
                known = self._known.get((tenant, name))
                if known is not None and known[0] == stamp:
                    rows.append(known[1])
                else:
                    changed.append(name)
        return rows, changed

    def _load(self, connection: sa.Connection, tenant: Tenant, names: Sequence[str]) -> list[JobRow]:
        query = sa.select(_COLUMNS.name, _COLUMNS.stamp, _COLUMNS.record).where(
            owned(TRAINING_JOBS, tenant), _COLUMNS.name.in_(names)
        )
        loaded = [(row.name, row.stamp, _DECODER.decode(row.record)) for row in connection.execute(query)]
        with self._lock:
            for name, stamp, row in loaded:
                self._known[tenant, name] = stamp, row
            while len(self._known) > KEPT:
                self._known.popitem(last=False)
        return [row for _, _, row in loaded]

    def _condition(self, one: Narrowing) -> sa.ColumnElement[bool]:
        column, value = _COLUMNS[one.column], one.value
        if isinstance(value, tuple):
            return column.in_(value)
        if one.operator == "holds":
            return self._database.holds(sa.func.lower(column), str(value).lower())
        return column.op(one.operator, is_comparison=True)(value)
