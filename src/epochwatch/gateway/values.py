"""Answers as documents: what JSON and CBOR have in common, and the timestamp and blob forms of each."""

import base64
import math
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import cbor2
from botocore.model import Shape

Writer = Callable[[Any], Any]


def document(shape: Shape | None, value: Any, protocol: str) -> Any:
    """``value`` (an operation's result) with the members the shape knows, in the protocol's scalar forms."""
    if shape is None:
        return {}
    return _writer(shape, protocol)(value if value is not None else {})


_WRITERS: dict[tuple[str, int], tuple[Shape, Writer]] = {}


def _writer(shape: Shape, protocol: str) -> Writer:
    key = (protocol, id(shape))
    found = _WRITERS.get(key)
    if found is None:  # the shape is kept beside its writer so that its id stays its own
        found = _WRITERS[key] = (shape, _build(shape, protocol))
    return found[1]


def _build(shape: Shape, protocol: str) -> Writer:
    kind = shape.type_name
    if kind == "structure":
        return _structure(shape, protocol)
    if kind == "list":
        whole = _LISTS.get((protocol, shape.member.type_name))
        return whole or (lambda value: list(map(_writer(shape.member, protocol), value)))
    if kind == "map":
        return lambda value: {str(key): _writer(shape.value, protocol)(element) for key, element in value.items()}
    if protocol == "cbor":
        return _CBOR.get(kind, _same)
    return _JSON.get(kind, _same)


def _structure(shape: Shape, protocol: str) -> Writer:
    names = {name: member.serialization.get("name", name) for name, member in shape.members.items()}
    writers: dict[str, Writer] = {}

    def write(value: Mapping[str, Any]) -> dict[str, Any]:
        written = {}
        for name, wire_name in names.items():
            given = value.get(name)
            if given is None:
                continue
            writer = writers.get(name)
            if writer is None:
                writer = writers[name] = _writer(shape.members[name], protocol)
            written[wire_name] = writer(given)
        return written

    return write


@dataclass(frozen=True, slots=True)
class _Moments:
    """Timestamps for CBOR, in which each is a tagged double: encoded all at once, not object by object."""

    seconds: Sequence[float]


_TAGGED_DOUBLE: Final = 0xC1FB
"""The two bytes of CBOR in front of a timestamp's double: tag 1, then the double's own initial byte."""
_ARRAY: Final = 4
"""CBOR's major type of arrays."""


def _encode_moments(encoder: cbor2.CBOREncoder, moments: _Moments) -> None:
    count = len(moments.seconds)
    fields: list[Any] = [_TAGGED_DOUBLE] * (2 * count)
    fields[1::2] = moments.seconds
    encoder.encode_length(_ARRAY, count)
    encoder.write(struct.pack(">" + "Hd" * count, *fields))


def cbor(written: Any) -> bytes:
    """A document in CBOR."""
    return cbor2.dumps(written, default=_encode_moments)


def floats(value: Sequence[Any]) -> list[Any]:
    """Numbers for JSON, those it has no digits for by their names."""
    numbers = list(map(float, value))
    return numbers if math.isfinite(sum(numbers)) else list(map(_json_float, numbers))


def _same(value: Any) -> Any:
    return value


def _json_float(value: Any) -> Any:
    number = float(value)
    if math.isfinite(number):
        return number
    return "NaN" if math.isnan(number) else ("Infinity" if number > 0 else "-Infinity")


_JSON: dict[str, Writer] = {
    "timestamp": float,
    "double": _json_float,
    "float": _json_float,
    "integer": int,
    "long": int,
    "string": str,
    "blob": lambda value: base64.b64encode(value).decode(),
}
_CBOR: dict[str, Writer] = {
    "timestamp": lambda value: cbor2.CBORTag(1, float(value)),
    "double": float,
    "float": float,
    "integer": int,
    "long": int,
    "string": str,
    "blob": bytes,
}
_LISTS: dict[tuple[str, str], Writer] = {
    ("json", "double"): floats,
    ("json", "float"): floats,
    ("cbor", "timestamp"): _Moments,
}
"""Lists that are long: datapoints of metrics."""
