"""Warm pools: the resources of a job that ended stay for the next one like it.

Here a machine is as warm for one job as for another, so a pool is what its record says and nothing more: it is
available for ``KeepAlivePeriodInSeconds`` after its job, and goes over to the first job that asks for the same.
"""

from collections.abc import Mapping
from typing import Any, Final

from epochwatch.model.job import TrainingJob
from epochwatch.services.call import Call
from epochwatch.services.sagemaker.resources import invalid

LONGEST_KEEP_ALIVE_SECONDS: Final = 21_600
AVAILABLE: Final = "Available"
_CLOSED: Final = "WarmPoolClosed"
"""Beside a job's request: since when its pool is no longer available (``Time``), and who has it (``ReusedByJob``)."""
_SAME: Final = (
    "RoleArn", "VpcConfig", "EnableInterContainerTrafficEncryption", "EnableNetworkIsolation",
)  # fmt: skip
_POOLS_AT_ONCE: Final = 10_000

Request = Mapping[str, Any]


def keep_alive(request: Request) -> int:
    """For how many seconds a job asks for a pool; 0 for none."""
    return int(request.get("ResourceConfig", {}).get("KeepAlivePeriodInSeconds", 0))


def require_pool(request: Request) -> None:
    """Raises AwsError for a pool that a job of this kind cannot have."""
    if not keep_alive(request):
        return
    if request.get("EnableManagedSpotTraining"):
        raise invalid("KeepAlivePeriodInSeconds is not supported when EnableManagedSpotTraining is set to true.")
    if request["ResourceConfig"].get("InstanceGroups"):
        raise invalid("KeepAlivePeriodInSeconds is not supported together with InstanceGroups.")


def warm_pool_status(job: TrainingJob, created_with: Request, now: float) -> dict[str, Any] | None:
    """``WarmPoolStatus`` of a job at ``now``; None for one that asked for no pool."""
    closed = created_with.get(_CLOSED)
    period = keep_alive(created_with)
    if not period and closed is None:
        return None
    if job.ended is None:
        return {"Status": "InUse"}
    until = closed["Time"] if closed is not None else job.ended
    if closed is None and job.training_started is not None:
        until += period
    found: dict[str, Any] = {"Status": AVAILABLE if closed is None and now < until else "Terminated"}
    found["ResourceRetainedBillableTimeInSeconds"] = round(max(0.0, min(now, until) - job.ended))
    if closed is not None and "ReusedByJob" in closed:
        found |= {"Status": "Reused", "ReusedByJob": closed["ReusedByJob"]}
    return found


def is_available(job: TrainingJob, created_with: Request, now: float) -> bool:
    """Whether a job's pool waits for the next one."""
    return (warm_pool_status(job, created_with, now) or {}).get("Status") == AVAILABLE


def reuse_pool(call: Call, name: str, request: Request) -> None:
    """Let a job that asks for a pool have the one that waits longest and is like it, if there is one."""
    if not keep_alive(request):
        return
    jobs, _ = call.stores.state.jobs.list(
        call.tenant,
        updated_after=call.now - LONGEST_KEEP_ALIVE_SECONDS,
        sort="updated",
        descending=False,
        limit=_POOLS_AT_ONCE,
    )
    requests = call.stores.state.jobs.requests(call.tenant, [job.name for job in jobs])
    for job in jobs:
        created_with = requests.get(job.name, {})
        fits = is_available(job, created_with, call.now) and _wants(created_with) == _wants(request)
        if fits and close_pool(call, job.name, {"Time": call.now, "ReusedByJob": name}):
            return


def close_pool(call: Call, name: str, closed: Mapping[str, Any]) -> bool:
    """A job's pool is no longer available. False if somebody else has closed it."""
    done = []

    def change(known: dict[str, Any]) -> Mapping[str, Any]:
        if _CLOSED in known:
            return known
        done.append(name)
        return {**known, _CLOSED: closed}

    call.stores.state.jobs.change_request(call.tenant, name, change)
    return bool(done)


def _wants(request: Request) -> tuple[Any, ...]:
    """What two jobs of one pool have in common."""
    resources = {
        key: value for key, value in request["ResourceConfig"].items() if key != "KeepAlivePeriodInSeconds"
    }
    return resources, *(request.get(member) or None for member in _SAME)
