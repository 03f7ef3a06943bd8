"""Dashboards in a real Chromium: made, looked at, arranged, changed and deleted."""

import json
import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.console.accessibility import violations

pytestmark = pytest.mark.xdist_group("console")

LOSS = ["/aws/sagemaker/TrainingJobs", "explored", "TrainingJobName", "live"]
TEXT = "## Read me\n\n<img src=x onerror=alert(1)> **bold** [no](javascript:alert(1))"
ARN = "arn:aws:cloudwatch:us-east-1:123456789012:alarm:"


@pytest.fixture
def page(console: Any, browse: Any) -> Page:
    console.tell(values={"explored": 3.5}, step=1)
    return browse(console, "/_/dashboards")


def put(console: Any, name: str, widgets: list[dict[str, Any]], **body: Any) -> None:
    source = json.dumps({"start": "-PT3H", **body, "widgets": widgets})
    console.perform("cloudwatch/PutDashboard", DashboardName=name, DashboardBody=source)


def body_of(console: Any, name: str) -> dict[str, Any]:
    answer = console.perform("cloudwatch/GetDashboard", DashboardName=name)
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
    console.perform("cloudwatch/PutMetricAlarm", **alarm)
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
    console.tell(line="a line for the dashboard")
    page.goto(f"{console.url}/_/dashboards/every-kind")
    expect(page.get_by_role("article")).to_have_count(9)
    expect(page.locator("[data-widget='0'] canvas")).to_be_visible()
    expect(page.locator("[data-widget='0'] .value")).not_to_have_text("–")
    expect(page.locator("[data-widget='1'] b")).not_to_have_text("–")
    expect(page.locator("[data-widget='2']").get_by_role("meter")).to_be_visible()
    expect(page.locator("[data-widget='3'] .bar-length")).to_be_visible()
    expect(page.locator("[data-widget='4'] path")).to_be_visible()
    expect(page.locator("[data-widget='5'] tbody th")).to_contain_text("explored")
    text = page.locator("[data-widget='6']")
    expect(text.get_by_role("heading", name="Read me")).to_be_visible()
    expect(text).to_contain_text("<img src=x onerror=alert(1)>")  # what is no Markdown is shown, not done
    expect(text.get_by_role("link")).to_have_count(0)
    expect(page.locator("[data-widget='7']")).to_contain_text("loss-high")
    expect(page.locator("[data-widget='8'] .query-list .query-row").first).to_be_visible()
    assert violations(page) == []


def begin_editing(page: Page, console: Any, name: str) -> None:
    page.goto(f"{console.url}/_/dashboards/{name}?edit=1")
    expect(page.get_by_role("group", name="Edit the dashboard")).to_be_visible()


def save(page: Page) -> None:
    with page.expect_response(lambda answer: answer.request.method == "PUT"):
        page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("All is saved")).to_be_visible()


def test_a_dashboard_is_made_filled_and_deleted(page: Page, console: Any) -> None:
    expect(page.get_by_role("heading", name="Dashboards")).to_be_visible()
    page.keyboard.press("n")
    page.get_by_label("Name", exact=True).fill("of-mine")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Add a widget", exact=True)).to_be_visible()
    page.keyboard.press("w")
    gallery = page.get_by_role("dialog", name="Add a widget")
    gallery.get_by_role("button", name="Text").click()
    page.get_by_label("Markdown").fill("# Of mine\n\nwords")
    expect(page.get_by_role("region", name="Preview")).to_contain_text("words")
    assert violations(page) == []
    page.get_by_role("button", name="Add it").click()
    expect(page.get_by_role("article")).to_contain_text("words")
    page.get_by_role("button", name="+ Add a widget").click()
    gallery.get_by_role("button", name="Metrics").click()
    editor = page.get_by_role("dialog")
    editor.get_by_label("Title").fill("Loss")
    editor.get_by_label("Find metrics by words of their names").fill("train:loss finished")
    editor.get_by_role("checkbox", name=re.compile("^Draw train:loss TrainingJobName=finished")).check()
    expect(editor.locator(".preview canvas")).to_be_visible()
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("article")).to_have_count(2)
    assert body_of(console, "of-mine")["widgets"] == []  # nothing is kept before it is saved
    save(page)
    kept = body_of(console, "of-mine")["widgets"]
    assert [one["type"] for one in kept] == ["text", "metric"]
    assert ["/aws/sagemaker/TrainingJobs", "train:loss", "TrainingJobName", "finished"] in kept[1]["properties"][
        "metrics"
    ]
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_text("Actions").click()
    page.get_by_role("button", name="Delete the dashboard").click()
    expect(page.get_by_role("heading", name="Dashboards")).to_be_visible()
    expect(page.get_by_role("link", name="of-mine")).to_have_count(0)


