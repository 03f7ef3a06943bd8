"""Created jobs on a real cluster of Slurm: one controller, two nodes."""

from collections.abc import Iterator

import pytest

from tests.agent.slurm_cluster import SlurmCluster, unavailable
from tests.launchers.created_jobs import JobServer, until, way

MANY = 50
LINES = 40

pytestmark = [
    pytest.mark.skipif(bool(unavailable()), reason=unavailable()),
    pytest.mark.xdist_group("slurm"),
    pytest.mark.timeout(900),
]


@pytest.fixture(scope="module")
def cluster() -> Iterator[SlurmCluster]:
    with SlurmCluster(nodes=2, cpus=4) as running:
        yield running


@pytest.fixture(scope="module")
def server(cluster: SlurmCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[JobServer]:
    home = tmp_path_factory.mktemp("slurm-jobs")
    with JobServer(home, cluster.environment, launcher="slurm") as running:
        yield running


def test_a_job_of_two_hosts_has_a_node_for_each(server: JobServer) -> None:
    server.shell("two-nodes", "echo $(hostname) of $SLURMD_NODENAME $SLURM_NODEID; getent hosts algo-2", hosts=2)

    job = server.over("two-nodes")

    assert (job["TrainingJobStatus"], job.get("FailureReason")) == ("Completed", None)
    assert way(job) == ["Starting", "Downloading", "Training", "Uploading", "Completed"]
    first, second = (server.lines("two-nodes", host) for host in ("algo-1", "algo-2"))
    assert (first[0].split()[0], second[0].split()[0]) == ("algo-1", "algo-2")
    assert "algo-2" in first[1]


def test_a_running_job_is_stopped_with_grace(server: JobServer) -> None:
    server.shell("stopped", "trap 'echo bye; exit 0' TERM; echo ready; while :; do sleep 0.1; done")
    server.until_line("stopped", "ready")

    server.sagemaker.stop_training_job(TrainingJobName="stopped")
    job = server.over("stopped")

    assert (job["TrainingJobStatus"], server.lines("stopped")) == ("Stopped", ["ready", "bye"])


def test_a_job_that_waits_for_nodes_is_taken_from_the_schedulers_queue(server: JobServer) -> None:
    server.shell("too-large", "echo never", hosts=3)
    directory = server.directory("too-large")
    until((directory / "plan.json").exists)

    server.sagemaker.stop_training_job(TrainingJobName="too-large")
    job = server.over("too-large")

    assert job["TrainingJobStatus"] == "Stopped"
    assert not (directory / "algo-1").exists()


def test_jobs_go_on_while_the_server_is_away(server: JobServer) -> None:
    server.shell("away", "for i in $(seq 1 30); do echo line $i; sleep 0.05; done")
    server.until("away", "Training", "Uploading")
    server.kill()
    server.start()

    assert server.over("away")["TrainingJobStatus"] == "Completed"
    assert server.lines("away") == [f"line {number}" for number in range(1, 31)]


def test_many_jobs_in_the_schedulers_queue_are_all_complete(server: JobServer) -> None:
    script = f"for i in $(seq 1 {LINES}); do echo step=$i loss=0.$i; done"
    metrics = {"MetricDefinitions": [{"Name": "loss", "Regex": r"loss=([0-9.]+)"}]}
    names = [server.shell(f"many-{number}", script, algorithm=metrics) for number in range(MANY)]

    jobs = [server.over(name) for name in names]

    assert {job["TrainingJobStatus"] for job in jobs} == {"Completed"}
    for name, job in zip(names, jobs, strict=True):
        assert server.lines(name) == [f"step={step} loss=0.{step}" for step in range(1, LINES + 1)]
        assert [one["Value"] for one in job["FinalMetricDataList"]] == pytest.approx([float(f"0.{LINES}")])
