"""A training's steps as a table: what each of them took, and what for."""

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from typing import Any, Final, NamedTuple, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from epochwatch.profiler.events import STEP_PHASES, Phase
from epochwatch.profiler.profile import Profile, Span

_SECOND: Final = 1_000_000
_NUMBERS: Final = {phase.value: number for number, phase in enumerate((Phase.STEP, *STEP_PHASES))}
_PARTS: Final = len(_NUMBERS)
PIECE_SECONDS: Final = 3600
"""What ``step_tables`` gives at a time: 18,000 steps of a process that takes five a second, at 70 bytes each."""


class Lane(NamedTuple):
    """One process of a training. A process that was started again is another one."""

    node: str
    rank: int
    process: int


@dataclass(slots=True)
class StepTable:
    """A row for each step of each process; the rows of a process stand together, in the order of its steps."""

    lanes: tuple[Lane, ...]
    """In order of node, rank and first step."""
    lane: NDArray[np.int32]
    """Of each row, as an index of ``lanes``."""
    step: NDArray[np.int64]
    mode: NDArray[np.int8]
    """The value of a ModeKeys."""
    start: NDArray[np.int64]
    """Unix microseconds."""
    duration: NDArray[np.float64]
    """Seconds, as all that follow."""
    seconds: dict[Phase, NDArray[np.float32]]
    """Of each of STEP_PHASES."""

    def __len__(self) -> int:
        return len(self.step)

    @property
    def idle(self) -> NDArray[np.float64]:
        """What no phase covers."""
        return np.maximum(self.duration - np.sum(list(self.seconds.values()), axis=0, dtype=np.float64), 0.0)

    @property
    def end(self) -> NDArray[np.int64]:
        """Unix microseconds at which the step after begins."""
        return self.start + np.rint(self.duration * _SECOND).astype(np.int64)

    def of_lane(self, number: int) -> Self:
        """The rows of one process."""
        return self.take(slice(*np.searchsorted(self.lane, [number, number + 1])))

    def take(self, rows: slice | NDArray[np.intp] | NDArray[np.bool_]) -> Self:
        """Some of the rows; ``lanes`` stays as it is."""
        columns = {one.name: getattr(self, one.name) for one in fields(self)}
        seconds = {phase: values[rows] for phase, values in columns.pop("seconds").items()}
        lanes = columns.pop("lanes")
        return type(self)(lanes, **{name: values[rows] for name, values in columns.items()}, seconds=seconds)


def step_table(profile: Profile, span: Span) -> StepTable:
    """The steps that begin within the span, whole: with what was done in them after its end."""
    steps = _Steps()
    for table in profile.events(span, (Phase.STEP, *STEP_PHASES)):
        steps.add(table)
    last = steps.end()
    if last > span[1]:
        for table in profile.events((span[1], last), STEP_PHASES):
            steps.add(table)
    return steps.table()


def step_tables(profile: Profile, span: Span | None = None, seconds: int = PIECE_SECONDS) -> Iterator[StepTable]:
    """All steps of a span or of everything, in tables of so many seconds of the training each, none of them empty.
    A process has another number in each of them: ``lanes`` says which it is.
    """
    first, last = span or profile.span()
    for start in range(first, last, seconds * _SECOND):
        table = step_table(profile, (start, min(start + seconds * _SECOND, last)))
        if len(table):
            yield table


@dataclass(slots=True)
class _Piece:
    """Sums by step: a row for each of ``steps``, which ascend."""

    steps: NDArray[np.int64]
    microseconds: NDArray[np.float64]
    """[row, part]"""
    start: NDArray[np.int64]
    """Of the step's own event; the greatest number where none was seen."""
    mode: NDArray[np.int8]


_UNKNOWN: Final = np.iinfo(np.int64).max


