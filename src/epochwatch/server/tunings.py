"""The loop that takes hyperparameter tuning jobs on."""

import logging
import threading
import time
from collections.abc import Callable

from epochwatch.services.sagemaker.tuning import advance_tunings
from epochwatch.store.stores import Stores

logger = logging.getLogger(__name__)

EVERY_SECONDS = 1.0


class Tunings:
    """Advances all tuning jobs, in a thread of its own, until it is stopped. One server of several does it."""

    def __init__(self, stores: Stores, clock: Callable[[], float] = time.time) -> None:
        self._stores = stores
        self._clock = clock
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="epochwatch-tunings", daemon=True)

    def start(self) -> None:
        """Begin, with what an earlier server left under way."""
        self._thread.start()

    def stop(self) -> None:
        """End after the round under way. Trainings go on."""
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopped.wait(EVERY_SECONDS):
            try:
                with self._stores.state.elected("tunings") as chosen:
                    if chosen:
                        advance_tunings(self._stores, self._clock())
            except Exception:
                logger.exception("tuning jobs could not be looked at; it is tried again in %d s", EVERY_SECONDS)
