"""Search expressions over documents, as tables of cases."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from epochwatch.model.resource_search import InvalidSearch, matches, ordered, require_valid, values

JOB: dict[str, Any] = {
    "TrainingJobName": "resnet-7",
    "TrainingJobStatus": "Completed",
    "CreationTime": 1_795_200_000.0,  # 2026-11-20T18:40:00Z
    "EnableManagedSpotTraining": True,
    "HyperParameters": {"lr": "0.10", "a.b": "x", "epochs": "3.7"},
    "InputDataConfig": [
        {"ChannelName": "train", "DataSource": {"S3DataSource": {"S3Uri": "s3://one/data"}}},
        {"ChannelName": "test", "DataSource": {"S3DataSource": {"S3Uri": "s3://two/data"}}},
    ],
    "FinalMetricDataList": [{"MetricName": "val:acc", "Value": 0.93}],
    "Tags": [{"Key": "team.x", "Value": "vision"}],
}
COMPONENT: dict[str, Any] = {
    "TrialComponentName": "c",
    "Parameters": {"lr": {"NumberValue": 0.1}, "opt": {"StringValue": "sgd"}},
    "Metrics": [{"MetricName": "loss", "Min": 1.0, "Max": 4.0, "Last": 2.0}],
    "Parents": [{"ExperimentName": "e", "TrialName": "t"}],
}
PROPERTIES = {*JOB, *COMPONENT, "Metrics"}


def one(name: str, operator: str | None = None, value: str | None = None) -> dict[str, Any]:
    found = {"Name": name, "Operator": operator, "Value": value}
    return {key: given for key, given in found.items() if given is not None}


@pytest.mark.parametrize(
    ("name", "operator", "value", "expected"),
    [
        ("TrainingJobName", None, "resnet-7", True),
        ("TrainingJobName", "Equals", "resnet", False),
        ("TrainingJobName", "Contains", "resnet", True),
        ("TrainingJobName", "NotEquals", "x", True),
        ("TrainingJobName", "In", "a, resnet-7", True),
        ("TrainingJobName", "GreaterThan", "a", False),
        ("FailureReason", "NotExists", None, True),
        ("FailureReason", "Exists", None, False),
        ("FailureReason", "Equals", "x", False),
        ("FailureReason", "NotEquals", "x", True),
        ("EnableManagedSpotTraining", "Equals", "true", True),
        ("CreationTime", "GreaterThan", "2026-11-20T18:39:59Z", True),
        ("CreationTime", "LessThanOrEqualTo", "2026-11-20T18:40:00", True),
        ("CreationTime", "LessThan", "1795200000", False),
        ("Metrics.val:acc", "GreaterThan", "0.9", True),
        ("Metrics.val:acc", "GreaterThan", "0.95", False),
        ("Metrics.none", "Exists", None, False),
        ("HyperParameters.lr", "Equals", "0.1", True),
        ("HyperParameters.lr", "LessThan", "0.5", True),
        ("HyperParameters.a.b", "Equals", "x", True),
        ("HyperParameters.epochs", "Equals", "3", True),  # a whole value compares whole numbers
        ("HyperParameters.epochs", "GreaterThan", "3", False),
        ("HyperParameters.epochs", "GreaterThan", "3.5", True),
        ("InputDataConfig.ChannelName", "Equals", "test", True),
        ("InputDataConfig.DataSource.S3DataSource.S3Uri", "Contains", "one", True),
        ("Tags.team.x", "Equals", "vision", True),
        ("Tags.none", "Exists", None, False),
    ],
)
def test_a_filter_on_a_training_job(name: str, operator: str, value: str, expected: bool) -> None:
    assert matches(JOB, {"Filters": [one(name, operator, value)]}) is expected


@pytest.mark.parametrize(
    ("name", "operator", "value", "expected"),
    [
        ("Parameters.lr", "LessThan", "0.5", True),
        ("Parameters.lr.NumberValue", "LessThan", "0.05", False),
        ("Parameters.opt", "Equals", "sgd", True),
        ("Metrics.loss", "Equals", "2", True),
        ("Metrics.loss.Max", "GreaterThan", "3", True),
        ("Metrics.loss.Avg", "Exists", None, False),
        ("Parents.ExperimentName", "Equals", "e", True),
    ],
)
def test_a_filter_on_a_trial_component(name: str, operator: str, value: str, expected: bool) -> None:
    assert matches(COMPONENT, {"Filters": [one(name, operator, value)]}) is expected


def test_a_nested_filter_looks_at_one_item_at_a_time() -> None:
    def nested(channel: str, uri: str) -> dict[str, Any]:
        filters = [
            one("InputDataConfig.ChannelName", "Equals", channel),
            one("InputDataConfig.DataSource.S3DataSource.S3Uri", "Contains", uri),
        ]
        return {"NestedFilters": [{"NestedPropertyName": "InputDataConfig", "Filters": filters}]}

    assert matches(JOB, nested("train", "one"))
    assert not matches(JOB, nested("train", "two"))


def test_conditions_are_joined_by_and_or_and_nesting() -> None:
    yes, no = one("TrainingJobName", "Contains", "resnet"), one("TrainingJobName", "Contains", "vit")
    assert not matches(JOB, {"Filters": [yes, no]})
    assert matches(JOB, {"Filters": [yes, no], "Operator": "Or"})
    assert matches(JOB, {"Filters": [yes], "SubExpressions": [{"Filters": [no, yes], "Operator": "Or"}]})
    assert not matches(JOB, {"Filters": [yes], "SubExpressions": [{"Filters": [no]}]})


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ({}, "at least one filter"),
        ({"SubExpressions": [{"Operator": "Or"}]}, "at least one filter"),
        ({"Filters": [one("Nonsense", "Exists")]}, "Unknown property name: Nonsense"),
        ({"Filters": [one("Tags.a", "Exists", "x")]}, "cannot have a value"),
        ({"Filters": [one("Tags.a")]}, "needs a value"),
        ({"Filters": [one("CreationTime", "LessThan", "yesterday")]}, "is no time"),
        ({"Filters": [one("Metrics.loss", "Contains", "1")]}, "works on texts"),
        (
            {"NestedFilters": [{"NestedPropertyName": "Tags", "Filters": [one("Other", "Exists")]}]},
            "must begin with Tags.",
        ),
        ({"SubExpressions": [{"Filters": [one("Tags.a", "Exists")] * 17}] * 3}, "at most 50 conditions"),
    ],
)
def test_what_cannot_be_searched_for_is_refused(expression: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidSearch, match=message):
        require_valid(expression, PROPERTIES)


def test_documents_come_in_order_and_those_without_the_property_last() -> None:
    documents = [{"n": 2, "m": "b"}, {"n": 10, "m": "a"}, {"m": "c"}]
    assert [one.get("n") for one in ordered(documents, "n", descending=False)] == [2, 10, None]
    assert [one.get("n") for one in ordered(documents, "n", descending=True)] == [10, 2, None]
    assert [one["m"] for one in ordered(documents, "m", descending=False)] == ["a", "b", "c"]


@given(st.sampled_from(["Equals", "GreaterThan", "LessThan"]), st.text(min_size=1), st.text(max_size=20))
def test_no_value_and_no_name_breaks_a_search(operator: str, value: str, name: str) -> None:
    matches(JOB, {"Filters": [one(name, operator, value)]})
    assert not list(values(JOB, "Nope." + name))
