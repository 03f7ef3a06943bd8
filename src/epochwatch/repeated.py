"""Work that a server does by itself, again and again."""

import logging
import threading
from collections.abc import Callable

logger = logging.getLogger(__name__)


class Repeated:
    """Does ``run`` in a thread of its own, with a pause of ``every_seconds`` before each time, until it is stopped. A
    failure is logged, and it is tried again.
    """

    def __init__(self, name: str, every_seconds: float, run: Callable[[], None]) -> None:
        self._name = name
        self._every_seconds = every_seconds
        self._run = run
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._repeat, name=f"epochwatch-{name}", daemon=True)

    @property
    def stopped(self) -> bool:
        """Whether it is to end: what takes long in ``run`` looks here."""
        return self._stopped.is_set()

    def start(self) -> None:
        """Begin, with a pause."""
        self._thread.start()

    def pause(self, seconds: float) -> bool:
        """Wait, within ``run``; whether it was stopped meanwhile."""
        return self._stopped.wait(seconds)

    def ask_to_stop(self) -> None:
        """End soon."""
        self._stopped.set()

    def stop(self) -> None:
        """End when what is under way is done."""
        self.ask_to_stop()
        self._thread.join()

    def _repeat(self) -> None:
        while not self.pause(self._every_seconds):
            try:
                self._run()
            except Exception:
                logger.exception("%s failed; it is tried again in %s s", self._name, self._every_seconds)
