"""Binary operators between scalars and vectors."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from epochwatch.model.promql.errors import PromqlError
from epochwatch.model.promql.labels import Labels, dropped, kept, labels_of, nameless, value_of, written
from epochwatch.model.promql.vectors import (
    Flags,
    Floats,
    Scalar,
    Vector,
    check_cells,
    empty,
    joined,
    relabelled,
    selected,
    some,
    stacked,
)

Operation: TypeAlias = Callable[[Floats, Floats], Floats]

_ARITHMETIC: dict[str, Operation] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "%": np.fmod,
    "^": np.power,
    "atan2": np.arctan2,
}
_COMPARISONS: dict[str, Callable[[Floats, Floats], Flags]] = {
    "==": np.equal,
    "!=": np.not_equal,
    ">": np.greater,
    "<": np.less,
    ">=": np.greater_equal,
    "<=": np.less_equal,
}
OPERATORS = frozenset({*_ARITHMETIC, *_COMPARISONS})
SET_OPERATORS = frozenset({"and", "or", "unless"})


@dataclass(frozen=True, slots=True)
class Matching:
    """How the series of two vectors find each other."""

    signature: Callable[[Labels], Labels]
    """What must be alike: all labels but the name, or what ``on``/``ignoring`` leave."""
    labels: Sequence[str] = ()
    on: bool = False
    """Whether ``labels`` are those that must be alike, or those that need not."""
    many: str = ""
    """``left`` or ``right``: the side of which several series may match one of the other; "" for neither."""
    included: Sequence[str] = ()
    """Labels that the result takes over from the one side."""


def between_scalars(operator: str, left: Scalar, right: Scalar) -> Scalar:
    """A comparison gives 1 or 0."""
    if operator in _COMPARISONS:
        return Scalar(_COMPARISONS[operator](left.values, right.values).astype(np.float64))
    return Scalar(_ARITHMETIC[operator](left.values, right.values))


def with_scalar(operator: str, left: Vector | Scalar, right: Vector | Scalar, *, as_bool: bool) -> Vector:
    """One side is a vector, the other a scalar. A comparison keeps the vector's elements for which it holds, or
    with ``as_bool`` gives 1 or 0.
    """
    vector = left if isinstance(left, Vector) else right
    assert isinstance(vector, Vector)
    sides = [side.values if isinstance(side, Vector) else side.values[None, :] for side in (left, right)]
    if operator in _ARITHMETIC:
        return _renamed(vector, _ARITHMETIC[operator](*sides))
    holds = np.broadcast_to(_COMPARISONS[operator](*sides), vector.values.shape)
    if as_bool:
        return _renamed(vector, holds.astype(np.float64))
    return Vector(vector.labels, vector.values, vector.present & holds)


def _renamed(vector: Vector, values: Floats) -> Vector:
    return relabelled(
        Vector(vector.labels, values, vector.present), [nameless(labels) for labels in vector.labels]
    )


def combined(operator: str, left: Vector, right: Vector, matching: Matching) -> Vector:
    """A set operator: which series of one side are (not) matched by any of the other, step by step."""
    of_left, of_right = _presence(left, matching), _presence(right, matching)
    if operator == "or":
        absent = [~of_left[sign] if sign in of_left else True for sign in _signatures(right, matching)]
        rest = Vector(right.labels, right.values, right.present & _rows(absent, right))
        return joined([Vector(left.labels, left.values, left.present), rest])
    nothing = np.zeros(left.steps, np.bool_)
    matched = _rows([of_right.get(sign, nothing) for sign in _signatures(left, matching)], left)
    present = left.present & (matched if operator == "and" else ~matched)
    return Vector(left.labels, left.values, present)


def _signatures(vector: Vector, matching: Matching) -> list[Labels]:
    return [matching.signature(labels) for labels in vector.labels]


def _rows(flags: Sequence[Flags | bool], vector: Vector) -> Flags:
    if not flags:
        return vector.present
    return np.stack([np.broadcast_to(own, vector.steps) for own in flags])


def _presence(vector: Vector, matching: Matching) -> dict[Labels, Flags]:
    """By signature: at which steps any series of it has a value."""
    found: dict[Labels, Flags] = {}
    for row, sign in enumerate(_signatures(vector, matching)):
        found[sign] = found[sign] | vector.present[row] if sign in found else vector.present[row]
    return found


def between_vectors(operator: str, left: Vector, right: Vector, matching: Matching, *, as_bool: bool) -> Vector:
    """An arithmetic operator or a comparison between the series that match. Raises PromqlError where a series would
    match several.
    """
    swapped = matching.many == "right"
    many, one = (right, left) if swapped else (left, right)
    pairing = _Pairing(operator, matching, many, one, swapped=swapped, as_bool=as_bool)
    return pairing.result()


class _Pairing:
    """Pairs of one row of the many side (any side if there is none) with one row of the one side."""

    def __init__(
        self, operator: str, matching: Matching, many: Vector, one: Vector, *, swapped: bool, as_bool: bool
    ) -> None:
        self._operator = operator
        self._matching = matching
        self._many = many
        self._one = one
        self._swapped = swapped
        self._as_bool = as_bool
        self._partners: dict[Labels, list[int]] = {}
        for row, sign in enumerate(_signatures(one, matching)):
            self._partners.setdefault(sign, []).append(row)

    def result(self) -> Vector:
        """All pairs worked out."""
        self._check_one_side()
        pairs: dict[Labels, list[tuple[int, int]]] = {}
        for row, sign in enumerate(_signatures(self._many, self._matching)):
            for partner in self._partners.get(sign, ()):
                pairs.setdefault(sign, []).append((row, partner))
        check_cells(sum(map(len, pairs.values())), self._many.steps)
        groups = [self._worked_out(own) for own in pairs.values()]
        if not groups:
            return empty(self._many.steps)
        if not self._matching.many:
            for group in groups:
                if (group.present.sum(axis=0) > 1).any():
                    raise PromqlError(
                        "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)",
                        "execution",
                    )
        return joined(groups, "multiple matches for labels: grouping labels must ensure unique matches")

    def _check_one_side(self) -> None:
        needed = some(self._many.present)
        for sign, rows in self._partners.items():
            if len(rows) > 1 and (needed & (self._one.present[rows].sum(axis=0) > 1)).any():
                first, second = (written(self._one.labels[row]) for row in rows[:2])
                side = "left" if self._swapped else "right"
                raise PromqlError(
                    f"found duplicate series for the match group {written(sign)} on the {side} hand-side of the "
                    f"operation: [{second}, {first}];many-to-many matching not allowed: matching labels must be "
                    "unique on one side",
                    "execution",
                )

    def _worked_out(self, pairs: Sequence[tuple[int, int]]) -> Vector:
        many, one = (selected(vector, rows) for vector, rows in zip(
            (self._many, self._one), zip(*pairs, strict=True), strict=True
        ))  # fmt: skip
        left, right = (one, many) if self._swapped else (many, one)
        present = many.present & one.present
        if self._operator in _ARITHMETIC:
            values = _ARITHMETIC[self._operator](left.values, right.values)
        else:
            holds = _COMPARISONS[self._operator](left.values, right.values)
            values = holds.astype(np.float64) if self._as_bool else left.values
            present = present if self._as_bool else present & holds
        labels = [self._labels(own, other) for own, other in zip(many.labels, one.labels, strict=True)]
        return stacked(labels, list(values), list(present), many.steps)

    def _labels(self, many: Labels, one: Labels) -> Labels:
        if self._operator in _ARITHMETIC or self._as_bool:
            many = nameless(many)
        if not self._matching.many:
            narrow = kept if self._matching.on else dropped
            return narrow(many, self._matching.labels)
        if not self._matching.included:
            return many
        return labels_of({**dict(many), **{name: value_of(one, name) for name in self._matching.included}})
