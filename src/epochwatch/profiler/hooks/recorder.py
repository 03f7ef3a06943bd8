"""The part of a profiler's hook that knows no framework: what the training's thread does from one moment to the next.

Nothing here raises into the training: whatever goes wrong turns the recorder off, with one message. Needs nothing but
Python, as all of ``hooks``: it works in any training's environment.
"""

import atexit
import logging
import multiprocessing.util
import os
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple, Protocol

from epochwatch.profiler.hooks.place import node_name, process_started, rank_of
from epochwatch.profiler.phases import Phase
from epochwatch.profiler.store.rows import Header
from epochwatch.profiler.store.writer import EventWriter

_LOG = logging.getLogger(__name__)
_SECOND: Final = 1_000_000_000
FLUSH_SECONDS: Final = 0.1
"""At most so much of what is recorded waits in memory."""
STEPS_A_SECOND: Final = 50
"""Of a faster training each n-th step is recorded, so that it is no more than this."""
_PIECES: Final = 1000
"""Of a step that are kept until it is over."""
TRAIN, EVAL = 1, 2
_SWALLOWS: Final = (Phase.CHECKPOINT, Phase.EVALUATION)
"""Phases of which all that is done in them is a part."""
_LEARNS: Final = (Phase.BACKWARD, Phase.OPTIMIZER)


class Piece(NamedTuple):
    """A stretch of the training's thread, between two of its moments."""

    phase: Phase
    start: int
    end: int
    name: str = ""


class Timeline(Protocol):
    """Says when a device came to where the training's thread was at a moment."""

    def mark(self, moment: int) -> None:
        """This moment will be asked for."""

    def passed(self, moment: int) -> bool:
        """Whether the device has come there."""

    def translated(self, moment: int) -> int:
        """When it did; only once it has."""

    def forget(self, moment: int) -> None:
        """No moment before this one will be asked for any more."""


class _Step(NamedTuple):
    """What waits until a device has done it."""

    step: int
    kept: bool
    pieces: list[Piece]
    start: int
    end: int
    """0 where the step is not over."""


