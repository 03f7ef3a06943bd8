"""PutQueryDefinition, DescribeQueryDefinitions and DeleteQueryDefinition."""

import uuid
from typing import Any

import pytest

from epochwatch.services.logs.query_definitions import (
    MOST_DEFINITIONS,
    delete_query_definition,
    describe_query_definitions,
    put_query_definition,
)
from epochwatch.store.state.query_definitions import QueryDefinition
from tests.services.conftest import Caller

QUERY = {"name": "errors", "queryString": "filter @message like /ERROR/ | stats count(*)"}


def saved(caller: Caller, **request: Any) -> str:
    return str(caller(put_query_definition, **QUERY | request)["queryDefinitionId"])


def described(caller: Caller, **request: Any) -> list[dict[str, Any]]:
    return list(caller(describe_query_definitions, **request)["queryDefinitions"])


def names(caller: Caller, **request: Any) -> list[str]:
    return [one["name"] for one in described(caller, **request)]


def test_what_is_saved_is_described(caller: Caller):
    parameters = [{"name": "level", "defaultValue": "ERROR", "description": "how bad"}, {"name": "host"}]
    plain = saved(caller, name="a")
    whole = saved(caller, name="b", logGroupNames=["g", "h", "g"], parameters=parameters)
    assert uuid.UUID(plain) != uuid.UUID(whole)
    common = {"queryLanguage": "CWLI", "queryString": QUERY["queryString"], "lastModified": int(caller.now * 1000)}
    assert described(caller) == [
        {"queryDefinitionId": plain, "name": "a", "logGroupNames": []} | common,
        {
            "queryDefinitionId": whole,
            "name": "b",
            "logGroupNames": ["g", "h"],
            "parameters": [
                {"name": "level", "defaultValue": "ERROR", "description": "how bad"},
                {"name": "host", "defaultValue": None, "description": None},
            ],
        }
        | common,
    ]


def test_an_update_keeps_nothing_of_what_was_there(caller: Caller):
    known = saved(caller, logGroupNames=["g"], parameters=[{"name": "p"}])
    caller.now += 5
    assert saved(caller, name="warnings", queryString="filter 1 = 1", queryDefinitionId=known) == known
    assert described(caller) == [
        {
            "queryLanguage": "CWLI",
            "queryDefinitionId": known,
            "name": "warnings",
            "queryString": "filter 1 = 1",
            "lastModified": int(caller.now * 1000),
            "logGroupNames": [],
        }
    ]


def test_what_is_deleted_is_gone(caller: Caller):
    known = saved(caller)
    assert caller(delete_query_definition, queryDefinitionId=known) == {"success": True}
    assert described(caller) == []
    gone = ("ResourceNotFoundException", "The specified query definition does not exist.")
    assert caller.refused(delete_query_definition, queryDefinitionId=known) == gone
    assert caller.refused(put_query_definition, **QUERY, queryDefinitionId=known) == gone


def test_nobody_reads_changes_or_deletes_those_of_another_account(caller: Caller):
    known = saved(caller)
    other = Caller(caller.stores)
    assert described(other) == []
    for refusal in (
        other.refused(delete_query_definition, queryDefinitionId=known),
        other.refused(put_query_definition, **QUERY, queryDefinitionId=known),
    ):
        assert refusal[0] == "ResourceNotFoundException"
    assert names(caller) == ["errors"]


def test_names_need_not_differ(caller: Caller):
    assert saved(caller) != saved(caller)
    assert names(caller) == ["errors", "errors"]


def test_a_request_that_is_sent_again_saves_once(caller: Caller):
    token = str(uuid.uuid4())
    assert saved(caller, clientToken=token) == saved(caller, clientToken=token)
    assert names(caller) == ["errors"]
    code, message = caller.refused(put_query_definition, **QUERY | {"name": "other"}, clientToken=token)
    assert (code, "clientToken" in message) == ("InvalidParameterException", True)


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        ({}, ["Zeta", "lab/a_b", "lab/axb", "lab/b", "lap"]),
        ({"queryDefinitionNamePrefix": "lab/"}, ["lab/a_b", "lab/axb", "lab/b"]),
        ({"queryDefinitionNamePrefix": "lab/a_"}, ["lab/a_b"]),
        ({"queryDefinitionNamePrefix": "LAB"}, []),
        ({"queryLanguage": "PPL"}, ["lap"]),
        ({"queryLanguage": "CWLI", "queryDefinitionNamePrefix": "la"}, ["lab/a_b", "lab/axb", "lab/b"]),
    ],
)
def test_some_are_chosen_in_order_of_name(caller: Caller, request_: dict[str, Any], expected: list[str]):
    for name in ("lab/b", "lab/axb", "Zeta", "lab/a_b"):
        saved(caller, name=name)
    saved(caller, name="lap", queryLanguage="PPL")
    assert names(caller, **request_) == expected


def test_they_come_in_pages(caller: Caller):
    for number in range(7):
        saved(caller, name="same" if number < 4 else f"other {number}")
    pages, token = [], {}
    while True:
        answer = caller(describe_query_definitions, maxResults=3, **token)
        pages.append(answer["queryDefinitions"])
        if "nextToken" not in answer:
            break
        token = {"nextToken": answer["nextToken"]}
    assert [len(page) for page in pages] == [3, 3, 1]
    assert [one for page in pages for one in page] == described(caller)
    for wrong in ({"nextToken": "x"}, {**token, "queryDefinitionNamePrefix": "s"}):
        refusal = caller.refused(describe_query_definitions, **wrong)
        assert refusal == ("InvalidParameterException", "The specified nextToken is invalid.")


@pytest.mark.parametrize(
    "request_",
    [
        {"logGroupNames": [f"g{number}" for number in range(51)]},
        {"queryLanguage": "SQL", "logGroupNames": ["g"]},
        {"queryLanguage": "PPL", "parameters": [{"name": "p"}]},
        {"parameters": [{"name": "p"}, {"name": "p", "defaultValue": "x"}]},
    ],
)
def test_what_cannot_be_meant_is_refused(caller: Caller, request_: dict[str, Any]):
    assert caller.refused(put_query_definition, **QUERY | request_)[0] == "InvalidParameterException"
    assert described(caller) == []


def test_an_account_has_a_limit(caller: Caller):
    records = caller.stores.state.query_definitions
    for number in range(MOST_DEFINITIONS - 1):
        records.create(caller.tenant, QueryDefinition(f"q{number:04d}", "limit 1", "CWLI"), 0, MOST_DEFINITIONS)
    last = saved(caller)
    assert caller.refused(put_query_definition, **QUERY)[0] == "LimitExceededException"
    assert saved(caller, name="changed", queryDefinitionId=last) == last
    assert len(described(caller)) == MOST_DEFINITIONS
