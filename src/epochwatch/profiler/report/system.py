"""What a node's machine did over a job: use of each resource, over time, and by core and GPU."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from epochwatch.model.host_samples import Samples
from epochwatch.profiler.profile import Profile, Span
from epochwatch.profiler.report.cores import CORE, Bottleneck, CoreMap, Cores
from epochwatch.profiler.report.distribution import Distribution
from epochwatch.profiler.report.samples import SECOND, Floats, by_statistic, in_percent, places, rounded


class Resolution(NamedTuple):
    """How a job of up to ``longest`` seconds is read: by summaries of how many seconds (0: every sample), and in pieces
    of how many.
    """

    longest: float
    node: int
    cores: int
    piece: int


_RESOLUTIONS: Final = (
    Resolution(3 * 3600, 0, 0, 1800),
    Resolution(3 * 86_400, 1, 10, 6 * 3600),
    Resolution(30 * 86_400, 10, 60, 86_400),
    Resolution(float("inf"), 60, 60, 7 * 86_400),
)
SPANS: Final = 300
"""Into which a job is divided where it is drawn, at most: each has two samples or more."""
_GPU: Final = re.compile(r"gpu\.(\d+)\.(busy|memory\.percent|power)$")
_FLOW: Final = re.compile(r"(network|disk)\.(total|[^.]+\.(received|sent|read|write))$")
_WHOLE: Final = frozenset({"cpu.busy", "cpu.iowait", "memory.percent"})
UNITS: Final = {
    "cpu": "Percent",
    "iowait": "Percent",
    "memory": "Percent",
    "gpu": "Percent",
    "gpu_memory": "Percent",
    "network": "Bytes/Second",
    "disk": "Bytes/Second",
    "power": "Watts",
}
"""What is said of a node: means of its cores and GPUs, sums of its networks, disks and GPUs' power."""


@dataclass(frozen=True, slots=True)
class Curve:
    """One resource over time, in equal spans of the job, SPANS at most; None where nothing was measured."""

    mean: tuple[float | None, ...]
    max: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class GpuUse:
    """One GPU."""

    node: str
    gpu: int
    busy: Distribution
    memory: Distribution
    histogram: tuple[int, ...]
    """How many samples were in each twentieth from 0 to 100 %."""


@dataclass(frozen=True, slots=True)
class NodeUse:
    """One node."""

    node: str
    samples: int
    resolution: int
    """Seconds of which the means were read; 0: every sample."""
    resources: dict[str, Distribution]
    """By the names of UNITS; those that were measured."""
    curves: dict[str, Curve]
    cores: CoreMap
    gpus: tuple[GpuUse, ...]
    bottleneck: Bottleneck


def node_use(profile: Profile, node: str, span: Span) -> NodeUse:
    """Reads the node's samples once, a piece at a time, and keeps a few columns of them."""
    seconds = (span[1] - span[0]) / SECOND
    by = next(one for one in _RESOLUTIONS if seconds <= one.longest)
    use, cores = _Use(node, span, by.node), Cores(node, span)
    for piece in pieces(span, by.piece):
        if by.node == by.cores:
            samples = profile.system(node, piece, wanted, by.node)
            cores.add(samples)
        else:
            cores.add(profile.system(node, piece, _of_core, by.cores))
            samples = profile.system(node, piece, _of_whole, by.node)
        use.add(samples, cores.count)
    return use.result(cores)


def pieces(span: Span, seconds: int) -> Iterator[Span]:
    """Parts of a span that are so many seconds long, and a last one."""
    for start in range(span[0], span[1], seconds * SECOND):
        yield start, min(start + seconds * SECOND, span[1])


def wanted(name: str) -> bool:
    """Whether a sampler's column is one of those that are summed up."""
    return name in _WHOLE or any(pattern.match(name) for pattern in (CORE, _GPU, _FLOW))


def _of_core(name: str) -> bool:
    return CORE.match(name) is not None or (name.startswith("gpu.") and name.endswith(".busy"))


def _of_whole(name: str) -> bool:
    return wanted(name) and CORE.match(name) is None


