"""Records of jobs of one kind: made, read, changed and listed, each in one transaction."""

import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import msgspec
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from epochwatch.model.batch import Definition
from epochwatch.model.created_job import advance_created, created_job, stopped_waiting, stopping
from epochwatch.model.job import KINDS, PROCESSING, TERMINAL, TRAINING, JobKind, TrainingJob
from epochwatch.model.launch import JobProgress
from epochwatch.model.tenant import Tenant
from epochwatch.store.state.database import Database, owned, owner
from epochwatch.store.state.launches import end_launch, forget_launch, insert_launch, stop_launch
from epochwatch.store.state.tables import PROCESSING_JOBS, RUNS, TRAINING_JOBS

Sort = Literal["created", "name", "status", "updated"]
Page = tuple[list[TrainingJob], int]
Change = Callable[[TrainingJob], TrainingJob]

_TABLES = {TRAINING: TRAINING_JOBS, PROCESSING: PROCESSING_JOBS}


class NameTaken(Exception):
    """A job of that kind and name is there."""


class StillRunning(Exception):
    """The job has not ended: its status."""


class Named(NamedTuple):
    """A job in short. ``updated`` is in Unix seconds."""

    name: str
    status: str
    updated: float


class JobRecords:
    """Jobs of all tenants. ``kind`` says which jobs are meant; by default, training jobs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(
        self,
        tenant: Tenant,
        name: str,
        request: Mapping[str, Any],
        definitions: Sequence[Definition],
        tags: Mapping[str, str],
        now: float,
        *,
        config: Mapping[str, Any] | None = None,
        host_count: int = 1,
        kind: JobKind = TRAINING,
        evaluations: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> TrainingJob:
        """Make a job with its launch, from the operation's input as JSON can hold it, and with it the processing jobs
        that evaluate its rules, from theirs by name. Raises NameTaken.
        """
        job = created_job(
            kind, name, now, definitions=definitions, tags=tags, config=config, host_count=host_count
        )
        made = [(kind, job, request)]
        for evaluation, given in (evaluations or {}).items():
            made.append((PROCESSING, created_job(PROCESSING, evaluation, now), given))
        try:
            with self._database.begin() as connection:
                for each, record, given in made:
                    values = {**owner(tenant), "name": record.name, "request": json.dumps(given)}
                    connection.execute(_TABLES[each].insert().values(**values, **columns(record)))
                    insert_launch(connection, tenant, each, record.name, now)
        except IntegrityError as error:
            raise NameTaken(name) from error
        return job

    def get(self, tenant: Tenant, name: str, kind: JobKind = TRAINING) -> TrainingJob | None:
        """A job's record; None if there is none."""
        with self._database.read() as connection:
            row = connection.execute(self._one(tenant, name, kind)).first()
        return None if row is None else decoded(row)

    def named(self, tenant: Tenant, names: Sequence[str], kind: JobKind = TRAINING) -> dict[str, TrainingJob]:
        """Those of the jobs that are there, by name."""
        table = _TABLES[kind]
        query = sa.select(table.c.record).where(owned(table, tenant), table.c.name.in_(names))
        with self._database.read() as connection:
            jobs = [decoded(row) for row in connection.execute(query)]
        return {job.name: job for job in jobs}

    def request(self, tenant: Tenant, name: str, kind: JobKind = TRAINING) -> dict[str, Any]:
        """The input a job was made from; empty for a run, and for a job that is not there."""
        return self.requests(tenant, [name], kind).get(name, {})

    def requests(
        self, tenant: Tenant, names: Sequence[str], kind: JobKind = TRAINING
    ) -> dict[str, dict[str, Any]]:
        """The inputs of those of the jobs that were created, by name."""
        table = _TABLES[kind]
        query = sa.select(table.c.name, table.c.request).where(
            owned(table, tenant), table.c.name.in_(names), table.c.request.is_not(None)
        )
        with self._database.read() as connection:
            return {row.name: json.loads(row.request) for row in connection.execute(query)}

    def job_progress(self, tenant: Tenant, progress: JobProgress, now: float) -> TrainingJob:
        """The record after a runner's word; a job that has ended has no launch any more. Raises ValueError for a job
        that is not there and for a state that cannot follow.
        """
        kind = KINDS.get(progress.kind, TRAINING)
        with self._database.begin() as connection:
            job = self._changed(
                connection, tenant, progress.job, kind, lambda job: advance_created(kind, job, progress, now)
            )
            if job is None or not job.created_by_api:
                raise ValueError(f"there is no created {kind.name} job '{progress.job}'")
            if job.status in TERMINAL:
                end_launch(connection, tenant, kind, progress.job)
        return job

    def stop(self, tenant: Tenant, name: str, now: float, kind: JobKind = TRAINING) -> TrainingJob | None:
        """Ask a created job to stop: it is stopped at once if nobody has started it, else it is for its launch to
        do. None if there is none; one that has ended does not change.
        """
        with self._database.begin() as connection:
            row = connection.execute(self._one(tenant, name, kind).with_for_update()).first()
            if row is None:
                return None
            job = decoded(row)
            if job.status in TERMINAL or not job.created_by_api:
                return job
            waiting = stop_launch(connection, tenant, kind, name, now)
            change = stopped_waiting if waiting else stopping
            return self._changed(connection, tenant, name, kind, lambda job: change(kind, job, now))

    def change(self, tenant: Tenant, name: str, change: Change, kind: JobKind = TRAINING) -> TrainingJob | None:
        """Give a job the record that ``change`` makes of the one it has; what it raises leaves it as it was. None if
        there is no such job.
        """
        with self._database.begin() as connection:
            return self._changed(connection, tenant, name, kind, change)

    def change_request(
        self,
        tenant: Tenant,
        name: str,
        change: Callable[[dict[str, Any]], Mapping[str, Any]],
        kind: JobKind = TRAINING,
    ) -> None:
        """Give a created job the input that ``change`` makes of the one it has."""
        table = _TABLES[kind]
        one = owned(table, tenant) & (table.c.name == name)
        with self._database.begin() as connection:
            query = sa.select(table.c.request).where(one).with_for_update()
            text = connection.execute(query).scalar()
            if text is not None:
                connection.execute(table.update().where(one).values(request=json.dumps(change(json.loads(text)))))

    def delete(self, tenant: Tenant, name: str, kind: JobKind = TRAINING) -> bool:
        """Forget a job that has ended, with its runs; its name is free. False if there is none. Raises
        StillRunning.
        """
        table = _TABLES[kind]
        with self._database.begin() as connection:
            row = connection.execute(self._one(tenant, name, kind).with_for_update()).first()
            if row is None:
                return False
            status = decoded(row).status
            if status not in TERMINAL:
                raise StillRunning(status)
            connection.execute(table.delete().where(owned(table, tenant), table.c.name == name))
            of_job = owned(RUNS, tenant) & (RUNS.c.job == name) & (RUNS.c.log_group == kind.log_group)
            connection.execute(RUNS.delete().where(of_job))
            forget_launch(connection, tenant, kind, name)
        return True

    def list(
        self,
        tenant: Tenant,
        *,
        search: str | None = None,
        status: str | None = None,
        created_after: float | None = None,
        created_before: float | None = None,
        updated_after: float | None = None,
        updated_before: float | None = None,
        sort: Sort = "created",
        descending: bool = True,
        limit: int = 100,
        offset: int = 0,
        kind: JobKind = TRAINING,
    ) -> Page:
        """One page of jobs and how many there are in all. ``search`` is text in the name, whatever its case;
        the bounds in time leave themselves out.
        """
        table = _TABLES[kind]
        jobs = table.c
        conditions = [owned(table, tenant)]
        if search:
            conditions.append(self._database.holds(sa.func.lower(jobs.name), search.lower()))
        if status:
            conditions.append(jobs.status == status)
        for column, after, before in (
            (jobs.created, created_after, created_before),
            (jobs.updated, updated_after, updated_before),
        ):
            if after is not None:
                conditions.append(column > after)
            if before is not None:
                conditions.append(column < before)
        by = [self._database.bytewise(jobs[sort]) if sort in ("name", "status") else jobs[sort]]
        by.append(self._database.bytewise(jobs.name))
        order = [column.desc() if descending else column.asc() for column in by]
        with self._database.read() as connection:
            total = connection.execute(
                sa.select(sa.func.count()).select_from(table).where(*conditions)
            ).scalar_one()
            rows = connection.execute(
                sa.select(jobs.record).where(*conditions).order_by(*order).limit(limit).offset(offset)
            ).all()
        return [decoded(row) for row in rows], int(total)

    def everywhere(self, status: str, kind: JobKind = TRAINING) -> "Sequence[tuple[Tenant, TrainingJob]]":
        """The jobs of all tenants that have a status, the oldest first."""
        jobs = _TABLES[kind].c
        query = (
            sa.select(jobs.account, jobs.region, jobs.record).where(jobs.status == status).order_by(jobs.created)
        )
        with self._database.read() as connection:
            return [(Tenant(row.account, row.region), decoded(row)) for row in connection.execute(query)]

    def all(self, tenant: Tenant, kind: JobKind = TRAINING) -> "Sequence[tuple[TrainingJob, dict[str, Any]]]":
        """Every job with the input it was made from (empty for a run)."""
        table = _TABLES[kind]
        query = sa.select(table.c.record, table.c.request).where(owned(table, tenant))
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        return [(decoded(row), json.loads(row.request) if row.request else {}) for row in rows]

    def names(self, tenant: Tenant, kind: JobKind = TRAINING) -> "Sequence[Named]":
        """Every job with what its list needs to find it, the one that changed last first."""
        jobs = _TABLES[kind].c
        query = sa.select(jobs.name, jobs.status, jobs.updated).where(owned(_TABLES[kind], tenant))
        with self._database.read() as connection:
            return [Named(*row) for row in connection.execute(query.order_by(jobs.updated.desc()))]

    def _changed(
        self, connection: sa.Connection, tenant: Tenant, name: str, kind: JobKind, change: Change
    ) -> TrainingJob | None:
        row = connection.execute(self._one(tenant, name, kind).with_for_update()).first()
        if row is None:
            return None
        table = _TABLES[kind]
        known = decoded(row)
        job = change(known)
        if job is not known:
            connection.execute(
                table.update().where(owned(table, tenant), table.c.name == name).values(columns(job))
            )
        return job

    def _one(self, tenant: Tenant, name: str, kind: JobKind) -> "sa.Select[Any]":
        table = _TABLES[kind]
        return sa.select(table.c.record).where(owned(table, tenant), table.c.name == name)


def decoded(row: Any) -> TrainingJob:
    """The record of a row."""
    return msgspec.json.decode(row.record, type=TrainingJob)


def columns(job: TrainingJob) -> dict[str, object]:
    """The columns that hold a record."""
    return {
        "status": job.status,
        "created": job.created,
        "updated": job.updated,
        "record": msgspec.json.encode(job).decode(),
        "stamp": secrets.randbits(63),
    }
