"""Widgets read over real stores, and the operation that draws them."""

import json
import struct
from concurrent.futures import ThreadPoolExecutor

import pytest

from epochwatch.model.dashboard.widget import metric_widget
from epochwatch.model.raw_answer import RawAnswer
from epochwatch.services.call import Call
from epochwatch.services.cloudwatch.alarms import put_metric_alarm
from epochwatch.services.cloudwatch.metric_data import put_metric_data
from epochwatch.services.cloudwatch.metric_widget import picture_of
from epochwatch.services.cloudwatch.metric_widget_image import get_metric_widget_image
from tests.services.conftest import Caller

SIGNATURE = b"\x89PNG\r\n\x1a\n"
ALARM = {
    "AlarmName": "hot",
    "Namespace": "Lab",
    "MetricName": "temperature",
    "Dimensions": [{"Name": "Room", "Value": "a"}],
    "Statistic": "Maximum",
    "Period": 60,
    "EvaluationPeriods": 3,
    "DatapointsToAlarm": 2,
    "Threshold": 21.5,
    "ComparisonOperator": "GreaterThanThreshold",
}


def put(caller, name="temperature", room="a", values=(20.0, 21.0, 22.0), unit="None", every=60):
    """Values, the last of them in the minute that has begun."""
    data = [
        {
            "MetricName": name,
            "Dimensions": [{"Name": "Room", "Value": room}],
            "Value": value,
            "Unit": unit,
            "Timestamp": caller.now - every * (len(values) - 1 - number),
        }
        for number, value in enumerate(values)
    ]
    caller(put_metric_data, Namespace="Lab", MetricData=data)


def shown(caller, *rows, **more):
    widget = {"metrics": [list(row) for row in rows], "period": 60, "start": "-PT15M"} | more
    return picture_of(Call(caller.tenant, caller.stores, "r", caller.now), metric_widget(widget))


def numbers(picture):
    return {curve.label: curve.values.tolist() for curve in picture.curves}


def image(caller, widget, **more):
    return caller(get_metric_widget_image, MetricWidget=json.dumps(widget), **more)["MetricWidgetImage"]


def size(png):
    assert png.startswith(SIGNATURE)
    return struct.unpack(">II", png[16:24])


A = ["Lab", "temperature", "Room", "a"]
B = ["...", "b"]


def test_rows_become_curves_called_by_what_tells_them_apart(caller: Caller):
    put(caller)
    put(caller, room="b", values=(1.0, 2.0))
    assert numbers(shown(caller, A, B)) == {"a": [20.0, 21.0, 22.0], "b": [1.0, 2.0]}
    assert numbers(shown(caller, A)) == {"temperature": [20.0, 21.0, 22.0]}
    assert list(numbers(shown(caller, [*A, {"label": "${LAST} in ${PROP('Dim.Room')}"}]))) == ["22 in a"]


def test_curves_have_the_options_of_their_rows(caller: Caller):
    put(caller, unit="Percent")
    [curve] = shown(caller, [*A, {"color": "#abc", "yAxis": "right", "stat": "SampleCount", "period": 300}]).curves
    assert (curve.color, curve.axis, curve.unit) == ("#abc", "right", "Percent")
    assert curve.values.sum() == 3


def test_colours_follow_each_other_where_rows_name_none(caller: Caller):
    put(caller)
    picture = shown(caller, A, [*A, {"color": "#000000"}], [*A, {"stat": "Maximum"}])
    assert [curve.color for curve in picture.curves] == ["#1f77b4", "#000000", "#2ca02c"]


def test_math_uses_rows_that_are_not_seen(caller: Caller):
    put(caller)
    hidden = [*A, {"id": "m1", "visible": False}]
    assert numbers(shown(caller, hidden, [{"expression": "m1 * 2", "label": "double"}])) == {
        "double": [40.0, 42.0, 44.0]
    }
    assert shown(caller, hidden).curves == []


def test_a_search_gives_a_curve_for_each_metric(caller: Caller):
    put(caller)
    put(caller, room="b", values=(5.0,))
    search = [{"expression": "SEARCH('{Lab,Room} temperature', 'Average', 60)"}]
    assert numbers(shown(caller, search)) == {"a": [20.0, 21.0, 22.0], "b": [5.0]}


def test_metric_math_over_metrics_does_not_see_the_ids_that_rows_are_given(caller: Caller):
    put(caller)
    named = [*A, {"id": "m1", "visible": False}]
    picture = shown(
        caller, named, ["...", {"visible": False, "stat": "Maximum"}], [{"expression": "SUM(METRICS('m'))"}]
    )
    assert picture.curves[0].values.tolist() == [20.0, 21.0, 22.0]


