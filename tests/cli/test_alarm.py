"""``epochwatch alarm`` against a real server, on a job that an agent tells of."""

import json
import math
import re
import subprocess
import time
import uuid
from array import array
from collections.abc import Iterator
from typing import Any

import pytest

from epochwatch.client.http import Client
from epochwatch.model.batch import Batch, Committed, InstanceSamples, Registered, Registration, RunPoints
from epochwatch.settings import load
from tests.cli.commands import epochwatch
from tests.servers import ServerProcess
from tests.services.agent import run_a_job
from tests.services.training import training as created

PATIENCE = 120.0


class Training:
    """A job in progress that logs ``loss`` and ``validation:loss``, on a host of which a GPU is known."""

    def __init__(self, server: ServerProcess, name: str = "resnet") -> None:
        self.server = server
        self.client = Client(load(environment=server.environment))
        self.run_id = uuid.uuid4().hex
        self.client.post_msgpack(
            "/_/agent/registrations", Registration(self.run_id, name, time.time()), Registered
        )
        self._sent = 0
        self.log({"loss": 1.0, "validation:loss": 3.0}, GPUUtilization=50.0)

    def log(self, values: dict[str, float], **samples: float) -> None:
        """One value of each metric, now."""
        self._sent += 1
        points = RunPoints(
            source=f"{self.run_id}/output.log",
            names=list(values),
            steps=array("q", [self._sent] * len(values)).tobytes(),
            epochs=array("d", [math.nan] * len(values)).tobytes(),
            **_columns(self._sent, values),
        )
        sampled = InstanceSamples(
            source=f"{self.run_id}/samples", names=list(samples), **_columns(self._sent, samples)
        )
        batch = Batch(self.run_id, run_points=[points], samples=[sampled] if samples else [])
        self.client.post_msgpack("/_/agent/batches", batch, Committed)

    def alarm(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return epochwatch(self.server.home, "alarm", "resnet", *arguments, environment=self.server.environment)


def _columns(first: int, values: dict[str, float]) -> dict[str, bytes]:
    count = len(values)
    return {
        "positions": array("Q", [first * 100 + n for n in range(count)]).tobytes(),
        "metrics": array("I", range(count)).tobytes(),
        "timestamps": array("q", [time.time_ns() // 1000] * count).tobytes(),
        "values": array("d", values.values()).tobytes(),
    }


@pytest.fixture(scope="module")
def training(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Training]:
    mail = {"EPOCHWATCH_SMTP_HOST": "127.0.0.1", "EPOCHWATCH_SMTP_PORT": "9"}  # nobody is there to take it
    with ServerProcess(tmp_path_factory.mktemp("home"), environment=mail) as server:
        made = Training(server)
        yield made
        made.client.close()


def test_a_phrase_makes_an_alarm_that_aws_clients_see(training: Training) -> None:
    done = training.alarm("validation:loss > 2 for 3 of 5")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "resnet/validation:loss > 2 for 3 of 5\n"
    cloudwatch = training.server.boto3("cloudwatch")
    [alarm] = cloudwatch.describe_alarms(AlarmNames=[done.stdout.strip()])["MetricAlarms"]
    assert (alarm["MetricName"], alarm["Threshold"], alarm["DatapointsToAlarm"]) == ("validation:loss", 2.0, 3)
    tags = cloudwatch.list_tags_for_resource(ResourceARN=alarm["AlarmArn"])["Tags"]
    assert tags == [{"Key": "TrainingJobName", "Value": "resnet"}]


def test_it_stops_a_job_that_was_created_and_refuses_to_stop_another(training: Training) -> None:
    server = training.server
    (server.home / "images.toml").write_text(f'[[image]]\nmatch = "*"\ncommand = {["sleep", "600"]}\n')
    sagemaker = server.boto3("sagemaker")
    sagemaker.create_training_job(**created("made"))
    done = epochwatch(server.home, "alarm", "made", "loss > 2", "--stop-job", environment=server.environment)
    assert (done.returncode, done.stdout) == (0, "made/loss > 2\n")
    cloudwatch = server.boto3("cloudwatch")
    cloudwatch.set_alarm_state(AlarmName="made/loss > 2", StateValue="ALARM", StateReason="drill")
    deadline = time.monotonic() + PATIENCE
    while sagemaker.describe_training_job(TrainingJobName="made")["TrainingJobStatus"] == "InProgress":
        assert time.monotonic() < deadline
        time.sleep(0.2)
    refused = training.alarm("loss > 2", "--stop-job")
    assert refused.returncode == 2
    assert refused.stderr.startswith("error: resnet was not made by CreateTrainingJob: the server cannot stop it")


def test_a_job_that_has_ended_gets_no_alarm(training: Training) -> None:
    name = run_a_job(training.server)["name"]
    done = epochwatch(training.server.home, "alarm", name, "loss > 2", environment=training.server.environment)
    assert done.returncode == 1
    assert done.stderr == f"error: {name} has ended (Completed): its alarms went with it\n"


def test_whom_it_tells_are_topics(training: Training) -> None:
    done = training.alarm(
        "loss > 5", "--name", "told", "--notify", "pager", "--notify", "http://127.0.0.1:9/hook",
        "--notify", "ada@example.com", "--notify", "arn:aws:sns:us-east-1:123456789012:other",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines() == [
        "http://127.0.0.1:9/hook was asked to confirm; nothing is told there before",
        "ada@example.com was asked to confirm; nothing is told there before",
    ]
    [alarm] = [one for one in listed(training) if one["AlarmName"] == "resnet/told"]
    names = [arn.rpartition(":")[2] for arn in alarm["AlarmActions"]]
    assert [re.sub("-[0-9a-f]{8}$", "", name) for name in names] == [
        "pager", "to-http", "to-ada-example-com", "other",
    ]  # fmt: skip
    subscribed = training.server.boto3("sns").list_subscriptions()["Subscriptions"]
    assert {(one["Protocol"], one["Endpoint"]) for one in subscribed} == {
        ("http", "http://127.0.0.1:9/hook"), ("email", "ada@example.com"),
    }  # fmt: skip


def test_a_metric_of_hosts_has_an_alarm_for_each_host(training: Training) -> None:
    done = training.alarm("GPUUtilization < 5% for 10m", "--name", "idle")
    assert (done.returncode, done.stdout, done.stderr) == (0, "resnet/idle on algo-1\n", "")
    done = training.alarm("GPUUtilization < 5% on algo-7")
    assert done.stdout == "resnet/GPUUtilization < 5% on algo-7\n"


def test_a_value_that_is_not_a_number_sets_it_off(training: Training) -> None:
    assert training.alarm("loss is NaN every 10s", "--name", "nan").returncode == 0
    deadline = time.monotonic() + PATIENCE
    while True:
        training.log({"loss": math.nan})
        [alarm] = [one for one in listed(training) if one["AlarmName"] == "resnet/nan"]
        if alarm["StateValue"] == "ALARM":
            break
        assert time.monotonic() < deadline, alarm
    history = training.alarm("--history")
    assert "Alarm updated from" in history.stdout


def test_what_is_rising_is_computed_by_the_server(training: Training) -> None:
    assert training.alarm("loss rising by 10% every 1m", "--name", "rising").returncode == 0
    [alarm] = [one for one in listed(training) if one["AlarmName"] == "resnet/rising"]
    assert alarm["Metrics"][1]["Expression"] == "100 * DIFF(m) / ABS(m - DIFF(m))"


def test_alarms_are_listed_and_deleted(training: Training) -> None:
    assert training.alarm("loss > 9").returncode == 0
    done = training.alarm()
    assert done.stdout.splitlines()[0].split() == ["ALARM", "STATE", "SINCE", "REASON"]
    assert any(line.startswith("loss > 9 ") for line in done.stdout.splitlines())
    assert training.alarm("--delete", "loss > 9").stderr == "deleted resnet/loss > 9\n"
    assert "resnet/loss > 9" not in [one["AlarmName"] for one in listed(training)]
    absent = training.alarm("--delete", "loss > 9")
    assert (absent.returncode, absent.stderr.splitlines()[0]) == (2, "error: resnet has no alarm 'loss > 9'")


def test_a_metric_without_values_is_remarked(training: Training) -> None:
    done = training.alarm("validaton:loss > 2")
    assert done.returncode == 0
    assert done.stderr == "warning: resnet has no values of that metric yet; it has validation:loss\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["loss == 2"], "error: column 6: '==' stands where one of >, >=, < and <= was expected"),
        (["loss > 2", "--history"], "error: a phrase, --delete and --history are for three commands"),
        (["loss > 2", "--notify", "no body"], "error: 'no body' is nobody to notify"),
        (["loss > 2", "--notify", "http://"], "error: Invalid parameter: Endpoint"),
        (["--stop-job"], "error: --name, --stop-job and --notify are for a new alarm"),
        (["loss > 2 for 1441 every 1h"], "error: column 10: 1441 periods are too many: at most 1440"),
        (["loss > 2 for 200 every 1h"], "error: Metrics cannot be checked across more than a week"),
    ],
)
def test_what_is_wrong_is_said(training: Training, arguments: list[str], said: str) -> None:
    done = training.alarm(*arguments)
    assert done.returncode == 2
    assert done.stderr.startswith(said)


def listed(training: Training) -> list[dict[str, Any]]:
    done = training.alarm("--json")
    assert done.returncode == 0, done.stderr
    return list(json.loads(done.stdout))
