"""Work that becomes due in the store, done in threads by one server at a time."""

import logging
import threading
import time
from collections.abc import Callable, Collection, Sequence
from typing import Final, NamedTuple

from epochwatch.repeated import Repeated
from epochwatch.store.state import StateStore

logger = logging.getLogger(__name__)

EVERY_SECONDS: Final = 0.5
TERM_SECONDS: Final = 60.0
"""A server that is elected stays so for this long, and while something is under way; then another may be."""
AT_ONCE: Final = 16
STOP_SECONDS: Final = 5.0
"""How long a server that stops, or fails, waits for what is under way; what is not done then is done again."""


class Task(NamedTuple):
    """Something to do. Of two tasks with one key, one is done at a time."""

    key: str
    run: Callable[[], None]


class DueWork:
    """Looks for what is due and does it, until it is stopped. Of several servers on one database one does it.

    ``find`` is given the time (Unix seconds), the keys of the tasks under way and how many more there may be.
    """

    def __init__(
        self,
        state: StateStore,
        duty: str,
        find: Callable[[float, Collection[str], int], Sequence[Task]],
        *,
        added: threading.Event | None = None,
        each_term: Callable[[float], None] = lambda _: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._state = state
        self._duty = duty
        self._find = find
        self._added = added or threading.Event()
        self._each_term = each_term
        self._clock = clock
        self._busy: dict[str, threading.Thread] = {}
        self._freed = threading.Condition()
        self._repeated = Repeated(duty, EVERY_SECONDS, self._take_a_turn)

    def start(self) -> None:
        """Begin."""
        self._repeated.start()

    def stop(self) -> None:
        """End; what is under way has a moment to finish."""
        self._repeated.ask_to_stop()
        self._added.set()
        self._repeated.stop()

    def _take_a_turn(self) -> None:
        with self._state.elected(self._duty) as chosen:
            if chosen:
                self._term()

    def _term(self) -> None:
        end = time.monotonic() + TERM_SECONDS
        self._each_term(self._clock())
        try:
            while not self._repeated.stopped and (self._keys() or time.monotonic() < end):
                self._added.clear()
                for task in self._find(self._clock(), self._keys(), AT_ONCE - len(self._keys())):
                    self._begin(task)
                self._added.wait(EVERY_SECONDS)
        finally:
            self._finish()

    def _keys(self) -> Collection[str]:
        with self._freed:
            return list(self._busy)

    def _begin(self, task: Task) -> None:
        thread = threading.Thread(target=self._do, args=(task,), name=f"epochwatch-{self._duty}-task", daemon=True)
        with self._freed:
            self._busy[task.key] = thread
        thread.start()

    def _do(self, task: Task) -> None:
        try:
            task.run()
        except Exception:
            logger.exception("%s: a task failed", self._duty)
        finally:
            with self._freed:
                del self._busy[task.key]
                self._freed.notify_all()
            self._added.set()

    def _finish(self) -> None:
        """Wait a moment for what is under way: the next that is elected would do it again."""
        with self._freed:
            self._freed.wait_for(lambda: not self._busy, STOP_SECONDS)
