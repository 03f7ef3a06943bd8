"""Dashboards in CloudFormation's templates."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from epochwatch.model.dashboard.cloudformation import InvalidTemplate, dashboards_in, template

PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""Whatever the machine does besides."""
PSEUDO = {"AWS::Region": "eu-west-1", "AWS::AccountId": "123456789012"}
NAMES = st.text("abcXYZ019-_", min_size=1, max_size=20)


def resource(**properties):
    return {"Type": "AWS::CloudWatch::Dashboard", "Properties": properties}


def read(**resources):
    return dashboards_in({"Resources": resources}, PSEUDO)


def test_a_template_has_a_resource_for_each_dashboard_with_its_body_as_a_string():
    assert template({"train-1": '{"widgets":[]}', "Train1": "{}"}) == {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Resources": {
            "Train1": resource(DashboardName="train-1", DashboardBody='{"widgets":[]}'),
            "Train12": resource(DashboardName="Train1", DashboardBody="{}"),
        },
    }


@PATIENT
@given(st.dictionaries(NAMES, st.text(), min_size=1))
def test_what_is_exported_is_imported_again(dashboards):
    made = json.loads(json.dumps(template(dashboards)))
    assert dashboards_in(made, {}) == dashboards
    assert all(logical.isalnum() for logical in made["Resources"])


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("${AWS::Region} is text", "${AWS::Region} is text"),
        ({"Fn::Sub": '{"region":"${AWS::Region}"}'}, '{"region":"eu-west-1"}'),
        ({"Fn::Sub": "arn:${ AWS::AccountId }:${!Literal}"}, "arn:123456789012:${Literal}"),
        ({"Fn::Join": ["", ['{"region":"', {"Ref": "AWS::Region"}, '"}']]}, '{"region":"eu-west-1"}'),
    ],
    ids=str,
)
def test_bodies_may_be_made_of_what_is_known_without_a_stack(body, text):
    assert read(D=resource(DashboardBody=body)) == {"D": text}


def test_other_resources_are_passed_over():
    assert read(Bucket={"Type": "AWS::S3::Bucket"}, D=resource(DashboardName="d", DashboardBody="{}")) == {
        "d": "{}"
    }


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ([], "no CloudFormation template"),
        ({"widgets": []}, "no CloudFormation template"),
        ({"Resources": {"B": {"Type": "AWS::S3::Bucket"}}}, "no AWS::CloudWatch::Dashboard"),
        ({"Resources": {"D": resource(DashboardName="d")}}, "D has no DashboardBody"),
        ({"Resources": {"D": resource(DashboardBody={"widgets": []})}}, "neither a string nor made of"),
        (
            {"Resources": {"D": resource(DashboardBody={"Fn::Sub": "${Bucket}"})}},
            "refers to Bucket, which only a stack",
        ),
        ({"Resources": {"D": resource(DashboardBody={"Ref": "Body"})}}, "refers to Body"),
        (
            {"Resources": {n: resource(DashboardName="d", DashboardBody="{}") for n in "AB"}},
            "two of its dashboards are called d",
        ),
    ],
    ids=lambda one: str(one)[:60],
)
def test_what_is_no_template_of_dashboards_is_refused(given, words):
    with pytest.raises(InvalidTemplate, match=words):
        dashboards_in(given, PSEUDO)
