"""Records of the stores as the API's JSON."""

from dataclasses import asdict
from typing import Any

import msgspec

from epochwatch.console.curves import number
from epochwatch.model.batch import DefinitionHealth
from epochwatch.model.diagnosis import Diagnosis
from epochwatch.model.health import problems
from epochwatch.model.job import TrainingJob
from epochwatch.model.tenant import Tenant
from epochwatch.store.metric_summaries import Metrics


def job_summary(tenant: Tenant, job: TrainingJob, metrics: Metrics) -> dict[str, Any]:
    """A job as in the list."""
    return {
        "name": job.name,
        "arn": tenant.arn("sagemaker", f"training-job/{job.name}"),
        "status": job.status,
        "secondary_status": job.secondary_status,
        "created": job.created,
        "started": job.started,
        "ended": job.ended,
        "updated": job.updated,
        "host_count": job.host_count,
        "exit_code": job.exit_code,
        "command": job.command,
        "tags": job.tags,
        "metrics": [asdict(metric) | {"final": number(metric.final)} for metric in metrics.values()],
        "failure_reason": job.failure_reason,
        "noted": job.noted,
    }


def job_detail(tenant: Tenant, job: TrainingJob, metrics: Metrics, diagnosis: Diagnosis | None) -> dict[str, Any]:
    """A job with all that is known of it."""
    return job_summary(tenant, job, metrics) | {
        "definitions": [msgspec.structs.asdict(one) for one in job.definitions],
        "health": [_health(one) for one in job.health],
        "hosts": job.hosts,
        "config": job.config,
        "summary": job.summary,
        "working_directory": job.working_directory,
        "hostname": job.hostname,
        "user": job.user,
        "log_group": job.log_group,
        "log_stream": job.log_stream,
        "transitions": [asdict(one) for one in job.transitions],
        "created_by_api": job.created_by_api,
        "tensors": job.tensors,
        "diagnosis": msgspec.to_builtins(diagnosis),
        "note": job.note,
    }


def _health(health: DefinitionHealth) -> dict[str, Any]:
    ambiguous = [msgspec.structs.asdict(one) for one in health.ambiguous]
    return msgspec.structs.asdict(health) | {"ambiguous": ambiguous, "problems": problems(health)}
