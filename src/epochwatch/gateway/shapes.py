"""Parsing and validating a request in one pass: each shape of the model becomes a closure, once.

A closure takes the decoded value, its path and the list of constraint problems, and gives the value as
operations want it: timestamps as Unix seconds, blobs as bytes, unknown members dropped. A value of the wrong type
raises WrongType at once, as AWS answers a SerializationException before it validates anything. Problems are
worded as the service framework words them.
"""

import base64
import binascii
import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any, Protocol

import re2
from botocore.model import Shape

Problems = list[str]
Reader = Callable[[Any, str, Problems], Any]


class Pattern(Protocol):
    """A compiled regular expression, RE2's or Python's."""

    def fullmatch(self, text: str) -> Any:
        """A match of the whole text, or None."""


MAX_PROBLEMS = 10
INTEGER_RANGE = {"integer": 2**31, "long": 2**63}
"""Integers of a type are from minus this to one less than this."""
LATEST_SECONDS = 253402300799
"""The end of the year 9999; timestamps are at most this many seconds from the epoch."""


class WrongType(Exception):
    """A value that cannot be what the model says it is."""


_READERS: dict[tuple[str, str], Reader] = {}


def reader(service: str, shape: Shape) -> Reader:
    """The closure of a shape of a service, built on first use."""
    key = (service, shape.name)
    found = _READERS.get(key)
    if found is None:
        found = _READERS[key] = _BUILDERS[shape.type_name](service, shape)
    return found


def validate(service: str, shape: Shape | None, value: Any) -> tuple[dict[str, Any], Problems]:
    """An operation's input checked against its shape: the parsed members and what is wrong with them."""
    problems: Problems = []
    if shape is None:
        return {}, problems
    parsed = reader(service, shape)({} if value is None else value, "", problems)
    return parsed, problems


def _problem(problems: Problems, shown: str, path: str, constraint: str) -> None:
    if len(problems) < MAX_PROBLEMS:
        problems.append(f"Value {shown} at '{path}' failed to satisfy constraint: Member must {constraint}")


def _structure(service: str, shape: Shape) -> Reader:
    members: dict[str, tuple[str, Reader | None]] = {}
    required = frozenset(shape.required_members)
    order = [(name, name[:1].lower() + name[1:]) for name in shape.members]

    def resolve(name: str) -> Reader:  # on first use: structures may contain themselves
        found = reader(service, shape.members[name])
        members[name] = (members[name][0], found)
        return found

    for name, shown in order:
        members[name] = (shown, None)

    def read(value: Any, path: str, problems: Problems) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise WrongType(f"{_kind(value)} can not be converted to a structure")
        parsed: dict[str, Any] = {}
        prefix = f"{path}." if path else ""
        for name, given in value.items():
            entry = members.get(name)
            if entry is None or given is None:
                continue
            parsed[name] = (entry[1] or resolve(name))(given, prefix + entry[0], problems)
        if not required <= parsed.keys():
            for name in sorted(required - parsed.keys()):
                _problem(problems, "null", prefix + members[name][0], "not be null")
        return parsed

    return read


def _list(service: str, shape: Shape) -> Reader:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    item: list[Reader] = []

    def read(value: Any, path: str, problems: Problems) -> list[Any]:
        if not isinstance(value, (list, tuple)):
            raise WrongType(f"{_kind(value)} can not be converted to a list")
        if not item:
            item.append(reader(service, shape.member))
        if None in value:
            value = [element for element in value if element is not None]
        _check_length(value, low, high, path, problems)
        read_item = item[0]
        return [read_item(element, f"{path}.{number}.member", problems) for number, element in enumerate(value, 1)]

    return read


def _map(service: str, shape: Shape) -> Reader:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")

    def read(value: Any, path: str, problems: Problems) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise WrongType(f"{_kind(value)} can not be converted to a map")
        given = {key: element for key, element in value.items() if element is not None}
        _check_length(given, low, high, path, problems)
        read_key, read_value = reader(service, shape.key), reader(service, shape.value)
        return {
            read_key(key, f"{path}.key", problems): read_value(element, f"{path}.{key}.value", problems)
            for key, element in given.items()
        }

    return read


def _string(service: str, shape: Shape) -> Reader:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    allowed = list(shape.enum) if getattr(shape, "enum", None) else None
    written = shape.metadata.get("pattern")
    pattern = compiled_pattern(written) if written else None

    def read(value: Any, path: str, problems: Problems) -> str:
        if not isinstance(value, str):
            raise WrongType(f"{_kind(value)} can not be converted to a String")
        if low is not None and len(value) < low:
            _problem(problems, f"'{value}'", path, f"have length greater than or equal to {low}")
        if high is not None and len(value) > high:
            _problem(problems, f"'{value[:1000]}'", path, f"have length less than or equal to {high}")
        elif pattern is not None and pattern.fullmatch(value) is None:
            _problem(problems, f"'{value}'", path, f"satisfy regular expression pattern: {written}")
        if allowed is not None and value not in allowed:
            _problem(problems, f"'{value}'", path, f"satisfy enum value set: [{', '.join(allowed)}]")
        return value

    return read