def test_a_band_is_one_curve_with_two_edges(caller: Caller):
    put(caller, values=[20.0 + number % 7 for number in range(600)])
    band = [{"expression": "ANOMALY_DETECTION_BAND(m1, 2)", "label": "usual"}]
    picture = shown(caller, [*A, {"id": "m1"}], band, start="-PT1H")
    [line, usual] = picture.curves
    assert line.high is None
    assert usual.label == "usual"
    assert (usual.high > usual.values).all()


@pytest.mark.parametrize(
    ("stat", "value"), [("Sum", 63.0), ("Average", 21.0), ("Maximum", 22.0), ("SampleCount", 3.0)]
)
@pytest.mark.parametrize("start", ["-PT15M", "-P2D", "-P20D", "-P90D"])
def test_a_number_can_be_of_the_whole_time(caller: Caller, stat, value, start):
    put(caller)
    more = {"view": "singleValue", "setPeriodToTimeRange": True, "stat": stat, "start": start}
    assert [curve.number for curve in shown(caller, A, **more).curves] == [value]


@pytest.mark.parametrize("start", ["-PT15M", "-P20D"])
def test_numbers_of_the_whole_time_are_computed_and_searched_for_as_well(caller: Caller, start):
    put(caller)
    put(caller, room="b", values=(5.0,))
    rows = [[*A, {"id": "m1", "visible": False}], [{"expression": "m1 * 2", "label": "double"}]]
    more = {"view": "bar", "setPeriodToTimeRange": True, "stat": "Sum", "start": start}
    assert [curve.number for curve in shown(caller, *rows, **more).curves] == [126.0]
    select = [{"expression": 'SELECT SUM(temperature) FROM SCHEMA("Lab", Room) GROUP BY Room ORDER BY SUM() ASC'}]
    assert {one.label: one.number for one in shown(caller, select, **more).curves} == {"a": 63.0, "b": 5.0}


def test_a_period_may_be_many_days(caller: Caller):
    put(caller)
    [curve] = shown(caller, A, period=2_592_000, stat="Sum", start="-P20D").curves
    assert curve.values.tolist() == [63.0]


def test_a_number_is_else_the_newest(caller: Caller):
    put(caller)
    assert [curve.number for curve in shown(caller, A, view="pie").curves] == [22.0]
    assert [curve.number for curve in shown(caller, ["Lab", "absent"], view="pie").curves] == [None]


def test_what_is_old_is_shown_at_the_period_at_which_it_is_kept(caller: Caller):
    put(caller)
    [curve] = shown(caller, A, start="-P20D").curves
    assert curve.values.tolist() in ([21.0], [20.0, 21.5], [20.5, 22.0])  # by where the five minutes end


def test_rows_of_another_region_show_that_region(caller: Caller):
    put(caller)
    here = caller.tenant.region
    picture = shown(
        caller, [*A, {"label": "there", "region": "eu-west-1"}], [*A, {"label": "here", "region": here}]
    )
    assert numbers(picture) == {"there": [], "here": [20.0, 21.0, 22.0]}


def test_another_accounts_metrics_are_marked_as_not_read(caller: Caller):
    [curve] = shown(caller, [*A, {"accountId": "999999999999"}]).curves
    assert curve.incomplete
    assert not len(curve.values)


def test_an_alarm_shows_its_metric_and_its_threshold(caller: Caller):
    put(caller)
    caller(put_metric_alarm, **ALARM)
    arn = caller.tenant.arn("cloudwatch", "alarm:hot")
    picture = shown(caller, annotations={"alarms": [arn]})
    assert numbers(picture) == {"temperature": [20.0, 21.0, 22.0]}
    [level] = picture.levels
    assert (level.value, level.label) == (21.5, "hot > 21.5 for 2 of 3 datapoints")


