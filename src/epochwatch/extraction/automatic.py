"""Learns a log's metrics from the log: numeric fields that name a measure, or that recur like one."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, NamedTuple

from epochwatch.extraction.fields import Field, definition_regex, fields
from epochwatch.extraction.shapes import LONGEST, Slot, number_at, place_of, runs_of, shape_of, slots
from epochwatch.extraction.steps import Place
from epochwatch.extraction.tables import Table, header, may_be_row, row_regex
from epochwatch.model.batch import Definition

MOST_NAMES = 2000
"""Distinct names that are remembered; further ones are passed over."""
_BESIDE = 2  # sightings that make a metric of a field beside a measure, a step or an epoch
_ALONE = 3  # ... and of one that stands alone, if its number changes
_HELD = 16
# A line with one entry of a dictionary, or one row of a table of names and values.
_ITEM = re.compile(
    rb"\s*\{?\s*(?:'[^']*'|\"[^\"]*\")\s*:\s*[^\s,]+\s*[,}]?\s*"
    rb"|\s*(?:\||\xe2\x94[\x82\x83])[^|\xe2]*(?:\||\xe2\x94[\x82\x83])[^|\xe2]*(?:\||\xe2\x94[\x82\x83])\s*"
)

_MOST_SHAPES = 4096


class Found(NamedTuple):
    """A value, and the place of the line that it was on."""

    name: str
    value: float
    place: Place


@dataclass(slots=True)
class _Name:
    """What is known of a name."""

    regex: str
    accepted: bool = False
    sightings: int = 0
    beside: int = 0
    changed: bool = False
    whole: bool = True
    held: list[tuple[float, list[Any]]] = field(default_factory=list)

    def state(self) -> list[Any]:
        # JSON has no NaN.
        held = [[repr(value), place] for value, place in self.held]
        return [self.regex, self.accepted, self.sightings, self.beside, self.changed, self.whole, held]

    @classmethod
    def restored(cls, state: list[Any]) -> "_Name":
        regex, accepted, sightings, beside, changed, whole, held = state
        earlier = [(float(value), place) for value, place in held]
        return cls(regex, accepted, sightings, beside, changed, whole, earlier)


class Detector:
    """Turns lines into values of metrics that nobody has defined.

    A field whose name holds a measure (loss, accuracy, auc, ...) is a metric at first sight. Any other becomes
    one at its second sighting on lines that also tell a measure, a step or an epoch, or at its third elsewhere
    if its number changes; its earlier values are given then, with their own steps. Whole numbers that only rise or
    only fall, or never change, do not become metrics, nor do names of housekeeping (times, sizes, ports, ids, ...).
    A function of the lines seen, in bounded memory.

    Most lines of a log differ from earlier ones in their numbers only: such a *shape* of lines is looked at once.
    ``shapes=False`` looks at every line: the same answers, slowly.
    """

    def __init__(self, taken: frozenset[str] = frozenset(), *, shapes: bool = True) -> None:
        self._taken = taken
        self._names: dict[str, _Name] = {}
        self._table: Table | None = None
        self._shapes: dict[bytes, tuple[Slot, ...]] | None = {} if shapes else None
        self._once: set[bytes] = set()  # shapes seen once
        self._settled: Sequence[Slot] | None = None  # of the line observed last
        self.overflowed = False
        """More distinct names appeared than are remembered."""

    def observe(self, text: bytes, place: Place) -> list[Found]:
        """The values of a line, in the order printed."""
        places = None if self._shapes is None else self._shapes.get(shape := shape_of(text))
        self._settled = None if places else places
        if places is not None:
            return self._seen_before(text, places, place) if places else []
        every = list(fields(text))
        seen = [item for item in every if item.kind != "junk" and item.name not in self._taken]
        if not seen and self._tabled(text):
            row = self._table.row(text, place) if self._table is not None else None
            if row is not None:
                seen, place = row
        elif self._shapes is not None:
            self._remember(shape, text, seen, every)
        return self._sights(text, seen, place) if seen else []

    def idle(self, text: bytes) -> bool:
        """Whether the line is known to tell nothing."""
        return self._shapes is not None and self._shapes.get(shape_of(text)) == ()

    def settled(self, text: bytes) -> list[tuple[str, tuple[int, int]]] | None:
        """The metrics that lines of the shape of this line give, which was observed last, and where it has each;
        None if that may yet change.
        """
        if self._settled is None:
            return None
        runs = runs_of(text) if self._settled else []
        return [(slot.name, place_of(runs, slot)) for slot in self._settled]

    @property
    def tabled(self) -> bool:
        """Whether the header of a table has come: lines that told nothing before may be rows behind it."""
        return self._table is not None

    def definition(self, name: str) -> Definition:
        """The definition learnt for a metric that ``observe`` gave."""
        return Definition(name, self._names[name].regex, "auto")

    def definitions(self) -> list[Definition]:
        """The learnt metrics, in the order of their names' first sighting."""
        return [self.definition(name) for name, entry in self._names.items() if entry.accepted]

    def state(self) -> dict[str, Any]:
        """Everything learnt; JSON-able."""
        return {
            "names": {name: entry.state() for name, entry in self._names.items()},
            "table": None if self._table is None else self._table.state(),
            "overflowed": self.overflowed,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Goes on where ``state`` was taken."""
        self._names = {name: _Name.restored(entry) for name, entry in state["names"].items()}
        self._table = None if state["table"] is None else Table(*state["table"])
        self.overflowed = state["overflowed"]

    def _tabled(self, text: bytes) -> bool:
        """Whether a line is the header of a table, or may be a row of the one whose header came last."""
        table = header(text)
        if table is not None:
            if self._table is None and self._shapes is not None:
                self._shapes.clear()  # some may be of rows
            self._table = table
            return True
        return self._table is not None and may_be_row(text)

    def _remember(self, shape: bytes, text: bytes, seen: Sequence[Field], every: Sequence[Field]) -> None:
        """Notes a shape at its second sighting: many never come again."""
        shapes, once = self._shapes, self._once
        if shapes is None or len(shape) > LONGEST:
            return
        if shape not in once:
            if len(once) >= _MOST_SHAPES:
                once.clear()
            once.add(shape)
            return
        places = slots(text, seen, every)
        if places is not None:
            if len(shapes) >= _MOST_SHAPES:
                shapes.clear()
            shapes[shape] = places

    def _seen_before(self, text: bytes, places: Sequence[Slot], place: Place) -> list[Found]:
        """The values of a line of which the shape is known."""
        runs, learnt = runs_of(text), self._names
        values = [number_at(text, runs, slot) for slot in places]
        for slot in places:
            entry = learnt.get(slot.name)
            if entry is None or not entry.accepted:
                some = [
                    Field(slot.name, value, *slot.field[2:]) for slot, value in zip(places, values, strict=True)
                ]
                return self._sights(text, some, place)
        self._settled = places
        return [Found(slot.name, value, place) for slot, value in zip(places, values, strict=True)]

    def _sights(self, text: bytes, seen: Sequence[Field], place: Place) -> list[Found]:
        beside = (
            place.step is not None
            or place.epoch is not None
            or any(item.kind == "metric" for item in seen)
            or _ITEM.fullmatch(text) is not None
        )
        found: list[Found] = []
        here: set[str] = set()
        for item in seen:
            if item.name in here or item.name in self._taken or item.kind == "junk":
                continue
            here.add(item.name)
            entry = self._entry(item)
            if entry is not None:
                found += self._sight(entry, item, place, beside)
        return found

    def _entry(self, item: Field) -> _Name | None:
        entry = self._names.get(item.name)
        if entry is None:
            if len(self._names) >= MOST_NAMES:
                self.overflowed = True
                return None
            regex = definition_regex(item) if item.column < 0 else row_regex(item)
            entry = self._names[item.name] = _Name(regex, accepted=item.kind == "metric")
        return entry

    @staticmethod
    def _sight(entry: _Name, item: Field, place: Place, beside: bool) -> list[Found]:
        """The values that a sighting gives: none, its own, or its own behind those held so far."""
        sighting = Found(item.name, item.value, place)
        if entry.accepted:
            return [sighting]
        entry.sightings += 1
        entry.beside += beside
        entry.whole = entry.whole and item.whole and item.kind != "rate"
        numbers = [number for number, _ in entry.held] + [item.value]
        entry.changed = entry.changed or item.value != numbers[0]
        recurs = entry.sightings >= _ALONE and entry.changed and item.kind != "loose"
        if (recurs or entry.beside >= _BESIDE) and not (entry.whole and _one_way(numbers)):
            entry.accepted = True
            held, entry.held = entry.held, []
            return [*(Found(item.name, earlier, Place(*where)) for earlier, where in held), sighting]
        if len(entry.held) < _HELD:
            entry.held.append((item.value, place.state()))
        return []


def _one_way(numbers: Sequence[float]) -> bool:
    """Whether the numbers only rise, or only fall, or stay: a counter, or a setting."""
    steps = [after - before for before, after in pairwise(numbers)]
    return min(steps, default=0) >= 0 or max(steps, default=0) <= 0
