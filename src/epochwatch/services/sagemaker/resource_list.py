"""Pages of named resources, and what their listings have in common."""

from collections.abc import Mapping
from typing import Any, Final

from epochwatch.services.call import Call
from epochwatch.services.sagemaker.resources import invalid
from epochwatch.services.tokens import seal, unseal
from epochwatch.store.state.resources import Resource, ResourceSort

PAGE: Final = 10
_SORTS: Final[dict[str, ResourceSort]] = {"Name": "name", "CreationTime": "created", "Status": "status"}


def resource_page(
    call: Call, request: Mapping[str, Any], kind: str, **filters: Any
) -> tuple[list[Resource], dict[str, str]]:
    """The resources of a page, newest first unless asked otherwise, and the token of the next one where there is one.

    Those made after the first page was asked for are not in the later ones.
    """
    bound = {name: value for name, value in request.items() if name not in ("NextToken", "MaxResults")}
    offset, known_until = position(bound, request.get("NextToken"), call.now)
    before = request.get("CreatedBefore", request.get("CreationTimeBefore", known_until))
    found, total = call.stores.state.resources.list(
        call.tenant,
        kind,
        search=request.get("NameContains") or None,
        status=request.get("StatusEquals"),
        created_after=request.get("CreatedAfter", request.get("CreationTimeAfter")),
        created_before=min(before, known_until),
        updated_after=request.get("LastModifiedTimeAfter"),
        updated_before=request.get("LastModifiedTimeBefore"),
        sort=_SORTS[request.get("SortBy", "CreationTime")],
        descending=request.get("SortOrder", "Descending") == "Descending",
        limit=request.get("MaxResults", PAGE),
        offset=offset,
        **filters,
    )
    more = found and offset + len(found) < total
    return found, {"NextToken": seal(bound, [offset + len(found), known_until])} if more else {}


def position(bound: Mapping[str, Any], token: str | None, now: float) -> tuple[int, float]:
    """(how many are delivered already, until when they must have been made). Raises AwsError for a wrong token."""
    if not token:
        return 0, now + 1.0
    try:
        offset, known_until = unseal(bound, token)
    except ValueError as error:
        raise invalid("Invalid pagination token given.") from error
    return offset, known_until
