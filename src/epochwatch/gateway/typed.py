"""Shapes of the model as msgspec types: parsing and checking in one pass of native code.

It takes what is plainly right, as nearly every request is. Whatever it does not take goes through the closures of
``shapes``, which know every form AWS accepts and word every error. Where both take an input, the results are equal.
"""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal, NotRequired, Required, TypedDict

import msgspec
from botocore.model import Shape

from epochwatch.gateway.shapes import INTEGER_RANGE, LATEST_SECONDS, Pattern, compiled_pattern

_Checks = list[tuple[tuple[str, ...], Pattern]]


class Untypable(Exception):
    """A shape that has no type of this kind: it contains itself, or a pattern or blob would need a walk."""


class TypedInput:
    """The input shape of an operation as a type."""

    def __init__(self, shape: Shape) -> None:
        self._patterns: _Checks = []
        self._type = _build(shape, (), (), self._patterns)
        self._json: msgspec.json.Decoder[dict[str, Any]] = msgspec.json.Decoder(self._type)

    def decode(self, body: bytes | str) -> dict[str, Any] | None:
        """The input in a JSON text (bytes must be UTF-8); None where it is not plainly right."""
        try:
            return self._matching(self._json.decode(body))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None

    def convert(self, value: Any) -> dict[str, Any] | None:
        """The input in a decoded value; None where it is not plainly right."""
        try:
            return self._matching(msgspec.convert(value, self._type))
        except (msgspec.ValidationError, RecursionError):
            return None

    def _matching(self, parsed: dict[str, Any]) -> dict[str, Any] | None:
        """``parsed`` if the texts in it match their patterns, which are Java's and not for msgspec to read."""
        for (*parents, name), pattern in self._patterns:
            node: Mapping[str, Any] = parsed
            for parent in parents:
                node = node.get(parent, {})
            if name in node and pattern.fullmatch(node[name]) is None:
                return None
        return parsed


_TYPED: dict[tuple[str, str], TypedInput | None] = {}


def typed_input(service: str, shape: Shape | None) -> TypedInput | None:
    """The type of an operation's input, built on first use; None for one that has none."""
    if shape is None:
        return None
    key = (service, shape.name)
    if key not in _TYPED:
        try:
            _TYPED[key] = TypedInput(shape)
        except Untypable:
            _TYPED[key] = None
    return _TYPED[key]


def _build(shape: Shape, above: tuple[str, ...], path: tuple[str, ...] | None, patterns: _Checks) -> Any:
    """The type of a shape inside the shapes ``above``. ``path`` leads to it by members alone; None under a list."""
    kind = shape.type_name
    if kind == "structure":
        return _structure(shape, above, path, patterns)
    if kind == "list":
        return _sized(list[_build(shape.member, (*above, shape.name), None, patterns)], shape)  # type: ignore[misc]
    if kind == "map":
        key = _build(shape.key, above, None, patterns)
        value = _build(shape.value, (*above, shape.name), None, patterns)
        return _sized(dict[key, value], shape)  # type: ignore[valid-type]
    if kind in ("string", "character"):
        return _string(shape, path, patterns)
    if kind not in _SCALARS:
        raise Untypable(kind)
    return _SCALARS[kind](shape)


def _structure(shape: Shape, above: tuple[str, ...], path: tuple[str, ...] | None, patterns: _Checks) -> Any:
    if shape.name in above:
        raise Untypable(f"{shape.name} contains itself")
    members = {
        name: (Required if name in shape.required_members else NotRequired)[
            _build(member, (*above, shape.name), None if path is None else (*path, name), patterns)
        ]
        for name, member in shape.members.items()
    }
    make: Any = TypedDict
    return make(shape.name, members)


def _string(shape: Shape, path: tuple[str, ...] | None, patterns: _Checks) -> Any:
    if getattr(shape, "enum", None):
        return Literal[tuple(shape.enum)]
    written = shape.metadata.get("pattern")
    pattern = compiled_pattern(written) if written else None
    if pattern is not None:
        if path is None:
            raise Untypable(f"{shape.name} has a pattern")
        patterns.append((path, pattern))
    return _sized(str, shape)


def _sized(of: Any, shape: Shape) -> Any:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    return Annotated[of, msgspec.Meta(min_length=low, max_length=high)]


def _integer(shape: Shape) -> Any:
    bound = INTEGER_RANGE[shape.type_name]
    low = max(shape.metadata.get("min", -bound), -bound)
    high = min(shape.metadata.get("max", bound - 1), bound - 1)
    return Annotated[int, msgspec.Meta(ge=low, le=high)]


def _float(shape: Shape) -> Any:
    return Annotated[float, msgspec.Meta(ge=shape.metadata.get("min"), le=shape.metadata.get("max"))]


_SCALARS: dict[str, Callable[[Shape], Any]] = {
    "integer": _integer,
    "long": _integer,
    "float": _float,
    "double": _float,
    "boolean": lambda shape: bool,
    "timestamp": lambda shape: Annotated[float, msgspec.Meta(ge=-LATEST_SECONDS, le=LATEST_SECONDS)],
}
