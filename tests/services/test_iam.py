"""What the SDKs ask about roles before they start a job."""

import json
from urllib.parse import unquote

from epochwatch.services.iam import OPERATIONS
from tests.services.conftest import Caller


def test_a_role_named_by_its_bare_name_has_an_arn(caller: Caller) -> None:
    role = caller(OPERATIONS["GetRole"], RoleName="training")["Role"]

    assert role["Arn"] == f"arn:aws:iam::{caller.tenant.account}:role/training"
    trusted = json.loads(unquote(role["AssumeRolePolicyDocument"]))["Statement"][0]["Principal"]
    assert trusted == {"Service": "sagemaker.amazonaws.com"}


def test_everything_is_allowed_on_each_resource(caller: Caller) -> None:
    answer = caller(
        OPERATIONS["SimulatePrincipalPolicy"],
        PolicySourceArn="arn:aws:iam::123456789012:role/training",
        ActionNames=["s3:GetObject", "s3:PutObject"],
        ResourceArns=["arn:aws:s3:::bucket"],
    )

    assert [(one["EvalActionName"], one["EvalDecision"]) for one in answer["EvaluationResults"]] == [
        ("s3:GetObject", "allowed"),
        ("s3:PutObject", "allowed"),
    ]


def test_boto3_reads_a_role(caller: Caller) -> None:
    from epochwatch.gateway.models import operation_model

    shape = operation_model("iam", "GetRole").output_shape
    role = caller(OPERATIONS["GetRole"], RoleName="training")["Role"]
    assert set(role) <= set(shape.members["Role"].members)
    assert set(shape.members["Role"].required_members) <= set(role)
