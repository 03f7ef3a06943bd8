"""What CloudWatch says of the body of a dashboard, mistake by mistake."""

import json

import pytest

from epochwatch.model.dashboard.validation import (
    NO_DATA,
    NO_OBJECT,
    NotAnObject,
    body_problems,
    parse_object,
    picture_problems,
)

CPU = ["AWS/EC2", "CPUUtilization", "InstanceId", "i-1"]
ALARM = "arn:aws:cloudwatch:us-east-1:123456789012:alarm:hot"
CHOICE = "Should be equal to one of the allowed values"
MOMENT = 'Should match format "date-time"'
IN_PROPERTIES = "/widgets/0/properties"
EXPLORER = {
    "metrics": [{"metricName": "CPU", "resourceType": "AWS::EC2::Instance", "stat": "Average"}],
    "labels": [],
}
VARIABLE = {"type": "property", "property": "region", "inputType": "select", "id": "region"}


def widget(kind="metric", /, **properties):
    return {"type": kind, "properties": properties}


def chart(*rows, **more):
    return widget(**({"metrics": list(rows or [CPU]), "region": "us-east-1"} | more))


def without(given, *names):
    return {name: value for name, value in given.items() if name not in names}


def told(body):
    return [(problem.path, problem.message) for problem in body_problems(body)]


def told_of(one):
    return told({"widgets": [one]})


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "1", '"text"', "null", "{} {}", '{"widgets": NaN}', "[" * 100_000], ids=repr
)
def test_a_body_must_be_the_json_of_an_object(text):
    with pytest.raises(NotAnObject, match=NO_OBJECT):
        parse_object(text)


@pytest.mark.parametrize(
    "body",
    [
        {"widgets": []},
        {"widgets": [], "start": "-PT6H"},
        {"widgets": [], "start": "-P3M", "periodOverride": "auto"},
        {"widgets": [], "start": "2026-01-01T00:00:00Z", "end": "2026-01-02T00:00:00.000Z"},
        {"widgets": [], "variables": [VARIABLE]},
        {"widgets": [], "variables": [VARIABLE | {"values": [{"value": "a", "label": "A"}], "defaultValue": "a"}]},
        {"widgets": [], "somethingNew": {"of": "a later client"}},
        {"widgets": [chart()] * 500},
    ],
    ids=lambda body: json.dumps(body)[:60],
)
def test_bodies_that_are_right(body):
    assert told(body) == []


@pytest.mark.parametrize(
    "right",
    [
        chart(),
        chart(CPU) | {"x": 23, "y": 100, "width": 24, "height": 1000},
        chart(CPU, [".", ".", ".", "i-2"], ["...", "i-3"]),
        chart(
            [*CPU, {"stat": "p99", "period": 60, "color": "#1f77b4", "label": "a", "yAxis": "right", "id": "m1"}]
        ),
        chart([*CPU, {"visible": False, "region": "eu-west-1", "accountId": "123456789012"}]),
        chart(
            CPU, [{"expression": "SEARCH('{AWS/EC2,InstanceId} CPU', 'Average', 300)", "id": "e1", "label": "x"}]
        ),
        chart(["Lab", "no-dimensions"]),
        chart(metrics=[]),
        chart(view="gauge", yAxis={"left": {"min": 0, "max": 100}}),
        chart(view="singleValue", sparkline=True, setPeriodToTimeRange=True, singleValueFullPrecision=False),
        chart(view="table", table={"layout": "vertical", "stickySummary": True, "summaryColumns": ["MIN", "AVG"]}),
        chart(view="bar", stacked=True, liveData=False, timezone="+0130", legend={"position": "right"}),
        chart(yAxis={"left": {"min": 0, "label": "%", "showUnits": False}, "right": {"max": 1.5}}),
        chart(annotations={"horizontal": [{"value": 1}, [{"value": 2}, {"value": 3, "label": "top"}]]}),
        chart(annotations={"vertical": [{"value": "2026-01-01T00:00:00Z", "fill": "before"}]}),
        chart(start="-PT3H"),
        chart(start="2026-01-01T00:00:00Z", end="2026-01-02"),
        widget(annotations={"alarms": [ALARM]}, region="us-east-1"),
        widget("text", markdown="# Hello", background="transparent"),
        widget("log", query="SOURCE 'group' | fields @message", region="us-east-1", view="table"),
        widget("alarm", alarms=[ALARM], sortBy="stateUpdatedTimestamp", states=["ALARM"], title="x"),
        widget("explorer", **EXPLORER),
        widget("custom", endpoint="arn:aws:lambda:us-east-1:123456789012:function:f", params={"a": 1}),
        widget("chart", data={"queries": []}),
    ],
    ids=lambda one: json.dumps(one)[:80],
)
def test_widgets_that_are_right(right):
    assert told_of(right) == []


