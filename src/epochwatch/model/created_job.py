"""The life of a job made by CreateTrainingJob or CreateProcessingJob: which state may follow which.

A created job waits (``Starting``, ``Pending``), is run by its runner (``Downloading``, ``Training``, ``Uploading``;
again after ``Interrupted`` and ``Restarting``) and ends. The runner numbers its words, so each counts once. A stop is
asked for from outside: the job is ``Stopping`` at once, and what it does meanwhile shows only as far as SageMaker
shows it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from epochwatch.model.batch import Definition
from epochwatch.model.job import (
    COMPLETED,
    FAILED,
    IN_PROGRESS,
    MAX_FAILURE_REASON,
    STOPPED,
    STOPPING,
    TERMINAL,
    JobKind,
    TrainingJob,
    Transition,
    closed,
    entered,
)
from epochwatch.model.launch import JobProgress

ENDS: Final = {
    "Completed": COMPLETED,
    "Failed": FAILED,
    "Stopped": STOPPED,
    "MaxRuntimeExceeded": STOPPED,
    "MaxWaitTimeExceeded": STOPPED,
}
"""The status of a job that has ended, by its last secondary status."""
_WAITING: Final = frozenset({"Starting", "Pending"})
_RUNNING: Final = frozenset({"Downloading", "Training", "Uploading"})
FOLLOWERS: Final[dict[str, frozenset[str]]] = {
    "Starting": _WAITING | _RUNNING | {"Interrupted", "Restarting"},
    "Pending": _WAITING | _RUNNING | {"Interrupted", "Restarting"},
    "Downloading": frozenset({"Training", "Uploading", "Interrupted", "Restarting"}),
    "Training": frozenset({"Uploading", "Interrupted", "Restarting"}),
    "Uploading": frozenset({"Interrupted", "Restarting"}),
    "Interrupted": _WAITING | _RUNNING | {"Restarting"},
    "Restarting": _WAITING | _RUNNING | {"Interrupted"},
    "Stopping": frozenset({"Uploading"}),
}
"""What may come after a secondary status, besides itself, ``Stopping`` and the ends, which may come after any."""
_MESSAGES: Final = {
    "Starting": "Starting the {kind} job",
    "Pending": "{Kind} job waiting for capacity",
    "Downloading": "Downloading input data",
    "Training": "Training image download completed. Training in progress.",
    "Uploading": "Uploading generated training model",
    "Interrupted": "{Kind} job interrupted. Waiting for capacity to resume",
    "Restarting": "Restarting the {kind} job",
    "Stopping": "Stopping the {kind} job",
    "Completed": "{Kind} job completed",
    "Failed": "{Kind} job failed",
    "Stopped": "{Kind} job stopped",
    "MaxRuntimeExceeded": "{Kind} job runtime exceeded MaxRuntimeInSeconds provided",
    "MaxWaitTimeExceeded": "{Kind} job runtime exceeded MaxWaitTimeInSeconds provided",
}


def created_job(
    kind: JobKind,
    name: str,
    now: float,
    *,
    definitions: Sequence[Definition] = (),
    tags: Mapping[str, str] | None = None,
    config: Mapping[str, Any] | None = None,
    host_count: int = 1,
) -> TrainingJob:
    """The record of a job that was asked for ``now`` (Unix seconds) and waits for its turn."""
    return TrainingJob(
        name=name,
        status=IN_PROGRESS,
        secondary_status="Starting",
        created=now,
        started=now,
        ended=None,
        updated=now,
        host_count=host_count,
        log_group=kind.log_group,
        definitions=list(definitions),
        config=dict(config or {}),
        tags=dict(tags or {}),
        transitions=[Transition("Starting", now, None, message_of(kind, "Starting"))],
        created_by_api=True,
    )


def advance_created(kind: JobKind, job: TrainingJob, progress: JobProgress, now: float) -> TrainingJob:
    """The record after a runner's word. Idempotent; a job that has ended does not change.

    Raises ValueError for a secondary status that is unknown, or that cannot follow the job's.
    """
    status = progress.secondary_status
    if status not in FOLLOWERS and status not in ENDS:
        raise ValueError(f"there is no secondary status '{status}'")
    if job.status in TERMINAL or (progress.attempt, progress.sequence) <= (job.attempt, job.sequence):
        return job
    followers = FOLLOWERS["Stopping" if job.status == STOPPING else job.secondary_status]
    allowed = status == job.secondary_status or status in ENDS or status in followers
    if not allowed and STOPPING not in (status, job.status):
        raise ValueError(f"a job that is {job.secondary_status} cannot become {status}")
    job = replace(
        job,
        attempt=progress.attempt,
        sequence=progress.sequence,
        updated=max(now, job.updated),
        artifacts=progress.artifacts or job.artifacts,
        output=progress.output or job.output,
    )
    if progress.billable_seconds is not None:
        job = replace(job, billable_seconds=progress.billable_seconds)
    if job.training_started is None and status in _RUNNING:
        job = replace(job, started=progress.time, training_started=progress.time)
    message = progress.message or message_of(kind, status)
    if status in ENDS:
        return _over(job, progress, message)
    if status == STOPPING:
        return stopping(kind, job, progress.time)
    return _in(job, status, progress.time, message) if allowed else job


def stopping(kind: JobKind, job: TrainingJob, now: float) -> TrainingJob:
    """The record of a job that is asked to stop; one that has ended, or is asked already, does not change."""
    if job.status in TERMINAL or job.status == STOPPING:
        return job
    job = replace(job, status=STOPPING, updated=max(now, job.updated))
    return entered(job, "Stopping", now, message_of(kind, "Stopping"))


def stopped_waiting(kind: JobKind, job: TrainingJob, now: float) -> TrainingJob:
    """The record of a job that was stopped before it was started."""
    job = entered(stopping(kind, job, now), "Stopped", now, message_of(kind, "Stopped"))
    return closed(job, STOPPED, now, "")


def message_of(kind: JobKind, status: str) -> str:
    """What SageMaker says about a secondary status."""
    return _MESSAGES[status].format(kind=kind.name, Kind=kind.name.capitalize())


def _in(job: TrainingJob, status: str, time: float, message: str) -> TrainingJob:
    """In a secondary status: a new one, or the same with another message."""
    if status != job.secondary_status:
        return entered(job, status, time, message)
    last = replace(job.transitions[-1], message=message)
    return replace(job, transitions=[*job.transitions[:-1], last])


def _over(job: TrainingJob, progress: JobProgress, message: str) -> TrainingJob:
    status = ENDS[progress.secondary_status]
    time = max(progress.time, job.transitions[-1].start)
    reason = progress.failure_reason[:MAX_FAILURE_REASON] if status == FAILED else ""
    job = replace(entered(job, progress.secondary_status, time, message), exit_code=progress.exit_code)
    return closed(job, status, time, reason)
