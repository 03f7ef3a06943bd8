"""The statistics CloudWatch names: ``Average``, ``p99.9``, ``TM(10%:90%)``, ``PR(:300)`` and so on."""

import re
from dataclasses import dataclass
from enum import Enum
from typing import Final


class Kind(Enum):
    """What a statistic computes over the datapoints of one bucket."""

    SAMPLE_COUNT = "SampleCount"
    AVERAGE = "Average"
    SUM = "Sum"
    MINIMUM = "Minimum"
    MAXIMUM = "Maximum"
    PERCENTILE = "p"
    TRIMMED_MEAN = "TM"
    WINSORIZED_MEAN = "WM"
    TRIMMED_COUNT = "TC"
    TRIMMED_SUM = "TS"
    PERCENTILE_RANK = "PR"


BASIC: Final = (Kind.SAMPLE_COUNT, Kind.AVERAGE, Kind.SUM, Kind.MINIMUM, Kind.MAXIMUM)


class InvalidStatistic(ValueError):
    """The text names no statistic."""


@dataclass(frozen=True, slots=True)
class Statistic:
    """One statistic and its range.

    ``low`` and ``high`` are None where the range is open. They are shares from 0 to 1 of the ranked samples
    when ``relative``, else values. A percentile has its share in ``high``.
    """

    name: str
    kind: Kind
    low: float | None = None
    high: float | None = None
    relative: bool = False

    @property
    def is_extended(self) -> bool:
        """True for those that need the distribution and not just sum, count, minimum and maximum."""
        return self.kind not in BASIC


_NUMBER: Final = r"(?:\d+(?:\.\d+)?)"
_SIGNED: Final = rf"(?:-?{_NUMBER})"
_SHORT: Final = re.compile(r"(p|tm|wm|tc|ts)(\d{1,3}(?:\.\d{0,10})?)\Z", re.ASCII)
_RANGE: Final = re.compile(
    rf"(TM|WM|TC|TS|PR)\(\s*(?:({_SIGNED})(%?))?\s*:\s*(?:({_SIGNED})(%?))?\s*\)\Z", re.ASCII
)
_SHORT_KINDS: Final = {
    "p": Kind.PERCENTILE,
    "tm": Kind.TRIMMED_MEAN,
    "wm": Kind.WINSORIZED_MEAN,
    "tc": Kind.TRIMMED_COUNT,
    "ts": Kind.TRIMMED_SUM,
}


def parse(text: str) -> Statistic:
    """The statistic of that name. Raises InvalidStatistic.

    Abbreviations in lower case take one number: ``tm90`` is ``TM(:90%)``. A range takes two bounds of one
    kind, either of which may be left out; ``PR`` takes values only.
    """
    for kind in BASIC:
        if text == kind.value:
            return Statistic(text, kind)
    if text == "IQM":
        return Statistic(text, Kind.TRIMMED_MEAN, 0.25, 0.75, relative=True)
    short = _SHORT.match(text)
    if short:
        share = float(short[2]) / 100
        if share > 1:
            raise InvalidStatistic(f"{text}: the number must lie between 0 and 100")
        return Statistic(text, _SHORT_KINDS[short[1]], None, share, relative=True)
    match = _RANGE.match(text)
    if match:
        return _ranged(match)
    raise InvalidStatistic(f"{text!r} is not a statistic")


def _ranged(match: re.Match[str]) -> Statistic:
    text, (kind, low, low_percent, high, high_percent) = match[0], match.groups()
    if low is None and high is None:
        raise InvalidStatistic(f"{text}: at least one bound is needed")
    relative = bool(low_percent or high_percent)
    if relative and ((low is not None and not low_percent) or (high is not None and not high_percent)):
        raise InvalidStatistic(f"{text}: both bounds must be percentages, or both values")
    if relative and kind == "PR":
        raise InvalidStatistic(f"{text}: PR takes values, not percentages")
    scale = 100.0 if relative else 1.0
    lower = None if low is None else float(low) / scale
    upper = None if high is None else float(high) / scale
    if relative and not all(bound is None or 0 <= bound <= 1 for bound in (lower, upper)):
        raise InvalidStatistic(f"{text}: percentages must lie between 0 and 100")
    if lower is not None and upper is not None and lower >= upper:
        raise InvalidStatistic(f"{text}: the lower bound must be below the upper one")
    return Statistic(text, Kind(kind), lower, upper, relative)
