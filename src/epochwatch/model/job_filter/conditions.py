"""Single conditions: an attribute against what a filter says about it, as functions of a row.

There are two truth values. A job that lacks an attribute fulfils no comparison with it; ``!=``, ``!~`` and ``not in``
are the opposite of ``=``, ``~`` and ``in`` for every job.
"""

import math
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import re2

from epochwatch.model import time_range
from epochwatch.model.job_filter.attributes import Attribute, Kind, Value
from epochwatch.model.job_filter.errors import InvalidFilter
from epochwatch.model.job_filter.row import TableRow
from epochwatch.model.job_filter.tokens import Token

Condition = Callable[[TableRow], bool]

STATES: Final = ("InProgress", "Completed", "Failed", "Stopped", "Stopping")
_REGEX_BYTES: Final = 1 << 20
_PART: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d|w)", re.ASCII)
_SECONDS: Final = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_ORDERED: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "=": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@dataclass(frozen=True, slots=True)
class Loose:
    """What stands against a value of any type: its text, and the number it may be."""

    text: str
    number: float | None


def compared(attribute: Attribute, sign: str, wanted: str | float | Loose) -> Condition:
    """The condition ``attribute sign wanted``; ``sign`` is one of = < <= > >=."""
    read, test = attribute.read, _ORDERED[sign]
    if isinstance(wanted, Loose):
        return lambda row: _loosely(read(row), test, wanted)
    if attribute.kind == "status":
        return lambda row: test(folded(str(read(row))), wanted)
    if isinstance(wanted, float) and math.isnan(wanted):
        return lambda row: sign == "=" and _is_nan(read(row))
    return lambda row: (value := read(row)) is not None and test(value, wanted)


def among(attribute: Attribute, wanted: list[str | float | Loose]) -> Condition:
    """The condition that the attribute equals one of ``wanted``."""
    if all(isinstance(one, str) for one in wanted) and attribute.kind == "text":
        texts = frozenset(wanted)
        return lambda row: attribute.read(row) in texts
    each = [compared(attribute, "=", one) for one in wanted]
    return lambda row: any(one(row) for one in each)


def present(attribute: Attribute) -> Condition:
    """The condition that a job has it."""
    return lambda row: attribute.read(row) is not None


def named(text: str) -> Condition:
    """The condition that a job's name has ``text`` in it, whatever its case."""
    small = text.lower()
    return lambda row: small in row.job.name.lower()


def matching(attribute: Attribute, pattern: Token) -> Condition:
    """The condition that ``pattern``, a regular expression of RE2, is found in the attribute. Raises InvalidFilter."""
    if attribute.kind in ("number", "duration", "time"):
        raise InvalidFilter(f"~ looks into texts, and {attribute.text} is none: compare it", pattern.column)
    options = re2.Options()
    options.log_errors = False
    options.max_mem = _REGEX_BYTES
    try:
        search = re2.compile(pattern.text, options).search
    except re2.error as error:
        reason = error.args[0] if error.args else ""
        told = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
        raise InvalidFilter(f"this is no regular expression of RE2: {told}", pattern.column) from None
    read = attribute.read
    return lambda row: (value := read(row)) is not None and search(shown(value)) is not None


def literal(attribute: Attribute, token: Token, now: float) -> str | float | Loose:
    """What ``token`` stands for beside the attribute. Raises InvalidFilter."""
    return _LITERALS[attribute.kind](attribute, token, now)


def folded(status: str) -> str:
    """A status as it is compared: ``In progress`` is ``InProgress``."""
    return status.replace(" ", "").lower()


def shown(value: Value) -> str:
    """A value as text; booleans as JSON has them, whole numbers without a point."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)


def as_number(text: str) -> float | None:
    """The number that is written there, if it is one."""
    try:
        return float(text) if "_" not in text else None
    except ValueError:
        return None


def duration_seconds(text: str) -> float | None:
    """Seconds of ``90``, ``90s``, ``1h30m`` and the like; None for anything else."""
    parts = _PART.findall(text)
    if parts and "".join(map("".join, parts)) == text:
        return float(sum(float(number) * _SECONDS[unit] for number, unit in parts))
    return as_number(text)


def _loosely(value: Value, test: Callable[[Any, Any], bool], wanted: Loose) -> bool:
    """Numbers as numbers, also where they are kept as text, as SageMaker does with hyperparameters."""
    if value is None:
        return False
    if wanted.number is not None and not isinstance(value, bool):
        number = as_number(value) if isinstance(value, str) else value
        if number is not None:
            both = math.isnan(number) and math.isnan(wanted.number)
            return test(number, wanted.number) or (both and test is operator.eq)
    if not isinstance(value, (str, bool)) and test is not operator.eq:
        return False  # a number is neither before nor behind a text
    return bool(test(shown(value), wanted.text))


def _is_nan(value: Value) -> bool:
    return isinstance(value, float) and math.isnan(value)


def _number(attribute: Attribute, token: Token, _: float) -> float:
    number = as_number(token.text)
    if number is None:
        raise InvalidFilter(f"{attribute.text} is a number, and '{token.text[:50]}' is none", token.column)
    return number


def _duration(attribute: Attribute, token: Token, _: float) -> float:
    seconds = duration_seconds(token.text)
    if seconds is None:
        hint = "write 90s, 5m, 2h, 3d or 1h30m"
        raise InvalidFilter(f"'{token.text[:50]}' is no duration: {hint}", token.column)
    return seconds


def _time(attribute: Attribute, token: Token, now: float) -> float:
    try:
        return time_range.parse(token.text, now)
    except time_range.InvalidTime as error:
        raise InvalidFilter(str(error), token.column) from None


def _status(attribute: Attribute, token: Token, _: float) -> str:
    wanted = folded(token.text)
    if attribute.text == "status" and wanted not in map(folded, STATES):
        raise InvalidFilter(f"status is one of {', '.join(STATES)}, never '{token.text[:50]}'", token.column)
    return wanted


def _any(attribute: Attribute, token: Token, _: float) -> Loose:
    return Loose(token.text, None if token.literal else as_number(token.text))


def _text(attribute: Attribute, token: Token, _: float) -> str:
    return token.text


_LITERALS: Final[Mapping[Kind, Callable[[Attribute, Token, float], str | float | Loose]]] = {
    "number": _number,
    "duration": _duration,
    "time": _time,
    "status": _status,
    "any": _any,
    "text": _text,
}
