"""What native code parses and checks at once is what the closures make of the same request."""

import math
import time
from random import Random
from types import ModuleType
from typing import Any
from urllib.parse import urlencode

import cbor2
import pytest
from botocore.model import OperationModel

from benchmarks.random_inputs import Inputs
from benchmarks.random_wire import damaged, encode, protocols
from epochwatch.gateway import cbor_protocol, json_protocol, query_protocol
from epochwatch.gateway.app import inflate
from epochwatch.gateway.models import operation_model, service_model
from epochwatch.gateway.requests import RawRequest, Route
from epochwatch.gateway.shapes import WrongType, validate
from epochwatch.model.aws_error import AwsError

PROTOCOLS: dict[str, ModuleType] = {"json": json_protocol, "cbor": cbor_protocol, "query": query_protocol}
OPERATIONS = [
    (service, protocol, name)
    for service in ("cloudwatch", "logs", "sagemaker", "sts")
    for protocol in protocols(service)
    for name in service_model(service).operation_names
    if service != "sagemaker" or "TrainingJob" in name
]
REQUESTS = 60


def same(one: Any, other: Any) -> bool:
    """Equal in types too, and one NaN like another."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(value, other[name]) for name, value in one.items())
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, float) and math.isnan(one):
        return math.isnan(other)
    return bool(one == other)


def checked(service: str, operation: OperationModel, protocol: str, request: RawRequest) -> Any:
    """What native code makes of a request; None where it leaves it to the closures."""
    return PROTOCOLS[protocol].parse_checked(Route(service, operation.name, protocol), operation, request)


def walked(service: str, operation: OperationModel, protocol: str, request: RawRequest) -> Any:
    """What the closures make of it: the input and its problems."""
    parsed = PROTOCOLS[protocol].parse(Route(service, operation.name, protocol), operation, request)
    return validate(service, operation.input_shape, parsed)


@pytest.mark.parametrize(("service", "protocol", "name"), OPERATIONS)
def test_both_ways_agree_on_every_request_that_native_code_takes(service: str, protocol: str, name: str) -> None:
    operation = service_model(service).operation_model(name)
    if operation.input_shape is None:
        return
    for number in range(REQUESTS):
        chance = Random(f"{service} {protocol} {name} {number}")
        inputs = Inputs(chance, time.time())
        make = inputs.broken if number % 3 == 0 else inputs.right
        request = encode(service, operation, protocol, make(operation.input_shape), chance)
        request = damaged(request, chance) if number % 5 == 0 else request
        try:
            request.body = inflate(request)
            taken = checked(service, operation, protocol, request)
        except AwsError:
            continue
        if taken is not None:
            parsed, problems = walked(service, operation, protocol, request)
            assert problems == []
            assert same(taken, parsed), request


DATUM = {"MetricName": "loss", "Value": 0.5}
RIGHT: dict[str, dict[str, Any]] = {
    "a value": {"MetricData": [DATUM]},
    "many values": {"MetricData": [DATUM | {"Value": float(number)} for number in range(1000)]},
    "whole numbers": {"MetricData": [DATUM | {"Value": 3, "StorageResolution": 1}]},
    "values with counts": {"MetricData": [{"MetricName": "loss", "Values": [1.5, -2e300], "Counts": [1, 2.5]}]},
    "a statistic set": {
        "MetricData": [
            {
                "MetricName": "loss",
                "StatisticValues": {"SampleCount": 2, "Sum": 3, "Minimum": -1.25, "Maximum": 1e-7},
            }
        ]
    },
    "dimensions, a unit, a time": {
        "MetricData": [
            DATUM
            | {"Unit": "Percent", "Timestamp": 1_790_000_000, "Dimensions": [{"Name": "Host", "Value": "a/b"}]}
        ]
    },
    "characters that forms encode": {
        "MetricData": [{"MetricName": "a&b=c+d e%20:é😀", "Value": 1}, {"MetricName": "&", "Value": 2}]
    },
    "a boolean": {"MetricData": [DATUM], "StrictEntityValidation": True},
    "an entity": {
        "EntityMetricData": [
            {"Entity": {"KeyAttributes": {"Type": "Service", "Name": "n"}}, "MetricData": [DATUM]}
        ],
    },
    "nothing but the namespace": {},
}


def put(protocol: str, members: dict[str, Any]) -> RawRequest:
    operation = operation_model("cloudwatch", "PutMetricData")
    assert operation is not None
    return encode("cloudwatch", operation, protocol, {"Namespace": "n"} | members, Random(2))


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("case", RIGHT)
def test_right_requests_are_taken_by_native_code(protocol: str, case: str) -> None:
    operation = operation_model("cloudwatch", "PutMetricData")
    assert operation is not None
    request = put(protocol, RIGHT[case])
    request.body = inflate(request)
    for _ in range(2):  # a form's layout is built by the first and used by the second
        taken = checked("cloudwatch", operation, protocol, request)
        if protocol == "query" and case == "an entity":  # the keys of its map stand in values
            assert taken is None
            return
        assert taken is not None
        assert same(taken, walked("cloudwatch", operation, protocol, request)[0])


JSON_LEFT = {
    "an unknown member that is not UTF-8": b'{"Namespace":"n","Other":"\xff"}',
    "a time as text": b'{"Namespace":"n","MetricData":[{"MetricName":"m","Timestamp":"2026-01-01T00:00:00Z"}]}',
    "a number as text": b'{"Namespace":"n","MetricData":[{"MetricName":"m","Value":"NaN"}]}',
    "a whole number as a fraction": b'{"Namespace":"n","MetricData":[{"MetricName":"m","StorageResolution":1.0}]}',
    "null": b'{"Namespace":"n","MetricData":null}',
    "a pattern not met": b'{"Namespace":":n"}',
    "no namespace": b"{}",
    "an empty body": b"",
    "nesting without end": b'{"Namespace":"n","Other":' + b"[" * 100_000,
}


@pytest.mark.parametrize("case", JSON_LEFT)
def test_the_closures_get_what_needs_a_closer_look(case: str) -> None:
    operation = operation_model("cloudwatch", "PutMetricData")
    assert operation is not None
    request = RawRequest("POST", "/", "", {}, JSON_LEFT[case])
    assert checked("cloudwatch", operation, "json", request) is None


def test_cbor_times_are_taken_with_and_without_their_tag() -> None:
    operation = operation_model("cloudwatch", "PutMetricData")
    assert operation is not None
    for time_sent in (1_790_000_000.25, cbor2.CBORTag(1, 1_790_000_000.25)):
        body = cbor2.dumps({"Namespace": "n", "MetricData": [{"MetricName": "m", "Timestamp": time_sent}]})
        taken = checked("cloudwatch", operation, "cbor", RawRequest("POST", "/", "", {}, body))
        assert taken["MetricData"] == [{"MetricName": "m", "Timestamp": 1_790_000_000.25}]


def test_numbers_that_json_cannot_write_come_through_a_form() -> None:
    operation = operation_model("cloudwatch", "PutMetricData")
    assert operation is not None
    for text, number in (("NaN", math.nan), ("-Infinity", -math.inf), ("+1.", 1.0), (".5", 0.5), ("007", 7.0)):
        fields = {"Namespace": "n", "MetricData.member.1.MetricName": "m", "MetricData.member.1.Value": text}
        request = RawRequest("POST", "/", "", {}, urlencode(fields).encode())
        assert checked("cloudwatch", operation, "query", request) is None
        parsed, problems = walked("cloudwatch", operation, "query", request)
        assert (same(parsed["MetricData"][0]["Value"], number), problems) == (True, [])


def test_a_form_cannot_smuggle_structure_into_a_value() -> None:
    operation = operation_model("cloudwatch", "PutMetricData")
    assert operation is not None
    for text in ("1},{", '1,"Unit":"None"', "1]", "1 ", "[1]", "true", "1e5e5", '"1"', "\\"):
        fields = {"Namespace": "n", "MetricData.member.1.MetricName": "m", "MetricData.member.1.Value": text}
        request = RawRequest("POST", "/", "", {}, urlencode(fields).encode())
        assert checked("cloudwatch", operation, "query", request) is None
        with pytest.raises(WrongType):
            walked("cloudwatch", operation, "query", request)
    names = ('m","Value":1', "m\\", 'm"', "m\n")
    for name in names:
        fields = {"Namespace": "n", "MetricData.member.1.MetricName": name, "MetricData.member.1.Value": "1"}
        request = RawRequest("POST", "/", "", {}, urlencode(fields).encode())
        assert checked("cloudwatch", operation, "query", request) is None
        assert walked("cloudwatch", operation, "query", request)[0]["MetricData"][0]["MetricName"] == name
