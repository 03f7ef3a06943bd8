"""The directory of a job: all that its runner and hosts know, so that each of them can be killed and started again.

::

    <home>/jobs/<account>/<region>/<job>/
      plan.json             Plan
      credentials.json      the key pair of its processes (mode 0600)
      runner.json           RunnerState: where the runner stands
      runner.lock           held by the runner
      runner.log            what the runner and its hosts say of themselves
      progress/000001.json  JobProgress not yet acknowledged; renamed to .sent when it is
      stop, interrupt       exist when it is asked for
      upload/               archives on their way
      algo-1/attempt-1/
        ml/                 what the training sees as /opt/ml
        host.json           HostState
        host.lock           held by the host process
        launch.json         what ``enter`` executes
        training.pid        the training's process id
        terminate, kill     exist when the runner wants the training to end
        spool/              the agent's spool
"""

import contextlib
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from epochwatch.agent.spool import Lock, Spool, spools
from epochwatch.launchers.plan import Plan
from epochwatch.model.launch import JobProgress
from epochwatch.model.tenant import Tenant

Record = TypeVar("Record", bound=msgspec.Struct)

PREPARING, TRAINING, ENDED, DELIVERED = "preparing", "training", "ended", "delivered"
_LOOKS, _LOOK_SECONDS = 20, 0.05


class HostState(msgspec.Struct, omit_defaults=True):
    """``host.json``."""

    phase: str = PREPARING
    """``preparing``, ``training``, ``ended`` (the training) or ``delivered`` (everything, to the server)."""
    exit_code: int | None = None
    failure: str = ""
    """FailureReason where the host knows one."""
    lost: bool = False
    """Whether nobody saw how the training ended."""


class RunnerState(msgspec.Struct, omit_defaults=True):
    """``runner.json``: what a runner that is started again has to know."""

    attempt: int = 1
    sequence: int = 0
    """Of the last change told."""
    secondary_status: str = ""
    training_since: float | None = None
    """Unix seconds at which this attempt's training began."""
    trained_before: float = 0.0
    """Seconds of training in earlier attempts."""
    billable_since: float | None = None
    billed_before: float = 0.0
    terminating: str = ""
    """Why hosts are being ended: ``stop``, ``max-runtime``, ``max-wait``, ``interrupt``, ``failed``; empty if not."""
    terminating_since: float = 0.0
    artifacts: str = ""
    output: str = ""


@dataclass(frozen=True, slots=True)
class HostDirectory:
    """One host at one attempt."""

    path: Path

    @property
    def ml(self) -> Path:
        """``/opt/ml``."""
        return self.path / "ml"

    def state(self) -> HostState:
        """Where the host stands."""
        return read(self.path / "host.json", HostState) or HostState()

    def write_state(self, state: HostState) -> None:
        """Replaces host.json."""
        write(self.path / "host.json", state)

    def spool(self) -> Spool | None:
        """The agent's spool, once the training was started."""
        found = spools(self.path / "spool")
        return found[0] if found else None

    def lock(self) -> Lock:
        """Held by the host process; not yet taken."""
        return Lock(self.path / "host.lock")

    def running(self) -> bool:
        """Whether a host process is at work."""
        return _held(self.path / "host.lock")

    def ask(self, what: str) -> None:
        """``terminate`` or ``kill``."""
        (self.path / what).touch()

    def asked(self, what: str) -> bool:
        """Whether the runner wants it."""
        return (self.path / what).exists()

    @property
    def training_pid(self) -> int | None:
        """The process that became the training."""
        with contextlib.suppress(OSError, ValueError):
            return int((self.path / "training.pid").read_text())
        return None


@dataclass(frozen=True, slots=True)
class JobDirectory:
    """One job."""

    path: Path

    @classmethod
    def of(cls, jobs: Path, tenant: Tenant, job: str) -> "JobDirectory":
        """The directory of ``job`` below ``jobs``."""
        return cls(jobs / tenant.account / tenant.region / job)

    def create(self, plan: Plan, credentials: dict[str, str]) -> None:
        """Makes the directory; one of an earlier job of this name is cleared away, one of this job is kept."""
        known = self.plan()
        if known is not None and known.created == plan.created:
            return
        shutil.rmtree(self.path, ignore_errors=True)
        (self.path / "progress").mkdir(parents=True, mode=0o700)
        self.path.chmod(0o700)
        _write_bytes(self.path / "credentials.json", msgspec.json.encode(credentials))
        write(self.path / "plan.json", plan)

    def plan(self) -> Plan | None:
        """What is to be done; None before it is written."""
        return read(self.path / "plan.json", Plan)

    def credentials(self) -> dict[str, str]:
        """``access_key_id`` and ``secret_access_key``."""
        found: dict[str, str] = msgspec.json.decode((self.path / "credentials.json").read_bytes())
        return found

    def host(self, name: str, attempt: int) -> HostDirectory:
        """A host's directory at an attempt."""
        return HostDirectory(self.path / name / f"attempt-{attempt}")

    def state(self) -> RunnerState:
        """Where the runner stands."""
        return read(self.path / "runner.json", RunnerState) or RunnerState()

    def write_state(self, state: RunnerState) -> None:
        """Replaces runner.json."""
        write(self.path / "runner.json", state)

    def lock(self) -> Lock:
        """Held by the runner; not yet taken."""
        return Lock(self.path / "runner.lock")

    def running(self) -> bool:
        """Whether a runner is at work (on this machine, or one that shares the file system)."""
        return _held(self.path / "runner.lock")

    def ask(self, what: str) -> None:
        """``stop`` or ``interrupt``."""
        (self.path / what).touch()

    def asked(self, what: str) -> bool:
        """Whether somebody wants it."""
        return (self.path / what).exists()

    def answered(self, what: str) -> None:
        """Forget that it was asked for."""
        (self.path / what).unlink(missing_ok=True)

    def tell(self, progress: JobProgress) -> None:
        """Put a change where it is sent from, durably."""
        write(self.path / "progress" / f"{progress.sequence:06}.json", progress)

    def untold(self) -> Iterator[tuple[Path, JobProgress]]:
        """Changes not yet acknowledged, in order."""
        for path in sorted((self.path / "progress").glob("*.json")):
            found = read(path, JobProgress)
            if found is not None:
                yield path, found


def read(path: Path, kind: type[Record]) -> Record | None:
    """The record in a file; None where there is none."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (FileNotFoundError, NotADirectoryError, msgspec.DecodeError):
        return None


def write(path: Path, record: Any) -> None:
    """Replaces a file, at once and for good."""
    _write_bytes(path, msgspec.json.encode(record))


def _write_bytes(path: Path, content: bytes) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def taken(lock: Lock) -> bool:
    """Take a lock unless another process has it: somebody who only looks holds it for a moment."""
    for _ in range(_LOOKS):
        if lock.take(wait=False):
            return True
        time.sleep(_LOOK_SECONDS)
    return False


def _held(path: Path) -> bool:
    if not path.exists():
        return False
    lock = Lock(path)
    with lock:
        return not lock.take(wait=False)
