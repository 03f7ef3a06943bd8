"""Tags: of dashboards, or of alarms."""

from typing import Any, Final

from epochwatch.services.call import Call
from epochwatch.services.cloudwatch import alarm_tags, dashboard_tags

_DASHBOARD: Final = "arn:aws:cloudwatch::"
"""A dashboard's ARN names no region."""


def tag_resource(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """TagResource: adds tags, or replaces their values."""
    act = dashboard_tags.tag_dashboard if _is_dashboard(request) else alarm_tags.tag_resource
    return act(call, request)


def untag_resource(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """UntagResource: takes tags away."""
    act = dashboard_tags.untag_dashboard if _is_dashboard(request) else alarm_tags.untag_resource
    return act(call, request)


def list_tags_for_resource(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """ListTagsForResource: the tags of a dashboard or an alarm."""
    act = dashboard_tags.list_tags_for_dashboard if _is_dashboard(request) else alarm_tags.list_tags_for_resource
    return act(call, request)


def _is_dashboard(request: dict[str, Any]) -> bool:
    return bool(request["ResourceARN"].startswith(_DASHBOARD))
