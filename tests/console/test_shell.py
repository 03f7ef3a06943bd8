"""The frame of the console in a real Chromium: signing in, finding, being told, times, and what is lost."""

import re
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.console.accessibility import violations

pytestmark = pytest.mark.xdist_group("console")


@pytest.fixture
def page(console: Any, browse: Any) -> Page:
    """Not signed in, in a zone that is ahead of UTC and changes its clocks."""
    return browse(console, None, timezone_id="Europe/Berlin")


def enter(page: Page, console: Any, path: str = "/_/") -> None:
    page.goto(f"{console.url}/_/login?token={console.token}")
    page.goto(console.url + path)
    expect(page.get_by_role("main").get_by_role("heading", level=1)).to_be_visible()


@pytest.fixture
def alarm(console: Any) -> Iterator[str]:
    """The name of an alarm of our own."""
    name = f"shell-{uuid.uuid4().hex[:8]}"
    console.perform(
        "cloudwatch/PutMetricAlarm", AlarmName=name, Namespace="shell", MetricName="m", Period=60, EvaluationPeriods=1,
        Threshold=1.0, ComparisonOperator="GreaterThanThreshold", Statistic="Average",
    )  # fmt: skip
    yield name
    console.perform("cloudwatch/DeleteAlarms", AlarmNames=[name])


def test_who_is_not_signed_in_does_so_and_gets_to_the_page(page: Page, console: Any) -> None:
    page.goto(f"{console.url}/_/jobs/finished?x=epoch")
    expect(page.get_by_role("heading", name="Sign in to epochwatch")).to_be_visible()
    token = page.get_by_label("Token or link")
    expect(token).to_be_focused()
    assert violations(page) == []
    token.fill("not the token")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("This token does not open the console.")
    token.fill(f"{console.url}/_/login?token={console.token}")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="finished")).to_be_visible()
    assert page.url.endswith("/_/jobs/finished?x=epoch")
    assert console.token not in page.evaluate("JSON.stringify([document.cookie, {...localStorage}])")


def test_a_key_signs_in_and_accounts_are_changed(page: Page, console: Any) -> None:
    page.goto(f"{console.url}/_/")
    page.get_by_role("button", name="Access key").click()
    page.get_by_label("Access key id").fill("AKIAOWNER")
    page.get_by_label("Secret access key").fill("somebody-else")
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("No key of this server")
    page.get_by_label("Secret access key").fill("the-owner-of-the-runs")
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("link", name="finished")).to_be_visible()
    page.goto(f"{console.url}/_/login?token={console.stranger}")
    expect(page.get_by_role("link", name="not-yours")).to_be_visible()
    page.keyboard.press(",")
    settings = page.get_by_role("dialog", name="Settings")
    settings.get_by_role("button", name="Change to it").click()
    expect(page.get_by_role("link", name="finished")).to_be_visible()
    page.keyboard.press(",")
    settings.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in to epochwatch")).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", name="Sign in to epochwatch")).to_be_visible()


def test_a_link_that_opens_nothing_says_so(page: Page, console: Any) -> None:
    page.goto(f"{console.url}/_/login?token=old&next=/_/alarms")
    expect(page.get_by_role("alert")).to_contain_text("epochwatch status")
    page.get_by_label("Token or link").fill(console.token)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Alarms")).to_be_visible()


def test_a_session_that_ends_is_told_in_place_and_nothing_is_lost(page: Page, console: Any) -> None:
    enter(page, console, "/_/metrics?search=nothing-has-this-name")
    expect(page.locator(".connection")).to_have_text("Live")
    page.context.clear_cookies()
    page.locator("[data-search]").first.fill("nothing has this name either")
    expect(page.get_by_text("Your session is over.")).to_be_visible()
    expect(page.get_by_role("heading", name="Metrics", exact=True)).to_be_visible()
    page.get_by_role("button", name="Sign in again").click()
    dialog = page.get_by_role("dialog", name="Sign in again")
    dialog.get_by_label("Token or link").fill(console.token)
    page.keyboard.press("Enter")
    expect(page.get_by_text("Your session is over.")).to_have_count(0)
    expect(page.locator("[data-search]").first).to_have_value("nothing has this name either")


def choices(page: Page) -> Any:
    """What the search offers."""
    return page.get_by_role("listbox", name="Found").get_by_role("option")


def test_everything_is_found_by_keyboard_alone(page: Page, console: Any, alarm: str) -> None:
    enter(page, console)
    page.keyboard.press("Control+k")
    field = page.get_by_role("combobox", name="Search everything")
    expect(field).to_be_focused()
    field.fill(alarm)
    first = choices(page).first
    expect(first).to_contain_text("Alarm")
    expect(first.locator("mark")).to_have_text(alarm)
    assert violations(page) == []
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=alarm)).to_be_visible()
    page.keyboard.press("Control+k")  # without words: where one was
    expect(choices(page).first).to_contain_text(alarm)
    field.fill("j: finished")
    expect(choices(page).first).to_contain_text("finished")
    expect(choices(page).filter(has_text=re.compile("Metric|Alarm"))).to_have_count(0)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="finished")).to_be_visible()


