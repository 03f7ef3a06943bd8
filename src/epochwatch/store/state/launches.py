"""Launches: created jobs that wait to be started, or run somewhere.

A launch is ``queued`` until somebody claims it, ``running`` while its job runs, and ``ended``. It is made with its job
and ends with it, in one transaction each, so that no job is started twice and none is forgotten.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

import sqlalchemy as sa

from epochwatch.model.job import JobKind
from epochwatch.model.launch import TRAINING, Launch
from epochwatch.model.tenant import Tenant
from epochwatch.store.state.database import Database, owned, owner
from epochwatch.store.state.tables import LAUNCHES

QUEUED: Final = "queued"
RUNNING: Final = "running"
ENDED: Final = "ended"


class LaunchStore:
    """Launches of all tenants."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, tenant: Tenant, job: str, kind: str = TRAINING) -> Launch | None:
        """A job's launch; None if there is none."""
        found = self._select(_one(tenant, kind, job))
        return found[0] if found else None

    def queued(self, limit: int) -> list[Launch]:
        """Launches that wait, the oldest first."""
        return self._select(LAUNCHES.c.state == QUEUED, limit)

    def running(self) -> list[Launch]:
        """Launches that were started and have not ended, the oldest first."""
        return self._select(LAUNCHES.c.state == RUNNING)

    def stopping(self) -> list[Launch]:
        """Running launches that are to be stopped."""
        return self._select((LAUNCHES.c.state == RUNNING) & LAUNCHES.c.stop_requested.is_not(None))

    def started(self, launch: Launch, launcher: str, place: Mapping[str, Any], now: float) -> bool:
        """Claim a queued launch. False if it is not queued any more: it was stopped, or another server has it."""
        return self._update(launch, QUEUED, state=RUNNING, launcher=launcher, place=json.dumps(place), started=now)

    def placed(self, launch: Launch, place: Mapping[str, Any]) -> bool:
        """Say where a running launch is now. False if it does not run any more."""
        return self._update(launch, RUNNING, place=json.dumps(place))

    def requeued(self, launch: Launch) -> bool:
        """Put a running launch back in the queue, for another attempt. False if it does not run any more, or is to
        be stopped.
        """
        return self._update(
            launch,
            RUNNING,
            LAUNCHES.c.stop_requested.is_(None),
            state=QUEUED,
            launcher="",
            place="{}",
            started=None,
            attempt=LAUNCHES.c.attempt + 1,
        )

    def request_stop(self, tenant: Tenant, job: str, now: float, kind: str = TRAINING) -> bool:
        """Ask a launch that has not ended to stop. False if there is none."""
        one = _one(tenant, kind, job) & (LAUNCHES.c.state != ENDED)
        with self._database.begin() as connection:
            return bool(connection.execute(LAUNCHES.update().where(one).values(stop_requested=now)).rowcount)

    def ended(self, launch: Launch) -> None:
        """The launch is over."""
        one = _one(launch.tenant, launch.kind, launch.job)
        with self._database.begin() as connection:
            connection.execute(LAUNCHES.update().where(one).values(state=ENDED))

    def _update(self, launch: Launch, known: str, *conditions: sa.ColumnElement[bool], **values: object) -> bool:
        same = (LAUNCHES.c.state == known) & (LAUNCHES.c.attempt == launch.attempt)
        one = _one(launch.tenant, launch.kind, launch.job) & same
        with self._database.begin() as connection:
            return bool(connection.execute(LAUNCHES.update().where(one, *conditions).values(values)).rowcount)

    def _select(self, condition: sa.ColumnElement[bool], limit: int | None = None) -> list[Launch]:
        order = (LAUNCHES.c.created, LAUNCHES.c.kind, LAUNCHES.c.job)
        query = sa.select(LAUNCHES).where(condition).order_by(*order).limit(limit)
        with self._database.read() as connection:
            return [_launch(row) for row in connection.execute(query)]


def insert_launch(connection: sa.Connection, tenant: Tenant, kind: JobKind, job: str, now: float) -> None:
    """Within the transaction that makes a job: its launch, which waits."""
    connection.execute(
        LAUNCHES.insert().values(
            **owner(tenant), kind=kind.name, job=job, state=QUEUED, launcher="", place="{}", attempt=1, created=now
        )
    )


def stop_launch(connection: sa.Connection, tenant: Tenant, kind: JobKind, job: str, now: float) -> bool:
    """Within the transaction that stops a job: end its launch if it waits, else ask it to stop. Whether it waited."""
    one = _one(tenant, kind.name, job)
    ended = LAUNCHES.update().where(one, LAUNCHES.c.state == QUEUED).values(state=ENDED, stop_requested=now)
    if connection.execute(ended).rowcount:
        return True
    asked = LAUNCHES.update().where(one, LAUNCHES.c.stop_requested.is_(None)).values(stop_requested=now)
    connection.execute(asked)
    return False


def end_launch(connection: sa.Connection, tenant: Tenant, kind: JobKind, job: str) -> None:
    """Within the transaction in which a job ends: its launch ends too."""
    connection.execute(LAUNCHES.update().where(_one(tenant, kind.name, job)).values(state=ENDED))


def forget_launch(connection: sa.Connection, tenant: Tenant, kind: JobKind, job: str) -> None:
    """Within the transaction that deletes a job: its launch goes too."""
    connection.execute(LAUNCHES.delete().where(_one(tenant, kind.name, job)))


def _one(tenant: Tenant, kind: str, job: str) -> sa.ColumnElement[bool]:
    return owned(LAUNCHES, tenant) & (LAUNCHES.c.kind == kind) & (LAUNCHES.c.job == job)


def _launch(row: Any) -> Launch:
    return Launch(
        tenant=Tenant(row.account, row.region),
        kind=row.kind,
        job=row.job,
        state=row.state,
        launcher=row.launcher,
        place=json.loads(row.place),
        stop_requested=row.stop_requested,
        attempt=row.attempt,
        created=row.created,
        started=row.started,
    )
