"""What an alarm tells people."""

from typing import Any

import pytest

from epochwatch.model.alarm.notification import Transition, message
from epochwatch.model.alarm.notification_text import LONGEST_SUBJECT, subject, text

SINGLE = {
    "Namespace": "lab", "MetricName": "temperature", "Dimensions": [{"Name": "room", "Value": "7"}],
    "Statistic": "Average", "Period": 60, "EvaluationPeriods": 5, "DatapointsToAlarm": 3, "Threshold": 21.0,
    "ComparisonOperator": "GreaterThanThreshold",
}  # fmt: skip


def told(definition: dict[str, Any], **more: Any) -> dict[str, Any]:
    usual = {
        "name": "hot", "arn": "arn:aws:cloudwatch:us-east-1:1:alarm:hot", "account": "1",
        "region": "US East (N. Virginia)", "definition": definition, "configured": 0.0, "tags": {}, "old": "OK",
        "new": "ALARM", "reason": "It is hot.", "at": 1_772_100_070.0,
    }  # fmt: skip
    return message(Transition(**(usual | more)))


@pytest.mark.parametrize(
    ("definition", "more", "lines"),
    [
        (
            SINGLE | {"AlarmDescription": "Open a window."}, {},
            [
                "Open a window.", "", "Metric: lab temperature [room=7]", "Statistic: AVERAGE of 60 s",
                "Condition: GreaterThanThreshold 21.0 for 3 of 5 periods",
            ],
        ),
        (
            {
                "Metrics": [{"Id": "e", "Expression": "1"}], "EvaluationPeriods": 2, "ThresholdMetricId": "band",
                "ComparisonOperator": "GreaterThanUpperThreshold",
            },
            {},
            ["Condition: GreaterThanUpperThreshold band for 2 of 2 periods"],
        ),
        (
            {"AlarmRule": "ALARM(a) OR ALARM(b)"},
            {"triggers": [{"arn": "arn:a", "state": {"value": "ALARM", "timestamp": "x"}}]},
            ["Rule: ALARM(a) OR ALARM(b)", "Because of: arn:a (ALARM)"],
        ),
        ({"EvaluationCriteria": {"PromQLCriteria": {"Query": "up"}}, "EvaluationInterval": 60}, {}, []),
    ],
)  # fmt: skip
def test_every_kind_of_alarm_has_its_text(definition: dict, more: dict, lines: list[str]):
    head = 'The alarm "hot" in US East (N. Virginia) went from OK to ALARM at Thursday 26 February, 2026 10:01:10 UTC.'
    tail = ["Account: 1", "Alarm: arn:aws:cloudwatch:us-east-1:1:alarm:hot"]
    assert text(told(definition, **more)).splitlines() == [head, "", "It is hot.", "", *lines, *tail]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("hot", 'ALARM: "hot" in US East (N. Virginia)'),
        ("größe\nx", 'ALARM: "gr??e?x" in US East (N. Virginia)'),
        ("a" * 200, f'ALARM: "{"a" * 92}'),
    ],
)
def test_a_subject_is_what_SNS_takes(name: str, expected: str):
    made = subject(told(SINGLE, name=name))
    assert (made, len(made) <= LONGEST_SUBJECT) == (expected, True)
