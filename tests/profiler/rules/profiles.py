"""Profiles of the wanted signals, in memory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from epochwatch.model.host_samples import Columns, Samples
from epochwatch.profiler.events import Phase
from epochwatch.profiler.profile import Span
from tests.profiler.profiles import MemoryProfile, event

S = 1_000_000


@dataclass
class SampledProfile(MemoryProfile):
    """Samples and events, read by span as a real one is."""

    def span(self) -> Span:
        found = [super().span()] if self.rows else []
        found += [(int(one.times[0]), int(one.times[-1]) + 1) for one in self.samples.values() if len(one.times)]
        return (min(first for first, _ in found), max(last for _, last in found)) if found else (0, 0)

    def system(self, node: str, span: Span, columns: Columns = None, seconds: int = 0) -> Samples:
        found = super().system(node, span)
        rows = (found.times >= span[0]) & (found.times < span[1])
        names = found.values
        if callable(columns):
            names = {name: one for name, one in names.items() if columns(name)}
        elif columns is not None:
            names = {name: names[name] for name in columns if name in names}
        values = {name: one[rows] for name, one in names.items()}
        return Samples(found.times[rows], found.seconds[rows], values, found.units)


def samples(values: Mapping[str, Sequence[float]], *, every: float = 0.5, begin: float = 0.0) -> Samples:
    """Columns of equal length, sampled every so many seconds."""
    count = len(next(iter(values.values())))
    times = np.rint((begin + np.arange(count) * every) * S).astype(np.int64)
    columns = {name: np.array(column, np.float32) for name, column in values.items()}
    return Samples(times, np.full(count, every, np.float32), columns, dict.fromkeys(columns, "Percent"))


def sampled(*rows: dict[str, object], **nodes: Samples) -> SampledProfile:
    """A profile of nodes (``algo_1``) and events."""
    return SampledProfile(list(rows), {name.replace("_", "-"): one for name, one in nodes.items()})


def steps(durations: Sequence[float], *, begin: float = 0.0, **other: object) -> list[dict[str, object]]:
    """Step events of so many seconds, one after another."""
    starts = begin + np.concatenate([[0.0], np.cumsum(durations)])
    return [
        event(Phase.STEP, round(start * S), round(one * S), number, **other)
        for number, (start, one) in enumerate(zip(starts, durations, strict=False))
    ]
