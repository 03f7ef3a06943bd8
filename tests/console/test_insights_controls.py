"""What can be done about a job on the page of its insights, by the AWS operations it is done by."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from playwright.sync_api import expect

from epochwatch.client.credentials import console_token
from tests.launchers.created_jobs import JobServer, until

pytestmark = pytest.mark.xdist_group("insights")

SLOW = 60_000
"""Milliseconds that a page may take on a machine that is busy."""


@pytest.fixture(scope="module")
def jobs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JobServer]:
    with JobServer(tmp_path_factory.mktemp("controls")) as server:
        yield server


def opened(browse: Any, jobs: JobServer, job: str) -> Any:
    """The insights of a job that goes on."""
    token = console_token(jobs.process.credentials["secret_access_key"])
    shown = browse(SimpleNamespace(url=jobs.process.url, token=token), f"/_/jobs/{job}/insights")
    shown.get_by_role("group", name="Controls").wait_for()
    return shown


def test_a_user_changes_how_a_job_is_profiled_and_stops_it(browse: Any, jobs: JobServer) -> None:
    jobs.shell("controlled", "sleep 600", ProfilerConfig={"ProfilingIntervalInMilliseconds": 500})
    jobs.until("controlled", "Training")
    page = opened(browse, jobs, "controlled")

    def profiler() -> dict[str, Any]:
        return dict(jobs.describe("controlled")["ProfilerConfig"])

    interval = page.get_by_label("Sample every")
    expect(interval).to_have_value("500", timeout=SLOW)
    interval.select_option("1000")
    until(lambda: profiler()["ProfilingIntervalInMilliseconds"] == 1000)

    page.get_by_role("button", name="Capture a window now").click()
    until(lambda: "ProfilingParameters" in profiler())
    window = json.loads(profiler()["ProfilingParameters"]["DetailedProfilingConfig"])
    assert window["DurationInSeconds"] == 10
    assert window["StartTimeInSecSinceEpoch"] > 0

    profiling = page.get_by_role("button", name="Profiling", exact=True)
    expect(profiling).to_have_attribute("aria-pressed", "true", timeout=SLOW)
    profiling.click()
    until(lambda: profiler().get("DisableProfiler", False))
    expect(profiling).to_have_attribute("aria-pressed", "false", timeout=SLOW)
    assert page.get_by_role("button", name="Capture a window now").is_disabled()

    # Stopping is asked for once more, and can be thought better of.
    page.get_by_role("button", name="Stop training").click()
    page.get_by_role("button", name="Let it go on").click()
    assert jobs.describe("controlled")["TrainingJobStatus"] == "InProgress"
    page.get_by_role("button", name="Stop training").click()
    page.get_by_role("button", name="Really stop it").click()
    jobs.until("controlled", "Stopping", "Stopped")
    expect(page.get_by_text(re.compile("Stopp(ing|ed)")).first).to_be_visible(timeout=SLOW)


def test_stopping_somebody_s_own_run_is_refused_in_the_words_of_the_operation(
    browse: Any, jobs: JobServer
) -> None:
    command = [sys.executable, "-m", "epochwatch", "run", "--name", "own", "--", "sleep", "600"]
    with subprocess.Popen(command, env=jobs.process.environment, stdout=subprocess.DEVNULL) as run:
        try:
            jobs.until("own", "InProgress")
            page = opened(browse, jobs, "own")
            page.get_by_role("button", name="Stop training").click()
            page.get_by_role("button", name="Really stop it").click()
            expect(page.get_by_role("alert")).to_contain_text("was started by 'epochwatch run'", timeout=SLOW)
            assert jobs.describe("own")["TrainingJobStatus"] == "InProgress"
        finally:
            run.terminate()
