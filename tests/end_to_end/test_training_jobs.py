"""Jobs created by the API really run: files, logs, values, artefacts and states as SageMaker has them."""

import io
import itertools
import json
import socket
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.launchers.created_jobs import BUCKET, ROLE, JobServer, channel, until, way

SPOT = {
    "EnableManagedSpotTraining": True,
    "CheckpointConfig": {"S3Uri": f"s3://{BUCKET}/checkpoints/spot"},
    "StoppingCondition": {"MaxRuntimeInSeconds": 600, "MaxWaitTimeInSeconds": 900},
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JobServer]:
    with JobServer(tmp_path_factory.mktemp("jobs"), max_jobs="4") as running:
        yield running


def test_a_job_goes_the_way_of_a_training_job(server: JobServer) -> None:
    data = server.put("data/train/x.csv", b"1,2\n").removesuffix("/x.csv")
    script = "cat /opt/ml/input/data/train/x.csv; echo loss=0.5; echo weights > /opt/ml/model/model.bin"
    metrics = {"MetricDefinitions": [{"Name": "loss", "Regex": r"loss=([0-9.]+)"}]}

    server.shell("whole", script, channels={"train": data}, algorithm=metrics)
    job = server.over("whole")

    assert job["TrainingJobStatus"] == "Completed"
    assert way(job) == ["Starting", "Downloading", "Training", "Uploading", "Completed"]
    assert server.lines("whole") == ["1,2", "loss=0.5"]
    assert [(one["MetricName"], one["Value"]) for one in job["FinalMetricDataList"]] == [("loss", 0.5)]
    artifact = job["ModelArtifacts"]["S3ModelArtifacts"]
    assert artifact == f"s3://{BUCKET}/out/whole/output/model.tar.gz"
    with tarfile.open(fileobj=io.BytesIO(server.get("out/whole/output/model.tar.gz"))) as tar:
        assert tar.getnames() == ["model.bin"]


def test_the_log_is_complete_when_the_job_is_told_to_have_ended(server: JobServer) -> None:
    server.shell("many-lines", "seq 1 20000")

    assert server.over("many-lines")["TrainingJobStatus"] == "Completed"

    assert server.lines("many-lines") == [str(number) for number in range(1, 20001)]


def test_hyperparameters_and_hosts_are_where_a_container_has_them(server: JobServer) -> None:
    script = "cd /opt/ml/input/config; cat hyperparameters.json; echo; cat resourceconfig.json; echo; hostname"

    server.shell("config", script, HyperParameters={"depth": "3"})
    server.over("config")

    hyperparameters, resources, host = server.lines("config")
    assert json.loads(hyperparameters) == {"depth": "3"}
    assert json.loads(resources)["hosts"] == ["algo-1"]
    assert json.loads(resources)["instance_groups"][0]["instance_type"] == "ml.m5.large"
    assert host == "algo-1"


def test_the_environment_is_the_requests_and_reaches_the_server(server: JobServer) -> None:
    script = 'echo "$GREETING $TRAINING_JOB_NAME $TRAINING_JOB_ARN"; env | grep -c ^EPOCHWATCH_SECRET || true'

    server.shell("environment", script, Environment={"GREETING": "hello"})
    server.over("environment")

    assert server.lines("environment") == [
        "hello environment arn:aws:sagemaker:us-east-1:123456789012:training-job/environment",
        "0",
    ]


def test_a_traceback_gives_the_failure_reason(server: JobServer) -> None:
    server.create("crash", ["python3", "-c", "print('begin'); raise ValueError('bad data in row 7')"])

    job = server.over("crash")

    assert (job["TrainingJobStatus"], way(job)[-1]) == ("Failed", "Failed")
    assert job["FailureReason"].startswith('AlgorithmError: ExecuteUserScriptError:\nExitCode 1\nErrorMessage "')
    assert "ValueError: bad data in row 7" in job["FailureReason"]
    assert job["FailureReason"].endswith(", exit code: 1")


def test_the_failure_file_is_the_failure_reason(server: JobServer) -> None:
    server.shell("failure-file", "printf 'no %.0s' {1..600} > /opt/ml/output/failure; exit 3")

    job = server.over("failure-file")

    assert job["FailureReason"] == ("AlgorithmError: " + "no " * 600)[:1024]


def test_output_data_is_kept_also_of_a_job_that_failed(server: JobServer) -> None:
    server.shell("failed-output", "echo why > /opt/ml/output/data/notes; echo m > /opt/ml/model/m; exit 1")

    server.over("failed-output")

    assert server.keys("out/failed-output/") == ["out/failed-output/output/output.tar.gz"]


