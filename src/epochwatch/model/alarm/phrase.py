"""Alarms in one line: ``validation:loss > 2 for 3 of 5``, ``loss is missing for 10m``, ``loss is NaN``,
``throughput falling by 33% every 10m``, ``GPUUtilization max < 5% for 10m on host algo-1``.
"""

import re
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from epochwatch.model.alarm.evaluation import LOOK_BACK
from epochwatch.model.alarm.schedule import is_valid_period
from epochwatch.model.metric import Dimensions
from epochwatch.model.periods import DAY, HOUR, MINUTE
from epochwatch.model.selector import InvalidSelector
from epochwatch.model.selector import parse as parse_selector
from epochwatch.model.statistics import InvalidStatistic, Kind
from epochwatch.model.statistics import parse as parse_statistic

PERIOD: Final = MINUTE
"""Seconds of a period where the phrase names none."""
TREND_PERIOD: Final = 5 * MINUTE
"""... and where it is of rising and falling."""
TREND_PERIODS: Final = 3
"""How often in a row a metric rises that is ``rising``, by no certain amount."""
MISSING_SECONDS: Final = 10 * MINUTE
"""How long a metric is away that ``is missing``."""
MOST_PERIODS: Final = 1440


class InvalidPhrase(ValueError):
    """The text is no phrase; the message says where, and what was expected."""


class Form(StrEnum):
    """What a phrase looks for."""

    THRESHOLD = "threshold"
    MISSING = "missing"
    NON_FINITE = "not finite"
    RISING = "rising"
    FALLING = "falling"


@dataclass(frozen=True, slots=True)
class Phrase:
    """What is watched, and when that is an alarm."""

    text: str
    """As it was written, blanks put into order."""
    metric: str
    dimensions: Dimensions
    """The metric's own, besides its job's."""
    statistic: str
    """As CloudWatch names it."""
    form: Form
    comparison: str = ""
    """``ComparisonOperator`` of a threshold."""
    amount: float | None = None
    """The threshold; of rising and falling, by how much, None: by anything."""
    relative: bool = False
    """``amount`` is a percentage of the value before."""
    needed: int = 1
    """Periods of ``periods`` in which it must be so."""
    periods: int = 1
    period: int = PERIOD
    """Seconds."""
    host: str | None = None


def parse(text: str) -> Phrase:
    """The phrase ``text``. Raises InvalidPhrase."""
    return _Reader(text).phrase()


_METRIC: Final = re.compile(
    r'\s*((?:"(?:[^"\\]|\\.)*"|[^\s"{}<>=!]+)(?:\{(?:[^"{}]|"(?:[^"\\]|\\.)*")*\})?)', re.DOTALL
)
_TOKEN: Final = re.compile(r"\s*([<>=!]+|[^\s<>=!]+)")
_NUMBER: Final = re.compile(r"([-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?)(\D*)\Z", re.ASCII)
_HOST: Final = re.compile(r"[a-zA-Z0-9][\w.-]*\Z", re.ASCII)
_STATISTICS: Final = {
    "average": "Average",
    "avg": "Average",
    "mean": "Average",
    "min": "Minimum",
    "minimum": "Minimum",
    "max": "Maximum",
    "maximum": "Maximum",
    "sum": "Sum",
    "count": "SampleCount",
    "samplecount": "SampleCount",
}
_COMPARISONS: Final = {
    ">": "GreaterThanThreshold",
    "above": "GreaterThanThreshold",
    ">=": "GreaterThanOrEqualToThreshold",
    "<": "LessThanThreshold",
    "below": "LessThanThreshold",
    "<=": "LessThanOrEqualToThreshold",
}
_FORMS: Final = {
    "missing": Form.MISSING,
    "nan": Form.NON_FINITE,
    "rising": Form.RISING,
    "rises": Form.RISING,
    "falling": Form.FALLING,
    "falls": Form.FALLING,
}
_SECONDS: Final = {
    **dict.fromkeys(("s", "sec", "second", "seconds"), 1),
    **dict.fromkeys(("m", "min", "minute", "minutes"), MINUTE),
    **dict.fromkeys(("h", "hour", "hours"), HOUR),
    **dict.fromkeys(("d", "day", "days"), DAY),
}
_UNITS: Final[dict[str, float]] = {
    "": 1,
    "%": 1,
    "ms": 1e-3,
    **_SECONDS,
    **{f"{prefix}B": 1000**power for power, prefix in enumerate(("", "K", "M", "G", "T"))},
    **{f"{prefix}iB": 1024**power for power, prefix in enumerate(("K", "M", "G", "T"), 1)},
}
_MODIFIERS: Final = ("for", "every", "on")


