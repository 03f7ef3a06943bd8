"""Long lists of numbers and times are written in one piece, and read back the same in each protocol."""

import json
import math
import xml.etree.ElementTree as ET
from typing import Any

import cbor2
import pytest

from epochwatch.gateway import cbor_protocol, json_protocol, query_protocol
from epochwatch.gateway.models import operation_model
from epochwatch.gateway.requests import Route

VALUES: dict[str, list[Any]] = {
    "none": [],
    "one": [0.1],
    "whole numbers": [1, 2, -3],
    "the largest and the smallest": [1.7976931348623157e308, -5e-324, 1e22, 123456789.123456789],
    "a sum beyond doubles": [1.7e308, 1.7e308],
    "what JSON has no digits for": [1.0, math.nan, math.inf, -math.inf, 0.5],
    "many": [number * 1.37 for number in range(10_000)],
}
NAMES = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def answer(protocol: str, values: list[Any], times: list[float]) -> tuple[list[Any], list[Any]]:
    """Values and times of a GetMetricData answer as a client reads them."""
    operation = operation_model("cloudwatch", "GetMetricData")
    assert operation is not None
    result = {"MetricDataResults": [{"Id": "a", "Values": values, "Timestamps": times, "StatusCode": "Complete"}]}
    module: Any = {"json": json_protocol, "cbor": cbor_protocol, "query": query_protocol}[protocol]
    body = module.answer(Route("cloudwatch", "GetMetricData", protocol), operation, result).body
    if protocol == "query":
        root = ET.fromstring(body.replace(query_protocol.REQUEST_ID.encode(), b"id"))
        return (
            [NAMES.get(str(e.text), e.text) for e in root.findall(".//Values/member")],
            [e.text for e in root.findall(".//Timestamps/member")],
        )
    entry = (json.loads(body) if protocol == "json" else cbor2.loads(body))["MetricDataResults"][0]
    return [NAMES.get(value, value) if isinstance(value, str) else value for value in entry["Values"]], entry[
        "Timestamps"
    ]


@pytest.mark.parametrize("protocol", ["json", "cbor", "query"])
@pytest.mark.parametrize("case", VALUES)
def test_numbers_are_read_back_as_they_were(protocol: str, case: str) -> None:
    read = [float(value) for value in answer(protocol, VALUES[case], [])[0]]
    assert str(read) == str([float(value) for value in VALUES[case]])


def test_times_are_read_back_as_they_were() -> None:
    times = [1_790_000_000.0, 1_790_000_060.5, 0.0]
    assert answer("json", [], times)[1] == times
    assert [moment.timestamp() for moment in answer("cbor", [], times)[1]] == times
    assert answer("query", [], times)[1] == [
        "2026-09-21T14:13:20Z",
        "2026-09-21T14:14:20.500Z",
        "1970-01-01T00:00:00Z",
    ]


@pytest.mark.parametrize("protocol", ["json", "cbor", "query"])
def test_an_empty_list_of_times_stays_one(protocol: str) -> None:
    assert answer(protocol, [], []) == ([], [])


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("a<b>&\"c'", "a<b>&\"c'"),
        ("a\tb\nc\rd", "a\tb\nc\rd"),
        ("a\x00b\x1fc\ufffed\uffffe", "abcde"),
        ("é\x7f\x85\U0001f600\ud7ff\ufffd", "é\x7f\x85\U0001f600\ud7ff\ufffd"),
    ],
)
def test_xml_carries_every_character_that_it_can(text: str, read: str) -> None:
    operation = operation_model("cloudwatch", "ListMetrics")
    assert operation is not None
    result = {"Metrics": [{"MetricName": text}]}
    body = query_protocol.answer(Route("cloudwatch", "ListMetrics", "query"), operation, result).body
    root = ET.fromstring(body.replace(query_protocol.REQUEST_ID.encode(), b"id"))
    assert [element.text for element in root.findall(".//MetricName")] == [read]
