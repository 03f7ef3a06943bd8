"""Axes: where their marks are and what stands at them."""

import math
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Final

from epochwatch.model.periods import DAY, HOUR, MINUTE

_STEPS: Final = (
    *(1, 2, 5, 10, 15, 30),
    *(MINUTE * count for count in (1, 2, 5, 10, 15, 30)),
    *(HOUR * count for count in (1, 2, 3, 6, 12)),
    *(DAY * count for count in (1, 2, 7, 14, 30, 60, 90, 180, 365, 730, 1825, 3650, 18250)),
)
_PREFIXES: Final = ((1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))
_LARGEST: Final = sys.float_info.max
_MONDAY: Final = 4 * DAY
"""The first one in 1970: weeks begin on Mondays."""


def limits(
    values: Sequence[float], least: float | None, greatest: float | None, *, from_zero: bool = False
) -> tuple[float, float]:
    """From where to where a value axis goes: the limits that are given, else a little beyond the least and greatest of
    the values. ``from_zero``: areas and bars stand on zero.
    """
    finite = [value for value in values if math.isfinite(value)]
    low, high = min(finite, default=0.0), max(finite, default=1.0)
    if from_zero:
        low, high = min(low, 0.0), max(high, 0.0)
    if low == high:
        room = abs(low) * 0.5 or 1.0
        low, high = (low - room, high + room) if low else (0.0, 1.0)
    room = (high / 2 - low / 2) * 0.1  # halves: the difference of two huge values would be infinite
    bottom = low if from_zero and low == 0 else low - room
    top = high if from_zero and high == 0 else high + room
    if low >= 0 > bottom:
        bottom = 0.0
    bottom = max(bottom, -_LARGEST) if least is None else least
    top = min(top, _LARGEST) if greatest is None else greatest
    if bottom >= top:
        bottom, top = (bottom, bottom + 1.0) if greatest is None else (top - 1.0, top)
    return bottom, top if top > bottom else math.nextafter(bottom, math.inf)


def part(value: Any, low: float, high: float) -> Any:
    """Where a value (or each of an array) lies from ``low``, which is 0, to ``high``, which is 1."""
    return (value / 2 - low / 2) / ((high / 2 - low / 2) or 1.0)  # halves, as above


def value_marks(low: float, high: float, most: int) -> list[float]:
    """Round values from ``low`` to ``high``, at most ``most`` of them where two fit at all."""
    span = high / 2 - low / 2
    if not 0 < span < math.inf:
        return []
    step = 10.0 ** math.floor(math.log10(max(span * 2 / max(most, 1), 5e-324)))
    for factor in (1, 2, 2.5, 5, 10, 20, 25, 50):
        wide = step * factor
        if wide > 0 and math.floor(high / wide) - math.ceil(low / wide) + 1 <= most:
            first, last = math.ceil(low / wide), math.floor(high / wide)
            return [number * wide for number in range(first, last + 1)]
    return []


def short(value: float, step: float = 0.0) -> str:
    """A value in few characters: ``0.25``, ``1.5k``, ``20M``; as exact as steps of ``step`` need."""
    if value == 0 or not math.isfinite(value):
        return "0" if value == 0 else str(value)
    size = abs(value)
    if size >= 1e18 or size < 1e-4:
        return f"{value:.3g}"
    divisor, prefix = next(((limit, name) for limit, name in _PREFIXES if size >= limit), (1.0, ""))
    exact = step / divisor if step else abs(value / divisor) / 100
    digits = max(0, min(6, -math.floor(math.log10(exact) + 1e-9))) if exact > 0 else 2
    text = f"{value / divisor:.{digits + 1}f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text) + prefix


def time_marks(start: float, end: float, most: int, zone: timezone = UTC) -> list[tuple[float, str]]:
    """Round times from ``start`` to ``end`` (Unix seconds) in a zone, at most ``most``, each with what stands at it."""
    offset = (zone.utcoffset(None) or timedelta()).total_seconds()
    for step in _STEPS:
        base = _MONDAY if step % (7 * DAY) == 0 else 0
        first = math.ceil((start + offset - base) / step)
        last = math.floor((end + offset - base) / step)
        if last - first + 1 <= most:
            moments = [number * step + base - offset for number in range(first, last + 1)]
            return [(moment, _written(moment, step, zone)) for moment in moments]
    return []


def _written(moment: float, step: int, zone: timezone) -> str:
    at = datetime.fromtimestamp(moment, zone)
    if step >= DAY:
        return at.strftime("%Y-%m-%d" if step >= 365 * DAY else "%m/%d")
    if step < MINUTE:
        return at.strftime("%H:%M:%S")
    return at.strftime("%m/%d %H:%M" if (at.hour, at.minute) == (0, 0) else "%H:%M")
