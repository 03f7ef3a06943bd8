"""Following a job's log: what the live feed sends, and what the stored log has where the feed was not there.

The feed says ``hello`` once nothing more can pass it by; what lies before is then read from the stored log. Both
overlap, and each event has a token, so that what both have is told apart from what is new: nothing is lost or
doubled, neither where the tail ends nor when the server goes away and comes back.
"""

import collections
import json
import queue
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import Any

from epochwatch.cli.job import job_path
from epochwatch.client.http import Client, Refused, ServerAbsent
from epochwatch.settings import Settings

PAGE = 1000
"""Lines per request."""
OVERLAP = 5000
"""So many events back a catching up begins: other hosts' lines may come late and stand before the last seen."""
IDLE_SECONDS = 10.0
"""After so long without a word from the feed the log is looked at: a connection can die unnoticed."""
RECONNECT_SECONDS = 1.0
TERMINAL = frozenset({"Completed", "Failed", "Stopped"})

Told = tuple[str, Any]
"""An event of the feed: name and data."""


class Follower:
    """The log of one job behind its tail, until the job has ended. ``on_notice`` hears of an absent server."""

    def __init__(self, settings: Settings, job: str, on_notice: Callable[[str], None]) -> None:
        self._client = Client(settings)
        self._feed = Client(settings)
        self._job = job
        self._on_notice = on_notice
        self._told: queue.SimpleQueue[Told] = queue.SimpleQueue()
        self._seen: collections.OrderedDict[str, None] = collections.OrderedDict()
        self._absent = False

    def events(self, tail: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """The log events that are not in ``tail``, as they come."""
        for event in tail:
            self._is_new(event)
        threading.Thread(target=self._listen, name="live feed", daemon=True).start()
        while True:
            name, data = self._next()
            if name == "log":
                yield from filter(self._is_new, data["events"])
            elif name == "job" and data["status"] not in TERMINAL:
                continue
            else:
                ended = self._ended()
                caught_up = yield from self._catch_up()
                if ended and caught_up:  # it had ended before the last page was read
                    return

    def _next(self) -> Told:
        try:
            return self._told.get(timeout=IDLE_SECONDS)
        except queue.Empty:
            return "idle", None

    def _is_new(self, event: dict[str, Any]) -> bool:
        """Whether the event was not seen yet; it is now."""
        if event["token"] in self._seen:
            return False
        self._seen[event["token"]] = None
        while len(self._seen) > 2 * OVERLAP:
            self._seen.popitem(last=False)
        return True

    def _catch_up(self) -> Generator[dict[str, Any], None, bool]:
        """The stored events not seen yet; returns whether all were read."""
        after = self._rewound()
        while True:
            page = self._asked(job_path(self._job, "/logs"), {"after": after, "limit": PAGE})
            if page is None:
                return False
            if not page["events"]:
                return True
            yield from filter(self._is_new, page["events"])
            after = page["forward"]

    def _rewound(self) -> str | None:
        skipped = max(0, len(self._seen) - OVERLAP)
        return next((token for number, token in enumerate(self._seen) if number == skipped), None)

    def _ended(self) -> bool:
        job = self._asked(job_path(self._job), {})
        return job is not None and job["status"] in TERMINAL

    def _asked(self, path: str, parameters: dict[str, str | int | None]) -> dict[str, Any] | None:
        """The answer; None, said once, while the server is away. Raises Refused where waiting changes nothing."""
        try:
            answer: dict[str, Any] = self._client.get_json(path, parameters)
        except (ServerAbsent, Refused) as error:
            if isinstance(error, Refused) and error.final:
                raise
            if not self._absent:
                self._on_notice(f"{error.message}; waiting for it")
                self._absent = True
            return None
        if self._absent:
            self._on_notice("the server is back")
            self._absent = False
        return answer

    def _listen(self) -> None:
        """Passes on what the feed says, connecting again whenever it ends."""
        while True:
            name = ""
            try:
                for line in self._feed.stream_lines("/_/api/live", {"job": self._job}):
                    field, _, value = line.partition(":")
                    if field == "event":
                        name = value.strip()
                    elif field == "data" and name in ("hello", "log", "job", "behind"):
                        self._told.put((name, json.loads(value)))
            except (ServerAbsent, Refused):
                pass  # the reading side finds out, and says so
            self._told.put(("gone", None))
            time.sleep(RECONNECT_SECONDS)


def as_line(event: dict[str, Any]) -> str:
    """A log event as one line of JSON: time (Unix seconds), message and stream."""
    return json.dumps({key: event[key] for key in ("time", "message", "stream")}, ensure_ascii=False)
