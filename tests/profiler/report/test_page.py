"""The page of a report: whole in one file, safe, and for everybody to use."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from epochwatch.profiler.report.page import page
from epochwatch.profiler.report.reported import reported
from epochwatch.profiler.report.summary import RuleOutcome, summarised
from epochwatch.profiler.verdict import Loss
from tests.console.accessibility import violations
from tests.console.conftest import CHROMIUM, FLAGS
from tests.profiler.report.made import MadeProfile, machine, training, whole_job

EVIL = "<script>window.evil = 1</script><img src=http://example.invalid/x onerror='window.evil=1'>"
SECTIONS = [
    "Training job",
    "System usage",
    "Machines over time",
    "Phases of the steps",
    "Operators",
    "Rules",
    "Findings",
    "Step durations",
    "GPU utilization",
    "Workload balance",
    "Data loading",
    "Batch size",
    "CPU bottlenecks",
    "GPU memory",
]


@pytest.fixture(scope="module")
def html() -> str:
    profile = whole_job()
    profile.job = f"job</script>{EVIL}"
    summary = summarised(profile, [RuleOutcome("BatchSize", 3, 40, 400, EVIL, EVIL, f"window:{EVIL}")])
    return page(
        replace(
            summary,
            verdict=f"It waited for data. {EVIL}",
            losses=(Loss(f"Waiting {EVIL}", 36.0, 0.3, EVIL),),
            findings=({"rule": EVIL, "evidence": EVIL, "cause": EVIL, "remedy": EVIL},),
        )
    )


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    assert CHROMIUM.exists(), "the report is tested in a real browser: apt install chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def address(html: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    path: Path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(html)
    return path.as_uri()


def opened(chromium: Any, address: str, **context: Any) -> Any:
    shown = chromium.new_page(**context)
    shown.asked, shown.errors = [], []
    shown.on("request", lambda request: shown.asked.append(request.url))
    shown.on("pageerror", lambda error: shown.errors.append(str(error)))
    shown.goto(address)
    return shown


def test_every_section_is_there(html: str) -> None:
    assert re.findall(r"<h2[^>]*>([^<]*)</h2>", html) == SECTIONS


def test_nothing_of_a_profile_that_is_empty_is_drawn() -> None:
    html = page(summarised(MadeProfile()))
    assert "Nothing was recorded of this training yet." in html
    assert re.findall(r"<h2[^>]*>([^<]*)</h2>", html) == ["Training job"]


def test_a_training_without_gpus_has_no_sections_on_gpus() -> None:
    html = page(summarised(MadeProfile(training(100), {"algo-1": machine(60)}, seconds=60.0)))
    assert "GPU" not in "".join(re.findall(r"<h2[^>]*>([^<]*)</h2>", html))


def test_the_page_asks_for_nothing_and_runs_only_its_own_script(chromium: Any, address: str) -> None:
    shown = opened(chromium, address)
    assert shown.asked == [address]
    assert shown.errors == []
    assert shown.evaluate("window.evil") is None
    assert shown.locator("img").count() == 0
    shown.close()


def test_figures_in_the_page_are_the_summary_s(html: str) -> None:
    data = re.search(r'<script type="application/json" id="figures">(.*?)</script>', html, re.DOTALL)
    assert data is not None
    figures = json.loads(data[1])["figures"]
    kinds = [one["kind"] for one in figures]
    assert kinds.count("map") == 2
    assert kinds.count("stack") == 1
    assert {len(one["series"][0]["mean"]) for one in figures if one["kind"] == "lines"} == {120}


@pytest.mark.parametrize(
    "context",
    [
        {"viewport": {"width": 1200, "height": 900}, "color_scheme": "light"},
        {"viewport": {"width": 1200, "height": 900}, "color_scheme": "dark"},
        {"viewport": {"width": 390, "height": 844}, "color_scheme": "light"},
    ],
    ids=["light", "dark", "phone"],
)
def test_everybody_can_use_it(chromium: Any, address: str, context: dict[str, Any]) -> None:
    shown = opened(chromium, address, **context)
    assert violations(shown) == []
    wide = shown.evaluate("document.documentElement.scrollWidth")
    assert wide <= context["viewport"]["width"], "the page itself does not scroll sideways"
    shown.close()


def test_all_columns_of_the_rules_are_on_a_page_of_1200_pixels(chromium: Any, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text(page(reported(whole_job())))
    shown = opened(chromium, path.as_uri(), viewport={"width": 1200, "height": 900})
    rules = shown.get_by_role("region", name="Rules")
    assert "scan_interval_us:60000000" in rules.inner_text()
    assert rules.evaluate("region => region.scrollWidth - region.clientWidth") == 0
    shown.close()


def test_values_are_told_under_the_pointer_on_all_curves_at_once(chromium: Any, address: str) -> None:
    shown = opened(chromium, address, viewport={"width": 1200, "height": 900})
    memory = shown.locator("figure", has_text="CPU memory of algo-1")
    memory.locator("canvas").hover()
    assert re.search(r"CPU memory [23]\d\.\d %", memory.locator("output").inner_text())
    other = shown.locator("figure", has_text="Network of algo-2").locator("output")
    assert "MB/s" in other.inner_text()
    shown.close()


def test_a_drag_zooms_and_the_button_goes_back(chromium: Any, address: str) -> None:
    shown = opened(chromium, address, viewport={"width": 1200, "height": 900})
    canvas = shown.locator("figure", has_text="CPU memory of algo-1").locator("canvas")
    reset = shown.get_by_role("button", name="Show the whole time")
    assert reset.is_hidden()
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    shown.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + 60)
    shown.mouse.down()
    shown.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + 60)
    shown.mouse.up()
    reset.wait_for(state="visible")
    reset.click()
    reset.wait_for(state="hidden")
    shown.close()


def test_a_curve_is_read_with_the_keyboard(chromium: Any, address: str) -> None:
    shown = opened(chromium, address)
    figure = shown.locator("figure", has_text="CPU memory of algo-1")
    figure.locator("canvas").focus()
    shown.keyboard.press("ArrowRight")
    first = figure.locator("output").inner_text()
    shown.keyboard.press("ArrowRight")
    assert figure.locator("output").inner_text() != first
    shown.keyboard.press("+")
    shown.get_by_role("button", name="Show the whole time").wait_for(state="visible")
    shown.keyboard.press("0")
    shown.get_by_role("button", name="Show the whole time").wait_for(state="hidden")
    shown.close()