@dataclass(slots=True)
class _Steps:
    """Sums up what comes in any order, keeping only the sums."""

    pieces: dict[Lane, list[_Piece]] = field(default_factory=dict)

    def add(self, table: pa.Table) -> None:
        for batch in table.combine_chunks().to_batches():
            part = _parts(batch.column("phase"))
            step = _numpy(batch, "step")
            chosen = np.flatnonzero((part >= 0) & (step >= 0))
            if not len(chosen):
                continue
            keys, lanes = _lanes(batch)
            for number, key in enumerate(keys):
                rows = chosen[lanes[chosen] == number] if len(keys) > 1 else chosen
                if len(rows):
                    piece = _piece(
                        step[rows],
                        part[rows],
                        _numpy(batch, "duration")[rows].astype(np.float64),
                        _numpy(batch, "start")[rows],
                        _numpy(batch, "mode")[rows],
                    )
                    self.pieces.setdefault(key, []).append(piece)

    def end(self) -> int:
        """Where the last of the steps ends; 0 without any."""
        ends = [
            int((piece.start + piece.microseconds[:, 0])[known].max())
            for pieces in self.pieces.values()
            for piece in pieces
            if (known := piece.start != _UNKNOWN).any()
        ]
        return max(ends, default=0)

    def table(self) -> StepTable:
        merged = {lane: _known(_merged(pieces)) for lane, pieces in self.pieces.items()}
        lanes = sorted((lane for lane in merged if len(merged[lane].steps)), key=lambda lane: _order(lane, merged))
        pieces = [merged[lane] for lane in lanes]
        sums = np.concatenate([np.empty((0, _PARTS)), *[piece.microseconds for piece in pieces]]) / _SECOND
        return StepTable(
            tuple(lanes),
            np.repeat(np.arange(len(lanes), dtype=np.int32), [len(piece.steps) for piece in pieces]),
            np.concatenate([np.empty(0, np.int64), *[piece.steps for piece in pieces]]),
            np.concatenate([np.empty(0, np.int8), *[piece.mode for piece in pieces]]),
            np.concatenate([np.empty(0, np.int64), *[piece.start for piece in pieces]]),
            sums[:, 0].copy(),
            {phase: sums[:, _NUMBERS[phase.value]].astype(np.float32) for phase in STEP_PHASES},
        )


def _order(lane: Lane, merged: dict[Lane, _Piece]) -> tuple[str, int, int, int]:
    return lane.node, lane.rank, int(merged[lane].start[0]), lane.process


def _piece(
    step: NDArray[np.int64],
    part: NDArray[np.int64],
    duration: NDArray[np.float64],
    start: NDArray[np.int64],
    mode: NDArray[np.int8],
) -> _Piece:
    """Events are nearly always in the order of their steps already."""
    if np.any(step[1:] < step[:-1]):
        order = np.argsort(step, kind="stable")
        step, part, duration, start, mode = step[order], part[order], duration[order], start[order], mode[order]
    first = np.flatnonzero(np.concatenate(([True], step[1:] != step[:-1])))
    row = np.repeat(np.arange(len(first)), np.diff(first, append=len(step)))
    sums = np.bincount(row * _PARTS + part, duration, len(first) * _PARTS).astype(np.float64, copy=False)
    own = part == 0
    starts = np.full(len(first), _UNKNOWN)
    np.minimum.at(starts, row[own], start[own])
    modes = np.zeros(len(first), np.int8)
    modes[row[own]] = mode[own]
    return _Piece(step[first], sums.reshape(len(first), _PARTS), starts, modes)


def _merged(pieces: list[_Piece]) -> _Piece:
    """A step may be in several."""
    steps = np.concatenate([piece.steps for piece in pieces])
    found, row = np.unique(steps, return_inverse=True)
    sums = np.zeros((len(found), _PARTS))
    np.add.at(sums, row, np.concatenate([piece.microseconds for piece in pieces]))
    starts = np.full(len(found), _UNKNOWN)
    np.minimum.at(starts, row, np.concatenate([piece.start for piece in pieces]))
    modes = np.zeros(len(found), np.int8)
    np.maximum.at(modes, row, np.concatenate([piece.mode for piece in pieces]))
    return _Piece(found, sums, starts, modes)


def _known(piece: _Piece) -> _Piece:
    """Without steps whose own event was not seen: they began before the span, or did not end."""
    known = piece.start != _UNKNOWN
    return _Piece(piece.steps[known], piece.microseconds[known], piece.start[known], piece.mode[known])


def _parts(phases: pa.DictionaryArray) -> NDArray[np.int64]:
    """The part of a step that each event is; -1 for what is none."""
    parts = np.array([_NUMBERS.get(name, -1) for name in phases.dictionary.to_pylist()] + [-1], np.int64)
    found: NDArray[np.int64] = parts[np.asarray(phases.indices.fill_null(-1))]
    return found


def _lanes(batch: pa.RecordBatch) -> tuple[list[Lane], NDArray[np.int64]]:
    """The processes of a batch, and of each row which of them it is."""
    nodes = batch.column("node")
    names = nodes.dictionary.to_pylist()
    indices = nodes.indices.to_numpy(zero_copy_only=False)
    rank, process = _numpy(batch, "rank"), _numpy(batch, "process")
    changed = (np.diff(indices) != 0) | (np.diff(rank) != 0) | (np.diff(process) != 0)
    first = np.concatenate(([0], np.flatnonzero(changed) + 1))
    _, at, number = np.unique(
        np.stack([indices[first], rank[first], process[first]]).astype(np.int64),
        axis=1,
        return_index=True,
        return_inverse=True,
    )
    keys = [Lane(names[indices[row]], int(rank[row]), int(process[row])) for row in first[at]]
    return keys, np.repeat(number, np.diff(first, append=len(rank)))


def _numpy(batch: pa.RecordBatch, column: str) -> NDArray[Any]:
    return np.asarray(batch.column(column))
