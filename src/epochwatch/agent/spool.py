"""The spool of a run on one host: a directory in which everything is kept until the server has it.

::

    <home>/spool/<run_id>/
      run.json            RunFile: the registration, the outputs recorded, the name the server gave
      output.log          raw bytes of the training's terminal; with pipes stdout.log and stderr.log
      algo-1.log, ...     what was read of files that are followed instead; algo-1.place: up to where
      output.idx          rows ``<QQ``: end offset, Unix microseconds of arrival (appended after the data)
      journal-*.ewj       values of ``epochwatch.log``
      samples.bin         instance metrics of each second, rows of ``epochwatch.agent.sampler.ROW``
      host-*.bin          samples of all that is measured of the host (``epochwatch.model.host_rows``)
      sampling.json       Sampling: how often, and what is written beside; wanted.json: what the server wants of it
      follows.json        for each of these what is followed: a file's path, or journal: and a unit
      state.json          State: how far the server has acknowledged; a cache
      notes.json          Notes: config, summary and tags of the training
      exit.json           Exit: how and when the training ended
      diagnosis.json      Diagnosis: what the tensors that the training saves tell of it
      stop-requested      exists when the user asked the training to stop
      run.lock            held by the process that records the run; free and no exit.json: the agent was lost
      standby.lock        held by the front, or its successor: it ships, and takes over when the recorder dies
      spare.lock          held by one more process that would take over
      shipper.lock        held by whoever ships
      samples.lock        held by the sampler
      diagnosis.lock      held by the process that diagnoses

Locks are ``flock``; JSON files are replaced atomically.
"""

import fcntl
import os
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from epochwatch.model.batch import Registration
from epochwatch.model.diagnosis import Diagnosis

INDEX_ROW = struct.Struct("<QQ")
"""One row of an index: end offset in the log, Unix microseconds of arrival. With the offset of the row before it is a
*quiet mark*: nothing came for a while behind a line that was not at its end.
"""

Record = TypeVar("Record", bound=msgspec.Struct)


class RunFile(Registration, omit_defaults=True):
    """``run.json``: what a run says of itself, and what the server answered."""

    outputs: list[str] = []
    """Names of the recorded outputs (``output.log``, or ``stdout.log`` and ``stderr.log``)."""
    followed: bool = False
    """Whether others' logs are followed: then the outputs are those in ``follows.json``."""
    auto: bool = False
    """Whether metrics are to be learnt from the output."""
    assigned: str = ""
    """The training job name the server gave; empty until it answered."""
    console_url: str = ""
    trial: str = ""
    """Where the tensors are followed to diagnose the training; empty where that is not done."""

    def registration(self) -> Registration:
        """The part the server is told."""
        return Registration(**{name: getattr(self, name) for name in Registration.__struct_fields__})


class Exit(msgspec.Struct, omit_defaults=True):
    """``exit.json``: the end of the training."""

    ended: float
    """Unix seconds."""
    exit_code: int | None = None
    """As a shell tells it (128 + n for signal n); None when nobody was left to see it."""
    interrupted: bool = False
    """Whether a person or a scheduler asked it to stop."""
    lost_bytes: int = 0
    """Output that could not be recorded (the disk was full)."""
    status: str = ""
    """The training job's status where it does not follow from the exit code."""
    reason: str = ""
    """Why it failed, for ``status``."""


class Follows(msgspec.Struct):
    """``follows.json``."""

    outputs: dict[str, str] = {}


class Notes(msgspec.Struct, omit_defaults=True):
    """``notes.json``: what the training says of itself through ``epochwatch.init`` and the run object."""

    config: dict[str, Any] = {}
    summary: dict[str, Any] = {}
    tags: dict[str, str] = {}


class State(msgspec.Struct, omit_defaults=True):
    """``state.json``: where to go on. Losing it costs time, never data."""

    acknowledged: dict[str, int] = {}
    """For each file of the spool the position up to which the server has everything."""
    extraction: dict[str, dict[str, Any]] = {}
    """For each output the extractor's state at its acknowledged position."""
    finished: bool = False
    """Whether the server knows the end too: nothing is left to send."""
    refused: str = ""
    """Why the server will never take the rest, if it said so."""


