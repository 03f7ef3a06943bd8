"""Trainings of the wanted kind, as profiles in memory."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from epochwatch.model.host_samples import Columns, Samples, summed_up
from epochwatch.profiler.events import Phase
from epochwatch.profiler.profile import Span
from tests.profiler.profiles import event
from tests.profiler.rules.profiles import S, SampledProfile, samples

Parts = Mapping[str, float]
HEALTHY: Parts = {"data_loading": 0.004, "forward": 0.04, "backward": 0.08, "optimizer": 0.02, "idle": 0.006}
"""Seconds of a step's phases."""


class Training(SampledProfile):
    """With summaries, as stores have them."""

    def system(self, node: str, span: Span, columns: Columns = None, seconds: int = 0) -> Samples:
        found = super().system(node, span, columns)
        return summed_up(found, seconds) if seconds and len(found.times) else found


def rank_steps(
    count: int,
    parts: Callable[[int], Parts] | Parts,
    *,
    rank: int = 0,
    node: str = "algo-1",
    begin: float = 1.0,
    first: int = 0,
    every: int = 1,
    process: int = 0,
) -> list[dict[str, Any]]:
    """Steps of one process, of which every n-th is recorded."""
    rows: list[dict[str, Any]] = []
    now = round(begin * S)
    who = {"rank": rank, "node": node, "process": process or 10 + rank}
    for number in range(first, first + count):
        found = parts(number) if callable(parts) else parts
        start = now
        for name, seconds in found.items():
            length = round(seconds * S)
            if name != "idle" and length and (number % every == 0 or name in ("checkpoint", "evaluation")):
                rows.append(event(Phase(name), now, length, number, **who))
            now += length
        if number % every == 0:
            rows.append(event(Phase.STEP, start, now - start, number, **who))
    return rows


def machine(seconds: float, cores: int = 4, **columns: float | Callable[[Any], Any]) -> Samples:
    """A node's samples each 0.1 s: a column (``job_cpu``) is a number, or of Unix seconds."""
    times = np.arange(0, seconds, 0.1)
    known: dict[str, Any] = {
        "job.cpu": 100.0,
        "cpu.busy": 110.0,
        "cpu.iowait": 0.0,
        "job.read": 0.0,
        "job.pss": 1e9,
        "pressure.io.some": 0.0,
        "memory.limit": 64e9,
        "memory.percent": 20.0,
        **{f"cpu.{core}.busy": 25.0 for core in range(cores)},
        **{name.replace("_", "."): value for name, value in columns.items()},
    }
    values = {name: one(times) if callable(one) else np.full(len(times), one) for name, one in known.items()}
    return samples(values, every=0.1)


def training(rows: list[dict[str, Any]], **nodes: Samples) -> Training:
    """Steps and the nodes' samples."""
    rows = sorted(rows, key=lambda row: int(row["start"]))
    return Training(rows, {name.replace("_", "-"): one for name, one in nodes.items()})
