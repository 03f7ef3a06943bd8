"""The parts of a job's page in a real Chromium: its overview, note and tags, what it left, and what is done with it."""

import json
import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.console.accessibility import violations

pytestmark = pytest.mark.xdist_group("console")

TABS = ["Overview", "Curves", "Logs", "Hosts", "Rules", "Profiler", "Artefacts", "Configuration", "Details"]


@pytest.fixture
def page(console: Any, browse: Any) -> Page:
    return browse(console.of(console.tuner), "/_/jobs/made")


def called(console: Any, operation: str, **given: Any) -> tuple[int, Any]:
    body, key = json.dumps(given).encode(), f"Bearer {console.tuner}"
    status, answer = console.call(f"sagemaker/{operation}", body, Authorization=key)
    return int(status), answer


def test_each_part_has_its_key_and_its_address(page: Page) -> None:
    tabs = page.get_by_label("Parts of the job").get_by_role("button")
    expect(tabs).to_have_text([re.compile(f"^{name}") for name in TABS])
    for number, name in enumerate(TABS, 1):
        page.keyboard.press(str(number))
        expect(page.locator(".tabs [aria-current]")).to_have_text(re.compile(f"^{name}"))
        if name != "Curves":  # what the page opens with
            expect(page).to_have_url(re.compile(f"tab={name.lower()}"))
    page.reload()
    expect(page.locator(".tabs [aria-current]")).to_have_text("Details")
    page.go_back()
    expect(page.locator(".tabs [aria-current]")).to_have_text("Configuration")


def test_the_overview_tells_how_far_it_is(page: Page) -> None:
    page.keyboard.press("1")
    expect(page.locator(".history .stage")).to_have_text(["Starting", "Downloading", "Training"])
    expect(page.locator(".stages i")).to_have_count(3)
    expect(page.locator("[data-card=rules]")).to_contain_text("VanishingGradient Looking")
    expect(page.locator("[data-card=artefacts]")).to_contain_text("Model and output 1 file, 7 kB")


def test_a_note_is_written_and_reaches_other_consoles(page: Page, console: Any) -> None:
    page.goto(f"{console.url}/_/jobs/made?tab=overview")
    expect(page.locator(".connection")).to_have_text("Live")
    other = page.context.new_page()
    other.goto(page.url)
    expect(other.locator(".connection")).to_have_text("Live")
    page.keyboard.press("e")
    page.get_by_label("Note in Markdown").fill("## Tried\n\n* <b>bold</b> *steps*\n")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".markdown h2")).to_have_text("Tried")
    expect(page.locator(".markdown li")).to_have_text("<b>bold</b> steps")
    expect(other.locator(".markdown h2")).to_have_text("Tried")
    # Who writes at the same time is told, and keeps what they wrote.
    other.get_by_role("button", name="Edit").click()
    field = other.get_by_label("Note in Markdown")
    field.fill("mine")
    page.keyboard.press("e")
    page.get_by_label("Note in Markdown").fill("theirs")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".markdown")).to_have_text("theirs")
    other.get_by_role("button", name="Save").click()
    expect(other.get_by_role("alert")).to_contain_text("Somebody else has changed this note")
    expect(other.locator(".markdown")).to_have_text("theirs")
    expect(field).to_have_value("mine")
    other.get_by_role("button", name="Save").click()
    expect(page.locator(".markdown")).to_have_text("mine")
    other.close()


def test_tags_are_changed_in_place(page: Page, console: Any) -> None:
    page.goto(f"{console.url}/_/jobs/noted?tab=overview")
    tags = page.locator(".tags .chip")
    expect(tags).to_have_text(re.compile("team vision"))
    page.get_by_label("Key of the tag").fill("owner")
    page.get_by_label("Value of the tag").fill("me")
    page.keyboard.press("Enter")
    expect(tags).to_have_count(2)
    page.get_by_title("Change team").click()
    page.get_by_label("Value of the tag").fill("speech")
    page.get_by_role("button", name="Change", exact=True).click()
    expect(tags.first).to_contain_text("speech")
    page.get_by_label("Remove the tag owner").click()
    expect(tags).to_have_count(1)
    page.get_by_label("Key of the tag").fill("aws:mine")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("reserved for AWS")
    assert called(console, "DescribeTrainingJob", TrainingJobName="noted")[0] == 200
    arn = "arn:aws:sagemaker:us-east-1:777766665555:training-job/noted"
    assert called(console, "ListTags", ResourceArn=arn)[1]["Tags"] == [{"Key": "team", "Value": "speech"}]


