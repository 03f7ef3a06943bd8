"""Queries over the runs of a real console server."""

import http.client
import io
import itertools
import json
import math
import time
import urllib.error
import urllib.parse
import urllib.request
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest

pytestmark = pytest.mark.xdist_group("console")

STEPS = 300
JOBS = "/aws/sagemaker/TrainingJobs"
LOSS = f"{JOBS} train:loss{{TrainingJobName=finished}}"
VALIDATION = f"{JOBS} validation:loss{{TrainingJobName=finished}}"


def path(*expressions: str, metrics: tuple[str, ...] = (), **parameters: Any) -> str:
    pairs = [("expression", one) for one in expressions] + [("metric", one) for one in metrics]
    return "/query?" + urllib.parse.urlencode([*pairs, *parameters.items()])


def ask(console: Any, *expressions: str, metrics: tuple[str, ...] = (), **parameters: Any) -> Any:
    return console.json(path(*expressions, metrics=metrics, **parameters))


def refusal(console: Any, *expressions: str, metrics: tuple[str, ...] = (), **parameters: Any) -> tuple[str, str]:
    status, body = console.get("/_/api" + path(*expressions, metrics=metrics, **parameters))
    assert status == 400, body
    said = json.loads(body)
    return said["message"], said["hint"]


def test_metric_is_read_at_every_point_of_its_time(console: Any) -> None:
    found = ask(console, LOSS, start="-1h", period=1)
    assert found["messages"] == []
    (series,) = found["series"]
    expected = [2 * math.exp(-step / 60) for step in range(STEPS)]
    assert series["values"] == pytest.approx(expected)
    assert len(series["timestamps"]) == STEPS
    assert {after - before for before, after in itertools.pairwise(series["timestamps"])} == {2}
    described = {name: series[name] for name in ("id", "label", "namespace", "metric", "dimensions", "statistic")}
    assert described == {
        "id": "q1",
        "label": "train:loss",
        "namespace": JOBS,
        "metric": "train:loss",
        "dimensions": {"TrainingJobName": "finished"},
        "statistic": "Average",
    }


@pytest.mark.parametrize(
    ("start", "period", "expected"), [("-5m", "", 1), ("-3h", "", 60), ("-2d", "", 300), ("-2d", 3600, 3600)]
)
def test_period_suits_the_time_unless_it_is_asked_for(
    console: Any, start: str, period: Any, expected: int
) -> None:
    parameters = {"period": period} if period else {}
    found = ask(console, f"{LOSS} SampleCount", start=start, **parameters)
    assert found["period"] == expected
    assert found["start"] % expected == 0
    assert found["end"] - found["start"] < {"-5m": 302, "-3h": 10862, "-2d": 172801 + expected}[start]
    if start != "-5m":
        (series,) = found["series"]
        assert sum(series["values"]) == STEPS
        assert all(at % expected == 0 for at in series["timestamps"])


def test_times_may_be_relative_unix_or_iso_in_a_zone(console: Any) -> None:
    now = int(time.time())
    clock = datetime.fromtimestamp(now - 1800).astimezone().isoformat()
    for start in (f"{now - 1800}", clock):
        assert ask(console, LOSS, start=start, end=str(now), period=1)["start"] == now - 1800
    hour_ahead = ask(console, LOSS, start="2026-01-01T12:30", end="2026-01-01T13:30", timezone="+0130")
    utc = ask(console, LOSS, start="2026-01-01T11:00", end="2026-01-01T12:00")
    assert (hour_ahead["start"], hour_ahead["end"]) == (utc["start"], utc["end"]) == (1767265200, 1767268800)