def test_a_stopped_job_has_time_to_save_its_model(server: JobServer) -> None:
    script = "trap 'echo saving; echo m > /opt/ml/model/m; exit 0' TERM; echo ready; while :; do sleep 0.1; done"
    server.shell("stopped", script)
    server.until_line("stopped", "ready")

    server.sagemaker.stop_training_job(TrainingJobName="stopped")
    job = server.over("stopped")

    assert (job["TrainingJobStatus"], way(job)[-2:]) == ("Stopped", ["Stopping", "Stopped"])
    assert server.lines("stopped") == ["ready", "saving"]
    assert server.keys("out/stopped/") == ["out/stopped/output/model.tar.gz"]


def test_a_job_that_takes_too_long_is_ended(server: JobServer) -> None:
    server.shell("too-long", "echo begun; sleep 100", StoppingCondition={"MaxRuntimeInSeconds": 1})

    job = server.over("too-long")

    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "MaxRuntimeExceeded")
    assert server.lines("too-long") == ["begun"]


def test_an_interrupted_job_goes_on_from_its_checkpoint(server: JobServer) -> None:
    script = (
        "cd /opt/ml/checkpoints; from=$(cat step 2>/dev/null || echo 0); echo from $from; "
        "if [ $from -gt 0 ]; then exit 0; fi; "
        "for i in $(seq 1 1000); do echo $i > new; mv new step; echo step $i; sleep 0.1; done"
    )
    server.shell("spot", script, **SPOT)
    server.until_line("spot", "step 5")

    server.interrupt("spot")
    job = server.over("spot")

    assert job["TrainingJobStatus"] == "Completed"
    assert way(job) == [
        "Starting", "Downloading", "Training", "Interrupted", "Restarting", "Downloading", "Training", "Uploading",
        "Completed",
    ]  # fmt: skip
    resumed = [line for line in server.lines("spot") if line.startswith("from")]
    assert resumed[0] == "from 0"
    assert int(resumed[1].split()[1]) >= 5
    assert server.get("checkpoints/spot/step").strip() == resumed[1].split()[1].encode()


def test_a_missing_bucket_fails_the_job_with_words(server: JobServer) -> None:
    server.shell("no-data", "echo never", channels={"train": "s3://no-such-bucket/data"})

    job = server.over("no-data")

    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("ClientError: Data download failed")


def test_hosts_have_names_addresses_and_their_share_of_the_data(server: JobServer) -> None:
    for number in range(5):
        server.put(f"shards/part-{number}", b"x")
    sharded = channel("train", f"s3://{BUCKET}/shards", S3DataDistributionType="ShardedByS3Key")
    script = (
        "echo $(hostname) $(ls /opt/ml/input/data/train); getent hosts algo-1 algo-2 | tr -s ' '; echo $HOSTNAME"
    )

    server.shell("sharded", script, hosts=2, InputDataConfig=[sharded])
    server.over("sharded")

    addresses = ["127.0.0.1 algo-1", "127.0.0.2 algo-2"]
    assert server.lines("sharded", "algo-1")[:3] == ["algo-1 part-0 part-2 part-4", *addresses]
    assert server.lines("sharded", "algo-2")[:3] == ["algo-2 part-1 part-3", *addresses]


def test_one_failing_host_ends_the_job(server: JobServer) -> None:
    script = "if [ $(hostname) = algo-2 ]; then echo 'Error: out of luck'; exit 9; fi; sleep 100"

    server.shell("half-failed", script, hosts=2)
    job = server.over("half-failed")

    assert job["TrainingJobStatus"] == "Failed"
    assert 'ErrorMessage "Error: out of luck"' in job["FailureReason"]
    assert job["FailureReason"].endswith("exit code: 9")


def test_a_pipe_channel_is_read_again_in_each_epoch(server: JobServer) -> None:
    data = server.put("pipe/a", b"first\n").removesuffix("/a")
    server.put("pipe/b", b"second\n")
    piped = channel("train", data) | {"InputMode": "Pipe"}

    server.shell("piped", "cat /opt/ml/input/data/train_0 /opt/ml/input/data/train_1", InputDataConfig=[piped])
    server.over("piped")

    assert server.lines("piped") == ["first", "second", "first", "second"]


def test_an_image_that_means_nothing_here_fails_the_job_with_a_hint(server: JobServer) -> None:
    server.create("unknown-image", image="123456789012.dkr.ecr.us-east-1.amazonaws.com/mine:1")

    job = server.over("unknown-image")

    assert job["FailureReason"].startswith("ClientError: there is nothing to run for the image")


def test_what_a_job_does_to_opt_is_not_seen_outside(server: JobServer) -> None:
    server.shell("private", "touch /opt/ml/model/seen; hostname elsewhere; ls /opt")
    server.over("private")

    assert "ml" in server.lines("private")
    assert not Path("/opt/ml/model/seen").exists()
    assert socket.gethostname() != "elsewhere"


