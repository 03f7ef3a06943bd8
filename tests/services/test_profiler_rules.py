"""Profiler rules in requests for training jobs: what is refused, the processing jobs they become, what these say."""

import json
from typing import Any

import pytest

from epochwatch.model.aws_error import AwsError
from epochwatch.services.sagemaker.processing_job import describe_processing_job
from epochwatch.services.sagemaker.training_job import describe_training_job
from epochwatch.services.sagemaker.training_job_changes import (
    create_training_job,
    delete_training_job,
    stop_training_job,
    update_training_job,
)
from tests.services.conftest import Caller
from tests.services.training import tell, training

RULES = "503895931360.dkr.ecr.us-east-1.amazonaws.com/sagemaker-debugger-rules:latest"
PROFILER = {"S3OutputPath": "s3://bucket/profile/", "ProfilingIntervalInMilliseconds": 500}


def rule(name: str = "ProfilerReport", **more: Any) -> dict[str, Any]:
    """As the SDK sends it."""
    parameters = {"rule_to_invoke": name}
    return {"RuleConfigurationName": name, "RuleEvaluatorImage": RULES, "RuleParameters": parameters} | more


def created(caller: Caller, name: str, *rules: dict[str, Any], **more: Any) -> None:
    request = {"ProfilerConfig": PROFILER, "ProfilerRuleConfigurations": list(rules)} | more
    caller(create_training_job, **training(name, **request))


def described(caller: Caller, name: str = "job") -> dict[str, Any]:
    found: dict[str, Any] = caller(describe_training_job, TrainingJobName=name)
    return found


def statuses(caller: Caller, name: str = "job") -> dict[str, str]:
    found = described(caller, name)["ProfilerRuleEvaluationStatuses"]
    return {one["RuleConfigurationName"]: one["RuleEvaluationStatus"] for one in found}


def job_of(caller: Caller, rule: str, name: str = "job", kind: str = "Profiler") -> str:
    found = described(caller, name)[f"{kind}RuleEvaluationStatuses"]
    [arn] = [one["RuleEvaluationJobArn"] for one in found if one["RuleConfigurationName"] == rule]
    return str(arn).rpartition("/")[2]


def test_each_profiler_rule_is_evaluated_by_a_processing_job_over_the_profile(caller: Caller) -> None:
    created(caller, "job", rule(), rule("CPUBottleneck", S3OutputPath="s3://other/rules"))

    assert statuses(caller) == {"ProfilerReport": "InProgress", "CPUBottleneck": "InProgress"}
    shown = described(caller)
    assert shown["ProfilingStatus"] == "Enabled"
    assert shown["ProfilerRuleConfigurations"][0] == rule() | {"VolumeSizeInGB": 0}
    job = caller(describe_processing_job, ProcessingJobName=job_of(caller, "CPUBottleneck"))
    assert job["Environment"]["DEBUG_PROFILE"] == "s3://bucket/profile/job/profiler-output"
    assert json.loads(job["Environment"]["DEBUG_RULE_PARAMETERS"]) == {"rule_to_invoke": "CPUBottleneck"}
    assert "DEBUG_TENSORS" not in job["Environment"]
    [output] = job["ProcessingOutputConfig"]["Outputs"]
    assert output["S3Output"]["S3Uri"] == "s3://other/rules/job/rule-output"


def test_a_rule_over_tensors_and_a_profiler_rule_may_have_one_name(caller: Caller) -> None:
    of_tensors = rule("Mine", RuleParameters={"rule_to_invoke": "Overfit"})
    hook = {"S3OutputPath": "s3://bucket/debug"}
    created(caller, "job", rule("Mine"), DebugRuleConfigurations=[of_tensors], DebugHookConfig=hook)

    assert job_of(caller, "Mine") != job_of(caller, "Mine", kind="Debug")


