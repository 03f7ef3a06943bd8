"""Runners as Slurm jobs: the scheduler places them, on as many nodes as the job has hosts."""

import subprocess
import sys
import time
from typing import Any, Final

from epochwatch.launchers.directory import JobDirectory
from epochwatch.launchers.instances import gpus_of
from epochwatch.launchers.place import runner_environment

_SECONDS: Final = 60
_FRESH_SECONDS: Final = 2.0
"""How old the scheduler's list may be: it is asked once for all jobs."""
_PENDING: Final = "PENDING"
_THERE: Final = frozenset(
    {_PENDING, "CONFIGURING", "RUNNING", "COMPLETING", "SUSPENDED", "REQUEUED", "RESIZING", "STAGE_OUT", "STOPPED"}
)


class SlurmLauncher:
    """``sbatch`` with the job's directory on a file system that the nodes share."""

    def __init__(self) -> None:
        self._states: dict[int, str] | None = None
        self._asked = -_FRESH_SECONDS

    def start(self, job: JobDirectory) -> dict[str, Any]:
        """As Launcher.start. The place is the Slurm job."""
        plan = job.plan()
        assert plan is not None
        command = [
            "sbatch", "--parsable", f"--job-name={plan.job}", f"--nodes={len(plan.hosts)}", "--ntasks-per-node=1",
            "--no-requeue", "--export=ALL", f"--output={job.path / 'runner.log'}", "--open-mode=append",
            f"--chdir={job.path}", *_gpus(max(gpus_of(host.instance_type) for host in plan.hosts)), *plan.image.options,
        ]  # fmt: skip
        script = f"#!/bin/sh\nexec '{sys.executable}' -m epochwatch.launchers.runner '{job.path}'\n"
        number = int(_slurm(command, script).strip().partition(";")[0])
        if self._states is not None:
            self._states[number] = _PENDING
        return {"slurm_job": number}

    def alive(self, job: JobDirectory, place: dict[str, Any]) -> bool:
        """As Launcher.alive. While the controller is away, nothing is taken for gone."""
        if job.running():
            return True
        if "slurm_job" not in place:
            return False
        states = self._listed()
        return states is None or states.get(place["slurm_job"]) in _THERE

    def stop(self, job: JobDirectory, place: dict[str, Any]) -> None:
        """As Launcher.stop: the runner ends the job; one that still waits for its nodes is taken from the queue."""
        job.ask("stop")
        states = self._listed() or {}
        if states.get(place.get("slurm_job", 0)) == _PENDING:
            _slurm(["scancel", "--state=PENDING", str(place["slurm_job"])])
            self._asked = -_FRESH_SECONDS

    def _listed(self) -> dict[int, str] | None:
        """State by job; None while nobody knows."""
        if time.monotonic() - self._asked > _FRESH_SECONDS:
            self._asked = time.monotonic()
            try:
                text = _slurm(["squeue", "--noheader", "--format=%i %T", "--states=all"])
                pairs = [line.split() for line in text.splitlines()]
                self._states = {int(pair[0]): pair[1] for pair in pairs if pair and pair[0].isdecimal()}
            except (OSError, subprocess.SubprocessError):
                self._states = None
        return self._states


def on_node(number: int) -> list[str]:
    """What starts a command on the node number ``number`` (from 0) of the job we run in."""
    return ["srun", "--nodes=1", "--ntasks=1", f"--relative={number}", "--overlap", "--kill-on-bad-exit=0"]


def _gpus(count: int) -> list[str]:
    return [f"--gpus-per-node={count}"] if count else []


def _slurm(command: list[str], script: str = "") -> str:
    """What a command of Slurm prints. Raises OSError, and CalledProcessError with Slurm's own words."""
    done = subprocess.run(
        command,
        input=script,
        capture_output=True,
        text=True,
        check=False,
        timeout=_SECONDS,
        env=runner_environment(),
    )
    if done.returncode:
        raise subprocess.CalledProcessError(done.returncode, f"{command[0]}: {done.stderr.strip()}")
    return done.stdout
