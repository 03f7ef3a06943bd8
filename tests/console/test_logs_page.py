"""The log explorer in a real Chromium: read, searched, followed and asked; and from curves to lines and back."""

import json
import re
import time
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from playwright.sync_api import Page, expect

from epochwatch.client.credentials import console_token
from tests.console import filled_logs
from tests.console.accessibility import violations
from tests.console.filled_logs import ERROR, JOB, QUIET, SPIKE, STEPS, STRUCTURED, loss_at

pytestmark = pytest.mark.xdist_group("console")

TOKEN = console_token(filled_logs.SECRET)
GROUP = "/aws/sagemaker/TrainingJobs"
LOG = f"/_/jobs/{JOB}?tab=logs"


class Reader:
    """Asks as the account that the logs belong to."""

    def __init__(self, console: Any) -> None:
        self._console = console.of(TOKEN)

    def get(self, path: str, status: int = 200) -> Any:
        """The JSON of a path of the API."""
        found, body = self._console.get(f"/_/api{path}")
        assert found == status, body
        return json.loads(body)

    def lines(self, path: str) -> list[str]:
        """The lines of a text."""
        status, body = self._console.get(f"/_/api{path}")
        assert status == 200, body
        return list(body.decode().splitlines())

    def call(self, operation: str, **given: Any) -> Any:
        """What an operation of CloudWatch Logs answers."""
        return self._console.perform(f"logs/{operation}", **given)

    def write(self, group: str, stream: str, *messages: str) -> None:
        """Lines of now in a stream, both made where they are missing."""
        groups = self.call("DescribeLogGroups", logGroupNamePrefix=group)["logGroups"]
        if group not in {one["logGroupName"] for one in groups}:
            self.call("CreateLogGroup", logGroupName=group)
        streams = self.call("DescribeLogStreams", logGroupName=group)["logStreams"]
        if stream not in {one["logStreamName"] for one in streams}:
            self.call("CreateLogStream", logGroupName=group, logStreamName=stream)
        now = int(time.time() * 1000)
        events = [{"timestamp": now + at, "message": message} for at, message in enumerate(messages)]
        self.call("PutLogEvents", logGroupName=group, logStreamName=stream, logEvents=events)


@pytest.fixture
def reader(console: Any) -> Reader:
    return Reader(console)


@pytest.fixture
def page(console: Any, browse: Any) -> Page:
    return browse(console.of(TOKEN), f"/_/jobs/{JOB}")


def test_pages_go_through_a_whole_log_in_both_directions(reader: Reader) -> None:
    forwards: list[str] = []
    after = ""
    while len(forwards) < STEPS + QUIET:
        found = reader.get(f"/jobs/{JOB}/logs?limit=997{after}")
        forwards += [event["token"] for event in found["events"]]
        after = f"&after={quote(found['forward'])}"
    assert reader.get(f"/jobs/{JOB}/logs?limit=997{after}")["events"] == []
    backwards: list[str] = []
    before = "&tail=1"
    while len(backwards) < STEPS + QUIET:
        found = reader.get(f"/jobs/{JOB}/logs?limit=1009{before}")
        backwards = [event["token"] for event in found["events"]] + backwards
        before = f"&before={quote(found['backward'])}"
    assert forwards == backwards
    assert len(set(forwards)) == STEPS + QUIET
    host = next(token for token in forwards if "/algo-2-" in token).split(".", 2)[2]
    assert len(reader.get(f"/jobs/{JOB}/logs?limit=5000&stream={quote(host)}")["events"]) == QUIET


def test_a_page_lies_around_a_line_or_a_time(reader: Reader) -> None:
    everything = reader.get(f"/jobs/{JOB}/logs?limit=5000")["events"]
    middle = everything[1500]
    around = reader.get(f"/jobs/{JOB}/logs?limit=20&at={quote(middle['token'])}")
    assert around["at"] == middle["token"]
    assert around["events"] == everything[1490:1510]
    assert reader.get(f"/jobs/{JOB}/logs?limit=20&time={middle['time']}")["events"] == around["events"]


