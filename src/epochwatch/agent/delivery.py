"""One request after another to the server, each until it is answered."""

import random
import time
from collections.abc import Callable
from typing import TypeVar

import msgspec

from epochwatch.client import http as client
from epochwatch.settings import Settings

FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 2.0

Answer = TypeVar("Answer")


class Refused(Exception):
    """The server will never take this request as it stands."""

    def __init__(self, message: str, *, unknown_run: bool = False) -> None:
        super().__init__(message)
        self.unknown_run = unknown_run
        """Whether it would after a registration: the server has lost its memory of the run."""


class GivenUp(Exception):
    """Whoever waits for the answer has stopped waiting."""


class Delivery:
    """Sends with retries. ``on_pause`` waits between attempts, told how long and what went wrong; True gives up."""

    def __init__(self, settings: Settings, on_pause: Callable[[float, str], bool]) -> None:
        self._endpoint = settings.endpoint
        self._client = client.Client(settings)
        self._on_pause = on_pause
        self.uncertain = True
        """Whether an earlier request may have reached the server without our knowing."""
        self.last_answer = 0.0
        """Monotonic seconds of the last answer, 0 before the first."""
        self.span = (0.0, 0.0)
        """Unix seconds at which the last request that was answered was sent, and was back."""

    def post(self, path: str, make: Callable[[], msgspec.Struct], kind: type[Answer]) -> Answer:
        """The server's answer to what ``make`` gives (called anew for each attempt). Raises Refused or GivenUp."""
        pause = FIRST_PAUSE_SECONDS
        while True:
            try:
                answer = self._once(path, make(), kind)
            except _Retry as error:
                self.uncertain = True
                self._pause(pause * random.uniform(0.5, 1.0), str(error))  # noqa: S311 (jitter)
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
                continue
            self.last_answer = time.monotonic()
            return answer

    def _once(self, path: str, record: msgspec.Struct, kind: type[Answer]) -> Answer:
        sent = time.time()
        try:
            answer = self._client.post_msgpack(path, record, kind)
        except client.Refused as error:
            if not error.final:
                raise _Retry(error.message) from error
            raise Refused(error.message, unknown_run=error.status == 404) from error
        except client.ServerAbsent as error:
            raise _Retry(f"nobody answers at {self._endpoint}") from error
        except Exception as error:
            raise _Retry(f"{type(error).__name__}: {error}") from error
        self.span = (sent, time.time())
        return answer

    def _pause(self, seconds: float, reason: str) -> None:
        if self._on_pause(seconds, reason):
            raise GivenUp(reason)


class _Retry(Exception):
    """The request may succeed later."""
