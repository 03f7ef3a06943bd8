"""A table of jobs: ordered by any of its columns, and summed up by groups."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from epochwatch.model.job_filter import Attribute, TableRow
from epochwatch.model.job_filter.attributes import Value, is_number


@dataclass(frozen=True, slots=True)
class Order:
    """One column to sort by."""

    by: Attribute
    descending: bool


@dataclass(frozen=True, slots=True)
class Aggregate:
    """Finite numbers of a column within a group."""

    jobs: int
    """How many of the group's jobs have one."""
    mean: float
    min: float
    max: float


@dataclass(frozen=True, slots=True)
class Group:
    """Jobs that have one value in common; None: those without any."""

    value: Value
    count: int
    aggregates: dict[str, Aggregate]
    """By column; of those that have no number in it, none."""


def ordered(rows: Iterable[TableRow], orders: Sequence[Order], group: Attribute | None = None) -> list[TableRow]:
    """The rows by the first order, then the next, and at last the newest first. Groups stay together, by their value.
    In either direction numbers come before texts, and jobs without a value last.
    """
    found = sorted(rows, key=lambda row: row.job.name)
    found.sort(key=lambda row: row.job.created, reverse=True)
    for order in reversed([*([Order(group, False)] if group else []), *orders]):
        found = _sorted(found, order)
    return found


def groups(rows: Iterable[TableRow], by: Attribute, columns: Sequence[Attribute]) -> list[Group]:
    """The groups of rows that are ordered by them, with mean, least and largest of each column's numbers."""
    found: dict[Value, list[TableRow]] = {}
    for row in rows:
        found.setdefault(group_value(by.read(row)), []).append(row)
    return [Group(value, len(some), _aggregates(some, columns)) for value, some in found.items()]


def group_value(value: Value) -> Value:
    """The value under which jobs are in one group: NaN, which equals nothing, is none."""
    return None if isinstance(value, float) and math.isnan(value) else value


def _sorted(rows: list[TableRow], order: Order) -> list[TableRow]:
    numbers: list[tuple[float, TableRow]] = []
    texts: list[tuple[str, TableRow]] = []
    without: list[TableRow] = []
    for row in rows:
        value = order.by.read(row)
        if isinstance(value, str):
            texts.append((value, row))
        elif value is None or value != value:  # noqa: PLR0124 NaN
            without.append(row)
        else:
            numbers.append((value, row))
    numbers.sort(key=lambda pair: pair[0], reverse=order.descending)
    texts.sort(key=lambda pair: pair[0], reverse=order.descending)
    return [*(row for _, row in numbers), *(row for _, row in texts), *without]


def _aggregates(rows: Sequence[TableRow], columns: Sequence[Attribute]) -> dict[str, Aggregate]:
    found: dict[str, Aggregate] = {}
    for column in columns:
        values = [float(value) for row in rows if is_number(value := column.read(row)) and value is not None]
        if values:
            mean = math.fsum(values) / len(values)
            found[column.text] = Aggregate(len(values), mean, min(values), max(values))
    return found
