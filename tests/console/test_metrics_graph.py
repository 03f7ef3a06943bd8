"""What a graph of the explorer can be made of, in a real Chromium: rows, options, source, and moving about in time."""

import json
import math
import re
import time
from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Download, Page, expect

from tests.console.accessibility import violations

pytestmark = pytest.mark.xdist_group("console")

RUNS = ("a", "b", "c")


@pytest.fixture(scope="module")
def measured(console: Any) -> int:
    """A metric of three runs over the last two hours; when that was (Unix seconds)."""
    now = int(time.time()) // 60 * 60
    data = [
        {
            "MetricName": "loss",
            "Dimensions": [{"Name": "Run", "Value": run}],
            "Timestamp": now - 60 * back,
            "Value": 1 + number + math.exp(back / 60),
        }
        for number, run in enumerate(RUNS)
        for back in range(120)
    ]
    for at in range(0, len(data), 100):
        console.perform("cloudwatch/PutMetricData", Namespace="Graph Lab", MetricData=data[at : at + 100])
    return now


@pytest.fixture
def page(console: Any, browse: Any, measured: int) -> Page:
    return browse(console)


def row(run: str, **options: Any) -> list[Any]:
    return ["Graph Lab", "loss", "Run", run, *([options] if options else [])]


def graph(page: Page, console: Any, *rows: list[Any], **words: str) -> None:
    """Opens the explorer with a graph of these rows, drawn."""
    pairs = [("m", json.dumps(one)) for one in rows] + list(words.items())
    page.goto(f"{console.url}/_/metrics?{urlencode(pairs)}")
    expect(page.locator(".widget canvas").first).to_be_visible()


def test_rows_are_found_by_going_down_and_drawn_together(page: Page, console: Any) -> None:
    page.goto(f"{console.url}/_/metrics")
    page.get_by_role("list", name="Namespaces").get_by_role("button", name="Graph Lab").click()
    page.get_by_role("list", name="Dimensions").get_by_role("button", name=re.compile("^Run")).click()
    page.get_by_label(re.compile("^Draw all")).check()
    expect(page.locator(".graph .key")).to_have_count(3)
    page.get_by_role("button", name="Clear").click()
    page.get_by_role("button", name="Graph the search").click()
    expect(page.get_by_label("Expression e1")).to_have_value("SEARCH('{\"Graph Lab\",Run}', 'Average')")
    expect(page.locator(".graph .key")).to_have_count(3)
    page.get_by_label("Split by").select_option("Run")
    expect(page.locator(".split .widget")).to_have_count(3)
    page.reload()
    expect(page.locator(".split .widget")).to_have_count(3)
    assert violations(page) == []


def test_rows_are_ordered_hidden_doubled_and_completed(page: Page, console: Any) -> None:
    graph(page, console, row("a", id="m1"), row("b", id="m2"))
    page.get_by_role("button", name=re.compile("^Move loss · b")).focus()
    page.keyboard.press("ArrowUp")
    expect(page.locator(".graph .key .name").first).to_have_text("b")
    page.get_by_label("Show m1").uncheck()
    expect(page.locator(".graph .key")).to_have_count(1)
    page.get_by_label("Show m1").check()
    page.get_by_role("button", name="Duplicate loss · a").click()
    expect(page.locator(".graph .key")).to_have_count(3)
    page.get_by_label("Statistic of loss · a").last.fill("Maximum")
    page.get_by_label("Statistic of loss · a").last.press("Enter")
    page.get_by_role("button", name="Add an expression").click()
    expression = page.get_by_label("Expression e1")
    expression.fill("")
    expression.press_sequentially("R")
    expect(page.get_by_role("option", name=re.compile("^RATE"))).to_be_visible()
    expression.press_sequentially("UNNIN")
    # Of a longer list nothing is left, for readers of the page either.
    expect(page.get_by_role("listbox").get_by_role("option")).to_have_text([re.compile("^RUNNING_SUM")])
    expect(page.get_by_role("listbox").get_by_role("option")).to_have_attribute("aria-posinset", "1")
    page.keyboard.press("Enter")
    page.keyboard.type("m1")
    page.keyboard.press("Enter")
    expect(page.locator(".graph .key")).to_have_count(4)
    assert "RUNNING_SUM%28m1%29" in page.url
    page.keyboard.press("Escape")
    page.get_by_label("Label of expression").fill("so far ${")
    page.keyboard.type("LAS")
    page.get_by_role("option", name=re.compile(r"^\$\{LAST\}")).first.click()
    page.keyboard.press("Enter")
    expect(page.locator(".graph .key .name").last).to_have_text(re.compile(r"^so far [\d.]+$"))


def test_the_legend_hides_isolates_and_sorts(page: Page, console: Any) -> None:
    graph(page, console, row("a"), row("b"), row("c"))
    page.locator(".graph .key").nth(1).click()
    expect(page.locator(".graph .key.off .name")).to_have_text("b")
    page.reload()
    expect(page.locator(".graph .key.off .name")).to_have_text("b")
    page.locator(".graph .key").nth(2).click(modifiers=["Shift"])
    expect(page.locator(".graph .key.off")).to_have_count(2)
    page.keyboard.press("2")
    page.get_by_role("button", name="Legend as a table").click()
    page.get_by_role("button", name="Max", exact=True).click()
    expect(page.locator(".graph .key .name").first).to_have_text("c")
    page.get_by_role("button", name=re.compile("^Max")).click()
    expect(page.locator(".graph .key .name").first).to_have_text("a")