def test_expressions_compute_with_metrics_and_with_one_another(console: Any) -> None:
    found = ask(
        console,
        "val - train",
        "q1 * 10",
        metrics=(f"train={LOSS}", f"val={VALIDATION}", "unused=Lab x"),
        start="-1h",
        period=1,
    )
    gap, tenfold = found["series"]
    assert [gap["id"], tenfold["id"]] == ["q1", "q2"]
    assert [gap["label"], tenfold["label"]] == ["val - train", "q1 * 10"]
    assert (gap["metric"], gap["dimensions"], gap["statistic"]) == (None, None, None)
    assert gap["values"][100] == pytest.approx(0.1)
    assert tenfold["values"] == pytest.approx([value * 10 for value in gap["values"]])


def test_metrics_in_an_array_are_called_by_their_ids(console: Any) -> None:
    found = ask(console, "FILL(METRICS(), 0)", metrics=(f"train={LOSS}", f"val={VALIDATION}"), start="-1h")
    assert [one["label"] for one in found["series"]] == ["train", "val"]
    assert {one["id"] for one in found["series"]} == {"q1"}


def test_search_and_sql_find_metrics_at_the_period_of_the_query(console: Any) -> None:
    text = f"SEARCH('{{{JOBS},TrainingJobName}} finished loss', 'SampleCount')"
    found = ask(console, text, start="-1h", period=300)
    assert [one["label"] for one in found["series"]] == ["train:loss", "validation:loss"]
    assert [sum(one["values"]) for one in found["series"]] == [STEPS, STEPS - 1]
    assert {one["period"] for one in found["series"]} == {300}
    sql = f'SELECT COUNT("train:loss") FROM "{JOBS}" GROUP BY TrainingJobName ORDER BY COUNT() DESC LIMIT 1'
    (series,) = ask(console, sql, start="-1h", period=60)["series"]
    assert (series["label"], sum(series["values"])) == ("finished", STEPS)
    (total,) = ask(console, f'select max("train:loss")   from "{JOBS}"', start="-1h", period=1)["series"]
    assert total["label"] == f'select max("train:loss") from "{JOBS}"'
    assert total["period"] == 60, "SQL is answered at a minute or more"


def test_labels_tell_series_apart_and_no_two_are_alike(console: Any) -> None:
    live = LOSS.replace("finished", "live")
    search = f"SEARCH('{{{JOBS},TrainingJobName}} finished MetricName=\"train:loss\"', 'Average')"
    for expressions, labels in (
        ((LOSS, VALIDATION), ["train:loss", "validation:loss"]),
        ((LOSS, live), ["finished", "live"]),
        ((LOSS, f"{LOSS} p90"), ["Average", "p90"]),
        ((LOSS, search), ["train:loss", "train:loss (2)"]),
    ):
        assert [one["label"] for one in ask(console, *expressions, start="-1h")["series"]] == labels


def test_tables_hold_what_the_json_does(console: Any) -> None:
    end = str(int(time.time()))
    expressions, metrics = (LOSS, "a + b"), (f"a={LOSS} Maximum", f"b={VALIDATION}")
    found = ask(console, *expressions, metrics=metrics, start="-1h", end=end, period=60)
    rows = [
        (at, one["label"], value, one["metric"], one["dimensions"], one["statistic"], one["period"])
        for one in found["series"]
        for at, value in zip(one["timestamps"], one["values"], strict=True)
    ]
    assert len(rows) >= 20
    names = ["time", "series", "value", "namespace", "metric", "dimensions", "statistic", "period"]

    def body(form: str) -> io.BytesIO:
        asked = path(*expressions, metrics=metrics, start="-1h", end=end, period=60, format=form)
        return io.BytesIO(console.get("/_/api" + asked)[1])

    for table in (pa.parquet.read_table(body("parquet")), pa.ipc.open_file(body("arrow")).read_all()):
        assert table.column_names == names
        assert table["time"].type.tz == "UTC"
        assert table["dimensions"].type == pa.map_(pa.string(), pa.string())
        got = [
            (
                int(row["time"].timestamp()),
                row["series"],
                row["value"],
                row["metric"],
                None if row["dimensions"] is None else dict(row["dimensions"]),
                row["statistic"],
                row["period"],
            )
            for row in table.to_pylist()
        ]
        assert got == rows
    text = pa.csv.read_csv(body("csv"), convert_options=pa.csv.ConvertOptions(strings_can_be_null=True))
    assert text.column_names == names
    assert [int(one.timestamp()) for one in text["time"].to_pylist()] == [row[0] for row in rows]
    assert text["value"].to_pylist() == [row[2] for row in rows]
    assert text["dimensions"].to_pylist() == [row[4] and "TrainingJobName=finished" for row in rows]


