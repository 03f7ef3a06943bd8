"""The table of training jobs in a real Chromium, over hundreds of them: found, ordered, grouped, acted on."""

import csv
import io
import json
import re
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from playwright.sync_api import Locator, Page, expect

from epochwatch.client.credentials import console_token
from tests.console.accessibility import violations
from tests.console.filled_jobs import JOBS, MEASURED, SECRET

pytestmark = pytest.mark.xdist_group("console")

BEST = "metrics.validation:loss.best"


@pytest.fixture
def sweeps(console: Any) -> Any:
    """The server as whom the jobs belong to."""
    return console.of(console_token(SECRET))


@pytest.fixture
def page(sweeps: Any, browse: Any) -> Page:
    return browse(sweeps)


@pytest.fixture(params=[("light", 1280), ("dark", 390)], ids=["wide", "phone"])
def any_page(sweeps: Any, browse: Any, request: Any) -> Page:
    theme, width = request.param
    return browse(sweeps, theme=theme, width=width)


def found(console: Any, **query: Any) -> Any:
    return console.json("/jobs?" + urlencode(query, doseq=True))


def names(console: Any, **query: Any) -> list[str]:
    return [job["name"] for job in found(console, **query)["jobs"]]


def query(page: Page) -> dict[str, list[str]]:
    return parse_qs(urlsplit(page.url).query)


def links(page: Page) -> Locator:
    return page.locator(".job-row a")


def write(page: Page, text: str) -> None:
    """Into the filter."""
    page.get_by_role("textbox", name="Filter jobs").fill(text)


