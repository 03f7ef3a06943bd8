"""What the search over everything and the notifications answer."""

import json
import uuid
from typing import Any
from urllib.parse import urlencode

import pytest

pytestmark = pytest.mark.xdist_group("console")


def found(console: Any, **asked: str) -> list[dict[str, Any]]:
    return list(console.json(f"/search?{urlencode(asked)}")["results"])


@pytest.fixture(scope="module")
def things(console: Any) -> str:
    """A word that one thing of each kind that operations can make has in its name."""
    word = f"sought{uuid.uuid4().hex[:8]}"
    alarm = {"EvaluationPeriods": 1, "Threshold": 1.0, "ComparisonOperator": "GreaterThanThreshold", "Period": 60,
             "Statistic": "Average", "Namespace": "sought", "MetricName": "m"}  # fmt: skip
    console.perform("cloudwatch/PutMetricAlarm", AlarmName=f"{word}-alarm", **alarm)
    console.perform("cloudwatch/PutDashboard", DashboardName=f"{word}-board", DashboardBody='{"widgets": []}')
    console.perform("logs/CreateLogGroup", logGroupName=f"/team/{word}/group")
    query = {"queryString": "fields @message", "logGroupNames": [f"/team/{word}/group"]}
    console.perform("logs/PutQueryDefinition", name=f"{word} query", **query)
    datum = {"MetricName": f"{word}:loss", "Value": 1.0, "Dimensions": [{"Name": "Run", "Value": "first one"}]}
    console.perform("cloudwatch/PutMetricData", Namespace="sought", MetricData=[datum])
    return word


def test_one_search_finds_every_kind(console: Any, things: str) -> None:
    results = found(console, q=things)
    assert {one["kind"] for one in results} == {"alarm", "dashboard", "group", "query", "metric"}
    by_kind = {one["kind"]: one for one in results}
    assert by_kind["alarm"]["name"] == f"{things}-alarm"
    assert by_kind["query"]["query"] == "fields @message"
    assert by_kind["query"]["groups"] == [f"/team/{things}/group"]
    assert by_kind["metric"]["namespace"] == "sought"
    assert by_kind["metric"]["dimensions"] == [["Run", "first one"]]
    assert by_kind["group"]["marks"] == [[len("/team/"), len("/team/") + len(things)]]


def test_words_come_in_any_order_and_also_beside_the_name(console: Any, things: str) -> None:
    [metric] = found(console, q=f"first {things}", kinds="metric")
    assert metric["name"] == f"{things}:loss"
    assert found(console, q=f"{things} elsewhere") == []
    assert found(console, q=f"loss {things.upper()}", kinds="metric") == found(
        console, q=f"{things} loss", kinds="metric"
    )


def test_kinds_narrow_down(console: Any, things: str) -> None:
    assert {one["kind"] for one in found(console, q=things, kinds="alarm,dashboard")} == {"alarm", "dashboard"}
    assert found(console, q=things, kinds="job") == []


def test_jobs_are_found_with_how_they_stand(console: Any) -> None:
    first = found(console, q="finished", kinds="job")[0]
    assert (first["name"], first["about"], first["marks"]) == ("finished", "Completed", [[0, 8]])
    assert {"finished", "long", "broken"} <= {one["name"] for one in found(console, kinds="job", limit="200")}


def test_without_words_what_changed_last_comes_first(console: Any) -> None:
    times = [one["at"] for one in found(console, kinds="job", limit="200")]
    assert times == sorted(times, reverse=True)


def test_another_accounts_things_are_not_found(console: Any, things: str) -> None:
    status, body = console.get(f"/_/api/search?q={things}", Authorization=f"Bearer {console.stranger}")
    assert (status, json.loads(body)["results"]) == (200, [])
    assert found(console, q="not-yours") == []


@pytest.mark.parametrize(
    ("query", "words"),
    [("kinds=nothing", "kinds must be among"), ("limit=0", "limit must be"), (f"q={'x' * 300}", "q is longer")],
)
def test_a_wrong_search_is_told_what_is_wrong(console: Any, query: str, words: str) -> None:
    status, body = console.get(f"/_/api/search?{query}")
    assert status == 400
    assert words in json.loads(body)["message"]


def test_jobs_that_ended_are_notified_of(console: Any) -> None:
    told = {one["name"]: one for one in console.json("/notifications?kinds=job")["notifications"]}
    assert (told["broken"]["gravity"], told["broken"]["detail"]) == ("bad", "the training exited with status 1")
    assert told["finished"]["title"] == "finished completed"
    assert told["long"]["gravity"] == "warn"
    assert "live" not in told
    assert "not-yours" not in told


def test_an_alarm_that_turns_is_notified_of(console: Any, things: str) -> None:
    before = console.json("/notifications")["now"]
    name = f"{things}-alarm"
    console.perform("cloudwatch/SetAlarmState", AlarmName=name, StateValue="ALARM", StateReason="it was time")
    console.perform("cloudwatch/SetAlarmState", AlarmName=name, StateValue="OK", StateReason="it was enough")
    answer = console.json(f"/notifications?kinds=alarm&since={before - 1}")
    mine = [one for one in answer["notifications"] if one["name"] == name]
    assert [(one["state"], one["detail"]) for one in mine] == [("OK", "it was enough"), ("ALARM", "it was time")]
    assert mine[1]["title"] == f"{name} went off"
    assert len({one["id"] for one in mine}) == 2
    assert console.json(f"/notifications?since={answer['now'] + 60}")["notifications"] == []


def test_the_stream_tells_of_an_alarm_that_turns_and_of_a_job(console: Any, things: str) -> None:
    name = f"{things}-alarm"
    with console.request("/_/api/live?job=live") as stream:
        while b"hello" not in stream.readline():
            pass
        console.perform("cloudwatch/SetAlarmState", AlarmName=name, StateValue="ALARM", StateReason="streamed")
        while True:
            line = stream.readline()
            assert line, "the stream ended"
            if line.startswith(b"data:") and b"streamed" in line:
                break
    told = json.loads(line.removeprefix(b"data:"))
    assert (told["kind"], told["name"], told["gravity"]) == ("alarm", name, "bad")