@pytest.mark.parametrize("text", ['"Select" loss', "a OR{} p99", '"My Lab" "room t"{"a b"="c, d"} TM(10% : 90%)'])
def test_metric_is_told_from_sql_and_metric_math_by_quotes_or_braces(console: Any, text: str) -> None:
    assert [said["code"] for said in ask(console, text)["messages"]] == ["UnknownMetric"]


def test_file_of_nothing_has_its_columns(console: Any) -> None:
    asked = path("Lab nothing", format="parquet")
    with console.request("/_/api" + asked) as answer:
        assert answer.headers["content-disposition"] == 'attachment; filename="query.parquet"'
        table = pa.parquet.read_table(io.BytesIO(answer.read()))
    assert (table.num_rows, table.num_columns) == (0, 8)
    assert console.get("/_/api" + path("Lab nothing", format="csv"))[1].count(b"\n") == 1


@pytest.mark.parametrize(
    ("text", "near"),
    [
        (f"{JOBS} train:los{{TrainingJobName=finished}}", "; there is " + LOSS),
        (f"{JOBS} learning_rate", f"; there is {JOBS} learning_rate{{TrainingJobName=finished}}"),
        ("Lab temperature", ""),
    ],
)
def test_metric_that_was_never_seen_is_said_with_those_like_it(console: Any, text: str, near: str) -> None:
    found = ask(console, text)
    (said,) = found["messages"]
    assert (said["code"], said["id"]) == ("UnknownMetric", "q1")
    assert said["message"].startswith(f"there is no metric {text}{near}")
    assert found["series"][0]["values"] == []


@pytest.mark.parametrize(
    ("expressions", "metrics", "parameters", "message", "hint"),
    [
        ((), (), {}, "expression is missing.", "Give a metric"),
        (("a + b",), (f"a={LOSS}",), {}, "In 'a + b' nothing says what b is.", "Say which metric it is: b=NAMESPACE"),
        (("AVG(a)",), (f"a={LOSS}",), {}, "In 'AVG(a)': the final result of an expression must be", ""),
        (("1 + q2", "q1"), (), {}, "In 'q1': 'q1' refers to itself: q1 -> q2 -> q1.", ""),
        (("Lab x{a",), (), {}, "'Lab x{a' is neither an expression nor a metric.", "As one: column 5"),
        (("SELECT MAX(x)",), (), {}, "In 'SELECT MAX(x)': expected FROM but the query ends", ""),
        (("SEARCH('{', 'Sum')",), (), {}, "In 'SEARCH('{', 'Sum')': column 2", ""),
        (("SEARCH('a', 'Most')",), (), {}, "'SEARCH('a', 'Most')' is neither an expression", "As one: column 1"),
        (("a",), ("Lab x{a=b}",), {}, "metric must be ID=SELECTOR, not 'Lab x{a=b}'.", "An Id is letters"),
        (("a",), ("a=Lab",), {}, "In the metric a: column 4: the text ends", "A metric: NAMESPACE NAME"),
        (("a", "Lab x"), ("q2=Lab x", "a=Lab x"), {}, "The Id q2 is that of an expression.", "Give the metric"),
        ((LOSS,), (), {"start": "soon"}, "'soon' is no time: write -15m", ""),
        ((LOSS,), (), {"start": "now"}, "start must be before end.", "For example"),
        ((LOSS,), (), {"timezone": "CET"}, "'CET' is no time zone", ""),
        ((LOSS,), (), {"period": "7"}, "period must be 1, 5, 10, 20, 30 or a multiple of 60 seconds, not 7.", ""),
        ((LOSS,), (), {"period": "0"}, "period must be a whole number from 1 to 86400.", ""),
        ((LOSS,), (), {"format": "xml"}, "format must be one of json, csv, parquet, arrow.", ""),
        (
            (LOSS,),
            (),
            {"start": "-20d", "period": "60"},
            "At 60 seconds nothing is kept of data as old as that.",
            "Ask for a multiple of 300 seconds, or for a later start.",
        ),
        (
            ("TIME_SERIES(1)",),
            (),
            {"start": "0", "period": "60"},
            "That is ",
            "Ask for a longer period or a shorter time.",
        ),
    ],
)  # fmt: skip
def test_wrong_query_is_refused_in_words_for_its_author(
    console: Any,
    expressions: tuple[str, ...],
    metrics: tuple[str, ...],
    parameters: dict[str, str],
    message: str,
    hint: str,
) -> None:
    said, advice = refusal(console, *expressions, metrics=metrics, **parameters)
    assert said.startswith(message)
    assert advice.startswith(hint)


