"""Tuning jobs in a real Chromium: what was tried, what came of it, and what mattered."""

import json
import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.console.accessibility import violations

pytestmark = pytest.mark.xdist_group("console")

FORTY = re.compile("^40 trainings$")


@pytest.fixture
def page(console: Any, browse: Any) -> Page:
    return browse(console.of(console.tuner), "/_/tuning")


def detail(console: Any, name: str) -> tuple[int, Any]:
    status, body = console.get(f"/_/api/tuning/{name}", Authorization=f"Bearer {console.tuner}")
    return status, json.loads(body)


def test_trainings_are_joined_with_their_objectives_and_what_mattered(console: Any) -> None:
    status, found = detail(console, "tuned")
    assert status == 200
    [definition] = found["definitions"]
    assert definition["objective"] == {"metric": "validation:loss", "maximize": False}
    assert [one["name"] for one in definition["parameters"]] == ["layers", "lr", "dropout", "optimizer"]
    assert definition["importance"]["lr"] > 0.8
    assert sum(definition["importance"].values()) == pytest.approx(1)
    assert definition["correlation"]["optimizer"] is None
    trainings = found["trainings"]
    assert (len(trainings), found["most"]) == (40, 50)
    assert [one["objective_status"] for one in trainings] == ["Succeeded"] * 39 + ["Pending"]
    assert trainings[-1]["objective"] is not None
    assert detail(console, "nothing")[0] == 404
    assert console.get("/_/api/tuning/tuned")[0] == 404  # another account's


def test_from_the_list_to_a_training(page: Page) -> None:
    row = page.get_by_role("row").filter(has=page.get_by_role("link", name="tuned", exact=True))
    expect(row).to_contain_text("39 completed, 1 in progress of 50")
    page.keyboard.press("/")
    page.keyboard.type("again")
    expect(page.locator("table tbody tr")).to_have_count(1)
    page.get_by_label("Search tuning jobs by name").fill("")
    row.get_by_role("link", name="tuned", exact=True).click()
    expect(page.get_by_role("heading", name="tuned")).to_be_visible()
    expect(page.locator(".best-training")).to_contain_text("lr")
    best = page.locator(".best-training header a").inner_text()
    expect(page.locator(".trainings tbody tr").first).to_contain_text(best)  # sorted by the objective
    page.get_by_role("button", name="Training job").click()
    expect(page.locator(".trainings tbody tr").first).to_contain_text("tuned-000")
    page.reload()
    expect(page.locator(".trainings tbody tr").first).to_contain_text("tuned-000")
    page.locator(".trainings tbody tr").first.get_by_role("link").click()
    expect(page.get_by_role("heading", name="tuned-000")).to_be_visible()
    page.get_by_role("link", name="tuned", exact=True).click()  # from the part that opens first, and so from any
    expect(page.get_by_role("heading", name="tuned", exact=True)).to_be_visible()


def test_axes_are_brushed_and_moved_by_mouse(page: Page, console: Any) -> None:
    page.goto(f"{console.url}/_/tuning/tuned")
    lines = page.locator(".parallel canvas").first
    expect(lines).to_have_attribute("data-selected", "40")
    titles = page.locator(".parallel .title")
    expect(titles).to_have_text(["layers", "lr", "dropout", "optimizer", "validation:loss"])
    title, over = titles.nth(1).bounding_box(), page.locator(".parallel .over").bounding_box()
    assert title is not None
    assert over is not None
    x = title["x"] + title["width"] / 2
    page.mouse.move(x, over["y"] + 120)
    page.mouse.down()
    page.mouse.move(x, over["y"] + 200, steps=5)
    page.mouse.up()
    expect(page).to_have_url(re.compile(r"brush=lr(%3A|:)0\.0"))
    left = int(lines.get_attribute("data-selected") or 0)
    assert 0 < left < 40
    expect(page.locator(".trainings tbody tr")).to_have_count(left)
    page.reload()
    expect(lines).to_have_attribute("data-selected", str(left))
    page.mouse.click(x, over["y"] + 300)  # beside what is chosen: everything again
    expect(page.get_by_role("status").filter(has_text=FORTY)).to_be_visible()
    page.mouse.move(x, title["y"] + 8)
    page.mouse.down()
    page.mouse.move(over["x"] + over["width"] - 30, title["y"] + 8, steps=6)
    page.mouse.up()
    expect(titles).to_have_text(["layers", "dropout", "optimizer", "validation:loss", "lr"])


