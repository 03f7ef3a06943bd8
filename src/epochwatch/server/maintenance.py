"""What the server does by itself from time to time."""

import logging
import threading
import time
from collections.abc import Callable

from epochwatch.store.stores import Stores

logger = logging.getLogger(__name__)

EVERY_SECONDS = 60.0


class Maintenance:
    """Keeps the stores in shape, in a thread of its own, until it is stopped."""

    def __init__(self, stores: Stores, clock: Callable[[], float] = time.time) -> None:
        self._stores = stores
        self._clock = clock
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="epochwatch-maintenance", daemon=True)

    def start(self) -> None:
        """Begin; the first round comes after a pause."""
        self._thread.start()

    def stop(self) -> None:
        """End after the round under way."""
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopped.wait(EVERY_SECONDS):
            try:
                self._stores.maintain(self._clock())
            except Exception:
                logger.exception("maintenance failed; it is tried again in %d s", EVERY_SECONDS)
