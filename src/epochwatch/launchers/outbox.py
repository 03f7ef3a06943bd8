"""What a runner tells the server: kept in the job's directory, sent in order, each until it is acknowledged."""

import sys
import threading
import time
from collections.abc import Callable
from typing import Final

from epochwatch.client.http import Client, Refused, ServerAbsent
from epochwatch.launchers.directory import JobDirectory
from epochwatch.launchers.plan import Plan
from epochwatch.settings import Settings

PATH: Final = "/_/agent/job"
TICK_SECONDS: Final = 0.1
PAUSE_SECONDS: Final = 1.0
PATIENCE_SECONDS: Final = 600.0
"""How long the end of a job waits for a server. Afterwards the queue of the next server starts the runner again."""


class Outbox:
    """Sends in a thread of its own."""

    def __init__(self, job: JobDirectory, plan: Plan) -> None:
        self._job = job
        self._client = Client(settings_of(job, plan))
        self._closing = threading.Event()
        self._new = threading.Event()
        self._patience: Callable[[], bool] = lambda: True
        self._thread = threading.Thread(target=self._run, name="outbox", daemon=True)

    def start(self) -> None:
        """Begin with what is left from before."""
        self._thread.start()

    def wake(self) -> None:
        """There is something new."""
        self._new.set()

    def finish(self) -> bool:
        """Wait until everything is told, at most PATIENCE_SECONDS while no server answers; whether it is."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        self._patience = lambda: time.monotonic() < deadline
        self._closing.set()
        self._new.set()
        self._thread.join()
        return not any(self._job.untold())

    def _run(self) -> None:
        while True:
            closing = self._closing.is_set()
            self._new.clear()
            if self._send() and closing:
                return
            if closing and not self._patience():
                return
            self._new.wait(TICK_SECONDS if closing else PAUSE_SECONDS)

    def _send(self) -> bool:
        """Whether nothing is left."""
        for path, progress in self._job.untold():
            try:
                self._client.post_msgpack(PATH, progress, dict[str, object])
            except Refused as error:
                if not error.final:
                    return False
                print(f"{progress.secondary_status}: refused: {error.message}", file=sys.stderr, flush=True)
                path.rename(path.with_suffix(".refused"))
                continue
            except ServerAbsent:
                return False
            path.rename(path.with_suffix(".sent"))
        return True


def settings_of(job: JobDirectory, plan: Plan) -> Settings:
    """Where the job's server is, and the key it takes."""
    credentials = job.credentials()
    return Settings(
        home=job.path,
        url=plan.endpoint,
        region=plan.region,
        account=plan.account,
        access_key_id=credentials["access_key_id"],
        secret_access_key=credentials["secret_access_key"],
    )
