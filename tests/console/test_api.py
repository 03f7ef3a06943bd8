"""The JSON API over real stores."""

import gzip
import io
import json
import math
import threading
from typing import Any
from urllib.parse import quote

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest

pytestmark = pytest.mark.xdist_group("console")

SPIKE, LONG, STEPS = 61_803, 100_000, 300


def metric(job: dict[str, Any], name: str) -> dict[str, Any]:
    return next(one for one in job["metrics"] if one["name"] == name)


def test_the_list_has_every_job_of_the_account_and_no_other(console: Any) -> None:
    found = console.json("/jobs?sort=name&order=asc")
    assert [job["name"] for job in found["jobs"]] == ["broken", "finished", "live", "long", "pair"]
    assert found["total"] == 5
    states = ["Failed", "Completed", "InProgress", "Stopped", "InProgress"]
    assert [job["status"] for job in found["jobs"]] == states
    assert found["jobs"][0]["exit_code"] == 1
    assert found["jobs"][0]["failure_reason"] == "the training exited with status 1"


def test_the_list_is_searched_filtered_sorted_and_paged(console: Any) -> None:
    def names(query: str) -> list[str]:
        return [job["name"] for job in console.json(f"/jobs?{query}")["jobs"]]

    assert names("search=INIS") == ["finished"]
    assert names("status=Failed") == ["broken"]
    assert names("sort=name&order=desc") == ["pair", "long", "live", "finished", "broken"]
    assert names("sort=name&order=asc&limit=2&offset=1") == ["finished", "live"]
    assert names("search=%25") == []


def test_a_job_has_its_summary_definitions_and_facts(console: Any) -> None:
    job = console.json("/jobs/finished")
    assert job["command"] == ["python", "train.py", "--name", "two words"]
    assert job["config"] == {"lr": 0.001, "layers": [256, 128]}
    assert job["tags"] == {"team": "vision"}
    assert job["working_directory"] == "/home/me/work"
    assert job["log_group"] == "/aws/sagemaker/TrainingJobs"
    assert job["arn"] == "arn:aws:sagemaker:us-east-1:123456789012:training-job/finished"
    assert job["hosts"] == ["algo-1"]
    loss = metric(job, "train:loss")
    assert (loss["direction"], loss["best_step"], loss["points"]) == ("min", STEPS - 1, STEPS)
    assert loss["best"] == loss["final"] == pytest.approx(2 * math.exp(-(STEPS - 1) / 60))
    assert loss["max"] == 2.0
    accuracy = metric(job, "train:accuracy")
    assert (accuracy["direction"], accuracy["best_step"]) == ("max", STEPS - 1)
    assert metric(job, "validation:loss")["non_finite"] == 1
    assert [one["matched"] for one in job["health"]] == [STEPS, 0, 3]
    assert job["transitions"][-1]["status"] == "Completed"


def test_every_point_is_exported_in_each_format(console: Any) -> None:
    path = "/_/api/jobs/finished/points?metric=validation:loss&format="
    rows = json.loads(console.get(path + "json")[1])["points"]
    assert len(rows) == STEPS
    assert rows[7]["value"] == "NaN"
    assert rows[5] == rows[5] | {"metric": "validation:loss", "host": "algo-1", "step": 5, "epoch": 0.5}
    tables = [
        pa.csv.read_csv(
            io.BytesIO(console.get(path + "csv")[1]),
            convert_options=pa.csv.ConvertOptions(null_values=[""]),
        ),
        pa.parquet.read_table(io.BytesIO(console.get(path + "parquet")[1])),
        pa.ipc.open_file(io.BytesIO(console.get(path + "arrow")[1])).read_all(),
    ]
    for table in tables:
        assert table.column_names == ["metric", "host", "step", "epoch", "time", "value"]
        assert table["step"].to_pylist() == [row["step"] for row in rows]
        assert table["time"].to_pylist() == pytest.approx([row["time"] for row in rows])
        values = table["value"].to_pylist()
        assert math.isnan(values[7])
        assert values[8:] == [row["value"] for row in rows[8:]]


def test_all_metrics_are_exported_where_none_is_named(console: Any) -> None:
    rows = console.json("/jobs/finished/points")["points"]
    assert len(rows) == 4 * STEPS
    assert {row["metric"] for row in rows} == {"train:loss", "validation:loss", "train:accuracy", "learning_rate"}


@pytest.mark.parametrize("width", [100, 800])
def test_one_spike_in_100k_points_is_in_the_curve(console: Any, width: int) -> None:
    found = console.json(f"/jobs/long/curves?metric=grad_norm&width={width}")["curves"][0]
    assert len(found["x"]) <= width
    assert max(found["max"]) == 400.0
    assert found["total"] == LONG
    bucket = found["max"].index(400.0)
    assert abs(found["x"][bucket] - SPIKE) <= LONG / width


