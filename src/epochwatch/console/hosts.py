"""A job's hosts under one clock, which of them is late, and what each of their cores did."""

import re
import time
from dataclasses import asdict
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from epochwatch.model.host_samples import Samples
from epochwatch.model.job import TRAINING, TrainingJob
from epochwatch.model.stragglers import Pace, paces
from epochwatch.model.tenant import Tenant
from epochwatch.store.host_samples import HostPlace, read_samples, read_summaries
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
    behind = max([0.0, *(shift_of(job, host) for host in job.hosts)])
    start = (job.ended or time.time()) - PACE_SECONDS - behind
    reached = stores.run_points.steps_reached(tenant, TRAINING_JOB, job.name, int(start * 1e6))
    under_one_clock = {
        host: {step: at + shift_of(job, host) for step, at in times.items()} for host, times in reached.items()
    }
    return paces(under_one_clock)


def host_record(job: TrainingJob, host: str, pace: Pace | None) -> dict[str, Any]:
    """What is told of a host beside its metrics."""
    clock = job.clocks.get(host)
    return {
        "clock": msgspec.structs.asdict(clock) | {"shift": clock.shift} if clock is not None else None,
        "pace": asdict(pace) if pace is not None else None,
    }


def cores(
    stores: Stores, tenant: Tenant, job: TrainingJob, host: str, window: tuple[float, float], width: int
) -> dict[str, Any]:
    """How busy each core of a host was from ``window[0]`` to ``window[1]`` (Unix seconds by the server's clock): means
    in percent over ``width`` equal spans, None where nothing was sampled.
    """
    shift = shift_of(job, host)
    start, end = window[0] - shift, window[1] - shift
    place = HostPlace(tenant, TRAINING.resource, job.name, host)
    found = _read(stores, place, start, end)
    by_core = {int(match[1]): column for name, column in found.values.items() if (match := _BUSY.match(name))}
    spans = np.clip(((found.times / 1e6 - start) / (end - start) * width).astype(np.int64), 0, width - 1)
    return {
        "host": host,
        "from": window[0],
        "to": window[1],
        "cores": sorted(by_core),
        "busy": [_means(by_core[core], found.seconds, spans, width) for core in sorted(by_core)],
    }


_BUSY = re.compile(r"cpu\.(\d+)\.busy(\.mean)?$")
_SPANS = ((PACE_SECONDS, 0), (3 * 3600, 1), (86_400, 10))
"""Up to how many seconds which summaries are read; 0: every sample."""


def resolution(seconds: float) -> int:
    """Of how many seconds summaries are read of so long a time; 0: every sample."""
    return next((span for longest, span in _SPANS if seconds <= longest), 60)


def _read(stores: Stores, place: HostPlace, start: float, end: float) -> Samples:
    """The samples themselves, or where there would be too many, their summaries."""
    span = resolution(end - start)
    if not span:
        return read_samples(stores.objects, place, start, end, _is_busy)
    return read_summaries(stores.objects, place, start, end, span, _is_busy)


def _is_busy(name: str) -> bool:
    return _BUSY.match(name) is not None


def _means(
    column: NDArray[np.float32], seconds: NDArray[np.float32], spans: NDArray[np.int64], width: int
) -> list[float | None]:
    known = ~np.isnan(column)
    weights = np.bincount(spans[known], seconds[known], width)
    sums = np.bincount(spans[known], column[known] * seconds[known], width)
    return [
        round(min(total / weight, 100.0), 1) if weight else None
        for total, weight in zip(sums.tolist(), weights.tolist(), strict=True)
    ]
