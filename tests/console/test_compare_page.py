"""Jobs compared in a real Chromium: chosen, overlaid, against a baseline, side by side and by their logs."""

import json
import re
from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Page, expect

from epochwatch.client.credentials import console_token
from tests.console import filled_jobs
from tests.console.accessibility import violations
from tests.console.filled_compare import SECRET, SPIKE, STEPS

pytestmark = pytest.mark.xdist_group("console")

JOBS = "job=versus-a&job=versus-b&job=versus-c&job=versus-d"
OPENED = f"/_/compare?{JOBS}"


@pytest.fixture
def versus(console: Any) -> Any:
    """The server as whom the jobs belong to."""
    return console.of(console_token(SECRET))


@pytest.fixture
def sweeps(console: Any) -> Any:
    """The server as who has more jobs than can be compared."""
    return console.of(console_token(filled_jobs.SECRET))


@pytest.fixture
def page(versus: Any, browse: Any) -> Page:
    return browse(versus, "/_/compare")


@pytest.fixture(params=[("light", 1280), ("dark", 390)], ids=["wide", "phone"])
def any_page(versus: Any, browse: Any, request: Any) -> Page:
    theme, width = request.param
    return browse(versus, "/_/compare", theme=theme, width=width)


def curves(versus: Any, query: str) -> dict[str, Any]:
    found = versus.json(f"/compare/curves?{query}")["curves"]
    return {one["job"] or one["group"]: one for one in found}


def test_curves_of_all_jobs_come_at_once_and_keep_the_spike(versus: Any) -> None:
    found = curves(versus, f"{JOBS}&metric=train:loss&width=100")
    assert list(found) == ["versus-a", "versus-b", "versus-c", "versus-d"]
    assert found["versus-b"]["total"] == STEPS
    assert max(found["versus-b"]["max"]) == 5
    assert all(len(one["x"]) <= 100 for one in found.values())
    assert len({tuple(one["x"]) for one in found.values()}) == 1  # they share their places


def test_jobs_are_found_as_the_table_finds_them(versus: Any, sweeps: Any) -> None:
    query = urlencode({"filter": "versus and params.optimizer.lr < 0.2", "sort": "name", "order": "desc"})
    answer = versus.json(f"/compare/jobs?{query}")
    assert [job["name"] for job in answer["jobs"]] == ["versus-c", "versus-b", "versus-a"]
    assert (answer["total"], answer["missing"]) == (3, [])
    answer = sweeps.json("/compare/jobs?filter=sweep&sort=name&order=asc")
    assert [job["name"] for job in answer["jobs"]] == [f"sweep-{number:03}" for number in range(200)]
    assert answer["total"] == filled_jobs.JOBS
    status, body = versus.get("/_/api/compare/jobs?filter=(")
    assert status == 400
    assert "filter: column 2" in json.loads(body)["message"]


def test_hosts_are_a_mean_with_its_range_or_each(versus: Any) -> None:
    one = curves(versus, "job=versus-c&metric=train:loss&width=4000")["versus-c"]
    assert one["hosts"] == 2
    assert one["max"][5] - one["min"][5] == pytest.approx(0.02)
    assert one["mean"][5] == pytest.approx((one["max"][5] + one["min"][5]) / 2)
    each = versus.json("/compare/curves?job=versus-c&metric=train:loss&hosts=each")["curves"]
    assert [curve["host"] for curve in each] == ["algo-1", "algo-2"]


def test_a_job_against_itself_is_nothing_and_the_spike_is_in_the_difference(versus: Any) -> None:
    found = curves(versus, f"{JOBS}&metric=train:loss&view=difference&baseline=versus-a&width=4000")
    assert set(found["versus-a"]["mean"]) == {0}
    at = found["versus-b"]["x"].index(SPIKE)
    plain = curves(versus, f"{JOBS}&metric=train:loss&width=4000")
    expected = 5 - plain["versus-a"]["mean"][SPIKE]
    assert found["versus-b"]["mean"][at] == pytest.approx(expected)
    ratio = curves(versus, "job=versus-b&metric=train:loss&view=ratio&baseline=versus-a&width=4000")
    assert ratio["versus-b"]["mean"][at] == pytest.approx(5 / plain["versus-a"]["mean"][SPIKE])


