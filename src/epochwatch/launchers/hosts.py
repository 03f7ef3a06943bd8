"""The host processes of a job, kept running by its runner."""

import subprocess
import sys
import time
from typing import Final

from epochwatch.launchers.directory import DELIVERED, HostDirectory, HostState, JobDirectory
from epochwatch.launchers.plan import JobHost, Plan
from epochwatch.launchers.slurm import on_node

MOST_STARTS: Final = 5
PAUSE_SECONDS: Final = 0.5


class HostProcesses:
    """Starts them, and starts again what was killed."""

    def __init__(self, job: JobDirectory, plan: Plan) -> None:
        self._job = job
        self._plan = plan
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._starts: dict[str, int] = {}
        self._last_start: dict[str, float] = {}

    def keep(self, attempt: int, *, only_started: bool = False) -> None:
        """Each host of an attempt has its process, until it is through; one that keeps ending is given up."""
        for host in self._plan.hosts:
            directory = self._job.host(host.name, attempt)
            if directory.state().phase == DELIVERED or (only_started and directory.spool() is None):
                continue
            if self.running(directory) or directory.running():
                continue
            self._start(host, directory, attempt)

    def running(self, directory: HostDirectory) -> bool:
        """Whether the process we started for a host runs."""
        process = self._processes.get(str(directory.path))
        return process is not None and process.poll() is None

    def _start(self, host: JobHost, directory: HostDirectory, attempt: int) -> None:
        key = str(directory.path)
        if time.monotonic() - self._last_start.get(key, -PAUSE_SECONDS) < PAUSE_SECONDS:
            return
        self._starts[key] = self._starts.get(key, 0) + 1
        directory.path.mkdir(parents=True, exist_ok=True)
        if self._starts[key] > MOST_STARTS:
            failure = f"InternalServerError: the process of {host.name} ended again and again"
            directory.write_state(HostState(DELIVERED, failure=failure, lost=True))
            return
        self._last_start[key] = time.monotonic()
        with open(self._job.path / "runner.log", "ab") as log:
            self._processes[key] = subprocess.Popen(
                self._command(host, attempt),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
                start_new_session=True,
                cwd=directory.path,
            )

    def _command(self, host: JobHost, attempt: int) -> list[str]:
        there = on_node(self._plan.hosts.index(host)) if self._plan.image.launcher == "slurm" else []
        return [
            *there,
            sys.executable,
            "-m",
            "epochwatch.launchers.host",
            str(self._job.path),
            host.name,
            str(attempt),
        ]