def test_zooming_in_shows_the_points_themselves(console: Any) -> None:
    path = f"/jobs/long/curves?metric=grad_norm&from={SPIKE - 10}&to={SPIKE + 10}"
    found = console.json(path)["curves"][0]
    assert found["x"] == list(range(SPIKE - 11, SPIKE + 12))
    assert found["mean"][11] == 400.0


@pytest.mark.parametrize(("axis", "last"), [("step", 299), ("epoch", 29.9), ("relative", 598)])
def test_a_curve_has_an_axis_of_choice(console: Any, axis: str, last: float) -> None:
    found = console.json(f"/jobs/finished/curves?metric=train:loss&metric=validation:loss&x={axis}")
    assert found["x"] == axis
    assert [curve["metric"] for curve in found["curves"]] == ["train:loss", "validation:loss"]
    assert found["curves"][0]["x"][-1] == pytest.approx(last, abs=0.01)


def test_nan_is_listed_beside_the_curve(console: Any) -> None:
    found = console.json("/jobs/finished/curves?metric=validation:loss&smoothing=0.5")["curves"][0]
    assert found["non_finite"] == [{"x": 7.0, "value": "NaN"}]
    assert len(found["x"]) == STEPS - 1


def test_hosts_have_their_samples(console: Any) -> None:
    hosts = console.json("/jobs/finished/hosts?width=50")["hosts"]
    assert [host["host"] for host in hosts] == ["algo-1"]
    metrics = {one["metric"]: one for one in hosts[0]["metrics"]}
    assert set(metrics) == {"CPUUtilization", "MemoryUtilization"}
    assert len(metrics["CPUUtilization"]["x"]) <= 50
    assert max(metrics["CPUUtilization"]["max"]) == pytest.approx(90, abs=0.1)
    assert set(metrics["MemoryUtilization"]["mean"]) == {33.0}


def test_hosts_are_under_one_clock_and_the_late_one_is_told(console: Any) -> None:
    first, second = console.json("/jobs/pair/hosts")["hosts"]
    assert (first["clock"], second["clock"]["shift"]) == (None, 100.0)
    assert first["metrics"][0]["x"] == second["metrics"][0]["x"]
    assert (first["pace"]["straggler"], second["pace"]["straggler"]) == (False, True)
    assert (first["pace"]["late"], second["pace"]["late"]) == (0.0, pytest.approx(2.0))
    assert second["pace"]["rate"] == pytest.approx(1.0)


def test_the_cores_of_a_host_are_told_over_time(console: Any) -> None:
    x = console.json("/jobs/pair/hosts")["hosts"][0]["metrics"][0]["x"]
    asked = f"cores?from={x[0]}&to={x[0] + 240}&width=24"
    found = console.json(f"/jobs/pair/hosts/algo-1/{asked}")
    assert (found["cores"], len(found["busy"]), len(found["busy"][0])) == (list(range(8)), 8, 24)
    assert found["busy"][7][:18] == [100.0] * 18
    assert found["busy"][0][19:] == [None] * 5  # nothing was sampled there
    # The other's clock is behind, so that its minutes lie elsewhere in the files, and here at the same time.
    other = console.json(f"/jobs/pair/hosts/algo-2/{asked}")
    assert any(other["busy"][7])
    last = console.json("/jobs/pair/hosts/algo-1/cores?width=1")
    assert last["to"] - last["from"] == 600
    assert last["busy"][7] == [100.0]


@pytest.mark.parametrize("window", ["from=4e9", "to=5", "from=5&to=6", "from=-1e30", "to=1e30"])
def test_any_window_of_cores_has_an_answer(console: Any, window: str) -> None:
    found = console.json(f"/jobs/pair/hosts/algo-1/cores?{window}&width=3")
    assert 0 < found["to"] - found["from"] < 7200


def test_a_long_window_of_cores_is_read_from_summaries(console: Any) -> None:
    x = console.json("/jobs/pair/hosts")["hosts"][0]["metrics"][0]["x"]
    found = console.json(f"/jobs/pair/hosts/algo-1/cores?from={x[0]}&to={x[0] + 60}&width=1")
    long = console.json(f"/jobs/pair/hosts/algo-1/cores?from={x[0] - 3000}&to={x[0] + 60}&width=1")
    for summarised, every_sample in zip(long["busy"], found["busy"], strict=True):
        assert summarised == pytest.approx(every_sample, abs=1)


