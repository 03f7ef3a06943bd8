"""Alarms in a real Chromium: found, understood, tried, made, changed, muted and deleted."""

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from playwright.sync_api import Page, expect

from tests.console.accessibility import violations
from tests.console.filled_alarms import NAMESPACE

pytestmark = pytest.mark.xdist_group("console")

RUN = [{"Name": "run", "Value": "r7"}]
STAT = {
    "Metric": {"Namespace": NAMESPACE, "MetricName": "loss", "Dimensions": RUN},
    "Period": 60,
    "Stat": "Maximum",
}
MADE = ("lab-on", "lab-off", "lab-both", "lab-made", "lab-odd", "lab-query", "lab-on-copy")


def alarm(name: str, **more: Any) -> dict[str, Any]:
    """On ``loss``, which is over 5 three times in the last two hours."""
    usual = {
        "AlarmName": name,
        "Namespace": NAMESPACE,
        "MetricName": "loss",
        "Dimensions": RUN,
        "Statistic": "Maximum",
        "Period": 60,
        "EvaluationPeriods": 1,
        "Threshold": 5.0,
        "ComparisonOperator": "GreaterThanThreshold",
        "TreatMissingData": "notBreaching",
    }
    return {key: value for key, value in (usual | more).items() if value is not None}


def kept(console: Any, name: str) -> dict[str, Any]:
    found = console.perform(
        "cloudwatch/DescribeAlarms", AlarmNames=[name], AlarmTypes=["MetricAlarm", "CompositeAlarm"]
    )
    [one] = found["MetricAlarms"] + found["CompositeAlarms"]
    return dict(one)


def posted(console: Any, path: str, **form: Any) -> tuple[int, Any]:
    body = urlencode({name: json.dumps(value) for name, value in form.items()}).encode()
    with console.request(
        f"/_/api/alarms/{path}", body, content_type="application/x-www-form-urlencoded"
    ) as answer:
        return answer.status, json.loads(answer.read())


@pytest.fixture
def lab(console: Any) -> Iterator[Any]:
    """The console, with an alarm that is on, one that is not, and one about both."""
    tags = [{"Key": "team", "Value": "lab"}]
    for name, state in (("lab-on", "ALARM"), ("lab-off", "OK")):
        console.perform(
            "cloudwatch/PutMetricAlarm", **alarm(name, Tags=tags, AlarmDescription="Look at the **rate**.")
        )
        console.perform("cloudwatch/SetAlarmState", AlarmName=name, StateValue=state, StateReason="by hand")
    console.perform(
        "cloudwatch/PutCompositeAlarm", AlarmName="lab-both", AlarmRule="ALARM(lab-on) AND NOT ALARM(lab-off)"
    )
    yield console
    for rule in console.perform("cloudwatch/ListAlarmMuteRules")["AlarmMuteRuleSummaries"]:
        name = rule["AlarmMuteRuleArn"].rpartition(":")[2]
        console.perform("cloudwatch/DeleteAlarmMuteRule", AlarmMuteRuleName=name)
    console.perform("cloudwatch/DeleteAlarms", AlarmNames=["lab-both"])
    known = {
        one["AlarmName"] for one in console.perform("cloudwatch/DescribeAlarms", MaxRecords=100)["MetricAlarms"]
    }
    console.perform("cloudwatch/DeleteAlarms", AlarmNames=[name for name in MADE if name in known])


@pytest.fixture(params=["light"])
def page(lab: Any, browse: Any, request: pytest.FixtureRequest) -> Page:
    """The list of alarms, where questions are answered with yes."""
    look = str(request.param)
    theme, width = ("dark" if "dark" in look else "light"), (390 if "phone" in look else 1280)
    page: Page = browse(lab, "/_/alarms", theme=theme, width=width)
    page.on("dialog", lambda dialog: dialog.accept())
    return page


def row(page: Page, name: str) -> Any:
    return page.get_by_role("row").filter(has=page.get_by_role("link", name=name, exact=True))


