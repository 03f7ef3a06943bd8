"""The reason of a state, in CloudWatch's words."""

from collections.abc import Sequence

import pytest

from epochwatch.model.alarm.evaluation import Condition, Missing, Observation, evaluate
from epochwatch.model.alarm.reasons import number, reason, reason_data, timestamp
from epochwatch.model.alarm.state import State

NOON = 1_772_100_780  # 2026-02-26 10:13:00 UTC


def at(*values: float | None, **bounds: float) -> list[Observation | None]:
    """A value each minute, the last one at NOON."""
    first = NOON - 60 * (len(values) - 1)
    return [
        None if value is None else Observation(first + 60 * number, value, **bounds)
        for number, value in enumerate(values)
    ]


def told(
    limit: Condition, observed: Sequence[Observation | None], before: State = State.OK, *, counted: bool = False
) -> str:
    return reason(limit, evaluate(limit, observed, before), before, counted=counted)


@pytest.mark.parametrize(
    ("limit", "values", "expected"),
    [
        (
            Condition("GreaterThanThreshold", 1, 1, 21.0),
            (21.5,),
            "Threshold Crossed: 1 datapoint [21.5 (26/02/26 10:13:00)] was greater than the threshold (21.0).",
        ),
        (
            Condition("GreaterThanThreshold", 1, 1, 21.0),
            (20.0,),
            "Threshold Crossed: 1 datapoint [20.0 (26/02/26 10:13:00)] was not greater than the threshold (21.0).",
        ),
        (
            Condition("LessThanOrEqualToThreshold", 2, 2, 1e-4),
            (0.0, 1e-5),
            "Threshold Crossed: 2 datapoints [1.0E-5 (26/02/26 10:13:00), 0.0 (26/02/26 10:12:00)] were less than or "
            "equal to the threshold (1.0E-4).",
        ),
        (
            Condition("GreaterThanThreshold", 2, 2, 21.0, Missing.BREACHING),
            (None, None, None, None),
            "Threshold Crossed: no datapoints were received for 2 periods and 2 missing datapoints were treated as "
            "[Breaching].",
        ),
        (
            Condition("GreaterThanThreshold", 1, 1, 21.0, Missing.NOT_BREACHING),
            (None, None, None),
            "Threshold Crossed: no datapoints were received for 1 period and 1 missing datapoint was treated as "
            "[NonBreaching].",
        ),
        (
            Condition("GreaterThanThreshold", 2, 2, 21.0, Missing.BREACHING),
            (22.0,),
            "Threshold Crossed: 1 datapoint [22.0 (26/02/26 10:13:00)] was greater than the threshold (21.0) and 1 "
            "missing datapoint was treated as [Breaching].",
        ),
        (Condition("GreaterThanThreshold", 1, 1, 1.0), (), "Insufficient Data: 1 datapoint was unknown."),
        (Condition("GreaterThanThreshold", 3, 3, 1.0), (), "Insufficient Data: 3 datapoints were unknown."),
    ],
)
def test_the_reason_says_what_crossed_what(
    limit: Condition, values: tuple[float | None, ...], expected: str
) -> None:
    assert told(limit, at(*values)) == expected


def test_an_alarm_that_counts_says_how_many_it_needs() -> None:
    limit = Condition("GreaterThanThreshold", 3, 2, 1.0)
    assert told(limit, at(5.0, 0.0, 7.0), counted=True) == (
        "Threshold Crossed: 2 out of the last 3 datapoints [7.0 (26/02/26 10:13:00), 5.0 (26/02/26 10:11:00)] were "
        "greater than the threshold (1.0) (minimum 2 datapoints for OK -> ALARM transition)."
    )
    assert told(limit, at(0.0, 0.0, 7.0), State.ALARM, counted=True) == (
        "Threshold Crossed: 2 out of the last 3 datapoints [0.0 (26/02/26 10:12:00), 0.0 (26/02/26 10:11:00)] were "
        "not greater than the threshold (1.0) (minimum 2 datapoints for ALARM -> OK transition)."
    )


def test_an_alarm_with_a_band_says_its_ends() -> None:
    limit = Condition("GreaterThanUpperThreshold", 1, 1)
    assert told(limit, at(9.0, lower=1.0, upper=3.5)) == (
        "Thresholds Crossed: 1 datapoint [9.0 (26/02/26 10:13:00)] was greater than the upper thresholds [3.5]."
    )


def test_the_data_behind_the_reason_holds_every_period() -> None:
    limit = Condition("GreaterThanThreshold", 2, 2, 21.0)
    verdict = evaluate(limit, [None, Observation(NOON, 21.5, samples=2.0)], State.OK)
    data = reason_data(limit, verdict, [NOON, NOON - 60], NOON + 70.5, {"statistic": "Average", "period": 60})
    assert data == {
        "version": "1.0",
        "queryDate": "2026-02-26T10:14:10.500+0000",
        "startDate": "2026-02-26T10:13:00.000+0000",
        "statistic": "Average",
        "period": 60,
        "recentDatapoints": [21.5],
        "threshold": 21.0,
        "evaluatedDatapoints": [
            {"timestamp": "2026-02-26T10:13:00.000+0000", "sampleCount": 2.0, "value": 21.5},
            {"timestamp": "2026-02-26T10:12:00.000+0000"},
        ],
    }


def test_without_datapoints_the_data_has_no_start() -> None:
    limit = Condition("GreaterThanThreshold", 1, 1, 21.0, Missing.BREACHING)
    data = reason_data(limit, evaluate(limit, [None], State.OK), [NOON], NOON, {"period": 60})
    assert "startDate" not in data
    assert data["recentDatapoints"] == []
    assert data["evaluatedDatapoints"] == [{"timestamp": timestamp(NOON)}]


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (21.5, "21.5"),
        (0.0, "0.0"),
        (0.001, "0.001"),
        (9_999_999.0, "9999999.0"),
        (1e7, "1.0E7"),
        (123_456_789.0, "1.23456789E8"),
        (1e-4, "1.0E-4"),
        (-5e-5, "-5.0E-5"),
        (1e22, "1.0E22"),
    ],
)
def test_numbers_are_written_as_java_does(value: float, written: str) -> None:
    assert number(value) == written
