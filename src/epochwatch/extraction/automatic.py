"""Learns a log's metrics from the log: numeric fields that name a measure, or that recur like one."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from epochwatch.extraction import names
from epochwatch.extraction.fields import definition_regex, fields
from epochwatch.extraction.steps import Place
from epochwatch.model.batch import Definition

MOST_NAMES = 2000
"""Distinct names that are remembered; further ones are passed over."""
_BESIDE = 2  # sightings that make a metric of a field beside a measure, a step or an epoch
_ALONE = 3  # ... and of one that stands alone, if its number changes
_HELD = 3


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
    held: list[tuple[float, list[Any]]] = field(default_factory=list)

    def state(self) -> list[Any]:
        # JSON has no NaN.
        held = [[repr(value), place] for value, place in self.held]
        return [self.regex, self.accepted, self.sightings, self.beside, self.changed, held]

    @classmethod
    def restored(cls, state: list[Any]) -> "_Name":
        regex, accepted, sightings, beside, changed, held = state
        earlier = [(float(value), place) for value, place in held]
        return cls(regex, accepted, sightings, beside, changed, earlier)


class Detector:
    """Turns lines into values of metrics that nobody has defined.

    A field whose name holds a measure (loss, accuracy, auc, ...) is a metric at first sight. Any other becomes
    one at its second sighting on lines that also tell a measure, a step or an epoch, or at its third elsewhere
    if its number changes; its earlier values are given then, with their own steps. Names of housekeeping (times,
    sizes, ports, ids, counters, ...) never become metrics. A function of the lines seen, in bounded memory.
    """

    def __init__(self, taken: frozenset[str] = frozenset()) -> None:
        self._taken = taken
        self._names: dict[str, _Name] = {}
        self.overflowed = False
        """More distinct names appeared than are remembered."""

    def observe(self, text: bytes, place: Place) -> list[Found]:
        """The values of a line, in the order printed."""
        seen = list(fields(text))
        if not seen:
            return []
        beside = (
            place.step is not None
            or place.epoch is not None
            or any(names.kind(item.name) == "metric" for item in seen)
        )
        found: list[Found] = []
        here: set[str] = set()
        for name, value, printed in seen:
            kind = names.kind(name)
            if name in here or name in self._taken or kind == "junk":
                continue
            here.add(name)
            entry = self._entry(name, printed, measure=kind == "metric")
            if entry is not None:
                found += self._sight(entry, Found(name, value, place), beside)
        return found

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
            "overflowed": self.overflowed,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Goes on where ``state`` was taken."""
        self._names = {name: _Name.restored(entry) for name, entry in state["names"].items()}
        self.overflowed = state["overflowed"]

    def _entry(self, name: str, printed: str, *, measure: bool) -> _Name | None:
        entry = self._names.get(name)
        if entry is None:
            if len(self._names) >= MOST_NAMES:
                self.overflowed = True
                return None
            entry = self._names[name] = _Name(definition_regex(printed), accepted=measure)
        return entry

    @staticmethod
    def _sight(entry: _Name, sighting: Found, beside: bool) -> list[Found]:
        """The values that a sighting gives: none, its own, or its own behind those held so far."""
        name, value, place = sighting
        if entry.accepted:
            return [sighting]
        entry.sightings += 1
        entry.beside += beside
        entry.changed = entry.changed or (bool(entry.held) and value != entry.held[0][0])
        if entry.beside >= _BESIDE or (entry.sightings >= _ALONE and entry.changed):
            entry.accepted = True
            held, entry.held = entry.held, []
            return [*(Found(name, earlier, Place(*where)) for earlier, where in held), sighting]
        if len(entry.held) < _HELD:
            entry.held.append((value, place.state()))
        return []
