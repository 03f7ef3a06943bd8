"""The default dashboards: made when they are asked for, by what is there then. Nothing is stored of them."""

from typing import Any, Final

from epochwatch.model.dashboard.defaults import FLEET, JOB, MOST_ALARMS, fleet_dashboard, job_dashboard
from epochwatch.model.metric import TRAINING_JOBS_NAMESPACE
from epochwatch.services.call import Call
from epochwatch.store.state.alarms import COMPOSITE, METRIC

_MOST_METRICS: Final = 500
"""Of a job, and of each of its hosts."""


def default_body(call: Call, name: str) -> dict[str, Any] | None:
    """The body of the default dashboard of that name; None if there is none."""
    if name == FLEET:
        alarms = call.stores.state.alarms.list(call.tenant, kinds=[COMPOSITE, METRIC], limit=MOST_ALARMS)
        return fleet_dashboard([alarm.arn for alarm in alarms], call.tenant.region)
    if not name.startswith(JOB):
        return None
    job = call.stores.state.jobs.get(call.tenant, name.removeprefix(JOB))
    if job is None:
        return None
    dimensions = [("TrainingJobName", job.name), *(("Host", f"{job.name}/{host}") for host in job.hosts)]
    metrics = [
        metric
        for dimension in dimensions
        for metric in call.stores.metrics.list(
            call.tenant, TRAINING_JOBS_NAMESPACE, None, [dimension], limit=_MOST_METRICS
        )[0]
    ]
    return job_dashboard(job.started, job.ended, call.now, list(dict.fromkeys(metrics)), call.tenant.region)