def test_artefacts_are_listed_found_and_downloaded(page: Page, console: Any) -> None:
    page.goto(f"{console.url}/_/jobs/made?tab=artefacts")
    expect(page.locator("[data-place=tensors]")).to_contain_text("Nothing there yet.")
    page.keyboard.press("/")
    page.keyboard.type("MODEL")
    expect(page.locator("[data-place=checkpoints] tbody")).to_contain_text("No file matches")
    with page.expect_download() as download:
        page.get_by_role("link", name="model.tar.gz").click()
    assert download.value.path().read_bytes() == b"weights" * 1000
    page.goto(f"{console.url}/_/jobs/noted?tab=artefacts")
    expect(page.locator("[data-place=directory]")).to_contain_text("/home/me/work on box")


def test_the_configuration_is_searched_and_taken_along(page: Page, console: Any) -> None:
    page.goto(f"{console.url}/_/jobs/made?tab=configuration")
    expect(page.locator("[data-section=channels]")).to_contain_text("s3://data/digits/")
    expect(page.locator("[data-section=Environment]")).to_contain_text("NCCL_DEBUG")
    page.keyboard.press("/")
    page.keyboard.type("learning")
    expect(page.locator(".setting-table tr")).to_have_text(re.compile("^learning_rate\\s*0.01"))
    page.reload()
    expect(page.locator(".setting-table tr")).to_have_count(1)
    page.get_by_label("What to do with the configuration").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download CSV").click()
    assert download.value.path().read_text() == "section,name,value\nHyperparameters,learning_rate,0.01\n"


@pytest.mark.parametrize(
    ("part", "columns"), [("overview", "metric,now,best,at step,is better"), ("details", "metric,regex,from,")]
)
def test_a_part_is_taken_along(page: Page, console: Any, part: str, columns: str) -> None:
    page.goto(f"{console.url}/_/jobs/tuned-000?tab={part}")
    page.get_by_label(f"What to do with the {part}").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download CSV").click()
    assert download.value.path().read_text().startswith(columns)
    page.get_by_label(f"What to do with the {part}").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download JSON").click()
    assert json.loads(download.value.path().read_text())
    assert download.value.suggested_filename == f"tuned-000-{part}.json"


def test_rules_lead_to_the_logs_of_their_jobs(page: Page, console: Any) -> None:
    page.goto(f"{console.url}/_/jobs/made?tab=rules")
    row = page.get_by_role("row").filter(has_text="VanishingGradient")
    expect(row).to_contain_text("Looking")
    expect(row.get_by_role("link", name="Log")).to_have_attribute(
        "href", re.compile("ProcessingJobs&prefix=made-VanishingGradient-")
    )


def test_a_job_is_stopped_and_a_run_says_where_it_is_to_be_stopped(page: Page, console: Any) -> None:
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto(f"{console.url}/_/jobs/waiting")
    page.get_by_role("button", name="Stop").click()
    expect(page.locator(".job .status")).to_have_text("Stopped")
    found = called(console, "DescribeTrainingJob", TrainingJobName="waiting")[1]
    assert found["TrainingJobStatus"] == "Stopped"
    page.goto(f"{console.url}/_/login?token={console.token}&next=/_/jobs/live")
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("alert")).to_contain_text("Press Ctrl+C in its terminal on box")


def test_a_job_is_deleted_only_when_it_is_meant(page: Page, console: Any) -> None:
    page.goto(f"{console.url}/_/jobs/gone")
    asked: list[str] = []
    page.once("dialog", lambda dialog: (asked.append(dialog.message), dialog.dismiss()))
    page.get_by_role("button", name="Delete").click()
    assert asked[0].startswith("Delete gone, with its curves")
    assert called(console, "DescribeTrainingJob", TrainingJobName="gone")[0] == 200
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("heading", name="Training jobs")).to_be_visible()
    assert called(console, "DescribeTrainingJob", TrainingJobName="gone")[0] == 400


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_everybody_can_use_it(page: Page, console: Any, scheme: str, width: int) -> None:
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 844})
    for part in ("overview", "rules", "profiler", "artefacts", "configuration"):
        page.goto(f"{console.url}/_/jobs/made?tab={part}")
        expect(page.locator("main .card, main .empty").first).to_be_visible()
        assert violations(page) == [], part
        assert page.evaluate("document.documentElement.scrollWidth") <= width, part
