"""Which alarms there are, and what they watch."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from epochwatch.model.aws_error import AwsError
from epochwatch.services.call import Call
from epochwatch.services.cloudwatch.alarm_transitions import suppressed
from epochwatch.services.cloudwatch.alarms import CONTRIBUTORS, children_of
from epochwatch.services.cloudwatch.errors import validation
from epochwatch.services.cloudwatch.identity import metric_of
from epochwatch.services.tokens import seal, unseal
from epochwatch.store.state.alarms import COMPOSITE, METRIC, Alarm

PAGE: Final = 50
MOST_RECORDS: Final = 100
EVALUATION_STATE: Final = "evaluation_state"
"""Under which name ``progress`` keeps why an evaluation is incomplete."""
_PAGING: Final = ("MaxRecords", "NextToken")
_LIST_NAMES: Final = {METRIC: "MetricAlarms", COMPOSITE: "CompositeAlarms"}


def describe_alarms(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """DescribeAlarms: a page of alarms, the composite ones first, each kind by name."""
    if "AlarmNames" in request and "AlarmNamePrefix" in request:
        raise validation("AlarmNamePrefix and AlarmNames cannot both be set.")
    bound = {name: value for name, value in request.items() if name not in _PAGING}
    for name in ("ChildrenOfAlarmName", "ParentsOfAlarmName"):
        if name in request and len(bound) > 1:
            raise validation(f"{name} cannot be combined with other parameters than MaxRecords and NextToken.")
    limit = request.get("MaxRecords", PAGE)
    after = position(bound, request.get("NextToken"))
    kinds, wanted, told = _selection(call, request)
    found = call.stores.state.alarms.list(
        call.tenant,
        kinds=kinds,
        prefix=request.get("AlarmNamePrefix", ""),
        state=request.get("StateValue"),
        after=None if after is None else (after[0], after[1]),
        wanted=wanted,
        limit=limit + 1,
    )
    page = found[:limit]
    answer: dict[str, Any] = {"MetricAlarms": [], "CompositeAlarms": [], "LogAlarms": []}
    for alarm in page:
        answer[_LIST_NAMES[alarm.kind]].append(told(alarm))
    if len(found) > limit:
        answer["NextToken"] = seal(bound, [page[-1].kind, page[-1].name])
    return answer


def describe_alarms_for_metric(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """DescribeAlarmsForMetric: the alarms on a metric, by name."""
    metric = metric_of(request["Namespace"], request["MetricName"], request.get("Dimensions") or [], "Dimensions")
    narrowing = {
        name: request[name] for name in ("Statistic", "ExtendedStatistic", "Period", "Unit") if name in request
    }

    def wanted(alarm: Alarm) -> bool:
        return any(
            metric_of(one["Namespace"], one["MetricName"], one.get("Dimensions") or [], "Dimensions") == metric
            and all(one.get(name) == value for name, value in narrowing.items())
            for one in _metrics(alarm.definition)
        )

    found = call.stores.state.alarms.list(call.tenant, kinds=[METRIC], wanted=wanted)
    return {"MetricAlarms": [described(alarm) for alarm in found]}


def describe_alarm_contributors(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """DescribeAlarmContributors: the series of a PromQL alarm that are in ALARM, those that are longest first."""
    alarm = call.stores.state.alarms.get(call.tenant, request["AlarmName"])
    if alarm is None:
        raise AwsError("ResourceNotFoundException", ResourceType="Alarm", ResourceId=request["AlarmName"])
    bound = {"AlarmName": request["AlarmName"]}
    after = position(bound, request.get("NextToken"))
    known: Mapping[str, Mapping[str, Any]] = alarm.progress.get(CONTRIBUTORS, {})
    alarmed = sorted((one["alarmed"], id) for id, one in known.items() if one.get("alarmed") is not None)
    left = [one for one in alarmed if after is None or one > (after[0], after[1])]
    page = left[:MOST_RECORDS]
    answer: dict[str, Any] = {
        "AlarmContributors": [
            {
                "ContributorId": id,
                "ContributorAttributes": known[id]["attributes"],
                "StateReason": known[id]["reason"],
                "StateTransitionedTimestamp": since,
            }
            for since, id in page
        ]
    }
    return answer | ({"NextToken": seal(bound, list(page[-1]))} if len(left) > len(page) else {})


def described(alarm: Alarm) -> dict[str, Any]:
    """An alarm as answers have it."""
    told: dict[str, Any] = {
        **_identity(alarm),
        **alarm.definition,
        "ActionsEnabled": alarm.actions_enabled,
        "AlarmConfigurationUpdatedTimestamp": alarm.configured,
        "StateValue": alarm.state,
        "StateReason": alarm.reason,
        "StateUpdatedTimestamp": alarm.updated,
        "StateTransitionedTimestamp": alarm.transitioned,
    }
    if alarm.reason_data is not None:
        told["StateReasonData"] = alarm.reason_data
    if alarm.kind == COMPOSITE:
        return told | suppressed(alarm)
    if EVALUATION_STATE in alarm.progress:
        told["EvaluationState"] = alarm.progress[EVALUATION_STATE]
    return {"Dimensions": []} | told


def position(bound: Mapping[str, Any], token: str | None) -> list[Any] | None:
    """Where a listing goes on. Raises AwsError."""
    if token is None:
        return None
    try:
        found: list[Any] = unseal(bound, token)
    except ValueError as error:
        raise AwsError("InvalidNextToken", "The next token specified is invalid.") from error
    return found


def _selection(
    call: Call, request: Mapping[str, Any]
) -> tuple[Sequence[str], Callable[[Alarm], bool], Callable[[Alarm], dict[str, Any]]]:
    """The kinds that are asked for, which of them, and what is told of each."""
    if "ChildrenOfAlarmName" in request:
        parent = _one(call, request["ChildrenOfAlarmName"])
        children = set(children_of(parent)) if parent.kind == COMPOSITE else set()
        return [COMPOSITE, METRIC], lambda alarm: alarm.name in children, _as_child
    if "ParentsOfAlarmName" in request:
        child = _one(call, request["ParentsOfAlarmName"]).name
        return [COMPOSITE], lambda alarm: child in children_of(alarm), _identity
    kinds = [kind for kind in request.get("AlarmTypes") or [METRIC] if kind in _LIST_NAMES]
    names = request.get("AlarmNames")
    prefix = request.get("ActionPrefix")

    def wanted(alarm: Alarm) -> bool:
        if names is not None and alarm.name not in names:
            return False
        return prefix is None or any(action.startswith(prefix) for action in _actions(alarm.definition))

    return kinds, wanted, described


def _one(call: Call, name: str) -> Alarm:
    alarm = call.stores.state.alarms.get(call.tenant, name)
    if alarm is None:
        raise validation(f"The alarm {name} does not exist.")
    return alarm


def _identity(alarm: Alarm) -> dict[str, Any]:
    return {"AlarmName": alarm.name, "AlarmArn": alarm.arn}


def _as_child(alarm: Alarm) -> dict[str, Any]:
    return _identity(alarm) | {"StateValue": alarm.state, "StateUpdatedTimestamp": alarm.updated}


def _actions(definition: Mapping[str, Any]) -> list[str]:
    return [one for name in ("OKActions", "AlarmActions", "InsufficientDataActions") for one in definition[name]]


def _metrics(definition: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The metrics that an alarm watches, as PutMetricAlarm names their members."""
    if "MetricName" in definition:
        return [dict(definition)]
    found = []
    for query in definition.get("Metrics", ()):
        if "MetricStat" in query:
            stat = query["MetricStat"]
            kind = "Statistic" if stat["Stat"][:1].isupper() and "(" not in stat["Stat"] else "ExtendedStatistic"
            found.append({**stat["Metric"], **stat, kind: stat["Stat"]})
    return found
