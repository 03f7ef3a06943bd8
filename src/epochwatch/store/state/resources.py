"""Resources that are a name and a record: experiments, trials, trial components, tuning jobs."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from epochwatch.model.tenant import Tenant
from epochwatch.store.state.database import Database, owned, owner
from epochwatch.store.state.tables import RESOURCES, TRIAL_MEMBERSHIPS

EXPERIMENT: Final = "experiment"
TRIAL: Final = "experiment-trial"
TRIAL_COMPONENT: Final = "experiment-trial-component"
TUNING_JOB: Final = "hyper-parameter-tuning-job"

ResourceSort = Literal["name", "created", "updated", "status"]


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource's record. Times are Unix seconds."""

    tenant: Tenant
    kind: str
    """What stands before its name in its ARN."""
    name: str
    parent: str
    """Of a trial, its experiment; else empty."""
    status: str
    """Of what has one; else empty."""
    created: float
    updated: float
    record: dict[str, Any]
    tags: dict[str, str]


class ResourceStore:
    """Resources of all tenants; each change is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(
        self,
        tenant: Tenant,
        kind: str,
        name: str,
        record: Mapping[str, Any],
        now: float,
        *,
        parent: str = "",
        status: str = "",
        tags: Mapping[str, str] | None = None,
    ) -> bool:
        """Make a resource. False if there is one of that kind and name."""
        values = {
            **owner(tenant),
            "kind": kind,
            "name": name,
            "parent": parent,
            "status": status,
            "created": now,
            "updated": now,
            "record": json.dumps(record),
            "tags": json.dumps(dict(tags or {})),
        }
        try:
            with self._database.begin() as connection:
                connection.execute(RESOURCES.insert().values(values))
        except IntegrityError:
            return False
        return True

    def get(self, tenant: Tenant, kind: str, name: str) -> Resource | None:
        """A resource; None if there is none."""
        with self._database.read() as connection:
            row = connection.execute(sa.select(RESOURCES).where(_one(tenant, kind, name))).first()
        return None if row is None else _resource(row)

    def change(
        self,
        tenant: Tenant,
        kind: str,
        name: str,
        change: Callable[[dict[str, Any]], Mapping[str, Any]],
        now: float,
        status: str | None = None,
    ) -> Resource | None:
        """Give a resource the record that ``change`` makes of its own, and a status. None if there is none."""

        def values(known: Resource) -> dict[str, object]:
            new: dict[str, object] = {"record": json.dumps(change(known.record)), "updated": now}
            return new if status is None else new | {"status": status}

        return self._changed(tenant, kind, name, values)

    def change_tags(
        self, tenant: Tenant, kind: str, name: str, change: Callable[[dict[str, str]], Mapping[str, str]]
    ) -> Resource | None:
        """Give a resource the tags that ``change`` makes of its own. None if there is none."""
        return self._changed(tenant, kind, name, lambda known: {"tags": json.dumps(change(known.tags))})

    def delete(self, tenant: Tenant, kind: str, name: str) -> bool:
        """Forget a resource. False if there is none."""
        with self._database.begin() as connection:
            return bool(connection.execute(RESOURCES.delete().where(_one(tenant, kind, name))).rowcount)

    def list(
        self,
        tenant: Tenant,
        kind: str,
        *,
        parent: str | None = None,
        names: Sequence[str] | None = None,
        search: str | None = None,
        status: str | None = None,
        created_after: float | None = None,
        created_before: float | None = None,
        updated_after: float | None = None,
        updated_before: float | None = None,
        sort: ResourceSort = "created",
        descending: bool = True,
        limit: int | None = None,
        offset: int = 0,
    ) -> tuple[list[Resource], int]:
        """One page of resources and how many there are in all; the bounds in time leave themselves out."""
        columns = RESOURCES.c
        conditions = [owned(RESOURCES, tenant), columns.kind == kind]
        conditions += [column == value for column, value in ((columns.parent, parent), (columns.status, status))
                       if value is not None]  # fmt: skip
        if names is not None:
            conditions.append(columns.name.in_(names))
        if search:
            conditions.append(self._database.holds(sa.func.lower(columns.name), search.lower()))
        for column, after, before in (
            (columns.created, created_after, created_before),
            (columns.updated, updated_after, updated_before),
        ):
            if after is not None:
                conditions.append(column > after)
            if before is not None:
                conditions.append(column < before)
        named = self._database.bytewise(columns.name)
        by = [named if sort == "name" else columns[sort], named]
        order = [column.desc() if descending else column.asc() for column in by]
        with self._database.read() as connection:
            count = sa.select(sa.func.count()).select_from(RESOURCES).where(*conditions)
            total = connection.execute(count).scalar_one()
            query = sa.select(RESOURCES).where(*conditions).order_by(*order).limit(limit).offset(offset)
            rows = connection.execute(query).all()
        return [_resource(row) for row in rows], int(total)

    def everywhere(self, kind: str, statuses: Sequence[str]) -> "Sequence[Resource]":
        """The resources of all tenants that are in one of the statuses, the oldest first."""
        query = sa.select(RESOURCES).where(RESOURCES.c.kind == kind, RESOURCES.c.status.in_(statuses))
        with self._database.read() as connection:
            return [_resource(row) for row in connection.execute(query.order_by(RESOURCES.c.created))]

    def associate(self, tenant: Tenant, trial: str, component: str) -> None:
        """The component belongs to the trial afterwards."""
        try:
            with self._database.begin() as connection:
                connection.execute(
                    TRIAL_MEMBERSHIPS.insert().values(**owner(tenant), trial=trial, component=component)
                )
        except IntegrityError:
            return  # it does already

    def disassociate(self, tenant: Tenant, trial: str, component: str) -> bool:
        """The component does not belong to the trial afterwards. False if it did not before."""
        known = TRIAL_MEMBERSHIPS.c
        with self._database.begin() as connection:
            gone = TRIAL_MEMBERSHIPS.delete().where(
                owned(TRIAL_MEMBERSHIPS, tenant), known.trial == trial, known.component == component
            )
            return bool(connection.execute(gone).rowcount)

    def memberships(
        self, tenant: Tenant, *, trials: Sequence[str] | None = None, component: str | None = None
    ) -> "Sequence[tuple[str, str]]":
        """(trial, component) pairs of these trials, of this component, or all."""
        known = TRIAL_MEMBERSHIPS.c
        conditions = [owned(TRIAL_MEMBERSHIPS, tenant)]
        if trials is not None:
            conditions.append(known.trial.in_(trials))
        if component is not None:
            conditions.append(known.component == component)
        query = sa.select(known.trial, known.component).where(*conditions).order_by(known.trial, known.component)
        with self._database.read() as connection:
            return [(row.trial, row.component) for row in connection.execute(query)]

    def _changed(
        self, tenant: Tenant, kind: str, name: str, values: Callable[[Resource], dict[str, object]]
    ) -> Resource | None:
        one = _one(tenant, kind, name)
        with self._database.begin() as connection:
            row = connection.execute(sa.select(RESOURCES).where(one).with_for_update()).first()
            if row is None:
                return None
            connection.execute(RESOURCES.update().where(one).values(values(_resource(row))))
            return _resource(connection.execute(sa.select(RESOURCES).where(one)).one())


def _one(tenant: Tenant, kind: str, name: str) -> sa.ColumnElement[bool]:
    return owned(RESOURCES, tenant) & (RESOURCES.c.kind == kind) & (RESOURCES.c.name == name)


def _resource(row: Any) -> Resource:
    return Resource(
        tenant=Tenant(row.account, row.region),
        kind=row.kind,
        name=row.name,
        parent=row.parent,
        status=row.status,
        created=row.created,
        updated=row.updated,
        record=json.loads(row.record),
        tags=json.loads(row.tags),
    )
