"""The series of a PromQL alarm: when each goes into ALARM, and out of it."""

import pytest

from epochwatch.model.alarm.contributors import Contributor, advance

SERIES = Contributor({"host": "a"}, "The value was 1.0.", None)


def played(seen: str, pending: int, recovery: int) -> str:
    """``X`` where the series breached, ``-`` where it did not, every ten seconds: ``A`` where it is in ALARM then."""
    known: dict[str, Contributor] = {}
    told = ""
    for number, one in enumerate(seen):
        known = advance(known, {"a": SERIES} if one == "X" else {}, number * 10.0, pending, recovery)
        told += "A" if any(series.alarmed is not None for series in known.values()) else "-"
    return told


@pytest.mark.parametrize(
    ("seen", "pending", "recovery", "alarmed"),
    [
        ("X-X", 0, 0, "A-A"),
        ("XXXX", 20, 0, "--AA"),
        ("XX-XXX", 20, 0, "-----A"),
        ("X---", 0, 20, "AAA-"),
        ("X-X---", 0, 20, "AAAAA-"),
        ("----", 0, 0, "----"),
    ],
)
def test_a_series_waits_before_it_alarms_and_before_it_recovers(
    seen: str, pending: int, recovery: int, alarmed: str
) -> None:
    assert played(seen, pending, recovery) == alarmed


def test_a_series_that_does_not_breach_any_more_is_forgotten() -> None:
    known = advance({}, {"a": SERIES}, 0.0, 60, 0)
    assert known["a"].breaching == 0.0
    assert advance(known, {}, 10.0, 60, 0) == {}
