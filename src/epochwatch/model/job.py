"""The life of a training job: its record, and which state may follow which."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from epochwatch.model.batch import Definition, DefinitionHealth, Progress, Registration
from epochwatch.model.clock import ClockOffset
from epochwatch.model.diagnosis import Evaluation, evaluated


@dataclass(frozen=True, slots=True)
class JobKind:
    """What kinds of jobs there are, and where SageMaker keeps what belongs to them."""

    name: str
    """``training`` or ``processing``."""
    resource: str
    """What stands before the job's name in its ARN."""
    log_group: str
    """Also the CloudWatch namespace of its hosts' metrics."""


TRAINING = JobKind("training", "training-job", "/aws/sagemaker/TrainingJobs")
PROCESSING = JobKind("processing", "processing-job", "/aws/sagemaker/ProcessingJobs")
KINDS = {kind.name: kind for kind in (TRAINING, PROCESSING)}

LOG_GROUP = TRAINING.log_group
NAME_LIMIT = 63
"""Characters a training job's name may have."""
MAX_FAILURE_REASON = 1024

IN_PROGRESS = "InProgress"
COMPLETED = "Completed"
FAILED = "Failed"
STOPPED = "Stopped"
STOPPING = "Stopping"
STATUSES = (IN_PROGRESS, COMPLETED, FAILED, STOPPED)
"""What a run says of itself; a created job can be ``Stopping`` too."""
TERMINAL = frozenset({COMPLETED, FAILED, STOPPED})

_NAME = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}")
_HOST_SOURCE = re.compile(r"(algo-[1-9][0-9]{0,5})\.log")
_UNNAMEABLE = re.compile(r"[^a-zA-Z0-9]+")
_MESSAGES = {
    "Starting": "Starting the training job",
    "Training": "Training image download completed. Training in progress.",
    COMPLETED: "Training job completed",
    STOPPED: "Training job stopped",
    FAILED: "Training job failed",
}


@dataclass(frozen=True, slots=True)
class Transition:
    """One entry of SecondaryStatusTransitions; times in Unix seconds, ``end`` None while it lasts."""

    status: str
    start: float
    end: float | None
    message: str


@dataclass(frozen=True, slots=True)
class TrainingJob:
    """A training job's record. All times are Unix seconds."""

    name: str
    status: str
    secondary_status: str
    created: float
    """When the server heard of it."""
    started: float
    ended: float | None
    updated: float
    """When the server last changed the record (heartbeats included)."""
    host_count: int = 1
    exit_code: int | None = None
    failure_reason: str = ""
    lost: bool = False
    """Marked Failed because nothing was heard of it; reopens when the run reports again."""
    command: list[str] = field(default_factory=list)
    working_directory: str = ""
    hostname: str = ""
    user: str = ""
    log_group: str = LOG_GROUP
    log_stream: str = ""
    hosts: list[str] = field(default_factory=list)
    clocks: dict[str, ClockOffset] = field(default_factory=dict)
    """The server's clock against that of each host, as far as its agent has measured it."""
    definitions: list[Definition] = field(default_factory=list)
    health: list[DefinitionHealth] = field(default_factory=list)
    config: dict[str, Any] = field(default_factory=dict)
    summary: dict[str, Any] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    transitions: list[Transition] = field(default_factory=list)
    created_by_api: bool = False
    """Made by CreateTrainingJob or CreateProcessingJob: its runner, and not its hosts' runs, says how it fares."""
    attempt: int = 0
    """Of the runner's newest word that is in the record, which attempt of the job it is from, and ..."""
    sequence: int = 0
    """... its number within the attempt."""
    training_started: float | None = None
    """Of a created job: when its first input was asked for; the time that is paid for begins."""
    billable_seconds: int | None = None
    artifacts: str = ""
    """S3 URI of model.tar.gz (or of the folder, uncompressed)."""
    output: str = ""
    """S3 URI of output.tar.gz; of a processing job, what it left in /opt/ml/output/message."""
    tensors: str = ""
    """Where it saves tensors, if it does: a directory of its first host, or an S3 URI."""
    diagnosis: Evaluation | None = None
    """How the diagnosis by these tensors stands; None where there is none."""
    note: str = ""
    """What people wrote down about it, in Markdown ..."""
    noted: float | None = None
    """... and when they last did."""


@dataclass(frozen=True, slots=True)
class Run:
    """One registered agent run: the place its rows go to."""

    run_id: str
    job: str
    host: str
    log_group: str
    log_stream: str
    started: float
    """Unix seconds."""

    @property
    def kind(self) -> JobKind:
        """The kind of its job."""
        return PROCESSING if self.log_group == PROCESSING.log_group else TRAINING

    def place_of(self, source: str) -> "Run":
        """Where rows of one of the run's sources go: ``<run_id>/algo-2.log`` to the host ``algo-2`` and a log stream
        of its own, as an agent that follows several files has a source for each; all others to the run's own place.
        """
        found = _HOST_SOURCE.fullmatch(source.partition("/")[2])
        if found is None or found[1] == self.host:
            return self
        return replace(self, host=found[1], log_stream=log_stream(self.job, found[1], self.started))


def legal_name(wanted: str) -> str:
    """``wanted`` made into a training job name: other characters become hyphens, at most 63 of them."""
    if len(wanted) <= NAME_LIMIT and _NAME.fullmatch(wanted):  # hyphens do not count in the pattern
        return wanted
    return _UNNAMEABLE.sub("-", wanted)[:NAME_LIMIT].strip("-") or "training"


