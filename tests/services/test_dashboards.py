"""CloudWatch's dashboard operations over real stores."""

import json
from dataclasses import replace

import pytest

from epochwatch.model.aws_error import AwsError
from epochwatch.model.dashboard.defaults import FLEET, JOB, job_dashboard
from epochwatch.model.dashboard.validation import body_problems
from epochwatch.model.metric import MetricId
from epochwatch.services.cloudwatch.alarms import put_metric_alarm
from epochwatch.services.cloudwatch.dashboards import (
    delete_dashboards,
    get_dashboard,
    list_dashboards,
    put_dashboard,
)
from epochwatch.services.cloudwatch.resource_tags import list_tags_for_resource, tag_resource, untag_resource
from tests.services.conftest import Caller

BODY = '{"widgets":[ {"type":"text","properties":{"markdown":"# é"}} ]}'


def put(caller, name, body=BODY, **more):
    return caller(put_dashboard, DashboardName=name, DashboardBody=body, **more)


def names(caller, **request):
    return [one["DashboardName"] for one in caller(list_dashboards, **request)["DashboardEntries"]]


def arn(caller, name):
    return f"arn:aws:cloudwatch::{caller.tenant.account}:dashboard/{name}"


def tags(caller, name):
    return {
        one["Key"]: one["Value"] for one in caller(list_tags_for_resource, ResourceARN=arn(caller, name))["Tags"]
    }


def test_a_dashboard_is_answered_to_the_letter(caller: Caller):
    assert put(caller, "a") == {"DashboardValidationMessages": []}
    assert caller(get_dashboard, DashboardName="a") == {
        "DashboardArn": arn(caller, "a"),
        "DashboardBody": BODY,
        "DashboardName": "a",
    }


def test_a_dashboard_is_there_in_every_region(caller: Caller):
    put(caller, "a")
    caller.tenant = replace(caller.tenant, region="eu-west-1")
    assert caller(get_dashboard, DashboardName="a")["DashboardArn"] == arn(caller, "a")


def test_the_list_tells_when_each_was_changed_and_its_bytes(caller: Caller):
    put(caller, "a")
    caller.now += 60
    put(caller, "a", BODY.replace("é", "éé"))
    [entry] = caller(list_dashboards)["DashboardEntries"]
    assert entry == {
        "DashboardName": "a",
        "DashboardArn": arn(caller, "a"),
        "LastModified": caller.now,
        "Size": len(BODY) + 3,
    }


def test_a_list_of_more_than_a_thousand_comes_in_pages(caller: Caller):
    for number in range(1001):
        put(caller, f"d-{number:04}", '{"widgets":[]}')
    first = caller(list_dashboards, DashboardNamePrefix="d-")
    assert len(first["DashboardEntries"]) == 1000
    second = caller(list_dashboards, DashboardNamePrefix="d-", NextToken=first["NextToken"])
    assert [one["DashboardName"] for one in second["DashboardEntries"]] == ["d-1000"]
    assert "NextToken" not in second
    code, _ = caller.refused(list_dashboards, DashboardNamePrefix="x", NextToken=first["NextToken"])
    assert code == "InvalidParameterValueException"


def test_a_prefix_narrows_the_list(caller: Caller):
    for name in ("train", "train_2", "other"):
        put(caller, name)
    assert names(caller, DashboardNamePrefix="train") == ["train", "train_2"]
    assert caller.refused(list_dashboards, DashboardNamePrefix="a b")[0] == "InvalidParameterValueException"


@pytest.mark.parametrize("operation", [get_dashboard, put_dashboard])
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("a b", "contains invalid characters. It can only contain alphanumerics, dash (-) and underscore (_).\n"),
        ("a.b", "invalid characters"),
        ("é", "invalid characters"),
        ("x" * 256, "longer than 255"),
        ("", "required"),
    ],
)
def test_a_name_is_letters_digits_dashes_and_underscores(caller: Caller, operation, name, words):
    code, message = caller.refused(operation, DashboardName=name, DashboardBody=BODY)
    assert code == "InvalidParameterValueException"
    assert words in message


