"""The query API as Grafana and others speak it, over metrics of every source."""

import json
import math
import time
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.prometheus.client import PrometheusClient
from tests.servers import ServerProcess

NOW = int(time.time()) // 60 * 60
START = NOW - 600
QUERY = "/_/prometheus/api/v1/query"
FORM = "application/x-www-form-urlencoded"


@pytest.fixture(scope="module", autouse=True)
def stored(server: ServerProcess, client: PrometheusClient) -> None:
    """Counters by remote-write, and what boto3 puts."""
    for host, rate in (("a", 1), ("b", 2)):
        samples = [(START + 10 * number, 10.0 * rate * number) for number in range(61)]
        assert client.write(({"__name__": "work_total", "host": host}, samples)).status == 204
    cloudwatch = server.boto3("cloudwatch")
    moment = datetime.fromtimestamp(START, UTC)
    dimensions = [{"Name": "Job Name", "Value": "j"}]
    cloudwatch.put_metric_data(
        Namespace="Lab",
        MetricData=[
            {"MetricName": "train:loss", "Dimensions": dimensions, "Timestamp": moment, "Values": [1.0, 2.0, 6.0]},
            {"MetricName": "GPU Use", "Timestamp": moment, "Value": 40.0, "Unit": "Percent"},
            {"MetricName": "GPU Use", "Timestamp": moment, "Value": 7.0, "Unit": "Count"},
            {"MetricName": "sets", "Timestamp": moment, "StatisticValues":
                {"SampleCount": 4, "Sum": 20, "Minimum": 2, "Maximum": 8}},
        ],
    )  # fmt: skip


def loss(client: PrometheusClient, **matchers: str) -> list[str]:
    text = ",".join(f'{name}="{value}"' for name, value in matchers.items())
    return list(client.values(f"train:loss{{{text}}}", time=START + 1).values())


def test_an_instant_vector(client: PrometheusClient) -> None:
    assert client.data("query", query='work_total{host="a"}', time=START + 100.25) == {
        "resultType": "vector",
        "result": [
            {
                "metric": {"__name__": "work_total", "host": "a", "namespace": "Prometheus"},
                "value": [START + 100.25, "100"],
            }
        ],
    }


def test_a_range(client: PrometheusClient) -> None:
    found = client.data("query_range", query="sum(rate(work_total[1m]))", start=NOW - 120, end=NOW, step="1m")
    assert found == {
        "resultType": "matrix",
        "result": [{"metric": {}, "values": [[NOW - 120, "3"], [NOW - 60, "3"], [NOW, "3"]]}],
    }


@pytest.mark.parametrize(
    ("query", "kind", "result"),
    [
        ("1 + 1", "scalar", [NOW, "2"]),
        ('"words"', "string", [NOW, "words"]),
        ("vector(1) / 0", "vector", [{"metric": {}, "value": [NOW, "+Inf"]}]),
        ("unheard_of", "vector", []),
    ],
)
def test_other_results(client: PrometheusClient, query: str, kind: str, result: Any) -> None:
    assert client.data("query", query=query, time=NOW) == {"resultType": kind, "result": result}


def test_a_scalar_over_a_range_is_a_matrix(client: PrometheusClient) -> None:
    found = client.data("query_range", query="time()", start=NOW, end=NOW + 1, step=0.5)["result"]
    assert found == [{"metric": {}, "values": [[NOW, str(NOW)], [NOW + 0.5, f"{NOW}.5"], [NOW + 1, str(NOW + 1)]]}]


def test_a_form_asks_as_a_query_string_does(client: PrometheusClient) -> None:
    form = urlencode({"query": "sum(work_total)", "time": NOW}).encode()
    assert client.request(QUERY, form, content_type=FORM).json() == client.get(
        "query", query="sum(work_total)", time=NOW
    ).json()  # fmt: skip
    both = client.request(f"{QUERY}?time={NOW}", b"query=sum(work_total)", content_type=FORM)
    assert both.json()["data"]["result"][0]["value"] == [NOW, "1800"]


