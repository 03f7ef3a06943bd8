"""Forms as the query protocol sends them: their fields, and the tree that the fields' dotted names make."""

from collections.abc import Mapping
from functools import cache
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from botocore.model import Shape

from epochwatch.model.aws_error import AwsError

MAX_FIELDS: Final = 200_000
MAX_DEPTH: Final = 32
MAX_DIGITS: Final = 9
"""Digits of a list element's number."""
NO_MEMBERS: Final = ("Action", "Version")
"""Fields that name the operation."""

_NOT_SEPARATORS: Final = bytes(set(range(256)) - set(b"&="))

Tree = dict[str, Any]


def form_fields(body: bytes) -> dict[str, str]:
    """The fields of a form body; the last of a name counts. Raises AwsError where it is no form in UTF-8."""
    if body.count(b"&") >= MAX_FIELDS:
        raise AwsError("MalformedInput", f"a form may have {MAX_FIELDS} fields")
    regular = regular_form(body)
    if regular is not None:
        names, values = regular
        fields = dict(zip(form_texts(names), values, strict=True))
        fields.pop("", None)
        return fields
    fields = {}
    for part in body.split(b"&"):
        name, _, value = part.partition(b"=")
        if name:
            fields[form_text(name)] = form_text(value)
    return fields


def regular_form(body: bytes) -> tuple[bytes, list[str]] | None:
    """The names of the fields as sent, joined by ``&``, and their values; None unless each field is ``name=value``.

    Raises AwsError where a value is no UTF-8. Works on the whole form at a time: forms have ten thousand fields.
    """
    count = body.count(b"&") + 1
    if count > MAX_FIELDS or body.translate(None, _NOT_SEPARATORS) != b"=&" * (count - 1) + b"=":
        return None
    parts = body.replace(b"=", b"&").split(b"&")
    return b"&".join(parts[::2]), form_texts(b"&".join(parts[1::2]))


def form_texts(joined: bytes) -> list[str]:
    """Names or values that are joined by ``&``, without their encoding. Raises AwsError where they are no UTF-8."""
    if b"%3A" in joined:  # twice in every timestamp
        joined = joined.replace(b"%3A", b":")
    if b"%26" in joined:
        return [form_text(written) for written in joined.split(b"&")]
    return form_text(joined).split("&")


def form_field(body: bytes, name: str) -> str | None:
    """The last field of that (plain) name, without reading the others; None where there is none."""
    wanted = b"&" + name.encode() + b"="
    start = body.rfind(wanted)
    if start >= 0:
        start += len(wanted)
    elif body.startswith(wanted[1:]):
        start = len(wanted) - 1
    else:
        return None
    end = body.find(b"&", start)
    return form_text(body[start : end if end >= 0 else None])


def form_text(written: bytes) -> str:
    """A name or value without its encoding. Raises AwsError where it is no UTF-8."""
    if b"+" in written:
        written = written.replace(b"+", b" ")
    try:
        return (unquote_to_bytes(written) if b"%" in written else written).decode()
    except UnicodeDecodeError as error:
        raise AwsError("MalformedInput", "the form is not valid UTF-8") from error


def tree_of(fields: Mapping[str, Any]) -> Tree:
    """The tree that the dotted names make. Raises AwsError."""
    nodes: dict[str, Tree] = {}
    tree: Tree = {}
    for name, value in fields.items():
        if name in NO_MEMBERS:
            continue
        parent, dot, last = name.rpartition(".")
        node = tree if not dot else nodes.get(parent) or _node(tree, nodes, parent)
        if isinstance(node.get(last), dict):
            raise _both(name)
        node[last] = value
    return tree


def _node(tree: Tree, nodes: dict[str, Tree], path: str) -> Tree:
    """The structure at a path, made with those above it where it is not there yet."""
    if path.count(".") >= MAX_DEPTH:
        raise AwsError("MalformedInput", f"the parameter {path[:100]} is nested too deeply")
    above, dot, last = path.rpartition(".")
    parent = tree if not dot else nodes.get(above) or _node(tree, nodes, above)
    node = nodes[path] = parent.setdefault(last, {})
    if not isinstance(node, dict):
        raise _both(path)
    return node


def _both(name: str) -> AwsError:
    return AwsError("MalformedInput", f"the parameter {name[:100]} is both a value and a structure")


def shaped(shape: Shape, node: Any) -> Any:
    """A tree's node with the members of its shape, lists as lists and maps as maps. Raises AwsError."""
    kind = shape.type_name
    if kind == "structure" and isinstance(node, dict):
        members, found = _members(shape), {}
        for wire_name, child in node.items():
            if wire_name in members:
                name, member, may_be_plain = members[wire_name]
                found[name] = child if may_be_plain and not isinstance(child, dict) else shaped(member, child)
        return found
    if kind == "list":
        return _list(shape, node)
    if kind == "map" and isinstance(node, dict):
        entries = node if shape.serialization.get("flattened") else node.get("entry", {})
        key_name = shape.key.serialization.get("name", "key")
        value_name = shape.value.serialization.get("name", "value")
        return {
            _key(entry.get(key_name, "")): shaped(shape.value, entry.get(value_name, ""))
            for entry in _numbered(entries)
            if isinstance(entry, dict)
        }
    return node


@cache
def _members(shape: Shape) -> dict[str, tuple[str, Shape, bool]]:
    """By the name it is sent under, each member: name, shape, and whether a value stands for itself."""
    return {
        member.serialization.get("name", name): (name, member, member.type_name != "list")
        for name, member in shape.members.items()
    }


def _key(node: Any) -> Any:
    if isinstance(node, dict):
        raise AwsError("MalformedInput", "the key of a map must be a value")
    return node


def _list(shape: Shape, node: Any) -> Any:
    if node == "":  # how SDKs send an empty list
        return []
    if not isinstance(node, dict):
        return node
    elements = node
    if not shape.serialization.get("flattened"):
        elements = node.get(shape.member.serialization.get("name", "member"), {})
    return [shaped(shape.member, element) for element in _numbered(elements)]


def _numbered(node: Any) -> list[Any]:
    if not isinstance(node, dict) or not all(key.isdecimal() and len(key) <= MAX_DIGITS for key in node):
        raise AwsError("MalformedInput", "the elements of a list must be numbered from 1")
    return [node[key] for key in sorted(node, key=int)]
