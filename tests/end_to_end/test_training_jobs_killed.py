"""Whatever is killed while a job runs: its record is right afterwards, nothing is lost, nothing runs twice."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from epochwatch.launchers.directory import JobDirectory
from tests.end_to_end.test_training_jobs import SPOT
from tests.launchers.created_jobs import JobServer, process_of, until, way

WHOLE = ["Starting", "Downloading", "Training", "Uploading", "Completed"]
COUNTING = "for i in $(seq 1 40); do echo line $i; sleep 0.05; done; echo m > /opt/ml/model/m"
WAITING = (
    "for i in 1 2 3 4 5; do echo line $i; done; until [ -e /opt/ml/go ]; do sleep 0.05; done; "
    "for i in $(seq 6 40); do echo line $i; done"
)
"""Counts to five, and on when it is told to."""
COUNTED = [f"line {number}" for number in range(1, 41)]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[JobServer]:
    with JobServer(tmp_path / "home", max_jobs="4") as running:
        yield running


@pytest.mark.parametrize("phase", ["Starting", "Downloading", "Training", "Uploading"])
def test_a_server_that_is_killed_in_a_phase_finds_the_job_again(server: JobServer, phase: str) -> None:
    server.shell("survivor", COUNTING)
    if phase == "Uploading":
        directory = JobDirectory(server.directory("survivor"))
        until(lambda: directory.host("algo-1", 1).state().phase in ("ended", "delivered"))
    else:
        server.until("survivor", phase, "Downloading", "Training")

    server.kill()
    time.sleep(0.5)
    server.start()
    job = server.over("survivor")

    assert (job["TrainingJobStatus"], job.get("FailureReason")) == ("Completed", None)
    assert way(job) == WHOLE
    assert server.lines("survivor") == COUNTED
    assert server.keys("out/survivor/") == ["out/survivor/output/model.tar.gz"]
    assert len(_streams(server, "survivor")) == 1


def test_a_job_that_ends_while_the_server_is_away_is_told_of_later(server: JobServer) -> None:
    server.shell("ended-alone", COUNTING)
    server.until("ended-alone", "Training")
    server.kill()
    directory = JobDirectory(server.directory("ended-alone"))
    until(lambda: directory.host("algo-1", 1).state().phase == "ended")

    server.start()
    job = server.over("ended-alone")

    assert (job["TrainingJobStatus"], way(job)) == ("Completed", WHOLE)
    assert server.lines("ended-alone") == COUNTED


def test_a_runner_that_is_killed_is_started_again_and_goes_on(server: JobServer) -> None:
    server.shell("runner-killed", WAITING)
    server.until_line("runner-killed", "line 5")
    os.kill(process_of(server, "runner"), signal.SIGKILL)
    _go(server, "runner-killed")

    job = server.over("runner-killed")

    assert (job["TrainingJobStatus"], way(job)) == ("Completed", WHOLE)
    assert server.lines("runner-killed") == COUNTED


def test_a_host_process_that_is_killed_does_not_hurt_the_training(server: JobServer) -> None:
    server.shell("host-killed", WAITING)
    server.until_line("host-killed", "line 5")
    os.kill(process_of(server, "host"), signal.SIGKILL)
    _go(server, "host-killed")

    job = server.over("host-killed")

    assert (job["TrainingJobStatus"], way(job)) == ("Completed", WHOLE)
    assert server.lines("host-killed") == COUNTED


def test_a_job_whose_host_process_was_killed_can_still_be_stopped(server: JobServer) -> None:
    server.shell("host-killed-first", "trap 'echo bye; exit 0' TERM; echo ready; while :; do sleep 0.1; done")
    server.until_line("host-killed-first", "ready")
    os.kill(process_of(server, "host"), signal.SIGKILL)

    server.sagemaker.stop_training_job(TrainingJobName="host-killed-first")

    assert server.over("host-killed-first")["TrainingJobStatus"] == "Stopped"
    assert server.lines("host-killed-first") == ["ready", "bye"]


def test_runner_and_server_killed_together_lose_nothing(server: JobServer) -> None:
    server.shell("both-killed", WAITING)
    server.until_line("both-killed", "line 5")
    runner = process_of(server, "runner")
    server.kill()
    os.kill(runner, signal.SIGKILL)
    _go(server, "both-killed")
    server.start()

    job = server.over("both-killed")

    assert (job["TrainingJobStatus"], way(job)) == ("Completed", WHOLE)
    assert server.lines("both-killed") == COUNTED


def test_a_job_of_which_every_process_is_killed_fails_with_the_services_words(server: JobServer) -> None:
    server.shell("all-killed", "echo begun; sleep 100")
    server.until_line("all-killed", "begun")
    processes = _processes(server)
    for process in processes:
        process.suspend()  # none of them is to see another's end
    for process in processes:
        process.kill()

    job = server.over("all-killed")

    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("InternalServerError")
    assert server.lines("all-killed") == ["begun"]


def test_an_interruption_survives_the_servers_end(server: JobServer) -> None:
    script = (
        "cd /opt/ml/checkpoints; if [ -e mark ]; then echo resumed; exit; fi; touch mark; echo marked; sleep 100"
    )
    server.shell("spot", script, **SPOT)
    server.until_line("spot", "marked")
    server.interrupt("spot")
    server.kill()
    server.start()

    job = server.over("spot")

    assert job["TrainingJobStatus"] == "Completed"
    assert sorted(server.lines("spot")) == ["marked", "resumed"]


def test_a_stop_survives_the_servers_end(server: JobServer) -> None:
    server.shell("stopped", "trap 'echo bye; exit 0' TERM; echo ready; while :; do sleep 0.1; done")
    server.until_line("stopped", "ready")
    server.sagemaker.stop_training_job(TrainingJobName="stopped")
    server.kill()
    server.start()

    job = server.over("stopped")

    assert (job["TrainingJobStatus"], way(job)[-2:]) == ("Stopped", ["Stopping", "Stopped"])
    assert server.lines("stopped") == ["ready", "bye"]


def _go(server: JobServer, job: str) -> None:
    (server.directory(job) / "algo-1" / "attempt-1" / "ml" / "go").touch()


def _processes(server: JobServer) -> list[psutil.Process]:
    """Everything that works for the server's jobs, and the trainings themselves."""
    home = f"{server.process.home}/jobs/"
    found = [
        process for process in psutil.process_iter(["cmdline"]) if home in " ".join(process.info["cmdline"] or [])
    ]
    return found + [child for process in found for child in process.children(recursive=True)]


def _streams(server: JobServer, job: str) -> list[str]:
    listed = server.logs.describe_log_streams(
        logGroupName="/aws/sagemaker/TrainingJobs", logStreamNamePrefix=f"{job}/"
    )
    return [stream["logStreamName"] for stream in listed["logStreams"]]
