"""The queue: takes created jobs within the machine's limits, has them run, and looks after what runs.

One server of several does it at a time. All it knows is in the state store and in the jobs' directories, so that the
next one, or the same after a crash, goes on.
"""

import logging
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from epochwatch.agent.gpus import Gpus
from epochwatch.client.credentials import Credentials
from epochwatch.launchers.algorithms import DEBUGGER_RULES
from epochwatch.launchers.artifacts import clear
from epochwatch.launchers.directory import JobDirectory
from epochwatch.launchers.images import Unresolved, read_images, resolve
from epochwatch.launchers.instances import gpus_of
from epochwatch.launchers.network import own_address
from epochwatch.launchers.place import Launcher, ProcessLauncher
from epochwatch.launchers.plan import JobHost, Plan, hosts_of
from epochwatch.launchers.slurm import SlurmLauncher
from epochwatch.model.created_job import ENDS
from epochwatch.model.job import KINDS, TERMINAL, TrainingJob
from epochwatch.model.launch import TRAINING, Interruption, JobProgress, Launch
from epochwatch.model.tenant import Tenant
from epochwatch.repeated import Repeated
from epochwatch.services.sagemaker.tuning import advance_tunings
from epochwatch.settings import Settings
from epochwatch.store.state.keys import AccessKey
from epochwatch.store.stores import Stores

logger = logging.getLogger(__name__)

EVERY_SECONDS: Final = 0.5
TUNE_SECONDS: Final = 2.0
SWEEP_SECONDS: Final = 3600.0
KEEP_SECONDS: Final = 7 * 86_400.0
"""How long the directory of a job that has ended stays: its raw output and what its runner said."""
MOST_RESTARTS: Final = 3
"""How often a runner that vanished is started again."""
LOOK_AHEAD: Final = 200
"""Waiting jobs that are looked at in one round."""


