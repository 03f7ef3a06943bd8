"""Follows a trial: the statistics of its steps in order, in large blocks where the format keeps them together."""

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from epochwatch.debugger.measure import measured
from epochwatch.debugger.mode_keys import ModeKeys
from epochwatch.debugger.rules.stream import StepStatistics
from epochwatch.debugger.source import Array, Entry
from epochwatch.debugger.trial import PAUSE_SECONDS, Trial, no_refresh

STEPS_AT_ONCE: Final = 500
_KEYS: Final = ("tensor", "step", "mode", "mode_step", "time", "worker")
_VALUE: Final = "value"
_WHOLE: Final = re.compile(
    r"(^|[_/])(inputs?|labels?|targets?|predictions?|logits)(_\d+)?$|_(input|output)_\d+$|weight(_\w+)?$|kernel$"
)
Part = tuple[tuple[str, ...], Mapping[str, Array], Mapping[str, float], float]
"""Names, columns, scalars and time of one worker at a step."""


def follow(
    trial: Trial, *, live: bool | Callable[[], bool] = True, idle: Callable[[float], None] | None = None
) -> Iterator[StepStatistics]:
    """Each complete step of a trial once per worker, in order, until the training has ended; with ``live`` off, or once
    it says so, until what is there by then has been read. ``idle`` is called with the time (Unix seconds) whenever
    nothing new has come.
    """
    reader = _Reader(trial)
    last = -1
    while True:
        more = live() if callable(live) else live
        trial.maybe_refresh()
        ended = trial.loaded_all_steps
        ready = [
            step for step, _ in trial.numbered_steps(ModeKeys.GLOBAL) if last < step and trial.is_complete(step)
        ]
        for start in range(0, len(ready), STEPS_AT_ONCE):
            with no_refresh(trial):
                yield from reader.steps(ready[start : start + STEPS_AT_ONCE])
        if ready:
            last = ready[-1]
        elif ended or not more:
            return
        else:
            if idle is not None:
                idle(time.time())
            time.sleep(PAUSE_SECONDS)


