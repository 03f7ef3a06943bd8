"""Jobs made through the API and their launches: the same on SQLite and on PostgreSQL."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from epochwatch.model.batch import Definition, Progress, Registration
from epochwatch.model.job import PROCESSING, TRAINING
from epochwatch.model.launch import JobProgress
from epochwatch.model.tenant import Tenant
from epochwatch.store.state import StateStore
from epochwatch.store.state.job_records import NameTaken, StillRunning

NOW = 1_795_200_000.0


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def state(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StateStore]:
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_url")
    else:
        url = f"sqlite:///{tmp_path_factory.mktemp('state') / 'state.db'}"
    opened = StateStore.open(url)
    opened.clear()
    yield opened
    opened.close()


def create(state: StateStore, tenant: Tenant, name: str = "job", **more: object) -> None:
    state.jobs.create(tenant, name, {"TrainingJobName": name, "π": [1.5]}, [], {}, NOW, **more)


def tell(state: StateStore, tenant: Tenant, sequence: int, status: str, name: str = "job", **more: object):
    more = {"attempt": 1, "time": NOW + sequence} | more
    word = JobProgress(tenant.account, tenant.region, name, sequence=sequence, secondary_status=status, **more)
    return state.jobs.job_progress(tenant, word, NOW + sequence)


def test_a_job_and_its_launch_are_made_together(state: StateStore, tenant: Tenant) -> None:
    definitions = [Definition("loss", "loss=(.*)", "api")]
    made = state.jobs.create(tenant, "job", {"A": {"b": 1.5}}, definitions, {"t": "1"}, NOW, host_count=2)
    assert state.jobs.get(tenant, "job") == made
    assert (made.definitions, made.tags, made.host_count, made.hosts) == (definitions, {"t": "1"}, 2, [])
    assert state.jobs.request(tenant, "job") == {"A": {"b": 1.5}}
    launch = state.launches.get(tenant, "job")
    assert launch is not None
    assert (launch.kind, launch.state, launch.attempt, launch.created) == ("training", "queued", 1, NOW)


def test_a_name_is_taken_by_runs_and_by_jobs_of_the_same_kind(state: StateStore, tenant: Tenant) -> None:
    state.jobs.register(tenant, Registration("a" * 32, "run", started=NOW), NOW)
    create(state, tenant)
    for name in ("run", "job"):
        with pytest.raises(NameTaken):
            create(state, tenant, name)
    assert state.launches.get(tenant, "run") is None
    create(state, tenant, kind=PROCESSING)
    assert state.jobs.list(tenant)[1] == 2
    assert [job.name for job in state.jobs.list(tenant, kind=PROCESSING)[0]] == ["job"]
    assert state.jobs.requests(tenant, ["run", "job", "none"]).keys() == {"job"}


def test_of_many_that_claim_a_launch_one_has_it(state: StateStore, tenant: Tenant) -> None:
    create(state, tenant)
    [launch] = [one for one in state.launches.queued(1000) if one.tenant == tenant]
    together = threading.Barrier(8)

    def claim(number: int) -> bool:
        together.wait()
        return state.launches.started(launch, "process", {"pid": number}, NOW + 1)

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(claim, range(8))) == 1
    assert [one for one in state.launches.queued(1000) if one.tenant == tenant] == []
    [running] = [one for one in state.launches.running() if one.tenant == tenant]
    assert (running.launcher, running.started) == ("process", NOW + 1)
    assert state.launches.placed(running, {"pid": 99, "start": 7})
    assert state.launches.get(tenant, "job").place == {"pid": 99, "start": 7}


def test_a_launch_may_go_back_to_the_queue_once(state: StateStore, tenant: Tenant) -> None:
    create(state, tenant)
    launch = state.launches.get(tenant, "job")
    assert not state.launches.requeued(launch)
    state.launches.started(launch, "process", {}, NOW)
    assert state.launches.requeued(launch)
    assert not state.launches.requeued(launch)
    again = state.launches.get(tenant, "job")
    assert (again.state, again.attempt, again.launcher, again.started) == ("queued", 2, "", None)


def test_the_launch_ends_with_its_job(state: StateStore, tenant: Tenant) -> None:
    create(state, tenant)
    state.launches.started(state.launches.get(tenant, "job"), "process", {}, NOW)
    assert tell(state, tenant, 1, "Training").secondary_status == "Training"
    assert tell(state, tenant, 2, "Failed", failure_reason="AlgorithmError: x").failure_reason
    assert state.launches.get(tenant, "job").state == "ended"
    assert not state.launches.request_stop(tenant, "job", NOW)
    with pytest.raises(ValueError, match="no created training job 'other'"):
        tell(state, tenant, 1, "Training", "other")


def test_a_stop_ends_a_job_that_waits_and_asks_one_that_runs(state: StateStore, tenant: Tenant) -> None:
    create(state, tenant)
    assert state.jobs.stop(tenant, "job", NOW + 1).status == "Stopped"
    assert state.launches.get(tenant, "job").state == "ended"
    create(state, tenant, "running")
    launch = state.launches.get(tenant, "running")
    state.launches.started(launch, "process", {}, NOW)
    assert state.jobs.stop(tenant, "running", NOW + 1).status == "Stopping"
    assert state.jobs.stop(tenant, "running", NOW + 2).status == "Stopping"
    [asked] = [one for one in state.launches.stopping() if one.tenant == tenant]
    assert (asked.job, asked.stop_requested) == ("running", NOW + 1)
    assert not state.launches.requeued(asked)
    assert tell(state, tenant, 1, "Stopped", "running").status == "Stopped"
    assert state.jobs.stop(tenant, "none", NOW) is None


def test_a_stop_and_a_claim_at_once_agree(state: StateStore, tenant: Tenant) -> None:
    for number in range(10):
        name = f"j{number}"
        create(state, tenant, name)
        launch = state.launches.get(tenant, name)
        with ThreadPoolExecutor(2) as pool:
            claimed = pool.submit(state.launches.started, launch, "process", {}, NOW)
            stopped = pool.submit(state.jobs.stop, tenant, name, NOW)
        assert stopped.result().status == ("Stopping" if claimed.result() else "Stopped")


def test_hosts_of_a_created_job_are_attached_to_it(state: StateStore, tenant: Tenant) -> None:
    create(state, tenant, host_count=2)
    for number, host in ((1, "algo-1"), (2, "algo-2")):
        registration = Registration(f"{number:032x}", "x", started=NOW + 5, host=host, job="job")
        run = state.jobs.register(tenant, registration, NOW + 6)
        assert state.jobs.register(tenant, registration, NOW + 7) == run
        assert (run.job, run.host, run.log_stream) == ("job", host, f"job/{host}-{int(NOW + 5)}")
    job = state.jobs.progress(tenant, Progress(f"{1:032x}", "Completed", NOW + 9, summary={"a": 1}), NOW + 9)
    assert (job.status, job.secondary_status, job.summary) == ("InProgress", "Starting", {"a": 1})
    assert job.updated == NOW, "a host's word is no change of the job's state"
    assert (job.hosts, job.host_count, job.log_stream) == (["algo-1", "algo-2"], 2, f"job/algo-1-{int(NOW + 5)}")
    assert state.jobs.list(tenant)[1] == 1
    create(state, tenant, kind=PROCESSING)
    run = state.jobs.register(tenant, Registration("c" * 32, "x", started=NOW, job="processing-job/job"), NOW)
    assert (run.job, run.log_group) == ("job", "/aws/sagemaker/ProcessingJobs")
    assert state.jobs.progress(tenant, Progress("c" * 32, "InProgress", NOW), NOW).log_group == run.log_group
    assert len(state.jobs.log_streams(tenant, "job")) == 2


@pytest.mark.parametrize("job", ["none", "processing-job/run", "run"])
def test_no_host_joins_what_was_not_created(state: StateStore, tenant: Tenant, job: str) -> None:
    state.jobs.register(tenant, Registration("a" * 32, "run", started=NOW), NOW)
    with pytest.raises(ValueError, match="created"):
        state.jobs.register(tenant, Registration("b" * 32, "x", started=NOW, job=job), NOW)
    assert state.jobs.run(tenant, "b" * 32) is None


def test_a_job_that_has_ended_can_be_deleted_and_its_name_used_again(state: StateStore, tenant: Tenant) -> None:
    create(state, tenant)
    with pytest.raises(StillRunning):
        state.jobs.delete(tenant, "job")
    state.jobs.register(tenant, Registration("a" * 32, "x", started=NOW, job="job"), NOW)
    state.jobs.ensure_host(tenant, "job", "algo-1")
    state.jobs.stop(tenant, "job", NOW)
    assert state.jobs.delete(tenant, "job")
    assert state.jobs.run(tenant, "a" * 32) is None
    assert state.jobs.log_streams(tenant, "job") == []
    assert not state.jobs.delete(tenant, "job")
    assert state.jobs.get(tenant, "job") is state.launches.get(tenant, "job") is None
    create(state, tenant)
    state.jobs.ensure_host(tenant, "job", "algo-1")
    again = state.jobs.get(tenant, "job")
    assert (again.status, again.hosts) == ("InProgress", ["algo-1"])


def test_what_a_job_was_created_with_may_change(state: StateStore, tenant: Tenant) -> None:
    create(state, tenant)
    state.jobs.change_request(tenant, "job", lambda request: {**request, "ProfilerConfig": {}})
    assert state.jobs.request(tenant, "job", TRAINING)["ProfilerConfig"] == {}
    state.jobs.change_request(tenant, "none", lambda request: request)
    assert state.jobs.request(tenant, "none") == {}