def test_answer_beyond_the_bound_is_refused(console: Any) -> None:
    many = "[" + ", ".join(["TIME_SERIES(1)"] * 60) + "]"
    message, hint = refusal(console, many, start="-27h", period=1)
    assert message == f"That is {message.split()[2]} values; an answer may have 5,000,000."
    assert int(message.split()[2].replace(",", "")) > 60 * 27 * 3600
    assert hint == "Ask for a longer period or a shorter time."


class Form:
    """A POST to the query path."""

    def __init__(self, console: Any) -> None:
        self._console = console

    def send(self, body: bytes, **headers: str) -> tuple[int, Any]:
        request = urllib.request.Request(
            f"{self._console.url}/_/api/query",
            body,
            {"Authorization": f"Bearer {self._console.token}"}
            | {name.replace("_", "-"): value for name, value in headers.items()},
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())


def test_query_too_long_for_an_address_is_a_form(console: Any) -> None:
    metrics = [("metric", f"m{number}={LOSS}") for number in range(400)]
    body = urllib.parse.urlencode([("expression", "SUM(METRICS())"), *metrics, ("start", "-1h"), ("period", "60")])
    assert len(body) > 30_000
    status, answer = Form(console).send(body.encode())
    assert status == 200
    (one,) = ask(console, LOSS, start="-1h", period=60)["series"]
    assert answer["series"][0]["values"] == pytest.approx([400 * value for value in one["values"]])


def test_what_is_no_form_is_refused(console: Any) -> None:
    form = Form(console)
    assert form.send(b"{}", content_type="application/json")[1]["code"] == "BadRequest"
    assert form.send(b"expression=%ff")[1]["message"] == "The form is not UTF-8."


@pytest.mark.parametrize("length", [{"Content-Length": "1048577"}, {"Transfer-Encoding": "chunked"}])
def test_form_that_is_large_or_without_an_end_is_refused_unread(console: Any, length: dict[str, str]) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", console.port, timeout=30)
    connection.request("POST", "/_/api/query", headers={"Authorization": f"Bearer {console.token}"} | length)
    answer = connection.getresponse()
    assert (answer.status, json.loads(answer.read())["code"]) == (413, "TooLarge")
    connection.close()


def test_queries_see_their_own_account_alone(console: Any) -> None:
    asked = "/_/api" + path(LOSS, start="-1h")
    assert console.get(asked, Authorization="")[0] == 401
    status, body = console.get(asked, Authorization=f"Bearer {console.stranger}")
    answer = json.loads(body)
    assert status == 200
    assert answer["series"][0]["values"] == []
    assert answer["messages"][0]["message"].startswith("there is no metric")
    assert "; there is" not in answer["messages"][0]["message"]
