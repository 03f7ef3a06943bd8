"""The explorer of metrics in a real Chromium: found, drawn, calculated with, and put to use."""

import json
import re
from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Page, expect

from tests.console.accessibility import violations

pytestmark = pytest.mark.xdist_group("console")

DRAW = re.compile("^Draw explored TrainingJobName=live$")


@pytest.fixture
def page(console: Any, browse: Any) -> Page:
    """With a metric that is just written."""
    console.tell(values={"explored": 3.5}, step=1)
    return browse(console, "/_/metrics")


def test_metrics_are_listed_by_words_and_by_what_they_have(console: Any) -> None:
    console.tell(values={"explored": 3.5}, step=1)
    found = console.json("/metrics?search=EXPLORED%20live")
    assert "explored" in {one["name"] for one in found["metrics"]}
    assert all(["TrainingJobName", "live"] in one["dimensions"] for one in found["metrics"])
    assert dict(found["dimensions"])["TrainingJobName"] == found["total"]
    assert console.json("/metrics?search=explored&dimensions=Host")["total"] == 0
    assert console.json("/metrics?namespace=nowhere")["metrics"] == []
    assert len(console.json("/metrics?limit=2")["metrics"]) == 2


def test_metrics_of_a_job_are_its_own_and_its_hosts(console: Any) -> None:
    console.tell(values={"explored": 3.5}, step=1)
    found = console.json("/metrics?job=live&limit=1000")["metrics"]
    assert "explored" in {one["name"] for one in found}
    for one in found:
        assert any(value == "live" or value.startswith("live/") for _, value in one["dimensions"]), one
    assert console.json("/metrics?job=liv")["total"] == 0


def test_a_widget_is_told_with_all_that_is_drawn_of_it(console: Any) -> None:
    console.tell(values={"explored": 3.5}, step=1)
    row = ["/aws/sagemaker/TrainingJobs", "explored", "TrainingJobName", "live"]
    given = {
        "metrics": [[*row, {"id": "m1"}], [{"expression": "m1 * 2", "id": "e1", "label": "double"}]],
        "stacked": True,
        "period": 60,
        "legend": {"position": "right"},
        "annotations": {
            "horizontal": [{"value": 9, "fill": "above"}, [{"value": 2, "label": "to"}, {"value": 1}]],
            "vertical": [
                {"value": "2026-01-02T00:00:00Z", "label": "start", "fill": "after"},
                [{"value": "2026-01-02T02:00:00Z"}, {"value": "2026-01-02T01:00:00Z", "label": "span"}],
                {"value": "2026-01-03T00:00:00Z", "visible": False},
            ],
        },
    }
    told = console.json(f"/widget?{urlencode({'widget': json.dumps(given)})}")
    first, second = told["curves"]
    assert (first["row"], first["dimensions"], first["period"]) == (0, [["TrainingJobName", "live"]], 60)
    assert (second["row"], second["label"], second["low"]) == (1, "double", first["values"])
    assert (told["legend"], told["stacked"]) == ("right", True)
    assert told["levels"][0]["fill"] == "above"
    assert [(one["low"], one["high"]) for one in told["bands"]] == [(1, 2)]
    day = 1767312000
    assert [(one["time"], one["until"], one["label"], one["fill"]) for one in told["marks"]] == [
        (day, None, "start", "after"),
        (day + 3600, day + 7200, "span", "none"),
        (day + 7200, None, "", "none"),
    ]


def test_what_can_be_written_is_told(console: Any) -> None:
    found = console.json("/expressions")
    assert {"name": "FLOOR", "usage": "FLOOR(m1)", "meaning": "each point rounded down"} in found["functions"]
    assert all(found[name] for name in ("statistics", "labels", "sql"))


def test_a_metric_is_found_drawn_and_kept_in_the_address(page: Page) -> None:
    expect(page.get_by_role("list", name="Namespaces")).to_contain_text("/aws/sagemaker/TrainingJobs")
    page.keyboard.press("/")
    page.keyboard.type("explored live")
    page.get_by_label(DRAW).check()
    expect(page.locator(".graph canvas")).to_be_visible()
    expect(page.locator(".graph .value")).not_to_have_text("–")
    page.get_by_role("button", name="Numbers").click()
    expect(page.locator(".graph figure")).to_contain_text("explored")
    page.reload()
    expect(page.get_by_label(DRAW)).to_be_checked()
    expect(page.locator(".graph figure")).to_be_visible()
    assert violations(page) == []


