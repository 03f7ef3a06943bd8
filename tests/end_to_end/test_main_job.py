"""The main job: wrap a training, then read its values with real, unmodified AWS clients of several generations."""

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.peers import peer_python
from tests.servers import ServerProcess

JOB = "digits-test"
NAMESPACE = "/aws/sagemaker/TrainingJobs"
EPOCHS = 40

TRAINING = f"""
import math, time
for epoch in range({EPOCHS}):
    train = math.exp(-epoch / 10)
    print(f"epoch={{epoch}} train_loss={{train:.6f}} validation_loss={{train + epoch / 50:.6f}}", flush=True)
    time.sleep(0.05)
print("final answer: forty-two", flush=True)
"""


class Watched:
    """A training that ran under `epochwatch run`, the server it was reported to, and what it printed."""

    def __init__(self, server: ServerProcess, output: str, told: str, code: int) -> None:
        self.server = server
        self.output = output
        self.told = told
        self.code = code

    def parsed(self, name: str) -> list[float]:
        """The values an independent look at the raw output finds."""
        return [float(value) for value in re.findall(rf"{name}=([0-9.]+)", self.output)]


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    home = tmp_path_factory.mktemp("main-job")
    script = home / "training.py"
    script.write_text(TRAINING)
    server = ServerProcess(home / "home")
    done = subprocess.run(
        [sys.executable, "-m", "epochwatch", "run", "--name", JOB]
        + ["-m", "train:loss=train_loss=([0-9.]+)", "-m", "validation:loss=validation_loss=([0-9.]+)"]
        + ["-m", "never=no_such_thing=([0-9.]+)", "-m", r"words=answer: (\S+)"]
        + ["--", sys.executable, str(script)],
        env=server.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    try:
        yield Watched(server, done.stdout, done.stderr, done.returncode)
    finally:
        subprocess.run(
            [sys.executable, "-m", "epochwatch", "stop"], env=server.environment, check=False, capture_output=True
        )


def test_the_output_is_the_trainings_own(watched: Watched, tmp_path: Path) -> None:
    script = tmp_path / "training.py"
    script.write_text(TRAINING)
    bare = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=True)
    assert (watched.output, watched.code) == (bare.stdout, 0)


def test_the_summary_tells_finals_bests_and_definitions_that_found_nothing(watched: Watched) -> None:
    told = watched.told
    print(told)
    assert "http://127.0.0.1" in told
    assert "train:loss" in told
    assert "never" in told
    assert "forty-two" in told


def test_boto3_reads_every_value(watched: Watched) -> None:
    cloudwatch = watched.server.boto3("cloudwatch")
    for metric, printed in (("train:loss", "train_loss"), ("validation:loss", "validation_loss")):
        answer = cloudwatch.get_metric_statistics(
            Namespace=NAMESPACE,
            MetricName=metric,
            Dimensions=[{"Name": "TrainingJobName", "Value": JOB}],
            StartTime=time.time() - 900,
            EndTime=time.time() + 60,
            Period=1,
            Statistics=["Sum", "SampleCount", "Minimum", "Maximum"],
        )
        values = watched.parsed(printed)
        assert len(values) == EPOCHS
        points = answer["Datapoints"]
        assert sum(point["SampleCount"] for point in points) == EPOCHS
        assert sum(point["Sum"] for point in points) == pytest.approx(sum(values), abs=1e-9)
        assert min(point["Minimum"] for point in points) == min(values)
        assert max(point["Maximum"] for point in points) == max(values)


def test_the_job_is_described_as_sagemaker_does(watched: Watched) -> None:
    job = watched.server.boto3("sagemaker").describe_training_job(TrainingJobName=JOB)
    assert job["TrainingJobStatus"] == "Completed"
    names = [definition["Name"] for definition in job["AlgorithmSpecification"]["MetricDefinitions"]]
    assert names[:2] == ["train:loss", "validation:loss"]
    finals = {final["MetricName"]: final["Value"] for final in job["FinalMetricDataList"]}
    assert finals["train:loss"] == pytest.approx(watched.parsed("train_loss")[-1], rel=1e-6)
    listed = watched.server.boto3("sagemaker").list_training_jobs(NameContains="digits")
    assert [entry["TrainingJobName"] for entry in listed["TrainingJobSummaries"]] == [JOB]


def test_the_log_holds_every_line(watched: Watched) -> None:
    logs = watched.server.boto3("logs")
    stream = logs.describe_log_streams(logGroupName=NAMESPACE, logStreamNamePrefix=f"{JOB}/")["logStreams"][0]
    assert stream["logStreamName"].startswith(f"{JOB}/algo-1-")
    events = logs.get_log_events(
        logGroupName=NAMESPACE, logStreamName=stream["logStreamName"], startFromHead=True
    )["events"]
    assert [event["message"] for event in events] == watched.output.splitlines()
    found = logs.filter_log_events(logGroupName=NAMESPACE, filterPattern='"forty-two"')["events"]
    assert [event["message"] for event in found] == ["final answer: forty-two"]


