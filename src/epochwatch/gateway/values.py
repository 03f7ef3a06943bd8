"""Answers as documents: what JSON and CBOR have in common, and the timestamp and blob forms of each."""

import base64
import math
from collections.abc import Callable, Mapping
from typing import Any

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
        return lambda value: [_writer(shape.member, protocol)(element) for element in value]
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
