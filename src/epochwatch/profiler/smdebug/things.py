"""The same things in the words of SageMaker Debugger's system metrics and in the sampler's."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from epochwatch.model.host_rows import Column, Row
from epochwatch.profiler.smdebug.system_event import ProfilerSystemEvent

Thing = tuple[str, str | None, str]
"""(type, name, dimension) of an event."""
MEMORY: Final = "memory.percent"
NETWORK: Final = "network.total"
"""The container's traffic; the platform's, which it is a part of, where that is all that was said."""
PLATFORM: Final = "network.platform"
_MEMORY_USED: Final = ("memory", "MemoryUsedPercent", "MemoryUtilization")
_NUMBERED: Final = {
    "cpu.{}.busy": ("cpu", "cpu{}", "CPUUtilization"),
    "cpu.{}.iowait": ("i/o", "cpu{}", "I/OWaitPercentage"),
    "gpu.{}.busy": ("gpu", "gpu{}", "GPUUtilization"),
    "gpu.{}.memory.percent": ("gpu", "gpu{}", "GPUMemoryUtilization"),
}
_COLUMNS: Final = {(kind, dimension): column for column, (kind, _, dimension) in _NUMBERED.items()}
_THINGS: Final = [
    (re.compile(re.escape(column).replace(r"\{\}", r"(\d+)")), thing) for column, thing in _NUMBERED.items()
]


def column_of(thing: Thing) -> str:
    """The sampler's name for a thing; one that it has no name for keeps its own."""
    kind, name, dimension = thing
    column = _COLUMNS.get((kind, dimension))
    if column is not None:
        return column.format(re.sub(r"\D", "", name or ""))
    if kind == "network" and dimension in ("Algorithm", "Platform"):
        return NETWORK if dimension == "Algorithm" else PLATFORM
    return MEMORY if thing[:2] == _MEMORY_USED[:2] else f"{kind}.{name or ''}.{dimension}"


def _thing_of(column: str) -> Thing | None:
    if column == MEMORY:
        return _MEMORY_USED
    for pattern, (kind, name, dimension) in _THINGS:
        if match := pattern.fullmatch(column):
            return kind, name.format(match[1]), dimension
    return None


@dataclass(frozen=True, slots=True)
class Source:
    """From which columns a thing's value is made, and how."""

    thing: Thing
    places: tuple[int, ...]

    def value(self, row: Row) -> float | None:
        """None where nothing is known. A core that seems busier than it can be, by the coarseness of ticks, is just
        busy. The network's are bytes of the interval, not of a second.
        """
        known = [value for place in self.places if (value := row.values[place]) == value]
        if not known:
            return None
        return (
            float(round(sum(known) * row.seconds))
            if self.thing[0] == "network"
            else round(min(known[0], 100.0), 2)
        )


def sources(columns: Sequence[Column]) -> list[Source]:
    """What can be told of rows with these columns."""
    found = []
    for place, column in enumerate(columns):
        thing = _thing_of(column.name)
        if thing is not None:
            found.append(Source(thing, (place,)))
    network = tuple(place for place, column in enumerate(columns) if column.name.startswith("network."))
    if network:  # the container's and the platform's are one to us
        found += [Source(("network", None, of), network) for of in ("Algorithm", "Platform")]
    return found


def events_of(row: Row, told: Sequence[Source], node: str) -> Iterator[ProfilerSystemEvent]:
    """What a row says."""
    for source in told:
        value = source.value(row)
        if value is not None:
            kind, name, dimension = source.thing
            yield ProfilerSystemEvent(kind, dimension, value, node, row.time / 1_000_000, name)
