"""AWS operations called by the console."""

import json
from typing import Any

import pytest

pytestmark = pytest.mark.xdist_group("console")


def called(console: Any, operation: str, given: Any, **headers: str) -> tuple[int, Any]:
    status, answer = console.call(operation, json.dumps(given).encode(), **headers)
    return status, answer


def test_an_operation_works_on_the_account_that_is_signed_in(console: Any) -> None:
    body = json.dumps({"widgets": [{"type": "text", "width": 6, "height": 2, "properties": {"markdown": "# hi"}}]})
    status, answer = called(console, "cloudwatch/PutDashboard", {"DashboardName": "mine", "DashboardBody": body})
    assert (status, answer["DashboardValidationMessages"]) == (200, [])
    status, answer = called(console, "cloudwatch/ListDashboards", {"DashboardNamePrefix": "mine"})
    assert [one["DashboardName"] for one in answer["DashboardEntries"]] == ["mine"]
    stranger = {"Authorization": f"Bearer {console.stranger}"}
    assert called(console, "cloudwatch/ListDashboards", {}, **stranger)[1]["DashboardEntries"] == []
    assert called(console, "cloudwatch/DeleteDashboards", {"DashboardNames": ["mine"]})[0] == 200


def test_services_of_other_protocols_answer_in_json_too(console: Any) -> None:
    status, answer = called(console, "sns/ListTopics", {})
    assert (status, answer["Topics"]) == (200, [])


def test_a_refusal_is_the_operations_own(console: Any) -> None:
    status, answer = called(console, "sagemaker/DescribeTrainingJob", {"TrainingJobName": "nobody"})
    assert status == 400
    assert answer["__type"] == "ValidationException"
    status, answer = called(console, "cloudwatch/GetDashboard", {"DashboardName": "none"})
    assert answer["__type"].endswith("#DashboardNotFoundError")
    status, answer = called(console, "logs/DescribeLogGroups", {"limit": "many"})
    assert (status, answer["__type"]) == (400, "SerializationException")
    assert console.call("logs/DescribeLogGroups", b"{")[0] == 400


@pytest.mark.parametrize(
    "operation", ["sagemaker/NoSuch", "nothing/ListTopics", "sagemaker/CreateNotebookInstance"]
)
def test_what_is_not_there_is_refused(console: Any, operation: str) -> None:
    status, answer = called(console, operation, {})
    assert status >= 400
    assert answer["__type"] in ("UnknownOperationException", "NotImplemented")


def test_who_is_not_signed_in_calls_nothing(console: Any) -> None:
    assert called(console, "cloudwatch/ListDashboards", {}, Authorization="")[0] == 401


def test_pages_of_other_sites_call_nothing(console: Any) -> None:
    assert called(console, "cloudwatch/ListDashboards", {}, sec_fetch_site="cross-site")[0] == 403
    assert called(console, "cloudwatch/ListDashboards", {}, content_type="text/plain")[0] == 400


def test_an_answer_that_is_a_stream_is_refused(console: Any) -> None:
    group = "arn:aws:logs:us-east-1:123456789012:log-group:/aws/sagemaker/TrainingJobs"
    status, answer = called(console, "logs/StartLiveTail", {"logGroupIdentifiers": [group]})
    assert (status, answer["code"]) == (400, "BadRequest")
