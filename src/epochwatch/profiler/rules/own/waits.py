"""What a node did while the training waited for data, and the processes that load them."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from epochwatch.model.host_samples import Samples
from epochwatch.profiler.events import Phase
from epochwatch.profiler.profile import Profile, Span

_SECOND: Final = 1_000_000
_PIECE: Final = 60 * _SECOND
_PIECES: Final = 30
"""Of a long training so many minutes are looked at, evenly spread."""
_COLUMNS: Final = ("job.cpu", "job.read", "cpu.busy", "cpu.iowait", "pressure.io.some", "pressure.cpu.some")
_WAITING: Final = 0.7
"""Of a sample's time: then it says what the node does in a wait."""
_LEAST_SAMPLES: Final = 5
_LEAST_SPREAD: Final = 0.1

Shares = NDArray[np.float64]


@dataclass
class Waits:
    """Means of a node's samples while its processes wait for data."""

    means: dict[str, float] = field(default_factory=dict)
    """By column, those of ``disk.*.read`` together as ``disk.read``; what was not measured is missing."""

    def mean(self, column: str) -> float:
        """0 of what was not measured."""
        return self.means.get(column, 0.0)


@dataclass
class Loaders:
    """Processes of a node that do nothing but load data."""

    processes: float = 0.0
    """At a time, on average."""
    busy: float = 0.0
    """Share of their time in which they make batches."""
    batches: int = 0
    seconds: float = 0.0
    """Of one batch, on average."""


def waits_of(profile: Profile, span: Span, nodes: Sequence[str]) -> tuple[dict[str, Loaders], dict[str, Waits]]:
    """By node. Reads at most half an hour of events and samples."""
    lives = defaultdict[str, dict[int, list[int]]](dict)
    weighted = defaultdict[str, list[tuple[Shares, Samples]]](list)
    looked_at = 0
    for piece in _pieces(span):
        looked_at += piece[1] - piece[0]
        waits = defaultdict[str, dict[tuple[int, int], list[NDArray[np.int64]]]](lambda: defaultdict(list))
        for table in profile.events(piece, (Phase.DATA_LOADING, Phase.WORKER)):
            _take(table, lives, waits)
        for node in nodes:
            if node not in waits:
                continue
            samples = profile.system(node, piece, _is_wanted)
            if len(samples.times):
                weighted[node].append((_shares(samples, list(waits[node].values())), samples))
    loaders = {node: _loaders(list(of_node.values()), looked_at) for node, of_node in lives.items()}
    return loaders, {node: _means(pieces) for node, pieces in weighted.items()}


def _pieces(span: Span) -> list[Span]:
    starts = range(span[0], span[1], _PIECE)
    chosen = sorted({round(place) for place in np.linspace(0, len(starts) - 1, min(_PIECES, len(starts)))})
    return [(starts[number], min(starts[number] + _PIECE, span[1])) for number in chosen]


def _is_wanted(column: str) -> bool:
    return column in _COLUMNS or (column.startswith("disk.") and column.endswith(".read"))


def _take(
    table: pa.Table,
    lives: dict[str, dict[int, list[int]]],
    waits: dict[str, dict[tuple[int, int], list[NDArray[np.int64]]]],
) -> None:
    phases = np.asarray(pc.cast(table["phase"], pa.string()), dtype=object)
    nodes = np.asarray(pc.cast(table["node"], pa.string()), dtype=object)
    start, process = np.asarray(table["start"]), np.asarray(table["process"])
    rank, end = np.asarray(table["rank"]), np.asarray(table["start"]) + np.asarray(table["duration"])
    for node in set(nodes):
        loading = np.flatnonzero((nodes == node) & (phases == Phase.WORKER.value))
        for number in np.unique(process[loading]).tolist():
            rows = loading[process[loading] == number]
            first, last = int(start[rows].min()), int(end[rows].max())
            known = lives[node].setdefault(number, [first, last, 0, 0])
            known[0], known[1] = min(known[0], first), max(known[1], last)
            known[2] += int((end[rows] - start[rows]).sum())
            known[3] += len(rows)
        waiting = np.flatnonzero((nodes == node) & (phases == Phase.DATA_LOADING.value))
        for one in set(zip(rank[waiting].tolist(), process[waiting].tolist(), strict=True)):
            rows = waiting[(rank[waiting] == one[0]) & (process[waiting] == one[1])]
            waits[node][one].append(np.stack([start[rows], end[rows]], axis=1))


def _shares(samples: Samples, waits: list[list[NDArray[np.int64]]]) -> Shares:
    """Of each sample, the share of its time in which processes waited: the mean over them."""
    ends = samples.times.astype(np.float64)
    starts = ends - samples.seconds * _SECOND
    total = np.zeros(len(ends))
    for parts in waits:
        stretches = np.concatenate(parts)
        stretches = stretches[np.argsort(stretches[:, 0])].astype(np.float64)
        stretches[1:, 0] = np.maximum(stretches[1:, 0], np.maximum.accumulate(stretches[:, 1])[:-1])
        stretches[:, 1] = np.maximum(stretches[:, 1], stretches[:, 0])
        lengths = np.cumsum(stretches[:, 1] - stretches[:, 0])
        times = stretches.ravel()
        waited = np.stack([lengths - (stretches[:, 1] - stretches[:, 0]), lengths], axis=1).ravel()
        total += np.interp(ends, times, waited) - np.interp(starts, times, waited)
    found: Shares = total / np.maximum(ends - starts, 1) / max(1, len(waits))
    return found.clip(0.0, 1.0)


def _means(pieces: list[tuple[Shares, Samples]]) -> Waits:
    names = {name for _, samples in pieces for name in samples.values}
    shares = np.concatenate([share for share, _ in pieces])
    found: dict[str, float] = {}
    reads: dict[str, float] = {}
    for name in names:
        values = np.concatenate(
            [samples.values.get(name, np.full(len(share), np.nan)) for share, samples in pieces]
        ).astype(np.float64)
        mean = _while_waiting(shares, values)
        if mean is not None:
            (reads if name.startswith("disk.") else found)[name] = mean
    if reads:
        found["disk.read"] = sum(reads.values())
    return Waits(found)


def _while_waiting(shares: Shares, values: Shares) -> float | None:
    """The mean over samples that lie in waits; where waits are shorter than samples, what a straight line through all
    samples comes to at a sample that is all wait.
    """
    known = ~np.isnan(values)
    shares, values = shares[known], values[known]
    waiting = shares >= _WAITING
    if waiting.sum() >= _LEAST_SAMPLES:
        return float(values[waiting].mean())
    if not len(values) or not shares.sum():
        return None
    if shares.std() < _LEAST_SPREAD:
        return float(values.mean())
    slope = float(np.cov(shares, values, bias=True)[0, 1] / shares.var())
    at_one = float(values.mean()) + slope * (1.0 - float(shares.mean()))
    return min(max(at_one, 0.0), float(values.max()))


def _loaders(lives: list[list[int]], looked_at: int) -> Loaders:
    alive = sum(last - first for first, last, _, _ in lives)
    busy, batches = sum(one[2] for one in lives), sum(one[3] for one in lives)
    span = max(last for _, last, _, _ in lives) - min(first for first, _, _, _ in lives)
    return Loaders(
        alive / max(1, min(span, looked_at)),
        min(1.0, busy / max(1, alive)),
        batches,
        busy / max(1, batches) / _SECOND,
    )
