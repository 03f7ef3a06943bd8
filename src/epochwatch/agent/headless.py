"""The shipper without a user: when whoever began a run is gone, and for what records itself."""

import sys
import time
from collections.abc import Callable
from pathlib import Path

from epochwatch.agent.shipper import Shipper
from epochwatch.agent.spool import Spool
from epochwatch.settings import Settings, load

PATIENCE_SECONDS = 600.0


def main(arguments: list[str]) -> int:
    """``python -m epochwatch.agent.headless SPOOL [--serve]``: ships without a user.

    With ``--serve`` it starts a local server where none answers, as `epochwatch run` does.
    """
    return 0 if ship_alone(Spool(Path(arguments[0])), serve=arguments[1:2] == ["--serve"]) else 1


def ship_alone(spool: Spool, *, serve: bool = False) -> bool:
    """Ships until the run has ended and is delivered (True), or until the server has stayed away for
    PATIENCE_SECONDS after that.
    """
    settings = load()
    patience = _Patience()
    with spool.lock("shipper") as lock:
        lock.take(wait=True)
        if serve:
            shipper = Shipper(spool, settings, give_up=patience.exhausted, on_trouble=_server_starter(settings))
        else:
            shipper = Shipper(spool, settings, give_up=patience.exhausted)
        shipper.ship()
    return shipper.finished


def _server_starter(settings: Settings) -> Callable[[], bool]:
    from epochwatch.agent.local_server import LocalServer

    server = LocalServer(settings)

    def start() -> bool:
        server.ensure()
        return server.starting

    return start


class _Patience:
    """How long a headless shipper waits for the server once the training has ended."""

    def __init__(self) -> None:
        self._since = 0.0

    def exhausted(self) -> bool:
        """Called while the run is over and the server does not answer."""
        self._since = self._since or time.monotonic()
        return time.monotonic() - self._since > PATIENCE_SECONDS


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
