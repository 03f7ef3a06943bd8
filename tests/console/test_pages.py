"""The pages in a real Chromium, over a real server with stored runs."""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.xdist_group("console")


@pytest.fixture
def page(browse: Any, console: Any) -> Iterator[Page]:
    """Afterwards: nothing that the browser calls an error."""
    errors: list[str] = []
    page = browse(console)
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    yield page
    assert errors == []


def ink(page: Page, chart: str) -> int:
    """Pixels of a chart's canvas that are drawn on."""
    count = page.evaluate(
        """(selector) => {
            const canvas = document.querySelector(selector + " canvas");
            const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
            let drawn = 0;
            for (let at = 3; at < data.length; at += 4) if (data[at] > 60) drawn++;
            return drawn;
        }""",
        chart,
    )
    return int(count)


def query(page: Page) -> dict[str, list[str]]:
    return parse_qs(urlsplit(page.url).query)


def test_from_the_list_to_drawn_curves(page: Page) -> None:
    expect(page.get_by_role("row")).to_have_count(6)
    page.get_by_role("link", name="finished").click()
    expect(page.get_by_role("heading", name="finished")).to_be_visible()
    expect(page.locator(".job .status")).to_have_text("Completed")
    loss = page.locator("[data-group=loss]")
    expect(loss.locator(".key")).to_have_count(2)  # training and validation on one chart
    expect(loss.locator(".facts")).to_contain_text("600 points")
    expect(loss.locator(".facts")).to_contain_text("1 not finite")
    assert ink(page, "[data-group=loss]") > 1000
    summary = page.locator("table.summary")
    expect(summary.get_by_role("row", name="train:loss")).to_contain_text("299")
    page.go_back()
    expect(page.get_by_role("heading", name="Training jobs")).to_be_visible()


def test_the_list_is_searched_sorted_and_filtered_in_the_address(page: Page) -> None:
    names = page.locator(".job-row a")
    page.keyboard.press("/")
    page.keyboard.type("fini")
    expect(names).to_have_text(["finished"])
    assert query(page) == {"filter": ["fini"]}
    page.get_by_role("textbox", name="Filter jobs").fill("")
    page.get_by_role("button", name="Name", exact=True).click()
    expect(names).to_have_text(["broken", "finished", "live", "long", "pair"])
    page.get_by_role("button", name="Name", exact=True).click()
    expect(names).to_have_text(["pair", "long", "live", "finished", "broken"])
    page.get_by_role("button", name="Failed", exact=True).click()
    expect(names).to_have_text(["broken"])
    page.reload()
    expect(names).to_have_text(["broken"])


def test_a_live_point_appears_without_a_reload(page: Page, console: Any) -> None:
    page.get_by_role("link", name="live").click()
    loss = page.locator("[data-group=loss]")
    expect(loss.locator(".value").first).not_to_have_text("–")
    expect(page.locator(".connection")).to_have_text("Live")
    page.evaluate("window.stayed = true")
    for step in range(200, 230):
        console.tell(values={"train:loss": 0.4242}, step=step)
    expect(loss.locator(".value").first).to_have_text("0.4242")
    console.tell(values={"validation:loss": 0.7373}, step=230)
    expect(loss.locator(".key")).to_have_count(2)
    expect(loss.locator(".value").nth(1)).to_have_text("0.7373")
    console.tell(values={"grad_norm": 12.5}, step=231)
    expect(page.locator("[data-group=grad_norm] .value")).to_have_text("12.5")
    assert page.evaluate("window.stayed") is True


def test_a_live_line_appears_in_the_log(page: Page, console: Any) -> None:
    page.goto(f"{console.url}/_/jobs/live?tab=logs")
    expect(page.locator(".line").filter(has_text="starting")).to_be_visible()
    console.tell(line="\x1b[31mthe loss exploded\x1b[0m")
    expect(page.locator(".line .fg-1")).to_have_text("the loss exploded")


