"""What the console's pages of dashboards ask: drafts drawn, variables filled, explorers made charts."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlencode

import pytest

pytestmark = pytest.mark.xdist_group("console")

JOBS = {"metricName": "train:loss", "resourceType": "AWS::SageMaker::TrainingJob", "stat": "Average"}


def posted(console: Any, path: str, **form: Any) -> tuple[int, Any]:
    body = urlencode(
        {name: value if isinstance(value, str) else json.dumps(value) for name, value in form.items()}
    )
    kind = {"Content_Type": "application/x-www-form-urlencoded"}
    with console.request(f"/_/api/{path}", body.encode(), **kind) as answer:
        return answer.status, json.loads(answer.read())


def test_a_draft_is_drawn_without_being_kept(console: Any) -> None:
    text = {"type": "text", "properties": {"markdown": "JOB"}}
    variable = {"type": "pattern", "pattern": "JOB", "inputType": "input", "id": "job", "defaultValue": "a"}
    body = {"start": "-PT1H", "widgets": [text, text], "variables": [variable]}
    status, drawn = posted(console, "drawn-dashboard?variable=job%3Db", body=body)
    assert status == 200
    assert drawn["problems"] == []
    assert [one["properties"]["markdown"] for one in drawn["widgets"]] == ["b", "b"]
    assert [(one["place"], one["y"]) for one in drawn["widgets"]] == [(0, 0), (1, 6)]
    assert drawn["to"] - drawn["from"] == pytest.approx(3600)


def test_all_that_is_wrong_in_a_draft_is_told(console: Any) -> None:
    body = {"widgets": [{"type": "metric", "properties": {"metrics": [["only"]]}}, {"type": "nothing"}]}
    status, drawn = posted(console, "drawn-dashboard", body=body)
    assert status == 200
    paths = {one["path"] for one in drawn["problems"]}
    assert {"/widgets/0/properties/metrics/0", "/widgets/1", "/widgets/1/type"} <= paths
    assert "widgets" not in drawn
    assert posted(console, "drawn-dashboard", body="[1]")[0] == 400
    assert posted(console, "drawn-dashboard?variable=x", body={"widgets": []})[0] == 400
    assert posted(console, "drawn-dashboard?start=soon", body={"widgets": []})[0] == 400


def test_values_of_a_variable_are_found(console: Any) -> None:
    found = {"search": "{/aws/sagemaker/TrainingJobs,TrainingJobName} loss", "populateFrom": "TrainingJobName"}
    variable = {"type": "property", "property": "TrainingJobName", "inputType": "select", "id": "job"}
    first = variable | found | {"defaultValue": "__FIRST"}
    row = ["/aws/sagemaker/TrainingJobs", "train:loss", "TrainingJobName", "?"]
    metric = {"type": "metric", "properties": {"region": "us-east-1", "metrics": [row]}}
    _, drawn = posted(console, "drawn-dashboard", body={"widgets": [metric], "variables": [first]})
    values = [one["value"] for one in drawn["variables"][0]["values"]]
    assert {"finished", "live", "pair"} <= set(values)
    assert drawn["variables"][0]["total"] == len(values)
    assert drawn["widgets"][0]["properties"]["metrics"][0][3] == values[0]
    _, wrong = posted(console, "drawn-dashboard", body={"widgets": [], "variables": [first | {"search": "((("}]})
    assert wrong["variables"][0]["problem"]
    assert wrong["variables"][0]["values"] == []


def test_an_explorer_is_the_charts_of_what_has_its_labels(console: Any) -> None:
    hosts = {"metricName": "CPUUtilization", "resourceType": "epochwatch::Host"}
    widget = {"metrics": [JOBS, hosts], "labels": [{"key": "TrainingJobName", "value": "finished"}]}
    status, found = posted(console, "explorer?start=-PT12H&suited=1", widget=widget)
    assert status == 200
    drawn = {one["properties"]["title"]: one["properties"] for one in found["charts"]}
    assert [row[3] for row in drawn["train:loss"]["metrics"]] == ["finished"]
    assert [row[3] for row in drawn["CPUUtilization"]["metrics"]] == ["finished/algo-1"]
    assert drawn["train:loss"]["start"] == "-PT12H"
    assert drawn["train:loss"]["period"] >= 60
    for properties in drawn.values():
        status, picture = posted(console, "widget", widget=properties)
        assert (status, len(picture["curves"])) == (200, 1)


def test_a_wrong_explorer_is_refused(console: Any) -> None:
    assert posted(console, "explorer", widget="nothing")[0] == 400
    status, refusal = posted(console, "explorer", widget={"metrics": []})
    assert status == 400
    assert "/metrics" in refusal["message"]
    assert posted(console, "explorer?start=soon", widget={"metrics": [JOBS], "labels": []})[0] == 400


def test_what_can_be_explored_is_told(console: Any) -> None:
    choices = console.json("/explorer/choices")
    jobs = choices["AWS::SageMaker::TrainingJob"]
    assert "train:loss" in jobs["metrics"]
    assert "vision" in jobs["labels"]["team"]
    assert "Completed" in jobs["labels"]["TrainingJobStatus"]
    assert "CPUUtilization" in choices["epochwatch::Host"]["metrics"]


def test_dashboards_are_listed_with_their_tags(console: Any) -> None:
    tags = [{"Key": "team", "Value": "vision"}]
    body = json.dumps({"widgets": [{"type": "text", "properties": {"markdown": "x"}}]})
    console.perform("cloudwatch/PutDashboard", DashboardName="listed-one", DashboardBody=body, Tags=tags)
    (found,) = [one for one in console.json("/dashboards")["dashboards"] if one["name"] == "listed-one"]
    assert found["tags"] == {"team": "vision"}
    assert (found["widgets"], found["size"]) == (1, len(body))
    drawn = console.json("/dashboards/listed-one")
    assert (drawn["source"], drawn["tags"], drawn["modified"]) == (body, found["tags"], found["modified"])
    assert console.json("/dashboards/epochwatch-fleet")["modified"] is None


def written(console: Any, name: str, body: Any, before: str | None, **more: Any) -> tuple[int, Any]:
    content = json.dumps({"body": body if isinstance(body, str) else json.dumps(body), "before": before} | more)
    kind = {"content_type": "application/json"}
    with console.request(f"/_/api/dashboards/{name}", content.encode(), method="PUT", **kind) as answer:
        return answer.status, json.loads(answer.read())


def kept(console: Any, name: str) -> str:
    status, answer = console.call("cloudwatch/GetDashboard", json.dumps({"DashboardName": name}).encode())
    assert status == 200, answer
    return str(answer["DashboardBody"])


def text(words: str) -> dict[str, Any]:
    return {"widgets": [{"type": "text", "properties": {"markdown": words}}]}


def test_who_writes_over_what_they_did_not_see_is_told(console: Any) -> None:
    status, answer = written(console, "written-over", text("first"), None, tags={"team": "vision"})
    assert status == 200
    first = console.json("/dashboards/written-over")
    assert (first["modified"], first["tags"]) == (answer["modified"], {"team": "vision"})
    status, refusal = written(console, "written-over", text("again"), None)
    assert (status, refusal["message"]) == (409, "There is a dashboard 'written-over' already.")
    assert written(console, "written-over", text("second"), first["source"])[0] == 200
    status, refusal = written(console, "written-over", text("third"), first["source"])
    assert (status, refusal["hint"]) == (409, "Look at theirs, then save again.")
    assert kept(console, "written-over") == json.dumps(text("second"))
    console.call("cloudwatch/DeleteDashboards", b'{"DashboardNames": ["written-over"]}')
    assert written(console, "written-over", text("third"), json.dumps(text("second")))[0] == 409


def test_of_many_who_write_at_once_one_does(console: Any) -> None:
    written(console, "at-once", text("before"), None)
    before = kept(console, "at-once")
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda at: written(console, "at-once", text(f"of {at}"), before)[0], range(8)))
    assert sorted(answers) == [200] + [409] * 7
    assert kept(console, "at-once") == json.dumps(text(f"of {answers.index(200)}"))


def test_a_default_dashboard_may_be_written_over(console: Any) -> None:
    name = "epochwatch-job-finished"
    shown = kept(console, name)
    assert written(console, name, text("mine"), shown)[0] == 200
    assert written(console, name, text("theirs"), shown)[0] == 409
    console.call("cloudwatch/DeleteDashboards", json.dumps({"DashboardNames": [name]}).encode())


def test_a_large_dashboard_is_written_over_itself(console: Any) -> None:
    large = text("x" * 700_000)
    assert written(console, "large", large, None)[0] == 200
    assert written(console, "large", text("small"), kept(console, "large"))[0] == 200


def test_what_cannot_be_a_dashboard_is_not_written(console: Any) -> None:
    status, refusal = written(console, "refused", {"widgets": [{"type": "nothing"}]}, None)
    assert status == 400
    assert "/widgets/0/type" in refusal["message"]
    assert written(console, "wrong.name", text("x"), None)[0] == 400
    assert written(console, "refused", text("x"), None, tags={"aws:x": "y"})[0] == 400
    assert written(console, "refused", "[1]", None)[0] == 400
    assert console.get("/_/api/dashboards/refused")[0] == 404
