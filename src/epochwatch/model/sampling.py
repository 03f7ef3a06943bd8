"""How often hosts are sampled, and what SageMaker's ProfilerConfig of a job says of it."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

INTERVALS: Final = (100, 200, 500, 1000, 5000, 60000)
"""Milliseconds: those that ProfilingIntervalInMilliseconds has."""
DEFAULT_INTERVAL: Final = 100
PROFILER_INTERVAL: Final = 500
"""ProfilingIntervalInMilliseconds where it is left out."""
UNPROFILED_INTERVAL: Final = 1000
"""Of a job whose profiler was turned off: just what the instance metrics need."""


class Wanted(msgspec.Struct, omit_defaults=True, frozen=True):
    """How the server wants a host of a created job to be sampled."""

    interval: int = DEFAULT_INTERVAL
    """Milliseconds; one of INTERVALS."""
    output: str = ""
    """S3 URI of the folder of the profiler's files; empty: none are written."""
    profiler: dict[str, Any] = {}
    """ProfilerConfig as it is now; empty: there never was one."""


def wanted_sampling(job: str, request: Mapping[str, Any]) -> Wanted:
    """What the input of CreateTrainingJob, as it was changed since, means for the hosts of ``job``.

    Where ProfilerConfig has no S3OutputPath, the files go where the job's output goes.
    """
    profiler = request.get("ProfilerConfig")
    if profiler is None:
        return Wanted()
    if profiler.get("DisableProfiler"):
        return Wanted(UNPROFILED_INTERVAL, profiler=profiler)
    path = profiler.get("S3OutputPath") or (request.get("OutputDataConfig") or {}).get("S3OutputPath", "")
    output = f"{path.rstrip('/')}/{job}/profiler-output" if path else ""
    return Wanted(int(profiler.get("ProfilingIntervalInMilliseconds") or PROFILER_INTERVAL), output, profiler)