def test_dragging_zooms_every_chart_and_a_double_click_resets(page: Page, console: Any) -> None:
    page.goto(f"{console.url}/_/jobs/finished")
    for chart in ("loss", "accuracy"):
        expect(page.locator(f"[data-group={chart}] .plot")).to_have_attribute(
            "data-points", re.compile(r"^(299|300)$")
        )
    over = page.locator("[data-group=loss] .u-over")
    box = over.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 0.25, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 70, steps=5)
    page.mouse.up()
    for chart in ("loss", "accuracy"):
        expect(page.locator(f"[data-group={chart}] .plot")).to_have_attribute(
            "data-points", re.compile(r"^[78]\d$")
        )
    found = query(page)
    assert 60 < float(found["from"][0]) < 90
    assert 135 < float(found["to"][0]) < 165
    over.dblclick()
    expect(page.locator("[data-group=accuracy] .plot")).to_have_attribute("data-points", "300")
    assert query(page) == {}


def test_the_crosshair_is_shared(page: Page, console: Any) -> None:
    page.goto(f"{console.url}/_/jobs/finished")
    expect(page.locator("[data-group=accuracy] .plot")).to_have_attribute("data-points", "300")
    page.locator("[data-group=loss] .u-over").hover(position={"x": 100, "y": 50})
    expect(page.locator("[data-group=loss] .where")).to_have_text(re.compile(r"^step \d+$"))
    where = page.locator("[data-group=loss] .where").inner_text()
    expect(page.locator("[data-group=accuracy] .where")).to_have_text(where)


def test_axis_smoothing_and_logarithm_are_in_the_address(page: Page, console: Any) -> None:
    page.goto(f"{console.url}/_/jobs/finished")
    before = page.locator("[data-group=loss] canvas")
    expect(before).to_be_visible()
    for name, word in (("Epoch", "epoch"), ("Time", "time"), ("Relative", "relative")):
        page.get_by_role("button", name=name, exact=True).click()
        assert query(page)["x"] == [word]
        expect(page.locator("[data-group=loss] .plot")).to_have_attribute(
            "data-points", re.compile(r"^(299|300)$")
        )
    page.get_by_role("button", name="Log y").click()
    page.get_by_label("Smoothing").fill("0.9")
    assert query(page) == {"x": ["relative"], "log": ["1"], "smoothing": ["0.9"]}
    expect(page.locator("[data-group=loss] .value").first).not_to_have_text("–")
    page.reload()
    expect(page.get_by_role("button", name="Relative", exact=True)).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".slider output")).to_have_text("0.90")


def test_the_filter_is_a_regular_expression(page: Page, console: Any) -> None:
    page.goto(f"{console.url}/_/jobs/finished")
    expect(page.locator(".chart")).to_have_count(3)
    page.keyboard.press("/")
    page.keyboard.type("accuracy$|^learn")
    expect(page.locator(".chart")).to_have_count(2)
    expect(page.locator("table.summary tbody tr")).to_have_count(2)


def test_a_spike_of_one_step_in_100k_is_drawn(page: Page, console: Any) -> None:
    page.goto(f"{console.url}/_/jobs/long")
    expect(page.locator("[data-group=grad_norm] .facts")).to_contain_text("100,000 points")
    top = page.evaluate(
        """() => {
            const canvas = document.querySelector("[data-group=grad_norm] canvas");
            const over = document.querySelector("[data-group=grad_norm] .u-over").getBoundingClientRect();
            const base = canvas.getBoundingClientRect();
            const scale = canvas.width / base.width;
            const left = Math.round((over.left - base.left + over.width * 0.55) * scale);
            const width = Math.round(over.width * 0.13 * scale);
            const height = Math.round(over.height * scale);
            const top = Math.round((over.top - base.top) * scale);
            const data = canvas.getContext("2d").getImageData(left, top, width, height).data;
            const blue = (at) => data[at + 3] > 40 && data[at + 2] > data[at] + 30;
            let rows = 0;
            for (let y = 0; y < height; y++)
                for (let x = 0; x < width; x++) if (blue((y * width + x) * 4)) { rows++; break; }
            return rows / height;
        }"""
    )
    assert top > 0.8  # the line goes up almost the whole chart