def test_alarms_are_listed_with_tags_and_what_changed_since(lab: Any) -> None:
    everything = lab.json("/alarms")
    mine = {one["AlarmName"]: one for one in everything["alarms"] if one["AlarmName"].startswith("lab-")}
    assert (mine["lab-on"]["StateValue"], mine["lab-on"]["tags"]) == ("ALARM", {"team": "lab"})
    assert mine["lab-both"]["AlarmRule"].startswith("ALARM(lab-on)")
    lab.perform("cloudwatch/SetAlarmState", AlarmName="lab-off", StateValue="ALARM", StateReason="now")
    lab.perform("cloudwatch/PutMetricAlarm", **alarm("lab-made"))
    lab.perform("cloudwatch/DeleteAlarms", AlarmNames=["lab-made"])
    since = lab.json(f"/alarms?since={everything['newest']}")
    assert [one["AlarmName"] for one in since["alarms"]] == ["lab-off"]
    assert (since["gone"], since["newest"] > everything["newest"]) == (["lab-made"], True)
    assert lab.json(f"/alarms?since={since['newest']}")["alarms"] == []
    states = lab.json("/alarms/states")["states"]
    assert [state for _, state in states["lab-off"]][-2:] == ["OK", "ALARM"]
    assert "lab-both" not in states


def test_an_alarm_of_any_kind_is_tried_on_past_data(lab: Any) -> None:
    status, found = posted(lab, "back-test", alarm=alarm("none"), seconds=3 * 3600)
    assert (status, found["alarms"], found["period"], len(found["episodes"])) == (200, 3, 60, 3)
    assert {one["value"] for one in found["episodes"]} == {8.0}
    assert found["series"][0]["label"] == "loss"
    assert len(found["times"]) == len(found["series"][0]["values"]) == 180
    status, earlier = posted(lab, "back-test", alarm=alarm("none"), seconds=1800, end=found["to"] - 5400)
    assert (status, earlier["alarms"], earlier["to"]) == (200, 1, found["to"] - 5400)
    rule = {"AlarmName": "none", "AlarmRule": "ALARM(lab-on)"}
    status, found = posted(lab, "back-test", alarm=rule, seconds=3600)
    assert (status, found["turns"][-1]["state"], found["episodes"][-1]["cause"]) == (200, "ALARM", "lab-on")
    assert [turn["state"] for turn in found["children"]["lab-on"]][-1] == "ALARM"
    for bad in ({"Period": 7}, {"Threshold": "high"}, {"ComparisonOperator": "Above"}):
        status, answer = posted(lab, "back-test", alarm=alarm("none", **bad), seconds=3600)
        assert status == 400
        assert answer["message"].startswith("This cannot be an alarm: ")
    assert posted(lab, "back-test", alarm=["none"], seconds=3600)[0] == 400
    assert posted(lab, "back-test", alarm=alarm("none"), seconds=1)[0] == 400


def test_a_sweep_tells_what_other_thresholds_would_have_done(lab: Any) -> None:
    status, found = posted(lab, "sweep", alarm=alarm("none"), seconds=3 * 3600)
    assert (status, found["of"]) == (200, "threshold")
    assert {times for threshold, times in found["tried"] if 3.1 < threshold < 7.9} == {3}
    assert {times for threshold, times in found["tried"] if threshold >= 8} == {0}
    assert posted(lab, "sweep", alarm={"AlarmName": "none", "AlarmRule": "TRUE"}, seconds=3600)[1]["tried"] == []


def test_a_rule_is_checked_by_the_alarms_there_are(lab: Any) -> None:
    _, found = posted(lab, "rule", rule="ALARM(lab-on) AND (OK(lab-on) OR TRUE)")
    parts = found["root"]["parts"]
    assert (found["holds"], found["root"]["operator"]) == (True, "AND")
    assert parts[0] == {"holds": True, "wanted": "ALARM", "alarm": "lab-on", "state": "ALARM"}
    assert [part["holds"] for part in parts[1]["parts"]] == [False, True]
    _, found = posted(lab, "rule", rule="NOT ALARM(nowhere)")
    assert (found["holds"], found["absent"]) == (True, ["nowhere"])
    _, found = posted(lab, "rule", rule="ALARM(lab-on) OR OR")
    assert found == {"error": "syntax error near 'OR'", "place": 17}