def test_the_longest_name_is_taken(caller: Caller):
    put(caller, "x" * 255)
    assert names(caller) == ["x" * 255]


def test_a_wrong_body_is_refused_with_every_mistake_and_nothing_is_stored(caller: Caller):
    body = {"widgets": [{"type": "text", "x": 30, "properties": {}}]}
    with pytest.raises(AwsError) as refusal:
        put(caller, "a", json.dumps(body))
    error = refusal.value
    assert error.code == "DashboardInvalidInputError"
    assert str(error) == (
        "The dashboard body is invalid, there are 2 validation errors:\n"
        '[\n  {\n    "dataPath": "/widgets/0/x",\n    "message": "Should be <= 23"\n  },\n'
        '  {\n    "dataPath": "/widgets/0/properties",\n'
        '    "message": "Should have required property \'markdown\'"\n  }\n]'
    )
    assert error.members["dashboardValidationMessages"] == [
        {"DataPath": "/widgets/0/x", "Message": "Should be <= 23"},
        {"DataPath": "/widgets/0/properties", "Message": "Should have required property 'markdown'"},
    ]
    assert names(caller) == []


@pytest.mark.parametrize("body", ["", "text", "[]"])
def test_a_body_that_is_no_json_object_is_refused(caller: Caller, body):
    assert caller.refused(put_dashboard, DashboardName="a", DashboardBody=body) == (
        "DashboardInvalidInputError",
        "The field DashboardBody must be a valid JSON object",
    )


def test_what_is_not_there_is_not_found(caller: Caller):
    assert caller.refused(get_dashboard, DashboardName="a") == (
        "DashboardNotFoundError",
        "Dashboard a does not exist",
    )


def test_dashboards_are_deleted_as_far_as_they_are_there(caller: Caller):
    for name in ("a", "b", "c"):
        put(caller, name)
    caller(delete_dashboards, DashboardNames=["a", "a"])
    assert caller.refused(delete_dashboards, DashboardNames=["b", "x", "y"]) == (
        "DashboardNotFoundError",
        "The specified dashboard does not exist. [x, y]",
    )
    assert names(caller) == ["c"]


@pytest.mark.parametrize(
    ("given", "words"),
    [([], "empty"), (["a"] + [f"d{n}" for n in range(100)], "greater than 100"), (["a b"], "invalid")],
)
def test_what_cannot_be_deleted_is_refused_before_anything_is(caller: Caller, given, words):
    put(caller, "a")
    code, message = caller.refused(delete_dashboards, DashboardNames=given)
    assert code == "InvalidParameterValueException"
    assert words in message
    assert names(caller) == ["a"]


def test_tags_are_those_it_was_made_with_until_they_are_changed_by_themselves(caller: Caller):
    put(caller, "a", Tags=[{"Key": "team", "Value": "x"}])
    put(caller, "a", Tags=[{"Key": "team", "Value": "ignored"}])
    assert tags(caller, "a") == {"team": "x"}
    caller(
        tag_resource, ResourceARN=arn(caller, "a"), Tags=[{"Key": "team", "Value": "y"}, {"Key": "b", "Value": ""}]
    )
    caller(untag_resource, ResourceARN=arn(caller, "a"), TagKeys=["b", "not-there"])
    assert tags(caller, "a") == {"team": "y"}


def test_a_dashboard_has_at_most_fifty_tags(caller: Caller):
    fifty = [{"Key": f"k{number}", "Value": ""} for number in range(50)]
    put(caller, "a", Tags=fifty)
    code, message = caller.refused(tag_resource, ResourceARN=arn(caller, "a"), Tags=[{"Key": "one", "Value": ""}])
    assert (code, message) == ("InvalidParameterValueException", "A dashboard can have at most 50 tags.")
    assert (
        caller.refused(put_dashboard, DashboardName="b", DashboardBody=BODY, Tags=[*fifty, *fifty])[1] == message
    )


