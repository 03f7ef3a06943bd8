"""Training jobs and the agent runs that feed them."""

from collections.abc import Sequence
from dataclasses import replace

import msgspec
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from epochwatch.model.batch import DefinitionHealth, Progress, Registration
from epochwatch.model.diagnosis import Diagnosis, cut
from epochwatch.model.job import (
    LOG_GROUP,
    PROCESSING,
    TRAINING,
    JobKind,
    Run,
    TrainingJob,
    advance,
    candidate_name,
    legal_name,
    log_stream,
    new_job,
    with_clock,
    with_host,
)
from epochwatch.model.tenant import Tenant
from epochwatch.store.state.database import Database, owned, owner
from epochwatch.store.state.job_records import JobRecords, columns
from epochwatch.store.state.log_groups import LogGroupStore
from epochwatch.store.state.remembered import Remembered
from epochwatch.store.state.tables import RUNS, TRAINING_JOBS

MAX_ATTEMPTS = 10_000
"""Names tried for one job before giving up."""

Names = list[str]


class JobStore(JobRecords):
    """Records of jobs, and the runs that feed them; each change is one transaction."""

    def __init__(self, database: Database, log_groups: LogGroupStore) -> None:
        super().__init__(database)
        self._log_groups = log_groups
        self._hosts = Remembered(database, self._has_host)

    def register(self, tenant: Tenant, registration: Registration, now: float) -> Run:
        """The run's place. A new run makes a new job under the wanted name, or with -2, -3 ... behind it where
        that is taken; a run that is known gets the place it has. A host of a created job (``registration.job``: its
        name, or ``processing-job/<name>``) is attached to that job. Raises ValueError where there is none.
        """
        known = self.run(tenant, registration.run_id)
        if known is not None:
            return known
        if registration.job:
            return self._attach(tenant, registration, now)
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
        with self._database.read() as connection:
            row = connection.execute(sa.select(RUNS).where(owned(RUNS, tenant), RUNS.c.run_id == run_id)).first()
        if row is None:
            return None
        return Run(row.run_id, row.job, row.host, row.log_group, row.log_stream, row.started)

    def progress(self, tenant: Tenant, progress: Progress, now: float) -> TrainingJob:
        """The job's record after ``progress``. Raises ValueError for an unknown run or status."""
        run = self.run(tenant, progress.run_id)
        if run is None:
            raise ValueError(f"run {progress.run_id} is not registered")

        def advanced(job: TrainingJob) -> TrainingJob:
            return with_clock(advance(job, progress, now), run.host, progress.clock)

        with self._database.begin() as connection:
            job = self._changed(connection, tenant, run.job, run.kind, advanced)
            if job is None:
                raise ValueError(f"the job '{run.job}' has been deleted")
            if progress.diagnosis is not None and run.kind is TRAINING:
                told = msgspec.json.encode(cut(progress.diagnosis)).decode()
                one = owned(TRAINING_JOBS, tenant) & (TRAINING_JOBS.c.name == run.job)
                connection.execute(TRAINING_JOBS.update().where(one).values(diagnosis=told))
        return job

    def diagnosis(self, tenant: Tenant, name: str) -> Diagnosis | None:
        """What the saved tensors tell of a training job; None where nothing was told."""
        query = sa.select(TRAINING_JOBS.c.diagnosis).where(
            owned(TRAINING_JOBS, tenant), TRAINING_JOBS.c.name == name
        )
        with self._database.read() as connection:
            told = connection.execute(query).scalar()
        return msgspec.json.decode(told, type=Diagnosis) if told else None

    def delete(self, tenant: Tenant, name: str, kind: JobKind = TRAINING) -> bool:
        """As JobRecords.delete."""
        deleted = super().delete(tenant, name, kind)
        self._hosts.forget()
        return deleted

    def ensure_host(self, tenant: Tenant, job: str, host: str) -> None:
        """The host on the job's record, written where it is missing."""
        if not self._hosts.get((tenant, job, host)):
            self.change(tenant, job, lambda record: with_host(record, host))
            self._hosts.forget()

    def note_health(
        self, tenant: Tenant, name: str, health: Sequence[DefinitionHealth], now: float
    ) -> TrainingJob | None:
        """The job's record with how its definitions fared; None if there is none."""
        return self.change(
            tenant, name, lambda job: replace(job, health=list(health), updated=max(now, job.updated))
        )

    def log_streams(self, tenant: Tenant, job: str) -> Names:
        """The log streams of a job, one for each host."""
        query = sa.select(RUNS.c.log_stream).where(
            owned(RUNS, tenant), RUNS.c.job == job, RUNS.c.log_group == LOG_GROUP
        )
        with self._database.read() as connection:
            return sorted(set(connection.execute(query).scalars()))

    def _create(self, tenant: Tenant, name: str, registration: Registration, now: float) -> Run:
        job = new_job(name, registration, now)
        stream = log_stream(name, registration.host, registration.started)
        run = Run(registration.run_id, name, registration.host, LOG_GROUP, stream, registration.started)
        with self._database.begin() as connection:
            connection.execute(TRAINING_JOBS.insert().values(**owner(tenant), name=name, **columns(job)))
            self._insert(connection, tenant, run, now)
        return run

    def _attach(self, tenant: Tenant, registration: Registration, now: float) -> Run:
        resource, _, name = registration.job.rpartition("/")
        kind = PROCESSING if resource == PROCESSING.resource else TRAINING
        stream = log_stream(name, registration.host, registration.started)
        run = Run(registration.run_id, name, registration.host, kind.log_group, stream, registration.started)

        def attached(job: TrainingJob) -> TrainingJob:
            if not job.created_by_api:
                raise ValueError(f"the job '{name}' was not created through the API: no host can join it")
            job = with_host(job, run.host)
            return replace(
                job,
                log_stream=job.log_stream or stream,
                command=job.command or list(registration.command),
                hostname=job.hostname or registration.hostname,
                user=job.user or registration.user,
                working_directory=job.working_directory or registration.working_directory,
                tensors=job.tensors or registration.tensors,
            )

        try:
            with self._database.begin() as connection:
                if self._changed(connection, tenant, name, kind, attached) is None:
                    raise ValueError(f"there is no created {kind.name} job '{name}'")
                self._insert(connection, tenant, run, now)
        except IntegrityError:  # another request registered this very run
            known = self.run(tenant, registration.run_id)
            if known is None:
                raise
            return known
        return run

    def _insert(self, connection: sa.Connection, tenant: Tenant, run: Run, now: float) -> None:
        connection.execute(
            RUNS.insert().values(
                **owner(tenant),
                run_id=run.run_id,
                job=run.job,
                host=run.host,
                log_group=run.log_group,
                log_stream=run.log_stream,
                started=run.started,
            )
        )
        self._log_groups.ensure(connection, tenant, run.log_group, run.log_stream, int(now * 1000))

    def _has_host(self, key: tuple[Tenant, str, str]) -> bool:
        tenant, name, host = key
        job = self.get(tenant, name)
        return job is not None and host in job.hosts
