"""Jobs of Slurm: where they write, who they are and how they ended, as ``scontrol`` and ``sacct`` tell."""

import contextlib
import datetime
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from epochwatch.agent.spool import Exit
from epochwatch.errors import EpochwatchError

ASK_SECONDS = 5.0
SETTLED_SECONDS = 2.0
CLOCK_SECONDS = 2.0
"""By so much a file server's clock may be behind the controller's."""
ANSWER_SECONDS = 30.0
"""How long a command of Slurm's may take: a busy controller answers late."""

_STOPPED = {"CANCELLED": "cancelled", "PREEMPTED": "preempted", "REVOKED": "revoked"}
_FAILED = {
    "BOOT_FAIL": "a node failed to boot",
    "DEADLINE": "the job's deadline passed",
    "FAILED": "",
    "LAUNCH_FAILED": "the job could not be launched",
    "NODE_FAIL": "a node failed",
    "OUT_OF_MEMORY": "it used more memory than it had asked for",
    "TIMEOUT": "the time limit was reached",
}
_JOB_NAME = re.compile(r" JobName=(.*?)(?= UserId=\S+\(\d+\) )")
_KEY = re.compile(r"(?:^|(?<=\s))([A-Z][A-Za-z]*(?:[:/][A-Za-z]+)*)=")
_FIELD = re.compile(r"%(%|(\d*)([AaJjNnstux]))")
_SACCT = ("JobID", "JobIDRaw", "JobName", "User", "State", "ExitCode", "Start", "End", "WorkDir")
_HIGHEST_SIGNAL = 64


@dataclass(frozen=True, slots=True)
class SlurmJob:
    """One job or task of an array. Times are Unix seconds, None where unknown; paths may be empty."""

    number: str
    """The job's own id; tasks of an array have one each."""
    array: str = ""
    task: str = ""
    name: str = ""
    user: str = ""
    state: str = ""
    reason: str = ""
    code: int | None = None
    signal: int = 0
    started: float | None = None
    ended: float | None = None
    host: str = ""
    command: str = ""
    directory: str = ""
    stdout: str = ""
    stderr: str = ""

    @property
    def over(self) -> bool:
        """Whether it has ended and will not be started again."""
        return self.state == "COMPLETED" or self.state in _STOPPED or self.state in _FAILED

    @property
    def exit_code(self) -> int | None:
        """As a shell tells it; None where Slurm does not know one."""
        if self.code:
            return self.code
        if self.signal:
            return 128 + self.signal if self.signal <= _HIGHEST_SIGNAL else None
        return self.code

    def outputs(self) -> list[str]:
        """The files it writes, each once."""
        paths = [expanded(path, self) for path in (self.stdout, self.stderr) if path]
        return [path for path in dict.fromkeys(paths) if path != os.devnull]


def parse_scontrol(text: str) -> list[SlurmJob]:
    """The jobs in what ``scontrol --oneliner show job`` prints."""
    return [_job(_fields(line)) for line in text.splitlines() if line.startswith("JobId=")]


def parse_sacct(text: str) -> list[SlurmJob]:
    """The jobs in what ``sacct --parsable2 --noheader --allocations`` prints of ``JobID,JobIDRaw,...``."""
    jobs = []
    for line in text.splitlines():
        fields = dict(zip(_SACCT, line.split("|"), strict=False))
        if "State" not in fields:
            continue
        array, _, task = fields["JobID"].partition("_")
        code, signal = _exit(fields.get("ExitCode", ""))
        jobs.append(
            SlurmJob(
                fields["JobIDRaw"],
                array if task else "",
                task,
                fields["JobName"],
                fields["User"],
                fields["State"].split(" ")[0],  # CANCELLED by 1000
                "",
                code,
                signal,
                _unix(fields.get("Start", "")),
                _unix(fields.get("End", "")),
                directory=fields.get("WorkDir", ""),
            )
        )
    return jobs