def test_waiting_jobs_start_in_their_order_within_the_limit(tmp_path_factory: pytest.TempPathFactory) -> None:
    with JobServer(tmp_path_factory.mktemp("limited"), max_jobs="1") as server:
        for number in range(3):
            server.shell(f"in-turn-{number}", "sleep 0.3")
        jobs = [server.over(f"in-turn-{number}") for number in range(3)]

    times = [(job["TrainingStartTime"], job["TrainingEndTime"]) for job in jobs]
    assert times == sorted(times)
    assert all(earlier[1] <= later[0] for earlier, later in itertools.pairwise(times))


def test_a_waiting_job_can_be_stopped(tmp_path_factory: pytest.TempPathFactory) -> None:
    with JobServer(tmp_path_factory.mktemp("waiting"), max_jobs="1") as server:
        server.shell("busy", "sleep 100")
        server.until("busy", "Training")
        server.shell("never", "echo never")
        time.sleep(1)
        server.sagemaker.stop_training_job(TrainingJobName="never")
        assert server.over("never")["TrainingJobStatus"] == "Stopped"
        server.sagemaker.stop_training_job(TrainingJobName="busy")
        assert server.over("busy")["TrainingJobStatus"] == "Stopped"


def test_a_processing_job_has_its_inputs_and_outputs_where_it_names_them(server: JobServer) -> None:
    data = server.put("processing/in/x", b"content\n").removesuffix("/x")
    script = (
        "cat /opt/ml/processing/input/x; echo $PROCESSING_JOB_NAME; cd /opt/ml/processing/result; "
        "echo a > a; mkdir deep; echo b > deep/b; echo all well > /opt/ml/output/message"
    )
    local = {
        "S3Uri": data,
        "LocalPath": "/opt/ml/processing/input",
        "S3DataType": "S3Prefix",
        "S3InputMode": "File",
    }
    out = {
        "S3Uri": f"s3://{BUCKET}/processing/out",
        "LocalPath": "/opt/ml/processing/result",
        "S3UploadMode": "EndOfJob",
    }

    server.sagemaker.create_processing_job(
        ProcessingJobName="processed",
        RoleArn=ROLE,
        AppSpecification={
            "ImageUri": "process",
            "ContainerEntrypoint": ["/bin/bash"],
            "ContainerArguments": ["-c", script],
        },
        ProcessingInputs=[{"InputName": "in", "S3Input": local}],
        ProcessingOutputConfig={"Outputs": [{"OutputName": "out", "S3Output": out}]},
        ProcessingResources={
            "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}
        },
    )
    until(lambda: _processing(server, "processed")["ProcessingJobStatus"] not in ("InProgress", "Stopping"))
    job = _processing(server, "processed")

    assert (job["ProcessingJobStatus"], job.get("ExitMessage")) == ("Completed", "all well\n")
    assert server.lines("processed", group="/aws/sagemaker/ProcessingJobs") == ["content", "processed"]
    assert server.keys("processing/out") == ["processing/out/a", "processing/out/deep/b"]


def _processing(server: JobServer, name: str) -> dict[str, Any]:
    described: dict[str, Any] = server.sagemaker.describe_processing_job(ProcessingJobName=name)
    return described


def test_a_script_runs_as_the_training_toolkit_runs_it(server: JobServer) -> None:
    script = b"import json, os, sys\nprint(sys.argv[1:], os.getcwd(), os.environ['SM_HPS'])\nimport helper\n"
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        for name, content in (("train.py", script), ("helper.py", b"print('helped')\n")):
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    code = server.put("code/sourcedir.tar.gz", archive.getvalue())
    hyperparameters = {"sagemaker_program": '"train.py"', "sagemaker_submit_directory": f'"{code}"', "depth": "3"}

    server.create("script", image="sklearn", HyperParameters=hyperparameters)
    job = server.over("script")

    assert job["TrainingJobStatus"] == "Completed", job
    assert server.lines("script") == ["['--depth', '3'] /opt/ml/code {\"depth\":3}", "helped"]


def test_requirements_that_cannot_be_installed_fail_the_job(server: JobServer) -> None:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        for name, content in (("train.py", b"print('never')"), ("requirements.txt", b"/no/such/package\n")):
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    code = server.put("code/required.tar.gz", archive.getvalue())
    hyperparameters = {"sagemaker_program": '"train.py"', "sagemaker_submit_directory": f'"{code}"'}

    server.create("required", image="process", HyperParameters=hyperparameters)
    job = server.over("required")

    assert job["FailureReason"].startswith("AlgorithmError: InstallRequirementsError:")
    assert "never" not in server.lines("required")