def test_tags_of_what_is_not_there_are_not_found(caller: Caller):
    for operation, request in ((tag_resource, {"Tags": []}), (untag_resource, {"TagKeys": []})):
        code, _ = caller.refused(operation, ResourceARN=arn(caller, "x"), **request)
        assert code == "ResourceNotFoundException"
    assert caller.refused(list_tags_for_resource, ResourceARN=arn(caller, "x"))[0] == "ResourceNotFoundException"
    other = "arn:aws:cloudwatch::999999999999:dashboard/x"
    assert caller.refused(list_tags_for_resource, ResourceARN=other)[0] == "InvalidParameterValueException"


def test_the_dashboard_over_all_jobs_is_there_without_having_been_put_and_is_not_listed(caller: Caller):
    body = json.loads(caller(get_dashboard, DashboardName=FLEET)["DashboardBody"])
    assert body_problems(body) == []
    assert names(caller) == []


def test_the_dashboard_over_all_jobs_shows_the_alarms_there_are(caller: Caller):
    caller(
        put_metric_alarm,
        AlarmName="hot",
        Namespace="lab",
        MetricName="t",
        Statistic="Average",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1.0,
        ComparisonOperator="GreaterThanThreshold",
    )
    body = json.loads(caller(get_dashboard, DashboardName=FLEET)["DashboardBody"])
    assert body_problems(body) == []
    assert body["widgets"][-1]["properties"]["alarms"] == [caller.tenant.arn("cloudwatch", "alarm:hot")]


def test_one_that_is_put_under_the_name_of_a_default_one_stands_in_its_place(caller: Caller):
    put(caller, FLEET)
    assert caller(get_dashboard, DashboardName=FLEET)["DashboardBody"] == BODY
    caller(delete_dashboards, DashboardNames=[FLEET])
    assert caller(get_dashboard, DashboardName=FLEET)["DashboardBody"] != BODY


def test_a_job_that_is_not_there_has_no_dashboard(caller: Caller):
    assert caller.refused(get_dashboard, DashboardName=f"{JOB}nobody")[0] == "DashboardNotFoundError"


def metric(name, **dimensions):
    return MetricId.of("/aws/sagemaker/TrainingJobs", name, dimensions.items())


def test_a_jobs_dashboard_has_metrics_of_one_kind_in_one_chart_and_those_of_its_hosts_behind():
    metrics = [
        metric("train:loss", TrainingJobName="j"),
        metric("validation:loss", TrainingJobName="j"),
        metric("lr", TrainingJobName="j"),
        metric("CPUWait", Host="j/algo-1"),
        metric("CPUUtilization", Host="j/algo-1"),
        metric("CPUUtilization", Host="j/algo-2"),
        metric("GPUUtilization", Host="j/algo-1"),
    ]
    body = job_dashboard(1000.5, None, 1600.0, metrics, "us-east-1")
    assert body_problems(body) == []
    assert body["start"] == "-PT11M"
    drawn = {one["properties"]["title"]: len(one["properties"]["metrics"]) for one in body["widgets"]}
    assert list(drawn.items()) == [
        ("loss", 2),
        ("lr", 1),
        ("GPUUtilization", 1),
        ("CPUUtilization", 2),
        ("CPUWait", 1),
    ]
    assert [(one["x"], one["y"]) for one in body["widgets"]] == [(0, 0), (12, 0), (0, 6), (12, 6), (0, 12)]


def test_the_dashboard_of_a_job_that_is_over_shows_its_time():
    body = job_dashboard(0.0, 7200.0, 9e9, [metric("loss", TrainingJobName="j")], "us-east-1")
    assert (body["start"], body["end"]) == ("1970-01-01T00:00:00Z", "1970-01-01T02:00:01Z")
    assert body["widgets"][0]["properties"]["period"] == 10


def test_a_job_of_very_many_metrics_has_a_dashboard_that_cloudwatch_takes():
    metrics = [metric(f"m{n // 60}:x{n % 150}", TrainingJobName="j") for n in range(9000)]
    assert body_problems(job_dashboard(0.0, 10.0, 20.0, metrics, "us-east-1")) == []