def test_those_that_are_on_come_first_and_are_chosen_from(page: Page) -> None:
    page.keyboard.press("/")
    page.keyboard.type("lab-o")
    names = page.locator("a.alarm")
    expect(names).to_have_text(["lab-on", "lab-both", "lab-off"])
    page.get_by_label("Kind").select_option("Metric")
    expect(names).to_have_text(["lab-on", "lab-off"])
    page.get_by_role("button", name="OK 1").click()
    expect(names).to_have_text(["lab-off"])
    page.reload()
    expect(names).to_have_text(["lab-off"])
    page.get_by_role("button", name="All", exact=True).click()
    page.get_by_role("button", name="Name").click()
    page.get_by_role("button", name="Name").click()
    expect(names).to_have_text(["lab-on", "lab-off"])
    page.get_by_label("Groups").select_option("By state")
    expect(page.locator(".heading")).to_have_text(["In alarm 1", "OK 1"])
    page.get_by_label("Tag", exact=True).select_option("team=lab")
    expect(names).to_have_count(2)
    page.get_by_label("Kind").select_option("Composite")
    expect(page.get_by_role("heading", name="No alarm matches")).to_be_visible()


def test_states_in_the_list_follow_without_a_reload(page: Page, lab: Any) -> None:
    expect(row(page, "lab-off").get_by_text("OK", exact=True)).to_be_visible()
    lab.perform("cloudwatch/SetAlarmState", AlarmName="lab-off", StateValue="ALARM", StateReason="now")
    expect(row(page, "lab-off").get_by_text("In alarm", exact=True)).to_be_visible()
    expect(row(page, "lab-off").locator(".stretch.alarm")).to_have_count(1)


def test_rows_are_walked_by_keys_and_changed_together(page: Page, lab: Any) -> None:
    page.goto(f"{lab.url}/_/alarms?search=lab-o&kind=metric&sort=name")
    expect(page.locator("a.alarm")).to_have_text(["lab-off", "lab-on"])
    page.keyboard.press("ArrowDown")
    expect(page.locator("a.alarm:focus")).to_have_text("lab-off")
    page.keyboard.press("x")
    page.keyboard.press("ArrowDown")
    expect(page.locator("a.alarm:focus")).to_have_text("lab-on")
    page.keyboard.press("x")
    acts = page.get_by_role("group", name="What to do with the selected alarms")
    expect(acts.get_by_role("status")).to_have_text("2 alarms selected")
    acts.get_by_role("button", name="Actions off").click()
    expect(row(page, "lab-on").get_by_text("off", exact=True)).to_be_visible()
    acts.get_by_role("button", name="Mute").click()
    page.get_by_role("group", name="Mute now for").get_by_role("button", name="1 h").click()
    expect(page.get_by_role("cell", name="Mutes now")).to_be_visible()
    acts.get_by_role("button", name="Set state").click()
    page.get_by_role("form", name="Set state").get_by_label("State").select_option("Insufficient data")
    page.get_by_role("button", name="Set", exact=True).click()
    expect(row(page, "lab-on").get_by_text("Insufficient data")).to_be_visible()
    page.get_by_label("Select lab-on").uncheck()
    acts.get_by_role("button", name="Actions on").click()
    expect(row(page, "lab-off").get_by_text("muted")).to_be_visible()
    assert not kept(lab, "lab-on")["ActionsEnabled"]
    lab.perform("cloudwatch/PutCompositeAlarm", AlarmName="lab-both", AlarmRule="ALARM(lab-on)")
    acts.get_by_role("button", name="Delete").click()
    expect(row(page, "lab-off")).to_have_count(0)
    expect(acts).to_have_count(0)


def test_an_alarm_shows_what_it_sees_its_states_and_why(page: Page, lab: Any) -> None:
    page.goto(f"{lab.url}/_/alarms/lab-on")
    expect(page.locator("header.page .state")).to_have_text("In alarm")
    expect(page.locator(".alarm-chart canvas")).to_be_visible()
    expect(page.get_by_role("img", name=re.compile("What it was in: 1 time in alarm"))).to_be_visible()
    expect(page.get_by_role("region", name="Why")).to_contain_text("by hand")
    expect(page.locator(".markdown strong")).to_have_text("rate")
    page.get_by_role("button", name="Changes").click()
    expect(page.locator(".alarm-events tbody tr").first).to_contain_text('Alarm "lab-on" created')
    page.reload()
    expect(page.locator(".alarm-events tbody tr").first).to_contain_text('Alarm "lab-on" created')
    data = {"version": "1.0", "threshold": 5.0, "evaluatedDatapoints": [
        {"timestamp": "2026-02-26T10:13:00.000+0000", "value": 9.5}, {"timestamp": "2026-02-26T10:12:00.000+0000"},
    ]}  # fmt: skip
    lab.perform(
        "cloudwatch/SetAlarmState",
        AlarmName="lab-on",
        StateValue="OK",
        StateReason="calm",
        StateReasonData=json.dumps(data),
    )
    expect(page.locator("header.page .state")).to_have_text("OK")
    page.get_by_text("The datapoints that decided").click()
    expect(page.locator(".reason tbody tr")).to_have_count(2)
    expect(page.locator(".reason tbody tr").first).to_contain_text("breaches")
    page.get_by_role("button", name="Related").click()
    expect(page.get_by_role("link", name="lab-both")).to_be_visible()