def test_batch_get_metrics_has_the_step_axis(watched: Watched) -> None:
    metrics = watched.server.boto3("sagemaker-metrics")
    arn = f"arn:aws:sagemaker:us-east-1:{watched.server.credentials['account']}:training-job/{JOB}"
    answer = metrics.batch_get_metrics(
        MetricQueries=[
            {
                "MetricName": "train:loss",
                "ResourceArn": arn,
                "MetricStat": "Last",
                "Period": "IterationNumber",
                "XAxisType": "IterationNumber",
            }
        ]
    )["MetricQueryResults"][0]
    assert answer["Status"] == "Complete"
    assert answer["XAxisValues"] == list(range(EPOCHS))
    assert answer["MetricValues"] == pytest.approx(watched.parsed("train_loss"))


def test_hosts_report_their_metrics(watched: Watched) -> None:
    found = watched.server.boto3("cloudwatch").list_metrics(
        Namespace=NAMESPACE, Dimensions=[{"Name": "Host", "Value": f"{JOB}/algo-1"}]
    )["Metrics"]
    assert {"CPUUtilization", "MemoryUtilization", "DiskUtilization"} <= {metric["MetricName"] for metric in found}


ANALYTICS = """
import json, logging, sys, warnings
warnings.simplefilter("ignore")
logging.disable(logging.CRITICAL)
from {module} import TrainingJobAnalytics
frame = TrainingJobAnalytics(sys.argv[1], period=1).dataframe()
print(json.dumps({{name: group["value"].tolist() for name, group in frame.groupby("metric_name")}}))
"""


@pytest.mark.parametrize(
    ("peer", "module"), [("sagemaker2", "sagemaker.analytics"), ("sagemaker3", "sagemaker.core.analytics")]
)
def test_the_sagemaker_sdks_read_the_job(watched: Watched, peer: str, module: str, tmp_path: Path) -> None:
    answer = _in_peer(watched, [str(peer_python(peer)), "-c", ANALYTICS.format(module=module), JOB], tmp_path)
    values = json.loads(answer.splitlines()[-1])
    assert {"train:loss", "validation:loss"} <= values.keys()
    per_second = values["train:loss"]
    raw = watched.parsed("train_loss")
    assert min(raw) <= min(per_second) <= max(per_second) <= max(raw)
    assert len(per_second) >= 2


def test_the_aws_cli_reads_the_job(watched: Watched, tmp_path: Path) -> None:
    aws = peer_python("awscli").with_name("aws")
    arguments = ["cloudwatch", "get-metric-statistics", "--namespace", NAMESPACE, "--metric-name", "train:loss"]
    arguments += ["--dimensions", f"Name=TrainingJobName,Value={JOB}", "--statistics", "SampleCount", "Sum"]
    arguments += ["--period", "60", "--output", "json"]
    arguments += ["--start-time", str(int(time.time() - 900)), "--end-time", str(int(time.time() + 60))]
    points = json.loads(_in_peer(watched, [str(aws), *arguments], tmp_path))["Datapoints"]
    assert sum(point["SampleCount"] for point in points) == EPOCHS
    assert sum(point["Sum"] for point in points) == pytest.approx(sum(watched.parsed("train_loss")))


def _in_peer(watched: Watched, command: list[str], tmp_path: Path) -> str:
    """Run a command in the environment that `epochwatch env` prints."""
    exports = subprocess.run(
        [sys.executable, "-m", "epochwatch", "env"],
        env=watched.server.environment,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    (tmp_path / "env.sh").write_text(exports)
    done = subprocess.run(
        ["sh", "-c", '. "$0" && exec "$@"', str(tmp_path / "env.sh"), *command],
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_our_own_dataframe_has_every_value_with_its_step(watched: Watched) -> None:
    script = (
        "import epochwatch, json; "
        f"frame = epochwatch.TrainingJobAnalytics({JOB!r}, ['train:loss']).dataframe(); "
        "print(json.dumps([frame['step'].tolist(), frame['value'].tolist(), list(frame.columns)]))"
    )
    done: Any = subprocess.run(
        [sys.executable, "-c", script], env=watched.server.environment, capture_output=True, text=True, check=True
    )
    steps, values, columns = json.loads(done.stdout)
    assert steps == list(range(EPOCHS))
    assert values == watched.parsed("train_loss")
    assert columns == ["timestamp", "metric_name", "value", "step", "host"]
