"""What charts show where values are missing, in a real Chromium, by the ink that is on them."""

import json
import re
import time
from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Locator, Page, expect

from epochwatch.client.credentials import console_token
from tests.console.accessibility import violations
from tests.console.filled_charts import INFINITE, NANS, SECRET, STEPS

pytestmark = pytest.mark.xdist_group("console")

INK = """(plot, {axis, from, to}) => {
  const {left, top, width, height} = plot.querySelector('.u-over').getBoundingClientRect();
  const canvas = plot.querySelector('canvas');
  const ratio = canvas.width / canvas.clientWidth, box = canvas.getBoundingClientRect();
  const pixels = canvas.getContext('2d').getImageData((left - box.left + from * width) * ratio, (top - box.top) * ratio,
    Math.max((to - from) * width * ratio, 1), height * ratio).data;
  let found = 0;
  for (let at = 0; at < pixels.length; at += 4) {
    const [red, green, blue, alpha] = pixels.subarray(at, at + 4);
    if (alpha > 100 && Math.max(red, green, blue) - Math.min(red, green, blue) > 60) found += 1;
  }
  return found;
}"""

TALL = """(plot) => {
  const canvas = plot.querySelector('canvas');
  if (!canvas) return -1;
  const inside = plot.querySelector('.u-over').getBoundingClientRect(), box = canvas.getBoundingClientRect();
  const ratio = canvas.width / canvas.clientWidth;
  const [left, top, width, height] =
    [inside.left - box.left, inside.top - box.top, inside.width, inside.height].map((at) => Math.round(at * ratio));
  const pixels = canvas.getContext('2d').getImageData(left, top, width, height).data;
  let [first, last] = [height, 0];
  for (let at = 0; at < pixels.length; at += 4) {
    const [red, green, blue, alpha] = pixels.subarray(at, at + 4);
    const mark = red > green + 60;
    if (mark || alpha < 100 || Math.max(red, green, blue) - Math.min(red, green, blue) < 60) continue;
    const row = Math.floor(at / 4 / width);
    [first, last] = [Math.min(first, row), Math.max(last, row)];
  }
  return (last - first) / height;
}"""
"""How much of the height of a plot its line takes."""


@pytest.fixture
def charts(console: Any) -> Any:
    """The server as whom the jobs belong to."""
    return console.of(console_token(SECRET))


@pytest.fixture(params=[("light", 1280), ("dark", 390)], ids=["wide", "phone"])
def page(request: Any, charts: Any, browse: Any) -> Page:
    theme, width = request.param
    return browse(charts, theme=theme, width=width)


def ink(plot: Locator, begin: float, end: float) -> int:
    """Coloured pixels between two parts of a plot's width."""
    return int(plot.evaluate(INK, {"from": begin, "to": end}))


def comes_to(page: Page, plot: str, low: float, high: float) -> None:
    """Waits until the line of a plot takes a share of its height from ``low`` to ``high``."""
    for _ in range(300):
        if low < float(page.locator(plot).first.evaluate(TALL)) < high:
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"the line takes {page.locator(plot).first.evaluate(TALL)} of the height")


def whole(page: Page) -> None:
    """The page reads without help of colours, and nothing of it is beyond the edge of the screen."""
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]  # type: ignore[index]


def test_a_curve_breaks_at_what_is_no_number_and_tells_it(page: Page) -> None:
    page.goto("/_/jobs/gaps")
    chart = page.locator("[data-group=loss]")
    expect(chart.locator(".plot")).to_have_attribute("data-points", str(STEPS))
    expect(chart.locator(".facts")).to_contain_text(f"6 not finite, first at step {NANS[0]}")
    expect(chart.locator(".facts .bad")).to_have_attribute(
        "title", re.compile(f"NaN at step 80, .*∞ at step {INFINITE}$")
    )
    plot = chart.locator(".plot")
    plot.focus()
    page.keyboard.press("Home")
    for _ in range(4):
        page.keyboard.press("PageDown")
    expect(chart.locator(".where")).to_have_text("step 80")
    expect(chart.locator(".key .value").first).to_have_text("NaN")
    page.keyboard.press("ArrowLeft")
    expect(chart.locator(".key .value").first).to_have_text(re.compile(r"^0\.\d"))
    whole(page)


