"""ListLogGroups: groups by patterns of their names, by class and by tags."""

from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from itertools import islice
from typing import Any, Final

from epochwatch.services.call import Call
from epochwatch.services.logs.names import group_arn
from epochwatch.services.logs.paging import position_of
from epochwatch.services.tokens import seal
from epochwatch.store.state.log_groups import LogGroup

PAGE: Final = 50
_CHUNK: Final = 1000


def list_log_groups(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """ListLogGroups: a page of groups in order of name. There are no linked accounts, data sources or field indexes."""
    accounts = request.get("accountIdentifiers")
    elsewhere = request.get("includeLinkedAccounts") and accounts and call.tenant.account not in accounts
    if elsewhere or request.get("dataSources") or request.get("fieldIndexNames"):
        return {"logGroups": []}
    limit = request.get("limit", PAGE)
    bound = {name: value for name, value in request.items() if name not in ("nextToken", "limit")}
    found = list(islice(_groups(call, request, position_of(bound, request.get("nextToken"))), limit + 1))
    page = found[:limit]
    answer: dict[str, Any] = {
        "logGroups": [
            {
                "logGroupName": group.name,
                "logGroupArn": group_arn(call.tenant, group.name),
                "logGroupClass": group.log_group_class,
            }
            for group in page
        ]
    }
    if len(found) > limit:
        answer["nextToken"] = seal(bound, page[-1].name)
    return answer


def _groups(call: Call, request: Mapping[str, Any], after: str | None) -> Iterator[LogGroup]:
    patterns = request.get("logGroupNamePattern", "^").split("|")
    wanted = request.get("logGroupTags") or ()
    while True:
        groups = call.stores.state.log_groups.groups(
            call.tenant, log_group_class=request.get("logGroupClass"), after=after, limit=_CHUNK
        )
        for group in groups:
            named = any(_is_named(group.name, pattern) for pattern in patterns)
            if named and all(_is_tagged(group.tags, one["key"], one.get("values")) for one in wanted):
                yield group
        if len(groups) < _CHUNK:
            return
        after = groups[-1].name


def _is_named(name: str, pattern: str) -> bool:
    return name.startswith(pattern[1:]) if pattern.startswith("^") else pattern in name


def _is_tagged(tags: Mapping[str, str], key: str, values: Sequence[str] | None) -> bool:
    """Whether there is such a tag, with any value or one that is among ``values``."""
    return key in tags and (not values or any(_is_value(tags[key], value) for value in values))


def _is_value(value: str, wanted: str) -> bool:
    """Exact, ``!`` for anything else, ``*`` for any text; with ``*`` the case does not count."""
    if wanted.startswith("!"):
        return not _is_value(value, wanted[1:])
    if "*" not in wanted:
        return value == wanted
    literal = wanted.casefold().replace("[", "[[]").replace("?", "[?]")
    return fnmatchcase(value.casefold(), literal)
