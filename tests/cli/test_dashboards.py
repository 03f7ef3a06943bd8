"""``epochwatch dashboard`` and the widgets that ``epochwatch plot`` draws, against a real server."""

import base64
import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.cli.commands import epochwatch
from tests.servers import ServerProcess

A = ["Lab", "temperature", "Room", "a"]
RUN = """
import epochwatch
for step in range(50):
    epochwatch.log({"train:loss": 2 - step / 50, "validation:loss": 2.5 - step / 50, "lr": 0.1}, step=step)
"""
SIGNATURE = b"\x89PNG\r\n\x1a\n"


class Lab:
    """A server with the temperature of two rooms in the last half hour, a job, an alarm and a dashboard."""

    def __init__(self, server: ServerProcess) -> None:
        self.server = server
        self.cloudwatch = server.boto3("cloudwatch")
        last = int(time.time()) // 60 * 60
        data = [
            {
                "MetricName": "temperature",
                "Dimensions": [{"Name": "Room", "Value": room}],
                "Timestamp": last - 60 * ago,
                "Value": value,
                "Unit": "Percent",
            }
            for ago in range(30)
            for room, value in (("a", 49.0 - ago), ("b", 5.0))
        ]
        self.cloudwatch.put_metric_data(Namespace="Lab", MetricData=data)
        self.cloudwatch.put_metric_alarm(
            AlarmName="hot",
            Namespace="Lab",
            MetricName="temperature",
            Dimensions=[{"Name": "Room", "Value": "a"}],
            Statistic="Average",
            Period=60,
            EvaluationPeriods=1,
            Threshold=1000.0,
            ComparisonOperator="GreaterThanThreshold",
        )

    def run(self, *arguments: str, stdin: str = "") -> "subprocess.CompletedProcess[str]":
        return epochwatch(self.server.home, *arguments, environment=self.server.environment, stdin=stdin)

    def plot(self, *arguments: str, stdin: str = "") -> str:
        done = self.run("plot", *arguments, "--width", "80", stdin=stdin)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def widget(self, **properties: Any) -> str:
        shown = {"metrics": [A, ["...", "b"]], "period": 60, "start": "-PT3H", "region": "us-east-1"}
        return self.plot("--widget", "-", stdin=json.dumps(shown | properties))


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with ServerProcess(tmp_path_factory.mktemp("home")) as server:
        made = Lab(server)
        done = made.run("run", "--name", "resnet-7", "--", sys.executable, "-c", RUN)
        assert done.returncode == 0, done.stderr
        yield made


def body(*widgets: dict[str, Any]) -> str:
    return json.dumps({"start": "-PT3H", "widgets": list(widgets)})


def metric(**properties: Any) -> dict[str, Any]:
    return {"type": "metric", "properties": {"metrics": [A], "period": 60, "region": "us-east-1"} | properties}


def test_boto3_keeps_dashboards_and_learns_what_is_wrong_with_them(lab: Lab) -> None:
    cloudwatch = lab.cloudwatch
    assert (
        cloudwatch.put_dashboard(DashboardName="boto", DashboardBody=body())["DashboardValidationMessages"] == []
    )
    assert cloudwatch.get_dashboard(DashboardName="boto")["DashboardBody"] == body()
    pages = cloudwatch.get_paginator("list_dashboards").paginate(DashboardNamePrefix="bo")
    assert [one["DashboardName"] for page in pages for one in page["DashboardEntries"]] == ["boto"]
    with pytest.raises(cloudwatch.exceptions.DashboardInvalidInputError) as refusal:
        cloudwatch.put_dashboard(DashboardName="boto", DashboardBody="{}")
    assert refusal.value.response["Error"]["Code"] == "InvalidParameterInput"
    assert refusal.value.response["dashboardValidationMessages"] == [
        {"DataPath": "", "Message": "Should have required property 'widgets'"}
    ]
    cloudwatch.delete_dashboards(DashboardNames=["boto"])
    with pytest.raises(cloudwatch.exceptions.ResourceNotFound):
        cloudwatch.get_dashboard(DashboardName="boto")


def test_boto3_gets_the_picture_of_a_widget(lab: Lab) -> None:
    picture = lab.cloudwatch.get_metric_widget_image(MetricWidget=json.dumps({"metrics": [A], "theme": "dark"}))
    assert picture["MetricWidgetImage"].startswith(SIGNATURE)


def asked_by_form(lab: Lab, **members: str) -> tuple[str, bytes]:
    """The media type and the body of an answer to the query protocol, which older clients speak."""
    form = urlencode({"Action": "GetMetricWidgetImage", "Version": "2010-08-01", **members})
    headers = {"content-type": "application/x-www-form-urlencoded"}
    request = AWSRequest("POST", lab.server.url + "/", headers, form)
    keys = lab.server.credentials
    signer = Credentials(keys["access_key_id"], keys["secret_access_key"])
    SigV4Auth(signer, "monitoring", "us-east-1").add_auth(request)
    sent = urllib.request.Request(request.url, form.encode(), dict(request.headers))
    with urllib.request.urlopen(sent, timeout=60) as answer:
        return answer.headers["content-type"], answer.read()


