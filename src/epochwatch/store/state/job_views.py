"""Saved views of the table of training jobs."""

from dataclasses import dataclass
from typing import Literal

import msgspec
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from epochwatch.model.tenant import Tenant
from epochwatch.store.state.database import Database, owned, owner
from epochwatch.store.state.tables import JOB_VIEWS


class JobView(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the table shows: see docs/jobs-table.md."""

    filter: str = ""
    status: str = ""
    columns: tuple[str, ...] = ()
    sort: tuple[str, ...] = ()
    order: tuple[Literal["asc", "desc"], ...] = ()
    group: str = ""


@dataclass(frozen=True, slots=True)
class SavedJobView:
    """A view under its name. ``modified`` is in Unix seconds."""

    name: str
    view: JobView
    modified: float
    default: bool
    """The one with which the table opens; at most one is."""


class ViewNameTaken(Exception):
    """There is another view of that name."""


class JobViewStore:
    """Saved views of all tenants."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def list(self, tenant: Tenant) -> list[SavedJobView]:
        """All views, by the bytes of their names."""
        query = (
            sa.select(JOB_VIEWS)
            .where(owned(JOB_VIEWS, tenant))
            .order_by(self._database.bytewise(JOB_VIEWS.c.name))
        )
        with self._database.read() as connection:
            return [
                SavedJobView(row.name, msgspec.json.decode(row.view, type=JobView), row.modified, row.is_default)
                for row in connection.execute(query)
            ]

    def put(self, tenant: Tenant, saved: SavedJobView, most: int) -> bool:
        """Save a view, in the place of the one of its name; a default one is the only one then. False where the tenant
        has ``most`` others already.
        """
        mine = owned(JOB_VIEWS, tenant)
        with self._database.begin() as connection:
            others = mine & (JOB_VIEWS.c.name != saved.name)
            if connection.execute(sa.select(sa.func.count()).where(others)).scalar_one() >= most:
                return False
            if saved.default:
                connection.execute(JOB_VIEWS.update().where(others).values(is_default=False))
            connection.execute(JOB_VIEWS.delete().where(_one(tenant, saved.name)))
            connection.execute(
                JOB_VIEWS.insert().values(
                    **owner(tenant),
                    name=saved.name,
                    view=msgspec.json.encode(saved.view).decode(),
                    modified=saved.modified,
                    is_default=saved.default,
                )
            )
        return True

    def rename(self, tenant: Tenant, name: str, new: str) -> bool:
        """Give a view another name. False if there is none. Raises ViewNameTaken."""
        try:
            with self._database.begin() as connection:
                changed = connection.execute(JOB_VIEWS.update().where(_one(tenant, name)).values(name=new))
        except IntegrityError as error:
            raise ViewNameTaken(new) from error
        return bool(changed.rowcount)

    def delete(self, tenant: Tenant, name: str) -> bool:
        """Forget a view. False if there is none."""
        with self._database.begin() as connection:
            return bool(connection.execute(JOB_VIEWS.delete().where(_one(tenant, name))).rowcount)


def _one(tenant: Tenant, name: str) -> sa.ColumnElement[bool]:
    return owned(JOB_VIEWS, tenant) & (JOB_VIEWS.c.name == name)
