"""Having a run shipped while it goes on: a shipper in a thread, and a local server where none answers."""

import sys
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from epochwatch.agent.spool import Spool
from epochwatch.client.console import sign_in_link
from epochwatch.model.batch import Registered
from epochwatch.settings import Settings

if TYPE_CHECKING:
    from epochwatch.agent.local_server import LocalServer
    from epochwatch.agent.shipper import Shipper

NO_ANSWER_SECONDS = 5.0
"""How long the end of a run waits for a server that does not answer any more."""
NEVER_ANSWERED_SECONDS = 0.5
"""... and for one that has not answered at all (none being started)."""

MakeShipper = Callable[..., "Shipper"]


class Sending:
    """Ships ``spool``. ``make`` gives the kind of shipper; ``on_shipper`` is told of it once there is one."""

    def __init__(
        self,
        spool: Spool,
        settings: Settings,
        *,
        start_server: bool,
        on_notice: Callable[[str], None],
        make: Callable[[], MakeShipper],
        on_shipper: Callable[["Shipper"], None] = lambda _: None,
    ) -> None:
        self.shipper: Shipper | None = None
        self.ended_at = 0.0
        """Monotonic seconds of the run's end; 0 while it goes on."""
        self.thread = threading.Thread(target=self._ship, name="shipper", daemon=True)
        self._spool = spool
        self._settings = settings
        self._start_server = start_server
        self._on_notice = on_notice
        self._make = make
        self._on_shipper = on_shipper
        self._said: set[str] = set()
        self._server: LocalServer | None = None

    def wake(self) -> None:
        """There is something new to send."""
        if self.shipper is not None:
            self.shipper.wake.set()

    def link(self, console_url: str) -> str:
        """The page's address; on a person's terminal one that signs in."""
        if not console_url or not sys.stderr.isatty():
            return console_url
        return sign_in_link(self._settings, console_url)

    def _ship(self) -> None:
        try:
            # Imported only here: the keeper stays small, and this process stands by from its first moment.
            from epochwatch.agent.local_server import LocalServer

            with self._spool.lock("shipper") as lock:
                lock.take(wait=True)
                shipper = self._make()(
                    self._spool,
                    self._settings,
                    on_notice=self._on_notice,
                    on_trouble=self._on_trouble,
                    give_up=self._give_up,
                    on_registered=self._on_registered,
                )
                self.shipper = shipper
                self._on_shipper(shipper)
                if self._start_server:
                    self._server = LocalServer(self._settings)
                    self._server.ensure()
                shipper.ship()
        except Exception as error:  # noqa: BLE001 (nothing of ours may end the training)
            self._on_notice(f"metrics are no longer read ({type(error).__name__}: {error}); the output is kept")

    def _on_trouble(self) -> bool:
        """Whether a server is on its way up."""
        if self._server is None:
            return False
        self._server.ensure()
        if self._server.failure and self._server.failure not in self._said:
            self._said.add(self._server.failure)
            self._on_notice(self._server.failure)
        return self._server.starting

    def _on_registered(self, answer: Registered) -> None:
        self._on_notice(f"{answer.name}: {self.link(answer.console_url)}")

    def _give_up(self) -> bool:
        if not self.ended_at:
            return False
        seen = self._server.seen if self._server is not None else 0.0
        if self._server is not None and self._server.starting:
            return False
        answered = seen > 0 or (self.shipper is not None and self.shipper.last_answer > 0)
        waited = time.monotonic() - max(self.ended_at, seen)
        return waited > (NO_ANSWER_SECONDS if answered else NEVER_ANSWERED_SECONDS)
