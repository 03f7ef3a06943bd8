"""Many values of a trial at once: statistics as an Arrow table, arrays by file."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from epochwatch.debugger.mode_keys import ModeKeys
from epochwatch.debugger.source import Array, Entry, Location
from epochwatch.debugger.trial import Trial


class ValueKey(NamedTuple):
    """Which value: of a tensor at a global step, by a worker."""

    tensor: str
    step: int
    worker: str


class _Row(NamedTuple):
    key: ValueKey
    mode: ModeKeys
    mode_step: int
    entry: Entry


def read_statistics(
    trial: Trial,
    reductions: Sequence[str] | None = None,
    *,
    mode: ModeKeys = ModeKeys.GLOBAL,
    step: int | None = None,
    **selection: Any,
) -> Any:
    """Saved reductions of the mode, or of one of its steps, as an Arrow table: ``tensor``, ``step`` (global), ``mode``
    (its number), ``mode_step``, ``worker`` and a column per reduction (all if None), such as ``mean`` or ``abs_max``;
    null where one was not saved. Sorted by tensor, step and worker. ``selection`` is that of ``Trial.tensor_names``;
    ``to_pandas()`` of the result is a data frame.
    """
    names = trial.tensor_names(mode=mode, step=step, **selection)
    steps = _global_steps(trial, mode, step)
    table = trial.source.statistics(names, reductions)
    if table is None:
        return _gathered(trial, names, steps, reductions)
    return table.filter(pc.is_in(table["step"], pa.array(steps, pa.int64())))


def _global_steps(trial: Trial, mode: ModeKeys, step: int | None) -> list[int]:
    return [found for found, shown in trial.numbered_steps(mode) if step is None or shown == step]


def read_values(
    trial: Trial, *, mode: ModeKeys = ModeKeys.GLOBAL, step: int | None = None, **selection: Any
) -> Iterator[tuple[ValueKey, Array]]:
    """The saved arrays of the mode, or of one of its steps, step by step; those of one file are read together.
    ``selection`` is that of ``Trial.tensor_names``.
    """
    names = trial.tensor_names(mode=mode, step=step, **selection)
    for found in _global_steps(trial, mode, step):
        saved = list(trial.locations(names, found))
        for number, value in trial.source.each([location for *_, location in saved]):
            name, worker, _ = saved[number]
            yield ValueKey(name, found, worker), value


def _rows(trial: Trial, names: Sequence[str], step: int) -> Iterator[_Row]:
    mode, mode_step = trial.mode_modestep(step)
    if mode is None or mode_step is None:
        return
    for name in names:
        for worker, entry in sorted(trial.entries(name, step).items()):
            yield _Row(ValueKey(name, step, worker), mode, mode_step, entry)


def _gathered(trial: Trial, names: Sequence[str], steps: Sequence[int], reductions: Sequence[str] | None) -> Any:
    rows = [row for step in steps for row in _rows(trial, names, step)]
    rows = sorted((row for row in rows if row.entry.reductions), key=lambda row: row.key)
    wanted: list[tuple[int, str]] = []
    locations: list[Location] = []
    for number, row in enumerate(rows):
        for (name, absolute), location in row.entry.reductions.items():
            column = f"abs_{name}" if absolute else name
            if reductions is None or column in reductions:
                wanted.append((number, column))
                locations.append(location)
    columns: dict[str, list[float | None]] = {column: [None] * len(rows) for _, column in wanted}
    for (number, column), value in zip(wanted, trial.source.values(locations), strict=True):
        columns[column][number] = value.item()
    return pa.table(
        {
            "tensor": pa.array([row.key.tensor for row in rows], pa.string()),
            "step": pa.array([row.key.step for row in rows], pa.int64()),
            "mode": pa.array([row.mode.value for row in rows], pa.int8()),
            "mode_step": pa.array([row.mode_step for row in rows], pa.int64()),
            "worker": pa.array([row.key.worker for row in rows], pa.string()),
            **{column: pa.array(values, pa.float64()) for column, values in columns.items()},
        }
    )