@pytest.mark.parametrize("moment", ["{0}Z", "{0}.000Z", "{0}+00:00", "{0}"])
def test_times_may_be_rfc_3339(client: PrometheusClient, moment: str) -> None:
    text = moment.format(datetime.fromtimestamp(NOW, UTC).strftime("%Y-%m-%dT%H:%M:%S"))
    assert client.data("query", query="time()", time=text)["result"] == [NOW, str(NOW)]


def test_the_time_is_now_unless_given(client: PrometheusClient) -> None:
    before = time.time()
    answered, _ = client.data("query", query="1")["result"]
    assert math.floor(before) <= answered <= time.time()


def test_a_sample_is_the_average_of_its_second(client: PrometheusClient) -> None:
    assert loss(client) == ["3"]


@pytest.mark.parametrize(
    ("statistic", "value"),
    [("Average", "3"), ("Sum", "9"), ("SampleCount", "3"), ("Minimum", "1"), ("Maximum", "6"), ("p50", "2"),
     ("TM(0%:50%)", "1.3333333333333333"), ("PR(:2)", "66.66666666666667")],
)  # fmt: skip
def test_any_statistic_can_be_a_sample(client: PrometheusClient, statistic: str, value: str) -> None:
    assert loss(client, __stat__=statistic) == [value]


def test_statistics_of_one_metric_go_together(client: PrometheusClient) -> None:
    query = 'sets{__stat__="Maximum"} - sets{__stat__="Minimum"}'
    assert list(client.values(query, time=START).values()) == ["6"]


def test_samples_may_sum_up_periods(client: PrometheusClient) -> None:
    query = 'work_total{host="a",__stat__="SampleCount",__period__="60"}[3m]'
    (series,) = client.data("query", query=query, time=START + 179)["result"]
    assert series["values"] == [[START, "6"], [START + 60, "6"], [START + 120, "6"]]
    whole = 'work_total{host="a",__stat__="Maximum",__period__="3600"}'
    assert list(client.values(whole, time=NOW).values()) != []


def test_units_are_labels_and_keep_series_apart(client: PrometheusClient) -> None:
    found = client.values("GPU_Use", time=START)
    assert {dict(labels)["unit"]: value for labels, value in found.items()} == {"Percent": "40", "Count": "7"}
    assert list(client.values('GPU_Use{unit="Count"}', time=START).values()) == ["7"]
    assert list(client.values('train:loss{unit=""}', time=START).values()) == ["3"]


def test_series_by_namespace(client: PrometheusClient) -> None:
    assert client.data("series", match='{namespace="Lab"}') == [
        {"__name__": "train:loss", "Job_Name": "j", "namespace": "Lab"},
        {"__name__": "GPU_Use", "namespace": "Lab", "unit": "Count"},
        {"__name__": "GPU_Use", "namespace": "Lab", "unit": "Percent"},
        {"__name__": "sets", "namespace": "Lab"},
    ]


def test_series_of_several_selectors_come_once(client: PrometheusClient) -> None:
    found = client.data("series", match=["work_total", '{host="a",namespace="Prometheus"}', "sets"])
    assert len([one for one in found if one["__name__"] == "work_total"]) == 2


def test_series_that_ended_before_the_start_are_left_out(client: PrometheusClient) -> None:
    assert client.data("series", match="work_total", start=NOW + 3600) == []


def test_label_names_and_values(client: PrometheusClient) -> None:
    assert client.data("labels", match='{namespace="Lab"}') == ["Job_Name", "__name__", "namespace", "unit"]
    assert {"host", "__name__", "namespace"} <= set(client.data("labels"))
    assert client.data("label/host/values", match="work_total") == ["a", "b"]
    assert {"Lab", "Prometheus"} <= set(client.data("label/namespace/values"))
    assert client.data("label/__name__/values", match='{namespace="Lab"}') == ["GPU_Use", "sets", "train:loss"]
    assert client.data("label/unheard_of/values") == []