def test_options_are_drawn_kept_and_in_the_source(page: Page, console: Any) -> None:
    graph(page, console, row("a"), tab="options")
    page.get_by_label("Title").fill("Losses")
    page.get_by_label("Title").press("Enter")
    expect(page.get_by_role("heading", name="Losses")).to_be_visible()
    page.get_by_label("Greatest value of the left axis").fill("50")
    page.get_by_label("Greatest value of the left axis").press("Enter")
    page.get_by_role("button", name="Add a band").click()
    page.get_by_role("button", name="Add a line").click()
    page.get_by_label("Fill of line 2").select_option("above")
    page.get_by_role("button", name="Mark by clicks on the chart").click()
    page.locator(".graph .u-over").click(position={"x": 300, "y": 60})
    expect(page.get_by_label("Time of moment 1")).to_be_visible()
    assert violations(page) == []
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Source").click()
    source = page.get_by_label("Source of the widget")
    for part in ('"title": "Losses"', '"max": 50', '"fill": "above"'):
        expect(source).to_have_value(re.compile(re.escape(part)))
    source.fill('{"metrics": [')
    source.press("Control+Enter")
    expect(page.get_by_role("alert")).to_contain_text("no JSON")
    source.fill(json.dumps({"title": "Other", "metrics": [row("a"), ["...", "b"]], "view": "bar"}))
    source.press("Control+Enter")
    expect(page.locator(".graph .bars li")).to_have_count(2)
    expect(page.get_by_role("heading", name="Other")).to_be_visible()
    page.get_by_role("button", name="epochwatch query").click()
    expect(page.locator(".sources pre")).to_contain_text("""-m 'm2="Graph Lab" loss{Run=b} Average'""")


def shown(page: Page) -> tuple[str, str]:
    found = re.search(r"start=([^&]+)&end=([^&]+)", page.url)
    assert found is not None, page.url
    return found[1], found[2]


def test_one_moves_about_in_time_by_mouse_and_keys(page: Page, console: Any) -> None:
    graph(page, console, row("a"))
    box = page.locator(".graph .u-over").bounding_box()
    assert box is not None
    x, y = box["x"], box["y"] + 40
    page.mouse.move(x + 500, y)
    page.mouse.down()
    page.mouse.move(x + 900, y, steps=4)
    page.mouse.up()
    expect(page.get_by_role("button", name="Zoomed: back")).to_be_visible()
    expect(page.locator(".minimap polyline")).to_have_count(1)
    zoomed = shown(page)
    page.keyboard.down("Shift")
    page.mouse.move(x + 700, y)
    page.mouse.down()
    page.mouse.move(x + 800, y, steps=4)
    page.mouse.up()
    page.keyboard.up("Shift")
    page.wait_for_url(lambda url: zoomed[0] not in url)
    panned = shown(page)
    assert panned[0] < zoomed[0]  # dragged to the right: earlier
    page.mouse.move(x + 600, y)
    page.keyboard.down("Control")
    page.mouse.wheel(0, -100)
    page.keyboard.up("Control")
    page.wait_for_url(lambda url: panned[0] not in url)
    closer = shown(page)
    assert panned[0] < closer[0] < closer[1] < panned[1]
    page.keyboard.press("c")
    page.keyboard.press("Shift+ArrowLeft")
    page.wait_for_url(lambda url: closer[0] not in url)
    assert shown(page)[0] < closer[0]
    page.keyboard.press("End")
    expect(page.locator(".curves [role=status]")).to_have_text(re.compile(r"^\d{4}-.*: loss [\d.]+$"))
    page.keyboard.press("0")  # before it was zoomed into once more
    page.wait_for_url(lambda url: shown(page) == panned)
    page.keyboard.press("0")
    expect(page.get_by_role("button", name="3 h")).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".minimap")).to_have_count(0)


def saved(page: Page, name: str) -> Download:
    page.get_by_label("This graph: its link, its data and its picture").click()
    with page.expect_download() as waited:
        page.get_by_text(name, exact=True).click()
    return waited.value


def test_a_graph_is_taken_along(page: Page, console: Any, measured: int) -> None:
    graph(page, console, row("a"), row("b"), stacked="1")
    lines = saved(page, "Download CSV").path().read_text().splitlines()
    assert lines[0] == "time,label,value,high"
    moment = time.strftime("%Y-%m-%dT%H:%M:00.000Z", time.gmtime(measured - 60 * 60))
    [value] = [float(line.split(",")[2]) for line in lines if line.startswith(f"{moment},b")]
    assert value == pytest.approx(2 + math.e)  # its own, not what it stands upon
    shown = json.loads(saved(page, "Download JSON").path().read_text())
    assert [curve["label"] for curve in shown["curves"]] == ["a", "b"]
    for name in ("Download PNG", "Download PNG as CloudWatch draws it"):
        assert saved(page, name).path().read_bytes().startswith(b"\x89PNG"), name


@pytest.mark.parametrize(("width", "scheme"), [(1280, "dark"), (390, "light"), (390, "dark")])
def test_it_is_for_everybody(console: Any, browse: Any, measured: int, width: int, scheme: str) -> None:
    page = browse(console, theme=scheme, width=width)
    for tab in ("", "options", "source"):
        graph(page, console, row("a", id="m1"), [{"id": "e1", "expression": "m1 * 2"}], tab=tab, legend="table")
        expect(page.locator(".graph .key")).to_have_count(2)
        assert violations(page) == [], tab
        assert page.evaluate("document.documentElement.scrollWidth") == width, tab
