"""Times as people write them, and periods that suit."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from epochwatch.model import periods, time_range
from epochwatch.model.time_range import InvalidTime

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC).timestamp()
HOUR = 3600


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("now", NOW),
        (" now ", NOW),
        ("-30s", NOW - 30),
        ("-15m", NOW - 900),
        ("-3h", NOW - 3 * HOUR),
        ("-2d", NOW - 48 * HOUR),
        ("-1w", NOW - 168 * HOUR),
        ("+2h", NOW + 2 * HOUR),
        ("0", 0),
        ("1767225600", 1767225600),
        ("1767225600.25", 1767225600.25),
        ("2026-01-01T00:00:00Z", 1767225600),
        ("2026-01-01T02:00:00+02:00", 1767225600),
        ("2026-01-01T00:00:00.5Z", 1767225600.5),
        ("2026-01-01T02:00", 1767225600),
        ("2026-01-01 02:00:00", 1767225600),
        ("2026-01-01", 1767225600 - 2 * HOUR),
    ],
)
def test_time_is_relative_unix_or_iso(text: str, expected: float) -> None:
    assert time_range.parse(text, NOW, timezone(timedelta(hours=2))) == expected


def test_time_without_a_zone_is_utc() -> None:
    assert time_range.parse("2026-01-01", NOW) == 1767225600


@pytest.mark.parametrize("text", ["", "yesterday", "3h", "-3", "-3 h", "-3y", "nan", "1e9", "2026-13-01", "-٣h"])
def test_what_is_no_time_is_told_how_to_write_one(text: str) -> None:
    with pytest.raises(InvalidTime, match="is no time: write -15m"):
        time_range.parse(text, NOW)


@pytest.mark.parametrize("text", ["-3000w", "9999999999", "1969-12-31", "0001-01-01T00:00:00+14:00", "9999-12-31"])
def test_time_outside_of_what_can_be_stored_is_refused(text: str) -> None:
    with pytest.raises(InvalidTime, match="outside of 1970 to 2106"):
        time_range.parse(text, NOW)


@pytest.mark.parametrize(
    ("seconds", "finest", "expected"),
    [
        (60, 1, 1),
        (1000, 1, 1),
        (1001, 1, 5),
        (3 * HOUR, 1, 20),
        (3 * HOUR, 60, 60),
        (86400, 60, 120),
        (14 * 86400, 60, 1800),
        (30 * 86400, 300, 3600),
        (400 * 86400, 3600, 43200),
        (3000 * 86400, 3600, 86400),
    ],
)
def test_period_is_the_shortest_that_suits(seconds: int, finest: int, expected: int) -> None:
    assert time_range.suitable_period(0, seconds, finest) == expected


@settings(deadline=None)
@given(st.integers(1, 1000 * 86400), st.sampled_from([1, 60, 300, 3600]))
def test_period_is_legal_kept_and_not_too_fine(seconds: int, finest: int) -> None:
    period = time_range.suitable_period(NOW, NOW + seconds, finest)
    assert periods.is_valid(period)
    assert period % finest == 0
    assert periods.datapoint_count(NOW, NOW + seconds, period) <= time_range.MOST_POINTS