def sent(console: Any, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    """What the API answers to a change."""
    import http.client

    host = urlsplit(console.url)
    connection = http.client.HTTPConnection(host.hostname or "", host.port, timeout=30)
    headers = {"Authorization": f"Bearer {console.token}", "content-type": "application/json"}
    connection.request(method, f"/_/api{path}", None if body is None else json.dumps(body), headers)
    answer = connection.getresponse()
    content = json.loads(answer.read())
    connection.close()
    return answer.status, content


def test_a_filter_orders_and_pages_all_jobs(sweeps: Any) -> None:
    assert names(sweeps, filter="sweep", limit=2) == ["sweep-000", "sweep-001"]
    assert names(sweeps, filter=f"{BEST} < 0.4", sort=BEST) == ["sweep-003", "sweep-002", "sweep-001", "sweep-000"]
    assert names(sweeps, filter="params.batch = 32 and params.optimizer.name = sgd", limit=2, offset=1) == [
        "sweep-004",
        "sweep-008",
    ]
    both = names(sweeps, filter="sweep", sort=["params.lr", "created"], order=["desc", "asc"], limit=3)
    assert both == ["sweep-199", "sweep-099", "sweep-198"]
    assert found(sweeps, filter="sweep", status="Failed")["total"] == JOBS / 6
    # Jobs without a value are last in both directions.
    for order in ("asc", "desc"):
        last = found(sweeps, filter="sweep", sort=BEST, order=order, columns=BEST, limit=1000)["jobs"]
        assert [job["values"][0] is None for job in last] == [False] * MEASURED + [True] * (JOBS - MEASURED)


def test_rows_have_the_columns_that_were_asked_for(sweeps: Any) -> None:
    columns = [
        "name",
        "status",
        "params.optimizer.name",
        f"{BEST}",
        "metrics",
        "tags.team",
        "duration",
        "exit_code",
    ]
    job = found(sweeps, filter="name = sweep-006", columns=columns)["jobs"][0]
    assert job["values"][:4] == ["sweep-006", "Failed", "adam", 0.6]
    assert job["values"][4] == [["train:accuracy", 0.5, 0.5], ["validation:loss", 1.6, 0.6]]
    assert job["values"][5:] == ["vision", 70.0, 1]
    assert job["arn"].endswith("training-job/sweep-006")


def test_the_shape_of_a_curve_is_a_column_and_nothing_to_compare(sweeps: Any) -> None:
    columns = ["name", "metrics.validation:loss.curve", "metrics.nothing.curve"]
    jobs = found(sweeps, filter="name in (sweep-006, sweep-239)", columns=columns, sort="name")["jobs"]
    shape = {"first": 8.0, "last": 1.6, "best": 0.6, "values": [8.0, 0.6, 1.6]}
    assert [job["values"][1:] for job in jobs] == [[shape, None], [None, None]]
    offered = {one["column"]: one["jobs"] for one in sweeps.json("/columns?filter=sweep")["columns"]}
    assert offered["metrics.validation:loss.curve"] == MEASURED
    status, body = sweeps.get("/_/api/jobs?" + urlencode({"columns": columns, "format": "csv"}, doseq=True))
    assert (status, body.decode().splitlines()[0].strip('"')) == (200, "name")


def test_groups_have_their_count_and_the_range_of_each_number(sweeps: Any) -> None:
    answer = found(sweeps, filter="sweep", group="tags.team", columns=["name", BEST], limit=1)
    assert [(group["value"], group["count"]) for group in answer["groups"]] == [("nlp", 120), ("vision", 120)]
    told = answer["groups"][0]["aggregates"][BEST]
    assert told == {"jobs": 12, "mean": pytest.approx(1.2), "min": 0.1, "max": 2.3}
    assert answer["jobs"][0]["name"] == "sweep-001"


def test_what_can_be_shown_is_told_with_how_many_jobs_have_it(sweeps: Any) -> None:
    columns = {
        one["column"]: one["jobs"] for one in sweeps.json("/columns?" + urlencode({"filter": "sweep"}))["columns"]
    }
    assert columns["params.optimizer.name"] == columns["tags.team"] == columns["status"] == JOBS
    assert columns["metrics.validation:loss.last"] == MEASURED
    assert columns["failure_reason"] == JOBS / 6


def test_a_file_has_every_job_that_is_found(sweeps: Any) -> None:
    path = "/jobs?" + urlencode({"filter": "sweep", "format": "csv", "columns": ["name", BEST]}, doseq=True)
    status, body = sweeps.get("/_/api" + path)
    rows = list(csv.reader(io.StringIO(body.decode())))
    assert status == 200
    assert rows[:3] == [["name", BEST], ["sweep-000", "0"], ["sweep-001", "0.1"]]
    assert len(rows) == JOBS + 1


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/jobs?filter=status%20%3D%20Faild", "column 10"),
        ("/jobs?sort=lr", "params.lr"),
        ("/jobs?columns=a%20b", "names no column"),
        ("/jobs?group=metrics", "metrics.NAME"),
        ("/jobs?order=up", "order"),
        ("/jobs?filter=" + "x" * 4001, "4000"),
        ("/columns?filter=(", "column 2"),
        ("/jobs?sort=metrics.a.curve", "sort: column 1: metrics.a.curve is a shape to look at"),
        ("/jobs?group=metrics.a.curve", "compare metrics.a.last"),
        ("/jobs?filter=metrics.a.curve%20%3E%201", "filter: column 1"),
        ("/jobs?" + "&".join(f"columns=metrics.{at}.curve" for at in range(11)), "more than 10 curves"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(sweeps: Any, path: str, told: str) -> None:
    status, body = sweeps.get("/_/api" + path)
    assert status == 400
    assert told in json.loads(body)["message"]


def test_a_metric_that_goes_on_is_seen_by_the_next_who_asks(console: Any) -> None:
    asked = {"filter": "name = live", "columns": "metrics.table-value.last"}
    for value in (4.0, 5.0):
        console.tell(values={"table-value": value}, step=int(value))
        assert found(console, **asked)["jobs"][0]["values"] == [value]


def test_views_are_saved_replaced_renamed_and_deleted(sweeps: Any) -> None:
    view = {"filter": "status = Failed", "columns": ["status"], "sort": [BEST], "order": ["asc"], "group": ""}
    assert sent(sweeps, "PUT", "/views/a%2Fb", view)[0] == 200
    status, answer = sent(sweeps, "PUT", "/views/a%2Fb", view | {"filter": "x", "default": True})
    saved = {one["name"]: one for one in answer["views"]}["a/b"]
    assert (status, saved["view"]["filter"], saved["default"]) == (200, "x", True)
    answer = sent(sweeps, "PUT", "/views/other", view | {"default": True})[1]
    assert [one["name"] for one in answer["views"] if one["default"]] == ["other"]
    assert sent(sweeps, "POST", "/views/other", {"name": "a/b"})[0] == 409
    assert sent(sweeps, "POST", "/views/nothing", {"name": "b"})[0] == 404
    answer = sent(sweeps, "POST", "/views/other", {"name": "c"})[1]
    assert {"a/b", "c"} <= {one["name"] for one in answer["views"]}
    assert sent(sweeps, "PUT", "/views/d", view | {"filter": "("})[0] == 400
    assert sent(sweeps, "PUT", "/views/d", view | {"colour": "red"})[0] == 400
    for name in ("a%2Fb", "c"):
        assert sent(sweeps, "DELETE", f"/views/{name}")[0] == 200
    assert sent(sweeps, "DELETE", "/views/c")[0] == 404
    assert sweeps.json("/views")["views"] == []


def test_jobs_are_found_by_a_filter_that_stays_in_the_address(page: Page) -> None:
    expect(links(page).first).to_be_visible()
    page.keyboard.press("/")
    page.keyboard.type("sweep-00 and params.lr > 0.0")
    expect(page.locator(".page .facts")).to_have_text("9 found")
    expect(links(page)).to_have_text([f"sweep-00{number}" for number in range(1, 10)])
    assert query(page) == {"filter": ["sweep-00 and params.lr > 0.0"]}
    page.get_by_role("button", name="Failed", exact=True).click()
    expect(links(page)).to_have_text(["sweep-006"])
    page.reload()
    expect(links(page)).to_have_text(["sweep-006"])
    expect(page.get_by_role("textbox", name="Filter jobs")).to_have_value("sweep-00 and params.lr > 0.0")


def test_a_wrong_filter_says_where_and_leaves_what_is_seen(page: Page) -> None:
    expect(links(page).first).to_be_visible()
    seen = links(page).all_inner_texts()
    write(page, "sweep and statsu = Failed")
    expect(page.get_by_role("alert")).to_have_text("Column 11: there is no 'statsu': did you mean status?.")
    assert links(page).all_inner_texts() == seen
    write(page, "sweep-000")
    expect(page.get_by_role("alert")).to_have_count(0)
    expect(links(page)).to_have_text(["sweep-000"])


def test_what_can_be_written_is_offered(page: Page) -> None:
    expect(links(page).first).to_be_visible()
    page.keyboard.press("/")
    page.keyboard.type("params.opt", delay=30)
    offer = page.locator(".pce-ac-tooltip li").filter(has_text="params.optimizer.name").first
    expect(offer).to_contain_text(f"{JOBS} jobs")
    offer.click()
    page.keyboard.type(" = sgd")
    expect(page.locator(".page .facts")).to_have_text(f"{JOBS // 4} found")


def test_only_rows_in_view_are_there_and_all_can_be_scrolled_to(page: Page) -> None:
    write(page, "sweep")
    expect(page.locator(".page .facts")).to_have_text(f"{JOBS} found")
    grid = page.get_by_role("grid", name="Training jobs")
    expect(grid).to_have_attribute("aria-rowcount", str(JOBS + 1))
    assert page.locator(".job-row").count() < 60
    grid.focus()
    page.keyboard.press("End")
    expect(links(page).last).to_have_text(f"sweep-{JOBS - 1}")
    last = page.get_by_role("row").filter(has_text=f"sweep-{JOBS - 1}")
    expect(last).to_have_attribute("aria-rowindex", str(JOBS + 1))
    assert page.locator(".job-row").count() < 60
    page.keyboard.press("Home")
    expect(page.get_by_role("link", name="sweep-000")).to_be_in_viewport()


def test_columns_are_chosen_moved_sized_and_sorted_by(page: Page) -> None:
    write(page, "sweep")
    page.get_by_text("Columns", exact=True).click()
    page.get_by_label("Search columns").fill("validation best")
    page.get_by_role("button", name=re.compile("^validation:loss best")).click()
    page.get_by_role("button", name="Take Last values away").click()
    page.keyboard.press("Escape")
    head = page.get_by_role("columnheader", name="validation:loss best")
    head.get_by_role("button").click()
    expect(head).to_have_attribute("aria-sort", "descending")
    expect(links(page).first).to_have_text(f"sweep-0{MEASURED - 1}")
    head.get_by_role("button").click()
    expect(links(page).first).to_have_text("sweep-000")
    page.get_by_role("columnheader", name="Status").get_by_role("button").click(modifiers=["Shift"])
    assert query(page)["sort"] == [BEST, "status"]
    before = head.bounding_box()
    assert before is not None
    head.get_by_role("button").press("Alt+ArrowLeft")
    expect(page.get_by_role("columnheader").nth(5)).to_contain_text("validation:loss best")
    head.get_by_role("button").press("Shift+ArrowRight")
    after = head.bounding_box()
    assert after is not None
    assert after["width"] == before["width"] + 16
    page.reload()
    expect(page.get_by_role("columnheader").nth(5)).to_contain_text("validation:loss best")
    expect(links(page).first).to_have_text("sweep-000")
    head.get_by_role("button").press("Delete")
    expect(head).to_have_count(0)


def test_the_shape_of_a_curve_is_shown_beside_its_job(page: Page) -> None:
    write(page, "sweep")
    page.get_by_text("Columns", exact=True).click()
    page.get_by_label("Search columns").fill("validation curve")
    page.get_by_role("button", name=re.compile("^validation:loss curve")).click()
    page.keyboard.press("Escape")
    shape = page.get_by_role("row").filter(has_text="sweep-006").locator("svg")
    expect(shape).to_have_accessible_name("validation:loss curve: first 8, last 1.6, best 0.6")
    expect(shape.locator("path")).to_have_attribute("d", "M0 0L0.5 1L1 0.865")
    expect(page.get_by_role("columnheader", name="validation:loss curve").get_by_role("button")).to_have_count(0)
    page.reload()
    expect(shape.locator("path")).to_have_attribute("d", "M0 0L0.5 1L1 0.865")
    page.get_by_role("grid", name="Training jobs").focus()
    page.keyboard.press("End")
    last = page.get_by_role("row").filter(has_text=f"sweep-{JOBS - 1}").locator("svg")
    expect(last).to_have_accessible_name("no curve")
    assert violations(page) == []


def test_groups_are_folded_and_told_in_numbers(page: Page) -> None:
    page.goto("/_/?" + urlencode({"filter": "sweep", "columns": [BEST, "status"]}, doseq=True))
    page.get_by_label("Group by").focus()
    page.get_by_label("Group by").select_option("tags.team")
    groups = page.locator(".job-group")
    expect(groups.first).to_contain_text("team nlp 120 jobs")
    expect(groups.first).to_contain_text("⌀ 1.2 0.1 … 2.3")
    expect(links(page).first).to_have_text("sweep-001")
    groups.first.click()
    expect(groups).to_have_count(2)
    expect(groups.first).to_have_attribute("aria-expanded", "false")
    expect(links(page).first).to_have_text("sweep-000")
    page.keyboard.press("ArrowRight")
    expect(groups.first).to_have_attribute("aria-expanded", "true")
    assert query(page)["group"] == ["tags.team"]


def test_jobs_are_moved_to_selected_and_opened_by_keys(page: Page) -> None:
    write(page, "sweep")
    expect(page.locator(".page .facts")).to_have_text(f"{JOBS} found")
    page.get_by_role("heading", name="Training jobs").click()
    page.keyboard.press("n")
    page.keyboard.press("n")
    page.keyboard.press(" ")
    page.keyboard.press("Shift+ArrowDown")
    page.keyboard.press("p")
    expect(page.locator(".selection-bar")).to_contain_text("2 jobs selected")
    assert query(page)["selected"] == ["sweep-002", "sweep-003"]
    page.reload()
    expect(page.get_by_role("checkbox", name="Select sweep-003")).to_be_checked()
    expect(page.get_by_role("link", name="Compare", exact=True)).to_have_attribute(
        "href", "/_/compare?job=sweep-002&job=sweep-003"
    )
    page.keyboard.press("n")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="sweep-001")).to_be_visible()
    page.go_back()
    page.get_by_role("checkbox", name="Select all").click()
    expect(page.locator(".selection-bar")).to_have_count(0)
    page.get_by_role("checkbox", name="Select all").click()
    expect(page.locator(".selection-bar")).to_contain_text(f"{JOBS} jobs selected")


