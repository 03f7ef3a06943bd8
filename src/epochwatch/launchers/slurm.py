"""Runners as Slurm jobs: the scheduler places them, on as many nodes as the job has hosts."""

import os
import subprocess
import sys
from typing import Any, Final

from epochwatch.launchers.directory import JobDirectory
from epochwatch.launchers.instances import gpus_of
from epochwatch.launchers.place import runner_environment

_SECONDS: Final = 60
_THERE: Final = frozenset(
    {
        "PENDING",
        "CONFIGURING",
        "RUNNING",
        "COMPLETING",
        "SUSPENDED",
        "REQUEUED",
        "RESIZING",
        "STAGE_OUT",
        "STOPPED",
    }
)


class SlurmLauncher:
    """``sbatch`` with the job's directory on a file system that the nodes share."""

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
        done = _slurm(command, script)
        return {"slurm_job": int(done.strip().partition(";")[0])}

    def alive(self, job: JobDirectory, place: dict[str, Any]) -> bool:
        """As Launcher.alive."""
        if job.running():
            return True
        if "slurm_job" not in place:
            return False
        try:
            state = _slurm(["squeue", "--noheader", "--format=%T", "--states=all", f"--jobs={place['slurm_job']}"])
        except subprocess.CalledProcessError as error:
            return "Invalid job id" not in (error.stderr or "")  # any other word is a controller that is away
        except (OSError, subprocess.TimeoutExpired):
            return True
        return state.strip() in _THERE

    def stop(self, job: JobDirectory, place: dict[str, Any]) -> None:
        """As Launcher.stop: the runner ends the job; one that still waits is left to see that it is to stop."""
        job.ask("stop")


def _gpus(count: int) -> list[str]:
    return [f"--gpus-per-node={count}"] if count else []


def _slurm(command: list[str], script: str = "") -> str:
    """What a command of Slurm prints. Raises OSError, CalledProcessError and TimeoutExpired."""
    done = subprocess.run(
        command,
        input=script,
        capture_output=True,
        text=True,
        check=False,
        timeout=_SECONDS,
        env=runner_environment() | {"SLURM_TIME_FORMAT": "%s", "PATH": os.environ.get("PATH", os.defpath)},
    )
    if done.returncode:
        message = f"{command[0]}: {done.stderr.strip()}"
        raise subprocess.CalledProcessError(done.returncode, message, done.stdout, done.stderr)
    return done.stdout
