"""When an alarm mute rule mutes: from each time that its schedule names, for as long as it says."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from epochwatch.model.periods import DAY, HOUR, MINUTE

LONGEST_DURATION: Final = 15 * DAY
"""Seconds."""
_MONTHS: Final = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS: Final = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_FIELDS: Final[tuple[tuple[str, int, int, Mapping[str, int]], ...]] = (
    ("minutes", 0, 59, {}),
    ("hours", 0, 23, {}),
    ("day-of-month", 1, 31, {}),
    ("month", 1, 12, {name: number for number, name in enumerate(_MONTHS, 1)}),
    ("day-of-week", 0, 7, {name: number for number, name in enumerate(_DAYS)}),
)
_DURATION: Final = re.compile(r"P(?:(\d{1,4})D)?(?:T(?=\d)(?:(\d{1,6})H)?(?:(\d{1,6})M)?)?\Z", re.ASCII)
_AT: Final = re.compile(r"at\((\d{4}-\d{2}-\d{2}T\d{2}:\d{2})\)\Z", re.ASCII)
_CRON: Final = re.compile(r"cron\(([^()]*)\)\Z")


class InvalidSchedule(ValueError):
    """The schedule says no times; the message names the member that is wrong."""


class Status(StrEnum):
    """What a rule does now."""

    SCHEDULED = "SCHEDULED"
    ACTIVE = "ACTIVE"
    EXPIRED = "EXPIRED"


@dataclass(frozen=True, slots=True)
class Cron:
    """Times that come again; each field is the set of its values. Sunday is 0."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    any_day: bool
    """``day-of-month`` is ``*`` or ``day-of-week`` is; else a day that either names will do."""

    def names(self, day: date) -> bool:
        """Whether a day is one of those."""
        if day.month not in self.months:
            return False
        in_month, in_week = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        return in_month and in_week if self.any_day else in_month or in_week


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a rule begins to mute, and for how long. Times are Unix seconds."""

    when: Cron | datetime
    """Of the clock in ``zone``."""
    duration: int
    zone: ZoneInfo

    @property
    def recurring(self) -> bool:
        """Whether it mutes more than once."""
        return isinstance(self.when, Cron)

    def begun(self, now: float) -> float | None:
        """The last time at or before ``now`` at which it began, if not longer ago than a duration can be."""
        if isinstance(self.when, datetime):
            moment = self.when.replace(tzinfo=self.zone).timestamp()
            return moment if moment <= now else None
        today = datetime.fromtimestamp(now, self.zone).date()
        for back in range(LONGEST_DURATION // DAY + 2):
            day = today - timedelta(days=back)
            if self.when.names(day):
                for moment in self._moments(day, self.when):
                    if moment <= now:
                        return moment
        return None

    def _moments(self, day: date, cron: Cron) -> Iterator[float]:
        """The times on a day, the latest first."""
        for hour in sorted(cron.hours, reverse=True):
            for minute in sorted(cron.minutes, reverse=True):
                yield datetime.combine(day, time(hour, minute), self.zone).timestamp()


def status(schedule: Schedule, now: float, start: float | None, expire: float | None) -> Status:
    """What a rule does at ``now`` that takes effect at ``start``, at once where that is None, until ``expire``."""
    if expire is not None and now >= expire:
        return Status.EXPIRED
    begun = schedule.begun(now)
    if begun is not None and now < begun + schedule.duration:
        return Status.ACTIVE if start is None or now >= start else Status.SCHEDULED
    return Status.SCHEDULED if schedule.recurring or begun is None else Status.EXPIRED


def schedule_of(members: Mapping[str, Any]) -> Schedule:
    """The schedule of a rule, by the members of ``Rule.Schedule``. Raises InvalidSchedule."""
    return _parsed(members["Expression"], members["Duration"], members.get("Timezone", "UTC"))


@lru_cache(maxsize=1024)
def _parsed(expression: str, duration: str, zone: str) -> Schedule:
    return Schedule(_when(expression), _seconds(duration), _zone(zone))


def _when(expression: str) -> Cron | datetime:
    at = _AT.match(expression)
    if at:
        try:
            return datetime.fromisoformat(at[1])
        except ValueError as error:
            raise InvalidSchedule(f"Expression {expression}: {error}") from error
    cron = _CRON.match(expression)
    if not cron:
        raise InvalidSchedule(
            f"Expression {expression} must be cron(Minutes Hours Day-of-month Month Day-of-week) or "
            "at(yyyy-MM-ddThh:mm)"
        )
    texts = cron[1].split()
    if len(texts) != len(_FIELDS):
        raise InvalidSchedule(f"Expression {expression} must have {len(_FIELDS)} fields, not {len(texts)}")
    minutes, hours, days, months, weekdays = (
        _field(text, *field) for text, field in zip(texts, _FIELDS, strict=True)
    )
    weekdays = frozenset(day % 7 for day in weekdays)
    return Cron(minutes, hours, days, months, weekdays, "*" in (texts[2], texts[4]))


def _field(text: str, name: str, low: int, high: int, names: Mapping[str, int]) -> frozenset[int]:
    found: set[int] = set()
    for part in text.split(","):
        first, dash, last = part.partition("-")
        if part == "*":
            bounds = [low, high]
        else:
            bounds = [_value(word, names) for word in ((first, last) if dash else (first, first))]
        if not low <= bounds[0] <= bounds[1] <= high:
            raise InvalidSchedule(f"{part} is no value of the field {name} of a cron expression")
        found |= set(range(bounds[0], bounds[1] + 1))
    return frozenset(found)


def _value(word: str, names: Mapping[str, int]) -> int:
    return names.get(word.upper(), int(word) if word.isascii() and word.isdecimal() and len(word) < 3 else -1)


def _seconds(duration: str) -> int:
    found = _DURATION.match(duration)
    days, hours, minutes = (int(part or 0) for part in found.groups()) if found else (0, 0, 0)
    seconds = days * DAY + hours * HOUR + minutes * MINUTE
    if not MINUTE <= seconds <= LONGEST_DURATION:
        raise InvalidSchedule(f"Duration {duration} must be an ISO 8601 duration from PT1M to P15D")
    return seconds


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise InvalidSchedule(f"Timezone {name} is no name of the tz database") from error
