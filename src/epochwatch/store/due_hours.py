"""Hours of a host whose files are still to be put together: an empty object says so of each, until it is done."""

import logging
from collections.abc import Callable
from typing import Final, Protocol, TypeVar

from epochwatch.store.objects import ObjectStore

logger = logging.getLogger(__name__)

HOUR: Final = 3600
SETTLED_AFTER: Final = 300
"""Seconds after an hour's end at which it is put together: what comes late is there by then."""
ROUND_SECONDS: Final = 20.0
"""After which the next round goes on: others wait for it."""


class Place(Protocol):
    """Where the files of one host are."""

    def hour(self, hour: int, /) -> str:
        """The key of an hour's files, by its first Unix second."""


Of = TypeVar("Of", bound=Place)


def put_together_due(
    objects: ObjectStore,
    due: str,
    of_due: Callable[[str], tuple[Of, int]],
    put_together: Callable[[ObjectStore, Of, int], None],
    left: Callable[[ObjectStore, str], object],
    now: float,
    clock: Callable[[], float],
) -> None:
    """Put together the hours below ``due`` that are over at ``now`` (Unix seconds), oldest first, while there is time.
    ``left`` says whether there are files below an hour's key that are not yet put together.

    One that cannot be read waits for the next round.
    """
    end = clock() + ROUND_SECONDS
    for key in sorted(key for key, _ in objects.list(due)):
        place, hour = of_due(key)
        if hour + HOUR + SETTLED_AFTER > now or clock() > end:
            return
        try:
            put_together(objects, place, hour)
        except Exception:
            logger.exception("%s cannot be put together", place.hour(hour))
            continue
        objects.delete(key)
        if left(objects, place.hour(hour)):  # one came meanwhile
            objects.put(key, b"")