def candidate_name(wanted: str, attempt: int) -> str:
    """The name to try at ``attempt`` 1, 2, 3 ...: ``wanted``, ``wanted-2``, ``wanted-3``, within 63 characters."""
    if attempt == 1:
        return wanted
    suffix = f"-{attempt}"
    return wanted[: NAME_LIMIT - len(suffix)].rstrip("-") + suffix


def new_job(name: str, registration: Registration, now: float) -> TrainingJob:
    """The record of a job whose first run registers ``now``."""
    return TrainingJob(
        name=name,
        status=IN_PROGRESS,
        secondary_status="Starting",
        created=now,
        started=registration.started,
        ended=None,
        updated=now,
        command=list(registration.command),
        working_directory=registration.working_directory,
        hostname=registration.hostname,
        user=registration.user,
        log_stream=log_stream(name, registration.host, registration.started),
        hosts=[registration.host],
        definitions=list(registration.definitions),
        config=dict(registration.config),
        tags=dict(registration.tags),
        tensors=registration.tensors,
        transitions=[Transition("Starting", registration.started, None, _MESSAGES["Starting"])],
    )


def log_stream(job: str, host: str, started: float) -> str:
    """The log stream of a job's host, as SageMaker names it: ``<job>/<host>-<Unix seconds>``."""
    return f"{job}/{host}-{int(started)}"


def with_host(job: TrainingJob, host: str) -> TrainingJob:
    """The record of a job that has lines or values of ``host``."""
    if host in job.hosts:
        return job
    hosts = [*job.hosts, host]
    return replace(job, hosts=hosts, host_count=max(len(hosts), job.host_count if job.created_by_api else 0))


def with_clock(job: TrainingJob, host: str, clock: ClockOffset | None) -> TrainingJob:
    """The record of a job of which a host's clock was measured."""
    return job if clock is None else replace(job, clocks={**job.clocks, host: clock})


def advance(job: TrainingJob, progress: Progress, now: float) -> TrainingJob:
    """The record after ``progress``. Idempotent.

    A terminal state never changes again, save that of a job given up as lost; the state of a created job is its
    runner's to tell. What the run says about its metrics and configuration is taken in any state. Raises ValueError
    for an unknown status.
    """
    if progress.status not in STATUSES:
        raise ValueError(f"status must be one of {', '.join(STATUSES)}, not '{progress.status}'")
    if job.created_by_api:  # clients tell a change of state by LastModifiedTime: a heartbeat is none
        return _described(job, progress, now)
    job = _described(replace(job, updated=max(now, job.updated)), progress, now)
    if job.status in TERMINAL and not job.lost:
        return job
    if job.lost:
        job = _reopened(job)
    if job.secondary_status == "Starting":
        job = entered(job, "Training", job.started, _MESSAGES["Training"])
    if progress.status == IN_PROGRESS:
        return job
    reason = progress.failure_reason[:MAX_FAILURE_REASON] if progress.status == FAILED else ""
    return replace(
        _ended(job, progress.status, progress.time, reason),
        exit_code=progress.exit_code,
    )


def given_up(job: TrainingJob, reason: str, now: float) -> TrainingJob:
    """The record of a job of which nothing is heard any more: Failed, until it reports again."""
    if job.status in TERMINAL:
        return job
    return replace(_ended(job, FAILED, now, reason[:MAX_FAILURE_REASON]), lost=True)


def _described(job: TrainingJob, progress: Progress, now: float) -> TrainingJob:
    return replace(
        job,
        definitions=list(progress.definitions) or job.definitions,
        health=list(progress.health) or job.health,
        config=_merged(job.config, progress.config),
        summary=_merged(job.summary, progress.summary),
        tags={**job.tags, **progress.tags},
        diagnosis=evaluated(progress.diagnosis, job.diagnosis, now) if progress.diagnosis else job.diagnosis,
    )


def _merged(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    return {**old, **new}


def _ended(job: TrainingJob, status: str, time: float, reason: str) -> TrainingJob:
    time = max(time, job.transitions[-1].start)
    return closed(entered(job, status, time, reason or _MESSAGES[status]), status, time, reason)


def _reopened(job: TrainingJob) -> TrainingJob:
    last = job.transitions[-1]
    kept = job.transitions[:-1] if last.status == FAILED else job.transitions
    resumed = replace(kept[-1], end=None)
    return replace(
        job,
        status=IN_PROGRESS,
        secondary_status=resumed.status,
        ended=None,
        failure_reason="",
        lost=False,
        transitions=[*kept[:-1], resumed],
    )


def entered(job: TrainingJob, status: str, time: float, message: str) -> TrainingJob:
    """The record of a job that is in a secondary status from ``time`` on (at least since the one before began)."""
    time = max(time, job.transitions[-1].start)
    before = replace(job.transitions[-1], end=time)
    return replace(
        job,
        secondary_status=status,
        transitions=[*job.transitions[:-1], before, Transition(status, time, None, message)],
    )


def closed(job: TrainingJob, status: str, time: float, reason: str) -> TrainingJob:
    """The record of a job that has ended: its last transition is over too."""
    last = replace(job.transitions[-1], end=time)
    return replace(
        job, status=status, ended=time, failure_reason=reason, transitions=[*job.transitions[:-1], last]
    )
