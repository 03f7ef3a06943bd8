"""Dashboards: an account's, whatever the region."""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from epochwatch.store.state.database import Database
from epochwatch.store.state.tables import DASHBOARDS


@dataclass(frozen=True, slots=True)
class Dashboard:
    """A dashboard as it was put. ``modified`` is in Unix seconds."""

    account: str
    name: str
    body: str
    """JSON, to the letter."""
    modified: float
    tags: Mapping[str, str]

    @property
    def arn(self) -> str:
        """The dashboard's ARN, which names no region."""
        return f"arn:aws:cloudwatch::{self.account}:dashboard/{self.name}"


class DashboardStore:
    """Dashboards of all accounts."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def change(
        self, account: str, name: str, make: Callable[[Dashboard | None], Dashboard | None]
    ) -> Dashboard | None:
        """Give a dashboard the form that ``make`` says, by the one there is of that name; None leaves it as it is."""
        try:
            return self._change(account, name, make)
        except IntegrityError:  # made by another request meanwhile
            return self._change(account, name, make)

    def _change(
        self, account: str, name: str, make: Callable[[Dashboard | None], Dashboard | None]
    ) -> Dashboard | None:
        wanted = _named(account, [name])
        with self._database.begin() as connection:
            row = connection.execute(sa.select(DASHBOARDS).where(wanted).with_for_update()).first()
            made = make(None if row is None else _dashboard(row))
            if made is not None and row is None:
                connection.execute(DASHBOARDS.insert().values(account=account, name=name, **_columns(made)))
            elif made is not None:
                connection.execute(DASHBOARDS.update().where(wanted).values(**_columns(made)))
        return made

    def get(self, account: str, name: str) -> Dashboard | None:
        """The dashboard of that name; None if there is none."""
        with self._database.read() as connection:
            row = connection.execute(sa.select(DASHBOARDS).where(_named(account, [name]))).first()
        return None if row is None else _dashboard(row)

    def list(self, account: str, *, prefix: str = "", after: str = "", limit: int) -> Sequence[Dashboard]:
        """Dashboards by name, behind ``after``."""
        name = self._database.bytewise(DASHBOARDS.c.name)
        wanted = [DASHBOARDS.c.account == account, name > after]
        if prefix:
            wanted += [name >= prefix, sa.func.substr(DASHBOARDS.c.name, 1, len(prefix)) == prefix]
        query = sa.select(DASHBOARDS).where(*wanted).order_by(name).limit(limit)
        with self._database.read() as connection:
            return [_dashboard(row) for row in connection.execute(query)]

    def delete(self, account: str, names: Collection[str]) -> Sequence[str]:
        """Forget these dashboards; those of the names that there are not."""
        with self._database.begin() as connection:
            known = set(connection.execute(sa.select(DASHBOARDS.c.name).where(_named(account, names))).scalars())
            connection.execute(DASHBOARDS.delete().where(_named(account, names)))
        return [name for name in names if name not in known]


def _named(account: str, names: Collection[str]) -> sa.ColumnElement[bool]:
    return (DASHBOARDS.c.account == account) & DASHBOARDS.c.name.in_(names)


def _columns(dashboard: Dashboard) -> dict[str, str | float]:
    return {"body": dashboard.body, "modified": dashboard.modified, "tags": json.dumps(dashboard.tags)}


def _dashboard(row: "sa.Row[tuple[object, ...]]") -> Dashboard:
    return Dashboard(row.account, row.name, row.body, row.modified, json.loads(row.tags))