def test_the_line_under_the_pointer_tells_its_values_and_opens_its_job(page: Page, console: Any) -> None:
    page.goto(f"{console.url}/_/tuning/tuned")
    expect(page.locator(".parallel canvas").first).to_have_attribute("data-lines", "40")
    box = page.locator(".parallel .over").bounding_box()
    assert box
    page.mouse.move(box["x"] + 90, box["y"] + 150)
    tip = page.locator(".parallel .tip")
    expect(tip).to_contain_text("optimizer")
    name = tip.locator("b").inner_text()
    page.mouse.click(box["x"] + 90, box["y"] + 150)
    expect(page.get_by_role("heading", name=name)).to_be_visible()


def test_everything_by_keyboard(page: Page, console: Any) -> None:
    page.goto(f"{console.url}/_/tuning/tuned")
    lr = page.locator(".parallel [data-axis=lr]")
    lr.focus()
    for _ in range(6):
        page.keyboard.press("ArrowUp")
    expect(lr).to_have_attribute("aria-label", re.compile("from 0.00149"))
    expect(page.get_by_role("status").filter(has_text=re.compile("^27 of 40"))).to_be_visible()
    page.keyboard.press("ArrowLeft")
    expect(page.locator(".parallel .title").first).to_have_text("lr")
    expect(lr).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("status").filter(has_text=FORTY)).to_be_visible()
    expect(page.get_by_label("Parameter", exact=True)).to_have_value("lr")  # what mattered most
    lr.blur()
    page.keyboard.press("p")
    expect(page.get_by_label("Parameter", exact=True)).to_have_value("dropout")
    page.keyboard.press("o")
    expect(page).to_have_url(re.compile("over=time"))
    page.keyboard.press("u")
    expect(page.get_by_role("heading", name="Tuning jobs")).to_be_visible()


def test_what_is_shown_can_be_taken_along(page: Page, console: Any) -> None:
    page.goto(f"{console.url}/_/tuning/tuned?brush=lr:0.001:0.1")
    page.get_by_label("What to do with what was tried").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download CSV").click()
    rows = download.value.path().read_text().splitlines()
    assert rows[0] == "layers,lr,dropout,optimizer,validation:loss"
    assert all(0.001 <= float(row.split(",")[1]) <= 0.1 for row in rows[1:])
    page.get_by_label("What to do with what was tried").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download PNG").click()
    assert download.value.path().read_bytes()[:4] == b"\x89PNG"


def test_a_tuning_job_is_stopped(page: Page, console: Any) -> None:
    page.goto(f"{console.url}/_/tuning/tuned-again")
    expect(page.get_by_role("heading", name="No training yet")).to_be_visible()
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Stop").click()
    expect(page.locator(".job .status")).to_have_text("Stopping")
    name = {"HyperParameterTuningJobName": "tuned-again"}
    assert (
        console.of(console.tuner).perform("sagemaker/DescribeHyperParameterTuningJob", **name)[
            "HyperParameterTuningJobStatus"
        ]
        == "Stopping"
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_everybody_can_use_it(page: Page, console: Any, scheme: str, width: int) -> None:
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 844})
    for path in ("tuning", "tuning/tuned?brush=lr:0.001:0.1", "tuning/nothing"):
        page.goto(f"{console.url}/_/{path}")
        expect(page.locator("main table, main [role=alert]").first).to_be_visible()
        assert violations(page) == [], path
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