@pytest.mark.parametrize(
    ("body", "path", "message"),
    [
        ({}, "", "Should have required property 'widgets'"),
        ({"widgets": {}}, "/widgets", "Should be array"),
        ({"widgets": [1]}, "/widgets/0", "Should be object"),
        ({"widgets": [widget("text", markdown="")] * 501}, "/widgets", "Should NOT have more than 500 items"),
        ({"widgets": [chart(*[CPU] * 500)] * 6}, "/widgets", "Should NOT have more than 2500 metrics"),
        ({"widgets": [], "start": "yesterday"}, "/start", MOMENT),
        ({"widgets": [], "start": 1}, "/start", "Should be string"),
        ({"widgets": [], "start": "-PT3H", "end": "soon"}, "/end", MOMENT),
        ({"widgets": [], "end": "2026-01-01T00:00:00Z"}, "", "Should have required property 'start'"),
        ({"widgets": [], "periodOverride": "never"}, "/periodOverride", CHOICE),
        ({"widgets": [], "variables": [VARIABLE] * 26}, "/variables", "Should NOT have more than 25 items"),
        (
            {"widgets": [], "variables": [without(VARIABLE, "id")]},
            "/variables/0",
            "Should have required property 'id'",
        ),
        (
            {"widgets": [], "variables": [VARIABLE | {"type": "pattern"}]},
            "/variables/0",
            "Should have required property 'pattern'",
        ),
        ({"widgets": [], "variables": [VARIABLE | {"type": "x"}]}, "/variables/0/type", CHOICE),
        ({"widgets": [], "variables": [VARIABLE | {"inputType": "x"}]}, "/variables/0/inputType", CHOICE),
        (
            {"widgets": [], "variables": [VARIABLE | {"id": "x" * 33}]},
            "/variables/0/id",
            "Should NOT be longer than 32 characters",
        ),
        (
            {"widgets": [], "variables": [VARIABLE | {"label": "x" * 31}]},
            "/variables/0/label",
            "Should NOT be longer than 30 characters",
        ),
        (
            {"widgets": [], "variables": [VARIABLE | {"values": []}]},
            "/variables/0/values",
            "Should NOT have less than 1 items",
        ),
    ],
    ids=lambda one: json.dumps(one)[:60],
)
def test_what_is_wrong_with_a_body(body, path, message):
    assert told(body) == [(path, message)]


