"""Debugger of a training job: what its request must keep to, and the processing jobs that evaluate its rules."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from epochwatch.model.debug_rules import (
    EVALUATORS,
    RULE_OUTPUT,
    evaluation_name,
    evaluation_status,
    evaluator_of,
    tensors_of,
)
from epochwatch.model.diagnosis import DIAGNOSIS, LONGEST_AFTERWARDS_SECONDS, Evaluation
from epochwatch.model.job import PROCESSING, TERMINAL, TRAINING, TrainingJob
from epochwatch.services.call import Call
from epochwatch.services.sagemaker.resources import invalid, job_arn

_ML: Final = "/opt/ml/"
_SMALLEST_VOLUME_GB: Final = 1
_INSTANCE_TYPE: Final = "ml.m5.large"
"""Of a rule that names none: what evaluates SageMaker's own rules is not the user's to choose."""
_AFTERWARDS_SECONDS: Final = 3600
"""How much longer than the training its rules may take."""

Request = Mapping[str, Any]


def completed_debugger(request: dict[str, Any]) -> dict[str, Any]:
    """The request for a training job with the defaults of its rules. Raises AwsError where they cannot be."""
    hook, rules = request.get("DebugHookConfig"), request.get("DebugRuleConfigurations", [])
    if hook is not None:
        _require_place("S3OutputPath of DebugHookConfig", hook["S3OutputPath"])
        _require_local("LocalPath of DebugHookConfig", hook.get("LocalPath"))
    if rules and hook is None:
        raise invalid("DebugRuleConfigurations need a DebugHookConfig: rules look at what it has saved.")
    if not rules:
        return request
    return {**request, "DebugRuleConfigurations": completed_rules("Debug", rules, EVALUATORS)}


def completed_rules(kind: str, rules: list[dict[str, Any]], images: Sequence[str]) -> list[dict[str, Any]]:
    """Rules with their defaults. Raises AwsError where they cannot be; ``images`` are what may evaluate them."""
    _require_names(kind, rules)
    for rule in rules:
        name = rule["RuleConfigurationName"]
        if evaluator_of(rule["RuleEvaluatorImage"]) not in images:
            raise invalid(
                f"RuleEvaluatorImage {rule['RuleEvaluatorImage']} of the rule {name} is not supported: it must be a"
                f" {' or '.join(images)} image."
            )
        _require_place(f"S3OutputPath of the rule {name}", rule.get("S3OutputPath"))
        _require_local(f"LocalPath of the rule {name}", rule.get("LocalPath"))
    return [{"VolumeSizeInGB": 0, **rule} for rule in rules]


def rule_jobs(call: Call, name: str, request: Request) -> dict[str, dict[str, Any]]:
    """The processing jobs that evaluate the rules of a training job that is being created, by name."""
    found = {}
    for rule in request.get("DebugRuleConfigurations", []):
        job = evaluation_name(name, call.now, rule["RuleConfigurationName"])
        given = processing_request(call, name, request, rule)
        given["Environment"]["DEBUG_TENSORS"] = tensors_of(name, request)
        found[job] = {"ProcessingJobName": job, **given}
    return found


def rule_evaluations(call: Call, job: TrainingJob, request: Request) -> list[dict[str, Any]]:
    """DebugRuleEvaluationStatuses, in the order of the rules; the diagnosis of what was saved comes last."""
    jobs = _jobs_of(call, job, request)
    found = evaluations(call, jobs)
    if job.diagnosis is not None and DIAGNOSIS not in jobs:
        found.append(_diagnosis_entry(job, job.diagnosis, call.now))
    return found


def evaluations(call: Call, jobs: Mapping[str, TrainingJob]) -> list[dict[str, Any]]:
    """What becomes of rules, by the processing jobs that evaluate them."""
    found = []
    for rule, evaluation in jobs.items():
        status, details = evaluation_status(evaluation)
        entry = {
            "RuleConfigurationName": rule,
            "RuleEvaluationJobArn": job_arn(call, PROCESSING, evaluation.name),
            "RuleEvaluationStatus": status,
            "LastModifiedTime": evaluation.updated,
        }
        found.append(entry | ({"StatusDetails": details} if details else {}))
    return found


def _diagnosis_entry(job: TrainingJob, diagnosis: Evaluation, now: float) -> dict[str, Any]:
    """It needs no processing job. One of which nothing is heard any more is over with its training."""
    lost = job.ended is not None and now - job.ended > LONGEST_AFTERWARDS_SECONDS
    status = "Stopped" if lost and diagnosis.status == "InProgress" else diagnosis.status
    entry = {
        "RuleConfigurationName": DIAGNOSIS,
        "RuleEvaluationStatus": status,
        "LastModifiedTime": diagnosis.changed,
    }
    return entry | ({"StatusDetails": diagnosis.details} if diagnosis.details else {})


def stop_rules(call: Call, job: TrainingJob, request: Request) -> None:
    """Stop what still evaluates the rules of a training job."""
    stop_evaluations(call, _jobs_of(call, job, request))


def stop_evaluations(call: Call, jobs: Mapping[str, TrainingJob]) -> None:
    """Stop those of the processing jobs that still go on."""
    for evaluation in jobs.values():
        if evaluation.status not in TERMINAL:
            call.stores.state.jobs.stop(call.tenant, evaluation.name, call.now, PROCESSING)


def _jobs_of(call: Call, job: TrainingJob, request: Request) -> dict[str, TrainingJob]:
    """The processing jobs that are there, by rule."""
    rules = [rule["RuleConfigurationName"] for rule in request.get("DebugRuleConfigurations", [])]
    if not rules:
        return {}
    return named_jobs(call, {rule: evaluation_name(job.name, job.created, rule) for rule in rules})


def named_jobs(call: Call, names: Mapping[str, str]) -> dict[str, TrainingJob]:
    """The processing jobs that are there, by rule, from their names."""
    jobs = call.stores.state.jobs.named(call.tenant, list(names.values()), PROCESSING)
    return {rule: jobs[name] for rule, name in names.items() if name in jobs}


def processing_request(call: Call, name: str, request: Request, rule: Request) -> dict[str, Any]:
    """What DescribeProcessingJob shows of a rule's job. The rule itself is in its environment."""
    condition = request.get("StoppingCondition", {})
    longest = max(condition.get("MaxRuntimeInSeconds", 0), condition.get("MaxWaitTimeInSeconds", 0))
    place = rule.get("S3OutputPath") or request.get("OutputDataConfig", {}).get("S3OutputPath", "")
    output = {
        "S3Uri": f"{place.rstrip('/')}/{name}/rule-output",
        "LocalPath": rule.get("LocalPath") or RULE_OUTPUT,
        "S3UploadMode": "Continuous",
    }
    return {
        "TrainingJobArn": job_arn(call, TRAINING, name),
        "RoleArn": request.get("RoleArn", ""),
        "AppSpecification": {"ImageUri": rule["RuleEvaluatorImage"]},
        "ProcessingResources": {
            "ClusterConfig": {
                "InstanceCount": 1,
                "InstanceType": rule.get("InstanceType") or _INSTANCE_TYPE,
                "VolumeSizeInGB": rule["VolumeSizeInGB"] or _SMALLEST_VOLUME_GB,
            }
        },
        "ProcessingInputs": [],
        "ProcessingOutputConfig": {"Outputs": [{"OutputName": "rule-output", "S3Output": output}]},
        "StoppingCondition": {"MaxRuntimeInSeconds": longest + _AFTERWARDS_SECONDS},
        "Environment": {
            "DEBUG_RULE_NAME": rule["RuleConfigurationName"],
            "DEBUG_RULE_PARAMETERS": json.dumps(rule.get("RuleParameters", {})),
            "DEBUG_RULE_OUTPUT": output["LocalPath"],
            "DEBUG_TRAINING_JOB": name,
        },
    }


def _require_names(kind: str, rules: list[dict[str, Any]]) -> None:
    names = [rule["RuleConfigurationName"] for rule in rules]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise invalid(f"{kind} rule configuration names must be unique. {twice} is given more than once.")


def _require_place(what: str, uri: str | None) -> None:
    if uri is not None and not uri.startswith("s3://"):
        raise invalid(f"{what} must be s3://bucket/prefix, not {uri}.")


def _require_local(what: str, path: str | None) -> None:
    if path is not None and (not path.startswith(_ML) or ".." in path.split("/")):
        raise invalid(f"{what} must be below {_ML.rstrip('/')} here, not {path}.")
