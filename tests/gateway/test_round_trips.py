"""What real clients send arrives as it was meant, and what operations answer arrives there, in each protocol."""

import datetime
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import botocore.model
import pytest
from botocore.config import Config

from epochwatch.gateway.models import service_model
from epochwatch.model.aws_error import AwsError
from tests.gateway.echo_server import ACCESS_KEY, ACCOUNT, SECRET, EchoServer, example
from tests.peers import peer_python

SAGEMAKER_SAMPLE = [
    "AddTags",
    "DeleteTags",
    "DescribeTrainingJob",
    "ListTrainingJobs",
    "ListTags",
    "StopTrainingJob",
]
OPERATIONS = [
    (service, operation)
    for service, operations in {
        "cloudwatch": None,
        "logs": None,
        "sagemaker-metrics": None,
        "sagemaker": SAGEMAKER_SAMPLE,
        "sts": ["GetCallerIdentity"],
    }.items()
    for operation in operations or service_model(service).operation_names
]
STREAMING = {"StartLiveTail", "GetLogObject", "GetMetricWidgetImage"}
"""Operations whose answers are event streams; no client here asks for them in this form."""


@pytest.fixture(scope="module")
def echo() -> Iterator[EchoServer]:
    server = EchoServer()
    with server.running() as server.url:  # type: ignore[attr-defined]
        yield server


def client(echo: EchoServer, service: str) -> Any:
    return boto3.client(
        service,
        endpoint_url=echo.url,  # type: ignore[attr-defined]
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET,
        region_name="eu-central-1",
        config=Config(retries={"max_attempts": 0}, parameter_validation=False, inject_host_prefix=False),
    )


def comparable(value: Any) -> Any:
    """Timestamps as Unix seconds, streams as bytes, metadata dropped."""
    if isinstance(value, datetime.datetime):
        return value.timestamp()
    if isinstance(value, dict):
        return {key: comparable(element) for key, element in value.items() if key != "ResponseMetadata"}
    if isinstance(value, list):
        return [comparable(element) for element in value]
    return value


def to_client(value: Any, shape: Any) -> Any:
    """Timestamps as the client takes them."""
    if shape.type_name == "timestamp":
        return datetime.datetime.fromtimestamp(value, datetime.UTC)
    if shape.type_name == "structure":
        return {name: to_client(element, shape.members[name]) for name, element in value.items()}
    if shape.type_name == "list":
        return [to_client(element, shape.member) for element in value]
    if shape.type_name == "map":
        return {key: to_client(element, shape.value) for key, element in value.items()}
    return value


def round_trip(echo: EchoServer, service: str, operation: str) -> None:
    model = service_model(service).operation_model(operation)
    sent = example(model.input_shape) if model.input_shape is not None else {}
    answered = example(model.output_shape) if model.output_shape is not None else {}
    echo.answers[service, operation] = answered
    call = getattr(client(echo, service), botocore.xform_name(operation))
    got = call(**(to_client(sent, model.input_shape) if sent else {}))
    assert echo.seen[service, operation] == sent
    assert comparable(got) == comparable(answered)
    assert got["ResponseMetadata"]["HTTPHeaders"]["x-amzn-requestid"]


@pytest.mark.parametrize(("service", "operation"), [entry for entry in OPERATIONS if entry[1] not in STREAMING])
def test_todays_boto3_round_trips_every_operation(echo: EchoServer, service: str, operation: str) -> None:
    round_trip(echo, service, operation)


