"""What happened to alarms."""

from typing import Any

from epochwatch.services.call import Call
from epochwatch.services.cloudwatch.alarm_descriptions import MOST_RECORDS, position
from epochwatch.services.cloudwatch.errors import invalid_value
from epochwatch.services.tokens import seal
from epochwatch.store.state.alarm_history import Item
from epochwatch.store.state.alarms import METRIC


def describe_alarm_history(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """DescribeAlarmHistory: a page of what happened in the last 30 days, deleted alarms included, the newest first."""
    start, end = request.get("StartDate"), request.get("EndDate")
    if start is not None and end is not None and start > end:
        raise invalid_value("The parameter StartDate must not be greater than the parameter EndDate.")
    if "AlarmContributorId" in request:
        return {"AlarmHistoryItems": []}  # contributors have no history of their own here
    bound = {name: value for name, value in request.items() if name not in ("MaxRecords", "NextToken")}
    after = position(bound, request.get("NextToken"))
    limit = request.get("MaxRecords", MOST_RECORDS)
    found = call.stores.state.alarms.history.list(
        call.tenant,
        kinds=request.get("AlarmTypes") or [METRIC],
        alarm=request.get("AlarmName"),
        type=request.get("HistoryItemType"),
        start=start,
        end=end,
        descending=request.get("ScanBy", "TimestampDescending") == "TimestampDescending",
        after=None if after is None else (after[0], after[1]),
        limit=limit + 1,
    )
    page = found[:limit]
    answer: dict[str, Any] = {"AlarmHistoryItems": [_described(item) for item in page]}
    return answer | ({"NextToken": seal(bound, [page[-1].event.at, page[-1].id])} if len(found) > limit else {})


def _described(item: Item) -> dict[str, Any]:
    return {
        "AlarmName": item.alarm,
        "AlarmType": item.kind,
        "Timestamp": item.event.at,
        "HistoryItemType": item.event.type,
        "HistorySummary": item.event.summary,
        "HistoryData": item.event.data,
    }