def test_changes_are_undone_done_again_and_discarded(page: Page, console: Any) -> None:
    put(console, "undone", [metric(0, 0, title="one"), metric(8, 0, title="two")])
    begin_editing(page, console, "undone")
    page.get_by_role("button", name="Remove one").click()
    expect(page.get_by_role("article")).to_have_count(1)
    page.get_by_role("button", name="Duplicate two").click()
    expect(page.get_by_role("article")).to_have_count(2)
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+z")
    expect(page.get_by_role("button", name="Remove one")).to_be_visible()
    page.keyboard.press("Control+Shift+z")
    expect(page.get_by_role("button", name="Remove one")).to_have_count(0)
    page.reload()  # the draft outlives it, and is told
    expect(page.get_by_text("Changes of yours that were not saved are back.")).to_be_visible()
    expect(page.get_by_role("article")).to_have_count(1)
    page.get_by_role("button", name="Discard", exact=True).click()
    expect(page.get_by_role("article")).to_have_count(2)
    assert len(body_of(console, "undone")["widgets"]) == 2


def test_what_somebody_else_saved_meanwhile_is_not_overwritten(page: Page, console: Any) -> None:
    put(console, "shared", [metric(0, 0, title="one")])
    begin_editing(page, console, "shared")
    page.get_by_role("button", name="Duplicate one").click()
    expect(page.get_by_role("article")).to_have_count(2)
    put(console, "shared", [widget("text", 0, 0, markdown="# theirs")])
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("Somebody else has saved this dashboard")
    assert len(body_of(console, "shared")["widgets"]) == 1
    page.get_by_role("button", name="Take theirs, drop mine").click()
    expect(page.get_by_role("heading", name="theirs").last).to_be_visible()
    expect(page.get_by_role("alert")).to_have_count(0)


def test_a_widget_is_moved_by_keys_and_dragged_to_size(page: Page, console: Any) -> None:
    put(console, "moved", [metric(0, 0), metric(0, 5)])
    begin_editing(page, console, "moved")
    mover = page.locator("[data-widget='0']").get_by_role("button", name=re.compile("^Move"))
    mover.focus()
    page.keyboard.press("ArrowDown")
    # What it was put upon has made room.
    expect(page.locator("[data-widget='1']")).to_have_css("grid-row-start", "7")
    expect(mover).to_be_focused()
    corner = page.locator("[data-widget='1'] .corner")
    corner.scroll_into_view_if_needed()
    box = corner.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 8, box["y"] + 8)
    page.mouse.down()
    page.mouse.move(box["x"] + 400, box["y"] + 60, steps=5)
    page.mouse.up()
    save(page)
    first, last = body_of(console, "moved")["widgets"]
    assert (first["x"], first["y"]) == (0, 1)
    assert (last["x"], last["y"]) == (0, 6)
    assert last["width"] > 8
    assert last["height"] > 5


