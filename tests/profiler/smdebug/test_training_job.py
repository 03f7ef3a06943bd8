"""A training job by its name: of the server that AWS's client is pointed at, or of ours without it."""

import sys
from collections.abc import Iterator

import pytest

from epochwatch.client.http import Refused
from epochwatch.debugger.exceptions import SMDebugRuntimeError
from epochwatch.profiler.analysis import TrainingJob
from tests.launchers.created_jobs import BUCKET, JobServer

WRITE = (
    "d=/opt/ml/output/profiler/framework/pevents/2023111422; mkdir -p $d; "
    "echo '[]' > $d/1700000041000000_1-algo-1_pythontimeline.json; sleep 1"
)
PROFILER = {"ProfilerConfig": {"S3OutputPath": f"s3://{BUCKET}/profile", "ProfilingIntervalInMilliseconds": 100}}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JobServer]:
    with JobServer(tmp_path_factory.mktemp("jobs")) as found:
        yield found


@pytest.fixture(params=["boto3", "our own client"])
def _client(request: pytest.FixtureRequest, server: JobServer, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param != "boto3":
        monkeypatch.setitem(sys.modules, "boto3", None)
    for name, value in {**server.process.aws_environment(), "EPOCHWATCH_URL": server.process.url}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("EPOCHWATCH_HOME", str(server.process.home))


@pytest.mark.usefixtures("_client")
def test_a_profiled_job_is_found_with_its_files(server: JobServer) -> None:
    name = f"profiled-{len(server.keys('profile/'))}"
    server.shell(name, WRITE, **PROFILER)
    job = TrainingJob(name)
    assert job.profiler_s3_output_path == f"s3://{BUCKET}/profile/{name}/profiler-output"
    assert job.profiler_config["ProfilingIntervalInMilliseconds"] == 100
    assert job.describe_training_job()["TrainingJobName"] == name
    job.wait_for_sys_profiling_data_to_be_available()
    job.wait_for_framework_profiling_data_to_be_available()
    machines, timelines = job.get_systems_metrics_reader(), job.get_framework_metrics_reader()
    assert machines is not None
    assert timelines is not None
    assert timelines.get_timestamp_of_latest_available_file() == 1700000041000000
    assert {event.node_id for event in machines.get_events(0, 1 << 62)} == {"algo-1"}
    server.over(name)


@pytest.mark.usefixtures("_client")
def test_a_job_that_was_not_profiled_or_is_none_is_named(server: JobServer) -> None:
    name = f"plain-{len(server.sagemaker.list_training_jobs()['TrainingJobSummaries'])}"
    server.shell(name, "true")
    with pytest.raises(SMDebugRuntimeError, match=f"{name} has no ProfilerConfig"):
        TrainingJob(name)
    with pytest.raises((Refused, server.sagemaker.exceptions.ClientError)):
        TrainingJob("none")


@pytest.mark.usefixtures("_client")
def test_waiting_ends_with_the_job(server: JobServer) -> None:
    name = f"silent-{len(server.sagemaker.list_training_jobs()['TrainingJobSummaries'])}"
    server.shell(name, "true", **PROFILER)
    server.over(name)
    with pytest.raises(SMDebugRuntimeError, match=f"{name} is Completed, and has no framework metrics"):
        TrainingJob(name).wait_for_framework_profiling_data_to_be_available()