def test_a_composite_alarm_shows_its_children(page: Page, lab: Any) -> None:
    page.goto(f"{lab.url}/_/alarms/lab-both")
    tree = page.get_by_role("region", name="Its rule")
    expect(tree).to_contain_text("lab-on")
    expect(tree.locator(".rule-node.holds")).to_have_count(3)
    expect(page.locator(".lanes dt")).to_have_text(["lab-off", "lab-on"])
    tree.get_by_role("link", name="lab-off").click()
    expect(page.get_by_role("heading", name="lab-off")).to_be_visible()


def test_a_change_is_tried_as_it_is_written(page: Page, lab: Any) -> None:
    page.goto(f"{lab.url}/_/alarms/lab-on?start=-PT3H")
    expect(page.locator("header.page .state")).to_have_text("In alarm")
    page.keyboard.press("e")
    form = page.get_by_role("form", name="Change the alarm")
    trial = page.get_by_role("region", name="What it would have done")
    expect(trial.locator(".outcome")).to_contain_text("3 times")
    expect(trial.locator("tbody tr")).to_have_count(3)
    trial.get_by_role("group", name="Suggestions").get_by_role("button", name="never").click()
    expect(form.get_by_label("Threshold", exact=True)).to_have_value("8")
    expect(trial.locator(".outcome")).to_contain_text("0 times")
    chart = trial.locator(".picture .u-over")
    chart.hover()
    page.mouse.down()
    page.mouse.move(0, 0)
    page.mouse.up()
    form.get_by_label("Threshold", exact=True).fill("1.5")
    # Needed follow as periods are typed: if only later, what is typed next would stand beside the old number.
    form.get_by_label("Periods", exact=True).select_text()
    page.keyboard.type("12")
    expect(form.get_by_label("Datapoints to alarm")).to_have_value("12")
    form.get_by_label("Periods", exact=True).fill("5")
    form.get_by_label("Datapoints to alarm").fill("3")
    form.get_by_label("Periods", exact=True).select_text()
    page.keyboard.type("14")
    expect(form.get_by_label("Datapoints to alarm")).to_have_value("3")
    form.get_by_label("Period in seconds").fill("7")
    form.get_by_label("Period in seconds").blur()
    expect(form.get_by_role("alert")).to_have_text("Period must be 10, 20, 30 or a multiple of 60")
    form.get_by_label("Period in seconds").fill("60")
    form.get_by_label("Period in seconds").blur()
    expect(form.get_by_role("alert")).to_have_count(0)
    form.get_by_label("Value of tag 1").fill("old")
    form.get_by_role("button", name="Remove tag 1").click()
    form.get_by_role("button", name="Add a tag").click()
    form.get_by_label("Tag 1", exact=True).fill("stage")
    form.get_by_label("Value of tag 1").fill("two")
    form.get_by_role("button", name="Save").click()
    expect(form).to_have_count(0)
    one = kept(lab, "lab-on")
    assert (one["Threshold"], one["EvaluationPeriods"], one["DatapointsToAlarm"]) == (1.5, 14, 3)
    assert lab.perform("cloudwatch/ListTagsForResource", ResourceARN=one["AlarmArn"])["Tags"] == [
        {"Key": "stage", "Value": "two"}
    ]
    page.get_by_role("button", name="Details").click()
    expect(page.get_by_text("stage")).to_be_visible()


