"""The thread that evaluates alarms."""

import time
from collections.abc import Callable, Sequence
from typing import Final

from epochwatch.alarms.rounds import Rounds
from epochwatch.alarms.templates import TemplateAlarms
from epochwatch.model.alarm.templates import Template
from epochwatch.repeated import Repeated
from epochwatch.store.stores import Stores

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
        self._rounds: Rounds | None = None
        self._repeated = Repeated("alarms", EVERY_SECONDS, self._evaluate)

    def start(self) -> None:
        """Begin, with every alarm."""
        self._repeated.start()

    def stop(self) -> None:
        """End after the round under way."""
        self._repeated.stop()

    def _evaluate(self) -> None:
        """For one term, where this server is elected. What is known from the last one holds if that was its own."""
        rounds, self._rounds = self._rounds, None
        with self._stores.state.elected("alarms") as chosen:
            if chosen:
                self._rounds = self._term(rounds or Rounds(self._stores))

    def _term(self, rounds: Rounds) -> Rounds:
        """Evaluate for a while; the rounds, to go on with."""
        end = time.monotonic() + TERM_SECONDS
        self._stores.state.alarms.history.expire(self._clock() - KEPT_SECONDS)
        while True:
            self._templates.run(self._clock())
            rounds.run(self._clock())
            left = EVERY_SECONDS - self._clock() % EVERY_SECONDS
            if time.monotonic() >= end or self._repeated.pause(left):
                return rounds
