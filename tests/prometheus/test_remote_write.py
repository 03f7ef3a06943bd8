"""Remote-write 1.0: what is stored, what is dropped, and what senders are told."""

import math
import subprocess
import sys
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import given

from epochwatch.prometheus.bodies import MAX_BODY, MAX_INFLATED
from epochwatch.prometheus.errors import Refusal
from epochwatch.prometheus.intake import Intake
from epochwatch.prometheus.remote_write import DROPPED_HEADER, decoded
from tests.prometheus.client import MESSAGES, NOW, WRITE, PrometheusClient, compressed, write_request
from tests.servers import ServerProcess

PROTOBUF = "application/x-protobuf"


def test_samples_are_there_once_they_are_acknowledged(client: PrometheusClient) -> None:
    answer = client.write(({"__name__": "written_total", "job": "x"}, [(NOW - 30 + 0.999, 1), (NOW - 20, 2.5)]))
    assert (answer.status, answer.body) == (204, b"")
    assert client.values("written_total") == {(("__name__", "written_total"), ("job", "x")): "2.5"}
    matrix = client.data("query", query="written_total[1m]", time=NOW)["result"]
    assert [one["values"] for one in matrix] == [[[NOW - 30, "1"], [NOW - 20, "2.5"]]]
    assert matrix[0]["metric"]["namespace"] == "Prometheus"


@pytest.mark.parametrize(
    ("path", "headers", "namespace"),
    [
        (WRITE, {"x_epochwatch_namespace": "Lab/One"}, "Lab/One"),
        (f"{WRITE}?namespace=Lab%20Two", {}, "Lab Two"),
        (f"{WRITE}?namespace=Three", {"x_epochwatch_namespace": "Four"}, "Three"),
    ],
)
def test_the_sender_chooses_the_namespace(
    client: PrometheusClient, path: str, headers: dict[str, str], namespace: str
) -> None:
    assert client.write(({"__name__": "placed", "to": namespace}, [(NOW, 1)]), path=path, **headers).status == 204
    (found,) = client.data("series", match=f'placed{{to="{namespace}"}}')
    assert found["namespace"] == namespace


def test_cloudwatch_clients_see_what_was_written(client: PrometheusClient, server: ServerProcess) -> None:
    client.write(({"__name__": "seen_by_both", "host": "a"}, [(NOW - 60, 2), (NOW - 60, 4)]))
    metrics = server.boto3("cloudwatch").list_metrics(Namespace="Prometheus", MetricName="seen_by_both")["Metrics"]
    assert [one["Dimensions"] for one in metrics] == [[{"Name": "host", "Value": "a"}]]
    assert client.values('seen_by_both{__stat__="SampleCount"}') != {}


def test_stale_markers_and_nan_are_left_out(client: PrometheusClient) -> None:
    answer = client.write(({"__name__": "went_stale"}, [(NOW - 9, 7), (NOW - 8, math.nan)]))
    assert (answer.status, answer.headers.get(DROPPED_HEADER)) == (204, None)
    assert client.values("went_stale") == {(("__name__", "went_stale"),): "7"}


def test_a_request_of_metadata_alone_is_taken(client: PrometheusClient) -> None:
    message = MESSAGES["WriteRequest"]()
    message.metadata.add(metric_family_name="described")
    body = compressed(message.SerializeToString())
    assert client.request(WRITE, body, content_type=PROTOBUF, content_encoding="snappy").status == 204


UNFIT = {
    "too many labels": ({"__name__": "unfit", **{f"l{number}": "x" for number in range(31)}}, [(NOW, 1)]),
    "a long value": ({"__name__": "unfit", "l": "x" * 1025}, [(NOW, 1)]),
    "a long name": ({"__name__": "x" * 256}, [(NOW, 1)]),
    "a value that is not ASCII": ({"__name__": "unfit", "l": "ü"}, [(NOW, 1)]),
    "a blank value": ({"__name__": "unfit", "l": "  "}, [(NOW, 1)]),
    "no name": ({"job": "unfit"}, [(NOW, 1)]),
    "too old": ({"__name__": "unfit"}, [(NOW - 15 * 86_400, 1)]),
    "too new": ({"__name__": "unfit"}, [(NOW + 3 * 3600, 1)]),
    "too large": ({"__name__": "unfit"}, [(NOW, 2.0**361)]),
    "infinite": ({"__name__": "unfit"}, [(NOW, -math.inf)]),
}


