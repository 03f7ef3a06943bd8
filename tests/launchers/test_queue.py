"""The queue: who starts when, with which GPUs, and what becomes of runners that vanish."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from epochwatch.client.credentials import Credentials
from epochwatch.launchers.directory import JobDirectory, RunnerState
from epochwatch.launchers.queue import MOST_RESTARTS, Queue, reachable
from epochwatch.model.launch import JobProgress
from epochwatch.model.tenant import Tenant
from epochwatch.settings import Settings
from epochwatch.store.state import StateStore

TENANT = Tenant()


class StandIn:
    """A launcher whose runners are names on a list."""

    def __init__(self) -> None:
        self.running: list[str] = []
        self.starts: list[str] = []
        self.refusal = ""

    def start(self, job: JobDirectory) -> dict[str, Any]:
        if self.refusal:
            raise OSError(self.refusal)
        self.starts.append(job.path.name)
        self.running.append(job.path.name)
        return {"pid": len(self.starts)}

    def alive(self, job: JobDirectory, place: dict[str, Any]) -> bool:
        return job.path.name in self.running

    def stop(self, job: JobDirectory, place: dict[str, Any]) -> None:
        job.ask("stop")


class Bench:
    """A queue over a state store of its own, turned by hand."""

    def __init__(self, home: Path, gpus: int = 0, max_jobs: int = 10) -> None:
        self.state = StateStore.open(f"sqlite:///{home / 'state.db'}")
        self.settings = Settings(home=home, max_jobs=max_jobs)
        self.launcher = StandIn()
        self.now = 1000.0
        self.queue = self.made(gpus)

    def made(self, gpus: int) -> Queue:
        queue = Queue(
            SimpleNamespace(state=self.state),  # type: ignore[arg-type]
            self.settings,
            Credentials("AKID", "secret", TENANT.account),
            lambda *_: None,
            lambda: self.now,
        )
        queue._launchers = {"process": self.launcher}
        queue._gpus = [str(number) for number in range(gpus)]
        return queue

    def create(self, name: str, instance: str = "ml.m5.large", count: int = 1, image: str = "process") -> None:
        self.now += 1
        request = {
            "AlgorithmSpecification": {"TrainingImage": image},
            "ResourceConfig": {"InstanceType": instance, "InstanceCount": count},
        }
        self.state.jobs.create(TENANT, name, request, [], {}, self.now)

    def job(self, name: str) -> Any:
        return self.state.jobs.get(TENANT, name)

    def ends(self, name: str) -> None:
        launch = self.state.launches.get(TENANT, name)
        assert launch is not None
        self.launcher.running.remove(name)
        self.state.launches.ended(launch)

    def gpus_of(self, name: str) -> list[list[str]]:
        plan = JobDirectory.of(self.settings.jobs_directory, TENANT, name).plan()
        assert plan is not None
        return [host.gpus for host in plan.hosts]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path, gpus=4)
    yield made
    made.state.close()


def test_jobs_start_in_the_order_of_their_creation_as_places_are_free(tmp_path: Path) -> None:
    bench = Bench(tmp_path, max_jobs=2)
    for name in ("a", "b", "c", "d"):
        bench.create(name)

    bench.queue.round()
    assert bench.launcher.starts == ["a", "b"]
    bench.ends("a")
    bench.queue.round()
    assert bench.launcher.starts == ["a", "b", "c"]
    bench.state.close()


def test_gpus_are_given_by_instance_type_and_to_one_job_at_a_time(bench: Bench) -> None:
    bench.create("one", "ml.g5.xlarge")
    bench.create("pair", "ml.g5.xlarge", count=2)
    bench.create("big", "ml.p3.8xlarge")
    bench.queue.round()

    assert bench.launcher.starts == ["one", "pair"]
    assert (bench.gpus_of("one"), bench.gpus_of("pair")) == ([["0"]], [["1"], ["2"]])
    bench.ends("one")
    bench.ends("pair")
    bench.queue.round()
    assert bench.gpus_of("big") == [["0", "1", "2", "3"]]


def test_a_job_that_waits_for_gpus_is_not_overtaken_by_smaller_ones_but_by_those_without(bench: Bench) -> None:
    bench.create("first", "ml.g5.xlarge")
    bench.queue.round()
    bench.create("big", "ml.p3.8xlarge")
    bench.create("small", "ml.g5.xlarge")
    bench.create("none")
    bench.queue.round()

    assert bench.launcher.starts == ["first", "none"]


def test_a_machine_with_fewer_gpus_than_asked_gives_all_it_has(bench: Bench) -> None:
    bench.create("huge", "ml.p4d.24xlarge")
    bench.queue.round()

    assert bench.gpus_of("huge") == [["0", "1", "2", "3"]]


def test_a_new_server_does_not_start_what_runs(bench: Bench) -> None:
    bench.create("running")
    bench.queue.round()

    bench.made(4).round()

    assert bench.launcher.starts == ["running"]


def test_a_server_that_died_before_it_had_made_the_directory_takes_the_job_again(bench: Bench) -> None:
    bench.create("claimed")
    bench.create("stopped")
    for launch in bench.state.launches.queued(2):
        bench.state.launches.started(launch, "process", {}, bench.now)
    bench.state.launches.request_stop(TENANT, "stopped", bench.now)

    bench.made(4).round()
    bench.made(4).round()

    assert bench.launcher.starts == ["claimed"]
    assert bench.job("claimed").status == "InProgress"
    assert bench.job("stopped").status == "Stopped"


def test_a_job_whose_directory_was_removed_has_failed(bench: Bench) -> None:
    bench.create("removed")
    bench.queue.round()
    shutil.rmtree(bench.settings.jobs_directory)

    bench.queue.round()

    assert bench.job("removed").failure_reason == "InternalServerError: the job's directory is gone"


def test_a_server_that_died_between_claim_and_start_starts_the_job_afterwards(bench: Bench) -> None:
    bench.create("claimed")
    launch = bench.state.launches.queued(1)[0]
    plan = bench.queue._planned(launch)
    assert plan is not None
    bench.queue.directory(launch).create(plan, {"access_key_id": "a", "secret_access_key": "b"})
    bench.state.launches.started(launch, "process", {}, bench.now)

    bench.made(4).round()

    assert bench.launcher.starts == ["claimed"]


def test_a_runner_that_keeps_vanishing_is_given_up(bench: Bench) -> None:
    bench.create("doomed")
    for _ in range(MOST_RESTARTS + 3):
        bench.queue.round()
        bench.launcher.running.clear()

    assert len(bench.launcher.starts) == MOST_RESTARTS + 1
    assert bench.job("doomed").status == "Failed"
    assert bench.job("doomed").failure_reason.startswith("InternalServerError")


def test_a_job_that_cannot_be_started_fails_with_the_reason(bench: Bench) -> None:
    bench.launcher.refusal = "no more processes"
    bench.create("refused")
    bench.queue.round()

    assert bench.job("refused").failure_reason == (
        "InternalServerError: the job could not be started: no more processes"
    )


def test_one_job_that_cannot_be_planned_does_not_hold_up_the_others(bench: Bench) -> None:
    bench.state.jobs.create(TENANT, "odd", {"ResourceConfig": {"InstanceGroups": [{}]}}, [], {}, bench.now)
    bench.create("good")
    bench.queue.round()

    assert bench.launcher.starts == ["good"]
    assert bench.job("odd").failure_reason.startswith("InternalServerError: KeyError")


@pytest.mark.parametrize(
    ("settings", "elsewhere", "url"),
    [
        ({}, False, "http://127.0.0.1:4600"),
        ({"host": "0.0.0.0"}, False, "http://127.0.0.1:4600"),
        ({"host": "10.0.0.5", "port": 80}, True, "http://10.0.0.5:80"),
        ({"host": "0.0.0.0", "url": "http://server:1/"}, True, "http://server:1"),
    ],
)
def test_where_a_job_finds_the_server(settings: dict[str, Any], elsewhere: bool, url: str, tmp_path: Path) -> None:
    assert reachable(replace(Settings(tmp_path), **settings), elsewhere=elsewhere) == url


def test_the_directory_of_a_deleted_job_goes_within_the_hour(bench: Bench) -> None:
    for name in ("kept", "gone"):
        bench.create(name)
    bench.queue.round()
    for name in ("kept", "gone"):
        bench.launcher.running.remove(name)
        directory(bench, name).write_state(RunnerState(secondary_status="Completed"))
        told = JobProgress(TENANT.account, TENANT.region, name, 1, 1, "Completed", bench.now)
        bench.state.jobs.job_progress(TENANT, told, bench.now)
    assert bench.state.jobs.delete(TENANT, "gone")

    bench.now += 3601
    bench.queue.round()

    assert [directory(bench, name).path.exists() for name in ("kept", "gone")] == [True, False]


def test_a_spot_job_does_not_wait_longer_than_it_may(tmp_path: Path) -> None:
    bench = Bench(tmp_path, max_jobs=1)
    bench.create("busy")
    spot = {
        "AlgorithmSpecification": {"TrainingImage": "process"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
        "EnableManagedSpotTraining": True,
        "StoppingCondition": {"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 60},
    }
    bench.state.jobs.create(TENANT, "spot", spot, [], {}, bench.now)
    bench.queue.round()
    assert bench.job("spot").status == "InProgress"

    bench.now += 61
    bench.queue.round()

    assert (bench.job("spot").status, bench.job("spot").secondary_status) == ("Stopped", "MaxWaitTimeExceeded")
    assert bench.launcher.starts == ["busy"]
    bench.state.close()


def directory(bench: Bench, name: str) -> JobDirectory:
    return JobDirectory.of(bench.settings.jobs_directory, TENANT, name)
