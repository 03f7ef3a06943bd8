"""What a trial needs of a format: its collections, the steps that came, the values behind them."""

from abc import abstractmethod
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from epochwatch.debugger.collection import CollectionManager
from epochwatch.debugger.mode_keys import ModeKeys
from epochwatch.debugger.places import Place
from epochwatch.debugger.reductions import Reduction
from epochwatch.debugger.smdebug import layout

Array = np.ndarray[Any, Any]
Location = Any
"""Where a value is; only its source can read it."""


@dataclass(slots=True)
class Entry:
    """What one worker saved of a tensor at a step."""

    location: Location | None = None
    shape: tuple[int, ...] | None = None
    original_name: str | None = None
    reductions: Mapping[Reduction, Location] = field(default_factory=dict)

    def add(self, other: "Entry") -> None:
        """Take over what the other knows."""
        self.location = other.location or self.location
        self.shape = self.shape if other.shape is None else other.shape
        self.original_name = other.original_name or self.original_name
        if other.reductions:
            self.reductions = {**self.reductions, **other.reductions} if self.reductions else other.reductions


class Entries(Mapping[str, Entry]):
    """What one worker saved at a step, by tensor."""

    @abstractmethod
    def location(self, name: str) -> Location | None:
        """That of the entry's value, without the entry; None without either."""


@dataclass(slots=True)
class SavedStep:
    """What one worker saved at a global step, by tensor name. ``names`` are those of the entries, as one object for
    all steps that have the same where the source can.
    """

    step: int
    mode: ModeKeys
    mode_step: int
    worker: str
    names: Collection[str]
    entries: Entries


class Source(Protocol):
    """A trial's files in one format."""

    def collections(self) -> dict[str, CollectionManager]:
        """By worker, of those that wrote theirs."""

    def ended(self) -> bool:
        """Whether the training is over: what is read after this was asked is everything."""

    def news(self, after_step: int) -> list[SavedStep]:
        """What came since the last call, of steps after ``after_step``."""

    def values(self, locations: Sequence[Location]) -> list[Array]:
        """The arrays behind some locations. Raises FileNotFoundError."""

    def each(self, locations: Sequence[Location]) -> Iterator[tuple[int, Array]]:
        """The same one by one, file by file, each with its place in ``locations``: as little as possible is held."""

    def statistics(
        self,
        tensors: Sequence[str] | None,
        statistics: Sequence[str] | None,
        steps: tuple[int, int] | None = None,
    ) -> Any:
        """An Arrow table of ``tensor``, ``step``, ``mode``, ``mode_step``, ``time``, ``worker`` and the statistics
        (all if None), of some tensors or all, of the global steps from the first to the last of ``steps``, sorted by
        tensor, step and worker; null where one was not saved. None where a format keeps each statistic by itself.
        """


def in_order(found: Iterator[tuple[int, Array]], count: int) -> list[Array]:
    """The arrays of ``Source.each`` in the order of their locations."""
    values: list[Any] = [None] * count
    for number, value in found:
        values[number] = value
    return values


def read_collections(place: Place) -> dict[str, CollectionManager]:
    """Collections by worker; the same file in both formats."""
    found = {name: layout.worker_of_collections(name) for name in place.names(layout.COLLECTIONS)}
    return {worker: CollectionManager.load(place.read(name)) for name, worker in found.items() if worker}


def training_ended(place: Place) -> bool:
    """Whether the end mark is there; the same file in both formats."""
    return place.exists(layout.END_OF_JOB)
