"""Logs Insights: queries over the events of log groups."""

from typing import Any, Final

from epochwatch.model.aws_error import AwsError
from epochwatch.model.logs_insights import MalformedQuery, parse
from epochwatch.services.call import Call
from epochwatch.services.logs.names import identified, invalid
from epochwatch.services.logs.paging import position_of
from epochwatch.services.tokens import seal
from epochwatch.store.log_queries import LogQuery, Status, TooManyQueries
from epochwatch.store.log_query_sql import Selection

LANGUAGE: Final = "CWLI"
MOST_GROUPS: Final = 50
PAGE: Final = 10_000
"""Rows of one answer."""
LISTED: Final = 1000
LISTED_GROUPS: Final = 500
_LATEST: Final = 253_402_300_799
"""Unix seconds of the last moment of the year 9999."""
_GROUP_MEMBERS: Final = ("logGroupName", "logGroupNames", "logGroupIdentifiers")


def start_query(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """StartQuery: both ends of the time range, in seconds, belong to it."""
    if request.get("queryLanguage", LANGUAGE) != LANGUAGE:
        raise invalid(f"epochwatch knows the query language {LANGUAGE} only.")
    start, end = request["startTime"], min(request["endTime"], _LATEST)
    if start > end:
        raise invalid("The start time of a query must not be behind its end time.")
    groups = _groups(call, request)
    since = ((group, call.stores.logs.kept_since(call.tenant, group)) for group in groups)
    kept = tuple((group, oldest) for group, oldest in since if oldest is not None)
    selection = Selection(call.tenant, groups, start * 1000, end * 1000 + 999, kept)
    try:
        query = parse(request["queryString"])
        started = call.stores.log_queries.start(query, selection, limit=request.get("limit"))
    except MalformedQuery as error:
        raise _malformed(error) from error
    except TooManyQueries as error:
        raise AwsError("LimitExceededException", "Too many queries of this account are under way.") from error
    return {"queryId": started.id}


def get_query_results(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """GetQueryResults: rows are there once the query is complete."""
    query = _existing(call, request)
    bound = {"queryId": query.id}
    offset = position_of(bound, request.get("nextToken")) or 0
    count = request.get("maxItems") or PAGE
    status, statistics = query.status, query.statistics
    rows = query.rows(offset, count)
    answer: dict[str, Any] = {
        "queryLanguage": LANGUAGE,
        "results": [[{"field": name, "value": value} for name, value in row] for row in rows],
        "statistics": {
            "recordsMatched": float(statistics.matched),
            "recordsScanned": float(statistics.scanned),
            "estimatedRecordsSkipped": 0.0,
            "bytesScanned": float(statistics.bytes),
            "estimatedBytesSkipped": 0.0,
            "logGroupsScanned": float(len(query.groups)),
            "resultCount": float(query.row_count),
        },
        "status": status.value,
    }
    if offset + count < query.row_count:
        answer["nextToken"] = seal(bound, offset + count)
    return answer


def stop_query(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """StopQuery: refused for a query that has ended."""
    query = _existing(call, request)
    if not call.stores.log_queries.stop(query):
        raise invalid("The specified query is not running.")
    return {"success": True}


def describe_queries(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """DescribeQueries: a page of queries from the newest to the oldest."""
    group, status = request.get("logGroupName"), request.get("status")
    limit = request.get("maxResults", LISTED)
    bound = {name: value for name, value in request.items() if name not in ("nextToken", "maxResults")}
    found = [
        query
        for query in call.stores.log_queries.list(call.tenant)
        if (group is None or group in query.groups)
        and (status is None or status == query.status.value)
        and request.get("queryLanguage", LANGUAGE) == LANGUAGE
    ]
    offset = position_of(bound, request.get("nextToken")) or 0
    answer: dict[str, Any] = {"queries": [_described(query) for query in found[offset : offset + limit]]}
    if offset + limit < len(found):
        answer["nextToken"] = seal(bound, offset + limit)
    return answer


def list_log_groups_for_query(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """ListLogGroupsForQuery: a page of the names of the groups that a query was about."""
    query = _existing(call, request)
    bound = {"groupsOf": query.id}
    offset, limit = position_of(bound, request.get("nextToken")) or 0, request.get("maxResults", LISTED_GROUPS)
    answer: dict[str, Any] = {"logGroupIdentifiers": list(query.groups[offset : offset + limit])}
    if offset + limit < len(query.groups):
        answer["nextToken"] = seal(bound, offset + limit)
    return answer


def _groups(call: Call, request: dict[str, Any]) -> tuple[str, ...]:
    """The names of the groups a query is about. Raises AwsError."""
    given = [request[name] for name in _GROUP_MEMBERS if request.get(name)]
    if len(given) != 1:
        raise invalid("Specify exactly one of logGroupName, logGroupNames and logGroupIdentifiers.")
    wanted = [given[0]] if isinstance(given[0], str) else given[0]
    if len(wanted) > MOST_GROUPS:
        raise invalid(f"A query may be about {MOST_GROUPS} log groups at most.")
    names: dict[str, None] = {}
    for identifier in wanted:
        name = identified(call.tenant, identifier)
        if name is None or call.stores.state.log_groups.group(call.tenant, name) is None:
            message = f"Log group '{identifier}' does not exist for account ID '{call.tenant.account}'"
            raise AwsError("ResourceNotFoundException", message)
        names[name] = None
    return tuple(names)


def _existing(call: Call, request: dict[str, Any]) -> LogQuery:
    query = call.stores.log_queries.get(call.tenant, request["queryId"])
    if query is None:
        raise AwsError("ResourceNotFoundException", "The specified query does not exist.")
    return query


def _malformed(error: MalformedQuery) -> AwsError:
    location = {"startCharOffset": error.start, "endCharOffset": error.end}
    return AwsError(
        "MalformedQueryException",
        f"{error} (characters {error.start} to {error.end} of the query)",
        queryCompileError={"location": location, "message": str(error)},
    )


def _described(query: LogQuery) -> dict[str, Any]:
    described: dict[str, Any] = {
        "queryLanguage": LANGUAGE,
        "queryId": query.id,
        "queryString": query.text,
        "status": query.status.value,
        "createTime": int(query.created * 1000),
        "logGroupName": query.groups[0],
        "bytesScanned": float(query.statistics.bytes),
    }
    if query.status is not Status.SCHEDULED:
        described["queryDuration"] = int(query.duration * 1000)
    return described
