"""Marks of axes."""

import math
from datetime import UTC, timedelta, timezone

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from epochwatch.model.dashboard.picture import Curve, stacked
from epochwatch.model.dashboard.scales import limits, part, short, time_marks, value_marks

PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""Whatever the machine does besides."""
NOON = 1_785_585_600  # 2026-08-01T12:00:00Z, a Saturday
FINITE = st.floats(allow_nan=False, allow_infinity=False)


@pytest.mark.parametrize(
    ("values", "given", "found"),
    [
        ([], {}, (0.0, 1.05)),
        ([0.0], {}, (0.0, 1.05)),
        ([5.0], {}, (2.25, 7.75)),
        ([10.0, 20.0], {}, (9.5, 20.5)),
        ([0.1, 10.0], {}, (0.0, 10.495)),
        ([-1.0, 1.0], {}, (-1.1, 1.1)),
        ([10.0, 20.0], {"from_zero": True}, (0.0, 21.0)),
        ([-20.0, -10.0], {"from_zero": True}, (-21.0, 0.0)),
        ([math.nan, math.inf, 10.0, 20.0], {}, (9.5, 20.5)),
    ],
)
def test_an_axis_reaches_a_little_beyond_the_values(values, given, found):
    assert limits(values, None, None, **given) == pytest.approx(found)


@pytest.mark.parametrize(
    ("least", "greatest", "found"),
    [
        (0, 100, (0, 100)),
        (0, None, (0, 20.5)),
        (None, 15, (9.5, 15)),
        (50, None, (50, 51)),
        (None, 5, (4, 5)),
        (9, 3, (2, 3)),
    ],
)
def test_limits_that_are_given_hold(least, greatest, found):
    assert limits([10.0, 20.0], least, greatest) == pytest.approx(found)


@PATIENT
@given(st.lists(FINITE), st.none() | FINITE, st.none() | FINITE)
def test_an_axis_always_goes_up(values, least, greatest):
    low, high = limits(values, least, greatest)
    assert low < high


@PATIENT
@given(FINITE, FINITE, FINITE)
def test_ends_of_an_axis_are_zero_and_one_however_large(one, other, value):
    low, high = limits([one, other], None, None)
    assert (part(low, low, high), part(high, low, high)) == (0, 1)
    assert not math.isnan(part(value, low, high))


@pytest.mark.parametrize(
    ("low", "high", "most", "marks"),
    [
        (0, 1, 6, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (0, 1, 3, [0, 0.5, 1]),
        (0.17, 3.1, 6, [0.5, 1, 1.5, 2, 2.5, 3]),
        (-110, 120, 5, [-100, -50, 0, 50, 100]),
        (9.5e6, 1.05e7, 4, [9.5e6, 1e7, 1.05e7]),
    ],
)
def test_marks_are_round_values(low, high, most, marks):
    assert value_marks(low, high, most) == pytest.approx(marks)


@PATIENT
@given(FINITE, FINITE, st.integers(2, 30))
def test_marks_lie_on_the_axis_and_are_no_more_than_wanted(one, other, most):
    low, high = sorted((one, other))
    found = value_marks(low, high, most)
    assert len(found) <= most
    room = (high / 2 - low / 2) * 1e-6 + max(abs(low), abs(high)) * 1e-12
    assert all(low - room <= mark <= high + room for mark in found)


@pytest.mark.parametrize(
    ("value", "step", "text"),
    [
        (0, 0, "0"), (1, 0, "1"), (0.25, 0, "0.25"), (0.3176, 0, "0.3176"), (93.113, 0, "93.11"), (1500, 0, "1.5k"),
        (2e7, 0, "20M"), (3.5e9, 0, "3.5G"), (1e12, 0, "1T"), (7e15, 0, "7P"), (1e20, 0, "1e+20"), (1e-7, 0, "1e-07"),
        (-1500, 0, "-1.5k"), (0.5, 0.1, "0.5"), (1250, 250, "1.25k"), (100, 50, "100"), (math.inf, 0, "inf"),
    ],
)  # fmt: skip
def test_values_are_written_short(value, step, text):
    assert short(value, step) == text


@pytest.mark.parametrize(
    ("hours", "most", "texts"),
    [
        (3, 6, ["09:00", "10:00", "11:00", "12:00"]),
        (3, 7, ["09:00", "09:30", "10:00", "10:30", "11:00", "11:30", "12:00"]),
        (24, 4, ["12:00", "08/01 00:00", "12:00"]),
        (24 * 7, 8, ["07/26", "07/27", "07/28", "07/29", "07/30", "07/31", "08/01"]),
        (24 * 21, 4, ["07/13", "07/20", "07/27"]),
        (1 / 60, 5, ["11:59:00", "11:59:15", "11:59:30", "11:59:45", "12:00:00"]),
    ],
)
def test_times_are_marked_where_they_are_round(hours, most, texts):
    assert [text for _, text in time_marks(NOON - hours * 3600, NOON, most)] == texts


def test_round_times_are_those_of_the_zone():
    zone = timezone(timedelta(hours=5, minutes=30))
    found = time_marks(NOON - 3600, NOON, 3, zone)
    assert found == [(NOON - 3600, "16:30"), (NOON - 1800, "17:00"), (NOON, "17:30")]


@PATIENT
@given(st.integers(0, 2**32), st.integers(1, 2**31), st.integers(1, 40))
def test_marked_times_lie_in_the_range_and_are_no_more_than_wanted(start, span, most):
    found = time_marks(start, start + span, most, UTC)
    assert len(found) <= most
    assert all(start <= moment <= start + span for moment, _ in found)


def curve(moments, values):
    return Curve("", np.array(moments, np.int64), np.array(values, float), "#000000")


def test_areas_lie_on_those_before_and_what_is_missing_between_points_is_drawn_straight():
    [first, second] = stacked([curve([0, 20], [1, 3]), curve([10, 20, 30], [5, 5, 5])])
    assert first[2].tolist() == [1, 2, 3, 0]
    assert second[1].tolist() == [1, 2, 3, 0]
    assert second[2].tolist() == [1, 7, 8, 5]


def test_a_curve_without_points_takes_no_room():
    assert [high.tolist() for _, _, high in stacked([curve([], []), curve([0], [2])])] == [[0], [2]]
    assert stacked([]) == []