@pytest.mark.parametrize(
    ("search", "kind", "count"),
    [
        ("LOSS=400", "words", 1),
        ("loss=400", "regex", 1),
        (r"step=12[0-9]\b.*lr", "regex", 10),
        ("(?i)OUT of memory", "regex", 1),
        ("ERROR", "pattern", 1),
        ('"rank 1" -"at step 7"', "pattern", QUIET - 11),
        ("?rank ?ERROR", "pattern", QUIET + 1),
        ("{ $.nested.deep IS TRUE }", "pattern", 1),
        ("error", "level", 1),
        ("warning", "level", 0),
    ],
)
def test_every_kind_of_search_finds_and_counts_and_marks_the_same(
    reader: Reader, search: str, kind: str, count: int
) -> None:
    asked = f"search={quote(search)}&kind={kind}"
    found = reader.get(f"/jobs/{JOB}/logs?limit=5000&{asked}")["events"]
    assert len(found) == count
    density = reader.get(f"/jobs/{JOB}/logs/density?buckets=50&{asked}")
    assert sum(density["hits"]) == count
    assert sum(density["events"]) == STEPS + QUIET
    marked = reader.get(f"/jobs/{JOB}/logs?limit=5000&marked=1&{asked}")["events"]
    assert [event["token"] for event in marked if event["hit"]] == [event["token"] for event in found]
    assert len(marked) == STEPS + QUIET
    assert reader.lines(f"/jobs/{JOB}/logs/text?{asked}") == [event["message"] for event in found]
    newest = reader.get(f"/jobs/{JOB}/logs?limit=1&tail=1&{asked}")["events"]
    assert newest == found[-1:]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/logs/events", 400),
        ("/logs/events?group=nowhere", 404),
        (f"/logs/events?group={GROUP}&stream=nowhere", 404),
        (f"/jobs/{JOB}/logs?search=(&kind=regex", 400),
        (f"/jobs/{JOB}/logs?search=(?=a)&kind=regex", 400),
        (f"/jobs/{JOB}/logs?search={{&kind=pattern", 400),
        (f"/jobs/{JOB}/logs?search=loud&kind=level", 400),
        (f"/jobs/{JOB}/logs?at=x", 400),
        (f"/jobs/{JOB}/logs/density?buckets=0", 400),
        (f"/jobs/{JOB}/logs/place?x=1", 400),
        (f"/jobs/{JOB}/logs/place?metric=train:loss", 400),
        (f"/jobs/{JOB}/logs/place?metric=train:loss&x=1&axis=epoch", 400),
        (f"/jobs/{JOB}/logs/place?metric=nothing&x=1", 404),
        (f"/jobs/{JOB}/logs/points", 400),
        ("/logs/tail", 400),
        ("/logs/tail?group=nowhere", 400),
        (f"/logs/tail?group={GROUP}&filter=%22", 400),
    ],
)
def test_what_cannot_be_read_is_refused_with_what_to_do(reader: Reader, path: str, status: int) -> None:
    assert reader.get(path, status)["message"]


def test_each_point_leads_to_the_line_that_tells_it_and_back(reader: Reader) -> None:
    for step in (0, 1, 777, SPIKE, ERROR - 1, ERROR + 2, STEPS - 1):
        place = reader.get(f"/jobs/{JOB}/logs/place?metric=train:loss&x={step}")
        assert place["exact"]
        assert place["point"]["value"] == loss_at(step)
        assert f"step={step} " in place["line"]["message"]
        assert str(loss_at(step)) in place["line"]["message"]
        [point] = reader.get(f"/jobs/{JOB}/logs/points?token={quote(place['token'])}")["points"]
        assert (point["metric"], point["step"], point["value"]) == ("train:loss", step, loss_at(step))
        by_time = f"/jobs/{JOB}/logs/place?metric=train:loss&axis=time&x={point['time']}"
        assert reader.get(by_time)["token"] == place["token"]


def test_of_a_bucket_the_spike_is_found(reader: Reader) -> None:
    place = reader.get(f"/jobs/{JOB}/logs/place?metric=train:loss&x={SPIKE - 40}&within=100&value=400")
    assert place["point"]["step"] == SPIKE


