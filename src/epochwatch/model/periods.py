"""Periods: which are legal, how old data may be asked at which, and how a time range becomes buckets."""

from dataclasses import dataclass
from math import ceil, floor

MINUTE = 60
HOUR = 3600
DAY = 86400
LONGEST_PERIOD = DAY
SUB_MINUTE_PERIODS = frozenset({1, 5, 10, 20, 30})


def is_valid(period: int) -> bool:
    """True for 1, 5, 10, 20, 30 seconds and the multiples of 60 up to a day."""
    return period in SUB_MINUTE_PERIODS or (0 < period <= LONGEST_PERIOD and period % MINUTE == 0)


def rounded_start(start: float, period: int, now: float) -> int:
    """``start`` rounded down as CloudWatch does it.

    To the minute up to 15 days back, to 5 minutes up to 63 days, to the hour beyond; with a period under a
    minute to that division of the minute.
    """
    age = now - start
    coarse = 5 * MINUTE if age < 63 * DAY else HOUR
    step = min(period, MINUTE) if age < 15 * DAY else coarse
    return floor(start / step) * step


@dataclass(frozen=True, slots=True)
class Buckets:
    """Equal buckets of ``period`` seconds from ``start``; a datapoint carries its bucket's start. ``end`` is
    exclusive and may cut the last bucket short.
    """

    start: int
    end: int
    period: int

    @property
    def count(self) -> int:
        """How many buckets the range touches."""
        return max(0, -(-(self.end - self.start) // self.period))


def buckets(start: float, end: float, period: int, now: float) -> Buckets:
    """The buckets of a request for ``[start, end)``.

    The end is rounded up to the minute (to the second for periods under a minute): a datapoint of standard
    resolution stands for its whole minute.
    """
    step = 1 if period < MINUTE else MINUTE
    return Buckets(rounded_start(start, period, now), ceil(end / step) * step, period)


def datapoint_count(start: float, end: float, period: int) -> int:
    """The most datapoints one statistic of ``[start, end)`` can have at ``period``."""
    return max(0, ceil((end - start) / period))
