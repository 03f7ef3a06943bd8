"""ProfilerConfig: what may be in it, and how a change goes into what is there."""

from collections.abc import Mapping
from typing import Any

from epochwatch.model.sampling import INTERVALS
from epochwatch.services.sagemaker.resources import invalid


def require_profiler(config: Mapping[str, Any]) -> None:
    """Raises AwsError where the interval is none that SageMaker samples at."""
    interval = config.get("ProfilingIntervalInMilliseconds")
    if interval is not None and interval not in INTERVALS:
        raise invalid(
            f"Invalid ProfilingIntervalInMilliseconds {interval}:"
            f" available values are {', '.join(map(str, INTERVALS))} milliseconds."
        )


def changed_profiler(known: Mapping[str, Any] | None, change: Mapping[str, Any]) -> dict[str, Any]:
    """ProfilerConfig after UpdateTrainingJob: what the change leaves out stays as it was."""
    return {**(known or {}), **change}
