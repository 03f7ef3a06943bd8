"""How many of the log events that match go into a Live Tail session: at most 500 for each second."""

from collections.abc import Sequence
from typing import Final, TypeVar

MOST_A_SECOND: Final = 500
MOST_SECONDS: Final = 10
"""To a client that has not read for a while, events of so many seconds are sent at once."""
TICK_SECONDS: Final = 0.1
"""Least time between two updates; the first of a quiet time does not wait."""

Item = TypeVar("Item")


class Allowance:
    """Shares the events of each second out over its updates.

    The first second of a flood is filled by what comes first; in each further one every update gets its part, so that
    all of the second shows.
    """

    def __init__(self) -> None:
        self._second = 0
        self._most = MOST_A_SECOND
        self._matched = 0
        self._granted = 0
        self._flooded = False

    def grant(self, now: float, matched: int) -> int:
        """How many of ``matched`` events may be sent ``now`` (seconds since the session began, never less than
        before).
        """
        second = int(now)
        if second > self._second:
            passed = second - self._second
            self._flooded = passed == 1 and self._matched > self._most
            self._most = MOST_A_SECOND * min(passed, MOST_SECONDS)
            self._second, self._matched, self._granted = second, 0, 0
        self._matched += matched
        left = self._most - self._granted
        if self._flooded:
            updates = max(1, round((second + 1 - now) / TICK_SECONDS))
            left = -(-left // updates)
        granted = min(matched, left)
        self._granted += granted
        return granted


def sample(items: Sequence[Item], count: int) -> list[Item]:
    """``count`` of the items in their order, evenly spread."""
    return [items[index * len(items) // count] for index in range(count)]