def expanded(path: str, job: SlurmJob) -> str:
    """An output's path with what ``%j`` and the like stand for, below the job's directory if relative."""
    values = {
        "A": job.array or job.number,
        "a": job.task or "4294967294",
        "J": job.number,
        "j": job.number,
        "N": job.host.split(".")[0],
        "n": "0",
        "s": "batch",
        "t": "0",
        "u": job.user,
        "x": job.name,
    }

    def value(match: "re.Match[str]") -> str:
        if match[1] == "%":
            return "%"
        text = values[match[3]]
        return text.zfill(min(int(match[2] or 0), 10)) if text.isdecimal() else text

    done = path.replace("\\", "") if "\\" in path else _FIELD.sub(value, path)
    return os.path.normpath(os.path.join(job.directory or "/", done))


def outcome(jobs: Sequence[SlurmJob]) -> Exit | None:
    """How the training ended that these jobs are (an array's tasks); None while one of them goes on."""
    if not jobs or not all(job.over for job in jobs):
        return None
    ended = max((job.ended or 0.0 for job in jobs), default=0.0)
    for status, states in (("Failed", _FAILED), ("Stopped", _STOPPED)):
        found = [job for job in jobs if job.state in states]
        if found:
            return Exit(ended, found[0].exit_code, status=status, reason=_reason(found[0], len(jobs)))
    return Exit(ended, 0, status="Completed")


def _reason(job: SlurmJob, count: int) -> str:
    told = _FAILED.get(job.state, "") or _STOPPED.get(job.state, "")
    which = f" (task {job.task})" if count > 1 and job.task else ""
    code = "" if job.exit_code is None else f", ExitCode {job.exit_code}"
    return f"Slurm job {job.number}{which}: {job.state}{code}{f': {told}' if told else ''}"


class Slurm:
    """Asks Slurm about one job id: ``123``, ``123_4``, or an array's ``123`` for all its tasks."""

    def __init__(self, job: str) -> None:
        self.job = job
        self.forgotten = False
        """Whether neither the controller nor the accounting knows the job any more."""
        self._last: dict[str, SlurmJob] = {}

    def jobs(self) -> list[SlurmJob]:
        """All jobs under the id. What the controller has forgotten is asked of the accounting, or is as it was last.
        Raises EpochwatchError where neither knows the job, or cannot be asked.
        """
        if shutil.which("scontrol") is None:
            raise EpochwatchError("there is no scontrol here", "follow it on a machine of the cluster")
        done = _run("scontrol", "--oneliner", "show", "job", self.job)
        self.forgotten = False
        if done.returncode == 0:
            for job in parse_scontrol(done.stdout):
                self._note(job)
        elif "Invalid job id" not in done.stdout + done.stderr:
            raise EpochwatchError(f"scontrol: {_said(done)}")
        else:
            self._ask_accounting()
        if not self._last:
            raise EpochwatchError(f"Slurm knows no job {self.job}", "squeue lists those that wait or run")
        return sorted(
            self._last.values(), key=lambda job: (int(job.task) if job.task.isdecimal() else 0, job.number)
        )

    def _ask_accounting(self) -> None:
        self.forgotten = True
        if shutil.which("sacct") is None:
            return
        words = (f"--jobs={self.job}", f"--format={','.join(_SACCT)}")
        done = _run("sacct", "--parsable2", "--noheader", "--allocations", *words)
        for job in parse_sacct(done.stdout if done.returncode == 0 else ""):
            self._note(job)
            self.forgotten = False

    def _note(self, job: SlurmJob) -> None:
        """Accounting does not know the paths."""
        before = self._last.get(job.number)
        if before is not None and not job.stdout:
            job = replace(
                job, stdout=before.stdout, stderr=before.stderr, command=before.command, host=before.host
            )
        self._last[job.number] = job


