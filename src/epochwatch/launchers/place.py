"""Where a job's runner is, and how to tell whether it still is there."""

import os
import subprocess
import sys
from typing import Any, Final, Protocol

import psutil

from epochwatch.launchers.directory import JobDirectory

_NOT_FOR_JOBS: Final = ("EPOCHWATCH_", "AWS_", "RCLONE_")


class Launcher(Protocol):
    """Starts runners, and finds them again by what it said of their place."""

    def start(self, job: JobDirectory) -> dict[str, Any]:
        """The place of a runner that is on its way. Raises OSError or subprocess.SubprocessError."""

    def alive(self, job: JobDirectory, place: dict[str, Any]) -> bool:
        """Whether it runs, or waits to."""

    def stop(self, job: JobDirectory, place: dict[str, Any]) -> None:
        """Ask the job to end as StopTrainingJob does."""


class ProcessLauncher:
    """A runner as a process of this machine: in a session of its own, so that it outlives the server."""

    def __init__(self) -> None:
        self._started: dict[int, subprocess.Popen[bytes]] = {}

    def start(self, job: JobDirectory) -> dict[str, Any]:
        """As Launcher.start."""
        with open(job.path / "runner.log", "ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "epochwatch.launchers.runner", str(job.path)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                cwd=job.path,
                env=runner_environment(),
            )
        self._started[process.pid] = process
        return {"pid": process.pid, "began": _began(process.pid)}

    def alive(self, job: JobDirectory, place: dict[str, Any]) -> bool:
        """As Launcher.alive: it holds its lock, or is about to take it."""
        if job.running():
            return True
        process = self._started.get(place.get("pid", 0))
        if process is not None:
            if process.poll() is None:
                return True
            del self._started[process.pid]
            return False
        return bool(place) and _began(place["pid"]) == place["began"]

    def stop(self, job: JobDirectory, place: dict[str, Any]) -> None:
        """As Launcher.stop."""
        job.ask("stop")


def runner_environment() -> dict[str, str]:
    """The server's variables without those that say where the server is and who may sign."""
    return {name: value for name, value in os.environ.items() if not name.startswith(_NOT_FOR_JOBS)}


def _began(pid: int) -> float:
    """When a process began, by which it is told from a later one of its number; 0 where there is none."""
    try:
        return psutil.Process(pid).create_time()
    except psutil.Error:
        return 0.0