def test_an_alarm_on_a_metric_is_made_with_an_action(page: Page, lab: Any) -> None:
    page.keyboard.press("n")
    form = page.get_by_role("form", name="A new alarm")
    form.get_by_label("Search metrics").fill("AlarmLab loss")
    form.get_by_role("list", name="Metrics found").get_by_role("button").first.click()
    # The least threshold at which it would not have gone off is proposed.
    expect(form.get_by_label("Threshold", exact=True)).not_to_have_value("")
    form.get_by_label("Statistic", exact=True).fill("p90")
    form.get_by_label("Statistic", exact=True).blur()
    form.get_by_label("Percentile of few values").select_option("does not count: the state stays")
    form.get_by_label("Threshold", exact=True).fill("5")
    form.get_by_label("Action", exact=True).select_option("tell a new topic")
    form.get_by_label("Name of the topic").fill("lab-pager")
    form.get_by_label("Address").fill("ada@example.com")
    form.get_by_role("button", name="Add", exact=True).click()
    expect(form.get_by_text("tells lab-pager")).to_be_visible()
    form.get_by_label("Action", exact=True).select_option("stop a training job")
    form.get_by_label("Job to stop").fill("r7")
    form.get_by_role("button", name="Add", exact=True).click()
    expect(form.get_by_text("stops r7")).to_be_visible()
    form.get_by_label("Name", exact=True).fill("lab-made")
    form.get_by_role("button", name="Make the alarm").click()
    expect(page.get_by_role("heading", name="lab-made")).to_be_visible()
    one = kept(lab, "lab-made")
    assert (one["ExtendedStatistic"], one["EvaluateLowSampleCountPercentile"], one["Threshold"]) == (
        "p90",
        "ignore",
        5.0,
    )
    assert [action.split(":")[-1] for action in one["AlarmActions"]] == ["lab-pager", "stop-training-job/r7"]
    topic = one["AlarmActions"][0]
    [told] = lab.perform("sns/ListSubscriptionsByTopic", TopicArn=topic)["Subscriptions"]
    assert (told["Protocol"], told["Endpoint"]) == ("email", "ada@example.com")
    lab.perform("sns/DeleteTopic", TopicArn=topic)


def asked_again(page: Page) -> list[str]:
    """Addresses at which the list asks what changed, as they are asked."""
    seen: list[str] = []
    page.on("request", lambda request: seen.append(request.url) if "/_/api/alarms?since=" in request.url else None)
    return seen


def test_what_happens_to_an_alarm_is_told_by_the_stream(page: Page, lab: Any) -> None:
    row = page.get_by_role("row").filter(has=page.get_by_role("link", name="lab-off", exact=True))
    expect(row).to_contain_text("OK")
    lab.perform("cloudwatch/SetAlarmState", AlarmName="lab-off", StateValue="ALARM", StateReason="it is late")
    expect(row).to_contain_text("In alarm")  # in half of the time after which the list asks by itself


def test_the_list_asks_by_itself_while_no_stream_tells_it(page: Page, lab: Any) -> None:
    page.clock.install()
    page.route("**/_/api/live**", lambda route: route.abort())
    page.reload()
    expect(
        page.get_by_role("row").filter(has=page.get_by_role("link", name="lab-off", exact=True))
    ).to_contain_text("OK")
    seen = asked_again(page)
    lab.perform("cloudwatch/SetAlarmState", AlarmName="lab-off", StateValue="ALARM", StateReason="it is late")
    page.clock.run_for(6_000)
    expect(
        page.get_by_role("row").filter(has=page.get_by_role("link", name="lab-off", exact=True))
    ).to_contain_text("In alarm")
    assert len(seen) == 1


def draft(console: Any, kind: str, **given: Any) -> str:
    return f"{console.url}/_/alarms?new={kind}&start=-PT3H&draft={quote(json.dumps(given))}"