class _Reader:
    def __init__(self, trial: Trial) -> None:
        self._trial = trial
        self._shapes: dict[str, tuple[int, ...]] = {}
        self._seen: set[str] = set()
        self._names: dict[tuple[str, ...], tuple[str, ...]] = {}

    def steps(self, steps: Sequence[int]) -> Iterator[StepStatistics]:
        """Of some complete steps, ascending."""
        table = self._trial.source.statistics(None, None, (steps[0], steps[-1]))
        together = {} if table is None else self._parts(table)
        for step in steps:
            mode, mode_step = self._trial.mode_modestep(step)
            assert mode is not None
            assert mode_step is not None
            parts = self._with_single(step, together.get(step, {}))
            for worker, (names, columns, scalars, moment) in sorted(parts.items()):
                self._learn_shapes(step, worker, names)
                raw = _Raw(self._trial, step, worker)
                yield StepStatistics(
                    step, mode, mode_step, moment, worker, names, columns, scalars, self._shapes, raw
                )

    def _parts(self, table: Any) -> dict[int, dict[str, Part]]:
        """By step and worker what a table of statistics has. A row with a value and no size is a scalar."""
        tensors, workers = _Encoded(table["tensor"]), _Encoded(table["worker"])
        steps = table["step"].to_numpy()
        times = table["time"].to_numpy() / 1e9
        columns = {
            name: pc.cast(table[name], pa.float64()).to_numpy() for name in table.column_names if name not in _KEYS
        }
        values = columns.pop(_VALUE, None)
        scalar = np.zeros(len(steps), bool)
        if values is not None:
            sizes = columns.get("size", np.full(len(steps), np.nan))
            scalar = table[_VALUE].is_valid().to_numpy() & ~(sizes > 0)
        rank = {name: place for place, name in enumerate(self._trial.known_names())}
        ranks = np.array([rank[name] for name in tensors.names], np.int64)
        order = np.lexsort((ranks[tensors.codes], workers.codes, steps))
        keys = steps[order], workers.codes[order]
        starts = [0, *(np.flatnonzero((np.diff(keys[0]) != 0) | (np.diff(keys[1]) != 0)) + 1).tolist()]
        found: dict[int, dict[str, Part]] = {}
        for rows in np.split(order, starts[1:]) if len(order) else ():
            numbers, whole = rows[scalar[rows]], rows[~scalar[rows]]
            scalars = {tensors.names[tensors.codes[row]]: float(values[row]) for row in numbers}
            part = (
                self._names_of(tensors, whole),
                {name: column[whole] for name, column in columns.items()},
                scalars,
                float(times[rows[0]]),
            )
            found.setdefault(int(steps[rows[0]]), {})[workers.names[workers.codes[rows[0]]]] = part
        return found

    def _names_of(self, tensors: "_Encoded", rows: Array) -> tuple[str, ...]:
        """The same object for the same names."""
        names = tuple(tensors.names[code] for code in tensors.codes[rows].tolist())
        return self._names.setdefault(names, names)

    def _with_single(self, step: int, parts: dict[str, Part]) -> dict[str, Part]:
        """With what is kept tensor by tensor: whole values, and smdebug's reductions."""
        together = set().union(*(set(part[0]) | set(part[2]) for part in parts.values()))
        singles: dict[str, dict[str, Entry]] = {}
        for name in self._trial.tensor_names(step=step):
            if name not in together:
                for worker, entry in self._trial.entries(name, step).items():
                    singles.setdefault(worker, {})[name] = entry
        nothing: Part = ((), {}, {}, np.nan)
        return parts | {
            worker: self._joined(parts.get(worker, nothing), entries) for worker, entries in singles.items()
        }

    def _joined(self, part: Part, entries: Mapping[str, Entry]) -> Part:
        names, columns, scalars, moment = part
        rows: dict[str, Mapping[str, float]] = {}
        added = dict(scalars)
        for name, found in self._read(entries).items():
            if isinstance(found, float):
                added[name] = found
            else:
                rows[name] = found
        if not rows:
            return names, columns, added, moment
        whole = (*names, *rows)
        joined = {
            column: np.array(
                [
                    *(columns[column] if column in columns else np.full(len(names), np.nan)),
                    *(row.get(column, np.nan) for row in rows.values()),
                ]
            )
            for column in dict.fromkeys((*columns, *(column for row in rows.values() for column in row)))
        }
        return self._names.setdefault(whole, whole), joined, added, moment

    def _read(self, entries: Mapping[str, Entry]) -> Mapping[str, float | Mapping[str, float]]:
        """A float of what has one element, else statistics."""
        whole = {name: entry for name, entry in entries.items() if entry.location is not None}
        found: dict[str, float | Mapping[str, float]] = {}
        values = self._trial.source.values([entry.location for entry in whole.values()])
        for name, value in zip(whole, values, strict=True):
            if value.dtype.kind in "fiubc" and value.size:
                self._shapes.setdefault(name, value.shape)
                found[name] = float(np.ravel(value)[0].real) if value.size == 1 else measured(value)
        for name, entry in entries.items():
            if name not in whole and entry.reductions:
                saved = self._trial.source.values(list(entry.reductions.values()))
                found[name] = {
                    ("abs_" if absolute else "") + reduction: float(value)
                    for (reduction, absolute), value in zip(entry.reductions, saved, strict=True)
                }
        return found

    def _learn_shapes(self, step: int, worker: str, names: tuple[str, ...]) -> None:
        """A shape is looked for once, where a tensor is first seen."""
        if self._seen.issuperset(names):
            return
        for name in names:
            if name not in self._seen:
                entry = self._trial.entries(name, step).get(worker)
                if entry is not None and entry.shape is not None:
                    self._shapes[name] = entry.shape
        self._seen.update(names)


class _Encoded:
    """A column of strings as numbers of its different ones."""

    def __init__(self, column: Any) -> None:
        whole = column.combine_chunks()
        encoded = whole if pa.types.is_dictionary(whole.type) else whole.dictionary_encode()
        self.names: list[str] = encoded.dictionary.to_pylist()
        self.codes: Array = encoded.indices.to_numpy()


class _Raw(Mapping[str, Array]):
    """The inputs, outputs, labels and weights a worker saved whole at a step."""

    def __init__(self, trial: Trial, step: int, worker: str) -> None:
        self._trial, self._step, self._worker = trial, step, worker

    def __getitem__(self, name: str) -> Array:
        if name not in self:
            raise KeyError(name)
        return self._trial.tensor(name).value(self._step, worker=self._worker)

    def __contains__(self, name: object) -> bool:
        if not isinstance(name, str) or not _WHOLE.search(name):
            return False
        entry = self._trial.entries(name, self._step).get(self._worker)
        return entry is not None and entry.location is not None and entry.shape != ()

    def __iter__(self) -> Iterator[str]:
        return (name for name in self._trial.tensor_names(step=self._step) if name in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)