class _Reader:
    """The words of a phrase, one after the other."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._place = 0

    def phrase(self) -> Phrase:
        metric, dimensions = self._metric()
        statistic = self._statistic()
        form, comparison, amount, relative = self._condition()
        if statistic is not None and form in (Form.MISSING, Form.NON_FINITE):
            raise InvalidPhrase(f"a metric that is {form} has no statistic, but the phrase names {statistic}")
        phrase = Phrase(
            " ".join(self._text.split()), metric, dimensions, statistic or Kind.AVERAGE.value, form,
            comparison, amount, relative,
        )  # fmt: skip
        return self._modified(phrase)

    def _metric(self) -> tuple[str, Dimensions]:
        found = _METRIC.match(self._text)
        if found is None:
            raise self._strange("a metric's name")
        try:
            metric = parse_selector(f"x {found[1]}").metric
        except InvalidSelector as error:
            said = re.sub(r"^column \d+: ", "", str(error))
            raise InvalidPhrase(f"in the metric {found[1]}: {said}") from error
        self._place = found.end()
        return metric.name, metric.dimensions

    def _statistic(self) -> str | None:
        word = self._peek()
        low = word.lower()
        if not word or low in ("is", "at", *_COMPARISONS, *_FORMS) or word[0] in "<>=!":
            return None
        if low not in _STATISTICS:
            try:
                parse_statistic(word)
            except InvalidStatistic as error:
                raise self._strange("a statistic or a condition, such as > 2, is missing or is NaN,") from error
        self._take()
        return _STATISTICS.get(low, word)

    def _condition(self) -> tuple[Form, str, float | None, bool]:
        if self._peek().lower() == "is":
            self._take()
        low = self._peek().lower()
        if low in _FORMS:
            self._take()
            form = _FORMS[low]
            amount, relative = self._by() if form in (Form.RISING, Form.FALLING) else (None, False)
            return form, "", amount, relative
        if low in _COMPARISONS:
            self._take()
            return Form.THRESHOLD, _COMPARISONS[low], self._amount("a number to compare with")[0], False
        if low.startswith(("=", "!")):
            raise self._strange("one of >, >=, < and <=")
        raise self._strange("a condition, such as > 2, is missing, is NaN or rising,")

    def _by(self) -> tuple[float | None, bool]:
        if self._peek().lower() != "by":
            return None, False
        self._take()
        column = self._column()
        amount, unit = self._amount("by how much, such as 10%,")
        if amount <= 0:
            raise InvalidPhrase(f"column {column}: by how much must be above 0, not {amount:g}")
        return amount, unit == "%"

    def _modified(self, phrase: Phrase) -> Phrase:
        column = {}
        span: tuple[int, int] | int | None = None
        period: int | None = None
        while word := self._peek().lower():
            if word not in _MODIFIERS:
                raise self._strange("for, every, on, or the end")
            if word in column:
                raise InvalidPhrase(f"column {self._column()}: '{word}' stands there twice")
            column[word] = self._column()
            self._take()
            if word == "for":
                span = self._span()
            elif word == "every":
                period = self._period()
            else:
                phrase = replace(phrase, host=self._host())
        if phrase.host is not None and phrase.dimensions:
            raise InvalidPhrase(f"column {column['on']}: a metric with dimensions in braces is of no host")
        return _with_periods(phrase, span, period, column.get("for", 0))

    def _span(self) -> tuple[int, int] | int:
        """``3 of 5`` and ``3`` are counts (needed, periods), ``10m`` is a duration in seconds."""
        count, seconds = self._duration("how long, such as 10m, or how often, such as 3 of 5,")
        if seconds is not None:
            return seconds
        if self._peek().lower() != "of":
            return count, count
        self._take()
        column = self._column()
        periods, seconds = self._duration("of how many periods")
        if seconds is not None or count > periods:
            raise InvalidPhrase(f"column {column}: {count} of how many periods? At least {count}, without a unit")
        return count, periods

    def _period(self) -> int:
        column = self._column()
        _, seconds = self._duration("how often, such as 30s or 5m,")
        if seconds is None or not is_valid_period(seconds):
            raise InvalidPhrase(f"column {column}: a period is 10, 20 or 30 seconds, or full minutes, such as 5m")
        return seconds

    def _host(self) -> str:
        if self._peek().lower() == "host":
            self._take()
        word = self._peek()
        if not _HOST.match(word):
            raise self._strange("a host's name, such as algo-1,")
        return self._take()

    def _duration(self, wanted: str) -> tuple[int, int | None]:
        """A whole number, and what it is in seconds if a unit of time follows."""
        found = _NUMBER.match(self._peek())
        if found is None or not found[1].isdecimal() or not 0 < int(found[1]) <= 10 * DAY:
            raise self._strange(wanted)
        unit = found[2].lower()
        if unit and unit not in _SECONDS:
            raise self._strange(wanted)
        self._take()
        if not unit and self._peek().lower() in _SECONDS:
            unit = self._take().lower()
        return int(found[1]), int(found[1]) * _SECONDS[unit] if unit else None

    def _amount(self, wanted: str) -> tuple[float, str]:
        """A number with its unit, in the unit's base (seconds, bytes), and the unit."""
        found = _NUMBER.match(self._peek())
        if found is None:
            raise self._strange(wanted)
        if found[2] not in _UNITS:
            raise self._strange(f"a number, or one with a unit ({', '.join(filter(None, _UNITS))}),")
        self._take()
        unit = found[2]
        if not unit and self._peek() in _UNITS and self._peek():
            unit = self._take()
        return float(found[1]) * _UNITS[unit], unit

    def _peek(self) -> str:
        found = _TOKEN.match(self._text, self._place)
        return found[1] if found else ""

    def _take(self) -> str:
        found = _TOKEN.match(self._text, self._place)
        assert found is not None
        self._place = found.end()
        return found[1]

    def _column(self) -> int:
        rest = self._text[self._place :]
        return self._place + len(rest) - len(rest.lstrip()) + 1

    def _strange(self, wanted: str) -> InvalidPhrase:
        word = self._peek()
        if not word:
            return InvalidPhrase(f"the phrase ends where {wanted.rstrip(',')} was expected")
        return InvalidPhrase(f"column {self._column()}: '{word}' stands where {wanted} was expected")