def test_a_proposal_in_the_address_is_an_alarm_to_be_made(page: Page, lab: Any) -> None:
    queries = [
        {"Id": "m1", "MetricStat": STAT, "ReturnData": True},
        {"Id": "ad1", "Expression": "ANOMALY_DETECTION_BAND(m1, 2)", "ReturnData": True},
    ]
    odd = {"AlarmName": "lab-odd", "Metrics": queries, "ThresholdMetricId": "ad1", "EvaluationPeriods": 1}
    page.goto(draft(lab, "anomaly", **odd))
    form = page.get_by_role("form", name="A new alarm")
    trial = page.get_by_role("region", name="What it would have done")
    expect(trial.get_by_text("Expected")).to_be_visible()
    form.get_by_label("Width of the band, as a number").fill("6")
    expect(trial.locator(".outcome")).to_be_visible()
    form.get_by_text("The model").click()
    form.get_by_label("Adapts").select_option("fast: in hours")
    form.get_by_role("button", name="Train with this").click()
    expect(form.get_by_text("drawn by this model")).to_be_visible()
    form.get_by_role("button", name="Make the alarm").click()
    expect(page.get_by_role("heading", name="lab-odd")).to_be_visible()
    assert kept(lab, "lab-odd")["Metrics"][1]["Expression"] == "ANOMALY_DETECTION_BAND(m1, 6)"
    [detector] = lab.perform("cloudwatch/DescribeAnomalyDetectors", Namespace=NAMESPACE)["AnomalyDetectors"]
    assert detector["Configuration"]["AdaptationSpeed"] == "FAST"
    single = detector["SingleMetricAnomalyDetector"]
    lab.perform("cloudwatch/DeleteAnomalyDetector", SingleMetricAnomalyDetector=single)


def test_an_expression_is_written_and_its_faults_stand_at_it(page: Page, lab: Any) -> None:
    metric, faulty = {"Id": "m1", "MetricStat": STAT}, {"Id": "e1", "Expression": "m9 * 2", "ReturnData": True}
    page.goto(draft(lab, "expression", Metrics=[{**metric, "ReturnData": False}, faulty], Threshold=1))
    form = page.get_by_role("form", name="A new alarm")
    expect(form.get_by_role("alert").first).to_contain_text("there is no query with the Id 'm9'")
    page.goto(draft(lab, "expression", Metrics=[metric], Threshold=1))
    form.get_by_role("button", name="Add an expression").click()
    form.get_by_label("Expression e1").click()
    page.keyboard.type("m1 * 2")
    form.get_by_label("Threshold", exact=True).fill("10")
    trial = page.get_by_role("region", name="What it would have done")
    expect(trial.locator(".outcome")).to_contain_text("3 times")
    form.get_by_label("Name", exact=True).fill("lab-made")
    form.get_by_role("button", name="Make the alarm").click()
    expect(page.get_by_role("heading", name="lab-made")).to_be_visible()
    queries = kept(lab, "lab-made")["Metrics"]
    assert [(one["Id"], one["ReturnData"]) for one in queries] == [("m1", False), ("e1", True)]


@pytest.mark.parametrize(
    ("kind", "label", "query"),
    [
        ("promql", "PromQL query", 'loss{namespace="AlarmLab"} > 5'),
        ("insights", "Metrics Insights query", f"SELECT MAX(loss) FROM {NAMESPACE} GROUP BY run"),
    ],
)
def test_a_query_is_written_and_tried(page: Page, lab: Any, kind: str, label: str, query: str) -> None:
    page.goto(draft(lab, kind, AlarmName="lab-query", **({"Threshold": 5} if kind == "insights" else {})))
    form = page.get_by_role("form", name="A new alarm")
    form.get_by_label(label).click()
    page.keyboard.insert_text(query)
    expect(page.locator(".trial .outcome")).to_contain_text("3 times")
    form.get_by_role("button", name="Make the alarm").click()
    expect(page.get_by_role("heading", name="lab-query")).to_be_visible()
    one = kept(lab, "lab-query")
    told = (
        one["EvaluationCriteria"]["PromQLCriteria"]["Query"]
        if kind == "promql"
        else one["Metrics"][0]["Expression"]
    )
    assert told == query


def test_a_rule_is_checked_as_it_is_typed(page: Page, lab: Any) -> None:
    page.goto(f"{lab.url}/_/alarms/lab-both?edit=1")
    form = page.get_by_role("form", name="Change the alarm")
    expect(form.get_by_text("Now it would be in alarm")).to_be_visible()
    form.get_by_label("Rule", exact=True).click()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.insert_text("ALARM(lab-off) OR OR")
    expect(form.get_by_role("alert").first).to_contain_text("syntax error near 'OR'")
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.insert_text("ALARM(lab-off)")
    expect(form.get_by_text("Now it would be OK")).to_be_visible()
    form.get_by_label("Add an alarm to the rule").select_option("lab-on")
    form.get_by_label("Suppressor").fill("lab-off")
    form.get_by_label("Wait period").fill("30")
    form.get_by_role("button", name="Save").click()
    expect(form).to_have_count(0)
    one = kept(lab, "lab-both")
    assert one["AlarmRule"] == "ALARM(lab-off) OR ALARM(lab-on)"
    assert (one["ActionsSuppressor"], one["ActionsSuppressorWaitPeriod"]) == ("lab-off", 30)


