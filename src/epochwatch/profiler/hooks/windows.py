"""Windows: steps over which a framework's own profiler runs, and Python's, as a configuration asks for them.

The configuration may change while the training runs: the hook looks at its file once a second. What a window cost the
training is measured against the steps around it.
"""

import atexit
import cProfile
import json
import logging
import math
import os
import pstats
import statistics
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Protocol

from epochwatch.profiler.hooks.parameters import DETAILED, Asked, Range, asked_in
from epochwatch.profiler.hooks.python_window import PythonWindow
from epochwatch.profiler.hooks.recorder import Recorder
from epochwatch.profiler.hooks.trace import events_of, packed
from epochwatch.profiler.phases import Phase

_LOG = logging.getLogger(__name__)
FOLDER: Final = "windows"
LOOK_SECONDS: Final = 1.0
BEFORE, AFTER = 10, 5
"""Steps around a window by which its cost is measured."""
FUNCTIONS: Final = 500
"""Of Python's that are kept, those that took longest."""
SAVE_SECONDS: Final = 60.0
"""What the end of a process waits for a window that is being saved."""
_TIMERS: Final[dict[str, Callable[[], float] | None]] = {
    "total": None,
    "cpu": time.process_time,
    "off_cpu": lambda: time.perf_counter() - time.process_time(),
}


class Tracer(Protocol):
    """A framework's own profiler."""

    def start(self) -> float:
        """Record from now on, first of all ``trace.MARK``; when that was, in Unix seconds."""

    def stop(self) -> None:
        """Record no more."""

    def save(self, path: Path) -> None:
        """Write what was recorded, in Chrome's format. Called on a thread of its own."""


class _Window:
    """Of operators or Python's functions, from the end of a step to that of another."""

    def __init__(self, asked: Range, first: int) -> None:
        self.asked = asked
        self.first = first
        self.began = self.marked = time.time()
        self.steps: list[tuple[int, int, int]] = []
        """Number, and start and end in Unix microseconds."""
        self.cost: float | None = None
        """Seconds; None until it is known whether it can be said."""
        self.saving: threading.Thread | None = None

    def over(self, step: int) -> bool:
        """Whether this step is its last."""
        return self.asked.ends(self.first, step, self.began, time.time())


