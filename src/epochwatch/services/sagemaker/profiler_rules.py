"""Profiler rules of a training job: what its request must keep to, and the processing jobs that evaluate them."""

from collections.abc import Mapping
from typing import Any, Final

from epochwatch.model.debug_rules import BUILTIN, evaluation_name
from epochwatch.model.job import PROCESSING, TrainingJob
from epochwatch.model.sampling import wanted_sampling
from epochwatch.services.call import Call
from epochwatch.services.sagemaker.debug_rules import (
    Request,
    completed_rules,
    evaluations,
    named_jobs,
    processing_request,
    stop_evaluations,
)
from epochwatch.services.sagemaker.resources import invalid
from epochwatch.store.state.job_records import NameTaken

RULES: Final = "ProfilerRuleConfigurations"
_MOST: Final = 20


def completed_profiler_rules(request: dict[str, Any]) -> dict[str, Any]:
    """The request for a training job with the defaults of its profiler rules. Raises AwsError where they cannot be."""
    rules = request.get(RULES, [])
    if not rules:
        return request
    rules = completed_rules("Profiler", rules, (BUILTIN,))
    _require_profile(request)
    return {**request, RULES: rules}


def add_rules(call: Call, job: TrainingJob, known: Request, rules: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Begin to evaluate further rules of a job; ``known`` is its request with what else is changed. Gives the rules
    with their defaults. Raises AwsError where they cannot be added.
    """
    there = known.get(RULES, [])
    added = completed_rules("Profiler", [*there, *rules], (BUILTIN,))[len(there) :]
    _require_profile(known)
    if len(there) + len(rules) > _MOST:
        raise invalid(
            f"A training job may have {_MOST} profiler rules: it has {len(there)}, {len(rules)} are added."
        )
    for name, given in profiler_rule_jobs(call, job.name, job.created, known, added).items():
        try:
            call.stores.state.jobs.create(call.tenant, name, given, [], {}, call.now, kind=PROCESSING)
        except NameTaken as error:
            raise invalid(f"The training job {job.name} has these profiler rules already.") from error
    return added


def profiler_rule_jobs(
    call: Call, name: str, created: float, request: Request, rules: list[dict[str, Any]]
) -> dict[str, dict[str, Any]]:
    """The processing jobs that evaluate rules of a training job that was created at ``created``, by name."""
    found = {}
    for rule in rules:
        job = evaluation_name(name, created, rule["RuleConfigurationName"], profiler=True)
        given = processing_request(call, name, request, rule)
        given["Environment"]["DEBUG_PROFILE"] = wanted_sampling(name, request).output
        found[job] = {"ProcessingJobName": job, **given}
    return found


def profiler_rule_evaluations(call: Call, job: TrainingJob, request: Request) -> list[dict[str, Any]]:
    """ProfilerRuleEvaluationStatuses, in the order of the rules."""
    return evaluations(call, _jobs_of(call, job, request))


def stop_profiler_rules(call: Call, job: TrainingJob, request: Request) -> None:
    """Stop what still evaluates the profiler rules of a training job."""
    stop_evaluations(call, _jobs_of(call, job, request))


def _jobs_of(call: Call, job: TrainingJob, request: Request) -> dict[str, TrainingJob]:
    rules = [rule["RuleConfigurationName"] for rule in request.get(RULES, [])]
    if not rules:
        return {}
    return named_jobs(call, {rule: evaluation_name(job.name, job.created, rule, profiler=True) for rule in rules})


def _require_profile(request: Mapping[str, Any]) -> None:
    """Rules judge what the profiler wrote to S3."""
    profiler = request.get("ProfilerConfig")
    if profiler is None or profiler.get("DisableProfiler"):
        raise invalid(
            f"{RULES} need a ProfilerConfig in which the profiler is not disabled: rules judge what it writes."
        )
    if not wanted_sampling("", request).output:
        raise invalid(
            f"{RULES} need an S3OutputPath of ProfilerConfig or OutputDataConfig: rules judge what is there."
        )