class SlurmWatch:
    """What a job of Slurm writes, as it starts, and its end. Asks every few seconds, as Slurm's own tools do."""

    def __init__(self, slurm: Slurm, on_notice: Callable[[str], None]) -> None:
        """Raises EpochwatchError where Slurm does not know the job."""
        self.jobs = slurm.jobs()
        self._slurm = slurm
        self._on_notice = on_notice
        self._asked = time.monotonic()
        self._said = ""
        self._found: dict[str, None] = {}

    def targets(self) -> list[str]:
        """The outputs of what has started, once it has opened them: before, an earlier job's may be there."""
        self._refresh()
        for job in self.jobs:
            if job.started is None or job.state in ("PENDING", "CONFIGURING"):
                continue
            for path in job.outputs():
                with contextlib.suppress(OSError):
                    if os.stat(path).st_mtime >= job.started - CLOCK_SECONDS:
                        self._found[path] = None
        return list(self._found)

    def reached(self, quiet_seconds: float) -> Exit | None:
        """How the job ended; its log must be quiet, as a network file system may show it late."""
        self._refresh()
        end = outcome(self.jobs)
        if end is None and self._slurm.forgotten:
            end = Exit(time.time())
        return end if quiet_seconds >= SETTLED_SECONDS else None

    def _refresh(self) -> None:
        if time.monotonic() - self._asked < ASK_SECONDS:
            return
        try:
            self.jobs = self._slurm.jobs()
            self._said = ""
        except EpochwatchError as error:  # the controller may be restarting: the files go on
            if not self._said:
                self._on_notice(f"{error.message}; asking again")
            self._said = error.message
        self._asked = time.monotonic()


def _run(*command: str) -> "subprocess.CompletedProcess[str]":
    environment = os.environ | {"SLURM_TIME_FORMAT": "%s", "LC_ALL": "C"}
    try:
        return subprocess.run(
            command,
            env=environment,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=ANSWER_SECONDS,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired as error:
        raise EpochwatchError(f"{command[0]} has not answered within {ANSWER_SECONDS:.0f} s") from error
    except OSError as error:
        raise EpochwatchError(f"cannot run {command[0]}: {error.strerror}") from error


def _said(done: "subprocess.CompletedProcess[str]") -> str:
    return (done.stderr.strip() or done.stdout.strip() or f"exit status {done.returncode}").splitlines()[0]


def _fields(line: str) -> dict[str, str]:
    """A job's name may have blanks and signs of equality in it, as its command may, behind all that matters."""
    name = _JOB_NAME.search(line)
    if name is not None:
        line = line[: name.start()] + line[name.end() :]
    found = list(_KEY.finditer(line))
    ends = [match.start() for match in found[1:]] + [len(line)]
    fields = {"JobName": name[1]} if name is not None else {}
    for match, end in zip(found, ends, strict=True):
        fields.setdefault(match[1], line[match.end() : end].strip())
    return fields


def _job(fields: dict[str, str]) -> SlurmJob:
    code, signal = _exit(fields.get("ExitCode", ""))
    return SlurmJob(
        fields["JobId"],
        fields.get("ArrayJobId", ""),
        fields.get("ArrayTaskId", ""),
        fields.get("JobName", ""),
        fields.get("UserId", "").partition("(")[0],
        fields.get("JobState", ""),
        fields.get("Reason", ""),
        code,
        signal,
        _unix(fields.get("StartTime", "")),
        _unix(fields.get("EndTime", "")),
        fields.get("BatchHost", ""),
        _given(fields.get("Command", "")),
        fields.get("WorkDir", ""),
        _given(fields.get("StdOut", "")),
        _given(fields.get("StdErr", "")),
    )


def _given(value: str) -> str:
    return "" if value == "(null)" else value


def _exit(text: str) -> tuple[int | None, int]:
    code, _, signal = text.partition(":")
    return (int(code), int(signal or 0)) if code.isdecimal() and (signal or "0").isdecimal() else (None, 0)


def _unix(text: str) -> float | None:
    """Slurm's times: Unix seconds where it was asked for them, else local time."""
    if text.isdecimal():
        return float(text)
    try:
        return datetime.datetime.fromisoformat(text).timestamp()
    except ValueError:
        return None