def test_a_window_is_one_of_the_servers_clock(console: Any) -> None:
    whole = console.json("/jobs/pair/hosts")["hosts"][1]["metrics"][0]["x"]
    found = console.json(f"/jobs/pair/hosts?from={whole[50]}&to={whole[59]}")["hosts"]
    assert [host["metrics"][0]["x"] for host in found] == [whole[50:60]] * 2


def test_the_log_is_paged_from_its_end_and_its_start(console: Any) -> None:
    def steps(page: dict[str, Any]) -> list[int]:
        return [int(event["message"].split("\x1b[0m ")[1].split()[0]) for event in page["events"]]

    last = console.json("/jobs/finished/logs?tail=1&limit=100")
    assert steps(last) == list(range(200, 300))
    before = console.json(f"/jobs/finished/logs?limit=100&before={last['backward']}")
    assert steps(before) == list(range(100, 200))
    first = console.json("/jobs/finished/logs?limit=100")
    assert steps(first) == list(range(100))
    after = console.json(f"/jobs/finished/logs?limit=150&after={first['forward']}")
    assert steps(after) == list(range(100, 250))
    assert {event["stream"] for event in last["events"]} == {console.json("/jobs/finished")["log_stream"]}


def test_the_log_is_searched(console: Any) -> None:
    found = console.json("/jobs/finished/logs?tail=1&search=TRAIN_LOSS=0.01")["events"]
    assert found
    assert all("train_loss=0.01" in event["message"] for event in found)
    assert console.json("/jobs/finished/logs?tail=1&search=nowhere%25")["events"] == []
    everything = console.json("/jobs/finished/logs?limit=1000&search=train_loss")
    assert len(everything["events"]) == STEPS


def test_searching_goes_on_before_a_page(console: Any) -> None:
    last = console.json("/jobs/finished/logs?tail=1&limit=5&search=train_loss=1.")
    before = console.json(f"/jobs/finished/logs?limit=1000&search=train_loss=1.&before={last['backward']}")
    times = [event["time"] for event in before["events"] + last["events"]]
    assert times == sorted(times)
    assert len(last["events"]) == 5
    assert len(times) == 41  # 2 exp(-n/60) rounds to 1.0000 ... 1.9669 for n of 1 to 41


@pytest.mark.parametrize(
    "path",
    [
        "/jobs/unknown",
        "/jobs/unknown/points",
        "/jobs/unknown/curves?metric=a",
        "/jobs/unknown/hosts",
        "/jobs/unknown/hosts/algo-1/cores",
        "/jobs/finished/hosts/algo-9/cores",
        "/jobs/unknown/logs",
        "/live?job=unknown",
        "/jobs/not-yours",
        "/jobs/not-yours/points",
        "/jobs/not-yours/logs",
    ],
)
def test_what_is_not_there_or_not_yours_is_404_and_says_what_to_do(console: Any, path: str) -> None:
    status, body = console.get("/_/api" + path)
    assert status == 404
    assert set(json.loads(body)) == {"code", "message", "hint"}
    assert json.loads(body)["hint"]


@pytest.mark.parametrize(
    "path",
    [
        "/jobs?sort=size",
        "/jobs?order=up",
        "/jobs?limit=0",
        "/jobs?limit=1e9",
        "/jobs?offset=-1",
        "/jobs?status=Done",
        "/jobs/finished/points?format=xml",
        "/jobs/finished/curves?metric=train:loss&x=size",
        "/jobs/finished/curves?metric=train:loss&smoothing=1",
        "/jobs/finished/curves?metric=train:loss&smoothing=nan",
        "/jobs/finished/curves?metric=train:loss&width=0",
        "/jobs/finished/curves?metric=train:loss&from=x",
        "/jobs/finished/curves",
        "/jobs/finished/logs?limit=0",
        "/jobs/finished/logs?after=%00",
        "/jobs/finished/logs?before=zzz",
        "/jobs/finished/hosts?width=-1",
    ],
)
def test_a_wrong_parameter_is_400_and_named(console: Any, path: str) -> None:
    status, body = console.get("/_/api" + path)
    assert status == 400, body
    assert json.loads(body)["message"]


def test_nobody_is_let_in_without_a_token(console: Any) -> None:
    for path in ("/_/api/jobs", "/_/api/live", "/_/", "/_/jobs/finished"):
        assert console.get(path, Authorization="")[0] == 401
        assert console.get(path, Authorization="Bearer wrong")[0] == 401


def test_another_account_sees_its_own_jobs_alone(console: Any) -> None:
    status, body = console.get("/_/api/jobs", Authorization=f"Bearer {console.stranger}")
    assert status == 200
    assert [job["name"] for job in json.loads(body)["jobs"]] == ["not-yours"]


def test_a_foreign_host_name_is_refused(console: Any) -> None:
    for path in ("/_/api/jobs", "/_/", f"/_/login?token={console.token}"):
        assert console.get(path, Host="evil.example")[0] == 421


