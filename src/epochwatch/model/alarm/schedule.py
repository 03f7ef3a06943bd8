"""When alarms are evaluated, and over which windows of time."""

import hashlib
import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from epochwatch.model.periods import DAY, HOUR, MINUTE

WEEK: Final = 7 * DAY
SHORT_PERIODS: Final = frozenset({10, 20, 30})
"""Periods under a minute that an alarm may have: it is evaluated every ten seconds."""
OFTEN: Final = 10
CLOCK_PERIODS: Final = frozenset({MINUTE, 5 * MINUTE, HOUR, DAY, WEEK})
"""Periods that a window by the clock may have."""
_OFFSET: Final = re.compile(r"(?:UTC|GMT)?([+-])(\d{2}):(\d{2})\Z", re.ASCII)
_COARSE: Final = 5 * MINUTE


class InvalidTimezone(ValueError):
    """The text names no time zone."""


@dataclass(frozen=True, slots=True)
class Window:
    """One period that an alarm looks at, in Unix seconds; ``end`` is exclusive."""

    start: int
    end: int


def is_valid_period(period: int) -> bool:
    """True for 10, 20, 30 seconds and the multiples of 60."""
    return period in SHORT_PERIODS or (period > 0 and period % MINUTE == 0)


def interval(period: int) -> int:
    """Seconds between the evaluations of an alarm with that period."""
    return OFTEN if period < MINUTE else MINUTE


def settling(every: int) -> int:
    """Seconds that a period is left after its end for its datapoints to come in."""
    return 5 if every >= MINUTE else 2


def slot(arn: str, every: int) -> int:
    """At which second of ``every`` an alarm is evaluated: spread evenly, after the periods have settled."""
    digest = int.from_bytes(hashlib.blake2b(arn.encode(), digest_size=8).digest(), "big")
    first = settling(every)
    return first + digest % (every - first)


def sliding(period: int, count: int, now: float) -> list[Window]:
    """The newest ``count`` periods that are over and settled, the oldest first. They move on with each evaluation."""
    every = interval(period)
    step = _COARSE if period >= DAY else every  # what is older than 15 days is kept by five minutes
    end = int(now - settling(every)) // step * step
    return [Window(end - number * period, end - (number - 1) * period) for number in range(count, 0, -1)]


def by_the_clock(period: int, count: int, now: float, zone: tzinfo) -> list[Window]:
    """The newest ``count`` periods that are over and settled, the oldest first, as the clocks of a time zone cut the
    time. ``period`` is one of CLOCK_PERIODS; a day may have 23 or 25 hours, a week begins on Monday.
    """
    edges = [_boundary(period, int(now - settling(MINUTE)), zone)]
    while len(edges) <= count:
        edges.append(_boundary(period, edges[-1] - 1, zone))
    edges.reverse()
    return [Window(start, end) for start, end in itertools.pairwise(edges)]


def parse_timezone(text: str | None) -> tzinfo:
    """The time zone of a name (``Europe/Berlin``) or an offset (``+05:30``, ``UTC-03:00``); UTC for None. Raises
    InvalidTimezone.
    """
    if text is None:
        return UTC
    offset = _OFFSET.match(text)
    if offset:
        minutes = int(offset[2]) * 60 + int(offset[3])
        if int(offset[3]) > 59 or minutes > 18 * 60 or minutes % 5:
            raise InvalidTimezone(f"{text} is no offset of full five minutes up to 18 hours")
        return timezone(timedelta(minutes=minutes if offset[1] == "+" else -minutes))
    try:
        return ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise InvalidTimezone(f"{text} is no name of the tz database and no offset") from error


def lengths(windows: Sequence[Window]) -> list[list[Window]]:
    """Runs of windows of one length that follow each other."""
    runs: list[list[Window]] = []
    for window in windows:
        if runs and runs[-1][-1].end - runs[-1][-1].start == window.end - window.start:
            runs[-1].append(window)
        else:
            runs.append([window])
    return runs


def _boundary(period: int, moment: int, zone: tzinfo) -> int:
    """The newest boundary at or before ``moment``."""
    local = datetime.fromtimestamp(moment, zone)
    if period < DAY:
        offset = int((local.utcoffset() or timedelta()).total_seconds())
        return (moment + offset) // period * period - offset
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    if period == WEEK:
        midnight -= timedelta(days=midnight.weekday())
    return int(midnight.timestamp())
