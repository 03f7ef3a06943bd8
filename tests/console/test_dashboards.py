"""Dashboards in a real Chromium: made, looked at, arranged, changed and deleted."""

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.console.accessibility import violations

pytestmark = pytest.mark.xdist_group("console")

LOSS = ["/aws/sagemaker/TrainingJobs", "explored", "TrainingJobName", "live"]
TEXT = "## Read me\n\n<img src=x onerror=alert(1)> **bold** [no](javascript:alert(1))"
ARN = "arn:aws:cloudwatch:us-east-1:123456789012:alarm:"


@pytest.fixture
def page(console: Any, chromium: Any) -> Iterator[Page]:
    """Signed in. Afterwards: no script error, no broken policy, nothing asked of another host."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900}, color_scheme="light")
    context.set_default_timeout(20_000)
    problems: list[str] = []
    hosts: set[str] = set()
    page = context.new_page()
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("request", lambda request: hosts.add(urlsplit(request.url).netloc))
    page.goto(f"{console.url}/_/login?token={console.token}&next=/_/dashboards")
    yield page
    context.close()
    assert problems == []
    assert hosts == {f"127.0.0.1:{console.port}"}


def put(console: Any, name: str, widgets: list[dict[str, Any]], **body: Any) -> None:
    given = {"DashboardName": name, "DashboardBody": json.dumps({"start": "-PT3H", **body, "widgets": widgets})}
    status, answer = console.call("cloudwatch/PutDashboard", json.dumps(given).encode())
    assert status == 200, answer


def body_of(console: Any, name: str) -> dict[str, Any]:
    _, answer = console.call("cloudwatch/GetDashboard", json.dumps({"DashboardName": name}).encode())
    return dict(json.loads(answer["DashboardBody"]))


def widget(kind: str, x: int, y: int, **properties: Any) -> dict[str, Any]:
    return {"type": kind, "x": x, "y": y, "width": 8, "height": 5, "properties": properties}


def metric(x: int, y: int, **properties: Any) -> dict[str, Any]:
    given = {"region": "us-east-1", "period": 60, "metrics": [LOSS], "title": f"at {x} {y}", **properties}
    return widget("metric", x, y, **given)


def every_kind(console: Any) -> None:
    alarm = {
        "AlarmName": "loss-high",
        "Namespace": LOSS[0],
        "MetricName": LOSS[1],
        "Statistic": "Average",
        "Period": 60,
        "EvaluationPeriods": 1,
        "Threshold": 5.0,
        "ComparisonOperator": "GreaterThanThreshold",
    }
    assert console.call("cloudwatch/PutMetricAlarm", json.dumps(alarm).encode())[0] == 200
    views = ["timeSeries", "singleValue", "gauge", "bar", "pie", "table"]
    gauge = {"yAxis": {"left": {"min": 0, "max": 10}}}
    widgets = [
        metric(index % 3 * 8, index // 3 * 5, view=view, title=view, **(gauge if view == "gauge" else {}))
        for index, view in enumerate(views)
    ]
    line = "SOURCE '/aws/sagemaker/TrainingJobs' | fields @message | limit 3"
    put(
        console,
        "every-kind",
        [
            *widgets,
            widget(
                "text",
                0,
                10,
                markdown="## Read me\n\n<img src=x onerror=alert(1)> **bold** [no](javascript:alert(1))",
            ),
            widget("alarm", 8, 10, title="Alarms", alarms=[f"{ARN}loss-high"]),
            widget("log", 16, 10, title="Lines", query=line, region="us-east-1", view="table"),
        ],
    )


def test_every_kind_of_widget_is_drawn(page: Page, console: Any) -> None:
    every_kind(console)
    console.tell(values={"explored": 3.5}, step=1, line="a line for the dashboard")
    page.goto(f"{console.url}/_/dashboards/every-kind")
    expect(page.get_by_role("article")).to_have_count(9)
    expect(page.locator("[data-widget='0'] canvas")).to_be_visible()
    expect(page.locator("[data-widget='0'] .value")).not_to_have_text("–")
    expect(page.locator("[data-widget='1'] b")).not_to_have_text("–")
    expect(page.locator("[data-widget='2'] meter")).to_be_visible()
    expect(page.locator("[data-widget='3'] .bar-length")).to_be_visible()
    expect(page.locator("[data-widget='4'] path")).to_be_visible()
    expect(page.locator("[data-widget='5'] tbody th")).to_contain_text("explored")
    text = page.locator("[data-widget='6']")
    expect(text.get_by_role("heading", name="Read me")).to_be_visible()
    expect(text).to_contain_text("<img src=x onerror=alert(1)>")  # what is no Markdown is shown, not done
    expect(text.get_by_role("link")).to_have_count(0)
    expect(page.locator("[data-widget='7']")).to_contain_text("loss-high")
    expect(page.locator("[data-widget='8'] td").first).to_be_visible()
    assert violations(page) == []


def test_a_dashboard_is_made_filled_and_deleted(page: Page, console: Any) -> None:
    page.get_by_label("Name of a new dashboard").fill("of-mine")
    page.get_by_role("button", name="Make").click()
    expect(page.get_by_role("heading", name="of-mine")).to_be_visible()
    page.get_by_role("button", name="Text", exact=True).click()
    expect(page.get_by_role("heading", name="A title")).to_be_visible()
    page.get_by_role("button", name="Metrics", exact=True).click()
    expect(page.get_by_role("article")).to_have_count(2)
    assert [one["type"] for one in body_of(console, "of-mine")["widgets"]] == ["text", "metric"]
    page.get_by_role("button", name="Remove Loss").click()
    expect(page.get_by_role("article")).to_have_count(1)
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Delete the dashboard").click()
    expect(page.get_by_role("heading", name="Dashboards")).to_be_visible()
    expect(page.get_by_role("link", name="of-mine")).to_have_count(0)


def test_a_widget_is_moved_by_keys_and_dragged_to_size(page: Page, console: Any) -> None:
    put(console, "moved", [metric(0, 0), metric(0, 5)])
    page.goto(f"{console.url}/_/dashboards/moved?edit=1")
    mover = page.locator("[data-widget='0']").get_by_role("button", name=re.compile("^Move"))
    mover.focus()
    with page.expect_response("**/PutDashboard"):
        page.keyboard.press("ArrowDown")
    # What it was put upon has made room.
    expect(page.locator("[data-widget='1']")).to_have_css("grid-row-start", "7")
    boxes = [(one["x"], one["y"]) for one in body_of(console, "moved")["widgets"]]
    assert boxes == [(0, 1), (0, 6)]
    corner = page.locator("[data-widget='1'] .corner")
    corner.scroll_into_view_if_needed()
    box = corner.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 8, box["y"] + 8)
    page.mouse.down()
    page.mouse.move(box["x"] + 400, box["y"] + 60, steps=5)
    with page.expect_response("**/PutDashboard"):
        page.mouse.up()
    last = body_of(console, "moved")["widgets"][1]
    assert last["width"] > 8
    assert last["height"] > 5


def test_the_source_is_changed_and_mistakes_in_it_are_told(page: Page, console: Any) -> None:
    put(console, "written", [metric(0, 0)])
    page.goto(f"{console.url}/_/dashboards/written")
    page.get_by_role("button", name="Source").click()
    source = page.get_by_label("Source of the dashboard")
    source.fill('{"widgets": [{"type": "metric"}]}')
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("/widgets/0")
    source.fill('{"widgets": [{"type": "text", "properties": {"markdown": "# Changed"}}]}')
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="Changed")).to_be_visible()
    expect(page.get_by_role("alert")).to_have_count(0)


def test_times_and_variables_stand_in_the_address(page: Page, console: Any) -> None:
    variable = {
        "type": "property",
        "property": "TrainingJobName",
        "inputType": "select",
        "id": "job",
        "label": "Job",
        "defaultValue": "live",
        "visible": True,
        "values": [{"value": "live"}, {"value": "finished"}],
    }
    put(console, "chosen", [metric(0, 0, title="Loss")], variables=[variable])
    page.goto(f"{console.url}/_/dashboards/chosen")
    with page.expect_request(lambda request: "finished" in (request.post_data or "")):
        page.get_by_label("Job", exact=True).select_option("finished")
    page.get_by_role("button", name="12 h").click()
    assert "variable=job%3Dfinished" in page.url
    assert "start=-PT12H" in page.url
    page.reload()
    expect(page.get_by_label("Job", exact=True)).to_have_value("finished")


def test_the_dashboard_that_each_job_has_is_drawn_too(page: Page, console: Any) -> None:
    page.goto(f"{console.url}/_/dashboards/epochwatch-job-live")
    expect(page.get_by_role("article").first).to_be_visible()
    page.goto(f"{console.url}/_/dashboards/nothing-here")
    expect(page.get_by_role("alert")).to_contain_text("There is no dashboard 'nothing-here'.")