@pytest.mark.parametrize("what", list(UNFIT))
def test_what_does_not_fit_is_dropped_and_counted(client: PrometheusClient, what: str) -> None:
    fit = ({"__name__": "fit", "beside": what}, [(NOW, 5)])
    answer = client.write(UNFIT[what], fit)
    assert (answer.status, answer.headers[DROPPED_HEADER]) == (204, "1")
    assert list(client.values(f'fit{{beside="{what}"}}').values()) == ["5"]
    assert client.values('{__name__=~"unfit.*|x+"}') == {}


@pytest.mark.parametrize("what", list(UNFIT))
def test_a_request_of_which_nothing_fits_is_refused_for_good(client: PrometheusClient, what: str) -> None:
    answer = client.write(UNFIT[what])
    assert (answer.status, answer.json()["errorType"]) == (400, "bad_data")
    assert answer.json()["error"].startswith("1 dropped: ")


def test_native_histograms_are_counted_as_dropped(client: PrometheusClient) -> None:
    message = MESSAGES["WriteRequest"].FromString(write_request(({"__name__": "native"}, [(NOW, 1)])))
    message.timeseries[0].histograms.append(b"")
    body = compressed(message.SerializeToString())
    answer = client.request(WRITE, body, content_type=PROTOBUF, content_encoding="snappy")
    assert (answer.status, answer.headers[DROPPED_HEADER]) == (204, "1")


def test_labels_without_a_value_are_none(client: PrometheusClient) -> None:
    assert client.write(({"__name__": "bare", "empty": ""}, [(NOW, 1)])).status == 204
    assert client.values("bare") == {(("__name__", "bare"),): "1"}


GOOD = compressed(write_request(({"__name__": "never"}, [(NOW, 1)])))
V2 = "application/x-protobuf;proto=io.prometheus.write.v2.Request"


@pytest.mark.parametrize(
    ("body", "headers", "path", "status"),
    [
        (GOOD, {"content_type": V2}, WRITE, 415),
        (GOOD, {"content_type": "application/json"}, WRITE, 415),
        (GOOD, {"content_type": "application/x-www-form-urlencoded"}, WRITE, 415),
        (GOOD, {"content_encoding": "zstd"}, WRITE, 415),
        (GOOD, {"content_encoding": "gzip"}, WRITE, 400),
        (b"no snappy", {}, WRITE, 400),
        (b"", {}, WRITE, 400),
        (GOOD[:-5], {}, WRITE, 400),
        (compressed(b"\xff\xff\xff"), {}, WRITE, 400),
        (compressed(write_request(({"__name__": "never"}, [(NOW, 1)]))[:-1]), {}, WRITE, 400),
        (compressed(b"\x0a\x05\x0a\x03\x0a\x01\xff"), {}, WRITE, 400),
        (b"\x81\x80\x80\x80\x01" + b"\x00", {}, WRITE, 413),
        (b"x" * (MAX_BODY + 1), {}, WRITE, 413),
        (GOOD, {}, f"{WRITE}?namespace=AWS/EC2", 400),
        (GOOD, {}, f"{WRITE}?namespace=:x", 400),
        (GOOD, {"x_epochwatch_namespace": "x" * 256}, WRITE, 400),
        (GOOD, {"authorization": None}, WRITE, 401),
    ],
    ids=lambda value: str(value)[:30],
)  # fmt: skip
def test_requests_that_can_never_succeed(
    client: PrometheusClient, body: bytes, headers: dict[str, str | None], path: str, status: int
) -> None:
    answer = client.request(path, body, **{"content_type": PROTOBUF, "content_encoding": "snappy", **headers})
    assert (answer.status, answer.json()["status"]) == (status, "error")
    assert client.values("never") == {}


def test_only_post_writes(client: PrometheusClient) -> None:
    assert client.get("write").status == 405


def test_what_was_acknowledged_survives_a_kill(tmp_path: Path) -> None:
    with ServerProcess(tmp_path) as server:
        client = PrometheusClient(server)
        series = [({"__name__": "kept", "number": str(number)}, [(NOW, number)]) for number in range(50)]
        assert client.write(*series).status == 204
        server.kill()
        server.start()
        assert list(client.values("sum(kept)").values()) == ["1225"]


@given(
    st.binary(max_size=200) | st.binary(max_size=40).map(lambda tail: write_request(({"a": "b"}, [(0, 1)])) + tail)
)
def test_any_bytes_are_decoded_or_refused(body: bytes) -> None:
    intake = Intake("Lab", NOW)
    try:
        decoded(body, intake)
    except Refusal as refusal:
        status = refusal.status
    else:
        status = 204
    assert status in (204, 400)


def test_a_server_starts_without_protobuf() -> None:
    script = "import sys, epochwatch.server.composition; sys.exit('google.protobuf' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_the_bound_on_inflated_bodies_is_above_that_of_bodies() -> None:
    assert MAX_INFLATED > MAX_BODY
