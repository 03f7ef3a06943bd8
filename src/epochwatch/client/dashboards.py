"""Dashboards by CloudWatch's API, and what their widgets show."""

import json
from collections.abc import Mapping
from typing import Any, Final

from epochwatch.client.http import Client, Refused
from epochwatch.errors import UsageError

_SIGNED_AS: Final = "monitoring"
_TARGET: Final = "GraniteServiceVersion20100801"


class Dashboards:
    """The dashboards of the account."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def all(self, prefix: str = "") -> list[dict[str, Any]]:
        """The entries of ListDashboards, by name."""
        found: list[dict[str, Any]] = []
        asked = {"DashboardNamePrefix": prefix} if prefix else {}
        while True:
            page = self._call("ListDashboards", asked)
            found += page["DashboardEntries"]
            if not page.get("NextToken"):
                return found
            asked["NextToken"] = page["NextToken"]

    def body(self, name: str) -> str:
        """A dashboard's body, to the letter. Raises UsageError where there is none."""
        return str(self._call("GetDashboard", {"DashboardName": name})["DashboardBody"])

    def put(self, name: str, body: str) -> None:
        """Make a dashboard, or replace it. Raises UsageError with every mistake of the body."""
        self._call("PutDashboard", {"DashboardName": name, "DashboardBody": body})

    def alarm_states(self, arns: list[str]) -> dict[str, str]:
        """The states of alarms by their ARNs; those that are not there are missing."""
        names = [name for arn in arns if (name := arn.partition(":alarm:")[2])]
        if not names:
            return {}
        asked = {"AlarmNames": names, "AlarmTypes": ["MetricAlarm", "CompositeAlarm"], "MaxRecords": 100}
        found = self._call("DescribeAlarms", asked)
        return {
            one["AlarmArn"]: one["StateValue"]
            for kind in ("CompositeAlarms", "MetricAlarms")
            for one in found[kind]
        }

    def picture(self, properties: Mapping[str, Any]) -> dict[str, Any]:
        """What a metric widget shows now (docs/dashboards.md lists the keys). Raises UsageError."""
        found: dict[str, Any] = json.loads(self._drawn(properties, "json"))
        return found

    def png(self, properties: Mapping[str, Any]) -> bytes:
        """The picture of a metric widget. Raises UsageError."""
        return self._drawn(properties, "png")

    def _drawn(self, properties: Mapping[str, Any], form: str) -> bytes:
        try:
            return self._client.post_form("/_/api/widget", {"widget": json.dumps(properties), "format": form})
        except Refused as refusal:
            if refusal.status != 400:
                raise
            raise UsageError(refusal.message, refusal.hint) from refusal

    def _call(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = self._client.call(_SIGNED_AS, f"{_TARGET}.{operation}", request)
        except Refused as refusal:
            if refusal.status != 400:
                raise
            raise UsageError(refusal.message, refusal.hint) from refusal
        return answer
