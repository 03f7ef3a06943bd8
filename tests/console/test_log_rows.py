"""Answers of Logs Insights of very many rows, in a real Chromium: on the page of queries and on a dashboard."""

import json
import re
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect

from epochwatch.client.credentials import console_token
from tests.console import filled_logs
from tests.console.accessibility import violations

pytestmark = pytest.mark.xdist_group("console")

TOKEN = console_token(filled_logs.SECRET)
GROUP = "many-rows"
ROWS = 12_000
"""More than an answer of GetQueryResults has."""
QUERY = 'parse @message "row *" as number | sort @timestamp asc | limit 100000'


def call(console: Any, operation: str, **given: Any) -> None:
    status, answer = console.call(operation, json.dumps(given).encode(), Authorization=f"Bearer {TOKEN}")
    assert status == 200, answer


@pytest.fixture(scope="module")
def group(console: Any) -> str:
    """Has `ROWS` events."""
    call(console, "logs/CreateLogGroup", logGroupName=GROUP)
    call(console, "logs/CreateLogStream", logGroupName=GROUP, logStreamName="s")
    begin = int(time.time() * 1000) - 60_000
    events = [{"timestamp": begin + number, "message": f"row {number}"} for number in range(ROWS)]
    for part in (events[: ROWS // 2], events[ROWS // 2 :]):
        call(console, "logs/PutLogEvents", logGroupName=GROUP, logStreamName="s", logEvents=part)
    return GROUP


@pytest.fixture
def page(console: Any, chromium: Any) -> Iterator[Page]:
    """Signed in. Afterwards: no script error."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(20_000)
    problems: list[str] = []
    page = context.new_page()
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(f"{console.url}/_/login?token={TOKEN}")
    yield page
    context.close()
    assert problems == []


def test_all_rows_of_an_answer_are_there_sorted_and_unfolded(page: Page, console: Any, group: str) -> None:
    page.goto(f"{console.url}/_/logs/insights?group={group}&query={quote(QUERY)}")
    table = page.get_by_role("table", name="Results of the query")
    expect(table).to_have_attribute("aria-rowcount", str(ROWS))
    rows = page.locator(".query-list .query-row")
    expect(rows.first).to_contain_text("row 0")
    assert rows.count() < 100  # of all only those that are seen are drawn
    rows.first.get_by_role("button", name="Unfold the row").click()
    expect(rows.first.locator("dl")).to_contain_text("@logStream")
    page.get_by_role("button", name="number").click()
    page.get_by_role("button", name="number").click()
    expect(rows.first).to_contain_text(f"row {ROWS - 1}")
    page.locator(".query-list > *").evaluate("list => list.scrollTo(0, list.scrollHeight)")
    last = rows.filter(has_text="row 0")
    last.scroll_into_view_if_needed()
    expect(last).to_be_in_viewport()
    expect(last.locator("dl")).to_contain_text("@logStream")
    page.reload()
    expect(rows.first).to_contain_text(f"row {ROWS - 1}")


def test_lines_are_read_by_their_forms(page: Page, console: Any, group: str) -> None:
    page.goto(
        f"{console.url}/_/logs/insights?group={group}&query={quote('filter @message like /9/ | pattern @message')}"
    )
    rows = page.locator(".query-list .query-row")
    expect(rows).to_have_count(1)
    with_nine = sum("9" in str(number) for number in range(ROWS))
    expect(rows.locator(".value")).to_have_text(["row <Number-1>", "1", str(with_nine)])
    expect(page.locator(".query-bars svg path")).to_have_attribute("d", re.compile("^M"))
    editor = page.get_by_role("textbox", name="Query", exact=True)
    editor.fill("patt")
    expect(page.get_by_text("in what forms texts come")).to_be_visible()


def test_a_table_on_a_dashboard_has_all_rows(page: Page, console: Any, group: str) -> None:
    properties = {"query": f"SOURCE '{group}' | {QUERY}", "view": "table", "region": "us-east-1", "title": "Rows"}
    widget = {"type": "log", "x": 0, "y": 0, "width": 12, "height": 8, "properties": properties}
    body = json.dumps({"start": "-PT1H", "widgets": [widget]})
    call(console, "cloudwatch/PutDashboard", DashboardName="many-rows", DashboardBody=body)
    page.goto(f"{console.url}/_/dashboards/many-rows")
    shown = page.get_by_role("article", name="Rows")
    expect(shown.get_by_role("table")).to_have_attribute("aria-rowcount", str(ROWS))
    rows = shown.locator(".query-list .query-row")
    expect(rows.first).to_be_visible()
    shown.get_by_role("button", name="number").click()
    expect(rows.first).to_contain_text("row 0")
    shown.get_by_role("button", name="number").click()
    expect(rows.first).to_contain_text(f"row {ROWS - 1}")
    shown.get_by_role("button", name="Unfold the row").first.click()
    shown.get_by_role("link", name="Show in the log").click()
    expect(page.locator(".line.selected")).to_contain_text(f"row {ROWS - 1}")
    page.go_back()
    expect(rows.first).to_be_visible()
    assert violations(page) == []