@pytest.mark.parametrize(
    ("wrong", "path", "message"),
    [
        (without(chart(), "type"), "", "Should have required property 'type'"),
        (without(chart(), "properties"), "", "Should have required property 'properties'"),
        ({"type": "video", "properties": {}}, "/type", CHOICE),
        ({"type": "text", "properties": []}, "/properties", "Should be object"),
        (chart() | {"x": -1}, "/x", "Should be >= 0"),
        (chart() | {"x": 24}, "/x", "Should be <= 23"),
        (chart() | {"x": 1.5}, "/x", "Should be integer"),
        (chart() | {"x": True}, "/x", "Should be integer"),
        (chart() | {"y": "0"}, "/y", "Should be integer"),
        (chart() | {"y": -1}, "/y", "Should be >= 0"),
        (chart() | {"width": 0}, "/width", "Should be >= 1"),
        (chart() | {"width": 25}, "/width", "Should be <= 24"),
        (chart() | {"height": 1001}, "/height", "Should be <= 1000"),
        (chart(view="lines"), "/properties/view", CHOICE),
        (chart(stacked="yes"), "/properties/stacked", "Should be boolean"),
        (chart(stat=1), "/properties/stat", "Should be string"),
        (chart(period=0), "/properties/period", "Should be >= 1"),
        (chart(period="300"), "/properties/period", "Should be integer"),
        (chart(title=1), "/properties/title", "Should be string"),
        (
            chart(timezone="CET"),
            "/properties/timezone",
            'Should match pattern "^[+-]([01][0-9]|2[0-3])[0-5][0-9]$"',
        ),
        (chart(legend={"position": "top"}), "/properties/legend/position", CHOICE),
        (chart(legend="bottom"), "/properties/legend", "Should be object"),
        (chart(yAxis={"left": {"min": "0"}}), "/properties/yAxis/left/min", "Should be number"),
        (chart(yAxis={"left": {"showUnits": 1}}), "/properties/yAxis/left/showUnits", "Should be boolean"),
        (chart(annotations=[]), "/properties/annotations", "Should be object"),
        (
            chart(annotations={"horizontal": [{"label": "x"}]}),
            "/properties/annotations/horizontal/0",
            "Should have required property 'value'",
        ),
        (
            chart(annotations={"horizontal": [{"value": 1, "fill": "left"}]}),
            "/properties/annotations/horizontal/0/fill",
            CHOICE,
        ),
        (
            chart(annotations={"horizontal": [{"value": 1, "yAxis": "annotations"}]}),
            "/properties/annotations/horizontal/0/yAxis",
            CHOICE,
        ),
        (
            chart(annotations={"horizontal": [{"value": 1, "color": "red"}]}),
            "/properties/annotations/horizontal/0/color",
            'Should match pattern "^#([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$"',
        ),
        (
            chart(annotations={"horizontal": [[{"value": 1}]]}),
            "/properties/annotations/horizontal/0",
            "Should NOT have less than 2 items",
        ),
        (
            chart(annotations={"horizontal": [[{"value": 1}, {"value": "2"}]]}),
            "/properties/annotations/horizontal/0/1/value",
            "Should be number",
        ),
        (chart(annotations={"vertical": [{"value": "now"}]}), "/properties/annotations/vertical/0/value", MOMENT),
        (
            chart(annotations={"vertical": [{"value": "-PT1H"}]}),
            "/properties/annotations/vertical/0/value",
            MOMENT,
        ),
        (
            widget(annotations={"alarms": []}, region="us-east-1"),
            "/properties/annotations/alarms",
            "Should NOT have less than 1 items",
        ),
        (
            widget(annotations={"alarms": [ALARM, ALARM]}, region="us-east-1"),
            "/properties/annotations/alarms",
            "Should NOT have more than 1 items",
        ),
        (
            widget(annotations={"alarms": ["hot"]}, region="us-east-1"),
            "/properties/annotations/alarms/0",
            'Should match pattern "^arn:aws[a-z-]*:cloudwatch:[a-z0-9-]+:[0-9]{12}:alarm:.+$"',
        ),
        (chart(start="then"), "/properties/start", MOMENT),
        (chart(end="2026-01-01T00:00:00Z"), "/properties", "Should have required property 'start'"),
        (widget(metrics=[CPU]), "/properties", NO_DATA),
        (chart(view="gauge"), "/properties", "Should have required property 'yAxis'"),
        (chart(view="gauge", yAxis={}), "/properties/yAxis", "Should have required property 'left'"),
        (
            chart(view="gauge", yAxis={"left": {"min": 0}}),
            "/properties/yAxis/left",
            "Should have required property 'max'",
        ),
        (chart(metrics={}), "/properties/metrics", "Should be array"),
        (chart(*[CPU] * 501), "/properties/metrics", "Should NOT have more than 500 items"),
        (widget("text"), "/properties", "Should have required property 'markdown'"),
        (widget("text", markdown="", background="blue"), "/properties/background", CHOICE),
        (widget("log"), "/properties", "Should have required property 'query'"),
        (widget("log", query="", view="cloud"), "/properties/view", CHOICE),
        (widget("alarm", alarms=[]), "/properties/alarms", "Should NOT have less than 1 items"),
        (widget("alarm", alarms=[ALARM] * 101), "/properties/alarms", "Should NOT have more than 100 items"),
        (widget("alarm", alarms=[ALARM], states=["BAD"]), "/properties/states/0", CHOICE),
        (widget("alarm", alarms=[ALARM], sortBy="name"), "/properties/sortBy", CHOICE),
        (
            widget("explorer", **without(EXPLORER, "labels")),
            "/properties",
            "Should have required property 'labels'",
        ),
        (
            widget("explorer", **(EXPLORER | {"aggregateBy": {"func": "MEDIAN"}})),
            "/properties/aggregateBy/func",
            CHOICE,
        ),
    ],
    ids=lambda one: json.dumps(one)[:80],
)
def test_what_is_wrong_with_a_widget(wrong, path, message):
    assert told_of(wrong) == [(f"/widgets/0{path}", message)]