class Recorder:
    """Events of one process, to files in a directory. Moments are nanoseconds of the monotonic clock.

    Phases nest: time belongs to the innermost. A step ends where ``end_step`` says so; what is done behind the last
    one belongs to the next.
    """

    def __init__(self, directory: str | Path, framework: str = "") -> None:
        self.directory = Path(directory)
        self.active = True
        self.step = 0
        """The number of the step that is now."""
        self.timeline: Timeline | None = None
        self._writer = EventWriter(self.directory, Header(node_name(), rank_of(), os.getpid(), framework))
        self._process = os.getpid()
        self._offset = time.time_ns() - time.monotonic_ns()
        self._begin(process_started() - self._offset)
        atexit.register(self.close)
        os.register_at_fork(after_in_child=self._forked)

    def _begin(self, started: int) -> None:
        """Everything as it is in a process that has trained nothing."""
        self.step = 0
        self._thread = threading.get_ident()
        self._stack: list[Phase] = []
        self._pieces: list[Piece] = []
        self._waiting: list[_Step] = []
        self._started = started
        self._step_began = 0
        self._last_step = (0, 0)
        self._since = self._flushed = time.monotonic_ns()
        self._evaluation: tuple[int, int] | None = None
        self._ungraded: int | None = None
        self._stride, self._counted, self._counting = 1, 0, self._since

    # -- what a framework's hook says ------------------------------------------------------------------

    def begin(self, phase: Phase, *, elsewhere: bool = False) -> None:
        """From now on the training's thread is at this. Said by another thread it means nothing, unless that speaks
        for it, ``elsewhere``, while it waits.
        """
        if not self.active or not (elsewhere or threading.get_ident() == self._thread):
            return
        try:
            moment = self._moment()
            self._cut(moment)
            if not self._step_began:
                self._step_began = moment
            if phase in _LEARNS or phase is Phase.CHECKPOINT:
                self._ungraded = None
                self._end_evaluation()
            elif phase is Phase.DATA_LOADING and self._ungraded is not None:
                self._evaluated(self._ungraded, self._pieces[-1].end if self._pieces else moment)
            self._stack.append(phase)
        except Exception as error:  # noqa: BLE001 - the training goes on
            self.fail(error)

    def end(self, phase: Phase, name: str = "") -> None:
        """The innermost stretch of this phase, with all that was begun in it, is over."""
        if not self.active or threading.get_ident() != self._thread or phase not in self._stack:
            return
        try:
            self._cut(self._moment(), name)
            while self._stack.pop() is not phase:
                pass
        except Exception as error:  # noqa: BLE001
            self.fail(error)

    @contextmanager
    def phase(self, phase: Phase | str, name: str = "") -> Iterator[None]:
        """The training's thread is at this within the context. Raises ValueError for a word that is no phase."""
        phase = Phase(phase)
        self.begin(phase)
        try:
            yield
        finally:
            self.end(phase, name)

    def forward(self, *, training: bool, graded: bool) -> None:
        """The model is called: to learn, or to be evaluated. Where its mode says the one and whether gradients are
        wanted says the other, it shows by what follows: another batch at once, and it was an evaluation.
        """
        if not self.active or threading.get_ident() != self._thread:
            return
        try:
            first = self._batch_at()
            self.begin(Phase.FORWARD)
            if training and graded:
                self._ungraded = None
                self._end_evaluation()
            elif not training and not graded:
                self._evaluated(first, self._since)
            elif self._ungraded is None and self._evaluation is None:
                self._ungraded = first
        except Exception as error:  # noqa: BLE001
            self.fail(error)

    def forward_ends(self) -> None:
        """The model's call is over."""
        self.end(Phase.FORWARD)
        if not self.active or threading.get_ident() != self._thread or self._evaluation is None:
            return
        try:
            self._evaluated(self._evaluation[0], self._since)
            if self._evaluation[1] - self._evaluation[0] > _SECOND and not self._stack:
                self._end_evaluation()
                self._evaluation = (self._since, self._since)
                self._write_now()
        except Exception as error:  # noqa: BLE001
            self.fail(error)

    def end_step(self) -> None:
        """A step of the training is over."""
        if not self.active or threading.get_ident() != self._thread:
            return
        try:
            moment = self._moment()
            self._cut(moment)
            self._ungraded = None
            self._end_evaluation()
            if self._started:
                self._first_step(moment)
            self._finish(moment)
            self.step += 1
            self._last_step = (self._step_began, moment)
            self._step_began = moment
            self._regulate(moment)
        except Exception as error:  # noqa: BLE001
            self.fail(error)

    def event(
        self, phase: Phase, start: int, duration: int, name: str = "", size: int = 0, step: int = -1
    ) -> None:
        """Something that took ``duration`` nanoseconds from a moment on, said by any thread; it is written at once."""
        if not self.active:
            return
        try:
            self._event(phase, start, start + duration, name, step, threading.get_native_id(), size)
            self._writer.flush()
        except Exception as error:  # noqa: BLE001
            self.fail(error)

    def events(self, rows: Iterable[tuple[Phase, int, int, int, str, int, int]]) -> None:
        """Phase, start and duration in Unix microseconds, step, name, thread and bytes of each; said by any thread.
        Raises OSError where they cannot be written.
        """
        for phase, start, duration, step, name, thread, size in rows:
            self._writer.add(phase, start, duration, step, TRAIN, name, thread, size)
        self._writer.flush()

    def last_step(self) -> tuple[int, int, int]:
        """Number, and start and end in Unix microseconds, of the step that ended last."""
        start, end = ((moment + self._offset) // 1000 for moment in self._last_step)
        return self.step - 1, start, end

    @property
    def header(self) -> Header:
        """Whose events they are."""
        return self._writer.header

    def trains_here(self) -> None:
        """This thread is the one that trains."""
        if self._thread != threading.get_ident():
            self._thread = threading.get_ident()
            self._stack = []
            self._since = self._moment()

    def identify(self, rank: int) -> None:
        """What this process's number is known to be now."""
        if self.active and rank != self._writer.header.rank:
            try:
                self._writer.header = self._writer.header._replace(rank=rank)
            except Exception as error:  # noqa: BLE001
                self.fail(error)

    def close(self) -> None:
        """Write what waits. Called by itself when the process ends."""
        if not self.active or os.getpid() != self._process:
            return
        try:
            if self.step and threading.get_ident() == self._thread:
                self._cut(self._moment())
                self._end_evaluation()
                self._write_now()
            self._settle(wait=False)
            self._writer.flush()
            self._writer.close()
        except Exception as error:  # noqa: BLE001
            self.fail(error)
        self.active = False
        atexit.unregister(self.close)

    def fail(self, error: Exception) -> None:
        """Off for good, with one message."""
        if self.active:
            self.active = False
            _LOG.warning("the training is profiled no more: %s: %s", type(error).__name__, error)

    # -- within ----------------------------------------------------------------------------------------

    def _first_step(self, moment: int) -> None:
        self._step_began = self._step_began or moment
        self._event(Phase.INITIALIZATION, self._started, self._step_began)
        self._started = 0
        if multiprocessing.parent_process() is not None:  # such processes may end without their atexit
            multiprocessing.util.Finalize(self, Recorder.close, (self,), exitpriority=10)

    def _forked(self) -> None:
        """A child that trains begins as any process does; one that loads data says its events only."""
        self._process = os.getpid()
        if self.active:
            self._writer.forked()
            self.timeline = None
            self._begin(time.monotonic_ns())

    def _moment(self) -> int:
        moment = time.monotonic_ns()
        if self.timeline is not None:
            moment = max(moment, self._since + 1)
            self.timeline.mark(moment)
        return moment

    def _cut(self, moment: int, name: str = "") -> None:
        """What the thread was at ends, or is interrupted, here."""
        stack = self._stack
        if stack:
            phase = stack[-1]
            for outer in stack:
                if outer in _SWALLOWS:
                    phase = outer
                    break
            self._pieces.append(Piece(phase, self._since, moment, name))
            if len(self._pieces) > _PIECES:
                self._write_now()
        self._since = moment

    def _batch_at(self) -> int:
        """Where a batch that is about to be used was begun: at its loading, if that is the last thing that was done."""
        begun = time.monotonic_ns()
        for piece in reversed(self._pieces):
            if piece.phase is not Phase.DATA_LOADING:
                break
            begun = piece.start
        return begun

    def _evaluated(self, start: int, end: int) -> None:
        """From one moment to the other the model was evaluated, whatever was done; goes on with what is known of it."""
        self._ungraded = None
        first = self._evaluation[0] if self._evaluation else start
        self._evaluation = (first, end)
        self._pieces = [piece for piece in self._pieces if piece.start < first or piece.start >= end]

    def _end_evaluation(self) -> None:
        if self._evaluation is not None:
            start, end = self._evaluation
            self._evaluation = None
            if end > start:
                later = [piece for piece in self._pieces if piece.start >= end]
                self._pieces = self._pieces[: len(self._pieces) - len(later)]
                self._pieces += [Piece(Phase.EVALUATION, start, end), *later]

    def _finish(self, moment: int) -> None:
        kept = not self.step % self._stride
        self._waiting.append(_Step(self.step, kept, self._pieces, self._step_began, moment))
        self._pieces = []
        if moment - self._flushed > FLUSH_SECONDS * _SECOND:
            self._flushed = moment
            self._settle()
            self._writer.flush()

    def _write_now(self) -> None:
        """Of a step that takes long, what it did so far."""
        if self._pieces:
            self._waiting.append(_Step(self.step, True, self._pieces, 0, 0))
            self._pieces = []
            self._settle()
            self._writer.flush()

    def _settle(self, *, wait: bool = True) -> None:
        """Write what is known, in its order. ``wait``: for the device to come there, by looking again later."""
        while self._waiting:
            step = self._waiting[0]
            last = step.end or (step.pieces[-1].end if step.pieces else 0)
            if self.timeline is not None and wait and last and not self.timeline.passed(last):
                return
            self._write(self._waiting.pop(0))
            if self.timeline is not None:
                self.timeline.forget(last)

    def _write(self, step: _Step) -> None:
        if step.end and step.kept:
            self._event(Phase.STEP, self._when(step.start), self._when(step.end), step=step.step)
        for piece in step.pieces:
            if step.kept or piece.phase in (Phase.EVALUATION, Phase.CHECKPOINT):
                self._event(piece.phase, self._when(piece.start), self._when(piece.end), piece.name, step.step)

    def _when(self, moment: int) -> int:
        timeline = self.timeline
        return moment if timeline is None or not timeline.passed(moment) else timeline.translated(moment)

    def _event(
        self, phase: Phase, start: int, end: int, name: str = "", step: int = -1, thread: int = 0, size: int = 0
    ) -> None:
        begun = (start + self._offset) // 1000
        duration = max((end + self._offset) // 1000 - begun, 0)
        if duration or phase is Phase.STEP or size:
            mode = EVAL if phase is Phase.EVALUATION else TRAIN
            self._writer.add(phase, begun, duration, step, mode, name, thread, size)

    def _regulate(self, moment: int) -> None:
        """Once a second: how many steps are recorded from now on, and where the wall clock stands."""
        self._counted += 1
        if moment - self._counting < _SECOND:
            return
        rate = self._counted * _SECOND / (moment - self._counting)
        self._stride = max(-(-int(rate) // STEPS_A_SECOND), 1)
        self._counted, self._counting = 0, moment
        self._offset = time.time_ns() - time.monotonic_ns()
