"""Which metrics there are."""

from typing import Any, Final

from epochwatch.model.periods import DAY, HOUR
from epochwatch.services.call import Call
from epochwatch.services.cloudwatch.errors import invalid_value
from epochwatch.services.cloudwatch.identity import dimensions_of
from epochwatch.services.tokens import seal, unseal

PAGE: Final = 500
LISTED_SECONDS: Final = 14 * DAY
"""A metric without datapoints for so long is not listed."""
RECENT_SECONDS: Final = 3 * HOUR


def list_metrics(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """ListMetrics: a page of metrics by namespace, name and dimensions.

    There are no linked accounts: asked for them, the answer names the own account beside each metric.
    """
    linked = request.get("IncludeLinkedAccounts", False)
    owner = request.get("OwningAccount")
    if owner is not None and not linked:
        raise invalid_value("The parameter OwningAccount requires IncludeLinkedAccounts to be true.")
    filters = {name: value for name, value in request.items() if name != "NextToken"}
    after = None
    if "NextToken" in request:
        try:
            after = unseal(filters, request["NextToken"])
        except ValueError as error:
            raise invalid_value("The value for parameter NextToken is invalid.") from error
    active = RECENT_SECONDS if request.get("RecentlyActive") else LISTED_SECONDS
    found, following = call.stores.metrics.list(
        call.tenant,
        request.get("Namespace"),
        request.get("MetricName"),
        [(entry["Name"], entry.get("Value")) for entry in request.get("Dimensions") or []],
        int(call.now) - active,
        after,
        PAGE,
    )
    if owner not in (None, call.tenant.account):
        found, following = [], None
    answer: dict[str, Any] = {
        "Metrics": [
            {"Namespace": metric.namespace, "MetricName": metric.name, "Dimensions": dimensions_of(metric)}
            for metric in found
        ]
    }
    if linked:
        answer["OwningAccounts"] = [call.tenant.account] * len(found)
    if following is not None:
        answer["NextToken"] = seal(filters, following)
    return answer