class Queue:
    """The loop, in a thread of its own, until it is stopped."""

    def __init__(
        self,
        stores: Stores,
        settings: Settings,
        credentials: Credentials,
        publish: Callable[[Tenant, TrainingJob], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._stores = stores
        self._settings = settings
        self._credentials = credentials
        self._publish = publish
        self._clock = clock
        local = ProcessLauncher()
        self._launchers: dict[str, Launcher] = {
            "process": local,
            "container": local,
            "slurm": SlurmLauncher(),
        }
        self._gpus = _gpus(settings.max_gpus)
        self._tuned = self._swept = 0.0
        self._plans: dict[tuple[Tenant, str, str, float], Plan] = {}
        self._repeated = Repeated("launchers", EVERY_SECONDS, self._take_a_turn)

    def start(self) -> None:
        """Begin, with what an earlier server left running."""
        self._repeated.start()

    def stop(self) -> None:
        """End after the round under way. Jobs go on."""
        self._repeated.stop()

    def _take_a_turn(self) -> None:
        with self._stores.state.elected("launchers") as chosen:
            if chosen:
                self.round()

    def round(self) -> None:
        """One look at everything."""
        running = self._stores.state.launches.running()
        for launch in running:
            try:
                self._look_after(launch)
            except Exception:  # the others are looked after all the same
                logger.exception("looking after %s failed; it is tried again", launch.job)
        self._take(running)
        now = self._clock()
        if now - self._tuned > TUNE_SECONDS:
            self._tuned = now
            advance_tunings(self._stores, now)
        if now - self._swept > SWEEP_SECONDS:
            self._swept = now
            sweep(self._settings.jobs_directory, now, self._is_kept)

    # -- what runs ----------------------------------------------------------------------------------------

    def _look_after(self, launch: Launch) -> None:
        job = self.directory(launch)
        launcher = self._launchers.get(launch.launcher)
        if launcher is None:
            self._fail(launch, f"InternalServerError: there is no launcher '{launch.launcher}' any more")
        elif job.plan() is None:
            self._without_directory(launch)
        elif launch.stop_requested is not None and not job.asked("stop"):
            launcher.stop(job, launch.place)
        elif not launcher.alive(job, launch.place):
            self._revive(launch, launcher, job)

    def _without_directory(self, launch: Launch) -> None:
        """Without a place, nothing of it has run: its server was killed before it had made the directory."""
        if launch.place:
            self._fail(launch, "InternalServerError: the job's directory is gone")
        elif not self._stores.state.launches.requeued(launch):
            self._end(launch, "Stopped")

    def _revive(self, launch: Launch, launcher: Launcher, job: JobDirectory) -> None:
        """A runner that vanished is started again: it goes on from the job's directory."""
        current = self._stores.state.launches.get(launch.tenant, launch.job, launch.kind)
        if current is None or current.state != "running":
            return  # it has told its end meanwhile
        if launch.stop_requested is not None and job.state().sequence == 0:
            self._end(launch, "Stopped")  # nobody had begun with it
            return
        restarts = int(launch.place.get("restarts", 0)) + (1 if launch.place else 0)
        if restarts > MOST_RESTARTS:
            self._fail(launch, "InternalServerError: We encountered an internal error. Please try again.")
            return
        if restarts:
            logger.warning("the runner of %s vanished; it is started again", launch.job)
        self._start(launch, launcher, job, restarts)

    # -- what waits ---------------------------------------------------------------------------------------

    def _take(self, running: list[Launch]) -> None:
        waiting = self._stores.state.launches.queued(LOOK_AHEAD)
        if not waiting:
            return
        plans = self._in_time(self._plans_of(waiting))
        here = [launch for launch in running if launch.launcher != "slurm" and not self._evaluates_rule(launch)]
        places = (self._settings.max_jobs or os.cpu_count() or 1) - len(here)
        free = self._free_gpus(here)
        gpu_jobs_wait = False
        for launch, plan in plans:
            if plan.image.launcher == "slurm":
                self._begin(launch, plan)
                continue
            if plan.image.algorithm == DEBUGGER_RULES:
                if self._has_begun(launch.tenant, plan.request.get("TrainingJobArn", "").rpartition("/")[2]):
                    self._begin(launch, plan)
                continue
            wanted = sum(len_or_all(gpus_of(host.instance_type), self._gpus) for host in plan.hosts)
            wanted = min(wanted, len(self._gpus))
            if places <= 0 or (wanted and gpu_jobs_wait):
                continue
            if wanted > len(free):
                gpu_jobs_wait = True  # those behind it must not overtake it for ever
                continue
            _share(plan.hosts, free[:wanted])
            free = free[wanted:]
            places -= 1
            self._begin(launch, plan)

    def _evaluates_rule(self, launch: Launch) -> bool:
        """What takes no place from jobs, as on AWS it takes no instance of theirs."""
        plan = self.directory(launch).plan()
        return plan is not None and plan.image.algorithm == DEBUGGER_RULES

    def _has_begun(self, tenant: Tenant, training_job: str) -> bool:
        """Whether there may be something for the job's rules, now or at all."""
        job = self._stores.state.jobs.get(tenant, training_job)
        return job is None or job.training_started is not None or job.status in TERMINAL

    def _in_time(self, plans: list[tuple[Launch, Plan]]) -> list[tuple[Launch, Plan]]:
        """Those whose waiting time is not over. Of spot jobs it includes the time in the queue."""
        now = self._clock()
        found = []
        for launch, plan in plans:
            if plan.max_wait is not None and now - plan.created > plan.max_wait:
                self._end(launch, "MaxWaitTimeExceeded")
            else:
                found.append((launch, plan))
        return found

    def _plans_of(self, waiting: list[Launch]) -> list[tuple[Launch, Plan]]:
        """What the jobs that wait mean, each looked up once; those that mean nothing here have failed."""
        known, self._plans = self._plans, {}
        found = []
        for launch in waiting:
            key = (launch.tenant, launch.kind, launch.job, launch.created)
            try:
                plan = known.get(key) or self._planned(launch)
            except Exception as error:
                logger.exception("%s cannot be planned", launch.job)
                self._fail(launch, f"InternalServerError: {type(error).__name__}: {error}"[:1024])
                continue
            if plan is not None:
                self._plans[key] = plan
                found.append((launch, plan))
        return found

    def _planned(self, launch: Launch) -> Plan | None:
        """What the job means here; None for one that failed for it."""
        kind = KINDS[launch.kind]
        request = self._stores.state.jobs.request(launch.tenant, launch.job, kind)
        record = self._stores.state.jobs.get(launch.tenant, launch.job, kind)
        if record is None or record.status in TERMINAL:
            self._stores.state.launches.ended(launch)
            return None
        file = (
            Path(self._settings.images_file) if self._settings.images_file else self._settings.home / "images.toml"
        )
        try:
            image = resolve(_image_of(request, launch.kind), read_images(file), self._settings.launcher)
        except Unresolved as error:
            self._fail(launch, str(error))
            return None
        endpoint = reachable(self._settings, elsewhere=image.launcher == "slurm")
        return Plan(
            account=launch.tenant.account,
            region=launch.tenant.region,
            job=launch.job,
            arn=launch.tenant.arn("sagemaker", f"{kind.resource}/{launch.job}"),
            created=launch.created,
            request=request,
            image=image,
            hosts=hosts_of(request),
            endpoint=endpoint,
            s3_endpoint=self._settings.s3_url.rstrip("/") or endpoint,
            home=str(self._settings.home),
            kind=launch.kind,
            definitions=list(record.definitions),
        )

    def _begin(self, launch: Launch, plan: Plan) -> None:
        launcher = plan.image.launcher
        if not self._stores.state.launches.started(launch, launcher, {}, self._clock()):
            return
        job = self.directory(launch)
        key = self._key_of(launch.tenant.account)
        job.create(plan, {"access_key_id": key.access_key_id, "secret_access_key": key.secret_access_key})
        self._start(launch, self._launchers[launcher], job, 0)

    def _key_of(self, account: str) -> Credentials | AccessKey:
        """What a job signs with: a key of its own account, as its buckets and its record are that account's."""
        if account == self._credentials.account:
            return self._credentials
        return self._stores.state.keys.of_account(account) or self._credentials

    def _start(self, launch: Launch, launcher: Launcher, job: JobDirectory, restarts: int) -> None:
        try:
            place = launcher.start(job)
        except (OSError, subprocess.SubprocessError) as error:
            self._fail(launch, f"InternalServerError: the job could not be started: {error}"[:1024])
            return
        self._stores.state.launches.placed(launch, {**place, "restarts": restarts})

    def _fail(self, launch: Launch, reason: str) -> None:
        self._end(launch, "Failed", reason)

    def _end(self, launch: Launch, status: str, reason: str = "") -> None:
        kind = KINDS[launch.kind]
        record = self._stores.state.jobs.get(launch.tenant, launch.job, kind)
        if record is None:
            self._stores.state.launches.ended(launch)
            return
        progress = JobProgress(
            account=launch.tenant.account,
            region=launch.tenant.region,
            job=launch.job,
            attempt=max(launch.attempt, record.attempt),
            sequence=record.sequence + 1,
            secondary_status=status,
            time=self._clock(),
            failure_reason=reason,
            kind=launch.kind,
        )
        self._publish(launch.tenant, self._stores.state.jobs.job_progress(launch.tenant, progress, self._clock()))

    def interrupt(self, tenant: Tenant, interruption: Interruption) -> None:
        """As a spot interruption. Raises ValueError for a job that does not run."""
        launch = self._stores.state.launches.get(tenant, interruption.job, interruption.kind)
        if launch is None or launch.state != "running":
            raise ValueError(f"no created job '{interruption.job}' runs")
        self.directory(launch).ask("interrupt")

    def _is_kept(self, plan: Plan) -> bool:
        """Whether the job that a plan was made for has not been deleted."""
        record = self._stores.state.jobs.get(plan.tenant, plan.job, KINDS[plan.kind])
        return record is not None and record.created == plan.created

    # -- the machine --------------------------------------------------------------------------------------

    def directory(self, launch: Launch) -> JobDirectory:
        """The job's directory."""
        name = launch.job if launch.kind == TRAINING else f"{launch.kind}-{launch.job}"
        return JobDirectory.of(self._settings.jobs_directory, launch.tenant, name)

    def _free_gpus(self, running: list[Launch]) -> list[str]:
        plans = [self.directory(launch).plan() for launch in running]
        taken = {gpu for plan in plans if plan is not None for host in plan.hosts for gpu in host.gpus}
        return [gpu for gpu in self._gpus if gpu not in taken]


def len_or_all(asked: int, machine: list[str]) -> int:
    """GPUs that a host gets: as its instance type has, or all of a machine that has fewer."""
    return min(asked, len(machine))


def sweep(jobs: Path, now: float, is_kept: Callable[[Plan], bool]) -> None:
    """Delete the directories of jobs whose end was acknowledged long ago, or whose record is not kept any more."""
    for path in jobs.glob("*/*/*/runner.json"):
        job = JobDirectory(path.parent)
        over = job.state().secondary_status in ENDS and not any(job.untold())
        plan = job.plan()
        old = now - path.stat().st_mtime > KEEP_SECONDS or (plan is not None and not is_kept(plan))
        if over and old and not job.running():
            clear(job.path)


def reachable(settings: Settings, *, elsewhere: bool) -> str:
    """The server's URL for a job: of a server on all addresses, the machine's own where the job runs ``elsewhere``."""
    if settings.url or settings.host not in ("0.0.0.0", "::"):  # noqa: S104
        return settings.endpoint
    address = own_address("http://192.0.2.1") if elsewhere else "127.0.0.1"
    return f"http://{address}:{settings.port}"


def _share(hosts: list[JobHost], gpus: list[str]) -> None:
    """Give the GPUs to the hosts, in order, as their instance types ask."""
    rest = list(gpus)
    for host in hosts:
        count = min(gpus_of(host.instance_type), len(rest), max(1, len(gpus) // len(hosts)) if rest else 0)
        host.gpus, rest = rest[:count], rest[count:]


def _gpus(most: int) -> list[str]:
    """The machine's GPUs by number, as far as jobs may have them."""
    found = [str(number) for number in range(len(Gpus.open()))]
    return found if most < 0 else found[:most]


def _image_of(request: dict[str, Any], kind: str) -> str:
    if kind != TRAINING:
        return str((request.get("AppSpecification") or {}).get("ImageUri", ""))
    algorithm = request.get("AlgorithmSpecification") or {}
    return str(algorithm.get("TrainingImage") or algorithm.get("AlgorithmName") or "")
