"""Timelines as rows of our own events."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from epochwatch.debugger.mode_keys import ModeKeys
from epochwatch.profiler.events import SCHEMA
from epochwatch.profiler.phases import Phase
from epochwatch.profiler.smdebug.layout import ProfilerFile
from epochwatch.profiler.smdebug.trace_event import TraceEvent

Integers = NDArray[np.int64]
_STEP: Final = re.compile(r"Step:ModeKeys\.(TRAIN|EVAL|PREDICT|GLOBAL)")
_PHASES: Final = {
    Phase.DATA_LOADING: "DataLoaderIter",
    Phase.FORWARD: "Forward",
    Phase.BACKWARD: "Backward(post-forward)",
    Phase.OPTIMIZER: "Optimizer",
    Phase.COMMUNICATION: "Communication",
    Phase.CHECKPOINT: "Checkpoint",
    Phase.EVALUATION: "Evaluation",
    Phase.INITIALIZATION: "Initialization",
    Phase.OPERATOR: "cpu_functions",
    Phase.KERNEL: "gpu_functions-dev:0",
    Phase.PYTHON: "Python",
    Phase.WORKER: "DataLoaderWorker",
}
"""What phases are called in timelines; those that smdebug has nothing like by our own names."""
_OWN: Final = {name: phase for phase, name in _PHASES.items()}
_BEGINNINGS: Final = {
    "Forward-node": Phase.FORWARD,
    "Backward(post-forward)-node": Phase.BACKWARD,
    "DataLoaderIterInitialize": Phase.DATA_LOADING,
    "gpu_functions": Phase.KERNEL,
    "/host:CPU": Phase.OPERATOR,
    "/device:": Phase.KERNEL,
}
"""By how others begin. What libraries for communication write overlaps with the rest of a step, and with itself: it is
no phase of ours, and neither are the parts of a model's passes.
"""
_CODES: Final = {phase: code for code, phase in enumerate(Phase)}
_NAMES: Final = pa.array([phase.value for phase in Phase])
STEP_CODE: Final = _CODES[Phase.STEP]


def phase_of(name: str, event: str = "") -> Phase:
    """What a phase of smdebug is here. Of TensorFlow's data pipeline, whose parts run side by side, only the event of
    the training's own wait is one.
    """
    if name == "DataIterator":
        return Phase.DATA_LOADING if event.startswith("IteratorGetNext") else Phase.OTHER
    if _STEP.fullmatch(name):
        return Phase.STEP
    return _OWN.get(name) or next(
        (phase for begin, phase in _BEGINNINGS.items() if name.startswith(begin)), Phase.OTHER
    )


def name_of(phase: Phase, mode: int) -> str:
    """What a phase is called in timelines."""
    return f"Step:{ModeKeys(mode)}" if phase is Phase.STEP else _PHASES.get(phase, "Other")


@dataclass(slots=True)
class Rows:
    """Events of one file."""

    start: Integers
    duration: Integers
    phase: NDArray[np.int8]
    """An index into Phase."""
    mode_step: Integers
    """As the file says it; -1 without."""
    mode: NDArray[np.int8]
    process: Integers
    """-1 where the file does not say it."""
    thread: Integers
    size: Integers
    name: pa.DictionaryArray

    def __len__(self) -> int:
        return len(self.start)

    def take(self, rows: NDArray[np.intp]) -> Self:
        """Some of the rows, in that order."""
        return type(self)(
            self.start[rows],
            self.duration[rows],
            self.phase[rows],
            self.mode_step[rows],
            self.mode[rows],
            self.process[rows],
            self.thread[rows],
            self.size[rows],
            self.name.take(pa.array(rows)),
        )


def rows_of(events: Sequence[TraceEvent]) -> Rows:
    """The columns of some events, in the order of their beginnings."""
    kinds = {(event.event_phase, event.event_name) for event in events}
    codes = {kind: _CODES[phase_of(*kind)] for kind in kinds}
    modes = {name: ModeKeys[match[1]].value for name, _ in kinds if (match := _STEP.fullmatch(name))}
    said: list[dict[str, Any]] = [event.event_args or {} for event in events]
    whole = ModeKeys.GLOBAL.value
    rows = Rows(
        _integers([event.start_time for event in events]),
        _integers([event.duration for event in events]),
        np.array([codes[event.event_phase, event.event_name] for event in events], np.int8),
        _integers([_number(one.get("step_num"), -1) for one in said]),
        np.array([modes.get(event.event_phase, whole) for event in events], np.int8),
        _integers([_number(one.get("pid"), -1) for one in said]),
        _integers([max(_number(event.tid, 0), 0) for event in events]),
        _integers([_number(one.get("bytes_fetched"), 0) for one in said]),
        pa.array([event.event_name for event in events], pa.string()).dictionary_encode(),
    )
    return rows.take(np.argsort(rows.start, kind="stable"))


def _integers(values: list[Any]) -> Integers:
    return np.array(values, np.float64).round().astype(np.int64) if values else np.empty(0, np.int64)


def _number(value: Any, otherwise: int) -> int:
    try:
        return int(value)
    except (TypeError, ValueError):
        return otherwise


@dataclass(slots=True)
class Stream:
    """What one process of a node wrote: its files, and the steps that they tell of."""

    node: str
    number: int
    """Its rank, or else its process: smdebug does not say which."""
    files: list[ProfilerFile] = field(default_factory=list)
    process: int = -1
    _parts: list[Rows] = field(default_factory=list)
    _steps: "Steps | None" = None

    @classmethod
    def of(cls, file: ProfilerFile) -> "Stream":
        """The stream that a file is of."""
        number, _, node = file.node.partition("-")
        return cls(node, int(number)) if node and number.isdecimal() else cls(file.node, -1)

    @property
    def rank(self) -> int:
        """-1 where that is not known."""
        return -1 if self.number == self.process or self.process < 0 else self.number

    def learn(self, rows: Rows) -> None:
        """Take notice of a file's steps."""
        own = np.flatnonzero(rows.phase == STEP_CODE)
        if not len(own):
            return
        self._parts.append(rows.take(own))
        self._steps = None
        if self.process < 0:
            self.process = int(rows.process[own[0]])

    def steps(self) -> "Steps":
        """All that are known."""
        if self._steps is None:
            self._steps = Steps.of(self._parts)
        return self._steps

    def table(self, rows: Rows) -> pa.Table:
        """The rows of a file as events of ours."""
        start, duration, step, mode = rows.start, rows.duration, rows.mode_step, rows.mode
        steps = self.steps()
        if len(steps.number):
            end, own = start + duration, rows.phase == STEP_CODE
            owner = np.searchsorted(steps.end, np.where(own, end - 1, start), "right")
            owner = np.minimum(owner, len(steps.number) - 1)
            known = (start < steps.end[owner]) & (start >= steps.start[owner])
            step, mode = np.where(known, steps.number[owner], -1), np.where(known, steps.mode[owner], mode)
            start = np.where(own, steps.start[owner], start)
            duration = np.where(own, end - start, duration)
        process = np.where(rows.process < 0, self.number if self.process < 0 else self.process, rows.process)
        every = np.zeros(len(rows), np.int32)
        columns = [
            start, duration, step, mode,
            pa.DictionaryArray.from_arrays(rows.phase.astype(np.int32), _NAMES),
            rows.name,
            pa.DictionaryArray.from_arrays(every, pa.array([self.node])),
            every + np.int32(self.rank),
            process, rows.thread, rows.size,
        ]  # fmt: skip
        table = pa.Table.from_arrays([pa.array(column) for column in columns], schema=SCHEMA)
        if np.any(start[1:] < start[:-1]):
            table = table.take(pa.array(np.argsort(start, kind="stable")))
        return table


