"""Rules in a request for a training job: what is refused, the processing jobs they become, and what these say."""

import json
from typing import Any

import pytest

from epochwatch.model.batch import Progress, Registration
from epochwatch.model.debug_rules import evaluator_of
from epochwatch.model.diagnosis import Cause, Diagnosis
from epochwatch.services.sagemaker.job_list import list_processing_jobs
from epochwatch.services.sagemaker.processing_job import describe_processing_job, stop_processing_job
from epochwatch.services.sagemaker.search import search
from epochwatch.services.sagemaker.training_job import describe_training_job
from epochwatch.services.sagemaker.training_job_changes import (
    create_training_job,
    delete_training_job,
    stop_training_job,
)
from tests.services.conftest import Caller
from tests.services.training import tell, training

RULES = "503895931360.dkr.ecr.us-east-1.amazonaws.com/sagemaker-debugger-rules:latest"
HOOK = {"S3OutputPath": "s3://bucket/debug/"}


def rule(name: str = "VanishingGradient", **more: Any) -> dict[str, Any]:
    """A built-in rule as the SDK sends it."""
    parameters = {"rule_to_invoke": name, "threshold": "0.1"}
    return {"RuleConfigurationName": name, "RuleEvaluatorImage": RULES, "RuleParameters": parameters} | more


def created(caller: Caller, name: str = "job", *rules: dict[str, Any], **more: Any) -> None:
    request = {"DebugHookConfig": HOOK, "DebugRuleConfigurations": list(rules or [rule()])} | more
    caller(create_training_job, **training(name, **request))


def evaluations(caller: Caller, name: str = "job") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = caller(describe_training_job, TrainingJobName=name)[
        "DebugRuleEvaluationStatuses"
    ]
    return found


def job_of(evaluation: dict[str, Any]) -> str:
    return str(evaluation["RuleEvaluationJobArn"]).rpartition("/")[2]


def statuses(caller: Caller, name: str = "job") -> list[tuple[str, str]]:
    return [(one["RuleEvaluationStatus"], one.get("StatusDetails", "")) for one in evaluations(caller, name)]


@pytest.mark.parametrize(
    ("image", "evaluator"),
    [
        (RULES, "sagemaker-debugger-rules"),
        ("618459771430.dkr.ecr.cn-north-1.amazonaws.com.cn/sagemaker-debugger-rules", "sagemaker-debugger-rules"),
        ("sagemaker-debugger-rules:latest", "sagemaker-debugger-rules"),
        (
            "453379255795.dkr.ecr.us-east-1.amazonaws.com/sagemaker-debugger-rule-evaluator:latest",
            "sagemaker-debugger-rule-evaluator",
        ),
        ("localhost:5000/sagemaker-debugger-rules@sha256:ab", "sagemaker-debugger-rules"),
        ("me/my-sagemaker-debugger-rules", ""),
        ("sagemaker-debugger-rules/other", ""),
        ("", ""),
    ],
)
def test_images_that_evaluate_rules_are_known_by_their_repository(image: str, evaluator: str) -> None:
    assert evaluator_of(image) == evaluator


def test_each_rule_is_evaluated_by_a_processing_job_of_its_own(caller: Caller) -> None:
    created(caller, "image-classification-2022-03-04-05-06", rule(), rule("Loss_Not-Decreasing"))

    first, second = evaluations(caller, "image-classification-2022-03-04-05-06")

    assert (first["RuleConfigurationName"], first["RuleEvaluationStatus"]) == ("VanishingGradient", "InProgress")
    assert job_of(first)[:-8] == "image-classification-2022--VanishingGradient-"
    assert job_of(second)[:-8] == "image-classification-2022--Loss-Not-Decreasing-"
    listed = caller(list_processing_jobs)["ProcessingJobSummaries"]
    assert {job["ProcessingJobName"] for job in listed} == {job_of(first), job_of(second)}
    described = caller(describe_processing_job, ProcessingJobName=job_of(first))
    assert described["ProcessingJobArn"] == first["RuleEvaluationJobArn"]
    assert described["TrainingJobArn"].endswith(":training-job/image-classification-2022-03-04-05-06")
    assert described["AppSpecification"] == {"ImageUri": RULES}
    assert json.loads(described["Environment"]["DEBUG_RULE_PARAMETERS"]) == rule()["RuleParameters"]
    assert described["Environment"]["DEBUG_TENSORS"] == (
        "s3://bucket/debug/image-classification-2022-03-04-05-06/debug-output"
    )
    [output] = described["ProcessingOutputConfig"]["Outputs"]
    assert output["S3Output"]["S3Uri"] == "s3://bucket/out/image-classification-2022-03-04-05-06/rule-output"


