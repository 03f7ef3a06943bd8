"""Aggregations over the series of an instant vector."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from epochwatch.model.promql.errors import PromqlError
from epochwatch.model.promql.labels import Labels, labels_of
from epochwatch.model.promql.numbers import decimal
from epochwatch.model.promql.quantiles import interpolated
from epochwatch.model.promql.vectors import (
    Flags,
    Floats,
    Vector,
    check_cells,
    empty,
    joined,
    selected,
    some,
    stacked,
)

Group: TypeAlias = tuple[Labels, NDArray[np.intp]]
"""A group's labels and its rows."""
Column: TypeAlias = Callable[[Floats, Flags], Floats]
"""Gets the rows of one group and where they are present; gives one value a step."""


def _sum(values: Floats, present: Flags) -> Floats:
    total: Floats = np.where(present, values, 0.0).sum(axis=0)
    return total


def _count(values: Floats, present: Flags) -> Floats:
    return np.asarray(present.sum(axis=0), np.float64)


def _avg(values: Floats, present: Flags) -> Floats:
    return _sum(values, present) / _count(values, present)


def _min(values: Floats, present: Flags) -> Floats:
    lowest: Floats = np.fmin.reduce(np.where(present, values, np.nan), axis=0)
    return lowest


def _max(values: Floats, present: Flags) -> Floats:
    highest: Floats = np.fmax.reduce(np.where(present, values, np.nan), axis=0)
    return highest


def _group(values: Floats, present: Flags) -> Floats:
    return np.ones(values.shape[1])


def _stdvar(values: Floats, present: Flags) -> Floats:
    apart = np.where(present, values - _avg(values, present), 0.0)
    return _sum(apart * apart, present) / _count(values, present)


def _stddev(values: Floats, present: Flags) -> Floats:
    return np.sqrt(_stdvar(values, present))


_PLAIN: dict[str, Column] = {
    "avg": _avg,
    "count": _count,
    "group": _group,
    "max": _max,
    "min": _min,
    "stddev": _stddev,
    "stdvar": _stdvar,
    "sum": _sum,
}
AGGREGATIONS = frozenset({*_PLAIN, "bottomk", "count_values", "quantile", "topk"})
"""Every aggregation that can be evaluated."""


def aggregated(
    name: str, vector: Vector, by: Callable[[Labels], Labels], parameter: Floats | str | None
) -> Vector:
    """One of AGGREGATIONS. ``parameter`` is k or the share (a number a step), or count_values' label."""
    groups = _groups(vector.labels, by)
    if name == "count_values":
        return _count_values(vector, groups, str(parameter))
    if name in ("topk", "bottomk"):
        return _extremes(vector, groups, np.asarray(parameter, np.float64), largest=name == "topk")
    if name == "quantile":
        share = np.asarray(parameter, np.float64)
        return _by_group(vector, groups, lambda values, present: _quantile(values, present, share))
    return _by_group(vector, groups, _PLAIN[name])


def _groups(labels: Sequence[Labels], by: Callable[[Labels], Labels]) -> list[Group]:
    rows: dict[Labels, list[int]] = {}
    for row, own in enumerate(labels):
        rows.setdefault(by(own), []).append(row)
    return [(own, np.array(members, np.intp)) for own, members in rows.items()]


def _by_group(vector: Vector, groups: Sequence[Group], column: Column) -> Vector:
    return stacked(
        [labels for labels, _ in groups],
        [column(vector.values[rows], vector.present[rows]) for _, rows in groups],
        [some(vector.present, rows) for _, rows in groups],
        vector.steps,
    )


def _order(values: Floats, present: Flags, *, largest: bool) -> NDArray[np.intp]:
    """The rows of each step by rank; NaN after all numbers, what is not present last."""
    key = -values if largest else values
    return np.lexsort((np.where(np.isnan(key), 0.0, key), np.isnan(key), ~present), axis=0)


def _extremes(vector: Vector, groups: Sequence[Group], count: Floats, *, largest: bool) -> Vector:
    if np.isnan(count).any():
        raise PromqlError("the number of series of topk and bottomk is NaN", "execution")
    present = np.zeros_like(vector.present)
    rows_in_order: list[int] = []
    for _, rows in groups:
        order = _order(vector.values[rows], vector.present[rows], largest=largest)
        wanted = np.arange(len(rows))[:, None] < np.floor(count)[None, :]
        chosen = np.zeros(order.shape, np.bool_)
        np.put_along_axis(chosen, order, np.broadcast_to(wanted, order.shape), axis=0)
        present[rows] = chosen & vector.present[rows]
        rows_in_order += rows[order[:, 0]].tolist() if vector.steps == 1 else rows.tolist()
    return selected(Vector(vector.labels, vector.values, present), rows_in_order)


def _quantile(values: Floats, present: Flags, share: Floats) -> Floats:
    low_nan = np.where(np.isnan(values), -np.inf, values)
    ranked = np.take_along_axis(values, np.lexsort((low_nan, ~present), axis=0), axis=0)
    counts = np.maximum(present.sum(axis=0), 1)
    return interpolated(share, counts, lambda rank: ranked[rank, np.arange(len(rank))])


def _count_values(vector: Vector, groups: Sequence[Group], label: str) -> Vector:
    parts = []
    cells = 0
    for labels, rows in groups:
        values, present = vector.values[rows], vector.present[rows]
        for value in np.unique(values[present]):
            cells += 1
            check_cells(cells, vector.steps)
            same = present & ((values == value) | (np.isnan(values) & np.isnan(value)))
            own = labels_of({**dict(labels), label: decimal(float(value))})
            parts.append(stacked([own], [_count(values, same)], [some(same)], vector.steps))
    return joined(parts) if parts else empty(vector.steps)
