"""Where a datapoint is at any moment: as it came, or summed up in tiers.

Rows lie in ``datapoints`` as they came for as long as their policy's first lifetime. Then their hour is *closed*
(what comes for it now goes to ``late_datapoints``), summed up into the three tiers by `epochwatch.store.rollup`, and
counted as *rolled* from one moment to the next: readers take from ``datapoints`` what is not rolled, from tiers what
is. Late rows come in *generations* of ten minutes; a generation is summed up on its own and then counted as rolled
in the same way. So every datapoint is read once at any time, whatever is in the middle of being moved, and whatever a
crash left half done.
"""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from epochwatch.model.retention import DEFAULT, Lifetimes, lifetimes
from epochwatch.store.state.tiers import TierStateStore

GENERATION_SECONDS = 600
REFRESH_SECONDS = 2.0
"""How old the progress may be where another server moves rows."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Up to where (exclusive, Unix seconds, full hours) each policy is closed and rolled; generations from
    ``late_rolled`` back are rolled.
    """

    closed: Mapping[int, int] = field(default_factory=dict)
    rolled: Mapping[int, int] = field(default_factory=dict)
    late_rolled: int = 0

    @property
    def raw_only_from(self) -> int:
        """No row of this time or later has ever been summed up."""
        return max(self.closed.values(), default=0)

    def raw_condition(self) -> str:
        """SQL for what is still to be read from ``datapoints``."""
        return _by_policy(self.rolled, "ts >=", "1")

    def tier_condition(self) -> str:
        """SQL for what is to be read from a tier."""
        rolled = " OR ".join(f"(policy = {policy} AND ts < {moment})" for policy, moment in self.rolled.items())
        return f"((generation = 0 AND ({rolled or '0'})) OR (generation > 0 AND generation <= {self.late_rolled}))"

    def late_condition(self) -> str:
        """SQL for what is still to be read from ``late_datapoints``."""
        return f"generation > {self.late_rolled}"


def _by_policy(moments: Mapping[int, int], comparison: str, otherwise: str) -> str:
    if not moments:
        return otherwise
    known = ", ".join(str(policy) for policy in moments)
    parts = [f"(policy = {policy} AND {comparison} {moment})" for policy, moment in moments.items()]
    return f"({' OR '.join(parts)} OR policy NOT IN ({known}))"


class Tiers:
    """Which policy a namespace has, and the progress of each. Safe to use from any number of threads."""

    def __init__(self, state: TierStateStore, retention: Mapping[str, Lifetimes], *, shared: bool) -> None:
        self.shared = shared
        """Whether other servers may move rows."""
        self._state = state
        self._retention = dict(retention)
        self._lock = threading.Lock()
        self._numbers: dict[Lifetimes, int] = {}
        self._generation = 0
        self._read = 0.0
        self._progress = self._load()

    def lifetimes(self, namespace: str) -> Lifetimes:
        """How long datapoints that come now are kept."""
        return self._retention.get(namespace, DEFAULT)

    def policy(self, namespace: str) -> int:
        """The number of the namespace's lifetimes."""
        wanted = self.lifetimes(namespace)
        number = self._numbers.get(wanted)
        if number is None:
            number = self._numbers[wanted] = self._state.policy(str(wanted))
        return number

    def policies(self) -> dict[int, Lifetimes]:
        """The lifetimes of every policy of which there may be rows."""
        return {number: lifetimes(text) for number, text in self._state.policies().items()}

    @property
    def progress(self) -> Progress:
        """The progress as it is now."""
        if self.shared and time.monotonic() - self._read > REFRESH_SECONDS:
            self._progress = self._load()
        return self._progress

    def late(self, policies: NDArray[np.uint16], seconds: NDArray[np.uint32]) -> NDArray[np.bool_]:
        """Which rows come too late for ``datapoints``."""
        closed = self.progress.closed
        late = np.zeros(len(seconds), np.bool_)
        for policy in np.unique(policies) if closed else ():
            late |= (policies == policy) & (seconds < closed.get(int(policy), 0))
        return late

    def generation(self, now: float) -> int:
        """The generation of rows that come late at ``now``."""
        with self._lock:
            wanted = max(int(now) // GENERATION_SECONDS, self.progress.late_rolled + 1, self._generation)
            self._generation = wanted
            return wanted

    def close_hours(self, policy: int, until: int) -> None:
        """From now on rows of ``policy`` before ``until`` are late."""
        self._advance({f"closed:{policy}": until})

    def hours_rolled(self, policy: int, until: int) -> None:
        """The tiers have everything of ``policy`` before ``until`` that was not late."""
        self._advance({f"rolled:{policy}": until})

    def generation_rolled(self, generation: int) -> None:
        """The tiers have every late row up to this generation."""
        self._advance({"late": generation})

    def clear(self) -> None:
        """Forget everything (the tables were emptied)."""
        self._numbers.clear()
        self._generation = 0
        self._progress = self._load()

    def _advance(self, numbers: Mapping[str, int]) -> None:
        self._state.advance(numbers)
        self._progress = self._load()

    def _load(self) -> Progress:
        self._read = time.monotonic()
        closed: dict[int, int] = {}
        rolled: dict[int, int] = {}
        late = 0
        for name, value in self._state.progress().items():
            kind, _, policy = name.partition(":")
            if kind == "late":
                late = value
            else:
                (closed if kind == "closed" else rolled)[int(policy)] = value
        return Progress(closed, rolled, late)