def test_a_metric_that_is_found_is_drawn(page: Page, console: Any) -> None:
    enter(page, console)
    page.get_by_role("button", name="Search everything").click()
    page.get_by_role("combobox", name="Search everything").fill("m: train:loss finished")
    expect(choices(page)).to_have_count(1)
    choices(page).click()
    expect(page.locator(".graph canvas").first).to_be_visible()


def test_commands_are_done(page: Page, console: Any) -> None:
    enter(page, console)

    def command(text: str) -> None:
        page.keyboard.press("Control+k")
        page.keyboard.type(f"> {text}")
        page.keyboard.press("Enter")

    command("theme dark")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    command("compact")
    expect(page.locator("html")).to_have_attribute("data-density", "compact")
    command("time zone tokyo")
    expect(page.locator(".account .zone")).to_have_text("Tokyo")
    command("alarms")
    expect(page.get_by_role("heading", name="Alarms")).to_be_focused()
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    expect(page.locator("html")).to_have_attribute("data-density", "compact")
    expect(page.locator(".account .zone")).to_have_text("Tokyo")
    page.keyboard.press("Control+k")
    page.keyboard.type("nothingatallhasthisname")
    expect(choices(page)).to_have_count(1)  # the logs' text can always be searched
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_all_times_follow_the_zone(page: Page, console: Any) -> None:
    enter(page, console, "/_/jobs/finished")
    started = console.json("/jobs/finished")["started"]

    def shown(zone: str) -> str:
        asked = "([time, timeZone]) => new Date(time * 1000).toLocaleString('sv-SE', {timeZone})"
        return str(page.evaluate(asked, [started, zone]))

    expect(page.get_by_text(shown("Europe/Berlin")).first).to_be_visible()
    page.keyboard.press(",")
    settings = page.get_by_role("dialog", name="Settings")
    expect(settings).to_contain_text("Europe/Berlin")
    settings.get_by_role("button", name="UTC", exact=True).click()
    expect(page.get_by_text(shown("UTC")).first).to_be_visible()
    settings.get_by_label("Another time zone").fill("Mars/Olympus")
    page.keyboard.press("Enter")
    expect(settings.get_by_role("alert")).to_contain_text("No time zone is called Mars/Olympus")
    settings.get_by_label("Another time zone").fill("Asia/Tokyo")
    page.keyboard.press("Enter")
    expect(page.get_by_text(shown("Asia/Tokyo")).first).to_be_visible()
    assert violations(page) == []


def test_what_needs_attention_is_told_until_it_is_read(page: Page, console: Any, alarm: str) -> None:
    enter(page, console, "/_/metrics")
    bell = page.get_by_role("button", name="Notifications")
    bell.click()
    inbox = page.get_by_role("dialog", name="Notifications")
    expect(inbox.get_by_role("link", name="broken failed")).to_be_visible()
    inbox.get_by_role("button", name="Mark all as read").click()
    expect(inbox.get_by_role("button", name="Mark all as read")).to_be_disabled()
    page.keyboard.press("Escape")
    expect(bell).to_be_focused()
    console.perform(
        "cloudwatch/SetAlarmState", AlarmName=alarm, StateValue="ALARM", StateReason="the shell is on fire"
    )
    expect(page.get_by_role("button", name=re.compile("Notifications: [1-9]"))).to_be_visible()  # by the stream
    page.keyboard.press("b")
    inbox.get_by_role("button", name="Unread").click()
    expect(inbox).to_contain_text("the shell is on fire")
    expect(inbox.get_by_role("link", name="broken failed")).to_have_count(0)
    assert violations(page) == []
    inbox.get_by_role("link", name=f"{alarm} went off").click()
    expect(page.get_by_role("heading", name=alarm)).to_be_visible()
    page.reload()
    page.keyboard.press("b")
    inbox.get_by_role("button", name="Alarms").click()
    expect(inbox.get_by_role("link", name=f"{alarm} went off", exact=True)).to_be_visible()  # not: Unread: ...


def test_the_desktop_is_told_only_after_it_was_asked_for(page: Page, console: Any, alarm: str) -> None:
    page.context.grant_permissions(["notifications"], origin=console.url)
    page.add_init_script(
        """window.told = []; window.Notification = class extends EventTarget {
             static permission = 'granted'; static requestPermission = async () => 'granted';
             constructor(title, options) { super(); window.told.push([title, options.tag]); } };"""
    )
    enter(page, console, "/_/alarms")
    page.keyboard.press("b")
    inbox = page.get_by_role("dialog", name="Notifications")
    expect(inbox.get_by_role("link", name="broken failed")).to_be_visible()
    assert page.evaluate("told") == []
    inbox.get_by_role("button", name="Tell me on the desktop").click()
    expect(inbox.get_by_role("button", name="Tell me on the desktop")).to_have_attribute("aria-pressed", "true")
    console.perform("cloudwatch/SetAlarmState", AlarmName=alarm, StateValue="ALARM", StateReason="told")
    page.wait_for_function("name => told.some(([title]) => title === `${name} went off`)", arg=alarm)