def test_a_rule_is_shown_as_it_was_given_with_sagemakers_volume(caller: Caller) -> None:
    created(caller, "job", rule(InstanceType="ml.t3.medium", S3OutputPath="s3://other/rules"))

    described = caller(describe_training_job, TrainingJobName="job")

    [shown] = described["DebugRuleConfigurations"]
    assert shown == {
        **rule(),
        "InstanceType": "ml.t3.medium",
        "S3OutputPath": "s3://other/rules",
        "VolumeSizeInGB": 0,
    }
    job = caller(describe_processing_job, ProcessingJobName=job_of(evaluations(caller)[0]))
    assert job["ProcessingResources"]["ClusterConfig"]["InstanceType"] == "ml.t3.medium"
    assert job["ProcessingOutputConfig"]["Outputs"][0]["S3Output"]["S3Uri"] == "s3://other/rules/job/rule-output"


def test_the_end_of_the_processing_job_is_the_rules_status(caller: Caller) -> None:
    created(caller, "job", *map(rule, ("Met", "Fine", "Broken", "Away", "Late")))
    met, fine, broken, away, late = map(job_of, evaluations(caller))
    found = (
        "RuleEvaluationConditionMet: Evaluation of the rule Met at step 3 resulted in the condition being met\n"
    )

    tell(caller, "Completed", name=met, kind="processing", output=found)
    tell(caller, "Completed", name=fine, kind="processing")
    tell(caller, "Failed", name=broken, kind="processing", failure_reason="ClientError: no such rule")
    caller(stop_processing_job, ProcessingJobName=away)
    tell(caller, "Stopped", name=late, kind="processing", output=found)

    assert statuses(caller) == [
        ("IssuesFound", found),
        ("NoIssuesFound", ""),
        ("Error", "ClientError: no such rule"),
        ("Stopped", ""),
        ("IssuesFound", found),
    ]


def test_rules_end_with_the_training_that_is_stopped(caller: Caller) -> None:
    created(caller)

    caller(stop_training_job, TrainingJobName="job")

    assert statuses(caller) == [("Stopped", "")]


def test_a_job_of_the_same_name_has_rules_of_its_own(caller: Caller) -> None:
    created(caller)
    first = job_of(evaluations(caller)[0])
    caller(stop_training_job, TrainingJobName="job")
    caller(delete_training_job, TrainingJobName="job")
    caller.now += 1

    created(caller)

    assert job_of(evaluations(caller)[0]) != first
    assert statuses(caller) == [("InProgress", "")]
    assert caller(describe_processing_job, ProcessingJobName=first)["ProcessingJobStatus"] == "Stopped"


def test_rules_still_at_work_end_when_their_training_is_deleted(caller: Caller) -> None:
    created(caller)
    evaluation = job_of(evaluations(caller)[0])
    tell(caller, "Completed", name="job")

    caller(delete_training_job, TrainingJobName="job")

    assert caller(describe_processing_job, ProcessingJobName=evaluation)["ProcessingJobStatus"] == "Stopped"


def test_search_finds_jobs_by_what_their_rules_say(caller: Caller) -> None:
    created(caller)

    [found] = caller(search, Resource="TrainingJob")["Results"]

    assert found["TrainingJob"]["DebugRuleEvaluationStatuses"][0]["RuleEvaluationStatus"] == "InProgress"