def test_the_log_is_searched_and_never_becomes_markup(page: Page, console: Any) -> None:
    page.goto(f"{console.url}/_/jobs/finished?tab=logs")
    expect(page.locator(".logs .facts")).to_have_text("300 lines")
    expect(page.locator(".line").last).to_contain_text("<img src=x onerror=alert(1)>")
    assert page.locator(".lines img").count() == 0
    expect(page.locator(".line").last.locator(".fg-6")).to_have_text("epoch")
    page.keyboard.press("/")
    page.keyboard.type("epoch 29")
    expect(page.locator(".line")).to_have_count(11)  # 29 and 290 to 299
    expect(page.locator(".line").last.locator(".hit").first).to_have_text("epoch")
    page.get_by_label("Search the log").fill("not there")
    expect(page.locator(".lines")).to_contain_text("No line has “not there”")


def test_hosts_and_definitions_have_their_places(page: Page, console: Any) -> None:
    page.goto(f"{console.url}/_/jobs/finished")
    expect(page.get_by_role("heading", name="finished")).to_be_visible()
    page.keyboard.press("4")
    expect(page.locator("[data-host-metric=CPUUtilization] .key")).to_have_text(re.compile("algo-1"))
    assert ink(page, "[data-host-metric=CPUUtilization]") > 500
    page.keyboard.press("9")
    health = page.locator("table.health tbody tr")
    expect(health).to_have_count(3)
    expect(health.nth(0)).to_contain_text("healthy")
    expect(health.nth(1)).to_contain_text("never matched")
    expect(health.nth(2)).to_contain_text("captured 2 texts that are no numbers")
    expect(health.nth(2)).to_contain_text("lr=auto")


def test_the_cores_of_each_host_are_a_map_and_the_late_host_is_marked(page: Page, console: Any) -> None:
    page.goto(f"{console.url}/_/jobs/pair?tab=hosts")
    for host in ("algo-1", "algo-2"):
        expect(page.locator(f"[data-cores={host}] header")).to_contain_text("8 cores")
        assert ink(page, f"[data-cores={host}]") > 0
    paces = page.locator("table.paces tbody tr")
    expect(paces.nth(0)).not_to_contain_text("straggler")
    expect(paces.nth(1)).to_contain_text("straggler")
    expect(paces.nth(1)).to_contain_text("100 s behind")
    box = page.locator("[data-cores=algo-1] canvas").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] - 2)
    expect(page.locator("[data-cores=algo-1] header")).to_contain_text("core 7")
    expect(page.locator("[data-cores=algo-1] header")).to_contain_text("100 %")


def test_each_problem_of_a_definition_is_told_with_the_line_that_shows_it(page: Page, console: Any) -> None:
    page.goto(f"{console.url}/_/jobs/broken")
    expect(page.get_by_title("3 definitions to be looked at")).to_have_text("3")
    page.get_by_role("button", name="Details").click()
    definitions = page.locator("table.health tbody tr")
    expect(definitions).to_have_count(3)
    ambiguous, shadowed, slow = (definitions.nth(number) for number in range(3))
    line = "step=1 val_loss=0.9 <b>loss</b>=0.5"
    expect(ambiguous.locator(".verdict.warn")).to_have_text(
        [
            "captured the same text as 'val' on all 3 lines looked at",
            "matched more than once in 2 of 3 lines looked at (the first match counts)",
        ]
    )
    expect(ambiguous.locator(".example")).to_have_text([line, line])
    expect(shadowed.locator(".verdict.warn")).to_contain_text("gave no value of its own")
    expect(shadowed.locator(".example")).to_have_text("loss: 2")
    expect(slow.locator(".verdict.bad")).to_have_text(["is run no more: too slow", "has no fixed text"])
    expect(page.get_by_text("1 definition of presets found nothing.")).to_be_visible()


