"""Which jobs there are: training jobs and processing jobs."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from epochwatch.model.job import PROCESSING, TRAINING, JobKind, TrainingJob
from epochwatch.services.call import Call
from epochwatch.services.sagemaker.resource_list import position
from epochwatch.services.sagemaker.resources import job_arn
from epochwatch.services.sagemaker.warm_pools import warm_pool_status
from epochwatch.services.tokens import seal
from epochwatch.store.state.job_records import Sort

PAGE: Final = 10
_ALL: Final = 1_000_000
_AT_ONCE: Final = 10_000
"""Names in one question: databases have a limit."""
_SORTS: Final[dict[str, Sort]] = {"Name": "name", "CreationTime": "created", "Status": "status"}


def list_training_jobs(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """ListTrainingJobs: a page of jobs, oldest first unless asked otherwise.

    Jobs made after the first page was asked for are not in the later ones. No job here has a training plan, so that
    filter finds nothing.
    """
    if "TrainingPlanArnEquals" in request:
        return {"TrainingJobSummaries": []}
    jobs, token = _page(call, request, TRAINING)
    pools = _pools(call, jobs)
    return {"TrainingJobSummaries": [_training_job(call, job, pools.get(job.name)) for job in jobs]} | token


def list_processing_jobs(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """ListProcessingJobs: as ListTrainingJobs."""
    jobs, token = _page(call, request, PROCESSING)
    return {"ProcessingJobSummaries": [_processing_job(call, job) for job in jobs]} | token


def _pools(call: Call, jobs: Sequence[TrainingJob]) -> dict[str, dict[str, Any]]:
    """The warm pools of those jobs that have one, by name."""
    names = [job.name for job in jobs]
    requests: dict[str, dict[str, Any]] = {}
    for first in range(0, len(names), _AT_ONCE):
        requests |= call.stores.state.jobs.requests(call.tenant, names[first : first + _AT_ONCE])
    found = {job.name: warm_pool_status(job, requests.get(job.name, {}), call.now) for job in jobs}
    return {name: pool for name, pool in found.items() if pool is not None}


def _training_job(call: Call, job: TrainingJob, pool: dict[str, Any] | None) -> dict[str, Any]:
    summary: dict[str, Any] = {
        "TrainingJobName": job.name,
        "TrainingJobArn": job_arn(call, TRAINING, job.name),
        "CreationTime": job.created,
        "LastModifiedTime": job.updated,
        "TrainingJobStatus": job.status,
        "SecondaryStatus": job.secondary_status,
    }
    if pool is not None:
        summary["WarmPoolStatus"] = pool
    return summary if job.ended is None else summary | {"TrainingEndTime": job.ended}


def _processing_job(call: Call, job: TrainingJob) -> dict[str, Any]:
    summary: dict[str, Any] = {
        "ProcessingJobName": job.name,
        "ProcessingJobArn": job_arn(call, PROCESSING, job.name),
        "CreationTime": job.created,
        "LastModifiedTime": job.updated,
        "ProcessingJobStatus": job.status,
    }
    if job.failure_reason:
        summary["FailureReason"] = job.failure_reason
    if job.output:
        summary["ExitMessage"] = job.output
    return summary if job.ended is None else summary | {"ProcessingEndTime": job.ended}


def _page(call: Call, request: Mapping[str, Any], kind: JobKind) -> tuple[list[TrainingJob], dict[str, str]]:
    """The jobs of a page, and the token of the next one where there is one."""
    bound = {name: value for name, value in request.items() if name not in ("NextToken", "MaxResults")}
    offset, known_until = position(bound, request.get("NextToken"), call.now)
    pool, size = request.get("WarmPoolStatusEquals"), request.get("MaxResults", PAGE)
    jobs, total = call.stores.state.jobs.list(
        call.tenant,
        search=request.get("NameContains") or None,
        status=request.get("StatusEquals"),
        created_after=request.get("CreationTimeAfter"),
        created_before=min(request.get("CreationTimeBefore", known_until), known_until),
        updated_after=request.get("LastModifiedTimeAfter"),
        updated_before=request.get("LastModifiedTimeBefore"),
        sort=_SORTS[request.get("SortBy", "CreationTime")],
        descending=request.get("SortOrder", "Ascending") == "Descending",
        limit=size if pool is None else _ALL,
        offset=offset if pool is None else 0,
        kind=kind,
    )
    if pool is not None:  # it follows from the request and the time: the state store cannot choose by it
        pools = _pools(call, jobs)
        jobs = [job for job in jobs if pools.get(job.name, {}).get("Status") == pool]
        jobs, total = jobs[offset : offset + size], len(jobs)
    more = jobs and offset + len(jobs) < total
    return jobs, {"NextToken": seal(bound, [offset + len(jobs), known_until])} if more else {}
