"""Alarms in a real Chromium: listed, looked at, tried, changed and deleted."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Page, expect

from tests.console.accessibility import violations

pytestmark = pytest.mark.xdist_group("console")


def alarm(name: str, **more: Any) -> dict[str, Any]:
    return {
        "AlarmName": name,
        "Namespace": "/aws/sagemaker/TrainingJobs",
        "MetricName": "explored",
        "Dimensions": [{"Name": "TrainingJobName", "Value": "live"}],
        "Statistic": "Maximum",
        "Period": 60,
        "EvaluationPeriods": 1,
        "Threshold": 3.0,
        "ComparisonOperator": "GreaterThanThreshold",
        "TreatMissingData": "notBreaching",
        **more,
    }


def called(console: Any, operation: str, **given: Any) -> Any:
    status, answer = console.call(f"cloudwatch/{operation}", json.dumps(given).encode())
    assert status == 200, answer
    return answer


@pytest.fixture
def page(console: Any, chromium: Any) -> Iterator[Page]:
    """Signed in, with two alarms of which one is on."""
    for name, state in (("loss-on", "ALARM"), ("loss-off", "OK")):
        called(console, "PutMetricAlarm", **alarm(name))
        called(console, "SetAlarmState", AlarmName=name, StateValue=state, StateReason="by hand")
    context = chromium.new_context(viewport={"width": 1280, "height": 900}, color_scheme="dark")
    context.set_default_timeout(20_000)
    problems: list[str] = []
    page = context.new_page()
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(f"{console.url}/_/login?token={console.token}&next=/_/alarms")
    yield page
    context.close()
    called(console, "DeleteAlarms", AlarmNames=["loss-on", "loss-off"])
    assert problems == []


def tried(console: Any, seconds: int = 3600, **given: Any) -> tuple[int, Any]:
    body = urlencode({"alarm": json.dumps(given), "seconds": seconds}).encode()
    form = "application/x-www-form-urlencoded"
    with console.request("/_/api/alarms/back-test", body, content_type=form) as answer:
        return answer.status, json.loads(answer.read())


def test_an_alarm_is_tried_on_past_data(console: Any) -> None:
    status, answer = tried(console, **alarm("none"))
    assert (status, answer["period"]) == (200, 60)
    assert answer["turns"][0]["state"] in ("OK", "ALARM")
    for bad in ({"Period": 7}, {"Threshold": "high"}, {"ComparisonOperator": "Above"}):
        status, answer = tried(console, **(alarm("none") | bad))
        assert status == 400
        assert answer["message"].startswith("This cannot be an alarm: ")


def test_those_that_are_on_come_first_and_are_chosen_from(page: Page) -> None:
    names = page.locator("table.jobs tbody th a")
    expect(names.first).to_have_text("loss-on")
    page.get_by_role("button", name="OK", exact=True).click()
    expect(names.filter(has_text="loss-on")).to_have_count(0)
    expect(names.filter(has_text="loss-off")).to_have_count(1)
    page.reload()
    expect(names.filter(has_text="loss-on")).to_have_count(0)
    page.keyboard.press("/")
    page.keyboard.type("nothing of that name")
    expect(page.get_by_role("heading", name="No alarm matches")).to_be_visible()


def test_an_alarm_shows_its_metric_its_states_and_its_history(page: Page, console: Any) -> None:
    console.tell(values={"explored": 2.5}, step=1)
    page.get_by_role("link", name="loss-on").click()
    expect(page.get_by_role("heading", name="loss-on")).to_be_visible()
    expect(page.locator("header.page .state")).to_have_text("In alarm")
    expect(page.locator(".graph canvas")).to_be_visible()
    expect(page.locator(".stretch.alarm").last).to_be_visible()
    expect(page.get_by_role("row").filter(has_text="StateUpdate").first).to_be_visible()
    assert violations(page) == []


def test_a_change_is_tried_before_it_is_saved(page: Page, console: Any) -> None:
    page.goto(f"{console.url}/_/alarms/loss-off")
    page.get_by_role("button", name="Change").click()
    form = page.get_by_role("form", name="Change the alarm")
    form.get_by_label("Threshold").fill("1000000")
    form.get_by_role("button", name="Try it on past data").click()
    expect(form.get_by_role("status")).to_contain_text("it would have gone off 0 times")
    form.get_by_label("Periods", exact=True).fill("5")
    form.get_by_label("Datapoints to alarm").fill("3")
    form.get_by_role("button", name="Save").click()
    expect(form).to_have_count(0)
    [kept] = called(console, "DescribeAlarms", AlarmNames=["loss-off"])["MetricAlarms"]
    assert (kept["Threshold"], kept["EvaluationPeriods"], kept["DatapointsToAlarm"]) == (1e6, 5, 3)
    assert (kept["Period"], kept["TreatMissingData"]) == (60, "notBreaching")


def test_actions_are_turned_off_and_an_alarm_is_deleted(page: Page, console: Any) -> None:
    called(console, "PutMetricAlarm", **alarm("not for long"))
    page.goto(f"{console.url}/_/alarms/not%20for%20long")
    page.get_by_role("button", name="Actions are on").click()
    expect(page.get_by_role("button", name="Actions are off")).to_be_visible()
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("heading", name="Alarms")).to_be_visible()
    expect(page.get_by_role("link", name="not for long")).to_have_count(0)
