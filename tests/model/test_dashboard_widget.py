"""Rows of metrics written out, times, and the records of widgets."""

import itertools
import string

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from epochwatch.model.dashboard import times
from epochwatch.model.dashboard.metric_rows import ExpressionRow, InvalidRow, MetricRow, rows
from epochwatch.model.dashboard.validation import picture_problems
from epochwatch.model.dashboard.widget import HorizontalAnnotation, metric_widget, placed_widgets

PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""Whatever the machine does besides."""
NOW = 1_785_585_600.0  # 2026-08-01T12:00:00Z
CPU = ["AWS/EC2", "CPUUtilization", "InstanceId", "i-1"]


def written_out(*given):
    return [
        (one.expression,)
        if isinstance(one, ExpressionRow)
        else (one.namespace, one.name, *(text for pair in one.dimensions for text in pair))
        for one in rows(given)
    ]


@pytest.mark.parametrize(
    ("row", "meant"),
    [
        ([".", ".", ".", "i-2"], ("AWS/EC2", "CPUUtilization", "InstanceId", "i-2")),
        ([".", "DiskReadOps", ".", "."], ("AWS/EC2", "DiskReadOps", "InstanceId", "i-1")),
        (["...", "i-2"], ("AWS/EC2", "CPUUtilization", "InstanceId", "i-2")),
        (["...", "Name", "web"], ("AWS/EC2", "CPUUtilization", "Name", "web")),
        (["..."], ("AWS/EC2", "CPUUtilization", "InstanceId", "i-1")),
        (["...", {"stat": "Sum"}], ("AWS/EC2", "CPUUtilization", "InstanceId", "i-1")),
        (["...", ".", "web"], ("AWS/EC2", "CPUUtilization", "InstanceId", "web")),
        ([".", "."], ("AWS/EC2", "CPUUtilization")),
        (["Lab", "a"], ("Lab", "a")),
        ([".", ".", ".", ".", "Zone", "b"], ("AWS/EC2", "CPUUtilization", "InstanceId", "i-1", "Zone", "b")),
        ([{"expression": "m1 * 2"}], ("m1 * 2",)),
    ],
    ids=repr,
)
def test_short_forms_are_written_out_by_the_row_before(row, meant):
    assert written_out(CPU, row)[1] == meant


def test_an_expression_or_a_wrong_row_is_no_row_before():
    given = [CPU, [{"expression": "m1 * 2"}], ["x"], ["...", "i-9"]]
    found = rows(given)
    assert isinstance(found[2], InvalidRow)
    assert found[3] == MetricRow("AWS/EC2", "CPUUtilization", (("InstanceId", "i-9"),), found[3].options)


def test_options_say_how_a_row_is_read_and_drawn():
    [row] = rows([[*CPU, {"id": "m1", "yAxis": "right", "visible": False, "stat": "p99", "accountId": "1"}]])
    options = row.options
    assert (options.id, options.y_axis, options.visible, options.stat) == ("m1", "right", False, "p99")
    assert (options.account_id, options.period) == ("1", None)


@PATIENT
@given(st.lists(st.lists(st.text(string.ascii_lowercase, min_size=1), min_size=2, max_size=6), min_size=1))
def test_dots_for_what_is_the_same_change_nothing(texts):
    plain = [row[: len(row) // 2 * 2] for row in texts]
    short = [plain[0]]
    for before, row in itertools.pairwise(plain):
        short.append(
            ["." if place < len(before) and before[place] == text else text for place, text in enumerate(row)]
        )
    assert written_out(*short) == written_out(*plain)


@PATIENT
@given(
    st.lists(
        st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=8), max_size=4
    )
)
def test_no_row_is_too_strange_to_be_judged(given):
    assert len(rows(given)) == len(given)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("-PT3H", NOW - 3 * 3600),
        ("-P60Y", 0.0),
        ("-P9999Y", 0.0),
        ("-P999999D", 0.0),
        ("PT3H", NOW - 3 * 3600),
        ("-PT0H", NOW),
        ("-PT90M", NOW - 5400),
        ("-PT15S", NOW - 15),
        ("-P1D", NOW - 86400),
        ("-P1DT1H", NOW - 90000),
        ("-P2W", NOW - 14 * 86400),
        ("-P1M", NOW - 31 * 86400),
        ("-P2M", NOW - 61 * 86400),
        ("-P1Y", NOW - 365 * 86400),
        ("2026-08-01T12:00:00Z", NOW),
        ("2026-08-01T12:00:00.000Z", NOW),
        ("2026-08-01T14:00:00+02:00", NOW),
        ("2026-08-01", NOW - 12 * 3600),
    ],
)
def test_times_count_back_from_now_or_are_moments(text, seconds):
    assert times.moment(text, NOW) == seconds


def test_a_month_before_the_last_of_march_is_the_last_of_february():
    assert times.moment("-P1M", times.moment("2026-03-31T06:00:00Z", 0)) == times.moment("2026-02-28T06:00:00Z", 0)


@pytest.mark.parametrize("text", ["", "-P", "-PT", "-P1H", "-3H", "now", "3", "-P1D2M", "1960-01-01", "-PT٣H"])
def test_what_is_no_time_is_refused(text):
    with pytest.raises(times.InvalidMoment):
        times.moment(text, NOW)


def test_a_widget_has_cloudwatchs_defaults():
    widget = metric_widget({"metrics": [CPU]})
    assert (widget.view, widget.stat, widget.period, widget.width, widget.height) == (
        "timeSeries",
        "Average",
        300,
        600,
        400,
    )
    assert (widget.theme, widget.legend.position, widget.stacked) == ("light", "bottom", False)
    assert widget.range(NOW) == (NOW - 3 * 3600, NOW)


def test_annotations_are_lines_or_bands():
    pair = [{"value": 1}, {"value": 2, "label": "top", "yAxis": "right"}]
    found = metric_widget({"annotations": {"horizontal": [{"value": 3, "fill": "above"}, pair]}}).annotations
    assert found.horizontal[0] == HorizontalAnnotation(3, fill="above")
    assert found.horizontal[1] == [HorizontalAnnotation(1), HorizontalAnnotation(2, "top", y_axis="right")]


def test_widgets_of_a_dashboard_come_as_they_are_read_and_have_its_time_where_they_have_none():
    def at(x, y, **properties):
        return {"type": "metric", "x": x, "y": y, "properties": {"title": f"{x},{y}"} | properties}

    text = {"type": "text", "y": 6, "x": 1, "properties": {"markdown": ""}}
    body = {
        "start": "-PT6H",
        "periodOverride": "inherit",
        "widgets": [at(6, 0), text, at(0, 6), at(0, 0, start="-PT1H")],
    }
    assert [one["properties"] for one in placed_widgets(body, NOW)] == [
        {"title": "0,0", "start": "-PT1H"},
        {"title": "6,0", "start": "-PT6H"},
        {"title": "0,6", "start": "-PT6H"},
        {"markdown": ""},
    ]


@pytest.mark.parametrize(
    ("start", "period"), [("-PT1H", 60), ("-PT3H", 60), ("-P1D", 120), ("-P7D", 900), ("-P90D", 14400)]
)
def test_periods_suit_the_time_unless_the_dashboard_says_that_they_are_the_widgets(start, period):
    rows = [CPU, [*CPU, {"period": 1, "stat": "Sum"}], [{"expression": "m1", "period": 5}]]
    body = {"start": start, "widgets": [{"type": "metric", "properties": {"metrics": rows, "period": 10}}]}
    [found] = placed_widgets(body, NOW)
    metrics = [CPU, [*CPU, {"stat": "Sum"}], [{"expression": "m1"}]]
    assert found["properties"] == {"metrics": metrics, "period": period, "start": start}
    [found] = placed_widgets(body | {"periodOverride": "inherit"}, NOW)
    assert found["properties"] == {"metrics": rows, "period": 10, "start": start}


PICTURE = {
    "metrics": [CPU, [{"expression": "m1", "label": "x", "id": "e1"}]],
    "view": "gauge",
    "period": 60,
    "start": "-PT3H",
    "end": "2026-08-01T12:00:00Z",
    "width": 600,
    "accountId": "123456789012",
    "title": "t",
    "timezone": "+0130",
    "legend": {"position": "right"},
    "yAxis": {"left": {"min": 0, "max": 1.5, "label": "l", "showUnits": True}, "right": {}},
    "annotations": {
        "horizontal": [{"value": 1, "fill": "above", "yAxis": "left"}, [{"value": 2}, {"value": 3}]],
        "vertical": [{"value": "2026-08-01T12:00:00Z", "visible": False}],
    },
}
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
ANYTHING = SCALARS | st.lists(SCALARS, max_size=2) | st.dictionaries(st.text(), SCALARS, max_size=2)


def places(value, path=()):
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inner:
        yield from places(one, (*path, key))


def changed(value, path, other):
    if not path:
        return other
    made = dict(value) if isinstance(value, dict) else list(value)
    made[path[0]] = changed(value[path[0]], path[1:], other)
    return made


@PATIENT
@given(st.sampled_from([path for path in places(PICTURE) if path]), ANYTHING)
def test_what_nothing_is_wrong_with_is_a_widget_and_has_a_time(path, other):
    widget = changed(PICTURE, path, other)
    if not picture_problems(widget):
        assert len(metric_widget(widget).range(NOW)) == 2