def test_lines_without_a_value_have_no_points(reader: Reader) -> None:
    [error] = reader.get(f"/jobs/{JOB}/logs?search=ERROR")["events"]
    assert reader.get(f"/jobs/{JOB}/logs/points?token={quote(error['token'])}") == {"points": []}


def test_a_point_of_lines_that_were_put_leads_to_its_line(reader: Reader, console: Any) -> None:
    definitions = [{"Name": "told:loss", "Regex": "loss=([0-9.]+)"}]
    given = {
        "TrainingJobName": "told",
        "AlgorithmSpecification": {
            "TrainingImage": "none",
            "TrainingInputMode": "File",
            "MetricDefinitions": definitions,
        },
        "RoleArn": "arn:aws:iam::444455556666:role/none",
        "OutputDataConfig": {"S3OutputPath": "s3://none/none"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
        "StoppingCondition": {"MaxRuntimeInSeconds": 60},
    }
    console.of(TOKEN).perform("sagemaker/CreateTrainingJob", **given)
    reader.write(GROUP, "told/algo-1-1700000000", "starting", "loss=0.5", "nothing", "loss=0.25")
    for value in (0.5, 0.25):
        place = reader.get(f"/jobs/told/logs/place?metric=told:loss&x=0&within=10&value={value}")
        assert place["exact"]
        assert place["line"]["message"] == f"loss={value}"
        [point] = reader.get(f"/jobs/told/logs/points?token={quote(place['token'])}")["points"]
        assert (point["metric"], point["value"]) == ("told:loss", value)


def test_a_long_log_is_read_with_few_elements(page: Page, console: Any) -> None:
    page.goto(console.url + LOG)
    expect(page.locator(".logs .facts")).to_have_text(f"{STEPS + QUIET:,} lines")
    expect(page.locator(".line").last).to_contain_text(re.compile(f"step={STEPS - 1} "))
    assert page.locator(".line").count() < 200
    page.locator(".viewport").focus()
    page.keyboard.press("Home")
    expect(page.locator(".line").filter(has_text="step=0 ")).to_be_visible()
    page.get_by_label("Go to a time").fill("50%")
    page.keyboard.press("Enter")
    expect(page.locator(".line").filter(has_text=re.compile(r"step=15[0-4]\d "))).not_to_have_count(0)
    page.get_by_role("slider", name="Time in the log").focus()
    page.keyboard.press("End")
    expect(page.locator(".line").filter(has_text=f"step={STEPS - 1} ")).to_be_visible()
    page.get_by_label("Go to a time").fill("noon")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("is no time")


def test_hits_are_stepped_through_over_the_whole_log(page: Page, console: Any) -> None:
    page.goto(console.url + LOG + "&all=1&search=loss%3D400")
    expect(page.locator(".logs .facts")).to_contain_text("1 line with “loss=400”")
    expect(page.locator(".line").last).to_contain_text(f"step={STEPS - 1} ")
    page.locator(".viewport").focus()
    page.keyboard.press("Shift+N")
    hit = page.locator(".line.selected")
    expect(hit).to_contain_text(f"step={SPIKE} ")
    expect(hit.locator(".hit").first).to_be_visible()
    expect(page.locator(".line").filter(has_text=f"step={SPIKE + 1} ")).to_be_visible()
    page.keyboard.press("n")
    expect(page.locator(".logs .facts")).to_contain_text("No hit further on")
    page.keyboard.press("e")
    expect(page.locator(".line.selected")).to_contain_text(f"ERROR: step {ERROR}")
    assert page.locator(".lines script").count() == 0
    page.reload()
    expect(page.locator(".line.selected")).to_contain_text(f"ERROR: step {ERROR}")


def test_a_hit_is_seen_among_its_neighbours(page: Page, console: Any) -> None:
    page.goto(console.url + LOG + "&search=out%20of%20memory")
    expect(page.locator(".line")).to_have_count(1)
    page.locator(".line .at").click()
    page.get_by_role("button", name="± 10 lines").click()
    expect(page.locator(".line.context")).to_have_count(20)
    page.get_by_role("button", name="Show in place").click()
    expect(page.locator(".line").filter(has_text=f"step={ERROR - 12} ")).to_be_visible()
    expect(page.locator(".line.selected")).to_contain_text("out of memory")


def test_lines_are_chosen_unfolded_and_linked(page: Page, console: Any) -> None:
    page.goto(console.url + LOG + "&search=nested")
    line = page.locator(".line")
    expect(line).to_have_count(1)
    line.get_by_role("button", name="Unfold").click()
    expect(line.locator("pre")).to_contain_text(f'"step": {STRUCTURED}')
    page.get_by_label("Search the log").fill("lr=0.001")
    expect(page.locator(".line").last).to_contain_text(f"step={STEPS - 1} ")
    page.locator(".line .at").nth(-3).click()
    page.locator(".line .at").last.click(modifiers=["Shift"])
    expect(page.get_by_role("group", name="Selected lines")).to_contain_text("3 lines selected")
    view = parse_qs(urlsplit(page.url).query)
    assert {"at", "to"} <= view.keys()
    page.keyboard.press("i")
    expect(page.locator(".line time").last).to_contain_text("+")
    page.reload()
    expect(page.get_by_role("group", name="Selected lines")).to_contain_text("3 lines selected")


def test_a_point_of_a_curve_opens_its_line_and_the_line_its_curve(page: Page, console: Any) -> None:
    page.goto(f"{console.url}/_/jobs/{JOB}?from=100&to=130")
    plot = page.get_by_role("img", name="Curve of train:loss")
    expect(plot).to_be_visible()
    plot.focus()
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    where = page.locator(".chart .where").first
    expect(where).to_contain_text("step")
    step = int(re.sub(r"\D", "", where.inner_text()))
    page.keyboard.press("Enter")
    expect(page.locator(".line.selected")).to_contain_text(f"step={step} ")
    page.get_by_role("button", name=f"train:loss {loss_at(step)}").click()
    expect(page.locator(".chart canvas")).to_have_count(1)
    view = {name: value[0] for name, value in parse_qs(urlsplit(page.url).query).items()}
    assert float(view["from"]) < step < float(view["to"])
    assert view["mark"] == str(step)
    page.locator("body").press("0")
    expect(page).not_to_have_url(re.compile("mark=|from="))


def test_a_click_on_a_point_opens_its_line(page: Page, console: Any) -> None:
    page.goto(f"{console.url}/_/jobs/{JOB}?from={SPIKE - 10}&to={SPIKE + 10}")
    over = page.locator(".chart .u-over").first
    expect(over).to_be_visible()
    box = over.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2 - 3, box["y"] + 15)
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] * 0.06)
    expect(page.locator(".line.selected")).to_contain_text(f"step={SPIKE} ")


