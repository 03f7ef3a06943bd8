"""Which training jobs there are."""

from typing import Any, Final

from epochwatch.model.aws_error import AwsError
from epochwatch.services.call import Call
from epochwatch.services.sagemaker.training_job import job_arn
from epochwatch.services.tokens import seal, unseal
from epochwatch.store.state.job_records import Sort

PAGE: Final = 10
_SORTS: Final[dict[str, Sort]] = {"Name": "name", "CreationTime": "created", "Status": "status"}


def list_training_jobs(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """ListTrainingJobs: a page of jobs, oldest first unless asked otherwise.

    Jobs made after the first page was asked for are not in the later ones. No job here has a warm pool or a
    training plan, so those filters find nothing.
    """
    if "WarmPoolStatusEquals" in request or "TrainingPlanArnEquals" in request:
        return {"TrainingJobSummaries": []}
    bound = {name: value for name, value in request.items() if name not in ("NextToken", "MaxResults")}
    offset, known_until = _position(bound, request.get("NextToken"), call.now)
    limit = request.get("MaxResults", PAGE)
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
        limit=limit,
        offset=offset,
    )
    summaries = []
    for job in jobs:
        summary: dict[str, Any] = {
            "TrainingJobName": job.name,
            "TrainingJobArn": job_arn(call, job),
            "CreationTime": job.created,
            "LastModifiedTime": job.updated,
            "TrainingJobStatus": job.status,
            "SecondaryStatus": job.secondary_status,
        }
        if job.ended is not None:
            summary["TrainingEndTime"] = job.ended
        summaries.append(summary)
    answer: dict[str, Any] = {"TrainingJobSummaries": summaries}
    if offset + len(jobs) < total and jobs:
        answer["NextToken"] = seal(bound, [offset + len(jobs), known_until])
    return answer


def _position(bound: dict[str, Any], token: str | None, now: float) -> tuple[int, float]:
    """(jobs already delivered, until when jobs must have been made)."""
    if not token:
        return 0, now + 1.0
    try:
        offset, known_until = unseal(bound, token)
    except ValueError as error:
        raise AwsError("ValidationException", "Invalid pagination token given.") from error
    return offset, known_until
