"""When mute rules mute, by their schedules."""

from datetime import UTC, datetime

import pytest

from epochwatch.model.alarm.mute import InvalidSchedule, schedule_of, status


def seconds(text: str | None) -> float | None:
    return None if text is None else datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def status_at(now: str, expression: str, duration: str, zone: str, start: str | None, expire: str | None) -> str:
    schedule = schedule_of({"Expression": expression, "Duration": duration, "Timezone": zone})
    moment = seconds(now)
    assert moment is not None
    return status(schedule, moment, seconds(start), seconds(expire))


@pytest.mark.parametrize(
    ("expression", "duration", "now", "said"),
    [
        ("cron(0 2 * * *)", "PT4H", "2026-03-10T01:59:59", "SCHEDULED"),
        ("cron(0 2 * * *)", "PT4H", "2026-03-10T02:00", "ACTIVE"),
        ("cron(0 2 * * *)", "PT4H", "2026-03-10T05:59:59", "ACTIVE"),
        ("cron(0 2 * * *)", "PT4H", "2026-03-10T06:00", "SCHEDULED"),
        ("cron(30 23 * * *)", "PT1H", "2026-03-10T00:15", "ACTIVE"),
        ("cron(0,30 * * * *)", "PT10M", "2026-03-10T14:39", "ACTIVE"),
        ("cron(0,30 * * * *)", "PT10M", "2026-03-10T14:40", "SCHEDULED"),
        ("cron(15-17 9 * * *)", "PT1M", "2026-03-10T09:17:30", "ACTIVE"),
        ("cron(15-17 9 * * *)", "PT1M", "2026-03-10T09:18", "SCHEDULED"),
        ("cron(0 18 * * FRI)", "P2DT12H", "2026-03-15T23:00", "ACTIVE"),  # a Sunday
        ("cron(0 18 * * FRI)", "P2DT12H", "2026-03-16T06:00", "SCHEDULED"),
        ("cron(0 0 * * 0)", "P1D", "2026-03-15T12:00", "ACTIVE"),
        ("cron(0 0 * * 7)", "P1D", "2026-03-15T12:00", "ACTIVE"),
        ("cron(0 0 * * mon-wed)", "PT1H", "2026-03-10T00:30", "ACTIVE"),
        ("cron(0 0 * * MON-WED)", "PT1H", "2026-03-12T00:30", "SCHEDULED"),
        ("cron(0 1 1 * *)", "PT6H", "2026-03-01T03:00", "ACTIVE"),
        ("cron(0 1 1 * *)", "P15D", "2026-03-16T00:59", "ACTIVE"),
        ("cron(0 1 1 * *)", "P15D", "2026-03-16T01:00", "SCHEDULED"),
        ("cron(0 0 1 JAN,JUL *)", "PT1H", "2026-07-01T00:10", "ACTIVE"),
        ("cron(0 0 1 JAN,JUL *)", "PT1H", "2026-03-01T00:10", "SCHEDULED"),
        ("cron(0 0 13 * FRI)", "PT1H", "2026-03-20T00:10", "ACTIVE"),  # either of the two days
        ("cron(0 0 13 * FRI)", "PT1H", "2026-04-13T00:10", "ACTIVE"),
        ("cron(0 0 13 * FRI)", "PT1H", "2026-04-14T00:10", "SCHEDULED"),
        ("cron(0 0 31 * *)", "PT1H", "2026-04-30T00:10", "SCHEDULED"),
        ("at(2026-03-10T14:00)", "PT2H", "2026-03-10T13:59", "SCHEDULED"),
        ("at(2026-03-10T14:00)", "PT2H", "2026-03-10T15:59", "ACTIVE"),
        ("at(2026-03-10T14:00)", "PT2H", "2026-03-10T16:00", "EXPIRED"),
    ],
)
def test_a_rule_mutes_from_each_time_on(expression: str, duration: str, now: str, said: str) -> None:
    assert status_at(now, expression, duration, "UTC", None, None) == said


@pytest.mark.parametrize(
    ("zone", "now", "said"),
    [
        ("America/New_York", "2026-01-10T06:59", "SCHEDULED"),
        ("America/New_York", "2026-01-10T07:00", "ACTIVE"),  # 2:00 in winter
        ("America/New_York", "2026-07-10T06:00", "ACTIVE"),  # and in summer
        ("Asia/Tokyo", "2026-01-09T17:30", "ACTIVE"),
        ("Europe/Berlin", "2026-03-29T01:10", "ACTIVE"),  # 2:00 is left out that night: 3:00 it is
    ],
)
def test_times_are_those_of_the_time_zones_clock(zone: str, now: str, said: str) -> None:
    assert status_at(now, "cron(0 2 * * *)", "PT1H", zone, None, None) == said


@pytest.mark.parametrize(
    ("now", "said"),
    [
        ("2026-03-10T03:00", "SCHEDULED"),
        ("2026-03-10T04:00", "ACTIVE"),
        ("2026-03-11T02:30", "ACTIVE"),
        ("2026-03-11T03:00", "EXPIRED"),
        ("2026-03-12T02:30", "EXPIRED"),
    ],
)
def test_a_rule_takes_effect_between_its_start_and_its_expiry(now: str, said: str) -> None:
    assert status_at(now, "cron(0 2 * * *)", "PT4H", "UTC", "2026-03-10T03:30", "2026-03-11T03:00") == said


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({"Expression": "rate(5 minutes)"}, "Expression rate(5 minutes) must be cron("),
        ({"Expression": "cron(0 2 * *)"}, "Expression cron(0 2 * *) must have 5 fields, not 4"),
        ({"Expression": "cron(0 2 * * * *)"}, "Expression cron(0 2 * * * *) must have 5 fields, not 6"),
        ({"Expression": "cron(60 2 * * *)"}, "60 is no value of the field minutes"),
        ({"Expression": "cron(*/5 2 * * *)"}, "*/5 is no value of the field minutes"),
        ({"Expression": "cron(0 5-2 * * *)"}, "5-2 is no value of the field hours"),
        ({"Expression": "cron(0 2 0 * *)"}, "0 is no value of the field day-of-month"),
        ({"Expression": "cron(0 2 * JANUARY *)"}, "JANUARY is no value of the field month"),
        ({"Expression": "cron(0 2 * * 8)"}, "8 is no value of the field day-of-week"),
        ({"Expression": "at(2026-02-30T00:00)"}, "Expression at(2026-02-30T00:00): day is out of range"),
        ({"Expression": "at(2026-02-20)"}, "Expression at(2026-02-20) must be cron("),
        ({"Duration": "PT30S"}, "Duration PT30S must be an ISO 8601 duration from PT1M to P15D"),
        ({"Duration": "P16D"}, "Duration P16D must be"),
        ({"Duration": "P"}, "Duration P must be"),
        ({"Duration": "P1DT"}, "Duration P1DT must be"),
        ({"Duration": "4 hours"}, "Duration 4 hours must be"),
        ({"Timezone": "Mars/Olympus"}, "Timezone Mars/Olympus is no name of the tz database"),
    ],
)
def test_what_is_no_schedule_is_said(members: dict[str, str], said: str) -> None:
    with pytest.raises(InvalidSchedule) as refusal:
        schedule_of({"Expression": "cron(0 2 * * *)", "Duration": "PT1H"} | members)
    assert str(refusal.value).startswith(said)