def test_every_property_of_a_metric_widget_has_a_control(page: Page, console: Any) -> None:
    put(console, "edited", [metric(0, 0, title="one")])
    begin_editing(page, console, "edited")
    page.get_by_role("button", name="Edit one").click()
    editor = page.get_by_role("dialog")
    editor.get_by_role("button", name="Gauge").click()
    editor.get_by_role("group", name="Left axis").get_by_label("To").fill("9")
    editor.get_by_label("Statistic").fill("p90")
    editor.get_by_label("One value over the whole time").check()
    editor.get_by_label("Legend").select_option("right")
    editor.get_by_text("Annotations").click()
    editor.get_by_role("group", name="Lines at values").get_by_role("button", name="Add a line").click()
    editor.get_by_label("Label of line 1").fill("ceiling")
    editor.get_by_label("Label of line 1").press("Tab")
    editor.get_by_role("button", name="line 1 as a band").click()
    editor.get_by_label("Axis of line 1").select_option("right")
    editor.get_by_label("Value of line 1, its other end").fill("3")
    editor.get_by_role("button", name="Add an expression").click()
    editor.get_by_role("button", name=re.compile("^Options of explored")).click()
    editor.get_by_label("Id", exact=True).fill("m9")
    editor.get_by_label("Label").nth(0).press("Tab")
    expect(editor.get_by_role("meter")).to_have_count(2)
    editor.get_by_role("button", name="JSON").click()
    expect(editor.get_by_label("JSON of the widget")).to_have_value(re.compile('"p90"'))
    assert violations(page) == []
    editor.get_by_role("button", name="Apply").click()
    save(page)
    kept = body_of(console, "edited")["widgets"][0]["properties"]
    assert kept["view"] == "gauge"
    assert kept["yAxis"]["left"] == {"min": 0, "max": 9}
    assert kept["stat"] == "p90"
    assert kept["setPeriodToTimeRange"] is True
    assert kept["legend"] == {"position": "right"}
    assert kept["annotations"]["horizontal"] == [
        [{"value": 1, "label": "ceiling", "yAxis": "right"}, {"value": 3, "yAxis": "right"}]
    ]
    assert kept["metrics"][0] == [*LOSS, {"id": "m9"}]
    assert kept["metrics"][1] == [{"id": "e1", "expression": "m9 * 1"}]  # it follows the id


def test_what_is_wrong_in_a_widget_is_told_before_it_is_applied(page: Page, console: Any) -> None:
    put(console, "wrong", [metric(0, 0, title="one")])
    begin_editing(page, console, "wrong")
    page.get_by_role("button", name="Edit one").click()
    editor = page.get_by_role("dialog")
    editor.get_by_text("Time and place").click()
    editor.get_by_label("Time zone").fill("Mars")
    editor.get_by_label("Time zone").press("Tab")
    expect(editor.get_by_role("alert")).to_contain_text("/properties/timezone")
    expect(editor.get_by_role("button", name="Apply")).to_be_disabled()
    editor.get_by_label("Time zone").fill("+0100")
    editor.get_by_label("Time zone").press("Tab")
    expect(editor.get_by_role("button", name="Apply")).to_be_enabled()


def test_log_rows_are_drawn_as_lines_bars_and_shares(page: Page, console: Any) -> None:
    console.tell(line="a line for the chart")
    lines = "SOURCE '/aws/sagemaker/TrainingJobs' | stats count(*) as many by bin(1h)"
    shares = "SOURCE '/aws/sagemaker/TrainingJobs' | stats count(*) as many by @logStream"
    put(
        console,
        "logs-drawn",
        [
            widget("log", 0, 0, title="lines", query=lines, view="timeSeries", stacked=True, region="us-east-1"),
            widget("log", 8, 0, title="bars", query=shares, view="bar", region="us-east-1"),
            widget("log", 16, 0, title="shares", query=shares, view="pie", region="us-east-1"),
            widget(
                "log", 0, 5, title="none", query=lines.partition(" | stats")[0], view="pie", region="us-east-1"
            ),
        ],
    )
    page.goto(f"{console.url}/_/dashboards/logs-drawn?start=-P1D")
    expect(page.locator("[data-widget='0'] canvas")).to_be_visible()
    expect(page.locator("[data-widget='1'] .bar-length").first).to_be_visible()
    expect(page.locator("[data-widget='2'] path").first).to_be_visible()
    expect(page.locator("[data-widget='3']")).to_contain_text("There is nothing to draw")


def test_the_source_is_changed_and_mistakes_in_it_are_told(page: Page, console: Any) -> None:
    put(console, "written", [metric(0, 0)])
    page.goto(f"{console.url}/_/dashboards/written")
    page.keyboard.press("s")
    source = page.get_by_label("Source of the dashboard")
    source.click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text('{"widgets": [\n  {"type": "metric"}\n]}')
    problems = page.get_by_role("alert", name="What is wrong")
    expect(problems).to_contain_text("Line 2")
    expect(problems).to_contain_text("/widgets/0")
    page.keyboard.press("Control+a")
    page.keyboard.insert_text('{"widgets": [}')
    expect(page.get_by_role("alert")).to_contain_text("Line 1")
    page.keyboard.press("Control+a")
    page.keyboard.insert_text('{"widgets": [{"type": "text", "properties": {"markdown": "# Changed"}}]}')
    expect(page.get_by_role("heading", name="Changed")).to_be_visible()
    expect(page.get_by_role("alert")).to_have_count(0)
    with page.expect_response(lambda answer: answer.request.method == "PUT"):
        page.keyboard.press("Control+Enter")
    assert body_of(console, "written")["widgets"][0]["properties"] == {"markdown": "# Changed"}