SPIKE = {
    "rule": "LossSpike",
    "kind": "problem",
    "step": 203,
    "began": 201,
    "evidence": "loss 9.1 where the last 50 had a median of <b>0.08</b>",
    "series": {"loss": [[199, 0.08], [200, 4.5], [201, None]]},
}
EXPLODING = SPIKE | {
    "rule": "ExplodingGradients",
    "cause": "The learning rate is too large.",
    "remedy": "Clip the gradient norm.",
    "tensors": ["gradient/Net_fc.weight"],
    "times": 2,
    "consequences": [SPIKE | {"series": {}}],
}


def test_what_is_wrong_with_a_training_is_shown_as_it_is_found(page: Page, console: Any) -> None:
    page.goto(f"{console.url}/_/jobs/live")
    expect(page.locator(".job .status")).to_be_visible()
    page.get_by_role("button", name="Rules").click()
    expect(page.get_by_role("heading", name="No rule looks at this training")).to_be_visible()
    console.tell(diagnosis={"steps": 1200, "last_step": 1199})
    expect(page.get_by_role("heading", name="Nothing found so far")).to_be_visible()
    expect(page.get_by_text("By the tensors of 1,200 steps, up to step 1,199, so far.")).to_be_visible()

    console.tell(diagnosis={"steps": 1300, "last_step": 1299, "findings": [EXPLODING]})

    card = page.locator("[data-rule=ExplodingGradients]")
    expect(card.locator(".verdict.bad")).to_have_text("ExplodingGradients")
    expect(page.get_by_title("1 fault")).to_have_text("1")
    expect(card.locator(".facts")).to_have_text("since step 201, known at step 203, 2 times")
    expect(card.locator(".evidence")).to_have_text("loss 9.1 where the last 50 had a median of <b>0.08</b>")
    expect(card.locator("dd")).to_have_text(
        [
            "The learning rate is too large.",
            "Clip the gradient norm.",
            "gradient/Net_fc.weight",
            "LossSpike since step 201: loss 9.1 where the last 50 had a median of <b>0.08</b>",
        ]
    )
    expect(card.locator("canvas")).to_be_visible()
    assert ink(page, "[data-rule=ExplodingGradients]") > 100
    assert contrast(page, "[data-rule=ExplodingGradients] .verdict.bad") >= 4.5
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390

    console.tell(diagnosis={"steps": 1400, "last_step": 1399, "ended": True, "failure": "its process was killed"})
    expect(page.get_by_text("Not all was looked at: its process was killed")).to_be_visible()
    expect(page.get_by_role("heading", name="Nothing found", exact=True)).to_be_visible()


def test_code_for_other_clients_can_be_copied(page: Page, console: Any) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(f"{console.url}/_/jobs/finished")
    page.get_by_label("What to do with loss").click()
    page.get_by_role("button", name="Copy as boto3").click()
    expect(page.get_by_text("Copied", exact=True)).to_be_visible()
    text = page.evaluate("navigator.clipboard.readText()")
    compile(text, "copied", "exec")
    assert '"TrainingJobName", "Value": "finished"' in text
    assert console.url in text


def test_light_and_dark(page: Page, console: Any) -> None:
    def ground() -> str:
        return str(page.evaluate("getComputedStyle(document.body).backgroundColor"))

    page.goto(f"{console.url}/_/jobs/finished")
    expect(page.locator("[data-group=loss] canvas")).to_be_visible()
    light = ground()
    page.emulate_media(color_scheme="dark")
    expect(page.locator("[data-group=loss] canvas")).to_be_visible()
    dark = ground()
    assert light != dark
    page.get_by_role("button", name="Theme: auto").click()
    assert ground() == light
    page.reload()
    assert ground() == light
    page.get_by_role("button", name="Theme: light").click()
    assert ground() == dark
    expect(page.locator("[data-group=loss] .value").first).to_have_text("0.013702")
    assert ink(page, "[data-group=loss]") > 1000