def test_jobs_of_one_value_are_a_group(versus: Any) -> None:
    found = curves(versus, f"{JOBS}&metric=train:loss&group=params.optimizer.lr&width=4000")
    assert {group: one["jobs"] for group, one in found.items()} == {
        "0.1": ["versus-a"],
        "0.01": ["versus-b", "versus-c"],
        "0.3": ["versus-d"],
    }
    assert found["0.01"]["max"][SPIKE] == 5


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/compare/jobs", 400, "job is missing"),
        ("/compare/curves?job=versus-a", 400, "metric is missing"),
        ("/compare/curves?job=versus-a&metric=m&view=sum", 400, "view must be one of"),
        ("/compare/curves?job=versus-a&metric=m&view=ratio&baseline=nobody", 404, "no training job 'nobody'"),
        ("/compare/jobs?" + "&".join(f"job=j{number}" for number in range(201)), 400, "more than 200 times"),
        ("/live?job=versus-a&kind=weather", 400, "kind must be one of"),
        ("/live?job=versus-a&job=nobody", 404, "no training job 'nobody'"),
    ],
)
def test_what_cannot_be_compared_is_told(versus: Any, path: str, status: int, words: str) -> None:
    found, body = versus.get("/_/api" + path)
    assert (found, words in body.decode()) == (status, True), body


def test_jobs_that_are_gone_are_named(versus: Any) -> None:
    found = versus.json("/compare/jobs?job=versus-a&job=nobody")
    assert [job["name"] for job in found["jobs"]] == ["versus-a"]
    assert found["missing"] == ["nobody"]
    assert found["jobs"][0]["fields"]["params.optimizer.lr"] == 0.1


def test_jobs_are_chosen_by_keyboard_and_kept_in_the_address(any_page: Page) -> None:
    page = any_page
    expect(page.get_by_role("heading", name="Choose what to compare")).to_be_visible()
    for name in ("versus-a", "versus-b"):
        page.keyboard.press("/")
        field = page.get_by_role("combobox", name="Add a job to the comparison")
        field.fill(name)
        expect(page.get_by_role("option", name=re.compile(name))).to_be_visible()
        field.press("Enter")
        expect(page.locator(f"[data-job={name}]")).to_be_visible()
        page.keyboard.press("Escape")
        field.blur()
    expect(page.locator("[data-metric='train:loss'] .key")).to_have_count(2)
    page.keyboard.press("b")
    expect(page.locator("[data-job=versus-b]")).to_contain_text("baseline")
    page.keyboard.press("v")
    expect(page.locator("[data-metric='train:loss']")).to_contain_text("minus the baseline")
    page.reload()
    expect(page.locator("[data-job=versus-b]")).to_contain_text("baseline")
    expect(page.locator("[data-metric='train:loss']")).to_contain_text("minus the baseline")
    expect(page.locator("[data-metric='train:loss'] canvas")).to_be_visible()
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]


def test_jobs_are_hidden_moved_coloured_and_taken_away(page: Page) -> None:
    page.goto(OPENED)
    keys = page.locator("[data-metric='train:loss'] .key .name")
    expect(keys).to_have_count(4)
    page.get_by_role("button", name="versus-b", exact=True).click()
    expect(keys).to_have_text(["versus-a", "versus-c", "versus-d"])
    page.get_by_label("What to do with versus-d").click()
    page.locator("[data-job=versus-d]").get_by_role("button", name="Move up").click()
    expect(page.locator("[data-job]")).to_contain_text(["versus-a", "versus-b", "versus-d", "versus-c"])
    stroke = page.locator("[data-job=versus-a] svg")
    before = stroke.get_attribute("class")
    page.get_by_role("button", name="Next colour of versus-a").click()
    expect(stroke).not_to_have_attribute("class", before or "")
    page.get_by_role("button", name="Take away versus-c").click()
    expect(page.locator("[data-job]")).to_have_count(3)
    after = stroke.get_attribute("class") or ""
    page.reload()
    expect(stroke).to_have_attribute("class", after)
    expect(keys).to_have_text(["versus-a", "versus-d"])


