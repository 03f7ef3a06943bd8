"""Sampling on time: absolute deadlines, and a scheduler that is asked to hold them."""

import os
import resource
import time
from collections.abc import Callable
from contextlib import suppress

LONGEST_RUN_SECONDS = 1
"""Without sleeping, under real-time scheduling: then the kernel ends us rather than let us stop the training."""


class Deadlines:
    """Multiples of an interval on the wall clock, so that hosts sample together. Missed ones are left out."""

    def __init__(
        self,
        milliseconds: int,
        wall: Callable[[], int] = time.time_ns,
        monotonic: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._step = milliseconds * 1_000_000
        self._monotonic = monotonic
        first = self._step - wall() % self._step
        self._next = monotonic() + first + (self._step if first < self._step // 2 else 0)

    def rest(self) -> float:
        """Seconds until the next deadline; never negative."""
        return max(self._next - self._monotonic(), 0) / 1e9

    def take(self) -> None:
        """Goes on to the first deadline that has not passed."""
        late = max(self._monotonic() - self._next, 0)
        self._next += self._step * (late // self._step + 1)


def ask_for_punctuality() -> str:
    """Real-time scheduling where that is allowed, else a higher priority; says what there is now."""
    with suppress(OSError, AttributeError):  # neither is on every system
        soft = LONGEST_RUN_SECONDS * 1_000_000
        resource.setrlimit(resource.RLIMIT_RTTIME, (soft, 2 * soft))  # type: ignore[attr-defined,unused-ignore]
        os.sched_setscheduler(0, os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(1))
        return "real-time"
    with suppress(OSError):
        os.nice(-10)
        return "nice -10"
    return "normal"