def test_another_page_is_read_from_its_heading_and_back_is_where_one_was(page: Page, console: Any) -> None:
    enter(page, console, "/_/jobs/finished")
    page.set_viewport_size({"width": 390, "height": 500})
    expect(page.locator("canvas").first).to_be_visible()
    page.mouse.wheel(0, 600)
    page.wait_for_function("() => scrollY > 300 && history.state?.scroll === Math.round(scrollY)")
    scrolled = page.evaluate("scrollY")
    page.keyboard.press("a")
    expect(page.get_by_role("heading", name="Alarms")).to_be_focused()
    assert page.evaluate("scrollY") == 0
    page.go_back()
    page.wait_for_function("at => Math.abs(scrollY - at) < 3", arg=scrolled)


def test_the_phone_has_every_section_and_the_search(page: Page, console: Any) -> None:
    enter(page, console)
    page.set_viewport_size({"width": 390, "height": 800})
    page.locator(".sections-menu summary").click()
    page.locator(".sections-menu").get_by_role("link", name="Dashboards").click()
    expect(page.get_by_role("heading", name="Dashboards")).to_be_visible()
    expect(page.locator(".sections-menu .sheet")).to_be_hidden()
    page.get_by_role("button", name="Search everything").click()
    page.get_by_role("combobox", name="Search everything").fill("finished")
    expect(choices(page).first).to_be_visible()
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_an_address_that_is_no_page_leads_on(page: Page, console: Any) -> None:
    enter(page, console)
    page.goto(f"{console.url}/_/job/finished")
    expect(page.get_by_role("heading", name="There is no such page")).to_be_visible()
    expect(page).to_have_title(re.compile("No such page"))
    page.get_by_role("main").get_by_role("link", name="Jobs").click()
    expect(page.get_by_role("link", name="finished")).to_be_visible()


def test_a_server_that_is_lost_is_told_with_what_to_do(page: Page, console: Any) -> None:
    gone = False

    def maybe(route: Route) -> None:
        route.abort() if gone else route.continue_()

    page.route("**/_/api/live**", maybe)
    enter(page, console, "/_/metrics")
    expect(page.locator(".connection")).to_have_class(re.compile("live"))
    gone = True
    page.keyboard.press("j")  # another page opens the stream anew
    page.evaluate("window.dispatchEvent(new Event('online'))")
    expect(page.get_by_text("The server does not answer")).to_be_visible()
    expect(page.locator(".banner")).to_contain_text("epochwatch serve")
    assert violations(page) == []
    gone = False
    page.evaluate("document.querySelector('.banner button')?.click()")  # it may have come back by itself
    expect(page.locator(".banner")).to_have_count(0)


def test_a_fault_of_a_page_is_told_and_the_frame_goes_on(browse: Any, console: Any) -> None:
    problems: list[str] = []
    page = browse(console, None, problems=problems)
    page.route(
        re.compile(r"/_/api/jobs/finished$"),
        lambda route: route.fulfill(json={**console.json("/jobs/finished"), "definitions": 7, "metrics": 7}),
    )
    page.goto(f"{console.url}/_/login?token={console.token}&next=/_/jobs/finished")
    expect(page.get_by_role("heading", name="This page broke")).to_be_visible()
    assert problems != []
    assert violations(page) == []
    page.unroute_all()
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("heading", name="finished")).to_be_visible()


def test_help_says_each_key_once_and_gives_the_focus_back(page: Page, console: Any) -> None:
    enter(page, console, "/_/jobs/finished")
    button = page.get_by_role("button", name="Help")
    button.click()
    dialog = page.get_by_role("dialog", name="Keys and gestures")
    expect(dialog).to_contain_text("curves")
    keys = dialog.locator("dt").all_inner_texts()
    assert len(keys) == len(set(keys))
    for _ in range(4):  # the focus stays within
        page.keyboard.press("Tab")
        assert page.evaluate(
            "document.activeElement === document.body || !!document.activeElement.closest('dialog')"
        )
    page.keyboard.press("Escape")
    expect(button).to_be_focused()


def test_a_printed_page_has_no_frame(page: Page, console: Any) -> None:
    enter(page, console)
    page.emulate_media(media="print")
    expect(page.locator(".bar")).to_be_hidden()
    expect(page.get_by_role("link", name="finished")).to_be_visible()
