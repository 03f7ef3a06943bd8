"""Training jobs and the agent runs that feed them."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

import msgspec
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from epochwatch.model.batch import DefinitionHealth, Progress, Registration
from epochwatch.model.job import (
    LOG_GROUP,
    Run,
    TrainingJob,
    advance,
    candidate_name,
    legal_name,
    log_stream,
    new_job,
    with_host,
)
from epochwatch.model.tenant import Tenant
from epochwatch.store.state.database import Database, owned, owner
from epochwatch.store.state.log_groups import LogGroupStore
from epochwatch.store.state.remembered import Remembered
from epochwatch.store.state.tables import RUNS, TRAINING_JOBS

Sort = Literal["created", "name", "status", "updated"]
MAX_ATTEMPTS = 10_000
"""Names tried for one job before giving up."""


Page = tuple[list[TrainingJob], int]
Names = list[str]


class JobStore:
    """Records of training jobs; each change is one transaction."""

    def __init__(self, database: Database, log_groups: LogGroupStore) -> None:
        self._database = database
        self._log_groups = log_groups
        self._hosts = Remembered(database, self._has_host)

    def register(self, tenant: Tenant, registration: Registration, now: float) -> Run:
        """The run's place. A new run makes a new job under the wanted name, or with -2, -3 ... behind it where
        that is taken; a run that is known gets the place it has.
        """
        known = self.run(tenant, registration.run_id)
        if known is not None:
            return known
        wanted = legal_name(registration.name)
        for attempt in range(1, MAX_ATTEMPTS):
            name = candidate_name(wanted, attempt)
            if self.get(tenant, name) is not None:
                continue
            try:
                return self._create(tenant, name, registration, now)
            except IntegrityError:  # another request took the name, or registered this very run
                known = self.run(tenant, registration.run_id)
                if known is not None:
                    return known
        raise ValueError(f"no name like '{wanted}' is free")

    def run(self, tenant: Tenant, run_id: str) -> Run | None:
        """A registered run; None if it is unknown."""
        with self._database.begin() as connection:
            row = connection.execute(sa.select(RUNS).where(owned(RUNS, tenant), RUNS.c.run_id == run_id)).first()
        if row is None:
            return None
        return Run(row.run_id, row.job, row.host, row.log_group, row.log_stream, row.started)

    def progress(self, tenant: Tenant, progress: Progress, now: float) -> TrainingJob:
        """The job's record after ``progress``. Raises ValueError for an unknown run or status."""
        run = self.run(tenant, progress.run_id)
        if run is None:
            raise ValueError(f"run {progress.run_id} is not registered")
        with self._database.begin() as connection:
            row = connection.execute(self._one(tenant, run.job).with_for_update()).one()
            job = advance(_job(row), progress, now)
            connection.execute(
                TRAINING_JOBS.update()
                .where(owned(TRAINING_JOBS, tenant), TRAINING_JOBS.c.name == run.job)
                .values(_columns(job))
            )
        return job

    def ensure_host(self, tenant: Tenant, job: str, host: str) -> None:
        """The host on the job's record, written where it is missing."""
        if self._hosts.get((tenant, job, host)):
            return
        with self._database.begin() as connection:
            record = _job(connection.execute(self._one(tenant, job).with_for_update()).one())
            connection.execute(
                TRAINING_JOBS.update()
                .where(owned(TRAINING_JOBS, tenant), TRAINING_JOBS.c.name == job)
                .values(_columns(with_host(record, host)))
            )
        self._hosts.forget()

    def note_health(
        self, tenant: Tenant, name: str, health: Sequence[DefinitionHealth], now: float
    ) -> TrainingJob | None:
        """The job's record with how its definitions fared; None if there is none."""
        with self._database.begin() as connection:
            row = connection.execute(self._one(tenant, name).with_for_update()).first()
            if row is None:
                return None
            known = _job(row)
            job = replace(known, health=list(health), updated=max(now, known.updated))
            connection.execute(
                TRAINING_JOBS.update()
                .where(owned(TRAINING_JOBS, tenant), TRAINING_JOBS.c.name == name)
                .values(_columns(job))
            )
        return job

    def get(self, tenant: Tenant, name: str) -> TrainingJob | None:
        """A job's record; None if there is none."""
        with self._database.begin() as connection:
            row = connection.execute(self._one(tenant, name)).first()
        return None if row is None else _job(row)

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
    ) -> Page:
        """One page of jobs and how many there are in all. ``search`` is text in the name, whatever its case;
        the bounds in time leave themselves out.
        """
        jobs = TRAINING_JOBS.c
        conditions = [owned(TRAINING_JOBS, tenant)]
        if search:
            conditions.append(sa.func.lower(jobs.name).contains(search.lower(), autoescape=True))
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
        with self._database.begin() as connection:
            total = connection.execute(
                sa.select(sa.func.count()).select_from(TRAINING_JOBS).where(*conditions)
            ).scalar_one()
            rows = connection.execute(
                sa.select(jobs.record).where(*conditions).order_by(*order).limit(limit).offset(offset)
            ).all()
        return [_job(row) for row in rows], int(total)

    def log_streams(self, tenant: Tenant, job: str) -> Names:
        """The log streams of a job, one for each host."""
        query = sa.select(RUNS.c.log_stream).where(owned(RUNS, tenant), RUNS.c.job == job)
        with self._database.begin() as connection:
            return sorted(set(connection.execute(query).scalars()))

    def _create(self, tenant: Tenant, name: str, registration: Registration, now: float) -> Run:
        job = new_job(name, registration, now)
        stream = log_stream(name, registration.host, registration.started)
        run = Run(registration.run_id, name, registration.host, LOG_GROUP, stream, registration.started)
        with self._database.begin() as connection:
            connection.execute(TRAINING_JOBS.insert().values(**owner(tenant), name=name, **_columns(job)))
            connection.execute(
                RUNS.insert().values(
                    **owner(tenant),
                    run_id=run.run_id,
                    job=name,
                    host=run.host,
                    log_group=run.log_group,
                    log_stream=run.log_stream,
                    started=run.started,
                )
            )
            self._log_groups.ensure(connection, tenant, run.log_group, run.log_stream, int(now * 1000))
        return run

    def _has_host(self, key: tuple[Tenant, str, str]) -> bool:
        tenant, name, host = key
        job = self.get(tenant, name)
        return job is not None and host in job.hosts

    def _one(self, tenant: Tenant, name: str) -> "sa.Select[Any]":
        return sa.select(TRAINING_JOBS.c.record).where(owned(TRAINING_JOBS, tenant), TRAINING_JOBS.c.name == name)


def _job(row: Any) -> TrainingJob:
    return msgspec.json.decode(row.record, type=TrainingJob)


def _columns(job: TrainingJob) -> dict[str, object]:
    return {
        "status": job.status,
        "created": job.created,
        "updated": job.updated,
        "record": msgspec.json.encode(job).decode(),
    }