def test_a_picture_is_in_the_answer_or_is_the_answer(lab: Lab) -> None:
    widget = json.dumps({"metrics": [A], "start": "2026-01-01T00:00:00Z", "end": "2026-01-02T00:00:00Z"})
    kind, picture = asked_by_form(lab, MetricWidget=widget, OutputFormat="image/png")
    assert kind == "image/png"
    assert picture.startswith(SIGNATURE)
    kind, answer = asked_by_form(lab, MetricWidget=widget)
    assert kind == "text/xml"
    assert f"<MetricWidgetImage>{base64.b64encode(picture).decode()}</MetricWidgetImage>" in answer.decode()


def test_a_widget_is_drawn_as_curves_with_its_title_unit_and_lines(lab: Lab) -> None:
    text = lab.widget(title="Rooms", annotations={"horizontal": [{"value": 60, "label": "too hot"}]})
    assert text.startswith("Rooms\nPercent\n")
    assert "● a   ■ b   ▲ too hot" in text
    assert any("\u2800" < mark <= "\u28ff" for mark in text)


def test_the_ends_of_an_axis_hold(lab: Lab) -> None:
    rows = lab.widget(yAxis={"left": {"min": -100, "max": 300, "showUnits": False}}).splitlines()
    assert rows[0].strip() == "300 ┤"
    assert any(row.startswith(" -100 ┤") for row in rows)


def test_curves_of_the_right_axis_have_a_chart_of_their_own(lab: Lab) -> None:
    text = lab.widget(metrics=[A, ["...", "b", {"yAxis": "right"}]], yAxis={"right": {"label": "other"}})
    left, _, right = text.partition("other (Percent)")
    assert "● a" in left
    assert "● b" in right


def test_stacked_curves_lie_upon_each_other(lab: Lab) -> None:
    assert lab.widget(stacked=True, yAxis={"left": {"showUnits": False}}).startswith("54 ┤")


@pytest.mark.parametrize(
    ("view", "more", "words"),
    [
        ("singleValue", {}, ["a", "49", "Percent", "20", "49"]),
        ("table", {}, ["a", "49", "Percent", "20", "49"]),
        ("bar", {}, ["a", "█" * 40, "49"]),
        ("pie", {}, ["a", "█" * 36 + "▎", "90.7%"]),
        ("gauge", {"yAxis": {"left": {"min": 0, "max": 98}}}, ["a", "█" * 20, "49", "of", "0", "to", "98"]),
    ],
)
def test_numbers_are_shown_as_the_view_says(lab: Lab, view: str, more: dict[str, Any], words: list[str]) -> None:
    row = lab.widget(view=view, **more).splitlines()[1].split()
    assert row[: len(words)] == words


def test_a_dashboard_is_drawn_widget_by_widget(lab: Lab) -> None:
    alarm = lab.cloudwatch.describe_alarms(AlarmNames=["hot"])["MetricAlarms"][0]["AlarmArn"]
    made = body(
        {"type": "text", "y": 0, "properties": {"markdown": "# Rooms of the lab"}},
        metric(title="Room a") | {"y": 6},
        {"type": "alarm", "y": 12, "properties": {"title": "Alarms", "alarms": [alarm]}},
        {"type": "log", "y": 18, "properties": {"query": "SOURCE 'x'", "title": "Errors"}},
    )
    lab.cloudwatch.put_dashboard(DashboardName="lab", DashboardBody=made)
    text = lab.plot("--dashboard", "lab")
    places = [text.index(words) for words in ("Rooms of the lab", "Room a", "Alarms", "hot", "Errors: a widget")]
    assert places == sorted(places)


def test_variables_of_a_dashboard_have_their_defaults_or_the_values_that_are_given(lab: Lab) -> None:
    variable = {"id": "room", "type": "property", "property": "Room", "inputType": "input", "defaultValue": "b"}
    shown = metric(metrics=[[*A, {"label": "${PROP('Dim.Room')} it is"}]])
    made = json.dumps({"start": "-PT3H", "widgets": [shown], "variables": [variable]})
    lab.cloudwatch.put_dashboard(DashboardName="rooms", DashboardBody=made)
    assert "b it is" in lab.plot("--dashboard", "rooms")
    assert "a it is" in lab.plot("--dashboard", "rooms", "--variable", "room=a")


def test_a_job_has_a_dashboard_without_anybody_having_made_one(lab: Lab) -> None:
    text = lab.plot("resnet-7")
    assert "train:loss   ■ validation:loss" in text
    assert text.index("loss") < text.index("lr")
    assert "epochwatch-job" not in lab.run("dashboard", "list").stdout


