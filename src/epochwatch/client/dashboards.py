"""Dashboards by CloudWatch's API, and what their widgets show."""

import json
from collections.abc import Mapping
from typing import Any

from epochwatch.client.cloudwatch import ask, pages
from epochwatch.client.http import Client, refusals_as_usage_errors


class Dashboards:
    """The dashboards of the account."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def all(self, prefix: str = "") -> list[dict[str, Any]]:
        """The entries of ListDashboards, by name."""
        asked = {"DashboardNamePrefix": prefix} if prefix else {}
        return [one for page in pages(self._client, "ListDashboards", asked) for one in page["DashboardEntries"]]

    def body(self, name: str) -> str:
        """A dashboard's body, to the letter. Raises UsageError where there is none."""
        return str(ask(self._client, "GetDashboard", {"DashboardName": name})["DashboardBody"])

    def put(self, name: str, body: str) -> None:
        """Make a dashboard, or replace it. Raises UsageError with every mistake of the body."""
        ask(self._client, "PutDashboard", {"DashboardName": name, "DashboardBody": body})

    def alarm_states(self, arns: list[str]) -> dict[str, str]:
        """The states of alarms by their ARNs; those that are not there are missing."""
        names = [name for arn in arns if (name := arn.partition(":alarm:")[2])]
        if not names:
            return {}
        asked = {"AlarmNames": names, "AlarmTypes": ["MetricAlarm", "CompositeAlarm"], "MaxRecords": 100}
        found = ask(self._client, "DescribeAlarms", asked)
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
        with refusals_as_usage_errors():
            return self._client.post_form("/_/api/widget", {"widget": json.dumps(properties), "format": form})