def test_widgets_are_gone_through_by_arrows_and_shown_large(page: Page, console: Any) -> None:
    put(console, "keyed", [metric(0, 0, title="one"), metric(8, 0, title="two"), metric(0, 5, title="three")])
    page.goto(f"{console.url}/_/dashboards/keyed")
    expect(page.get_by_role("article")).to_have_count(3)
    page.keyboard.press("v")
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("article", name="two")).to_be_focused()
    page.keyboard.press("Enter")
    large = page.get_by_role("dialog", name="two")
    expect(large.locator("canvas")).to_be_visible()
    expect(page).to_have_url(re.compile("widget=1"))
    assert violations(page) == []
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("dialog", name="three")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page).not_to_have_url(re.compile("widget="))


def test_full_screen_leaves_everything_else_away(page: Page, console: Any) -> None:
    put(console, "kiosk", [metric(0, 0, title="one")])
    page.goto(f"{console.url}/_/dashboards/kiosk?kiosk=1&refresh=10")
    expect(page.get_by_role("article")).to_be_visible()
    expect(page.get_by_role("banner")).to_be_hidden()
    expect(page.get_by_role("button", name="Edit")).to_have_count(0)
    assert violations(page) == []
    page.keyboard.press("f")
    expect(page.get_by_role("button", name="Edit", exact=True)).to_be_visible()


def test_only_widgets_in_view_ask(page: Page, console: Any) -> None:
    put(console, "many", [metric(0, 5 * at, title=f"number {at}") for at in range(100)])
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if request.url.endswith("/widget") else None)
    page.goto(f"{console.url}/_/dashboards/many")
    expect(page.locator("[data-widget='0'] canvas")).to_be_visible()
    expect(page.get_by_role("article")).to_have_count(100)
    assert len(asked) < 20
    page.locator("[data-widget='99']").scroll_into_view_if_needed()
    expect(page.locator("[data-widget='99'] canvas")).to_be_visible()
    assert len(asked) < 40


def test_a_default_dashboard_is_copied_to_be_changed(page: Page, console: Any) -> None:
    page.goto(f"{console.url}/_/dashboards/epochwatch-job-finished")
    expect(page.get_by_role("article").first).to_be_visible()
    page.get_by_role("button", name="Copy to edit").click()
    page.get_by_label("Name", exact=True).fill("finished-of-mine")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="finished-of-mine")).to_be_visible()
    expect(page.get_by_role("group", name="Edit the dashboard")).to_be_visible()
    assert body_of(console, "finished-of-mine")["widgets"]


def test_dashboards_are_renamed_tagged_starred_and_found(page: Page, console: Any) -> None:
    put(console, "zz-old-name", [widget("text", 0, 0, markdown="# x")])
    put(console, "aa-other", [widget("text", 0, 0, markdown="# y")])
    page.goto(f"{console.url}/_/dashboards/zz-old-name")
    page.get_by_text("Actions").click()
    page.get_by_role("button", name="Tags").click()
    page.get_by_role("button", name="Add a tag").click()
    page.get_by_label("Key 1").fill("team")
    page.get_by_label("Value 1").fill("speech")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".chip")).to_contain_text("speech")
    page.get_by_text("Actions").click()
    page.get_by_role("button", name="Rename").click()
    page.get_by_label("Name", exact=True).fill("zz-new-name")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="zz-new-name")).to_be_visible()
    page.get_by_role("button", name="Star zz-new-name").click()
    page.goto(f"{console.url}/_/dashboards")
    rows = page.locator("tbody th")
    expect(rows.nth(1)).to_have_text("zz-new-name")  # behind the fleet, before all others: it has a star
    expect(page.get_by_role("link", name="zz-old-name")).to_have_count(0)
    page.keyboard.press("/")
    page.keyboard.type("team=speech")
    expect(rows).to_have_count(1)
    page.reload()
    expect(rows).to_have_text(["zz-new-name"])