def test_a_job_without_rules_has_no_statuses(caller: Caller) -> None:
    caller(create_training_job, **training("job", DebugHookConfig=HOOK))

    assert "DebugRuleEvaluationStatuses" not in caller(describe_training_job, TrainingJobName="job")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"DebugRuleConfigurations": [rule()]}, "DebugRuleConfigurations need a DebugHookConfig"),
        ({"DebugHookConfig": HOOK, "DebugRuleConfigurations": [rule(), rule()]}, "must be unique"),
        (
            {"ProfilerRuleConfigurations": [rule("P"), rule("P")]},
            "Profiler rule configuration names must be unique",
        ),
        (
            {"DebugHookConfig": HOOK, "DebugRuleConfigurations": [rule(RuleEvaluatorImage="mine:1")]},
            "RuleEvaluatorImage mine:1 of the rule VanishingGradient is not supported",
        ),
        ({"DebugHookConfig": {"S3OutputPath": "https://bucket/x"}}, "must be s3://bucket/prefix, not https://"),
        (
            {"DebugHookConfig": {**HOOK, "LocalPath": "/tmp/tensors"}},
            "must be below /opt/ml here, not /tmp/tensors",
        ),
        (
            {"DebugHookConfig": HOOK, "DebugRuleConfigurations": [rule(LocalPath="/opt/ml/../x")]},
            "LocalPath of the rule VanishingGradient must be below /opt/ml",
        ),
    ],
)
def test_rules_that_cannot_be_evaluated_are_refused(caller: Caller, given: dict[str, Any], words: str) -> None:
    code, message = caller.refused(create_training_job, **training("job", **given))

    assert code == "ValidationException"
    assert words in message
    assert caller(list_processing_jobs)["ProcessingJobSummaries"] == []


FAULT = Cause("VanishingGradients", "problem", 90, 40, "the first layers have 1e-7 of the last ones'")


def diagnosed(caller: Caller, diagnosis: Diagnosis | None, status: str = "InProgress", job: str = "job") -> None:
    """What the agent of a job's host says."""
    jobs = caller.stores.state.jobs
    registration = Registration(
        "d" * 32, "host", caller.now, job=job, tensors="s3://bucket/debug/job/debug-output"
    )
    jobs.register(caller.tenant, registration, caller.now)
    jobs.progress(caller.tenant, Progress("d" * 32, status, caller.now, diagnosis=diagnosis), caller.now)


def test_the_diagnosis_of_what_was_saved_is_shown_as_one_more_rule(caller: Caller) -> None:
    created(caller)
    diagnosed(caller, Diagnosis(10, 90))
    first, begun = caller.now, evaluations(caller)[1]
    assert begun == {
        "RuleConfigurationName": "EpochwatchDiagnosis",
        "RuleEvaluationStatus": "InProgress",
        "LastModifiedTime": first,
    }

    caller.now += 60
    diagnosed(caller, Diagnosis(20, 190, [FAULT]))
    found = evaluations(caller)[1]
    caller.now += 60
    diagnosed(caller, None)

    assert (found["RuleEvaluationStatus"], found["LastModifiedTime"]) == ("IssuesFound", first + 60)
    assert found["StatusDetails"].startswith("VanishingGradients since step 40: the first layers have 1e-7")
    assert evaluations(caller)[1] == found
    told = caller.stores.state.jobs.diagnosis(caller.tenant, "job")
    assert told == Diagnosis(20, 190, [FAULT])
    expression = {"Filters": [{"Name": "TrainingJobName", "Operator": "Equals", "Value": "job"}]}
    [hit] = caller(search, Resource="TrainingJob", SearchExpression=expression)["Results"]
    assert hit["TrainingJob"]["DebugRuleEvaluationStatuses"][1] == found


def test_a_job_of_the_same_name_has_no_diagnosis_of_the_one_before(caller: Caller) -> None:
    created(caller)
    diagnosed(caller, Diagnosis(20, 190, [FAULT]))
    caller(stop_training_job, TrainingJobName="job")
    caller(delete_training_job, TrainingJobName="job")
    caller.now += 1

    created(caller)

    assert [one["RuleConfigurationName"] for one in evaluations(caller)] == ["VanishingGradient"]
    assert caller.stores.state.jobs.diagnosis(caller.tenant, "job") is None


def test_a_diagnosis_of_which_nothing_is_heard_any_more_has_stopped(caller: Caller) -> None:
    created(caller)
    diagnosed(caller, Diagnosis(10, 90))
    tell(caller, "Completed")
    assert evaluations(caller)[1]["RuleEvaluationStatus"] == "InProgress"

    caller.now += 61

    assert evaluations(caller)[1]["RuleEvaluationStatus"] == "Stopped"


def test_a_rule_of_the_users_own_may_have_the_diagnosis_name(caller: Caller) -> None:
    created(caller, "job", rule("EpochwatchDiagnosis"))
    diagnosed(caller, Diagnosis(20, 190, [FAULT]))

    (only,) = evaluations(caller)

    assert "RuleEvaluationJobArn" in only