def test_a_metric_widget_without_data_is_told_all_it_could_have():
    assert told_of(widget(view="timeSeries", region="us-east-1")) == [
        (IN_PROPERTIES, "Should have required property 'metrics'"),
        (IN_PROPERTIES, NO_DATA),
        (IN_PROPERTIES, "Should have required property 'annotations'"),
    ]


@pytest.mark.parametrize(
    ("row", "place", "message"),
    [
        ("AWS/EC2", "", "has to be an array of array of strings"),
        ([], "", "has to be an array of array of strings"),
        (["AWS/EC2"], "", "Should NOT have less than 2 items"),
        (["AWS/EC2", "CPU", "InstanceId"], "", "Should NOT have more than 2 items"),
        (["AWS/EC2", "CPU", {"color": "red"}], "", "Should NOT have more than 2 items"),
        (["AWS/EC2", "CPU", {"dimensions": {"InstanceId": "i"}}], "", "Should NOT have more than 2 items"),
        (["AWS/EC2", "CPU", "InstanceId", {"stat": "Sum"}], "", "Should NOT have more than 3 items"),
        (["AWS/EC2", "CPU", {"stat": "Sum"}, {"InstanceId": "i"}], "/2", 'only "String" type is allowed'),
        (["AWS/EC2", "CPU", "Port", 80], "/3", 'only "String" type is allowed'),
        (["AWS/EC2", "CPU", {"yAxis": "middle"}], "", "Should NOT have more than 2 items"),
        (["AWS/EC2", "CPU", {"period": "60"}], "", "Should NOT have more than 2 items"),
        (["AWS/EC2", "CPU", {"id": "M1"}], "", "Should NOT have more than 2 items"),
        (["AWS/EC2", {"expression": "m1 + m2"}], "", "Should NOT have more than 1 items"),
        ([{"label": "neither metric nor expression"}], "", "Should NOT have more than 0 items"),
        ([".", "CPU"], "", "Should NOT have more than 1 items"),
        (["...", "i-1"], "", "Should NOT have more than 1 items"),
        (["Lab", "m", *("d" for _ in range(62))], "", "Should NOT have more than 63 items"),
    ],
    ids=lambda one: json.dumps(one)[:60],
)
def test_what_is_wrong_with_a_row_of_metrics(row, place, message):
    [(path, said)] = told_of(chart(row))
    assert path == f"{IN_PROPERTIES}/metrics/0{place}"
    assert message in said


def test_every_mistake_is_told_in_the_order_of_the_text():
    body = {"widgets": [chart() | {"x": 30}, chart(view="x", period=0), widget("text")]}
    assert [path for path, _ in told(body)] == [
        "/widgets/0/x",
        "/widgets/1/properties/period",
        "/widgets/1/properties/view",
        "/widgets/2/properties",
    ]


@pytest.mark.parametrize(
    ("picture", "path", "message"),
    [
        ({}, "", "Should have required property 'metrics'"),
        ({"metrics": []}, "/metrics", "Should NOT have less than 1 items"),
        ({"metrics": [CPU] * 101}, "/metrics", "Should NOT have more than 100 items"),
        ({"metrics": [CPU], "width": 0}, "/width", "Should be >= 1"),
        ({"metrics": [CPU], "width": 2001}, "/width", "Should be <= 2000"),
        ({"metrics": [CPU], "height": "400"}, "/height", "Should be integer"),
        ({"metrics": [CPU], "theme": "blue"}, "/theme", CHOICE),
        ({"metrics": [CPU], "view": "table"}, "/view", CHOICE),
        ({"metrics": [CPU], "start": "PT"}, "/start", MOMENT),
        ({"metrics": [CPU], "view": "gauge"}, "", "Should have required property 'yAxis'"),
    ],
    ids=lambda one: json.dumps(one)[:60],
)
def test_what_is_wrong_with_a_picture(picture, path, message):
    assert [(one.path, one.message) for one in picture_problems(picture)] == [(path, message)]


def test_a_picture_needs_no_region_and_its_end_no_start():
    assert picture_problems({"metrics": [CPU], "end": "-PT1H", "theme": "dark", "width": 1, "height": 2000}) == []
