"""Every operation, used by three generations of clients against one real server, gives the same answers."""

import json
import random
import string
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.peers import peer_python
from tests.servers import ServerProcess

CLIENTS = {
    "json": ("json", None),
    "query": ("query", "botocore140"),
    "cbor": ("smithy-rpc-v2-cbor", None),
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with ServerProcess(tmp_path_factory.mktemp("round-trip") / "home") as running:
        subprocess.run(
            [sys.executable, "-m", "epochwatch", "run", "--quiet", "--name", "trip", "--"]
            + [sys.executable, "-c", "print('epoch=1 loss=0.5')\nprint('epoch=2 loss=0.25')"],
            env=running.environment,
            check=True,
            capture_output=True,
        )
        yield running


@pytest.fixture(scope="module")
def answers(server: ServerProcess) -> dict[str, dict[str, Any]]:
    return {name: _ask(server, name, *client) for name, client in CLIENTS.items()}


def _ask(server: ServerProcess, mark: str, protocol: str, peer: str | None) -> dict[str, Any]:
    python = sys.executable if peer is None else str(peer_python(peer))
    keys = server.credentials
    script = Path(__file__).with_name("round_trip_client.py")
    arguments = [server.url, keys["access_key_id"], keys["secret_access_key"], protocol, "trip", mark]
    done = subprocess.run(
        [python, str(script), *arguments], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.replace(mark, "MARK"))
    return found


def test_every_client_gets_the_same_answers(answers: dict[str, dict[str, Any]]) -> None:
    assert answers["query"] == answers["json"]
    assert answers["cbor"] == answers["json"]


def test_the_answers_are_right(answers: dict[str, dict[str, Any]]) -> None:
    found = answers["json"]
    many = found["GetMetricStatistics many"]["Datapoints"][0]
    assert (many["SampleCount"], many["Sum"], many["Minimum"], many["Maximum"]) == (12, 42, 1, 4)
    assert found["GetMetricStatistics single"]["Datapoints"][0]["Unit"] == "Seconds"
    assert found["GetMetricStatistics set"]["Datapoints"][0]["Average"] == 1.5
    assert found["GetMetricData"]["MetricDataResults"][0]["Values"] == [4.0]
    assert [metric["MetricName"] for metric in found["ListMetrics"]["Metrics"]] == ["many", "set", "single"]
    assert found["error"] == [
        "InvalidParameterValue",
        "The parameter StartTime must be less than the parameter EndTime.",
    ]
    assert found["GetLogEvents"] == ["line 0 é", "line 1 é", "line 2 é"]
    assert found["GetLogEvents end"] == [[], True]
    assert found["FilterLogEvents"] == ["line 1 é"]
    assert found["DescribeLogGroups"] == ["/round/MARK"]
    assert found["DescribeTrainingJob"]["TrainingJobStatus"] == "Completed"
    assert [entry["TrainingJobName"] for entry in found["ListTrainingJobs"]] == ["trip"]
    assert found["BatchPutMetrics"]["Errors"] == []
    assert found["BatchGetMetrics"]["MetricQueryResults"][0]["XAxisValues"] == [0, 1, 2]
    assert found["GetCallerIdentity"] == "123456789012"


def test_an_operation_that_is_not_built_says_so(server: ServerProcess) -> None:
    cloudwatch = server.boto3("cloudwatch")
    with pytest.raises(cloudwatch.exceptions.ClientError) as refusal:
        cloudwatch.list_metric_streams()
    assert refusal.value.response["Error"]["Code"] == "NotImplemented"
    assert "ListMetricStreams" in refusal.value.response["Error"]["Message"]


def test_a_request_may_have_so_many_bytes_as_it_is_sent(server: ServerProcess) -> None:
    """boto3 compresses: 2.5 MB that say little are few bytes."""

    def datum(number: int, letters: str) -> dict[str, Any]:
        dimensions = [{"Name": f"d{n}", "Value": "".join(random.choices(letters, k=250))} for n in range(10)]
        return {"MetricName": f"m{number}", "Value": 1.0, "Dimensions": dimensions}

    client = server.boto3("cloudwatch")
    client.put_metric_data(Namespace="Size", MetricData=[datum(number, "x") for number in range(1000)])
    noise = [datum(number, string.ascii_letters) for number in range(1000)]
    with pytest.raises(ClientError, match=r"Request size [0-9]+ exceeded 1048576 bytes") as refused:
        client.put_metric_data(Namespace="Size", MetricData=noise)
    assert refused.value.response["Error"]["Code"] == "RequestEntityTooLarge"
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 413