def test_a_box_says_whether_its_job_is_selected(page: Page) -> None:
    write(page, "sweep")
    expect(page.locator(".page .facts")).to_have_text(f"{JOBS} found")
    box = page.get_by_role("checkbox", name="Select sweep-002")
    row = page.get_by_role("row").filter(has=box)
    box.click()
    expect(box).to_be_checked()
    expect(row).to_have_attribute("aria-selected", "true")
    page.get_by_role("checkbox", name="Select sweep-004").click(modifiers=["Shift"])
    box.click(modifiers=["Shift"])
    expect(page.locator(".selection-bar")).to_contain_text("3 jobs selected")
    for number in (2, 3, 4):
        expect(page.get_by_role("checkbox", name=f"Select sweep-00{number}")).to_be_checked()
    box.click()
    expect(box).not_to_be_checked()
    expect(row).to_have_attribute("aria-selected", "false")
    page.get_by_role("checkbox", name="Select all").click()
    expect(page.get_by_role("checkbox", name="Select all")).not_to_be_checked()
    expect(page.locator(".job-row input:checked")).to_have_count(0)


def test_rows_that_were_scrolled_to_stand_in_order_and_are_what_they_say(page: Page) -> None:
    write(page, "sweep")
    expect(page.locator(".page .facts")).to_have_text(f"{JOBS} found")
    grid = page.get_by_role("grid", name="Training jobs")
    page.get_by_role("checkbox", name="Select sweep-001").click()
    for top in (7, 31, 95, 100):
        grid.evaluate(f"grid => grid.scrollTo(0, {top} * 38)")
        expect(page.get_by_role("link", name=f"sweep-{top + 5:03}")).to_be_in_viewport()
    first = page.locator(".job-row").first
    expect(first).to_contain_text("sweep-092")
    found = links(page).all_inner_texts()
    assert found == [f"sweep-{92 + at:03}" for at in range(len(found))]
    for row in (first, page.locator(".job-row").last):
        number = int(row.locator("a").inner_text()[-3:])
        assert row.get_attribute("aria-rowindex") == str(number + 2)
        assert row.get_attribute("id") == f"job-line-{number}"
    expect(page.locator(".job-row input:checked")).to_have_count(0)
    grid.focus()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("link", name="sweep-002")).to_be_in_viewport()
    expect(grid).to_have_attribute("aria-activedescendant", "job-line-2")
    expect(page.locator("#job-line-2")).to_contain_text("sweep-002")


