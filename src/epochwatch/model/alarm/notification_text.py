"""What an alarm tells people: a subject line and a text, made of the message that CloudWatch sends to topics."""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

LONGEST_SUBJECT: Final = 100
_UNPRINTABLE: Final = re.compile(r"[^ -~]", re.ASCII)


def subject(message: Mapping[str, Any]) -> str:
    """As CloudWatch words it: ``ALARM: "loss-high" in US East (N. Virginia)``. SNS takes ASCII only, and so much."""
    text = f'{message["NewStateValue"]}: "{message["AlarmName"]}" in {message["Region"]}'
    return _UNPRINTABLE.sub("?", text)[:LONGEST_SUBJECT]


def text(message: Mapping[str, Any]) -> str:
    """The whole in plain words."""
    lines = [
        f'The alarm "{message["AlarmName"]}" in {message["Region"]} went from {message["OldStateValue"]} to '
        f"{message['NewStateValue']} at {_moment(message['StateChangeTime'])}.",
        "",
        message["NewStateReason"],
        "",
    ]
    if message.get("AlarmDescription"):
        lines += [message["AlarmDescription"], ""]
    lines += _watched(message)
    lines += [f"Account: {message['AWSAccountId']}", f"Alarm: {message['AlarmArn']}"]
    return "\n".join(lines) + "\n"


def _watched(message: Mapping[str, Any]) -> Iterator[str]:
    if "AlarmRule" in message:
        yield f"Rule: {message['AlarmRule']}"
        yield from (
            f"Because of: {child['Arn']} ({child['State']['Value']})" for child in message["TriggeringChildren"]
        )
        return
    trigger = message["Trigger"]
    if "MetricName" in trigger:
        dimensions = ", ".join(f"{one['name']}={one['value']}" for one in trigger["Dimensions"])
        yield f"Metric: {trigger['Namespace']} {trigger['MetricName']}" + (
            f" [{dimensions}]" if dimensions else ""
        )
        yield f"Statistic: {trigger.get('Statistic') or trigger.get('ExtendedStatistic')} of {trigger['Period']} s"
    if "EvaluationPeriods" in trigger:
        needed = trigger.get("DatapointsToAlarm", trigger["EvaluationPeriods"])
        against = trigger.get("Threshold", trigger.get("ThresholdMetricId"))
        yield (
            f"Condition: {trigger['ComparisonOperator']} {against} for {needed} of {trigger['EvaluationPeriods']} "
            "periods"
        )


def _moment(timestamp: str) -> str:
    return f"{datetime.fromisoformat(timestamp):%A %d %B, %Y %H:%M:%S} UTC"