def test_values_and_what_differs_are_tables(any_page: Page) -> None:
    page = any_page
    page.goto(OPENED)
    page.keyboard.press("2")
    row = page.get_by_role("row", name=re.compile("versus-d"))
    expect(row.locator("td.best").first).to_contain_text("0.07039")
    page.get_by_role("button", name="train:loss").click()
    expect(page.get_by_role("rowheader").first).to_have_text("versus-d")
    page.get_by_role("button", name="Best", exact=True).click()
    assert violations(page) == []
    page.keyboard.press("3")
    expect(page.get_by_role("rowheader", name="optimizer.lr")).to_be_visible()
    expect(page.get_by_role("rowheader", name="layers")).to_have_count(0)
    page.get_by_role("button", name="All", exact=True).click()
    expect(page.get_by_role("rowheader", name="layers")).to_be_visible()
    page.reload()
    page.get_by_label("Search fields").fill("nccl")
    expect(page.get_by_role("rowheader", name="NCCL_DEBUG")).to_be_visible()
    expect(page.get_by_role("rowheader", name="layers")).to_have_count(0)
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]


def test_a_table_is_downloaded(page: Page) -> None:
    page.goto(f"{OPENED}&tab=parameters")
    page.get_by_label("What to do with the table of parameters").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download CSV").click()
    lines = download.value.path().read_text().splitlines()
    assert lines[0] == "field,versus-a,versus-b,versus-c,versus-d"
    assert "params.optimizer.lr,0.1,0.01,0.01,0.3" in lines
    assert not any(line.startswith("params.layers") for line in lines)


def test_logs_are_aligned_by_what_matters(versus: Any) -> None:
    found = versus.json("/compare/logs?job=versus-a&job=versus-b&context=1")
    assert found["counts"] == {"equal": 4, "changed": 201, "removed": 0, "added": 1}
    [added] = [row for row in found["rows"] if row["kind"] == "added"]
    assert added["b_text"].startswith("WARNING: gradients overflowed")
    found = versus.json("/compare/logs?job=versus-a&job=versus-b&numbers=0&context=1")
    assert found["counts"] == {"equal": 205, "changed": 0, "removed": 0, "added": 1}
    kinds = [row["kind"] for row in found["rows"]]
    assert kinds == ["folded", "equal", "added", "equal", "folded"]
    opened = versus.json("/compare/logs?job=versus-a&job=versus-b&numbers=0&context=1&open=0&limit=50")
    assert ([row["kind"] for row in opened["rows"]], opened["more"]) == (["equal"] * 50, True)


@pytest.mark.parametrize(
    ("query", "status", "words"),
    [
        ("", 400, "job is missing"),
        ("job=versus-a&job=nobody", 404, "no training job 'nobody'"),
        ("job=versus-a&job=versus-b&host_a=algo-9", 404, "no host 'algo-9'"),
        ("job=versus-a&job=versus-b&job=versus-c", 400, "more than 2 times"),
    ],
)
def test_logs_that_cannot_be_compared_are_told(versus: Any, query: str, status: int, words: str) -> None:
    found, body = versus.get(f"/_/api/compare/logs?{query}")
    assert (found, words in body.decode()) == (status, True), body