def test_a_curve_goes_on_over_steps_it_does_not_have(page: Page) -> None:
    page.goto("/_/jobs/gaps?metrics=val_loss")
    plot = page.locator("[data-group=loss] .plot")
    expect(plot).to_have_attribute("data-points", "5")
    assert all(ink(plot, at / 10, at / 10 + 0.02) > 0 for at in range(1, 9))


def test_a_host_that_was_away_is_a_gap(page: Page) -> None:
    page.goto("/_/jobs/gaps?tab=hosts")
    plot = page.locator("[data-host-metric=CPUUtilization] .plot")
    expect(plot).to_have_attribute("data-points", "121")
    assert (ink(plot, 0.05, 0.28) > 0, ink(plot, 0.32, 0.68), ink(plot, 0.72, 0.95) > 0) == (True, 0, True)


def test_a_graph_breaks_where_periods_are_missing(page: Page, charts: Any) -> None:
    now = int(time.time()) // 60 * 60
    there = [back for back in range(1, 60) if not 20 <= back < 40 or back == 30]
    data = [{"MetricName": "beats", "Timestamp": now - 60 * back, "Value": 5 + back % 3} for back in there]
    body = json.dumps({"Namespace": "Gap Lab", "MetricData": data}).encode()
    assert charts.call("cloudwatch/PutMetricData", body)[0] == 200
    asked = urlencode({"m": json.dumps(["Gap Lab", "beats"]), "start": "-PT1H", "period": 60})
    page.goto(f"/_/metrics?{asked}")
    picture = page.locator(".graph .picture")
    expect(picture.locator("canvas")).to_be_visible()
    first = (60 - 40) / 60
    assert ink(picture, first + 0.04, first + 0.13) == 0
    assert ink(picture, first + 0.14, first + 0.19) > 0  # the one at 30 minutes, a dot
    assert ink(picture, first + 0.2, first + 0.29) == 0
    assert ink(picture, 0.05, 0.3) > 0 < ink(picture, 0.7, 0.95)
    whole(page)


def test_jobs_stand_side_by_side_with_one_y_axis_or_with_their_own(page: Page) -> None:
    page.goto("/_/compare?job=gaps&job=gaps-again&metrics=^loss")
    expect(page.locator("[data-metric=loss] .plot")).to_have_count(1)
    page.keyboard.press("e")
    small = page.locator("[data-metric=loss] .multiples .plot")
    expect(small).to_have_count(2)
    expect(small.nth(1)).to_have_attribute("data-points", str(STEPS))
    plot = ".multiples .plot"
    comes_to(page, plot, 0, 0.2)
    page.get_by_role("button", name="Own y").click()
    expect(page).to_have_url(re.compile("y=own"))
    comes_to(page, plot, 0.5, 1)
    page.reload()
    expect(small).to_have_count(2)
    comes_to(page, plot, 0.5, 1)
    whole(page)
    page.keyboard.press("o")
    comes_to(page, plot, 0, 0.2)
    page.keyboard.press("e")
    expect(page.locator("[data-metric=loss] .plot")).to_have_count(1)


def test_graphs_of_a_split_have_one_y_axis_or_their_own(page: Page, charts: Any) -> None:
    now = int(time.time()) // 60 * 60
    data = [
        {
            "MetricName": "load",
            "Dimensions": [{"Name": "Run", "Value": run}],
            "Timestamp": now - 60 * back,
            "Value": high * (1 + back % 9),
        }
        for run, high in (("low", 0.1), ("high", 100))
        for back in range(1, 50)
    ]
    body = json.dumps({"Namespace": "Split Lab", "MetricData": data}).encode()
    assert charts.call("cloudwatch/PutMetricData", body)[0] == 200
    rows = [("m", json.dumps(["Split Lab", "load", "Run", run])) for run in ("low", "high")]
    page.goto(f"/_/metrics?{urlencode([*rows, ('start', '-PT1H'), ('period', '60'), ('split', 'Run')])}")
    expect(page.locator(".widget canvas")).to_have_count(2)
    plot = ".widget .picture"
    comes_to(page, plot, -0.1, 0.1)
    page.keyboard.press("o")
    comes_to(page, plot, 0.5, 1)
    page.reload()
    comes_to(page, plot, 0.5, 1)
    expect(page.get_by_role("button", name="Own y")).to_have_attribute("aria-pressed", "true")
    whole(page)
