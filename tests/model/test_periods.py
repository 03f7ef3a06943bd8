"""Which periods there are, and how ranges become buckets."""

import pytest

from epochwatch.model import periods
from epochwatch.model.periods import DAY

NOW = 1_800_000_000  # 2027-01-15 08:00:00 UTC


@pytest.mark.parametrize("period", [1, 5, 10, 20, 30, 60, 120, 300, 3600, 86400])
def test_legal_periods(period):
    assert periods.is_valid(period)


@pytest.mark.parametrize("period", [0, -60, 2, 15, 45, 59, 61, 90, 86401, 172800])
def test_illegal_periods(period):
    assert not periods.is_valid(period)


@pytest.mark.parametrize(
    ("start", "period", "rounded"),
    [
        (NOW - 86.5, 60, NOW - 120),
        (NOW - 86.5, 300, NOW - 120),
        (NOW - 86.5, 1, NOW - 87),
        (NOW - 83, 5, NOW - 85),
        (NOW - 83, 10, NOW - 90),
        (NOW - 83, 20, NOW - 100),
        (NOW - 83, 30, NOW - 90),
        (NOW - 15 * DAY - 1, 60, NOW - 15 * DAY - 300),
        (NOW - 15 * DAY - 1, 1, NOW - 15 * DAY - 300),
        (NOW - 63 * DAY - 1, 300, NOW - 63 * DAY - 3600),
    ],
)
def test_start_is_rounded_down_by_age(start, period, rounded):
    assert periods.rounded_start(start, period, NOW) == rounded


def test_buckets_follow_the_rounded_start_and_the_last_may_be_short():
    found = periods.buckets(NOW - 86, NOW + 0.5, 300, NOW)
    assert found == periods.Buckets(NOW - 120, NOW + 60, 300)
    assert found.count == 1


def test_the_end_is_rounded_up_to_what_a_datapoint_stands_for():
    assert periods.buckets(NOW - 60, NOW - 29.5, 60, NOW).end == NOW
    assert periods.buckets(NOW - 60, NOW - 29.5, 10, NOW).end == NOW - 29
    assert periods.buckets(NOW - 60, NOW, 60, NOW).end == NOW


@pytest.mark.parametrize(
    ("seconds", "period", "count"), [(86400, 60, 1440), (86401, 60, 1441), (86400, 1, 86400), (0, 60, 0)]
)
def test_datapoint_count(seconds, period, count):
    assert periods.datapoint_count(NOW - seconds, NOW, period) == count
