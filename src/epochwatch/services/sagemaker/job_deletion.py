"""Jobs that are deleted, of either kind."""

from epochwatch.model.aws_error import AwsError
from epochwatch.model.job import TERMINAL, JobKind
from epochwatch.services.call import Call
from epochwatch.store.job_deletion import delete_job_data
from epochwatch.store.state.job_records import StillRunning


def delete_job(call: Call, kind: JobKind, name: str) -> None:
    """Forget a job and what is its own. Raises AwsError for one that is not there, or has not ended."""
    job = call.stores.state.jobs.get(call.tenant, name, kind)
    if job is None:
        raise AwsError("ResourceNotFound", f"{kind.name.capitalize()} job {name} does not exist.")
    if job.status in TERMINAL:  # the record last: a deletion that is cut short can be asked for again
        delete_job_data(call.stores.engine, call.stores.objects, call.tenant, kind, name)
    try:
        call.stores.state.jobs.delete(call.tenant, name, kind)
    except StillRunning as error:  # this job, or another of its name that was created in this moment
        raise AwsError(
            "ResourceInUse", f"The {kind.name} job {name} is in status {error}: stop it before it is deleted."
        ) from error
