"""Records that are asked for with every batch, kept in memory."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from epochwatch.store.state.database import Database

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")

KEPT = 10_000
REFRESH_SECONDS = 2.0
"""How old what is remembered may be where another server may change it."""


class Remembered(Generic[Key, Value]):
    """What ``load`` gives for a key. Safe to use from any number of threads."""

    def __init__(self, database: Database, load: Callable[[Key], Value]) -> None:
        self._load = load
        self._lifetime = REFRESH_SECONDS if database.dialect == "postgresql" else float("inf")
        self._known: OrderedDict[Key, tuple[float, Value]] = OrderedDict()
        self._changes = 0
        self._lock = threading.Lock()

    def get(self, key: Key) -> Value:
        """The value for ``key``, loaded when it is not known or too old."""
        now = time.monotonic()
        with self._lock:
            changes = self._changes
            found = self._known.get(key)
            if found is not None and now - found[0] < self._lifetime:
                return found[1]
        value = self._load(key)
        with self._lock:
            if changes == self._changes:  # else it may be from before the change
                self._known[key] = now, value
                while len(self._known) > KEPT:
                    self._known.popitem(last=False)
        return value

    def forget(self) -> None:
        """The records have changed: load all anew."""
        with self._lock:
            self._changes += 1
            self._known.clear()