def test_tags_are_added_and_taken_away_where_they_are(page: Page, sweeps: Any) -> None:
    page.goto("/_/?filter=old&selected=old-1&selected=old-2")
    page.get_by_role("button", name="Tags…").click()
    page.get_by_label("Tag's key").fill("keep")
    page.get_by_label("Tag's value").fill("yes")
    expect(page.get_by_role("dialog")).to_contain_text("2 jobs will have the tag keep = yes")
    page.get_by_role("button", name="Add the tag (2)").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert names(sweeps, filter="tags.keep = yes", sort="name") == ["old-1", "old-2"]
    page.get_by_role("button", name="Tags…").click()
    page.get_by_role("button", name="Take away").click()
    page.get_by_label("Tag's key").fill("keep")
    page.get_by_role("button", name="Take the tag away (2)").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert names(sweeps, filter="has(tags.keep)") == []


def test_only_what_can_be_stopped_is_stopped_and_the_others_say_why(page: Page, sweeps: Any) -> None:
    page.goto("/_/?filter=name in (queued, running-here)&selected=queued&selected=running-here&selected=old-1")
    page.get_by_role("button", name="Stop…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("list", name="Jobs to be changed")).to_have_text("queued")
    expect(dialog.get_by_role("list", name="Jobs left out")).to_contain_text(
        "running-here was started by epochwatch run: stop its process where it runs"
    )
    expect(dialog.get_by_role("list", name="Jobs left out")).to_contain_text("old-1 has ended already")
    page.get_by_role("button", name="Stop (1)").click()
    expect(dialog).to_contain_text("Done for 1 job.")
    page.get_by_role("button", name="Close", exact=True).last.click()
    expect(page.get_by_role("row").filter(has_text="queued")).to_contain_text("Stopped")
    assert names(sweeps, filter="queued and status = Stopped") == ["queued"]


def test_ended_jobs_are_deleted_after_a_clear_word(page: Page, sweeps: Any) -> None:
    page.goto("/_/?filter=sweep-23&selected=sweep-238&selected=sweep-239&selected=running-here")
    page.get_by_role("button", name="Delete…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("2 jobs will be deleted with their curves")
    expect(dialog).to_contain_text("running-here has not ended: stop it first")
    page.get_by_role("button", name="Cancel").click()
    assert names(sweeps, filter="sweep-239") == ["sweep-239"]


def test_jobs_are_deleted_for_good_and_one_that_runs_is_refused(page: Page, sweeps: Any) -> None:
    page.goto("/_/?filter=doomed&selected=doomed-1&selected=doomed-2&selected=running-here")
    expect(links(page)).to_have_text(["doomed-2", "doomed-1"])
    page.get_by_role("button", name="Delete…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("list", name="Jobs to be changed").get_by_role("listitem")).to_have_count(2)
    expect(dialog.get_by_role("list", name="Jobs left out")).to_have_text(
        "running-here has not ended: stop it first"
    )
    page.get_by_role("button", name="Delete (2)").click()
    expect(dialog).to_contain_text("Done for 2 jobs.")
    dialog.get_by_role("button", name="Close", exact=True).last.click()
    expect(page.locator(".empty")).to_contain_text("No job matches")
    expect(page.locator(".selection-bar")).to_contain_text("1 job selected")
    assert query(page)["selected"] == ["running-here"]
    assert names(sweeps, filter="doomed or running-here") == ["running-here"]
    assert sweeps.get("/_/api/jobs/doomed-1")[0] == 404
    body = json.dumps({"TrainingJobName": "running-here"}).encode()
    status, refusal = sweeps.call("sagemaker/DeleteTrainingJob", body)
    assert status == 400
    assert "running-here" in refusal["message"]
    assert names(sweeps, filter="running-here and status = InProgress") == ["running-here"]


def test_a_view_is_saved_and_is_what_the_table_opens_with(page: Page, sweeps: Any) -> None:
    write(page, "status = Failed and sweep")
    page.get_by_label("Group by").focus()
    page.get_by_label("Group by").select_option("user")
    expect(page.locator(".job-group").first).to_contain_text("User bo 40 jobs")
    page.get_by_text("Views", exact=True).click()
    page.get_by_label("Name for what is shown").fill("what failed")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("button", name="Open the table with what failed").click()
    expect(page.get_by_role("button", name="Open the table with what failed")).to_have_attribute(
        "aria-pressed", "true"
    )
    page.goto("/_/")
    expect(page.locator(".job-group").first).to_contain_text("User bo 40 jobs")
    assert query(page)["filter"] == ["status = Failed and sweep"]
    page.locator(".views-menu summary").click()
    page.get_by_role("button", name="Rename what failed").click()
    page.get_by_label("New name of what failed").fill("failures")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Delete failures").click()
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(page.get_by_role("list", name="Saved views")).to_have_count(0)
    assert sweeps.json("/views")["views"] == []


def test_a_new_job_appears_without_moving_what_is_read(page: Page, sweeps: Any) -> None:
    def create(name: str) -> None:
        status, answer = sweeps.call("sagemaker/AddTags", json.dumps({}).encode())
        assert status == 400, answer
        body = {
            "TrainingJobName": name,
            "AlgorithmSpecification": {"TrainingImage": "local", "TrainingInputMode": "File"},
            "RoleArn": "arn:aws:iam::444433332222:role/trainer",
            "OutputDataConfig": {"S3OutputPath": "s3://results/here"},
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
            "StoppingCondition": {"MaxRuntimeInSeconds": 60},
        }
        sweeps.perform("sagemaker/CreateTrainingJob", **body)

    expect(links(page).first).to_be_visible()
    expect(page.locator(".connection")).to_have_text("Live")
    create("came-first")
    expect(links(page).first).to_have_text("came-first")
    grid = page.get_by_role("grid", name="Training jobs")
    grid.evaluate("grid => grid.scrollTo(0, 60 * 38)")
    row = page.get_by_role("link", name="sweep-060")
    expect(row).to_be_visible()
    before = row.bounding_box()
    rows = int(grid.get_attribute("aria-rowcount") or 0)
    create("came-second")
    expect(grid).to_have_attribute("aria-rowcount", str(rows + 1))
    expect(row).to_be_visible()
    assert row.bounding_box() == before


def test_the_table_can_be_read_by_everybody(any_page: Page) -> None:
    page = any_page
    expect(links(page).first).to_be_visible()
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.goto("/_/?filter=sweep&group=tags.team&selected=sweep-001&selected=sweep-003")
    expect(page.get_by_role("link", name="sweep-001")).to_be_visible()
    assert violations(page) == []
    page.get_by_text("Columns", exact=True).click()
    expect(page.get_by_role("button", name=re.compile("^optimizer.name"))).to_be_visible()
    assert violations(page) == []
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Delete…").click()
    expect(page.get_by_role("dialog")).to_contain_text("cannot be undone")
    assert violations(page) == []
    page.goto("/_/?filter=nothing-has-this-name")
    expect(page.locator(".empty")).to_contain_text("No job matches")
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