def test_lists_may_be_cut_short(client: PrometheusClient) -> None:
    answer = client.get("label/host/values", match="work_total", limit=1).json()
    assert answer == {"status": "success", "data": ["a"], "warnings": ["results truncated due to limit"]}
    assert client.get("label/host/values", match="work_total", limit=2).json() == {
        "status": "success", "data": ["a", "b"]}  # fmt: skip


def test_metadata_names_units(client: PrometheusClient) -> None:
    assert client.data("metadata", metric="GPU_Use") == {
        "GPU_Use": [{"type": "unknown", "help": "", "unit": unit} for unit in ("Count", "Percent")]
    }


def test_clients_are_told_which_api_this_is(client: PrometheusClient) -> None:
    assert client.data("status/buildinfo")["version"].startswith("3.")


@pytest.mark.parametrize(
    ("endpoint", "parameters", "status", "kind", "words"),
    [
        ("query", {}, 400, "bad_data", "no expression found"),
        ("query", {"query": "work_total{"}, 400, "bad_data", "unexpected end"),
        ("query", {"query": "info(up)"}, 400, "bad_data", "info() is not supported"),
        ("query", {"query": "1", "time": "yesterday"}, 400, "bad_data", '"time"'),
        ("query", {"query": "1", "time": "NaN"}, 400, "bad_data", '"time"'),
        ("query", {"query": "1", "timeout": "0s"}, 400, "bad_data", '"timeout"'),
        ("query", {"query": 'label_join(vector(1), "", "")'}, 422, "execution", "invalid destination label"),
        (
            "query",
            {"query": "work_total + on() group_left work_total", "time": NOW},
            422,
            "execution",
            "many-to-many",
        ),
        ("query_range", {"query": "1"}, 400, "bad_data", '"start": it is missing'),
        ("query_range", {"query": "1", "start": 1, "end": 0, "step": 1}, 400, "bad_data", "before start time"),
        ("query_range", {"query": "1", "start": 0, "end": 1, "step": 0}, 400, "bad_data", "zero or negative"),
        ("query_range", {"query": "1", "start": 0, "end": 1, "step": "-1m"}, 400, "bad_data", '"step"'),
        ("query_range", {"query": "1", "start": 0, "end": 1, "step": "soon"}, 400, "bad_data", '"step"'),
        ("query_range", {"query": "1", "start": 0, "end": 1, "step": "1e300"}, 400, "bad_data", '"step"'),
        ("query_range", {"query": "1", "start": 0, "end": 11_000, "step": 1}, 400, "bad_data", "11,000 points"),
        ("query_range", {"query": '"x"', "start": 0, "end": 1, "step": 1}, 400, "bad_data", '"string"'),
        ("query_range", {"query": "up[1m]", "start": 0, "end": 1, "step": 1}, 400, "bad_data", '"range vector"'),
        ("series", {}, 400, "bad_data", "no match[]"),
        ("series", {"match": "{"}, 400, "bad_data", "unexpected"),
        ("series", {"match": "sum(up)"}, 400, "bad_data", "is no selector"),
        ("labels", {"limit": "-1"}, 400, "bad_data", '"limit"'),
        ("rules", {}, 404, "not_found", "/api/v1/rules"),
    ],
)
def test_what_is_refused(
    client: PrometheusClient, endpoint: str, parameters: dict[str, Any], status: int, kind: str, words: str
) -> None:
    answer = client.get(endpoint, **parameters)
    content = answer.json()
    assert (answer.status, content.get("errorType", "")) == (status, kind)
    assert words in content.get("error", "")


def test_eleven_thousand_points_are_answered(client: PrometheusClient) -> None:
    found = client.data("query_range", query="time()", start=0, end=10_999, step=1)["result"]
    assert len(found[0]["values"]) == 11_000


@pytest.mark.parametrize("body", [b"query=%ff", b"\xff", b"&".join(b"a=1" for _ in range(1001))])
def test_a_form_that_cannot_be_read(client: PrometheusClient, body: bytes) -> None:
    answer = client.request(QUERY, body, content_type=FORM)
    assert (answer.status, json.loads(answer.body)["errorType"]) == (400, "bad_data")