@dataclass(slots=True)
class Steps:
    """The steps of a process, in the order of their ends."""

    start: Integers
    """Of all of its time: where the one before ends. Smdebug's own steps leave out what is between them."""
    end: Integers
    number: Integers
    """Of all modes together; smdebug counts those of each mode by themselves."""
    mode: NDArray[np.int8]

    @classmethod
    def of(cls, parts: Sequence[Rows]) -> "Steps":
        """From what files say."""
        start = np.concatenate([np.empty(0, np.int64), *(part.start for part in parts)])
        end = start + np.concatenate([np.empty(0, np.int64), *(part.duration for part in parts)])
        mode = np.concatenate([np.empty(0, np.int8), *(part.mode for part in parts)])
        mode_step = np.concatenate([np.empty(0, np.int64), *(part.mode_step for part in parts)])
        order = np.lexsort((start, end))
        start, end, mode, mode_step = start[order], end[order], mode[order], mode_step[order]
        before = np.concatenate([start[:1], end[:-1]])
        number = mode_step.copy()
        for one in np.unique(mode):
            so_far = np.maximum.accumulate(np.where(mode == one, mode_step + 1, 0))
            number += np.where(mode == one, 0, so_far)
        return cls(np.minimum(start, before), end, number, mode)

    def begin(self, end: int) -> int:
        """Where the step that ends at ``end`` begins."""
        place = int(np.searchsorted(self.end, end - 1, "right"))
        return int(self.start[place]) if place < len(self.start) else end