@dataclass(slots=True)
class _Use:
    """What is kept of the samples so far: columns of the node, and sums of its cores by span of time."""

    node: str
    span: Span
    resolution: int
    times: list[NDArray[np.int64]] = field(default_factory=list)
    seconds: list[NDArray[np.float32]] = field(default_factory=list)
    columns: dict[str, list[tuple[int, NDArray[np.float32]]]] = field(default_factory=dict)
    """Each with the number of the piece it is of."""

    def add(self, samples: Samples, cores: int) -> None:
        """Take over a piece of a node with so many cores."""
        if not len(samples.times):
            return
        mean, least, greatest = by_statistic(samples)
        self.times.append(samples.times)
        self.seconds.append(samples.seconds)
        for name, column in of_node(mean, cores).items():
            self._keep(name, column)
        for name, column in of_node(least, cores).items():
            self._keep(f"{name}.min", column)
        for name, column in of_node(greatest, cores).items():
            self._keep(f"{name}.max", column)

    def _keep(self, name: str, column: NDArray[np.float32]) -> None:
        self.columns.setdefault(name, []).append((len(self.times) - 1, column.astype(np.float32)))

    def column(self, name: str) -> Floats:
        """One column of all pieces; NaN where a piece has none."""
        parts = dict(self.columns.get(name, ()))
        empty = np.full(0, np.nan)
        all_parts = [parts.get(place, np.full(len(times), np.nan)) for place, times in enumerate(self.times)]
        return np.concatenate([empty, *all_parts])

    def result(self, cores: Cores) -> NodeUse:
        times = np.concatenate([np.empty(0, np.int64), *self.times])
        seconds = np.concatenate([np.empty(0), *self.seconds])
        found = [name for name in UNITS if name in self.columns]
        return NodeUse(
            self.node,
            len(times),
            self.resolution,
            {name: self._distribution(name) for name in found},
            {name: self._curve(name, times, seconds) for name in found},
            cores.map(),
            tuple(self._gpus()),
            cores.bottleneck(),
        )

    def _distribution(self, name: str) -> Distribution:
        if f"{name}.min" not in self.columns:
            return Distribution.of(self.column(name))
        return Distribution.of(self.column(name), self.column(f"{name}.min"), self.column(f"{name}.max"))

    def _curve(self, name: str, times: NDArray[np.int64], seconds: Floats) -> Curve:
        mean = self.column(name)
        top = self.column(f"{name}.max") if f"{name}.max" in self.columns else mean
        spans = int(np.clip(len(times) // 2, 1, SPANS))
        at = places(times, self.span, spans)
        known = ~np.isnan(mean)
        weights = np.bincount(at[known], seconds[known], spans)
        totals = np.bincount(at[known], seconds[known] * mean[known], spans)
        tops = np.full(spans, -np.inf)
        np.maximum.at(tops, at[known], top[known])
        with np.errstate(invalid="ignore"):
            means = totals / np.where(weights > 0, weights, np.nan)
        return Curve(rounded(means), rounded(np.where(np.isfinite(tops), tops, np.nan)))

    def _gpus(self) -> Iterator[GpuUse]:
        numbers = sorted({int(match[1]) for name in self.columns if (match := _GPU.match(name))})
        for number in numbers:
            busy = self.column(f"gpu.{number}.busy")
            bars, _ = np.histogram(np.clip(busy[~np.isnan(busy)], 0, 100), bins=20, range=(0, 100))
            memory = Distribution.of(self.column(f"gpu.{number}.memory.percent"))
            yield GpuUse(self.node, number, Distribution.of(busy), memory, tuple(int(bar) for bar in bars))


def of_node(columns: dict[str, NDArray[np.float32]], cores: int = 0) -> dict[str, NDArray[np.float32]]:
    """The columns of UNITS, and those of each GPU as they are. ``cores`` is how many there are, where not all of them
    are among the columns.
    """
    cores = cores or sum(name.endswith(".busy") for name in columns if CORE.match(name))
    found: dict[str, NDArray[np.float32]] = {}
    for name, whole, part in (("cpu", "cpu.busy", "busy"), ("iowait", "cpu.iowait", "iowait")):
        if whole in columns and cores:
            found[name] = columns[whole] / np.float32(cores)
        elif own := [column for one, column in columns.items() if (match := CORE.match(one)) and match[2] == part]:
            found[name] = np.mean(own, axis=0)
        elif whole in columns:
            found[name] = columns[whole]
    if "memory.percent" in columns:
        found["memory"] = columns["memory.percent"]
    gpus: dict[str, list[NDArray[np.float32]]] = {}
    for name, column in columns.items():
        if match := _GPU.match(name):
            found[name] = column
            gpus.setdefault(match[2], []).append(column)
        elif match := _FLOW.match(name):
            found[match[1]] = found.get(match[1], np.float32(0)) + np.nan_to_num(column)
    for kind, name in (("busy", "gpu"), ("memory.percent", "gpu_memory")):
        if kind in gpus:
            found[name] = np.mean(gpus[kind], axis=0)
    if "power" in gpus:
        found["power"] = np.sum(gpus["power"], axis=0)
    return {name: in_percent(column) if _is_percentage(name) else column for name, column in found.items()}


def _is_percentage(name: str) -> bool:
    return UNITS.get(name) == "Percent" or name.endswith((".busy", ".percent"))
