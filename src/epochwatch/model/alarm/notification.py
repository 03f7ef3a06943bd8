"""What an alarm tells of a transition: the JSON that CloudWatch sends to topics."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from epochwatch.model.alarm.reasons import timestamp

_WORD: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")
_ACTIONS: Final = ("OKActions", "AlarmActions", "InsufficientDataActions")
_CONDITION: Final = (
    "EvaluationPeriods",
    "DatapointsToAlarm",
    "ComparisonOperator",
    "Threshold",
    "ThresholdMetricId",
)


@dataclass(frozen=True, slots=True)
class Transition:
    """An alarm that has changed its state."""

    name: str
    arn: str
    account: str
    region: str
    """Its full name, such as ``US East (N. Virginia)``."""
    definition: Mapping[str, Any]
    """The members the alarm was put with."""
    configured: float
    """Unix seconds."""
    tags: Mapping[str, str]
    old: str
    new: str
    reason: str
    at: float
    """Unix seconds."""
    triggers: Sequence[Mapping[str, Any]] = ()
    """Of a composite alarm, the alarms behind it, as StateReasonData has them."""


def message(transition: Transition) -> dict[str, Any]:
    """The message as it becomes JSON."""
    definition = transition.definition
    told: dict[str, Any] = {
        "AlarmName": transition.name,
        "AlarmDescription": definition.get("AlarmDescription"),
        "AWSAccountId": transition.account,
        "AlarmConfigurationUpdatedTimestamp": timestamp(transition.configured),
        "NewStateValue": transition.new,
        "NewStateReason": transition.reason,
        "StateChangeTime": timestamp(transition.at),
        "Region": transition.region,
        "AlarmArn": transition.arn,
        "OldStateValue": transition.old,
        **{name: definition.get(name, []) for name in _ACTIONS},
        "ActionExecutedAfterMuteWindow": False,
    }
    if "AlarmRule" in definition:
        told["AlarmRule"] = definition["AlarmRule"]
        told["TriggeringChildren"] = [_child(one) for one in transition.triggers]
    else:
        told["Trigger"] = _trigger(definition)
    tags = _propagated(definition, transition.tags)
    return told | ({"AlarmTags": tags} if tags is not None else {})


def _child(one: Mapping[str, Any]) -> dict[str, Any]:
    return {"Arn": one["arn"], "State": {"Value": one["state"]["value"], "Timestamp": one["state"]["timestamp"]}}


def _trigger(definition: Mapping[str, Any]) -> dict[str, Any]:
    if "EvaluationCriteria" in definition:
        return {name: definition[name] for name in ("EvaluationCriteria", "EvaluationInterval")}
    trigger: dict[str, Any] = {}
    if "Metrics" in definition:
        trigger["Metrics"] = [_query(query) for query in definition["Metrics"]]
    else:
        trigger |= {"MetricName": definition["MetricName"], "Namespace": definition["Namespace"]}
        trigger |= _statistic(definition)
        trigger |= {
            "Unit": definition.get("Unit"),
            "Dimensions": _dimensions(definition),
            "Period": definition["Period"],
        }
    trigger |= {name: definition[name] for name in _CONDITION if name in definition}
    return trigger | {
        "TreatMissingData": definition.get("TreatMissingData", "missing"),
        "EvaluateLowSampleCountPercentile": definition.get("EvaluateLowSampleCountPercentile", ""),
    }


def _statistic(definition: Mapping[str, Any]) -> dict[str, Any]:
    if "ExtendedStatistic" in definition:
        return {"StatisticType": "ExtendedStatistic", "ExtendedStatistic": definition["ExtendedStatistic"]}
    return {"StatisticType": "Statistic", "Statistic": _WORD.sub("_", definition["Statistic"]).upper()}


def _query(query: Mapping[str, Any]) -> dict[str, Any]:
    told = dict(query) | {"ReturnData": query.get("ReturnData", True)}
    if "MetricStat" in query:
        stat = query["MetricStat"]
        told["MetricStat"] = stat | {"Metric": stat["Metric"] | {"Dimensions": _dimensions(stat["Metric"])}}
    return told


def _dimensions(of: Mapping[str, Any]) -> list[dict[str, str]]:
    return [{"value": one["Value"], "name": one["Name"]} for one in of.get("Dimensions") or []]


def _propagated(definition: Mapping[str, Any], tags: Mapping[str, str]) -> dict[str, str] | None:
    """The tags that are told; None where none are to be."""
    spread = definition.get("ActionConfiguration", {}).get("AlarmTagsPropagation", {})
    if not spread.get("Enabled"):
        return None
    included, excluded = spread.get("IncludedTagKeys"), spread.get("ExcludedTagKeys", ())
    return {
        key: value for key, value in tags.items() if (included is None or key in included) and key not in excluded
    }