def contrast(page: Page, selector: str) -> float:
    """WCAG contrast of an element's text against what lies behind it."""
    return float(
        page.evaluate(
            """(selector) => {
            const element = document.querySelector(selector);
            const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
            const rgb = (colours) => {
                canvas.clearRect(0, 0, 1, 1);
                for (const colour of colours) { canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1); }
                return [...canvas.getImageData(0, 0, 1, 1).data];
            };
            const behind = [];
            for (let at = element; at; at = at.parentElement) behind.unshift(getComputedStyle(at).backgroundColor);
            const light = ([r, g, b]) => {
                const part = (v) => ((v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
                return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
            };
            const [one, two] = [light(rgb(behind)), light(rgb([...behind, getComputedStyle(element).color]))];
            return (Math.max(one, two) + 0.05) / (Math.min(one, two) + 0.05);
        }""",
            selector,
        )
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read(page: Page, console: Any, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)
    selectors = {
        "": [".status.completed", ".status.failed", ".status.stopped", ".status.inprogress", ".status .code",
             ".job-head .title", ".job-row a", ".chip span", ".account", ".segments button"],
        "jobs/finished": [".facts", ".facts .bad", ".tabs button", ".key .value", ".toggle", ".badge", ".meta dt"],
        "jobs/finished?tab=logs&search=epoch": [".line time", ".line .fg-6", ".line .hit"],
        "jobs/finished?tab=details": [".verdict.good", ".verdict.bad", ".verdict.warn", ".example", ".pairs dt"],
    }  # fmt: skip
    for path, some in selectors.items():
        page.goto(f"{console.url}/_/{path}")
        for selector in some:
            expect(page.locator(selector).first).to_be_visible()
            assert contrast(page, selector) >= 4.5, (path, selector)


def test_nothing_is_wider_than_a_phone(page: Page, console: Any) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    for path in (
        "",
        "jobs/finished",
        "jobs/finished?tab=logs",
        "jobs/finished?tab=hosts",
        "jobs/finished?tab=details",
    ):
        page.goto(f"{console.url}/_/{path}")
        expect(page.locator("main .card").first).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path


def test_keys_and_help(page: Page, console: Any) -> None:
    page.goto(f"{console.url}/_/jobs/finished")
    expect(page.get_by_role("heading", name="finished")).to_be_visible()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("next x axis")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).not_to_be_visible()
    page.keyboard.press("x")
    assert query(page) == {"x": ["epoch"]}
    page.keyboard.press("l")
    assert query(page) == {"x": ["epoch"], "log": ["1"]}
    page.keyboard.press("j")
    expect(page.get_by_role("heading", name="Training jobs")).to_be_visible()


def test_empty_places_teach(page: Page, console: Any) -> None:
    page.goto(f"{console.url}/_/jobs/broken")
    expect(page.locator(".empty")).to_contain_text("epochwatch.log(")
    expect(page.locator(".job")).to_contain_text("the training exited with status 1")
    page.goto(f"{console.url}/_/?filter=zzz")
    expect(page.locator(".empty")).to_contain_text("No job matches")


def test_what_is_missing_says_what_to_do(browse: Any, console: Any) -> None:
    page = browse(console, None)
    page.goto("/_/")
    expect(page.locator("body")).to_contain_text("epochwatch status")
    page.goto(f"{console.url}/_/login?token={console.token}")
    page.goto(f"{console.url}/_/jobs/unknown")
    expect(page.get_by_role("alert")).to_contain_text("unknown")
    expect(page.get_by_role("link", name="All jobs", exact=True)).to_be_visible()
