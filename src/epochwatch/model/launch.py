"""A created job on its way to the machines: what the state store holds of it, and what its runner tells of it."""

from dataclasses import dataclass, field
from typing import Any, Final, Literal

import msgspec

from epochwatch.model.tenant import Tenant

TRAINING: Final = "training"
PROCESSING: Final = "processing"

LaunchState = Literal["queued", "running", "ended"]


@dataclass(frozen=True, slots=True)
class Launch:
    """A created job that is to run, runs or has run. Times are Unix seconds."""

    tenant: Tenant
    job: str
    kind: str = TRAINING
    """``training`` or ``processing``."""
    state: LaunchState = "queued"
    launcher: str = ""
    """Who started it: ``process``, ``container`` or ``slurm``; empty while it waits."""
    place: dict[str, Any] = field(default_factory=dict)
    """By what the launcher finds it again: a process id and its start, a Slurm job id."""
    stop_requested: float | None = None
    attempt: int = 1
    created: float = 0.0
    started: float | None = None


class JobProgress(msgspec.Struct, omit_defaults=True):
    """A change of a created job's state, told by its runner. Idempotent by job, attempt and sequence.

    The runner sends its changes in order, each until it is acknowledged; the last one only after the log lines and
    values of all hosts have been delivered.
    """

    account: str
    region: str
    job: str
    attempt: int
    """1 for the first start, one more after each interruption."""
    sequence: int
    """Counts the changes of a job from 1, over all attempts."""
    secondary_status: str
    """As SageMaker names it: ``Starting``, ``Downloading``, ``Training``, ``Uploading``, ``Completed``, ``Failed``,
    ``Stopping``, ``Stopped``, ``MaxRuntimeExceeded``, ``MaxWaitTimeExceeded``, ``Interrupted``, ``Restarting``.
    """
    time: float
    """Unix seconds at which the state was entered."""
    message: str = ""
    """Status message where it differs from the state's usual one."""
    failure_reason: str = ""
    exit_code: int | None = None
    """The worst of the hosts', as a shell tells it."""
    artifacts: str = ""
    """S3 URI of the model artefact."""
    output: str = ""
    """S3 URI of the archive of ``/opt/ml/output/data``."""
    kind: str = TRAINING
    """``training`` or ``processing``."""
    billable_seconds: int | None = None
    """Of all attempts so far, without the time between them."""


class Interruption(msgspec.Struct, omit_defaults=True):
    """Interrupt a created job as a spot interruption would: it is started again, with its checkpoints."""

    job: str
    kind: str = TRAINING
