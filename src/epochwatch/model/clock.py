"""Hosts' clocks against the server's, so that what several hosts do can be laid side by side."""

import msgspec


class ClockOffset(msgspec.Struct, frozen=True, omit_defaults=True):
    """How far the server's clock is ahead of a host's, as it was measured."""

    seconds: float
    error: float
    """The offset is off by at most so many seconds."""

    @property
    def shift(self) -> float:
        """Seconds to be added to the host's times; 0 where the clocks cannot be told apart."""
        return self.seconds if abs(self.seconds) > self.error else 0.0


def measured(sent: float, received: float, answered: float, returned: float) -> ClockOffset | None:
    """The offset by one exchange, as NTP reckons it: ``sent`` and ``returned`` by the host's clock, ``received`` and
    ``answered`` by the server's (Unix seconds). None where a clock was set meanwhile.
    """
    travelled = (returned - sent) - (answered - received)
    if travelled < 0 or answered < received:
        return None
    return ClockOffset(((received - sent) + (answered - returned)) / 2, travelled / 2)