def _with_periods(phrase: Phrase, span: tuple[int, int] | int | None, period: int | None, column: int) -> Phrase:
    """The phrase with its periods; ``span`` are counts, seconds or nothing."""
    trend = phrase.form in (Form.RISING, Form.FALLING)
    period = period or (TREND_PERIOD if trend else PERIOD)
    if span is None:
        if phrase.form is Form.MISSING:
            span = max(MISSING_SECONDS, (LOOK_BACK + 1) * period) // period * period
        else:
            count = TREND_PERIODS if trend and phrase.amount is None else 1
            span = (count, count)
    if isinstance(span, int):
        if span % period:
            raise InvalidPhrase(f"column {column}: {span} s is no multiple of a period of {period} s")
        span = (span // period, span // period)
    needed, periods = span
    if periods > MOST_PERIODS:
        raise InvalidPhrase(f"column {column}: {periods} periods are too many: at most {MOST_PERIODS}")
    if phrase.form is Form.MISSING and (needed < periods or periods <= LOOK_BACK):
        raise InvalidPhrase(
            f"column {column}: a metric is missing for at least {LOOK_BACK + 1} periods in a row, "
            f"{(LOOK_BACK + 1) * period} s here"
        )
    return replace(phrase, needed=needed, periods=periods, period=period)
