"""Following a job's log: the live feed says when there is more, and what is more is read from the stored log.

Reading goes on from the token of the last line printed, so nothing is lost or doubled where the tail ends and the
following begins, nor when the server goes away and comes back.
"""

import json
import queue
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from epochwatch.cli.job import job_path
from epochwatch.client.http import Client, Refused, ServerAbsent
from epochwatch.settings import Settings

PAGE = 1000
"""Lines per request."""
POLL_SECONDS = 2.0
"""How often to look without being told: for what came before the feed was there, and where it cannot be had."""
RECONNECT_SECONDS = 1.0
TERMINAL = frozenset({"Completed", "Failed", "Stopped"})


class Follower:
    """The log of one job from a token on, until the job has ended."""

    def __init__(self, settings: Settings, job: str, on_notice: Callable[[str], None]) -> None:
        self._client = Client(settings)
        self._feed = Client(settings)
        self._job = job
        self._on_notice = on_notice
        self._told: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._absent = False

    def events(self, token: str) -> Iterator[dict[str, Any]]:
        """The log events after ``token`` as they come."""
        threading.Thread(target=self._listen, name="live feed", daemon=True).start()
        while True:
            ended = self._ended()
            page = self._page(token)
            while page is not None and page["events"]:
                yield from page["events"]
                token = page["forward"]
                page = self._page(token)
            if ended and page is not None:  # it had ended before its last lines were read
                return
            self._wait()

    def _ended(self) -> bool:
        try:
            return self._client.get_json(job_path(self._job))["status"] in TERMINAL
        except (ServerAbsent, Refused) as error:
            self._unreadable(error)
            return False

    def _page(self, token: str) -> dict[str, Any] | None:
        """The next lines; None while the server is away."""
        try:
            page: dict[str, Any] = self._client.get_json(
                job_path(self._job, "/logs"), {"after": token, "limit": PAGE}
            )
        except (ServerAbsent, Refused) as error:
            self._unreadable(error)
            return None
        if self._absent:
            self._on_notice("the server is back")
            self._absent = False
        return page

    def _unreadable(self, error: ServerAbsent | Refused) -> None:
        """Says once that the server is away; raises what waiting cannot change."""
        if isinstance(error, Refused) and error.final:
            raise error
        if not self._absent:
            self._on_notice(f"{error.message}; waiting for it")
            self._absent = True

    def _wait(self) -> None:
        try:
            self._told.get(timeout=POLL_SECONDS)
            while not self._told.empty():  # one look answers all that was told meanwhile
                self._told.get_nowait()
        except queue.Empty:
            return

    def _listen(self) -> None:
        """Passes on that the feed said something of this job."""
        while True:
            try:
                for line in self._feed.stream_lines("/_/api/live", {"job": self._job}):
                    if line.startswith("event:") and line.removeprefix("event:").strip() in ("log", "job"):
                        self._told.put(line)
            except (ServerAbsent, Refused):
                pass  # the reading side says so
            time.sleep(RECONNECT_SECONDS)


def as_line(event: dict[str, Any]) -> str:
    """A log event as one line of JSON: time (Unix seconds), message and stream."""
    return json.dumps({key: event[key] for key in ("time", "message", "stream")}, ensure_ascii=False)
