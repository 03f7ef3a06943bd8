"""What a node's machine did over a job: use of each resource, over time, and by core and GPU."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from epochwatch.model.host_samples import Samples
from epochwatch.profiler.profile import Profile, Span
from epochwatch.profiler.report.distribution import Distribution

Floats = NDArray[np.float64]
SECOND: Final = 1_000_000
_RESOLUTIONS: Final = ((3 * 3600, 0, 1800), (3 * 86_400, 1, 6 * 3600), (30 * 86_400, 10, 86_400))
"""Up to how many seconds of a job which summaries are read (0: every sample), in pieces of how many seconds."""
_LONGEST: Final = (60, 7 * 86_400)
SPANS: Final = 300
"""Into which a job is divided where it is drawn, at most: each has two samples or more."""
CORE_SPANS: Final = 240
"""The same of cores."""
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
class CoreMap:
    """Percent for each core (or GPU) and span of time; None where nothing was measured."""

    names: tuple[str, ...]
    rows: tuple[tuple[float | None, ...], ...]


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
class Bottleneck:
    """How much of a node's time a GPU had nothing to do, and in how much of that a core was busy, or waited for input
    and output. Without a GPU only the second half is known: of all time.
    """

    node: str
    samples: int
    gpu_idle: float | None
    cpu: float
    io: float
    """Shares of all samples."""


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
    resolution, piece_seconds = _resolution(span)
    use = _Use(node, span, resolution)
    for piece in pieces(span, piece_seconds):
        use.add(profile.system(node, piece, wanted, resolution))
    return use.result()


def pieces(span: Span, seconds: int) -> Iterator[Span]:
    """Parts of a span that are so many seconds long, and a last one."""
    for start in range(span[0], span[1], seconds * SECOND):
        yield start, min(start + seconds * SECOND, span[1])


def _resolution(span: Span) -> tuple[int, int]:
    seconds = (span[1] - span[0]) / SECOND
    return next(((found, piece) for longest, found, piece in _RESOLUTIONS if seconds <= longest), _LONGEST)


def wanted(name: str) -> bool:
    """Whether a sampler's column is one of those that are summed up."""
    return name in _WHOLE or any(pattern.match(name) for pattern in (CORE, _GPU, _FLOW))


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
    sums: dict[str, Floats] = field(default_factory=dict)
    """Of each core and GPU: percent times seconds, and seconds, by span of time."""

    def add(self, samples: Samples) -> None:
        if not len(samples.times):
            return
        mean, least, greatest = by_statistic(samples)
        self.times.append(samples.times)
        self.seconds.append(samples.seconds)
        for name, column in of_node(mean).items():
            self._keep(name, column)
        for name, column in of_node(least).items():
            self._keep(f"{name}.min", column)
        for name, column in of_node(greatest).items():
            self._keep(f"{name}.max", column)
        self._keep_busiest(mean, greatest)
        self._draw(mean, samples)

    def _keep(self, name: str, column: NDArray[np.float32]) -> None:
        self.columns.setdefault(name, []).append((len(self.times) - 1, column.astype(np.float32)))

    def _keep_busiest(
        self, mean: dict[str, NDArray[np.float32]], greatest: dict[str, NDArray[np.float32]]
    ) -> None:
        found = greatest or mean
        for kind in ("busy", "iowait"):
            cores = [column for name, column in found.items() if (match := CORE.match(name)) and match[2] == kind]
            if cores:
                self._keep(f"busiest.{kind}", _most(cores))
        gpus = [column for name, column in mean.items() if (match := _GPU.match(name)) and match[2] == "busy"]
        if gpus:
            self._keep("idlest.gpu", -_most([-column for column in gpus]))

    def _draw(self, mean: dict[str, NDArray[np.float32]], samples: Samples) -> None:
        places = _places(samples.times, self.span, CORE_SPANS)
        for name, column in mean.items():
            match = CORE.match(name) or _GPU.match(name)
            if match is None or match[2] != "busy":
                continue
            known = ~np.isnan(column)
            weights = np.bincount(places[known], samples.seconds[known], CORE_SPANS)
            totals = np.bincount(places[known], samples.seconds[known] * column[known], CORE_SPANS)
            shown = f"{'core' if name.startswith('cpu') else 'GPU'} {match[1]}"
            self.sums.setdefault(shown, np.zeros((2, CORE_SPANS)))
            self.sums[shown] += (totals, weights)

    def column(self, name: str) -> Floats:
        """One column of all pieces; NaN where a piece has none."""
        parts = dict(self.columns.get(name, ()))
        empty = np.full(0, np.nan)
        all_parts = [parts.get(place, np.full(len(times), np.nan)) for place, times in enumerate(self.times)]
        return np.concatenate([empty, *all_parts])

    def result(self) -> NodeUse:
        times = np.concatenate([np.empty(0, np.int64), *self.times])
        seconds = np.concatenate([np.empty(0), *self.seconds])
        found = [name for name in UNITS if name in self.columns]
        return NodeUse(
            self.node,
            len(times),
            self.resolution,
            {name: self._distribution(name) for name in found},
            {name: self._curve(name, times, seconds) for name in found},
            self._core_map(),
            tuple(self._gpus()),
            self._bottleneck(),
        )

    def _distribution(self, name: str) -> Distribution:
        if f"{name}.min" not in self.columns:
            return Distribution.of(self.column(name))
        return Distribution.of(self.column(name), self.column(f"{name}.min"), self.column(f"{name}.max"))

    def _curve(self, name: str, times: NDArray[np.int64], seconds: Floats) -> Curve:
        mean = self.column(name)
        top = self.column(f"{name}.max") if f"{name}.max" in self.columns else mean
        spans = int(np.clip(len(times) // 2, 1, SPANS))
        places = _places(times, self.span, spans)
        known = ~np.isnan(mean)
        weights = np.bincount(places[known], seconds[known], spans)
        totals = np.bincount(places[known], seconds[known] * mean[known], spans)
        tops = np.full(spans, -np.inf)
        np.maximum.at(tops, places[known], top[known])
        with np.errstate(invalid="ignore"):
            means = totals / np.where(weights > 0, weights, np.nan)
        return Curve(rounded(means), rounded(np.where(np.isfinite(tops), tops, np.nan)))

    def _core_map(self) -> CoreMap:
        samples = sum(map(len, self.times))
        spans = next(count for count in (240, 120, 60, 30, 10, 1) if count <= max(samples // 2, 1))
        rows: dict[str, Floats] = {}
        for name, sums in self.sums.items():
            totals, weights = sums.reshape(2, spans, CORE_SPANS // spans).sum(axis=2)
            rows[name] = totals / np.where(weights > 0, weights, np.nan)
        shown = sorted(rows, key=lambda name: -float(np.nansum(rows[name])))[:MOST_DRAWN]
        names = sorted(shown, key=lambda name: (name.split()[0], int(name.split()[1])))
        return CoreMap(tuple(names), tuple(rounded(rows[name]) for name in names))

    def _gpus(self) -> Iterator[GpuUse]:
        numbers = sorted({int(match[1]) for name in self.columns if (match := _GPU.match(name))})
        for number in numbers:
            busy = self.column(f"gpu.{number}.busy")
            bars, _ = np.histogram(np.clip(busy[~np.isnan(busy)], 0, 100), bins=20, range=(0, 100))
            memory = Distribution.of(self.column(f"gpu.{number}.memory.percent"))
            yield GpuUse(self.node, number, Distribution.of(busy), memory, tuple(int(bar) for bar in bars))

    def _bottleneck(self) -> Bottleneck:
        busy = self.column("busiest.busy") > CPU_BUSY
        waiting = self.column("busiest.iowait") > IO_BUSY
        samples = len(busy)
        if "idlest.gpu" not in self.columns:
            return Bottleneck(self.node, samples, None, _share(busy), _share(waiting))
        idle = self.column("idlest.gpu") < GPU_IDLE
        return Bottleneck(self.node, samples, _share(idle), _share(idle & busy), _share(idle & waiting))


def by_statistic(samples: Samples) -> tuple[dict[str, NDArray[np.float32]], ...]:
    """Columns by their own names: means (or every sample), then least and greatest of summaries."""
    found: tuple[dict[str, NDArray[np.float32]], ...] = ({}, {}, {})
    for name, column in samples.values.items():
        stem, _, statistic = name.rpartition(".")
        place = {"mean": 0, "min": 1, "max": 2}.get(statistic)
        found[0 if place is None else place][name if place is None else stem] = column
    return found


def of_node(columns: dict[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float32]]:
    """The columns of UNITS, and those of each GPU as they are."""
    cores = [name for name in columns if (match := CORE.match(name)) and match[2] == "busy"]
    found: dict[str, NDArray[np.float32]] = {}
    for name, whole, part in (("cpu", "cpu.busy", "busy"), ("iowait", "cpu.iowait", "iowait")):
        if whole in columns and cores:
            found[name] = columns[whole] / np.float32(len(cores))
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
    return found


def _most(columns: list[NDArray[np.float32]]) -> NDArray[np.float32]:
    most: NDArray[np.float32] = np.fmax.reduce(columns)
    return most


def _places(times: NDArray[np.int64], span: Span, count: int) -> NDArray[np.int64]:
    """Of each time the span it lies in."""
    length = max(span[1] - span[0], 1)
    places: NDArray[np.int64] = np.clip((times - span[0]) * count // length, 0, count - 1)
    return places


def _share(which: NDArray[np.bool_]) -> float:
    return float(which.mean()) if len(which) else 0.0


def rounded(values: Floats) -> tuple[float | None, ...]:
    """Numbers as they are drawn; None for NaN."""
    return tuple(None if value != value else float(f"{value:.4g}") for value in values.tolist())  # noqa: PLR0124