def test_the_dashboard_over_all_jobs_says_whose_each_curve_is(lab: Lab) -> None:
    assert "resnet-7 train:loss" in lab.plot("--dashboard", "epochwatch-fleet", "--height", "6")


def test_pictures_are_written_into_files(lab: Lab, tmp_path: Path) -> None:
    lab.plot("resnet-7", "train:loss", "lr", "--png", str(tmp_path / "one.png"))
    lab.plot("--dashboard", "epochwatch-job-resnet-7", "--png", str(tmp_path / "all.png"))
    names = {path.name for path in tmp_path.iterdir()}
    assert {"one.png", "all-1.png", "all-2.png"} <= names
    assert all(path.read_bytes().startswith(SIGNATURE) for path in tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "stdin", "words"),
    [
        ((), "", "draw one of JOB, --dashboard and --widget"),
        (("resnet-7", "--dashboard", "lab"), "", "draw one of JOB"),
        (("--dashboard", "epochwatch-fleet", "--variable", "x=1"), "", "has no variable x: it has none"),
        (("--dashboard", "epochwatch-fleet", "--variable", "x"), "", "--variable must be ID=VALUE"),
        (("resnet-7", "--variable", "x=1"), "", "--variable is for --dashboard"),
        (("--dashboard", "nobody"), "", "Dashboard nobody does not exist"),
        (("--widget", "-"), "{", "is not JSON"),
        (("--widget", "-"), "[]", "The widget is not the JSON of an object"),
        (("--widget", "-"), '{"metrics": [["Lab"]]}', "/metrics/0: Should NOT have less than 2 items"),
        (("--widget", "-"), '{"metrics": [["Lab", "x"]], "theme": 1}', "The widget is invalid"),
        (("--widget", "-"), '{"metrics": [[{"expression": "m1 +"}]]}', "Error in expression"),
        (("--widget", "-", "--png", "x.png"), '{"metrics": [["Lab", "x"]], "view": "table"}', "no metric widget"),
        (("resnet-7", "trainloss", "--png", "x.png"), "", "has no metric trainloss"),
    ],
)
def test_what_cannot_be_drawn_is_said(lab: Lab, arguments: tuple[str, ...], stdin: str, words: str) -> None:
    done = lab.run("plot", *arguments, stdin=stdin)
    assert done.returncode != 0
    assert done.stderr.startswith("error: ")
    assert words in done.stderr


def test_a_widget_without_data_says_so(lab: Lab) -> None:
    done = lab.run("plot", "--widget", "-", stdin=json.dumps({"metrics": [["Lab", "nothing"]]}))
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.startswith("no data from ")


def test_dashboards_leave_as_a_template_and_come_back(lab: Lab, tmp_path: Path) -> None:
    for name in ("round-1", "round-2"):
        lab.cloudwatch.put_dashboard(DashboardName=name, DashboardBody=body(metric(title=name)))
    path = tmp_path / "template.json"
    assert lab.run("dashboard", "export", "round-1", "round-2", "-o", str(path)).returncode == 0
    lab.cloudwatch.delete_dashboards(DashboardNames=["round-1", "round-2"])
    done = lab.run("dashboard", "import", str(path))
    assert (done.returncode, done.stdout) == (0, "round-1\nround-2\n"), done.stderr
    assert lab.cloudwatch.get_dashboard(DashboardName="round-2")["DashboardBody"] == body(metric(title="round-2"))
    listed = json.loads(lab.run("dashboard", "list", "--prefix", "round", "--json").stdout)
    assert [one["DashboardName"] for one in listed] == ["round-1", "round-2"]


def test_a_body_alone_is_put_under_a_name(lab: Lab) -> None:
    assert lab.run("dashboard", "import", "-", "--name", "alone", stdin=body()).returncode == 0
    assert json.loads(lab.run("dashboard", "show", "alone").stdout) == json.loads(body())


def test_an_exported_default_dashboard_can_be_put(lab: Lab) -> None:
    made = lab.run("dashboard", "export", "epochwatch-fleet").stdout
    assert lab.run("dashboard", "import", "-", stdin=made).stdout == "epochwatch-fleet\n"
    lab.cloudwatch.delete_dashboards(DashboardNames=["epochwatch-fleet"])


@pytest.mark.parametrize(
    ("stdin", "words"),
    [
        ("Resources:", "is not JSON"),
        ("{}", "it is no CloudFormation template"),
        (
            json.dumps(
                {"Resources": {"D": {"Type": "AWS::CloudWatch::Dashboard", "Properties": {"DashboardBody": "{}"}}}}
            ),
            "Should have required property 'widgets'",
        ),
    ],
)
def test_what_cannot_be_imported_is_said(lab: Lab, stdin: str, words: str) -> None:
    done = lab.run("dashboard", "import", "-", stdin=stdin)
    assert done.returncode != 0
    assert words in done.stderr
