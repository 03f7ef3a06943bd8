"""The server's clock as a host sees it: by the quickest of its last answers."""

from collections import deque

from epochwatch.model.clock import ClockOffset, measured

LAST_ANSWERS = 8
"""Enough that one of them was quick, and few enough to follow a clock that drifts."""


class ServerClock:
    """Told of every exchange that has the server's times."""

    def __init__(self) -> None:
        self._last: deque[ClockOffset] = deque(maxlen=LAST_ANSWERS)

    def answered(self, span: tuple[float, float], there: tuple[float, float]) -> None:
        """An exchange: when it was sent and was back here, when it came and was answered there (Unix seconds; 0 where
        the server does not tell).
        """
        offset = measured(span[0], *there, span[1]) if all(there) else None
        if offset is not None:
            self._last.append(offset)

    @property
    def offset(self) -> ClockOffset | None:
        """That of the smallest error; None before the first answer."""
        return min(self._last, key=lambda one: one.error, default=None)
