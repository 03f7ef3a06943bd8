"""A training that does not end by itself is ended: within its waiting time, and though it ignores SIGTERM."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import msgspec
import psutil
import pytest

from epochwatch.launchers.directory import JobDirectory, write
from tests.end_to_end.test_training_jobs import SPOT
from tests.launchers.created_jobs import JobServer, process_of, way

DEAF = "trap '' TERM; echo deaf $$; while :; do sleep 0.1; done"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[JobServer]:
    with JobServer(tmp_path / "home", max_jobs="1") as running:
        yield running


def deaf(lines: list[str]) -> list[int]:
    """The process ids of trainings that said that they hear nothing."""
    return [int(line.split()[1]) for line in lines if line.startswith("deaf ")]


def short_grace(server: JobServer, name: str) -> None:
    """From now on SIGKILL comes a second after SIGTERM: a runner that is started again reads the plan anew."""
    directory = JobDirectory(server.directory(name))
    plan = directory.plan()
    assert plan is not None
    write(directory.path / "plan.json", msgspec.structs.replace(plan, grace_seconds=1.0))
    os.kill(process_of(server, "runner"), signal.SIGKILL)


def test_a_spot_job_ends_when_its_waiting_time_is_over(server: JobServer) -> None:
    times = {"StoppingCondition": {"MaxRuntimeInSeconds": 2, "MaxWaitTimeInSeconds": 2}}
    server.shell("waited-too-long", "echo m > /opt/ml/model/m; sleep 600", **SPOT | times)

    job = server.over("waited-too-long")

    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "MaxWaitTimeExceeded")
    assert job["SecondaryStatusTransitions"][-1]["StatusMessage"] == (
        "Training job runtime exceeded MaxWaitTimeInSeconds provided"
    )
    assert "FailureReason" not in job


def test_the_waiting_time_runs_in_the_queue_too(server: JobServer) -> None:
    server.shell("busy", "sleep 600")
    server.until("busy", "Training")
    times = {"StoppingCondition": {"MaxRuntimeInSeconds": 1, "MaxWaitTimeInSeconds": 1}}
    server.shell("never-begun", "echo never", **SPOT | times)

    job = server.over("never-begun")

    assert way(job) == ["Starting", "MaxWaitTimeExceeded"]
    assert (job["TrainingJobStatus"], "TrainingStartTime" in job) == ("Stopped", False)
    assert server.describe("busy")["TrainingJobStatus"] == "InProgress"
    server.sagemaker.stop_training_job(TrainingJobName="busy")
    assert server.over("busy")["TrainingJobStatus"] == "Stopped"


def test_a_training_that_ignores_sigterm_is_killed_after_the_grace(server: JobServer) -> None:
    script = f"cat /opt/ml/checkpoints/seen 2>/dev/null; echo again > /opt/ml/checkpoints/seen; {DEAF}"
    server.shell("deaf", script, **SPOT)
    server.until_printed("deaf", lambda lines: len(deaf(lines)) == 1)
    short_grace(server, "deaf")

    server.interrupt("deaf")
    server.until_printed("deaf", lambda lines: "again" in lines and len(deaf(lines)) == 2)
    server.sagemaker.stop_training_job(TrainingJobName="deaf")
    job = server.over("deaf")

    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "Stopped")
    assert way(job)[3:5] == ["Interrupted", "Restarting"]
    assert not any(psutil.pid_exists(pid) for pid in deaf(server.lines("deaf")))


def test_a_training_that_ignores_sigterm_is_killed_when_it_takes_too_long(server: JobServer) -> None:
    server.shell("deaf-and-long", DEAF, StoppingCondition={"MaxRuntimeInSeconds": 6})
    server.until_printed("deaf-and-long", deaf)
    short_grace(server, "deaf-and-long")

    job = server.over("deaf-and-long")

    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "MaxRuntimeExceeded")
