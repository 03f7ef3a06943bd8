"""Values of PromQL expressions, for all steps of an evaluation at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from epochwatch.model.promql.errors import PromqlError
from epochwatch.model.promql.labels import Labels, written

Floats: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.int64]
Flags: TypeAlias = NDArray[np.bool_]

MAX_CELLS = 5_000_000
"""Series times steps of any vector on the way to an answer."""


@dataclass(frozen=True, slots=True)
class Samples:
    """The samples of one series; columns of one length, ascending by time."""

    labels: Labels
    times: Integers
    """Milliseconds since 1970."""
    values: Floats
    reach: Integers
    """Milliseconds for which a sample stands for its series if no other follows."""


@dataclass(frozen=True, slots=True)
class Vector:
    """Instant vectors, one a step: row i holds the values of the series ``labels[i]``, where they are ``present``."""

    labels: Sequence[Labels]
    values: Floats
    """(series, steps); anything where not present."""
    present: Flags
    times: Integers | None = None
    """Of a bare selector: when its values were sampled (milliseconds), shaped like ``values``."""

    @property
    def steps(self) -> int:
        """How many steps there are."""
        return int(self.values.shape[1])


@dataclass(frozen=True, slots=True)
class Scalar:
    """A number for each step."""

    values: Floats


@dataclass(frozen=True, slots=True)
class Text:
    """A string."""

    text: str


@dataclass(frozen=True, slots=True)
class RangeVector:
    """Series with the time ranges, one a step, that are looked at: after ``starts``, up to and including ``ends``."""

    series: Sequence[Samples]
    starts: Integers
    ends: Integers
    moments: Integers
    """The steps (milliseconds): ends without offset."""


Value: TypeAlias = Vector | Scalar | Text | RangeVector


def check_cells(series: int, steps: int) -> None:
    """Raises PromqlError where a vector would become too large."""
    if series * steps > MAX_CELLS:
        raise PromqlError(
            f"{series} series at {steps} steps are too many at once (at most {MAX_CELLS} values): select fewer "
            "series, or take a longer step",
            "execution",
        )


def empty(steps: int) -> Vector:
    """No series at all."""
    return Vector([], np.empty((0, steps)), np.empty((0, steps), np.bool_))


def some(present: Flags, rows: Sequence[int] | NDArray[np.intp] | slice = slice(None)) -> Flags:
    """At which steps any of the rows is present."""
    found: Flags = np.asarray(np.any(present[rows], axis=0))
    return found


def stacked(labels: Sequence[Labels], values: Sequence[Floats], present: Sequence[Flags], steps: int) -> Vector:
    """A vector of rows."""
    if not labels:
        return empty(steps)
    return Vector(labels, np.stack(values), np.stack(present))


def selected(vector: Vector, rows: Sequence[int]) -> Vector:
    """These rows, in this order."""
    chosen = np.asarray(rows, np.intp)
    return Vector([vector.labels[row] for row in rows], vector.values[chosen], vector.present[chosen])


def inhabited(vector: Vector) -> Vector:
    """Without series that have no value at any step."""
    rows = np.flatnonzero(vector.present.any(axis=1))
    return vector if len(rows) == len(vector.labels) else selected(vector, rows.tolist())


SAME_LABELS = "vector cannot contain metrics with the same labelset"


def joined(vectors: Sequence[Vector], complaint: str = SAME_LABELS) -> Vector:
    """All series of all vectors. Those with the same labels become one; where both have a value, PromqlError."""
    labels = [own for vector in vectors for own in vector.labels]
    values = np.concatenate([vector.values for vector in vectors])
    present = np.concatenate([vector.present for vector in vectors])
    places: dict[Labels, int] = {}
    rows = np.array([places.setdefault(own, len(places)) for own in labels], np.intp)
    if len(places) == len(labels):
        return Vector(labels, values, present)
    merged = Vector(list(places), values[_firsts(rows)].copy(), np.zeros((len(places), values.shape[1]), np.bool_))
    for source, target in enumerate(rows.tolist()):
        clash = merged.present[target] & present[source]
        if clash.any():
            raise PromqlError(f"{complaint}: {written(labels[source])}", "execution")
        merged.values[target] = np.where(present[source], values[source], merged.values[target])
        merged.present[target] |= present[source]
    return merged


def relabelled(vector: Vector, labels: Sequence[Labels]) -> Vector:
    """The same values under other labels. Raises PromqlError where two series become one."""
    return joined([Vector(labels, vector.values, vector.present)])


def _firsts(numbers: NDArray[np.intp]) -> NDArray[np.intp]:
    return np.unique(numbers, return_index=True)[1]
