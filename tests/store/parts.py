"""Parts of an agent's batches, from plain lists."""

from collections.abc import Sequence

import numpy as np

from epochwatch.model.batch import NO_STEP, InstanceSamples, LogEvents, Registration, RunPoints
from epochwatch.model.job import Run
from epochwatch.model.tenant import Tenant
from epochwatch.store.stores import Stores

NOW = 1_795_200_000
"""Unix seconds, five minutes before an hour is full."""


def registered(stores: Stores, tenant: Tenant, number: int = 1, name: str = "job", host: str = "algo-1") -> Run:
    registration = Registration(run_id=f"{number:032x}", name=name, started=float(NOW), host=host)
    return stores.state.jobs.register(tenant, registration, float(NOW))


def _bytes(values: Sequence[float], dtype: str) -> bytes:
    return np.array(values, dtype).tobytes()


def log_events(run: Run, positions: Sequence[int], messages: Sequence[str] | None = None) -> LogEvents:
    """Lines, 1000 s apart by position: a few of them cross days."""
    return LogEvents(
        source=f"{run.run_id}/output.log",
        positions=_bytes(positions, "<u8"),
        timestamps=_bytes([(NOW + 1000 * p) * 1000 for p in positions], "<i8"),
        messages=[f"line {p}" for p in positions] if messages is None else list(messages),
    )


def run_points(
    run: Run,
    positions: Sequence[int],
    values: Sequence[float] | None = None,
    name: str = "loss",
    steps: Sequence[int] | None = None,
) -> RunPoints:
    """Values of one metric, 1000 s apart by position: a few of them cross hours."""
    return RunPoints(
        source=f"{run.run_id}/output.log",
        positions=_bytes(positions, "<u8"),
        names=[name],
        metrics=_bytes([0] * len(positions), "<u4"),
        steps=_bytes([NO_STEP] * len(positions) if steps is None else steps, "<i8"),
        epochs=_bytes([float("nan")] * len(positions), "<f8"),
        timestamps=_bytes([(NOW + 1000 * p) * 1_000_000 for p in positions], "<i8"),
        values=_bytes(positions if values is None else values, "<f8"),
    )


def samples(run: Run, positions: Sequence[int], values: Sequence[float] | None = None) -> InstanceSamples:
    """CPUUtilization, one value per position."""
    return InstanceSamples(
        source=f"{run.run_id}/samples.bin",
        positions=_bytes(positions, "<u8"),
        names=["CPUUtilization"],
        metrics=_bytes([0] * len(positions), "<u4"),
        timestamps=_bytes([(NOW + 1000 * p) * 1_000_000 for p in positions], "<i8"),
        values=_bytes(positions if values is None else values, "<f8"),
    )
