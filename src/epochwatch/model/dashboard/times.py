"""Times in dashboards: durations of ISO 8601 back from now (``-PT3H``, ``-P3M``), and moments."""

import calendar
import re
from datetime import UTC, datetime, timedelta
from typing import Final

from epochwatch.model.time_range import LATEST

_DURATION: Final = re.compile(
    r"-?P(?=.)(?:(?P<years>\d{1,4})Y)?(?:(?P<months>\d{1,5})M)?(?:(?P<weeks>\d{1,5})W)?(?:(?P<days>\d{1,6})D)?"
    r"(?:T(?=.)(?:(?P<hours>\d{1,7})H)?(?:(?P<minutes>\d{1,8})M)?(?:(?P<seconds>\d{1,9})S)?)?",
    re.ASCII,
)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class InvalidMoment(ValueError):
    """The text is neither a duration nor a moment."""


def is_relative(text: str) -> bool:
    """Whether the time counts back from now."""
    return text.startswith(("-P", "P"))


def moment(text: str, now: float) -> float:
    """The time in Unix seconds. A moment without a time zone is in UTC. Raises InvalidMoment."""
    try:
        found = _before(text, now) if is_relative(text) else datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidMoment(f"'{text[:100]}' is no time: write -PT3H, -P7D, or 2026-01-31T12:00:00Z") from error
    seconds = ((found if found.tzinfo else found.replace(tzinfo=UTC)) - _EPOCH) / timedelta(seconds=1)
    if not 0 <= seconds <= LATEST:
        raise InvalidMoment(f"'{text[:100]}' lies outside of 1970 to 2106")
    return seconds


def _before(text: str, now: float) -> datetime:
    """Months and years are the calendar's; a day that the month has not got becomes its last. What would lie before
    1970 is 1970.
    """
    match = _DURATION.fullmatch(text)
    if match is None:
        raise ValueError(text)
    parts = {name: int(value or 0) for name, value in match.groupdict().items()}
    at = datetime.fromtimestamp(now, UTC)
    months = at.year * 12 + at.month - 1 - parts.pop("years") * 12 - parts.pop("months")
    year, month = divmod(months, 12)
    if year < _EPOCH.year:
        return _EPOCH
    day = min(at.day, calendar.monthrange(year, month + 1)[1])
    try:
        return max(at.replace(year=year, month=month + 1, day=day) - timedelta(**parts), _EPOCH)
    except OverflowError:
        return _EPOCH