def test_a_page_of_another_site_is_refused(console: Any) -> None:
    assert console.get("/_/api/jobs", Sec_Fetch_Site="cross-site")[0] == 403


def test_the_login_link_opens_a_session(console: Any) -> None:
    with console.request(f"/_/login?token={console.token}", Authorization="") as answer:
        assert answer.status == 303
        cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "samesite=strict" in cookie.lower()
    assert console.get("/_/api/jobs", Authorization="", Cookie=cookie.partition(";")[0])[0] == 200
    assert console.get("/_/login?token=wrong", Authorization="")[0] == 403


@pytest.mark.parametrize(
    ("wanted", "place"),
    [
        ("/_/jobs/finished", "/_/jobs/finished"),
        ("//evil.example/", "/_/"),
        ("https://evil.example", "/_/"),
        ("/_/../x", "/_/"),
        ("/_/jobs/a\\@evil", "/_/"),
    ],
)
def test_the_login_leads_to_our_own_pages_alone(console: Any, wanted: str, place: str) -> None:
    with console.request(f"/_/login?token={console.token}&next={quote(wanted)}", Authorization="") as answer:
        assert answer.headers["location"] == place


def test_scripts_and_styles_are_packed_for_who_can_unpack_them(console: Any) -> None:
    for path in ("/_/assets/app.js", "/_/assets/app.css"):
        with console.request(path) as answer:
            plain, tag = answer.read(), answer.headers["etag"]
            assert "content-encoding" not in answer.headers
        with console.request(path, accept_encoding="br, gzip") as answer:
            packed = answer.read()
            assert answer.headers["content-encoding"] == "gzip"
            assert answer.headers["vary"] == "accept-encoding"
            assert answer.headers["content-type"].startswith(("text/javascript", "text/css"))
        assert gzip.decompress(packed) == plain
        assert len(packed) < len(plain) / 2
        with console.request(path, accept_encoding="gzip", if_none_match=tag) as answer:
            assert answer.status == 304


def test_all_of_the_console_is_sent_in_less_than_300_kilobytes(console: Any) -> None:
    sent = [
        console.get(path, accept_encoding="gzip")[1] for path in ("/_/", "/_/assets/app.js", "/_/assets/app.css")
    ]
    assert sum(len(one) for one in sent) < 300_000


def test_every_page_forbids_what_comes_from_elsewhere(console: Any) -> None:
    for path in ("/_/", "/_/jobs/finished", "/_/assets/app.js", "/_/login?token=wrong"):
        with console.request(path) as answer:
            policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "http" not in policy


@pytest.mark.parametrize(
    "path", ["/_/assets/../app.py", "/_/assets/%2e%2e/index.html", "/_/assets/", "/_/nothing"]
)
def test_only_the_console_files_are_served(console: Any, path: str) -> None:
    assert console.get(path)[0] == 404


def events(stream: Any, wanted: str) -> Any:
    """The data of the next event of that name."""
    name = ""
    for raw in stream:
        line = raw.decode().rstrip("\n")
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: ") and name == wanted:
            return json.loads(line.removeprefix("data: "))
    raise AssertionError(f"the stream ended before {wanted}")


def test_what_is_stored_comes_as_events(console: Any) -> None:
    with console.request("/_/api/live?job=live") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        events(stream, "hello")
        console.tell(values={"train:loss": 1.5}, step=77)
        found = events(stream, "points")
        assert found["job"] == "live"
        assert [point[:4] + point[5:] for point in found["points"]] == [["train:loss", "algo-1", 77, None, 1.5]]
        console.tell(line="a line")
        assert [event["message"] for event in events(stream, "log")["events"]] == ["a line"]
        console.tell(values={"train:loss": math.nan}, step=78)
        assert events(stream, "points")["points"][0][5] == "NaN"


def test_changes_of_any_job_come_to_the_list(console: Any) -> None:
    with console.request("/_/api/live") as stream:
        events(stream, "hello")
        console.tell(status="InProgress")
        assert events(stream, "job")["name"] == "live"


def test_many_readers_hear_the_same(console: Any) -> None:
    heard: list[float] = []

    def listen(ready: threading.Barrier) -> None:
        with console.request("/_/api/live?job=live") as stream:
            events(stream, "hello")
            ready.wait()
            heard.append(events(stream, "points")["points"][0][5])

    ready = threading.Barrier(6)
    threads = [threading.Thread(target=listen, args=(ready,)) for _ in range(5)]
    for thread in threads:
        thread.start()
    ready.wait()
    console.tell(values={"train:loss": 0.125}, step=90)
    for thread in threads:
        thread.join(30)
    assert heard == [0.125] * 5