def test_groups_and_streams_are_found_kept_and_opened(page: Page, reader: Reader, console: Any) -> None:
    reader.write("explored-group", "one", "first line", "WARNING second line")
    reader.write("explored-group", "two", "third line")
    page.goto(f"{console.url}/_/logs")
    page.keyboard.press("/")
    page.keyboard.type("EXPLORED group")
    expect(page.locator("tbody tr")).to_have_count(1)
    page.get_by_label("How long explored-group is kept").select_option("7")
    page.get_by_role("link", name="explored-group").click()
    expect(page.get_by_role("link", name="one", exact=True)).to_be_visible()
    [group] = reader.call("DescribeLogGroups", logGroupNamePrefix="explored-group")["logGroups"]
    assert group["retentionInDays"] == 7
    page.get_by_role("button", name="Open all streams").click()
    expect(page.locator(".line")).to_have_count(3)
    expect(page.locator(".line.warning")).to_contain_text("second")
    reader.write("explored-group", "two", "a line that just came")
    expect(page.locator(".line").last).to_contain_text("a line that just came")
    page.go_back()
    page.get_by_label("Search streams by their beginning").fill("tw")
    expect(page.get_by_role("link", name="one", exact=True)).to_have_count(0)
    page.get_by_role("link", name="two", exact=True).click()
    expect(page.locator(".line")).to_have_count(2)


