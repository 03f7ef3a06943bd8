"""Which state datapoints put an alarm in: CloudWatch's own tables, and what follows from its rules."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from epochwatch.model import statistics
from epochwatch.model.alarm.evaluation import Condition, Missing, Observation, evaluate, is_significant
from epochwatch.model.alarm.state import State

ALARM, OK, UNKNOWN = State.ALARM, State.OK, State.INSUFFICIENT_DATA
KEEP = None
VALUES = {"0": 0.0, "X": 9.0}


def condition(periods: int, needed: int, missing: str = "missing", **others: Any) -> Condition:
    return Condition("GreaterThanThreshold", periods, needed, 1.0, Missing(missing), **others)


def seen(points: str) -> list[Observation | None]:
    """Datapoints of a minute each, the oldest first: ``0`` in order, ``X`` breaching, ``-`` missing."""
    return [
        None if point == "-" else Observation(number * 60, VALUES[point])
        for number, point in enumerate(points.split())
    ]


THREE_OF_THREE = [
    ("0 - X - X", OK, OK, OK, OK),
    ("0 - - - -", OK, OK, OK, OK),
    ("- - - - -", UNKNOWN, KEEP, ALARM, OK),
    ("0 X X - X", ALARM, ALARM, ALARM, ALARM),
    ("- - X - -", ALARM, KEEP, ALARM, OK),
    ("- - - - X", KEEP, KEEP, ALARM, OK),
    ("- - - X -", KEEP, KEEP, ALARM, OK),
    ("X - - - -", ALARM, KEEP, ALARM, OK),
    ("X X - - -", ALARM, KEEP, ALARM, OK),
    ("X X X - -", ALARM, ALARM, ALARM, ALARM),
    ("X X X 0 -", OK, OK, OK, OK),
    ("X X - 0 -", OK, OK, OK, OK),
    ("0 0 X X X", ALARM, ALARM, ALARM, ALARM),
    ("X X X X 0", OK, OK, OK, OK),
]
TWO_OF_THREE = [
    ("0 - X - X", ALARM, ALARM, ALARM, ALARM),
    ("0 0 X 0 X", ALARM, ALARM, ALARM, ALARM),
    ("0 - X - -", OK, OK, ALARM, OK),
    ("- - - - 0", OK, OK, ALARM, OK),
    ("- - - X -", ALARM, KEEP, ALARM, OK),
    ("- - - - X", KEEP, KEEP, ALARM, OK),
    ("X X - - -", ALARM, ALARM, ALARM, ALARM),
    ("X X - - 0", ALARM, ALARM, ALARM, ALARM),
    ("X X - 0 0", OK, OK, OK, OK),
]
ONE_OF_ONE = [
    ("- - -", UNKNOWN, KEEP, ALARM, OK),
    ("X - -", ALARM, ALARM, ALARM, ALARM),
    ("0 - -", OK, OK, OK, OK),
    ("X X 0", OK, OK, OK, OK),
    ("0 0 X", ALARM, ALARM, ALARM, ALARM),
]
CASES = [
    (needed, periods, points, missing, expected)
    for needed, periods, table in ((3, 3, THREE_OF_THREE), (2, 3, TWO_OF_THREE), (1, 1, ONE_OF_ONE))
    for points, *row in table
    for missing, expected in zip(("missing", "ignore", "breaching", "notBreaching"), row, strict=True)
]


@pytest.mark.parametrize("before", State)
@pytest.mark.parametrize(("needed", "periods", "points", "missing", "expected"), CASES)
def test_datapoints_decide_the_state(
    needed: int, periods: int, points: str, missing: str, expected: State | None, before: State
) -> None:
    verdict = evaluate(condition(periods, needed, missing), seen(points), before)
    assert verdict.state is (before if expected is KEEP else expected)


def test_real_datapoints_count_before_missing_ones() -> None:
    verdict = evaluate(condition(3, 3), seen("0 - X - X"), OK)
    assert [one.timestamp for one in verdict.considered] == [240, 120, 0]
    assert verdict.filled == 0
    verdict = evaluate(condition(3, 3, "breaching"), seen("- - X - -"), OK)
    assert ([one.timestamp for one in verdict.considered], verdict.filled) == ([120], 2)


@pytest.mark.parametrize(
    ("comparison", "breaching"),
    [
        ("GreaterThanOrEqualToThreshold", [1.0, 2.0]),
        ("GreaterThanThreshold", [2.0]),
        ("LessThanThreshold", [0.0]),
        ("LessThanOrEqualToThreshold", [0.0, 1.0]),
    ],
)
def test_a_value_is_compared_with_the_threshold(comparison: str, breaching: list[float]) -> None:
    limit = Condition(comparison, 1, 1, 1.0)
    assert [value for value in (0.0, 1.0, 2.0) if limit.is_breached_by(Observation(0, value))] == breaching


@pytest.mark.parametrize(
    ("comparison", "breaching"),
    [
        ("LessThanLowerOrGreaterThanUpperThreshold", [0.0, 4.0]),
        ("LessThanLowerThreshold", [0.0]),
        ("GreaterThanUpperThreshold", [4.0]),
    ],
)
def test_a_value_is_compared_with_its_band(comparison: str, breaching: list[float]) -> None:
    limit = Condition(comparison, 1, 1)
    values = (0.0, 1.0, 2.0, 3.0, 4.0)
    assert [value for value in values if limit.is_breached_by(Observation(0, value, 1.0, 3.0))] == breaching
    assert not any(limit.is_breached_by(Observation(0, value)) for value in values)


@pytest.mark.parametrize(
    ("statistic", "samples", "significant"),
    [
        ("p99", 999, False),
        ("p99", 1000, True),
        ("p50", 19, False),
        ("p50", 20, True),
        ("p10", 99, False),
        ("p10", 100, True),
        ("Average", 1, True),
        ("tm99", 1, True),
    ],
)
def test_a_percentile_needs_values_beyond_it(statistic: str, samples: int, *, significant: bool) -> None:
    assert is_significant(statistics.parse(statistic), samples) is significant


@given(
    points=st.lists(st.sampled_from("0X-"), min_size=5, max_size=5),
    needed=st.integers(1, 3),
    before=st.sampled_from(State),
)
def test_ways_to_treat_missing_data_differ_only_where_some_is_missing(
    points: list[str], needed: int, before: State
) -> None:
    states = {
        missing: evaluate(condition(3, needed, missing), seen(" ".join(points)), before).state
        for missing in Missing
    }
    if points.count("-") <= 2:
        assert len(set(states.values())) == 1
    if states[Missing.NOT_BREACHING] is ALARM:
        assert set(states.values()) == {ALARM}
    if states[Missing.BREACHING] is not ALARM:
        assert ALARM not in (states[Missing.MISSING], states[Missing.NOT_BREACHING])
