"""How long a log group keeps its events."""

from typing import Any, Final

from epochwatch.services.call import Call
from epochwatch.services.logs.names import invalid, no_group

DAYS: Final = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
    *(1096, 1827, 2192, 2557, 2922, 3288, 3653),
)
"""What a retention may be."""


def put_retention_policy(call: Call, request: dict[str, Any]) -> None:
    """PutRetentionPolicy: events that are older are not read from now on, and deleted with the whole of their day."""
    days = request["retentionInDays"]
    if days not in DAYS:
        allowed = ", ".join(map(str, DAYS))
        raise invalid(
            f"1 validation error detected: Value '{days}' at 'retentionInDays' failed to satisfy constraint: "
            f"Member must satisfy enum value set: [{allowed}]"
        )
    _set(call, request["logGroupName"], days)


def delete_retention_policy(call: Call, request: dict[str, Any]) -> None:
    """DeleteRetentionPolicy: what is not deleted yet is kept for ever."""
    _set(call, request["logGroupName"], None)


def _set(call: Call, group: str, days: int | None) -> None:
    if not call.stores.state.log_groups.set_retention(call.tenant, group, days):
        raise no_group()