def test_an_alarm_is_copied_stopped_from_acting_and_deleted(page: Page, lab: Any) -> None:
    page.goto(f"{lab.url}/_/alarms/lab-on")
    page.get_by_role("button", name="Actions are on").click()
    expect(page.get_by_role("button", name="Actions are off")).to_be_visible()
    page.keyboard.press("c")
    form = page.get_by_role("form", name="A new alarm")
    expect(form.get_by_label("Name", exact=True)).to_have_value("lab-on-copy")
    form.get_by_role("button", name="Make the alarm").click()
    expect(page.get_by_role("heading", name="lab-on-copy")).to_be_visible()
    assert kept(lab, "lab-on-copy")["Threshold"] == 5.0
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(page.get_by_role("heading", name="Alarms")).to_be_visible()
    expect(row(page, "lab-on-copy")).to_have_count(0)


def test_mute_rules_are_made_changed_and_deleted(page: Page, lab: Any) -> None:
    page.goto(f"{lab.url}/_/alarms/lab-on?tab=mutes")
    page.get_by_role("button", name="New rule").click()
    form = page.get_by_role("form", name="A mute rule")
    form.get_by_label("Name of the rule").fill("lab-nights")
    form.get_by_label("When").select_option("on days of the week")
    form.get_by_role("button", name="Sun").click()
    form.get_by_label("Hours").fill("4")
    form.get_by_label("Time zone").fill("Europe/Berlin")
    form.get_by_role("button", name="Save the rule").click()
    expect(page.get_by_role("cell", name="SUN at 02:00 Europe/Berlin")).to_be_visible()
    page.goto(f"{lab.url}/_/alarms?view=mutes")
    page.get_by_role("button", name="Change lab-nights").click()
    form.get_by_label("When").select_option("as cron says")
    form.get_by_label("Cron expression").fill("0 99 * * SUN")
    form.get_by_role("button", name="Save the rule").click()
    expect(form.get_by_role("alert")).to_contain_text("hours")
    form.get_by_label("Cron expression").fill("30 3 1 * *")
    form.get_by_role("button", name="Save the rule").click()
    expect(form).to_have_count(0)
    rule = lab.perform("cloudwatch/GetAlarmMuteRule", AlarmMuteRuleName="lab-nights")
    schedule = {"Expression": "cron(30 3 1 * *)", "Duration": "PT4H", "Timezone": "Europe/Berlin"}
    assert (rule["Rule"]["Schedule"], rule["MuteTargets"]) == (schedule, {"AlarmNames": ["lab-on"]})
    page.get_by_role("button", name="Delete lab-nights").click()
    expect(page.get_by_role("row").filter(has_text="lab-nights")).to_have_count(0)


@pytest.mark.parametrize("page", ["light", "dark", "light phone", "dark phone"], indirect=True)
def test_everybody_can_use_the_pages(page: Page, lab: Any) -> None:
    nights = {"Schedule": {"Expression": "cron(0 2 * * SUN)", "Duration": "PT4H"}}
    lab.perform(
        "cloudwatch/PutAlarmMuteRule", Name="lab-nights", Rule=nights, MuteTargets={"AlarmNames": ["lab-on"]}
    )
    for address, settled in (
        ("alarms", "a.alarm"),
        ("alarms/lab-on", ".alarm-chart canvas"),
        ("alarms/lab-both", ".rule-node"),
        ("alarms/lab-on?edit=1", ".trial canvas"),
        ("alarms/lab-both?edit=1", ".rule-node"),
        ("alarms?new=metric", ".metric-found button"),
        ("alarms?view=mutes", "section.card tbody tr"),
    ):
        page.goto(f"{lab.url}/_/{address}")
        expect(page.locator(settled).first).to_be_visible()
        assert violations(page) == [], address
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), address
