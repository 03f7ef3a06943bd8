"""What ran inside a training's windows, and what its loaders of data made: events summed up by name."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from epochwatch.profiler.events import Phase
from epochwatch.profiler.profile import Profile, Span
from epochwatch.profiler.report.distribution import Distribution, Durations

TOP: Final = 25
"""Operators, kernels and functions that are named of each kind."""
MOST_NAMES: Final = 20_000
"""Names of a kind that are told apart; what comes beyond is summed up as ``REST``."""
REST: Final = "(others)"
_NAMED: Final = (Phase.OPERATOR, Phase.KERNEL, Phase.PYTHON, Phase.OTHER)


@dataclass(frozen=True, slots=True)
class Operator:
    """All calls of one name."""

    name: str
    calls: int
    """Also those that were only recorded added up."""
    seconds: float
    share: float
    """Of the seconds of all of its kind."""


@dataclass(frozen=True, slots=True)
class WindowCost:
    """Steps over which the framework's profiler ran."""

    node: str
    rank: int
    first_step: int
    last_step: int
    start: float
    """Unix seconds."""
    seconds: float
    cost: float | None
    """Seconds by which it made them longer; None if that cannot be said."""
    path: str


@dataclass(frozen=True, slots=True)
class Operators:
    """The longest of each kind, and the loaders' batches."""

    operators: tuple[Operator, ...]
    kernels: tuple[Operator, ...]
    functions: tuple[Operator, ...]
    other: tuple[Operator, ...]
    """Phases that another profiler named."""
    loaders: int
    """Processes that made batches."""
    batches: Distribution
    """Seconds a loader took for one."""
    windows: tuple[WindowCost, ...]


def operators(profile: Profile, span: Span) -> Operators:
    """Reads operators, kernels, functions and loaders' batches once."""
    sums = {phase: _Sums() for phase in _NAMED}
    batches = Durations()
    loaders: set[tuple[str, int]] = set()
    for table in profile.events(span, (*_NAMED, Phase.WORKER)):
        phases = table.column("phase").cast(pa.string())
        for phase in pc.unique(phases).to_pylist():
            rows = table.filter(pc.equal(phases, phase))
            if phase == Phase.WORKER:
                batches.add(rows.column("duration").to_numpy() / 1e6)
                loaders |= _processes(rows)
            else:
                sums[Phase(phase)].add(rows)
    return Operators(
        sums[Phase.OPERATOR].longest(),
        sums[Phase.KERNEL].longest(),
        sums[Phase.PYTHON].longest(),
        sums[Phase.OTHER].longest(),
        len(loaders),
        batches.distribution(),
        tuple(_windows(profile)),
    )


def _processes(rows: pa.Table) -> set[tuple[str, int]]:
    pairs = pa.table({"node": rows.column("node").cast(pa.string()), "process": rows.column("process")})
    found = pairs.group_by(["node", "process"]).aggregate([])
    return set(zip(found.column("node").to_pylist(), found.column("process").to_pylist(), strict=True))


@dataclass(slots=True)
class _Sums:
    """Calls and seconds by name."""

    found: dict[str, list[float]] = field(default_factory=dict)

    def add(self, rows: pa.Table) -> None:
        thread = rows.column("thread")
        calls = pc.if_else(pc.less(thread, 0), pc.negate(thread), 1)
        names = rows.column("name").cast(pa.string())
        table = pa.table({"name": names, "calls": calls, "duration": rows.column("duration")})
        summed = table.group_by("name").aggregate([("calls", "sum"), ("duration", "sum")])
        for name, calls, micros in zip(*(summed.column(one).to_pylist() for one in _COLUMNS), strict=True):
            known = name or ""
            if known not in self.found and len(self.found) >= MOST_NAMES:
                known = REST
            sums = self.found.setdefault(known, [0.0, 0.0])
            sums[0] += calls
            sums[1] += micros / 1e6

    def longest(self) -> tuple[Operator, ...]:
        total = sum(seconds for _, seconds in self.found.values())
        ordered: Sequence[tuple[str, list[float]]] = sorted(self.found.items(), key=lambda one: -one[1][1])
        return tuple(
            Operator(name, int(calls), seconds, seconds / total if total else 0.0)
            for name, (calls, seconds) in ordered[:TOP]
        )


_COLUMNS: Final = ("name", "calls_sum", "duration_sum")


def _windows(profile: Profile) -> Iterator[WindowCost]:
    for one in profile.windows():
        cost = None if one.cost != one.cost else one.cost
        start, end = one.span
        yield WindowCost(
            one.node, one.rank, one.first_step, one.last_step, start / 1e6, (end - start) / 1e6, cost, one.path
        )