def test_the_end_of_the_processing_job_is_the_rules_status(caller: Caller) -> None:
    created(caller, "job", rule(), rule("BatchSize"))
    met = "RuleEvaluationConditionMet: Evaluation of the rule BatchSize at step 3 resulted in the condition being met"

    tell(caller, "Completed", name=job_of(caller, "BatchSize"), kind="processing", output=f"{met}\nmore\n")
    tell(caller, "Completed", name=job_of(caller, "ProfilerReport"), kind="processing")

    assert statuses(caller) == {"ProfilerReport": "NoIssuesFound", "BatchSize": "IssuesFound"}


def test_rules_are_stopped_with_their_training(caller: Caller) -> None:
    created(caller, "job", rule())
    caller(stop_training_job, TrainingJobName="job")
    assert statuses(caller) == {"ProfilerReport": "Stopped"}
    caller(delete_training_job, TrainingJobName="job")


def test_an_update_adds_rules_to_a_job_that_runs(caller: Caller) -> None:
    created(caller, "job", rule())
    tell(caller, "Training")

    caller(update_training_job, TrainingJobName="job", ProfilerRuleConfigurations=[rule("LowGPUUtilization")])

    assert statuses(caller) == {"ProfilerReport": "InProgress", "LowGPUUtilization": "InProgress"}
    names = [one["RuleConfigurationName"] for one in described(caller)["ProfilerRuleConfigurations"]]
    assert names == ["ProfilerReport", "LowGPUUtilization"]
    with pytest.raises(AwsError, match=r"must be unique\. ProfilerReport is given more than once"):
        caller(update_training_job, TrainingJobName="job", ProfilerRuleConfigurations=[rule()])


def test_an_update_may_turn_the_profiler_on_and_add_rules_at_once(caller: Caller) -> None:
    caller(create_training_job, **training("job", ProfilerConfig={"DisableProfiler": True}))
    tell(caller, "Training")
    added = {"TrainingJobName": "job", "ProfilerRuleConfigurations": [rule()]}
    with pytest.raises(AwsError, match="need a ProfilerConfig"):
        caller(update_training_job, **added)

    caller(update_training_job, **added, ProfilerConfig={"DisableProfiler": False})

    assert described(caller)["ProfilingStatus"] == "Enabled"
    job = caller(describe_processing_job, ProcessingJobName=job_of(caller, "ProfilerReport"))
    assert job["Environment"]["DEBUG_PROFILE"] == "s3://bucket/out/job/profiler-output"


def test_a_job_has_twenty_rules_at_most(caller: Caller) -> None:
    created(caller, "job", *(rule(f"R{number}") for number in range(15)))
    tell(caller, "Training")
    more = [rule(f"S{number}") for number in range(6)]
    with pytest.raises(AwsError, match="may have 20 profiler rules: it has 15, 6 are added"):
        caller(update_training_job, TrainingJobName="job", ProfilerRuleConfigurations=more)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"ProfilerConfig": None}, "need a ProfilerConfig in which the profiler is not disabled"),
        (
            {"ProfilerConfig": {"DisableProfiler": True}},
            "need a ProfilerConfig in which the profiler is not disabled",
        ),
        ({"ProfilerRuleConfigurations": [rule(), rule()]}, "Profiler rule configuration names must be unique"),
        (
            {"ProfilerRuleConfigurations": [rule(RuleEvaluatorImage="me/mine:1")]},
            "RuleEvaluatorImage me/mine:1 of the rule ProfilerReport is not supported: it must be a"
            " sagemaker-debugger-rules image.",
        ),
        ({"ProfilerRuleConfigurations": [rule(S3OutputPath="bucket")]}, "must be s3://bucket/prefix, not bucket"),
        ({"ProfilerRuleConfigurations": [rule(LocalPath="/tmp")]}, "must be below /opt/ml here, not /tmp"),
    ],
)
def test_rules_that_cannot_be_are_refused(caller: Caller, more: dict[str, Any], words: str) -> None:
    request = {"ProfilerConfig": PROFILER, "ProfilerRuleConfigurations": [rule()]} | more
    request = {name: value for name, value in request.items() if value is not None}
    with pytest.raises(AwsError) as refused:
        caller(create_training_job, **training(**request))
    assert refused.value.code == "ValidationException"
    assert words in refused.value.message
