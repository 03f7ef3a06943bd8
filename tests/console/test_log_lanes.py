"""Logs of several hosts side by side, on one clock, in a real Chromium."""

import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Locator, Page, expect

from epochwatch.client.credentials import console_token
from tests.console import filled_logs
from tests.console.accessibility import violations
from tests.console.filled_logs import HOSTS, LATE, SECONDS, SPREAD, spread_line

pytestmark = pytest.mark.xdist_group("console")

TOKEN = console_token(filled_logs.SECRET)
GROUP = "/aws/sagemaker/TrainingJobs"
LOG = f"/_/jobs/{SPREAD}?tab=logs"


@pytest.fixture
def page(console: Any, browse: Any) -> Page:
    return browse(console.of(TOKEN))


def row_of(page: Page, second: int) -> Locator:
    """The row in which the first host's line of a second stands."""
    return page.locator(".viewport .side-by-side").filter(has_text=re.compile(rf"rank 0 step={second}\b"))


def view(page: Page) -> dict[str, list[str]]:
    """What the address says."""
    return parse_qs(urlsplit(page.url).query)


def test_hosts_stand_beside_each_other_at_the_same_time(page: Page, console: Any) -> None:
    page.goto(console.url + LOG)
    expect(page.get_by_role("button", name="Side by side")).to_be_visible()
    page.locator(".viewport").focus()
    page.keyboard.press("h")
    heads = page.locator(".heads .stream")
    expect(heads).to_have_text([f"algo-{host}" for host in range(1, 5)])
    expect(page.locator(".heads")).to_contain_text(f"4 of {HOSTS}")
    last = row_of(page, SECONDS - 1)
    expect(last.locator(".line")).to_have_text(
        [re.compile(re.escape(spread_line(host, SECONDS - 1))) for host in range(1, 5)]
    )
    page.locator(".stream-choice summary").click()
    for host in (2, 3):
        page.get_by_label(f"algo-{host}", exact=True).uncheck()
    page.keyboard.press("Escape")
    expect(heads).to_have_text(["algo-1", "algo-4", "algo-5", "algo-6"])
    with page.expect_response(lambda answer: "/logs?" in answer.url and answer.url.count("stream=") == 3):
        page.get_by_role("button", name="Leave out algo-4").click()
    expect(heads).to_have_text(["algo-1", "algo-5", "algo-6"])
    assert [one.split("/")[1].split("-")[1] for one in view(page)["stream"]] == ["1", "5", "6"]
    page.get_by_label("Go to a time").fill("20%")
    page.keyboard.press("Enter")
    lines = row_of(page, SECONDS // 5).locator(".line")
    expect(lines).to_have_count(3)
    expect(lines.nth(1)).to_contain_text(spread_line(LATE, SECONDS // 5))
    page.reload()
    expect(heads).to_have_text(["algo-1", "algo-5", "algo-6"])
    expect(row_of(page, SECONDS - 1).locator(".line")).to_have_count(2)
    page.get_by_role("button", name="Side by side").click()
    expect(page.locator(".heads")).to_have_count(0)
    expect(page.locator(".line .stream").last).to_have_text("algo-6")


def test_a_host_that_is_silent_leaves_its_column_empty_while_others_scroll(page: Page, console: Any) -> None:
    page.goto(console.url + LOG + "&beside=1")
    page.locator(".stream-choice summary").click()
    # What is read then is of the two that are left.
    with page.expect_response(
        lambda answer: "/logs?" in answer.url and answer.url.count("stream=") == 2 and "algo-5" in answer.url
    ):
        for host in (1, 2, 3, 6):
            page.get_by_label(f"algo-{host}", exact=True).uncheck()
    page.keyboard.press("Escape")
    expect(page.locator(".heads .stream")).to_have_text(["algo-4", f"algo-{LATE}"])
    expect(page.locator(".line").last).to_contain_text(spread_line(4, SECONDS - 1))
    expect(page.locator(".line").filter(has_text=f"rank {LATE - 1} ")).to_have_count(0)
    page.locator(".viewport").focus()
    page.keyboard.press("Home")
    expect(page.locator(".line").filter(has_text=spread_line(4, 0))).to_be_in_viewport()
    expect(page.locator(".line").filter(has_text=spread_line(LATE, 0))).to_be_in_viewport()
    box = page.locator(".viewport").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 300, box["y"] + 200)
    sixtieth = page.locator(".line").filter(has_text=re.compile(r"step=60\b"))
    for _ in range(200):  # a list that is still on its way to its begin goes back there
        if sixtieth.count() == 2:
            break
        page.mouse.wheel(0, 100)
        page.wait_for_timeout(20)
    expect(sixtieth).to_have_text([re.compile(spread_line(host, 60)) for host in (4, LATE)])
    [first, second] = [line.bounding_box() for line in sixtieth.all()]
    assert first is not None
    assert second is not None
    assert first["y"] == second["y"]


def test_lines_are_chosen_within_and_across_columns(page: Page, console: Any) -> None:
    page.goto(console.url + LOG + "&beside=1&search=step%3D45")
    hit = row_of(page, 45)
    expect(hit.locator(".line")).to_have_count(4)
    hit.locator(".line").nth(2).click()
    chosen = page.locator(".line.selected")
    expect(chosen).to_contain_text(spread_line(3, 45))
    page.get_by_role("button", name="Show in place").click()
    expect(row_of(page, 46)).to_be_visible()
    page.locator(".viewport").focus()
    page.keyboard.press("ArrowRight")
    expect(chosen).to_contain_text(spread_line(4, 45))
    page.keyboard.press("ArrowDown")
    expect(chosen).to_contain_text(spread_line(4, 46))
    page.keyboard.press("Shift+ArrowDown")
    page.keyboard.press("Shift+ArrowDown")
    expect(chosen).to_have_text([re.compile(spread_line(4, second)) for second in (46, 47, 48)])
    page.reload()
    expect(chosen).to_have_count(3)
    page.keyboard.press("h")
    expect(page.locator(".heads")).to_have_count(0)
    expect(page.get_by_role("group", name="Selected lines")).to_contain_text("13 lines selected")


def test_streams_of_a_group_are_opened_side_by_side(page: Page, console: Any) -> None:
    page.goto(f"{console.url}/_/logs?group={GROUP}&prefix={SPREAD}/algo-")
    boxes = page.get_by_role("checkbox")
    expect(boxes).to_have_count(HOSTS)
    boxes.nth(0).check()
    expect(page.get_by_role("button", name="Side by side")).to_have_count(0)
    boxes.nth(1).check()
    page.get_by_role("button", name="Side by side").click()
    expect(page.locator(".heads .stream")).to_have_count(2)
    expect(row_of(page, SECONDS - 1).locator(".line")).to_have_count(2)
    page.go_back()
    expect(boxes).to_have_count(HOSTS)


def test_side_by_side_can_be_read_by_anyone_and_phones_show_it_merged(browse: Any, console: Any) -> None:
    for width, theme in ((1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")):
        page = browse(console.of(TOKEN), f"{LOG}&beside=1", theme=theme, width=width)
        expect(page.locator(".line").first).to_be_visible()
        expect(page.locator(".heads")).to_have_count(1 if width > 720 else 0)
        page.locator(".stream-choice summary").click()
        assert violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