def test_logs_are_read_beside_each_other(any_page: Page) -> None:
    page = any_page
    page.goto("/_/compare?job=versus-a&job=versus-b&tab=logs&numbers=0")
    expect(page.get_by_role("status").filter(has_text="1 added, 205 equal")).to_be_visible()
    page.keyboard.press("n")
    expect(page.locator("tr.added")).to_be_focused()
    expect(page.locator("tr.added mark")).to_have_count(0)
    page.get_by_role("button", name="Numbers count").click()
    expect(page.get_by_role("status").filter(has_text="201 changed")).to_be_visible()
    expect(page.locator("table.diff")).to_contain_text("learning rate 0.1")
    page.keyboard.press("u")
    page.keyboard.press("u")
    page.reload()
    expect(page.get_by_role("status").filter(has_text="201 changed")).to_be_visible()
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]


def test_settings_are_related_to_what_came_of_them(any_page: Page) -> None:
    page = any_page
    page.goto(OPENED)
    page.keyboard.press("5")
    expect(page.get_by_role("heading", name="train:loss by what differs")).to_be_visible()
    expect(page.get_by_text("4 of 4 jobs")).to_be_visible()
    page.get_by_label("Horizontal axis").select_option("params.seed")
    expect(page.get_by_role("heading", name="train:loss by params.seed")).to_be_visible()
    page.get_by_label("What came of").select_option("validation:accuracy")
    page.reload()
    expect(page.get_by_role("heading", name="validation:accuracy by params.seed")).to_be_visible()
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]


def test_running_jobs_are_followed(console: Any, browse: Any) -> None:
    console.tell(values={"versus:live": 1.5}, step=1)
    page = browse(console, "/_/compare?job=live&job=finished&metrics=versus:live")
    value = page.locator("[data-metric='versus:live'] .key .value")
    expect(value).to_have_text("1.5")
    console.tell(values={"versus:live": 2.5}, step=2)
    expect(value).to_have_text("2.5")


def test_all_that_are_found_are_compared_by_a_link_that_finds_them_again(page: Page) -> None:
    page.goto("/_/?filter=versus and params.optimizer.lr < 0.2&sort=name&order=desc")
    page.get_by_role("link", name="Compare all").click()
    jobs = page.get_by_role("complementary", name="Jobs that are compared")
    expect(jobs.locator("li .name")).to_have_text(["versus-c", "versus-b", "versus-a"])
    assert "job=" not in page.url
    back = page.get_by_role("link", name="found by versus and params.optimizer.lr < 0.2")
    expect(back).to_have_attribute("href", re.compile("sort=name&order=desc"))
    expect(page.locator(".chart").first).to_be_visible()
    assert violations(page) == []
    page.reload()
    expect(jobs.locator("li .name")).to_have_text(["versus-c", "versus-b", "versus-a"])
    page.get_by_role("button", name="Take away versus-b").click()
    expect(jobs.locator("li .name")).to_have_text(["versus-c", "versus-a"])
    assert "filter=" not in page.url
    assert "job=versus-c&job=versus-a" in page.url
    page.go_back()
    expect(jobs.locator("li .name")).to_have_text(["versus-c", "versus-b", "versus-a"])
    back.click()
    expect(page.locator(".job-row a")).to_have_text(["versus-c", "versus-b", "versus-a"])
    page.keyboard.press("c")
    expect(jobs.locator("li .name")).to_have_text(["versus-c", "versus-b", "versus-a"])


def test_a_link_that_finds_no_job_any_more_says_so(page: Page) -> None:
    page.goto("/_/compare?filter=nothing-has-this-name")
    expect(page.get_by_role("heading", name="No job matches")).to_be_visible()
    page.goto("/_/compare?filter=(")
    expect(page.get_by_role("alert")).to_contain_text("filter: column 2")


def test_more_jobs_than_can_be_compared_are_said_to_be(sweeps: Any, browse: Any) -> None:
    page = browse(sweeps, "/_/?filter=sweep&sort=name&order=asc")
    page.get_by_role("link", name="Compare the first 200").click()
    expect(page.get_by_text("240 jobs are found, and the first 200 of them are compared.")).to_be_visible()
    page.get_by_role("link", name="Narrow them down in the table").click()
    expect(page.locator(".page .facts")).to_have_text("240 found")