def test_curves_are_calculated_with(page: Page) -> None:
    page.get_by_label("Search metrics").fill("explored live")
    page.get_by_label(DRAW).check()
    page.get_by_role("button", name="Add an expression").click()
    expression = page.get_by_label("Expression e1")
    expression.fill("m1 * 1000")
    expression.press("Enter")
    expect(page.locator(".graph .key")).to_have_count(2)
    label = page.get_by_label("Label of expression")
    label.fill("a thousandfold")
    label.press("Enter")
    expect(page.locator(".graph .key").nth(1)).to_contain_text("a thousandfold")
    statistic = page.get_by_label(re.compile("^Statistic of explored"))
    statistic.fill("p99")
    statistic.press("Enter")
    expect(page.get_by_role("alert")).to_have_count(0)
    expression.fill("m1 + AVGG(m1)")
    expression.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("did you mean AVG?")
    expect(page.locator(".graph .key")).to_have_count(1)  # the other is drawn all the same


def test_a_graph_goes_to_a_dashboard(page: Page, console: Any) -> None:
    page.get_by_label("Search metrics").fill("explored live")
    page.get_by_label(DRAW).check()
    page.get_by_label("Name of the dashboard").fill("from-the-explorer")
    page.get_by_role("button", name="Add to the dashboard").click()
    page.get_by_role("link", name="See it").click()
    expect(page.get_by_role("heading", name="from-the-explorer")).to_be_visible()
    expect(page.locator("[data-widget='0'] canvas")).to_be_visible()
    console.perform("cloudwatch/DeleteDashboards", DashboardNames=["from-the-explorer"])


def test_an_alarm_is_made_with_its_threshold_drawn(page: Page, console: Any) -> None:
    page.get_by_label("Search metrics").fill("explored live")
    page.get_by_label(DRAW).check()
    expect(page.locator(".graph canvas")).to_be_visible()
    page.get_by_role("button", name="Make an alarm").click()
    form = page.get_by_role("form", name="A new alarm")
    form.get_by_label("Name of the alarm").fill("drawn-by-hand")
    threshold = form.get_by_label("Threshold")
    threshold.fill("1")
    expect(page.locator(".graph .u-over")).to_be_visible()
    box = page.locator(".graph .u-over").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 300, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + 300, box["y"] + 10, steps=4)
    page.mouse.up()
    expect(threshold).not_to_have_value("1")
    assert "start=" not in page.url  # it was no zoom
    drawn = float(threshold.input_value())
    form.get_by_role("button", name="Make it").click()
    expect(page.get_by_text("The alarm drawn-by-hand is at work.")).to_be_visible()
    [alarm] = console.perform("cloudwatch/DescribeAlarms", AlarmNames=["drawn-by-hand"])["MetricAlarms"]
    assert (alarm["Threshold"], alarm["MetricName"], alarm["DatapointsToAlarm"]) == (drawn, "explored", 2)
    console.perform("cloudwatch/DeleteAlarms", AlarmNames=["drawn-by-hand"])
    page.get_by_role("button", name="Make an alarm").click()
    form.get_by_label("Name of the alarm").fill("written-with-care")
    threshold.fill("7.5")
    form.get_by_role("link", name="More: in the editor").click()
    expect(page.get_by_role("heading", name="A new alarm")).to_be_visible()
    expect(form.get_by_label("Name", exact=True)).to_have_value("written-with-care")
    expect(form.get_by_label("Threshold", exact=True)).to_have_value("7.5")
    expect(form.get_by_label("Datapoints to alarm")).to_have_value("2")
    expect(form.get_by_text("explored")).to_be_visible()


def test_the_time_is_chosen_moved_and_zoomed(page: Page) -> None:
    time = page.get_by_role("group", name="Time")
    page.keyboard.press("Shift+T")
    page.keyboard.type("90")
    time.get_by_label("Unit").select_option("minutes")
    time.get_by_role("form", name="A time back from now").get_by_role("button", name="Apply").click()
    expect(time.locator("summary")).to_have_text("last 90 minutes")
    assert "start=-PT90M" in page.url
    page.keyboard.press("[")
    expect(time.get_by_role("button", name="Back to now")).to_be_visible()
    page.keyboard.press("]")
    expect(time.locator("summary")).to_have_text("last 90 minutes")
    page.keyboard.press("Shift+T")
    fixed = time.get_by_role("form", name="A time from and to")
    fixed.get_by_label("From").fill("2026-01-02T10:00:00")
    fixed.get_by_label("To").fill("2026-01-02T09:00:00")
    fixed.get_by_role("button", name="Apply").click()
    expect(time.get_by_role("alert")).to_contain_text("before the end")
    fixed.get_by_label("To").fill("2026-01-02T11:00:00")
    assert violations(page) == []
    fixed.get_by_role("button", name="Apply").click()
    expect(time.locator("summary")).to_have_text("2026-01-02 10:00:00 – 2026-01-02 11:00:00")
    page.reload()
    expect(time.locator("summary")).to_have_text("2026-01-02 10:00:00 – 2026-01-02 11:00:00")
    page.keyboard.press("0")
    expect(time.get_by_role("button", name="3 h")).to_have_attribute("aria-pressed", "true")
