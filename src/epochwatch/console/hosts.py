"""A job's hosts under one clock, and which of them is late."""

from dataclasses import asdict
from typing import Any

import msgspec

from epochwatch.model.job import TrainingJob
from epochwatch.model.stragglers import Pace, paces
from epochwatch.model.tenant import Tenant
from epochwatch.store.run_points import TRAINING_JOB
from epochwatch.store.stores import Stores

PACE_SECONDS = 600.0
"""Of a job's last time, over which its hosts are compared."""


def shift_of(job: TrainingJob, host: str) -> float:
    """Seconds to be added to the times of a host to have the server's."""
    clock = job.clocks.get(host)
    return clock.shift if clock is not None else 0.0


def host_paces(stores: Stores, tenant: Tenant, job: TrainingJob) -> dict[str, Pace]:
    """The pace of each host that wrote values with steps lately."""
    start = (job.ended or job.updated) - PACE_SECONDS
    reached = stores.run_points.steps_reached(tenant, TRAINING_JOB, job.name, int(start * 1e6))
    under_one_clock = {
        host: {step: time + shift_of(job, host) for step, time in times.items()} for host, times in reached.items()
    }
    return paces(under_one_clock)


def host_record(job: TrainingJob, host: str, pace: Pace | None) -> dict[str, Any]:
    """What is told of a host beside its metrics."""
    clock = job.clocks.get(host)
    return {
        "clock": msgspec.structs.asdict(clock) | {"shift": clock.shift} if clock is not None else None,
        "pace": asdict(pace) if pace is not None else None,
    }
