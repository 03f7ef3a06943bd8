"""OTLP metrics: each kind of data point as CloudWatch datapoints, and the answers of the protocol."""

import gzip
import json
from typing import Any

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)

from epochwatch.model.metric import MetricId
from epochwatch.prometheus.intake import Intake
from epochwatch.prometheus.otlp_metrics import take
from tests.prometheus.client import NOW, PrometheusClient
from tests.servers import ServerProcess

PATH = "/_/otlp/v1/metrics"
JSON = "application/json"
PROTOBUF = "application/x-protobuf"
DELTA, CUMULATIVE = 1, 2
Taken = dict[str, list[tuple[Any, ...]]]


def request_of(*metrics: dict[str, Any], resource: dict[str, Any] | None = None) -> ExportMetricsServiceRequest:
    message = ExportMetricsServiceRequest()
    one = message.resource_metrics.add()
    for key, value in (resource or {}).items():
        attribute = one.resource.attributes.add(key=key)
        setattr(attribute.value, "int_value" if isinstance(value, int) else "string_value", value)
    scope = one.scope_metrics.add()
    for metric in metrics:
        scope.metrics.add(**metric)
    return message


def point(**members: Any) -> dict[str, Any]:
    return {"time_unix_nano": NOW * 10**9 + 999_999_999, **members}


def gauge(name: str, **members: Any) -> dict[str, Any]:
    return {"name": name, "gauge": {"data_points": [point(**members)]}}


def taken(message: ExportMetricsServiceRequest) -> tuple[Taken, dict[str, int]]:
    """Rows by ``name{dimensions}``: (value,) or (sum, count, min, max); and what was dropped."""
    intake = Intake("Lab", NOW)
    take(message, intake)
    columns, found = intake.columns, Taken()
    for row, number in enumerate(columns.index):
        metric, unit = columns.series[number]
        assert (columns.timestamps[row], columns.resolutions[row]) == (NOW, 1)
        values: tuple[Any, ...] = (columns.values[row],)
        if columns.is_set[row]:
            values += (columns.weights[row], columns.lows[row], columns.highs[row])
        found.setdefault(text(metric, unit), []).append(values)
    return found, dict(intake.dropped)


def text(metric: MetricId, unit: str) -> str:
    dimensions = ",".join(f"{name}={value}" for name, value in metric.dimensions)
    return metric.name + (f"{{{dimensions}}}" if dimensions else "") + ("" if unit == "None" else f" {unit}")


HISTOGRAM = {"count": 6, "sum": 30.0, "bucket_counts": [1, 2, 3], "explicit_bounds": [2.0, 5.0]}
EXPONENTIAL = {"count": 6, "sum": 12.0, "scale": 0, "positive": {"offset": 1, "bucket_counts": [2, 0, 3]},
               "zero_count": 1}  # fmt: skip
