"""What a node's cores and GPUs did, one beside the other."""

import re
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from epochwatch.model.host_samples import Samples
from epochwatch.profiler.profile import Span
from epochwatch.profiler.report.samples import Floats, by_statistic, in_percent, places, rounded

CORE_SPANS: Final = 240
"""Into which a job is divided in the map of cores, at most: each has two samples or more."""
MOST_DRAWN: Final = 32
"""Cores and GPUs that are drawn of a node: the busiest of them, if there are more."""
CPU_BUSY: Final = 90.0
IO_BUSY: Final = 50.0
GPU_IDLE: Final = 10.0
"""Percent: what SageMaker's rules on bottlenecks take for a core that computes or waits, and a GPU that has nothing to
do.
"""

CORE: Final = re.compile(r"cpu\.(\d+)\.(busy|iowait)$")
"""Columns of a core."""
_DRAWN: Final = re.compile(r"(cpu|gpu)\.(\d+)\.busy$")


@dataclass(frozen=True, slots=True)
class CoreMap:
    """Percent for each core (or GPU) and span of time; None where nothing was measured."""

    names: tuple[str, ...]
    rows: tuple[tuple[float | None, ...], ...]


@dataclass(frozen=True, slots=True)
class Bottleneck:
    """When a GPU of a node had nothing to do, and when a core was busy meanwhile, or waited for input and output.
    Without a GPU it is said of all time.
    """

    node: str
    samples: int
    gpu_idle: float | None
    """Share of all samples, as those that follow."""
    cpu: float
    io: float


@dataclass(slots=True)
class Cores:
    """Sums of a node's samples so far; every moment by the means that were read."""

    node: str
    span: Span
    count: int = 0
    """How many cores it has."""
    rows: int = 0
    moments: dict[str, int] = field(default_factory=lambda: dict.fromkeys(("idle", "cpu", "io"), 0))
    """In how many rows a GPU had nothing to do; and a core was busy, or waited, beside it or, without a GPU, at all."""
    has_gpu: bool = False
    sums: dict[str, Floats] = field(default_factory=dict)
    """Of each core and GPU: percent times seconds, and seconds, by span of time."""

    def add(self, samples: Samples) -> None:
        """Take over a piece."""
        mean, _, _ = by_statistic(samples)
        names = [name for name in mean if CORE.match(name)]
        self.count = max(self.count, sum(name.endswith(".busy") for name in names))
        self._judge(mean, names, len(samples.times))
        self._draw(mean, samples)

    def _judge(self, mean: dict[str, NDArray[np.float32]], names: list[str], rows: int) -> None:
        gpus = [column for name, column in mean.items() if name.startswith("gpu.") and name.endswith(".busy")]
        self.rows += rows
        self.has_gpu = self.has_gpu or bool(gpus)
        idle = np.fmin.reduce(gpus) < GPU_IDLE if gpus else np.ones(rows, np.bool_)
        self.moments["idle"] += int(idle.sum()) if gpus else 0
        for shown, kind, limit in (("cpu", "busy", CPU_BUSY), ("io", "iowait", IO_BUSY)):
            columns = [mean[name] for name in names if name.endswith(kind)]
            if columns:
                self.moments[shown] += int((idle & (np.fmax.reduce(columns) > limit)).sum())

    def _draw(self, mean: dict[str, NDArray[np.float32]], samples: Samples) -> None:
        at = places(samples.times, self.span, CORE_SPANS)
        for name, column in mean.items():
            match = _DRAWN.match(name)
            if match is None:
                continue
            known = ~np.isnan(column)
            weights = np.bincount(at[known], samples.seconds[known], CORE_SPANS)
            totals = np.bincount(at[known], samples.seconds[known] * in_percent(column[known]), CORE_SPANS)
            shown = f"{'core' if match[1] == 'cpu' else 'GPU'} {match[2]}"
            self.sums.setdefault(shown, np.zeros((2, CORE_SPANS)))
            self.sums[shown] += (totals, weights)

    def map(self) -> CoreMap:
        """The busiest of them over time."""
        spans = next(count for count in (240, 120, 60, 30, 10, 1) if count <= max(self.rows // 2, 1))
        rows: dict[str, Floats] = {}
        for name, sums in self.sums.items():
            totals, weights = sums.reshape(2, spans, CORE_SPANS // spans).sum(axis=2)
            rows[name] = totals / np.where(weights > 0, weights, np.nan)
        shown = sorted(rows, key=lambda name: -float(np.nansum(rows[name])))[:MOST_DRAWN]
        names = sorted(shown, key=lambda name: (name.split()[0], int(name.split()[1])))
        return CoreMap(tuple(names), tuple(rounded(rows[name]) for name in names))

    def bottleneck(self) -> Bottleneck:
        """Of all moments."""
        idle, cpu, io = (self.moments[name] / max(self.rows, 1) for name in ("idle", "cpu", "io"))
        return Bottleneck(self.node, self.rows, idle if self.has_gpu else None, cpu, io)
