"""How long datapoints are kept at which resolution."""

import re
from dataclasses import dataclass, replace
from typing import Final

HOUR: Final = 3600
DAY: Final = 86_400
_UNITS: Final = {"h": HOUR, "d": DAY, "w": 7 * DAY, "y": 365 * DAY}
_DURATION: Final = re.compile(r"(\d{1,6})([hdwy])\Z")
_TIERS: Final = {"1s": "second", "60s": "minute", "300s": "five_minutes", "3600s": "hour"}
FOREVER: Final = None


class InvalidRetention(ValueError):
    """The text says no retention."""


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """Seconds for which datapoints of a namespace are kept by period; None: forever. The defaults are CloudWatch's.

    A datapoint stays as it came for ``second``; then it is summed up by the minute, by five minutes and by the hour,
    each kept for its own time.
    """

    second: int | None = 3 * HOUR
    minute: int | None = 15 * DAY
    five_minutes: int | None = 63 * DAY
    hour: int | None = 455 * DAY

    def finest(self, age: float) -> int:
        """The shortest period, in seconds, at which data of that age (seconds) is there in full."""
        for period, lifetime in ((1, self.second), (60, self.minute), (300, self.five_minutes)):
            if lifetime is None or age < lifetime:
                return period
        return HOUR

    def of(self, period: int) -> int | None:
        """The lifetime of the tier with buckets of ``period`` seconds (1, 60, 300, 3600)."""
        lifetime: int | None = getattr(self, _TIERS[f"{period}s"])
        return lifetime

    def __str__(self) -> str:
        return ",".join(
            f"{tier}:{'forever' if (kept := getattr(self, name)) is None else f'{kept // HOUR}h'}"
            for tier, name in _TIERS.items()
        )


DEFAULT: Final = Lifetimes()


def parse(text: str) -> dict[str, Lifetimes]:
    """Lifetimes by namespace, of a text such as ``Lab=forever; Host/Metrics=1s:7d,60s:1y``.

    A namespace has one duration for all periods (a number and h, d, w or y; or ``forever``), or durations by period:
    ``1s``, ``60s``, ``300s``, ``3600s``; those that are left out are CloudWatch's. Coarser data is never kept shorter
    than finer. Raises InvalidRetention.
    """
    found: dict[str, Lifetimes] = {}
    for entry in filter(None, (part.strip() for part in text.split(";"))):
        namespace, equals, wanted = (part.strip() for part in entry.partition("="))
        if not equals or not namespace or not wanted:
            raise InvalidRetention(f"'{entry}' is not NAMESPACE=DURATION or NAMESPACE=1s:DURATION,60s:DURATION")
        if namespace in found:
            raise InvalidRetention(f"the namespace '{namespace}' occurs twice")
        found[namespace] = lifetimes(wanted)
    return found


def lifetimes(text: str) -> Lifetimes:
    """The lifetimes of one namespace. Raises InvalidRetention."""
    if ":" not in text:
        return _ordered(replace(DEFAULT, second=_seconds(text)))
    changed: dict[str, int | None] = {}
    for part in text.split(","):
        tier, _, duration = (piece.strip() for piece in part.partition(":"))
        if tier not in _TIERS:
            raise InvalidRetention(f"'{tier}' is no tier: known are {', '.join(_TIERS)}")
        changed[_TIERS[tier]] = _seconds(duration)
    return _ordered(replace(DEFAULT, **changed))


def _ordered(given: Lifetimes) -> Lifetimes:
    """Each tier lives at least as long as the finer one."""
    longest: int | None = 0
    kept = {}
    for name in _TIERS.values():
        own = getattr(given, name)
        longest = None if own is None or longest is None else max(own, longest)
        kept[name] = longest
    return Lifetimes(**kept)


def _seconds(text: str) -> int | None:
    if text == "forever":
        return FOREVER
    match = _DURATION.match(text)
    if match is None or int(match[1]) == 0:
        raise InvalidRetention(f"'{text}' is no duration: write a number and h, d, w or y, or forever")
    return int(match[1]) * _UNITS[match[2]]