BUCKETS = {"h_bucket{le=2}": [(1.0,)], "h_bucket{le=5}": [(3.0,)], "h_bucket{le=+Inf}": [(6.0,)]}


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        (gauge("g", as_double=1.5), {"g": [(1.5,)]}),
        (gauge("g", as_int=-3), {"g": [(-3.0,)]}),
        ({**gauge("g", as_double=1.5), "unit": "ms"}, {"g Milliseconds": [(1.5,)]}),
        ({**gauge("g", as_double=1.5), "unit": "By"}, {"g Bytes": [(1.5,)]}),
        ({**gauge("g", as_double=1.5), "unit": "{thing}"}, {"g": [(1.5,)]}),
        (gauge("g", as_double=1.5, flags=1), {}),
        ({"name": "s", "sum": {"aggregation_temporality": CUMULATIVE, "is_monotonic": True,
                               "data_points": [point(as_int=9)]}}, {"s": [(9.0,)]}),
        ({"name": "s", "sum": {"aggregation_temporality": DELTA, "data_points": [point(as_int=2)]}}, {"s": [(2.0,)]}),
        ({"name": "h", "unit": "s", "histogram": {"aggregation_temporality": CUMULATIVE,
                                                  "data_points": [point(**HISTOGRAM)]}},
         {"h_count": [(6.0,)], "h_sum Seconds": [(30.0,)], **BUCKETS}),
        ({"name": "h", "unit": "s", "histogram": {"aggregation_temporality": DELTA,
                                                  "data_points": [point(**HISTOGRAM, min=1.0, max=9.0)]}},
         {"h Seconds": [(30.0, 6.0, 1.0, 9.0)], **BUCKETS}),
        ({"name": "h", "histogram": {"aggregation_temporality": DELTA, "data_points": [point(**HISTOGRAM)]}},
         {"h": [(30.0, 6.0, 2.0, 5.0)], **BUCKETS}),
        ({"name": "h", "histogram": {"aggregation_temporality": DELTA,
                                     "data_points": [point(count=2, sum=8.0, bucket_counts=[2])]}},
         {"h": [(8.0, 2.0, 4.0, 4.0)], "h_bucket{le=+Inf}": [(2.0,)]}),
        ({"name": "h", "histogram": {"aggregation_temporality": DELTA, "data_points": [point(count=0)]}}, {}),
        ({"name": "e", "exponential_histogram": {"aggregation_temporality": DELTA,
                                                 "data_points": [point(**EXPONENTIAL)]}},
         {"e": [(12.0, 6.0, 0.0, 16.0)]}),
        ({"name": "e", "exponential_histogram": {"aggregation_temporality": DELTA, "data_points": [
            point(count=1, sum=-3.0, scale=1, negative={"offset": 2, "bucket_counts": [1]})]}},
         {"e": [(-3.0, 1.0, -3.0, -2.0)]}),
        ({"name": "e", "exponential_histogram": {"aggregation_temporality": CUMULATIVE,
                                                 "data_points": [point(**EXPONENTIAL)]}},
         {"e_count": [(6.0,)], "e_sum": [(12.0,)]}),
        ({"name": "q", "summary": {"data_points": [point(
            count=4, sum=2.0, quantile_values=[{"quantile": 0.5, "value": 0.4}, {"quantile": 1.0, "value": 0.9}])]}},
         {"q_count": [(4.0,)], "q_sum": [(2.0,)], "q{quantile=0.5}": [(0.4,)], "q{quantile=1}": [(0.9,)]}),
        ({"name": "nothing"}, {}),
    ],
)  # fmt: skip
def test_a_metric_as_datapoints(metric: dict[str, Any], expected: Taken) -> None:
    assert taken(request_of(metric)) == (expected, {})


def test_attributes_become_dimensions() -> None:
    attributes = [
        {"key": "text", "value": {"string_value": "a b"}},
        {"key": "number", "value": {"int_value": 3}},
        {"key": "flag", "value": {"bool_value": True}},
        {"key": "list", "value": {"array_value": {"values": [{"int_value": 1}, {"string_value": "x"}]}}},
        {"key": "map", "value": {"kvlist_value": {"values": [{"key": "k", "value": {"double_value": 0.5}}]}}},
        {"key": "service.name", "value": {"string_value": "own"}},
        {"key": "empty", "value": {"string_value": ""}},
        {"key": "unset"},
    ]
    resource = {"service.name": "resource's", "host.name": "h", "telemetry.sdk.name": "left out", "process.pid": 7}
    found, dropped = taken(request_of(gauge("g", as_int=1, attributes=attributes), resource=resource))
    assert dropped == {}
    assert list(found) == [
        'g{flag=true,host.name=h,list=[1,"x"],map={"k":0.5},number=3,service.name=own,text=a b}'
    ]


@pytest.mark.parametrize(
    ("metric", "why"),
    [
        (gauge("g"), "no value"),
        (gauge("g", as_double=float("nan")), "infinite, NaN"),
        (gauge("g", as_double=1.0, time_unix_nano=0), "two weeks back"),
        (gauge("gä", as_double=1.0), "printable ASCII"),
        (gauge("g", as_double=1.0, attributes=[{"key": f"k{n}", "value": {"int_value": n}} for n in range(31)]),
         "more than 30"),
        ({"name": "h", "histogram": {"aggregation_temporality": DELTA, "data_points": [
            point(count=1, sum=1.0, bucket_counts=[1, 0], explicit_bounds=[1.0, 2.0])]}}, "bucket more than bounds"),
        ({"name": "h", "histogram": {"aggregation_temporality": DELTA, "data_points": [point(count=1)]}}, "no sum"),
    ],
)  # fmt: skip
def test_a_data_point_that_cannot_be_taken(metric: dict[str, Any], why: str) -> None:
    found, dropped = taken(request_of(metric, gauge("fine", as_int=1)))
    assert found == {"fine": [(1.0,)]}
    assert [(why in reason, count) for reason, count in dropped.items()] == [(True, 1)]