def test_an_alarm_on_metric_math_shows_what_it_watches(caller: Caller):
    put(caller)
    metric = {"Namespace": "Lab", "MetricName": "temperature", "Dimensions": ALARM["Dimensions"]}
    queries = [
        {"Id": "m", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Average"}, "ReturnData": False},
        {"Id": "e", "Expression": "m / 2", "Label": "half"},
    ]
    members = ("AlarmName", "EvaluationPeriods", "Threshold", "ComparisonOperator")
    caller(put_metric_alarm, Metrics=queries, **{name: ALARM[name] for name in members})
    picture = shown(caller, annotations={"alarms": [caller.tenant.arn("cloudwatch", "alarm:hot")]})
    assert numbers(picture) == {"half": [10.0, 10.5, 11.0]}


@pytest.mark.parametrize("view", ["timeSeries", "singleValue", "bar", "pie", "gauge"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_view_is_drawn(caller: Caller, view, theme):
    put(caller)
    widget = {"metrics": [A], "view": view, "theme": theme, "yAxis": {"left": {"min": 0, "max": 30}}, "period": 60}
    assert size(image(caller, widget)) == (600, 400)


@pytest.mark.parametrize("sides", [(1, 1), (1, 2000), (2000, 1), (37, 20), (2000, 2000)])
@pytest.mark.parametrize("view", ["timeSeries", "singleValue", "bar", "pie", "gauge"])
def test_a_picture_has_the_size_that_is_asked_for(caller: Caller, sides, view):
    put(caller)
    width, height = sides
    annotations = {"horizontal": [{"value": 21, "label": "x"}], "vertical": [{"value": "2026-01-01T00:00:00Z"}]}
    more = {"title": "A title", "annotations": annotations, "yAxis": {"left": {"min": 0, "max": 9}}}
    assert size(image(caller, {"metrics": [A], "width": width, "height": height, "view": view} | more)) == sides


def test_values_of_any_size_are_drawn(caller: Caller):
    for values in ([-1e-300, 1e-300], [2.0**360, -(2.0**360)], [0.0], [5.0, 5.0], [-3.0]):
        put(caller, name=f"m{len(values)}{values[0]}", values=values)
        row = ["Lab", f"m{len(values)}{values[0]}", "Room", "a"]
        for more in ({}, {"stacked": True}, {"view": "bar"}, {"view": "singleValue"}):
            assert size(image(caller, {"metrics": [row], "period": 60} | more)) == (600, 400)


@pytest.mark.parametrize(
    "text", ["損失 😀 loss", "two\nlines", "$x^2$ \\frac{", "x" * 30_000, "\u0000\u200f", "é̀", " "]
)
def test_texts_of_any_kind_are_drawn(caller: Caller, text):
    put(caller)
    lines = {"horizontal": [{"value": 21, "label": text}]}
    axes = {"left": {"min": 0, "max": 30, "label": text}}
    widget = {
        "metrics": [[*A, {"label": text[:1000]}]],
        "title": text[:20_000],
        "annotations": lines,
        "yAxis": axes,
    }
    for view in ("timeSeries", "singleValue", "gauge"):
        assert size(image(caller, widget | {"view": view})) == (600, 400)


def test_pictures_are_drawn_by_several_threads_at_once(caller: Caller):
    put(caller)
    with ThreadPoolExecutor(4) as pool:
        found = list(
            pool.map(
                lambda _: image(
                    caller, {"metrics": [A], "end": "2026-01-02T00:00:00Z", "start": "2026-01-01T00:00:00Z"}
                ),
                range(12),
            )
        )
    assert len(set(found)) == 1


def test_a_picture_can_be_the_whole_answer(caller: Caller):
    answer = get_metric_widget_image(
        Call(caller.tenant, caller.stores, "r", caller.now),
        {"MetricWidget": json.dumps({"metrics": [A]}), "OutputFormat": "image/png"},
    )
    assert isinstance(answer, RawAnswer)
    assert answer.media_type == "image/png"
    assert size(answer.body) == (600, 400)


@pytest.mark.parametrize(
    ("widget", "words"),
    [
        ("nonsense", "must be a valid JSON object"),
        ("[]", "must be a valid JSON object"),
        ("{}", "Should have required property 'metrics'"),
        ('{"metrics": [["Lab"]]}', "Should NOT have less than 2 items"),
        (json.dumps({"metrics": [A], "width": 2001}), "/width"),
        (json.dumps({"metrics": [A], "region": "eu-west-1"}), "The region eu-west-1 must be the one"),
        (json.dumps({"metrics": [A], "start": "-PT1H", "end": "-PT2H"}), "start must be less than"),
        ('{"metrics": [["Lab", "x"]], "yAxis": {"left": {"min": 1e999}}}', "must be a valid JSON object"),
        (json.dumps({"metrics": [A], "period": 7}), "The value 7 for parameter period is invalid"),
        (json.dumps({"metrics": [[*A, {"stat": "p101"}]]}), "Stat"),
        (json.dumps({"metrics": [[{"expression": "m1 +"}]]}), "Error in expression"),
        (json.dumps({"metrics": [A], "title": "x" * 102_400}), "102400 bytes"),
        (
            json.dumps({"annotations": {"alarms": ["arn:aws:cloudwatch:us-east-1:123456789012:alarm:gone"]}}),
            "does not exist",
        ),
    ],
    ids=lambda one: one[:50],
)
def test_what_cannot_be_drawn_is_refused(caller: Caller, widget, words):
    code, message = caller.refused(get_metric_widget_image, MetricWidget=widget)
    assert code == "ValidationException"
    assert words in message


def test_only_png_is_drawn(caller: Caller):
    code, message = caller.refused(
        get_metric_widget_image, MetricWidget=json.dumps({"metrics": [A]}), OutputFormat="svg"
    )
    assert code == "InvalidParameterValueException"
    assert "Only PNG" in message
