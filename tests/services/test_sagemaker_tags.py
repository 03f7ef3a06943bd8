"""Tags of SageMaker's resources."""

import pytest

from epochwatch.services.sagemaker.tags import add_tags, delete_tags, list_tags
from epochwatch.services.sagemaker.training_job_changes import create_training_job
from tests.services.conftest import Caller
from tests.services.training import training


@pytest.fixture
def arn(caller: Caller) -> str:
    return caller(create_training_job, **training(Tags=[{"Key": "a", "Value": "1"}]))["TrainingJobArn"]


def tags(caller: Caller, arn: str) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in caller(list_tags, ResourceArn=arn)["Tags"]}


def test_tags_are_added_replaced_and_taken_away(caller: Caller, arn: str):
    assert tags(caller, arn) == {"a": "1"}
    answer = caller(add_tags, ResourceArn=arn, Tags=[{"Key": "a", "Value": "2"}, {"Key": "b", "Value": ""}])
    assert answer["Tags"] == [{"Key": "a", "Value": "2"}, {"Key": "b", "Value": ""}]
    caller(delete_tags, ResourceArn=arn, TagKeys=["a", "none"])
    assert tags(caller, arn) == {"b": ""}


def test_a_resource_has_at_most_fifty_tags(caller: Caller, arn: str):
    more = [{"Key": f"k{number}", "Value": ""} for number in range(50)]
    assert "at most 50 tags" in caller.refused(add_tags, ResourceArn=arn, Tags=more)[1]
    caller(add_tags, ResourceArn=arn, Tags=more[:49])
    assert len(tags(caller, arn)) == 50


@pytest.mark.parametrize(
    "wrong",
    [
        "arn:aws:sagemaker:us-east-1:999999999999:training-job/job",
        "arn:aws:sagemaker:us-east-1:{account}:training-job/none",
        "arn:aws:sagemaker:us-east-1:{account}:notebook-instance/job",
        "arn:aws:sagemaker:us-east-1:{account}:processing-job/job",
    ],
)
def test_what_is_not_there_has_no_tags(caller: Caller, arn: str, wrong: str):
    wrong = wrong.format(account=caller.tenant.account)
    assert caller.refused(list_tags, ResourceArn=wrong)[1] == "Requested resource not found."
    assert caller.refused(add_tags, ResourceArn=wrong, Tags=[])[0] == "ValidationException"