class Windows:
    """The windows of one process. Nothing of it raises into the training, nor ends the timing of its steps."""

    def __init__(
        self, recorder: Recorder, config: Path | None, tracer: Callable[[], Tracer | None] = lambda: None
    ) -> None:
        self._recorder = recorder
        self._config = config
        self._tracer = tracer
        self._modified = 0
        self._next_look = 0.0
        self._process = os.getpid()
        self._asked = self._known = Asked()
        self._said: set[str] = set()
        self._recent: deque[tuple[int, float]] = deque(maxlen=BEFORE + AFTER + 128)
        self._operators: _Window | None = None
        self._python: tuple[_Window, cProfile.Profile] | None = None
        self._running: Tracer | None = None
        self._untold: list[_Window] = []
        """Those whose steps behind them are still to come, or that are being saved."""
        atexit.register(self.close)

    def step_ended(self) -> None:
        """A step of the training is over; the next has begun. What was open in a parent of the process is not its."""
        if os.getpid() != self._process or not self._recorder.active:
            return
        try:
            step, start, end = self._recorder.last_step()
            self._recent.append((step, (end - start) / 1e6))
            if self._operators is not None:
                self._operators.steps.append((step, start, end))
                if self._operators.over(step):
                    self._end_operators()
            if self._python is not None:
                self._python[0].steps.append((step, start, end))
                if self._python[0].over(step):
                    self._end_python()
            for window in list(self._untold):
                self._tell_if_known(window, step)
            if self._config is not None and time.monotonic() >= self._next_look:
                self._look(self._config)
            if self._asked.operators is not None or self._asked.python is not None:
                self._begin(step + 1)
        except Exception as error:  # noqa: BLE001 - the training goes on
            self._fail(error)

    def close(self) -> None:
        """End what is open and write it. Called by itself when the process ends."""
        if os.getpid() != self._process or not self._recorder.active:
            return
        try:
            if self._operators is not None and self._operators.steps:
                self._end_operators()
            if self._python is not None and self._python[0].steps:
                self._end_python()
            for window in self._untold:
                if window.saving is not None:
                    window.saving.join(SAVE_SECONDS)
                self._tell(window, self._cost(window) if window.cost is None else window.cost)
            self._untold = []
        except Exception as error:  # noqa: BLE001
            self._fail(error)

    # -- within ----------------------------------------------------------------------------------------

    def _look(self, config: Path) -> None:
        self._next_look = time.monotonic() + LOOK_SECONDS
        try:
            modified = config.stat().st_mtime_ns
        except OSError:
            return
        if modified != self._modified:
            self._modified = modified
            before, now = self._known, asked_in(config)
            again = now.stamp != before.stamp
            self._known = now
            for name in now.without_effect:
                self._say(f"{name} has no effect")
            self._asked = Asked(
                now.operators if again or now.operators != before.operators else self._asked.operators,
                now.python if again or now.python != before.python else self._asked.python,
            )

    def _begin(self, step: int) -> None:
        asked, now = self._asked, time.time()
        if asked.operators is not None and self._running is None and asked.operators.begins(step, now):
            self._asked = Asked(None, asked.python)
            self._running = self._tracer()
            if self._running is None:
                self._say(f"{DETAILED} has no effect: what trains here has no profiler of its own that is known")
            else:
                self._operators = _Window(asked.operators, step)
                self._operators.marked = self._running.start()
        asked = self._asked
        if asked.python is not None and self._python is None and asked.python.begins(step, now):
            self._asked = Asked(asked.operators, None)
            timer = _TIMERS[asked.python.timer]
            profile = cProfile.Profile() if timer is None else cProfile.Profile(timer)
            self._python = (_Window(asked.python, step), profile)
            profile.enable()

    def _end_operators(self) -> None:
        window, running = self._operators, self._running
        self._operators = self._running = None
        if window is None or running is None:
            return
        running.stop()
        self._untold.append(window)
        window.saving = threading.Thread(
            target=self._save, args=(window, running), name="profile window", daemon=True
        )
        window.saving.start()

    def _end_python(self) -> None:
        assert self._python is not None, "only while it runs"
        window, profile = self._python
        self._python = None
        profile.disable()
        path = self._recorder.directory / FOLDER / self._of_python(window).file_name
        path.parent.mkdir(parents=True, exist_ok=True)
        stats: Any = pstats.Stats(profile)
        stats.dump_stats(path.with_suffix(".tmp"))
        path.with_suffix(".tmp").replace(path)
        start = window.steps[0][1]
        longest = sorted(stats.stats.items(), key=lambda one: -one[1][2])[:FUNCTIONS]
        self._recorder.events(
            (Phase.PYTHON, start, round(own * 1e6), window.first, f"{file}:{line}({name})", -calls, 0)
            for (file, line, name), (_, calls, own, _, _) in longest
            if own > 0
        )

    def _of_python(self, window: _Window) -> PythonWindow:
        header = self._recorder.header
        number = header.rank if header.rank >= 0 else header.process
        (first, start, _), (last, _, end) = window.steps[0], window.steps[-1]
        return PythonWindow(header.node, number, first, last, start, end, header.framework or "python")

    def _save(self, window: _Window, running: Tracer) -> None:
        """On a thread of its own: what a window recorded, as operators and as a trace."""
        path = self._path(window, "json.gz")
        raw = path.with_name(f".{path.name}.raw")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            running.save(raw)
            self._recorder.events(events_of(raw, window.steps, window.marked))
            packed(raw, path)
        except Exception as error:  # noqa: BLE001
            self._fail(error)
        finally:
            raw.unlink(missing_ok=True)

    def _tell_if_known(self, window: _Window, step: int) -> None:
        """The training does not wait for what is still being saved."""
        if window.cost is None and step >= window.steps[-1][0] + 1 + AFTER:
            window.cost = self._cost(window)
        if window.cost is not None and window.saving is not None and not window.saving.is_alive():
            self._untold.remove(window)
            self._tell(window, window.cost)

    def _tell(self, window: _Window, cost: float) -> None:
        """Say that a window is complete, if its trace is there."""
        path = self._path(window, "json.gz")
        if not path.exists():
            return
        first, last = window.steps[0], window.steps[-1]
        header = self._recorder.header
        record = {
            "node": header.node,
            "rank": header.rank,
            "first_step": first[0],
            "last_step": last[0],
            "span": [first[1], last[2]],
            "cost": None if math.isnan(cost) else cost,
            "path": f"{FOLDER}/{path.name}",
        }
        told = path.with_name(path.name.removesuffix(".gz"))
        temporary = told.with_suffix(".tmp")
        temporary.write_text(json.dumps(record))
        temporary.replace(told)

    def _cost(self, window: _Window) -> float:
        """Seconds by which its steps, and the one behind in which it was ended, were longer than those around; NaN
        where these are too few.
        """
        first, last = window.steps[0][0], window.steps[-1][0]
        durations = dict(self._recent)
        around = [durations[step] for step in (*range(first - BEFORE, first), *range(last + 2, last + 2 + AFTER))
                  if step in durations and step > 0]  # fmt: skip
        own = [durations[step] for step in range(first, last + 2) if step in durations]
        return sum(own) - len(own) * statistics.median(around) if len(around) >= AFTER else math.nan

    def _path(self, window: _Window, suffix: str) -> Path:
        header = self._recorder.header
        name = f"{header.node}-{max(header.rank, 0)}-{os.getpid()}-{window.first:09d}.{suffix}"
        return self._recorder.directory / FOLDER / name

    def _say(self, what: str) -> None:
        """Once."""
        if what not in self._said:
            self._said.add(what)
            _LOG.warning("of the windows of the training's profile: %s", what)

    def _fail(self, error: Exception) -> None:
        running, python = self._running, self._python
        self._operators = self._running = self._python = None
        self._asked = Asked()
        with suppress(Exception):
            if python is not None:
                python[1].disable()
            if running is not None:
                running.stop()
        _LOG.warning("no window of the training is recorded: %s: %s", type(error).__name__, error)
