"""What holds on every page of the console: everybody can use it, on a desk and on a phone, light and dark."""

import json
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import expect

from epochwatch.console.pages import PAGES
from tests.console.accessibility import violations

pytestmark = pytest.mark.xdist_group("console")

ALARM, BOARD, GROUP = "everywhere-alarm", "everywhere-board", "/everywhere/group"
METRIC = '["/aws/sagemaker/TrainingJobs", "train:loss", "TrainingJobName", "finished"]'
JOB_TABS = ("overview", "logs", "hosts", "rules", "profiler", "artefacts", "configuration", "details")
PLACES = [
    ("", ""),
    ("", "?status=Failed&search=nothing-has-this-name"),
    ("jobs/{name}", "jobs/finished"),
    *(("jobs/{name}", f"jobs/finished?tab={tab}") for tab in JOB_TABS),
    ("jobs/{name}", "jobs/broken?tab=details"),
    ("jobs/{name}", "jobs/there-is-none"),
    ("jobs/{name}/insights", "jobs/finished/insights"),
    ("compare", "compare"),
    ("compare", "compare?job=finished&job=long"),
    ("tuning", "tuning"),
    ("tuning/{name}", "tuning/there-is-none"),
    ("metrics", "metrics"),
    ("metrics", f"metrics?m={quote(METRIC)}"),
    ("logs", "logs"),
    ("logs", f"logs?group={GROUP}"),
    ("logs/insights", f"logs/insights?group={GROUP}"),
    ("logs/tail", f"logs/tail?group={GROUP}"),
    ("alarms", "alarms"),
    ("alarms/{name:path}", f"alarms/{ALARM}"),
    ("alarms/{name:path}", "alarms/there-is-none"),
    ("dashboards", "dashboards"),
    ("dashboards/{name}", f"dashboards/{BOARD}"),
    ("dashboards/{name}", "dashboards/there-is-none"),
    ("{path:path}", "there/is/none"),
]  # fmt: skip
"""The page of an address, as the server's table has it, and an address of it."""


CLOSE = {"jobs/finished?tab=logs"}
"""Where lines of a log stand as close as text does. What a click on the time of one does, one on the line does, too."""


@pytest.fixture(scope="module")
def filled(console: Any) -> Any:
    """The console, with one of everything."""
    condition = {"EvaluationPeriods": 1, "Threshold": 1.0, "ComparisonOperator": "GreaterThanThreshold", "Period": 60,
                 "Statistic": "Average", "Namespace": "everywhere", "MetricName": "m"}  # fmt: skip
    widget = {"type": "text", "x": 0, "y": 0, "width": 6, "height": 3, "properties": {"markdown": "# Everywhere"}}
    now = console.json("/notifications")["now"]
    made: list[tuple[str, dict[str, Any]]] = [
        ("cloudwatch/PutMetricAlarm", {"AlarmName": ALARM, **condition}),
        ("cloudwatch/SetAlarmState", {"AlarmName": ALARM, "StateValue": "ALARM", "StateReason": "to be seen"}),
        ("cloudwatch/PutDashboard", {"DashboardName": BOARD, "DashboardBody": json.dumps({"widgets": [widget]})}),
        ("logs/CreateLogGroup", {"logGroupName": GROUP}),
        ("logs/CreateLogStream", {"logGroupName": GROUP, "logStreamName": "stream"}),
        ("logs/PutLogEvents", {"logGroupName": GROUP, "logStreamName": "stream",
                               "logEvents": [{"timestamp": int(now * 1000), "message": "ERROR <b>bold</b>"}]}),
    ]  # fmt: skip
    for operation, given in made:
        console.perform(operation, **given)
    return console


def test_every_page_of_the_server_is_looked_at() -> None:
    assert {page for page, _ in PLACES} >= set(PAGES)


@pytest.mark.parametrize("address", [address for _, address in PLACES])
def test_a_page_can_be_used_by_everybody(browse: Any, filled: Any, address: str) -> None:
    page = browse(filled, f"/_/{address}")
    expect(page.get_by_role("main").get_by_role("heading").first).to_be_visible()
    expect(page.locator(".loading")).to_have_count(0)
    assert page.title().endswith("epochwatch")
    assert page.title() != "epochwatch"
    found: dict[str, Any] = {}
    for scheme, width in (("light", 1280), ("dark", 1280), ("dark", 390), ("light", 390)):
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_function("width => innerWidth === width", arg=width)
        wrong = [one for one in violations(page) if address not in CLOSE or "target-size" not in one]
        if wrong:
            found[f"{scheme} {width}"] = wrong
        scrolled = page.evaluate("document.documentElement.scrollWidth")
        if scrolled > width:
            found[f"{scheme} {width} scrolls"] = scrolled
    assert found == {}
