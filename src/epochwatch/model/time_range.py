"""Times as people write them, and the period that suits a range of time."""

import re
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

from epochwatch.model import periods

MOST_POINTS: Final = 1000
"""About as many points of a series as one looks at."""
LATEST: Final = 2**32 - 1
"""Unix seconds: times are from 1970 to 2106."""

_RELATIVE: Final = re.compile(r"([+-])(\d{1,9})([smhdw])", re.ASCII)
_NUMBER: Final = re.compile(r"\d{1,10}(?:\.\d*)?", re.ASCII)
_UNITS: Final = {"s": 1, "m": periods.MINUTE, "h": periods.HOUR, "d": periods.DAY, "w": 7 * periods.DAY}
_PERIODS: Final = (1, 5, 10, 20, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, periods.DAY)


class InvalidTime(ValueError):
    """The text is no time; the message says how one is written."""


def parse(text: str, now: float, zone: tzinfo = UTC) -> float:
    """The time in Unix seconds. Raises InvalidTime.

    It is written as ``now``; as ``-3h`` and the like, counted from ``now`` (units s, m, h, d, w); in Unix seconds;
    or by ISO 8601, in ``zone`` where it names none.
    """
    found = _seconds(text.strip(), now, zone)
    if found is None:
        raise InvalidTime(
            f"'{text[:100]}' is no time: write -15m, -3h or -2d, now, Unix seconds, or 2026-01-31T12:00:00Z"
        )
    if not 0 <= found <= LATEST:
        raise InvalidTime(f"'{text[:100]}' lies outside of 1970 to 2106")
    return found


def _seconds(text: str, now: float, zone: tzinfo) -> float | None:
    if text == "now":
        return now
    if relative := _RELATIVE.fullmatch(text):
        seconds = int(relative[2]) * _UNITS[relative[3]]
        return now + (seconds if relative[1] == "+" else -seconds)
    if _NUMBER.fullmatch(text):
        return float(text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=zone)
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(seconds=1)


def suitable_period(start: float, end: float, finest: int) -> int:
    """The shortest usual period, a multiple of ``finest``, at which ``[start, end)`` has at most MOST_POINTS points; a
    day if none is long enough.
    """
    fitting = (
        period
        for period in _PERIODS
        if period % finest == 0 and periods.datapoint_count(start, end, period) <= MOST_POINTS
    )
    return next(fitting, periods.DAY)
