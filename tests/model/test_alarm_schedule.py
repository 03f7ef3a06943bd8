"""When alarms are evaluated, and the periods they look at."""

import itertools
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from epochwatch.model.alarm import schedule
from epochwatch.model.alarm.schedule import InvalidTimezone, Window, by_the_clock, parse_timezone, sliding, slot

DAY = 86_400


def at(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def shown(windows: list[Window], zone: str = "UTC") -> list[str]:
    tz = parse_timezone(zone)
    return [
        f"{datetime.fromtimestamp(edge, tz):%a %d %H:%M}" for one in windows[:1] for edge in (one.start, one.end)
    ]


@pytest.mark.parametrize(
    ("period", "now", "start", "end"),
    [
        (60, "10:05:04Z", "10:03", "10:04"),
        (60, "10:05:05Z", "10:04", "10:05"),
        (300, "10:07:10Z", "10:02", "10:07"),
        (3600, "10:07:10Z", "09:07", "10:07"),
    ],
)
def test_the_newest_sliding_period_is_over_and_settled(period: int, now: str, start: str, end: str) -> None:
    [window] = sliding(period, 1, at(f"2026-02-26T{now}"))
    assert window == Window(int(at(f"2026-02-26T{start}Z")), int(at(f"2026-02-26T{end}Z")))


def test_short_periods_settle_sooner_and_days_move_by_five_minutes() -> None:
    assert sliding(10, 1, 1002.0) == [Window(990, 1000)]
    assert sliding(30, 1, 1012.0) == [Window(980, 1010)]
    assert sliding(DAY, 1, 10 * DAY + 400.0) == [Window(9 * DAY + 300, 10 * DAY + 300)]


@given(
    period=st.sampled_from([10, 20, 30, 60, 120, 300, 3600, DAY]),
    count=st.integers(1, 50),
    now=st.floats(1e9, 2e9),
)
def test_sliding_periods_follow_each_other_up_to_now(period: int, count: int, now: float) -> None:
    windows = sliding(period, count, now)
    assert len(windows) == count
    assert all(one.end - one.start == period for one in windows)
    assert all(one.end == other.start for one, other in itertools.pairwise(windows))
    assert windows[-1].end <= now - schedule.settling(schedule.interval(period))
    assert now - windows[-1].end < 2 * 300 + 10


@pytest.mark.parametrize(
    ("period", "zone", "now", "shown_as"),
    [
        (300, "UTC", "2026-02-26T10:07:10Z", ["Thu 26 10:00", "Thu 26 10:05"]),
        (3600, "+05:30", "2026-02-26T10:07:10Z", ["Thu 26 14:00", "Thu 26 15:00"]),
        (DAY, "Europe/Berlin", "2026-02-26T10:00:00Z", ["Wed 25 00:00", "Thu 26 00:00"]),
        (DAY, "Europe/Berlin", "2026-02-26T23:00:04Z", ["Wed 25 00:00", "Thu 26 00:00"]),
        (DAY, "Europe/Berlin", "2026-02-26T23:00:05Z", ["Thu 26 00:00", "Fri 27 00:00"]),
        (7 * DAY, "America/New_York", "2026-02-26T10:00:00Z", ["Mon 16 00:00", "Mon 23 00:00"]),
    ],
)
def test_periods_by_the_clock_are_the_time_zones(period: int, zone: str, now: str, shown_as: list[str]) -> None:
    assert shown(by_the_clock(period, 1, at(now), parse_timezone(zone)), zone) == shown_as


def test_a_day_may_have_23_or_25_hours() -> None:
    berlin = parse_timezone("Europe/Berlin")
    spring = by_the_clock(DAY, 3, at("2026-03-31T10:00:00Z"), berlin)
    assert [(one.end - one.start) // 3600 for one in spring] == [24, 23, 24]
    autumn = by_the_clock(DAY, 3, at("2026-10-27T10:00:00Z"), berlin)
    assert [(one.end - one.start) // 3600 for one in autumn] == [24, 25, 24]
    assert [len(run) for run in schedule.lengths(autumn)] == [1, 1, 1]


@pytest.mark.parametrize(
    ("text", "offset"), [("+05:30", 330), ("UTC-03:00", -180), ("GMT+00:05", 5), (None, 0), ("Asia/Tokyo", 540)]
)
def test_time_zones_are_names_and_offsets(text: str | None, offset: int) -> None:
    moment = datetime(2026, 2, 26, tzinfo=UTC)
    assert moment.astimezone(parse_timezone(text)).utcoffset() == timedelta(minutes=offset)


@pytest.mark.parametrize("text", ["Mars", "+05:32", "+19:00", "+5:30", "../UTC", "", "+05:75"])
def test_other_texts_are_no_time_zones(text: str) -> None:
    with pytest.raises(InvalidTimezone):
        parse_timezone(text)


def test_slots_are_spread_and_leave_time_to_settle() -> None:
    slots = [slot(f"arn:{number}", 60) for number in range(10_000)]
    assert min(slots) == 5
    assert max(slots) == 59
    assert max(slots.count(one) for one in range(5, 60)) < 300
    assert {slot(f"arn:{number}", 10) for number in range(1000)} == set(range(2, 10))


def test_an_offset_is_a_fixed_time_zone() -> None:
    assert parse_timezone("+01:00") == timezone(timedelta(hours=1))
