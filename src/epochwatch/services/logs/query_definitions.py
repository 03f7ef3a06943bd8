"""Saved queries of Logs Insights."""

from collections.abc import Mapping
from typing import Any, Final

from epochwatch.model.aws_error import AwsError
from epochwatch.services.call import Call
from epochwatch.services.logs.names import invalid
from epochwatch.services.logs.paging import position_of
from epochwatch.services.logs.queries import LANGUAGE, MOST_GROUPS
from epochwatch.services.tokens import seal
from epochwatch.store.state.query_definitions import QueryDefinition, QueryDefinitionRecord, QueryParameter

MOST_DEFINITIONS: Final = 1000
"""Of an account and region."""
PAGE: Final = 1000


def put_query_definition(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """PutQueryDefinition: a new one, or in the place of the one that is named another whole one. The query's text is
    not looked at: it may have ``{{parameters}}`` in it.
    """
    definition, now = _definition(request), int(call.now * 1000)
    records, known = call.stores.state.query_definitions, request.get("queryDefinitionId")
    if known is not None:
        if not records.update(call.tenant, known, definition, now):
            raise _no_definition()
        return {"queryDefinitionId": known}
    record = records.create(call.tenant, definition, now, MOST_DEFINITIONS, request.get("clientToken"))
    if record is None:
        raise AwsError("LimitExceededException", "Resource limit exceeded.")
    if record.definition != definition:
        raise invalid("The clientToken was used with other parameters before.")
    return {"queryDefinitionId": record.id}


def describe_query_definitions(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """DescribeQueryDefinitions: a page in order of name."""
    limit = request.get("maxResults", PAGE)
    bound = {name: value for name, value in request.items() if name not in ("nextToken", "maxResults")}
    found = call.stores.state.query_definitions.select(
        call.tenant,
        prefix=request.get("queryDefinitionNamePrefix"),
        language=request.get("queryLanguage"),
        after=position_of(bound, request.get("nextToken")),
        limit=limit + 1,
    )
    page = found[:limit]
    answer: dict[str, Any] = {"queryDefinitions": [_described(record) for record in page]}
    if len(found) > limit:
        answer["nextToken"] = seal(bound, (page[-1].definition.name, page[-1].id))
    return answer


def delete_query_definition(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """DeleteQueryDefinition."""
    if not call.stores.state.query_definitions.delete(call.tenant, request["queryDefinitionId"]):
        raise _no_definition()
    return {"success": True}


def _definition(request: Mapping[str, Any]) -> QueryDefinition:
    """What is to be saved. Raises AwsError."""
    language = request.get("queryLanguage", LANGUAGE)
    groups = tuple(dict.fromkeys(request.get("logGroupNames") or ()))
    if len(groups) > MOST_GROUPS:
        raise invalid(f"A query definition may name {MOST_GROUPS} log groups at most.")
    if groups and language == "SQL":
        raise invalid("A query in SQL names its log groups itself: leave out logGroupNames.")
    parameters = tuple(
        QueryParameter(one["name"], one.get("defaultValue"), one.get("description"))
        for one in request.get("parameters") or ()
    )
    if parameters and language != LANGUAGE:
        raise invalid(f"Query parameters are supported for the query language {LANGUAGE} only.")
    if len({one.name for one in parameters}) < len(parameters):
        raise invalid("Each query parameter needs a name of its own.")
    return QueryDefinition(request["name"], request["queryString"], language, groups, parameters)


def _no_definition() -> AwsError:
    return AwsError("ResourceNotFoundException", "The specified query definition does not exist.")


def _described(record: QueryDefinitionRecord) -> dict[str, Any]:
    definition = record.definition
    described: dict[str, Any] = {
        "queryLanguage": definition.language,
        "queryDefinitionId": record.id,
        "name": definition.name,
        "queryString": definition.query,
        "lastModified": record.modified,
        "logGroupNames": list(definition.log_groups),
    }
    if definition.parameters:
        described["parameters"] = [
            {"name": one.name, "defaultValue": one.default, "description": one.description}
            for one in definition.parameters
        ]
    return described
