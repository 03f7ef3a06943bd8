"""The API and the page of a job's insights: a real server, and a real training that tells its phases."""

import json
import re
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from epochwatch.client.credentials import console_token
from tests.cli.commands import epochwatch
from tests.console.accessibility import violations
from tests.launchers.created_jobs import until
from tests.servers import ServerProcess

pytestmark = pytest.mark.xdist_group("insights")

STEPS = 60
LONG = 100_000
"""Steps of a training that is ended from outside."""
SLOW = 60_000
"""Milliseconds that a page may take on a machine that is busy."""
TRAINING = """
import sys
import time
from epochwatch.profiler import watch

def compute(seconds):
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        pass

recorder = watch().recorder
for step in range(int(sys.argv[1])):
    with recorder.phase("data_loading"):
        time.sleep(0.04)
    with recorder.phase("forward"):
        compute(0.01)
    with recorder.phase("backward"):
        compute(0.01)
    with recorder.phase("optimizer"):
        compute(0.005)
    recorder.end_step()
print("accuracy=0.9")
"""


class Watched:
    """A server, and the console's API of it."""

    def __init__(self, server: ServerProcess) -> None:
        self.server = server
        self.url = server.url
        self.token = console_token(server.credentials["secret_access_key"])

    def get(self, path: str) -> tuple[int, bytes, Any]:
        headers = {"Authorization": f"Bearer {self.token}"}
        request = urllib.request.Request(f"{self.url}/_/api{path}", headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return answer.status, answer.read(), answer.headers
        except urllib.error.HTTPError as error:
            return error.code, error.read(), error.headers

    def json(self, path: str) -> Any:
        status, body, _ = self.get(path)
        assert status == 200, body
        return json.loads(body)


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    home = tmp_path_factory.mktemp("insights")
    script = home / "train.py"
    script.write_text(TRAINING)
    with ServerProcess(home) as server:
        done = epochwatch(
            home,
            *("run", "--name", "slow-data", "--profile", "--", sys.executable, str(script), str(STEPS)),
            environment=server.environment,
        )
        assert done.returncode == 0, done.stderr
        found = Watched(server)
        until(lambda: found.json("/jobs/slow-data/steps")["lanes"])
        until(lambda: found.json("/jobs/slow-data/series")["series"])
        yield found


def test_a_report_is_a_page_that_runs_nothing_but_its_own_script(watched: Watched) -> None:
    status, body, headers = watched.get("/jobs/slow-data/report")
    assert (status, headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert b"<title>Profile of slow-data</title>" in body
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert re.search(r"script-src 'sha256-[A-Za-z0-9+/=]+';", policy)


def test_a_report_is_downloaded_as_a_file(watched: Watched) -> None:
    _, _, headers = watched.get("/jobs/slow-data/report?download=1&format=json")
    assert headers["content-disposition"] == 'attachment; filename="slow-data-profile.json"'


def test_a_report_says_where_the_time_went(watched: Watched) -> None:
    found = watched.json("/jobs/slow-data/report?format=json")
    assert found["training"]["processes"][0]["steps"] == STEPS
    phases = found["training"]["phases"]
    assert phases["data_loading"] > STEPS * 0.04 * 0.9
    assert phases["data_loading"] > phases["forward"]
    assert found["nodes"][0]["node"] == "algo-1"


def test_a_report_is_not_made_again_at_once(watched: Watched) -> None:
    first = watched.get("/jobs/slow-data/report?format=json")[1]
    assert watched.get("/jobs/slow-data/report?format=json")[1] == first


def test_the_command_asks_the_server(watched: Watched, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    done = epochwatch(
        watched.server.home, "report", "slow-data", "--out", str(page), environment=watched.server.environment
    )
    assert done.returncode == 0, done.stderr
    assert "Profile of slow-data" in page.read_text()
    assert json.loads((tmp_path / "page.json").read_text())["job"] == "slow-data"


def test_steps_are_told_one_by_one_where_there_are_few(watched: Watched) -> None:
    (lane,) = watched.json("/jobs/slow-data/steps?width=500")["lanes"]
    assert lane["step"] == list(range(STEPS))
    assert lane["node"] == "algo-1"
    parts = dict(zip(watched.json("/jobs/slow-data/steps")["parts"], lane["parts"][30], strict=True))
    assert parts["data_loading"] >= 0.039
    assert sum(lane["parts"][30]) == pytest.approx(lane["seconds"][30], rel=0.01)


def test_many_steps_are_summed_up_by_time(watched: Watched) -> None:
    (lane,) = watched.json("/jobs/slow-data/steps?width=10")["lanes"]
    assert lane["step"] is None
    assert sum(lane["steps"]) == STEPS
    assert len(lane["start"]) <= 10


def test_a_window_has_the_steps_that_reach_into_it(watched: Watched) -> None:
    (whole,) = watched.json("/jobs/slow-data/steps")["lanes"]
    low, high = whole["start"][20] + whole["seconds"][20] / 2, whole["start"][24] + 0.001
    (lane,) = watched.json(f"/jobs/slow-data/steps?from={low}&to={high}")["lanes"]
    assert lane["step"] == [20, 21, 22, 23, 24]
    within = whole["start"][20] + whole["seconds"][20] / 2
    (lane,) = watched.json(f"/jobs/slow-data/steps?from={within}&to={within + 0.001}")["lanes"]
    assert lane["step"] == [20]


def test_series_have_least_mean_and_greatest_of_a_node_and_of_cores(watched: Watched) -> None:
    found = watched.json("/jobs/slow-data/series?width=20")
    core = found["cores"][0]
    found = watched.json(f"/jobs/slow-data/series?width=20&node=algo-1&core={core}")
    assert {"cpu", "iowait", "memory", f"core.{core}.busy", f"core.{core}.iowait"} <= set(found["series"])
    assert {len(column) for one in found["series"].values() for column in one.values()} == {20}
    for low, mean, high in zip(*(found["series"]["cpu"][name] for name in ("min", "mean", "max")), strict=True):
        assert low is None or low - 0.01 <= mean <= high + 0.01


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/jobs/no-such/report", 404, "no training job 'no-such'"),
        ("/jobs/no-such/steps", 404, "no training job 'no-such'"),
        ("/jobs/slow-data/report?format=pdf", 400, "format must be one of html, json"),
        ("/jobs/slow-data/series?node=algo-9", 404, "no samples of a node 'algo-9'"),
        ("/jobs/slow-data/series?core=x", 400, "core must be the number of a core"),
        ("/jobs/slow-data/steps?width=0", 400, "width must be a whole number"),
        ("/jobs/slow-data/windows/../../secret", 404, ""),
        ("/jobs/slow-data/windows/algo-1/none.json.gz", 404, "has no such window"),
    ],
)
def test_what_cannot_be_is_refused_with_a_reason(watched: Watched, path: str, status: int, words: str) -> None:
    answered, body, _ = watched.get(path)
    assert answered == status
    assert words in body.decode()


def test_operators_are_empty_without_a_window(watched: Watched) -> None:
    found = watched.json("/jobs/slow-data/operators")
    assert (found["operators"], found["windows"]) == ([], [])


def opened(browse: Any, watched: Watched, query: str = "", job: str = "slow-data", **looks: Any) -> Any:
    """The page of the insights, signed in, once its report is there."""
    shown = browse(watched, f"/_/jobs/{job}/insights{query}", **looks)
    shown.wait_for_selector("[data-verdict]")
    return shown


def test_a_user_finds_out_why_a_training_was_slow(browse: Any, watched: Watched) -> None:
    shown = browse(watched, "/_/jobs/slow-data")
    shown.get_by_role("button", name="Profiler").click()
    shown.get_by_role("link", name="Open insights").click()

    # The first thing that is said is the cause.
    shown.wait_for_selector("[data-verdict]")
    losses = shown.get_by_role("list", name="The biggest losses of time")
    expect(losses).to_contain_text("waiting for data", timeout=SLOW)
    rows = shown.locator("[data-usage] tbody tr")
    assert rows.first.inner_text().startswith("algo-1")
    shown.locator("[data-resource=cpu] .plot").wait_for()

    # A core beside the mean.
    shown.get_by_text("Cores", exact=True).click()
    shown.locator(".cores input").first.check()
    shown.locator("[data-resource=cpu]").get_by_role("button", name=re.compile("core ")).wait_for()
    assert "cores=" in shown.url

    # Steps: one is chosen, and the window becomes that step.
    shown.get_by_role("button", name="Steps").click()
    lane = shown.locator("[data-lane] canvas")
    lane.wait_for()
    assert f"{STEPS} steps" in shown.locator("[data-lane]").inner_text()
    lane.focus()
    for _ in range(10):
        shown.keyboard.press("ArrowRight")
    told = shown.locator("[data-lane] output").inner_text()
    assert "step 9 " in told
    assert "data loading" in told
    shown.keyboard.press("Enter")
    facts = shown.locator("[data-lane] .facts")
    expect(facts).to_contain_text(re.compile("^1 step"), timeout=SLOW)
    shown.get_by_role("button", name="Zoom out").click()
    shown.get_by_role("button", name="Whole time").click()
    expect(facts).to_contain_text(f"{STEPS} steps", timeout=SLOW)

    # Rules: ours name the cause.
    shown.get_by_role("button", name="Rules").click()
    shown.locator("[data-findings] tbody tr").first.wait_for()
    assert shown.locator("[data-rules] tbody tr").count() == 11


def test_zooming_one_chart_zooms_all_and_the_time_frame_is_in_the_address(browse: Any, watched: Watched) -> None:
    shown = opened(browse, watched)
    plot = shown.locator("[data-resource=memory] .u-over")
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    shown.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + 50)
    shown.mouse.down()
    shown.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + 50, steps=4)
    shown.mouse.up()
    shown.wait_for_url("**from=**")
    address = shown.url
    fixed = shown.get_by_role("button", name="Fix timeframe")
    assert fixed.get_attribute("aria-pressed") == "true"
    shown.get_by_role("button", name="Later").click()
    expect(shown).not_to_have_url(address, timeout=SLOW)
    fixed.click()
    expect(shown).not_to_have_url(re.compile("from="), timeout=SLOW)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("tab", ["system", "steps", "rules"])