def test_several_groups_are_followed_live(page: Page, reader: Reader, console: Any) -> None:
    for group in ("tailed-a", "tailed-b"):
        reader.write(group, "s", "before")
    page.goto(f"{console.url}/_/logs/tail?group=tailed-a&filter=loss&highlight=0.5")
    expect(page.locator(".lines")).to_contain_text("Waiting for lines")
    page.get_by_label("Add a log group").fill("tailed-b")
    expect(page.get_by_label("Leave out tailed-b")).to_be_visible()
    expect(page.locator(".lines")).to_contain_text("Waiting for lines")
    reader.write("tailed-a", "s", "loss=0.5", "something else")
    reader.write("tailed-b", "s", "loss=0.25 <b>bold</b>")
    expect(page.locator(".line")).to_have_count(2)
    expect(page.locator(".line .hit")).to_have_text("0.5")
    expect(page.locator(".line").last).to_contain_text("<b>bold</b>")
    page.get_by_role("button", name="Pause").click()
    reader.write("tailed-b", "s", "loss=0.1")
    expect(page.locator(".facts").first).to_contain_text("1 waiting")
    expect(page.locator(".line")).to_have_count(2)
    page.get_by_role("button", name="Go on").click()
    expect(page.locator(".line")).to_have_count(3)
    page.get_by_role("button", name="Clear").click()
    expect(page.locator(".line")).to_have_count(0)


def test_the_log_is_asked_and_the_answer_drawn_and_kept(page: Page, reader: Reader, console: Any) -> None:
    query = "parse @message /loss\\S*=(?<loss>[0-9.]+)/ | stats count(loss) as n, max(loss) as most by bin(10m)"
    page.goto(f"{console.url}/_/logs/insights?group={quote(GROUP)}&query={quote(query)}")
    expect(page.locator(".query-picture canvas")).to_be_visible()
    expect(page.locator(".query-bars svg path")).to_have_attribute("d", re.compile("^M"))
    page.get_by_role("button", name="Table").click()
    rows = page.locator(".query-list .query-row")
    expect(rows.first).to_be_visible()
    page.get_by_role("button", name="most").click()
    page.get_by_role("button", name="most").click()
    expect(rows.first).to_contain_text("400")
    page.get_by_text("Queries ▾").click()
    page.get_by_label("Name of the query").fill("losses/by time")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Saved as losses/by time.")).to_be_visible()
    [kept] = reader.call("DescribeQueryDefinitions", queryDefinitionNamePrefix="losses")["queryDefinitions"]
    assert kept["queryString"] == query
    page.get_by_role("button", name="Delete the query losses/by time").click()
    expect(page.get_by_role("button", name="losses/by time", exact=True)).to_have_count(0)
    page.get_by_role("button", name="Lines a host writes").click()
    expect(page.locator(".query-picture")).to_be_visible()
    editor = page.get_by_role("textbox", name="Query", exact=True)
    editor.fill('filter @message like "ERROR" | fields @timestamp, @message')
    editor.press("Control+Enter")
    expect(rows).to_have_count(1)
    page.get_by_role("button", name="Unfold the row").click()
    page.get_by_role("link", name="Show in the log").click()
    expect(page.locator(".line.selected")).to_contain_text(f"ERROR: step {ERROR}")
    page.go_back()
    editor.fill("filter @message like")
    editor.press("Control+Enter")
    expect(page.get_by_role("alert")).to_be_visible()


@pytest.mark.parametrize(
    "path",
    [
        LOG + "&search=loss%3D4",
        "/_/logs",
        f"/_/logs?group={GROUP}",
        f"/_/logs/tail?group={GROUP}",
        f"/_/logs/insights?group={GROUP}&query=fields%20%40message%20%7C%20limit%2020",
        f"/_/logs/insights?group={GROUP}&query=stats%20count(*)%20by%20%40logStream",
    ],
)
def test_every_view_can_be_read_by_anyone_anywhere(browse: Any, console: Any, path: str) -> None:
    for width, theme in ((1280, "light"), (390, "dark")):
        page = browse(console.of(TOKEN), path, theme=theme, width=width)
        expect(page.locator(".line, tbody tr, .query-row, .query-picture, .logs .notice").first).to_be_visible()
        assert violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