@pytest.mark.parametrize("compression", ["", "gzip"])
@pytest.mark.parametrize("encoding", [PROTOBUF, JSON])
def test_metrics_are_there_once_they_are_acknowledged(
    client: PrometheusClient, server: ServerProcess, encoding: str, compression: str
) -> None:
    name = f"{encoding[-4:]}{compression}"
    if encoding == JSON:
        document = {"resourceMetrics": [{
            "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "trainer"}}]},
            "scopeMetrics": [{"scope": {"name": "s"}, "metrics": [{
                "name": f"gpu.temp.{name}", "futureMember": 1,
                "gauge": {"dataPoints": [{"asDouble": 41.5, "timeUnixNano": str(NOW * 10**9)}]}}]}]}]}  # fmt: skip
        body = json.dumps(document).encode()
    else:
        message = request_of(gauge(f"gpu.temp.{name}", as_double=41.5), resource={"service.name": "trainer"})
        body = message.SerializeToString()
    if compression:
        body = gzip.compress(body)
    answer = client.request(PATH, body, content_type=encoding, content_encoding=compression or None)
    assert (answer.status, answer.headers["content-type"]) == (200, encoding)
    assert answer.body == (b"{}" if encoding == JSON else b"")
    labels = (("__name__", f"gpu_temp_{name}"), ("service_name", "trainer"))
    assert client.values(f"gpu_temp_{name}") == {labels: "41.5"}
    metrics = server.boto3("cloudwatch").list_metrics(Namespace="OTLP", MetricName=f"gpu.temp.{name}")["Metrics"]
    assert [one["Dimensions"] for one in metrics] == [[{"Name": "service.name", "Value": "trainer"}]]


def test_dropped_data_points_are_a_partial_success(client: PrometheusClient) -> None:
    message = request_of(
        gauge("partly", as_double=1.0), gauge("partly", as_double=float("inf")), gauge("ü", as_int=1)
    )
    answer = client.request(PATH, message.SerializeToString(), content_type=PROTOBUF)
    partial = ExportMetricsServiceResponse.FromString(answer.body).partial_success
    assert (answer.status, partial.rejected_data_points) == (200, 2)
    assert "infinite" in partial.error_message
    assert "printable ASCII" in partial.error_message


@pytest.mark.parametrize(
    ("body", "headers", "status", "code"),
    [
        (b"{", {}, 400, 3),
        (b"[]", {}, 400, 3),
        (b"null", {}, 400, 3),
        (b'{"resourceMetrics": 7}', {}, 400, 3),
        (b'{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"gauge":{"dataPoints":[{"attributes":[{"value":'
         + b'{"arrayValue":{"values":[' * 500 + b"{}" + b"]}}" * 500 + b"}]}]}}]}]}]}", {}, 400, 3),
        (b"\xff\xfe", {}, 400, 3),
        (b"{}", {"content_encoding": "gzip"}, 400, 3),
        (gzip.compress(b"{}", mtime=0)[:-3], {"content_encoding": "gzip"}, 400, 3),
        (gzip.compress(b" " * (65 * 1024 * 1024), mtime=0), {"content_encoding": "gzip"}, 413, 3),
        (b"{}", {"content_encoding": "br"}, 415, 3),
        (b"{}", {"x_epochwatch_namespace": "AWS/Own"}, 400, 3),
        (b"{}", {"authorization": None}, 401, 16),
    ],
    ids=lambda value: str(value)[:30],
)  # fmt: skip
def test_requests_that_can_never_succeed(
    client: PrometheusClient, body: bytes, headers: dict[str, str | None], status: int, code: int
) -> None:
    answer = client.request(PATH, body, **{"content_type": JSON, **headers})
    assert (answer.status, answer.json()["code"]) == (status, code), answer.body
    assert answer.json()["message"]


def test_refusals_of_protobuf_are_protobuf(client: PrometheusClient) -> None:
    answer = client.request(PATH, b"\xff", content_type=PROTOBUF)
    assert (answer.status, answer.headers["content-type"]) == (400, PROTOBUF)
    assert answer.body.startswith(b"\x08\x03\x12")  # code 3, then the message


def test_other_content_types_are_refused(client: PrometheusClient) -> None:
    assert client.request(PATH, b"", content_type="text/plain").status == 415