@cache
def compiled_pattern(written: str) -> "Pattern | None":
    """The model's pattern (Java's dialect): by RE2, in linear time, wherever it can read it; by Python where it
    cannot (large repetitions); None where neither can.
    """
    options = re2.Options()
    options.log_errors = False
    try:
        compiled: Pattern = re2.compile(written, options)
    except re2.error:
        try:
            compiled = re.compile(written)
        except re.error:
            return None
    return compiled


def _number(whole: bool) -> Callable[[str, Shape], Reader]:
    def build(service: str, shape: Shape) -> Reader:
        low, high = shape.metadata.get("min"), shape.metadata.get("max")
        bound = INTEGER_RANGE.get(shape.type_name)

        def read(value: Any, path: str, problems: Problems) -> float | int:
            number = _as_integer(value, bound) if whole else _as_float(value)
            if low is not None and number < low:
                _problem(problems, f"'{value}'", path, f"have value greater than or equal to {low}")
            if high is not None and number > high:
                _problem(problems, f"'{value}'", path, f"have value less than or equal to {high}")
            return number

        return read

    return build


def _as_integer(value: Any, bound: int | None) -> int:
    if isinstance(value, str):  # the query protocol has only text
        if not re.fullmatch(r"[+-]?\d{1,20}", value):
            raise WrongType(f"'{value[:100]}' can not be converted to an Integer")
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise WrongType(f"{_kind(value)} can not be converted to an Integer")
    if bound is not None and not -bound <= value < bound:
        raise WrongType("NUMBER_VALUE is out of the range of an Integer")
    return value


def _as_float(value: Any) -> float:
    if isinstance(value, str):
        if value in ("NaN", "Infinity", "-Infinity") or re.fullmatch(
            r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", value
        ):
            return float(value)
        raise WrongType(f"'{value[:100]}' can not be converted to a Double")
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise WrongType(f"{_kind(value)} can not be converted to a Double")
    try:
        return float(value)
    except OverflowError as error:
        raise WrongType("NUMBER_VALUE is out of the range of a Double") from error


def _boolean(service: str, shape: Shape) -> Reader:
    def read(value: Any, path: str, problems: Problems) -> bool:
        if isinstance(value, str) and value.lower() in ("true", "false"):
            return value.lower() == "true"
        if not isinstance(value, bool):
            raise WrongType(f"{_kind(value)} can not be converted to a Boolean")
        return value

    return read


def _timestamp(service: str, shape: Shape) -> Reader:
    def read(value: Any, path: str, problems: Problems) -> float:
        seconds = seconds_of(value)
        if not math.isfinite(seconds) or abs(seconds) > LATEST_SECONDS:
            raise WrongType("the timestamp is out of range")
        return seconds

    return read


def seconds_of(value: Any) -> float:
    """The Unix seconds of a timestamp in any of its forms. Raises WrongType."""
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        try:
            return float(value)
        except OverflowError as error:
            raise WrongType("the timestamp is out of range") from error
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
        except (ValueError, OverflowError):
            pass
        try:
            return float(value)
        except ValueError:
            raise WrongType(f"'{value[:100]}' can not be converted to a Timestamp") from None
    raise WrongType(f"{_kind(value)} can not be converted to a Timestamp")


def _blob(service: str, shape: Shape) -> Reader:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")

    def read(value: Any, path: str, problems: Problems) -> bytes:
        if isinstance(value, str):
            try:
                value = base64.b64decode(value, validate=True)
            except (binascii.Error, ValueError) as error:
                raise WrongType("STRING_VALUE is not base64") from error
        if not isinstance(value, bytes):
            raise WrongType(f"{_kind(value)} can not be converted to a Blob")
        _check_length(value, low, high, path, problems)
        return value

    return read


def _check_length(value: Any, low: int | None, high: int | None, path: str, problems: Problems) -> None:
    if low is not None and len(value) < low:
        _problem(problems, f"'{_shown(value)}'", path, f"have length greater than or equal to {low}")
    if high is not None and len(value) > high:
        _problem(problems, f"'{_shown(value)}'", path, f"have length less than or equal to {high}")


def _shown(value: Any) -> str:
    try:
        if isinstance(value, list):
            return f"[{', '.join(str(element) for element in value[:20])}]"[:1000]
        return str(value)[:1000]
    except ValueError:  # an integer of thousands of digits is in it, which Python does not write out
        return "..."


def _kind(value: Any) -> str:
    """A decoded value's type as the JSON parser of AWS names it."""
    for kinds, name in _KINDS:
        if isinstance(value, kinds):
            return f"{str(value).upper()}_VALUE" if name == "BOOLEAN" else name
    return "BINARY_VALUE"


_KINDS: list[tuple[type | tuple[type, ...], str]] = [
    (type(None), "NULL_VALUE"),
    (bool, "BOOLEAN"),
    (str, "STRING_VALUE"),
    ((int, float), "NUMBER_VALUE"),
    ((list, tuple), "START_ARRAY"),
    (Mapping, "START_OBJECT"),
]

_BUILDERS: dict[str, Callable[[str, Shape], Reader]] = {
    "structure": _structure,
    "list": _list,
    "map": _map,
    "string": _string,
    "character": _string,
    "integer": _number(whole=True),
    "long": _number(whole=True),
    "float": _number(whole=False),
    "double": _number(whole=False),
    "boolean": _boolean,
    "timestamp": _timestamp,
    "blob": _blob,
}
