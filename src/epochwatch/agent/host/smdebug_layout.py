"""System metrics in the files of SageMaker Debugger's profiler: written for its readers, and read from it.

``<directory>/system/incremental/<YYYYMMDDHH, UTC>/<Unix minute>.<node>.json``, an event of JSON on each line.
"""

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, NamedTuple

from epochwatch.agent.host.kept import NAN
from epochwatch.model.host_rows import Column, Row

FILE = re.compile(r"(\d{10})\.(algo-\d+)\.json")
SECOND = 1_000_000


class Event(NamedTuple):
    """One value of one thing, in SageMaker Debugger's words."""

    type: str
    """``cpu``, ``gpu``, ``i/o``, ``memory`` or ``network``."""
    name: str
    """``cpu0``; empty for the network."""
    dimension: str
    """``CPUUtilization``, ``I/OWaitPercentage``, ..."""
    value: float
    node: str
    """``algo-1``"""
    time: float
    """Unix seconds."""

    def to_json(self) -> str:
        """The event's line, without its end."""
        fields = {"Type": self.type, "Name": self.name, "Dimension": self.dimension, "Value": self.value}
        return json.dumps(fields | {"NodeId": self.node, "Timestamp": self.time})

    @classmethod
    def of(cls, line: str) -> "Event":
        """The reverse. Raises ValueError where the line is no event."""
        try:
            found = json.loads(line)
            value, time = float(found["Value"]), float(found["Timestamp"])
            name, dimension = str(found.get("Name", "")), str(found.get("Dimension", ""))
            return cls(str(found["Type"]), name, dimension, value, str(found["NodeId"]), time)
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"a system metric has no {error}") from error


@dataclass(frozen=True, slots=True)
class _Source:
    """From which columns an event is made, and how."""

    type: str
    name: str
    dimension: str
    places: tuple[int, ...]
    per_interval: bool = False
    """The network's are bytes of the interval, not of a second."""

    def value(self, row: Row) -> float:
        values = [row.values[place] for place in self.places]
        known = [value for value in values if value == value]  # noqa: PLR0124 (NaN)
        return sum(known) * (row.seconds if self.per_interval else 1.0) if known else NAN


def sources(columns: Sequence[Column]) -> list[_Source]:
    """What can be told of rows with these columns."""
    found = []
    for place, column in enumerate(columns):
        for pattern, kind, dimension in _EACH:
            match = pattern.fullmatch(column.name)
            if match is not None:
                prefix = "gpu" if kind == "gpu" else "cpu"
                found.append(_Source(kind, f"{prefix}{match[1]}", dimension, (place,)))
        if column.name == "memory.percent":
            found.append(_Source("memory", "MemoryUsedPercent", "MemoryUtilization", (place,)))
    network = tuple(place for place, column in enumerate(columns) if column.name.startswith("network."))
    if network:  # the container's and the platform's are one to us
        found += [_Source("network", "", of, network, per_interval=True) for of in ("Algorithm", "Platform")]
    return found


_EACH = (
    (re.compile(r"cpu\.(\d+)\.busy"), "cpu", "CPUUtilization"),
    (re.compile(r"cpu\.(\d+)\.iowait"), "i/o", "I/OWaitPercentage"),
    (re.compile(r"gpu\.(\d+)\.busy"), "gpu", "GPUUtilization"),
    (re.compile(r"gpu\.(\d+)\.memory\.percent"), "gpu", "GPUMemoryUtilization"),
)


class SystemFiles:
    """Writes rows. What cannot be written is left out: the rows themselves are elsewhere."""

    def __init__(self, directory: Path, node: str, columns: Sequence[Column]) -> None:
        self._directory = directory / "system" / "incremental"
        self._node = node
        self._sources = sources(columns)
        self._minute = -1
        self._file: IO[str] | None = None

    def append(self, row: Row) -> None:
        """The row's events; in the file of its minute."""
        minute = row.time // SECOND // 60 * 60
        with suppress(OSError):
            if minute != self._minute:
                self._open(minute)
            if self._file is not None:
                self._file.write("".join(f"{event.to_json()}\n" for event in self.events(row)))
                self._file.flush()

    def events(self, row: Row) -> Iterator[Event]:
        """What the row says. A core that seems busier than it can be, by the coarseness of ticks, is just busy."""
        time = row.time / SECOND
        for source in self._sources:
            value = source.value(row)
            if value == value:  # noqa: PLR0124 (NaN)
                percent = source.type != "network"
                shown = round(min(value, 100.0), 2) if percent else round(value)
                yield Event(source.type, source.name, source.dimension, shown, self._node, time)

    def close(self) -> None:
        """Ends the file."""
        with suppress(OSError):
            if self._file is not None:
                self._file.close()
        self._file = None

    def _open(self, minute: int) -> None:
        self.close()
        hour = datetime.fromtimestamp(minute, UTC).strftime("%Y%m%d%H")
        directory = self._directory / hour
        directory.mkdir(parents=True, exist_ok=True)
        self._file = open(directory / f"{minute:010d}.{self._node}.json", "a", encoding="utf-8")  # noqa: SIM115
        self._minute = minute


def events_in(text: str) -> list[Event]:
    """The events of one file. A last line that is not whole yet is left out.

    Raises ValueError with the number of any other line that is no event.
    """
    *whole, rest = text.split("\n")
    found = []
    for number, line in enumerate(whole, 1):
        if line.strip():
            try:
                found.append(Event.of(line))
            except ValueError as error:
                raise ValueError(f"line {number}: {error}") from error
    with suppress(ValueError):
        found.append(Event.of(rest))
    return found


def system_files(directory: Path) -> list[tuple[int, str, Path]]:
    """(Unix minute, node, path) of all files below ``directory``, oldest first; with or without hours' folders."""
    paths = (directory / "system" / "incremental").rglob("*.json")
    named = ((FILE.fullmatch(path.name), path) for path in paths)
    return sorted((int(match[1]), match[2], path) for match, path in named if match is not None)