def test_everybody_can_use_each_part(browse: Any, watched: Watched, tab: str, scheme: str) -> None:
    shown = opened(browse, watched, f"?tab={tab}", theme=scheme)
    shown.wait_for_selector(
        {"system": "[data-resource] .plot", "steps": "[data-lane]", "rules": "[data-rules]"}[tab]
    )
    assert violations(shown) == []
    shown.set_viewport_size({"width": 390, "height": 844})
    assert shown.evaluate("document.documentElement.scrollWidth") <= 390


def test_steps_of_a_training_that_goes_on_come_by_themselves(browse: Any, watched: Watched) -> None:
    words = ("run", "--name", "growing", "--profile", "--", sys.executable, str(watched.server.home / "train.py"))
    command = [sys.executable, "-m", "epochwatch", *words, str(LONG)]
    with subprocess.Popen(command, env=watched.server.environment, stdout=subprocess.DEVNULL) as run:
        try:
            until(
                lambda: (
                    watched.get("/jobs/growing/steps")[0] == 200 and watched.json("/jobs/growing/steps")["lanes"]
                )
            )
            shown = opened(browse, watched, "?tab=steps", job="growing")
            facts = shown.locator("[data-lane] .facts")
            first = facts.inner_text()
            expect(facts).not_to_have_text(first, timeout=SLOW)
            assert shown.get_by_role("button", name="Stop training").is_visible()
        finally:
            run.terminate()


def test_the_report_opens_in_the_browser_and_its_script_runs(browse: Any, watched: Watched) -> None:
    shown = opened(browse, watched)
    refused = []
    shown.on("console", lambda message: refused.append(message.text) if message.type == "error" else None)
    shown.goto("/_/api/jobs/slow-data/report")
    canvas = shown.locator("figure canvas").first
    canvas.focus()
    shown.keyboard.press("ArrowRight")
    assert shown.locator("figure output").first.inner_text() != ""
    assert refused == []
