"""The thread that evaluates alarms."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Final

from epochwatch.alarms.rounds import Rounds
from epochwatch.alarms.templates import TemplateAlarms
from epochwatch.model.alarm.templates import Template
from epochwatch.store.stores import Stores

logger = logging.getLogger(__name__)

EVERY_SECONDS: Final = 1.0
TERM_SECONDS: Final = 60.0
"""A server that is elected stays so for this long, then another may be."""
KEPT_SECONDS: Final = 30 * 86_400
"""How long what happened to alarms is remembered."""


class AlarmEvaluator:
    """Evaluates alarms in a thread of its own, until it is stopped. Of several servers on one database one does it; a
    change of state is written once in any case, by whoever is first.
    """

    def __init__(
        self,
        stores: Stores,
        templates: Sequence[Template] = (),
        template_actions: Sequence[str] = (),
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._stores = stores
        self._templates = TemplateAlarms(stores, templates, template_actions)
        self._clock = clock
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="epochwatch-alarms", daemon=True)

    def start(self) -> None:
        """Begin, with every alarm."""
        self._thread.start()

    def stop(self) -> None:
        """End after the round under way."""
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        rounds: Rounds | None = None
        while not self._stopped.wait(EVERY_SECONDS):
            try:
                with self._stores.state.elected("alarms") as chosen:
                    rounds = self._term(rounds or Rounds(self._stores)) if chosen else None
            except Exception:
                logger.exception("alarms could not be evaluated; it is tried again in %d s", EVERY_SECONDS)
                rounds = None

    def _term(self, rounds: Rounds) -> Rounds:
        """Evaluate for a while; the rounds, to go on with."""
        end = time.monotonic() + TERM_SECONDS
        self._stores.state.alarms.history.expire(self._clock() - KEPT_SECONDS)
        while True:
            self._templates.run(self._clock())
            rounds.run(self._clock())
            left = EVERY_SECONDS - self._clock() % EVERY_SECONDS
            if time.monotonic() >= end or self._stopped.wait(left):
                return rounds