@pytest.mark.parametrize(
    "operation", [op for op in service_model("cloudwatch").operation_names if op not in STREAMING]
)
def test_cbor_round_trips_every_cloudwatch_operation(
    echo: EchoServer, operation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = ("smithy-rpc-v2-cbor", "json", "query")
    monkeypatch.setattr(botocore.model, "PRIORITY_ORDERED_SUPPORTED_PROTOCOLS", order)
    assert client(echo, "cloudwatch").meta.service_model.resolved_protocol == "smithy-rpc-v2-cbor"
    round_trip(echo, "cloudwatch", operation)


QUERY_SCRIPT = Path(__file__).with_name("query_client.py")


def test_the_query_protocol_round_trips_the_operations_of_an_older_boto3(echo: EchoServer) -> None:
    names = [
        name
        for name in service_model("cloudwatch").operation_names
        if name not in STREAMING and service_model("cloudwatch").operation_model(name).input_shape is not None
    ]
    for name in names:
        model = service_model("cloudwatch").operation_model(name)
        echo.answers["cloudwatch", name] = example(model.output_shape) if model.output_shape is not None else None
    requests = {name: example(service_model("cloudwatch").operation_model(name).input_shape) for name in names}
    echo.seen.clear()
    done = subprocess.run(
        [str(peer_python("botocore140")), str(QUERY_SCRIPT), echo.url, ACCESS_KEY, SECRET],  # type: ignore[attr-defined]
        input=json.dumps(requests),
        text=True,
        capture_output=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    results = json.loads(done.stdout)
    assert len(results) > 30
    for name, result in results.items():
        assert "error" not in result, f"{name}: {result}"
        assert echo.seen["cloudwatch", name] == result["sent"], name
        assert set(result["got"]) == set(result["known"]) & set(echo.answers["cloudwatch", name] or {}), name
        assert _is_part(result["got"], echo.answers["cloudwatch", name] or {}), name


def _is_part(got: Any, answer: Any) -> bool:
    """Whether everything the older client understood is what was answered (it lacks the newer members)."""
    if isinstance(got, dict):
        return all(name in answer and _is_part(value, answer[name]) for name, value in got.items())
    if isinstance(got, list):
        return len(got) == len(answer) and all(map(_is_part, got, answer))
    return bool(got == answer)


def test_not_a_number_and_infinity_travel_in_json(echo: EchoServer) -> None:
    client(echo, "cloudwatch").put_metric_data(
        Namespace="n", MetricData=[{"MetricName": "m", "Values": [float("inf")], "Counts": [1.0]}]
    )
    seen = echo.seen["cloudwatch", "PutMetricData"]
    assert seen["MetricData"][0]["Values"] == [float("inf")]


def test_large_requests_arrive_though_compressed(echo: EchoServer) -> None:
    data = [{"MetricName": f"metric-{number}", "Value": float(number)} for number in range(1000)]
    client(echo, "cloudwatch").put_metric_data(Namespace="n", MetricData=data)
    assert echo.seen["cloudwatch", "PutMetricData"]["MetricData"] == data


def test_the_operation_is_told_account_region_and_key(echo: EchoServer) -> None:
    client(echo, "sts").get_caller_identity()
    identity = echo.identities[-1]
    assert (identity.tenant.account, identity.tenant.region) == (ACCOUNT, "eu-central-1")
    assert identity.access_key_id == ACCESS_KEY


@pytest.mark.parametrize(
    ("service", "operation", "arguments", "error"),
    [
        ("cloudwatch", "GetDashboard", {"DashboardName": "d"}, "ResourceNotFound"),
        ("logs", "DescribeLogStreams", {"logGroupName": "g"}, "ResourceNotFoundException"),
        ("sagemaker", "DescribeTrainingJob", {"TrainingJobName": "j"}, "ValidationException"),
    ],
)
def test_an_operations_error_becomes_the_clients_exception(
    echo: EchoServer, service: str, operation: str, arguments: dict[str, str], error: str
) -> None:
    code = "DashboardNotFoundError" if operation == "GetDashboard" else error
    echo.answers[service, operation] = AwsError(code, "it is <not> there")
    aws = client(echo, service)
    with pytest.raises(aws.exceptions.ClientError) as caught:
        getattr(aws, botocore.xform_name(operation))(**arguments)
    assert caught.value.response["Error"]["Code"] == error
    assert caught.value.response["Error"]["Message"] == "it is <not> there"
    if operation == "GetDashboard":
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404