@dataclass(frozen=True, slots=True)
class Spool:
    """One run's directory."""

    path: Path

    @classmethod
    def create(cls, directory: Path, run: RunFile) -> "Spool":
        """A new spool below ``directory``. Raises OSError where it cannot be written."""
        path = directory / run.run_id
        path.mkdir(parents=True, mode=0o700)
        spool = cls(path)
        spool.write_run(run)
        return spool

    @property
    def run_id(self) -> str:
        """32 hex digits: the directory's name."""
        return self.path.name

    def source(self, file_name: str) -> str:
        """The id under which the server knows a file of this spool."""
        return f"{self.run_id}/{file_name}"

    def run(self) -> RunFile:
        """Raises OSError or ValueError where run.json is missing or unreadable."""
        return msgspec.json.decode((self.path / "run.json").read_bytes(), type=RunFile)

    def write_run(self, run: RunFile) -> None:
        """Replaces run.json."""
        self._replace("run.json", run)

    def follows(self) -> dict[str, str]:
        """For each output that is followed what is followed: a file's path, or ``journal:`` and a unit."""
        return (self._read("follows.json", Follows) or Follows()).outputs

    def write_follows(self, outputs: dict[str, str]) -> None:
        """Replaces follows.json."""
        self._replace("follows.json", Follows(outputs))

    def exit(self) -> Exit | None:
        """How the training ended; None while it runs (or when its recorder was lost)."""
        return self._read("exit.json", Exit)

    def write_exit(self, record: Exit) -> None:
        """Replaces exit.json."""
        self._replace("exit.json", record)

    def notes(self) -> Notes:
        """What the training said of itself so far."""
        return self._read("notes.json", Notes) or Notes()

    def write_notes(self, notes: Notes) -> None:
        """Replaces notes.json."""
        self._replace("notes.json", notes)

    def diagnosis(self) -> Diagnosis | None:
        """What was last told of the training's tensors."""
        return self._read("diagnosis.json", Diagnosis)

    def write_diagnosis(self, diagnosis: Diagnosis) -> None:
        """Replaces diagnosis.json."""
        self._replace("diagnosis.json", diagnosis)

    def state(self) -> State:
        """The last saved state, or an empty one."""
        return self._read("state.json", State) or State()

    def write_state(self, state: State) -> None:
        """Replaces state.json."""
        self._replace("state.json", state)

    def request_stop(self) -> None:
        """Notes that a person or a scheduler asked the training to stop."""
        (self.path / "stop-requested").touch()

    @property
    def stop_requested(self) -> bool:
        """Whether somebody asked the training to stop."""
        return (self.path / "stop-requested").exists()

    @property
    def journals(self) -> list[Path]:
        """The journals of ``epochwatch.log``, one or more for each process that called it."""
        return sorted(self.path.glob("journal-*.ewj"))

    def lock(self, name: str) -> "Lock":
        """The lock ``run``, ``standby``, ``spare``, ``shipper``, ``samples`` or ``diagnosis``, not yet taken."""
        return Lock(self.path / f"{name}.lock")

    def being_recorded(self) -> bool:
        """Whether some process records this run now."""
        with self.lock("run") as lock:
            return not lock.take(wait=False)

    def _read(self, name: str, kind: type[Record]) -> Record | None:
        try:
            return msgspec.json.decode((self.path / name).read_bytes(), type=kind)
        except (FileNotFoundError, msgspec.DecodeError):
            return None

    def _replace(self, name: str, record: msgspec.Struct) -> None:
        temporary = self.path / f".{name}.{os.getpid()}"
        temporary.write_bytes(msgspec.json.encode(record))
        temporary.replace(self.path / name)


class Lock:
    """A ``flock`` that ends with its holder, however that ends. Closing it lets it go."""

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def take(self, *, wait: bool) -> bool:
        """Whether the lock is held now; with ``wait`` blocks until it is."""
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            return False
        return True

    def fileno(self) -> int:
        """Its descriptor: a process that inherits it holds the lock, too."""
        return self._fd

    def release(self) -> None:
        """Lets go of the lock but keeps its file open."""
        fcntl.flock(self._fd, fcntl.LOCK_UN)

    def close(self) -> None:
        """Lets go of this process's hold (a forked twin may still hold it)."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __enter__(self) -> "Lock":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def spools(directory: Path) -> list[Spool]:
    """All runs below ``directory``, oldest first."""
    found = [path for path in directory.glob("*/run.json") if not path.parent.name.startswith(".")]
    return [Spool(path.parent) for path in sorted(found, key=lambda path: path.stat().st_mtime)]
