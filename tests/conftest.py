"""Fixtures for all rooms."""

import signal
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from epochwatch.store.stores import Stores


for number in (signal.SIGINT, signal.SIGQUIT):
    # A shell that starts the tests in the background has them ignored, and so would every process we start.
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)


@pytest.fixture(scope="session")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator["Stores"]:
    """Real stores, one set for the session: the engine can be open only once in a process.

    Tests keep apart by tenants of their own.
    """
    from epochwatch.model.retention import parse
    from epochwatch.store.stores import Stores

    home = tmp_path_factory.mktemp("stores")
    opened = Stores.open(
        f"chdb://{home / 'metrics'}",
        f"sqlite:///{home / 'state.db'}",
        f"file://{home / 'objects'}",
        parse("Kept/Forever=forever; Kept/Week=1s:1w"),
    )
    yield opened
    opened.close()