def test_a_dashboard_is_imported_from_a_file(page: Page, console: Any) -> None:
    body = json.dumps({"widgets": [{"type": "text", "properties": {"markdown": "# From a file"}}]})
    page.get_by_label("File with a dashboard's JSON").set_input_files(
        {"name": "my board.json", "mimeType": "application/json", "buffer": body.encode()}
    )
    expect(page.get_by_label("Name", exact=True)).to_have_value("my-board")
    page.get_by_role("button", name="Make it").click()
    expect(page.get_by_role("article")).to_contain_text("From a file")
    page.goto(f"{console.url}/_/dashboards")
    page.get_by_label("File with a dashboard's JSON").set_input_files(
        {"name": "bad.json", "mimeType": "application/json", "buffer": b'{"widgets": 1}'}
    )
    page.get_by_role("button", name="Make it").click()
    expect(page.get_by_role("alert")).to_contain_text("/widgets")


def test_a_variable_is_made_whose_values_are_found(page: Page, console: Any) -> None:
    put(console, "variables", [metric(0, 0, title="Loss")])
    begin_editing(page, console, "variables")
    page.get_by_role("button", name="Variables", exact=True).click()
    page.get_by_role("button", name="Add a variable").click()
    expect(page.get_by_text(re.compile("found now"))).to_be_visible()
    expect(page.get_by_label("Job", exact=True)).to_contain_text("live")
    assert violations(page) == []
    page.get_by_role("button", name="Apply").click()
    with page.expect_request(lambda request: "%22live%22" in (request.post_data or "")):
        page.get_by_label("Job", exact=True).select_option("live")
    save(page)
    assert body_of(console, "variables")["variables"][0]["populateFrom"] == "TrainingJobName"


def test_an_explorer_shows_all_that_have_a_tag(page: Page, console: Any) -> None:
    explored = {
        "title": "Teams",
        "metrics": [
            {"metricName": "train:loss", "resourceType": "AWS::SageMaker::TrainingJob", "stat": "Average"}
        ],
        "labels": [{"key": "team", "value": "vision"}],
        "widgetOptions": {"widgetsPerRow": 1, "rowsPerPage": 1},
        "splitBy": "TrainingJobName",
    }
    put(console, "explored", [widget("explorer", 0, 0, **explored)])
    page.goto(f"{console.url}/_/dashboards/explored")
    expect(page.locator(".explorer canvas")).to_have_count(1)
    expect(page.get_by_role("button", name="Next")).to_be_visible()
    page.get_by_role("button", name="Next").click()
    expect(page.get_by_text(re.compile("^2 of"))).to_be_visible()


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
    expect(page.get_by_role("button", name="12 h")).to_have_attribute("aria-pressed", "true")
    assert "variable=job%3Dfinished" in page.url
    assert "start=-PT12H" in page.url
    page.reload()
    expect(page.get_by_label("Job", exact=True)).to_have_value("finished")


def test_the_dashboard_that_each_job_has_is_drawn_too(page: Page, console: Any) -> None:
    page.goto(f"{console.url}/_/dashboards/epochwatch-job-live")
    expect(page.get_by_role("article").first).to_be_visible()
    page.goto(f"{console.url}/_/dashboards/nothing-here")
    expect(page.get_by_role("alert")).to_contain_text("There is no dashboard 'nothing-here'.")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_pages_of_dashboards_are_for_everybody(console: Any, browse: Any, scheme: str, width: int) -> None:
    every_kind(console)
    console.tell(values={"explored": 3.5}, step=1)
    page = browse(console, "/_/dashboards", theme=scheme, width=width)
    expect(page.get_by_role("link", name="every-kind")).to_be_visible()
    found = violations(page)
    for query in ("", "?edit=1", "?source=1"):
        page.goto(f"{console.url}/_/dashboards/every-kind{query}")
        expect(page.get_by_role("article")).to_have_count(9)
        expect(page.locator("[data-widget='0'] canvas")).to_be_visible()
        found += violations(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert found == []
