"""The words in which CloudWatch gives the reason of an alarm's state, and the data behind it."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from epochwatch.model.alarm.evaluation import Condition, Missing, Observation, Verdict
from epochwatch.model.alarm.state import State

UNCHECKED: Final = "Unchecked: Initial alarm creation"
"""The reason of an alarm that has not been evaluated yet."""
_VERSION: Final = "1.0"
_SIDES: Final = {
    "GreaterThanOrEqualToThreshold": "greater than or equal to the threshold",
    "GreaterThanThreshold": "greater than the threshold",
    "LessThanThreshold": "less than the threshold",
    "LessThanOrEqualToThreshold": "less than or equal to the threshold",
    "LessThanLowerOrGreaterThanUpperThreshold": "less than the lower thresholds or greater than the upper thresholds",
    "LessThanLowerThreshold": "less than the lower thresholds",
    "GreaterThanUpperThreshold": "greater than the upper thresholds",
}
_TREATED: Final = {Missing.BREACHING: "Breaching", Missing.NOT_BREACHING: "NonBreaching"}


def reason(condition: Condition, verdict: Verdict, before: State, *, counted: bool) -> str:
    """``StateReason``. ``counted``: the alarm was put with ``DatapointsToAlarm``, of which the words then tell."""
    if verdict.state is State.INSUFFICIENT_DATA:
        return f"Insufficient Data: {_datapoints(verdict.filled)} {_were(verdict.filled)} unknown."
    treated = _TREATED.get(condition.missing) if verdict.filled else None
    if not verdict.considered:
        periods = f"{condition.periods} period{'s' if condition.periods != 1 else ''}"
        return (
            f"Threshold Crossed: no datapoints were received for {periods} and "
            f"{_missing(verdict.filled)} treated as [{treated}]."
        )
    told = [one for one in verdict.considered if condition.is_breached_by(one) == (verdict.state is State.ALARM)]
    told = told or list(verdict.considered)
    words = f"{_crossed(condition)}: {_count(condition, told, counted=counted)} {_listed(told)}"
    words += f" {_were(len(told))} {'' if verdict.state is State.ALARM else 'not '}{_side(condition, told)}"
    if treated:
        words += f" and {_missing(verdict.filled)} treated as [{treated}]"
    if counted:
        fewest = condition.needed if verdict.state is State.ALARM else condition.periods - condition.needed + 1
        words += f" (minimum {_datapoints(fewest)} for {before} -> {verdict.state} transition)"
    return f"{words}."


def reason_data(
    condition: Condition, verdict: Verdict, times: Sequence[int], now: float, described: dict[str, Any]
) -> dict[str, Any]:
    """``StateReasonData`` before it becomes JSON. ``times`` are the begins of the evaluation periods, the newest first;
    ``described`` says what is watched: ``statistic`` or none, ``period``, ``unit`` where the alarm has one.
    """
    data: dict[str, Any] = {"version": _VERSION, "queryDate": timestamp(now)}
    if verdict.considered:
        data["startDate"] = timestamp(verdict.considered[-1].timestamp)
    data |= described
    data["recentDatapoints"] = [one.value for one in reversed(verdict.considered)]
    if condition.threshold is not None:
        data["threshold"] = condition.threshold
    else:
        newest_last = list(reversed(verdict.considered))
        data["recentLowerThresholds"] = [one.lower for one in newest_last]
        data["recentUpperThresholds"] = [one.upper for one in newest_last]
    real = {one.timestamp: one for one in verdict.considered}
    looked_at = sorted({*times, *real}, reverse=True)
    data["evaluatedDatapoints"] = [_evaluated(moment, real.get(moment)) for moment in looked_at]
    return data


def timestamp(seconds: float) -> str:
    """A moment as CloudWatch writes it in the texts of alarms: ``2026-02-26T10:13:00.000+0000``."""
    moment = datetime.fromtimestamp(math.floor(seconds * 1000) / 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}+0000"


def number(value: float) -> str:
    """A number as Java writes it: ``21.5``, ``1.0E7``, ``1.0E-4``."""
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        return repr(float(value))
    digits, _, exponent = f"{value!r}".partition("e")
    if not exponent:
        power = math.floor(math.log10(abs(value)))
        digits, exponent = repr(float(f"{value!r}e{-power}")), str(power)
    return f"{digits if '.' in digits else digits + '.0'}E{int(exponent)}"


def _evaluated(moment: int, one: Observation | None) -> dict[str, Any]:
    data: dict[str, Any] = {"timestamp": timestamp(moment)}
    if one is not None:
        if one.samples is not None:
            data["sampleCount"] = one.samples
        data["value"] = one.value
    return data


def _crossed(condition: Condition) -> str:
    return "Threshold Crossed" if condition.threshold is not None else "Thresholds Crossed"


def _count(condition: Condition, told: Sequence[Observation], *, counted: bool) -> str:
    if counted:
        return f"{len(told)} out of the last {_datapoints(condition.periods)}"
    return _datapoints(len(told))


def _listed(told: Sequence[Observation]) -> str:
    shown = (f"{number(one.value)} ({_moment(one)})" for one in told)
    return f"[{', '.join(shown)}]"


def _moment(one: Observation) -> str:
    return f"{datetime.fromtimestamp(one.timestamp, UTC):%d/%m/%y %H:%M:%S}"


def _side(condition: Condition, told: Sequence[Observation]) -> str:
    side = _SIDES[condition.comparison]
    if condition.threshold is not None:
        return f"{side} ({number(condition.threshold)})"
    lower, upper = (
        ", ".join(number(bound) for bound in bounds if bound is not None)
        for bounds in ([one.lower for one in told], [one.upper for one in told])
    )
    return side.replace("lower thresholds", f"lower thresholds [{lower}]").replace(
        "upper thresholds", f"upper thresholds [{upper}]"
    )


def _datapoints(count: int) -> str:
    return f"{count} datapoint{'s' if count != 1 else ''}"


def _missing(count: int) -> str:
    return f"{count} missing datapoint{'s' if count != 1 else ''} {_were(count)}"


def _were(count: int) -> str:
    return "was" if count == 1 else "were"
