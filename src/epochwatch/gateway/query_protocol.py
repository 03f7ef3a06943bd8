"""The query protocol: a form in, XML out."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote_to_bytes
from xml.sax.saxutils import escape

from botocore.model import OperationModel, Shape

from epochwatch.gateway.errors import ErrorAnswer
from epochwatch.gateway.requests import RawRequest, RawResponse, Route
from epochwatch.model.aws_error import AwsError

MAX_FIELDS = 200_000
MAX_DEPTH = 32

Tree = dict[str, Any]


def form_fields(body: bytes) -> dict[str, str]:
    """The fields of a form body. Raises AwsError where it is no form in UTF-8."""
    fields: dict[str, str] = {}
    parts = body.split(b"&")
    if len(parts) > MAX_FIELDS:
        raise AwsError("MalformedInput", f"a form may have {MAX_FIELDS} fields")
    try:
        for part in parts:
            name, _, value = part.replace(b"+", b" ").partition(b"=")
            if name:
                fields[unquote_to_bytes(name).decode()] = unquote_to_bytes(value).decode()
    except UnicodeDecodeError as error:
        raise AwsError("MalformedInput", "the form is not valid UTF-8") from error
    return fields


def parse(route: Route, operation: OperationModel, request: RawRequest) -> Any:
    """The input of a request, not yet validated: the dotted names become a tree, led by the model."""
    fields = form_fields(request.body) if request.body else dict(request.arguments)
    tree: Tree = {}
    for name, value in fields.items():
        if name in ("Action", "Version"):
            continue
        node = tree
        *parents, last = name.split(".")
        if len(parents) > MAX_DEPTH:
            raise AwsError("MalformedInput", f"the parameter {name[:100]} is nested too deeply")
        for part in parents:
            child = node.setdefault(part, {})
            if not isinstance(child, dict):
                raise AwsError("MalformedInput", f"the parameter {name[:100]} is both a value and a structure")
            node = child
        if isinstance(node.get(last), dict):
            raise AwsError("MalformedInput", f"the parameter {name[:100]} is both a value and a structure")
        node[last] = value
    return _shaped(operation.input_shape, tree) if operation.input_shape is not None else {}


def _shaped(shape: Shape, node: Any) -> Any:
    kind = shape.type_name
    if kind == "structure" and isinstance(node, dict):
        found = {}
        for name, member in shape.members.items():
            wire_name = member.serialization.get("name", name)
            if wire_name in node:
                found[name] = _shaped(member, node[wire_name])
        return found
    if kind == "list":
        return _list(shape, node)
    if kind == "map" and isinstance(node, dict):
        entries = node if shape.serialization.get("flattened") else node.get("entry", {})
        key_name = shape.key.serialization.get("name", "key")
        value_name = shape.value.serialization.get("name", "value")
        return {
            entry.get(key_name, ""): _shaped(shape.value, entry.get(value_name, ""))
            for entry in _numbered(entries)
            if isinstance(entry, dict)
        }
    return node


def _list(shape: Shape, node: Any) -> Any:
    if node == "":  # how SDKs send an empty list
        return []
    if not isinstance(node, dict):
        return node
    elements = node
    if not shape.serialization.get("flattened"):
        elements = node.get(shape.member.serialization.get("name", "member"), {})
    return [_shaped(shape.member, element) for element in _numbered(elements)]


def _numbered(node: Any) -> list[Any]:
    if not isinstance(node, dict) or not all(key.isdecimal() for key in node):
        raise AwsError("MalformedInput", "the elements of a list must be numbered from 1")
    return [node[key] for key in sorted(node, key=int)]


def answer(route: Route, operation: OperationModel, result: dict[str, Any] | None) -> RawResponse:
    """The answer to a request that succeeded; the result's wrapper is there even when it is empty."""
    name = operation.name
    inner = ""
    if operation.output_shape is not None:
        wrapper = operation.output_shape.serialization.get("resultWrapper", f"{name}Result")
        inner = f"<{wrapper}>{_members(operation.output_shape, result or {})}</{wrapper}>"
    body = (
        f'<{name}Response xmlns="{route.namespace}">{inner}'
        f"<ResponseMetadata><RequestId>{REQUEST_ID}</RequestId></ResponseMetadata></{name}Response>"
    )
    return RawResponse(200, {"content-type": "text/xml"}, body.encode())


REQUEST_ID = "\0request-id\0"
"""Stands for the request id in a body until the gateway fills it in."""


def error_answer(route: Route, request: RawRequest, error: ErrorAnswer) -> RawResponse:
    """The answer to a request that failed."""
    message = "" if error.message is None else f"<Message>{_text(error.message)}</Message>"
    body = (
        f'<ErrorResponse xmlns="{route.namespace}"><Error><Type>{"Sender" if error.sender else "Receiver"}</Type>'
        f"<Code>{_text(error.query_code)}</Code>{message}</Error><RequestId>{REQUEST_ID}</RequestId></ErrorResponse>"
    )
    return RawResponse(error.status, {"content-type": "text/xml"}, body.encode())


def _members(shape: Shape, value: Mapping[str, Any]) -> str:
    return "".join(
        _element(member.serialization.get("name", name), member, value[name])
        for name, member in shape.members.items()
        if value.get(name) is not None
    )


def _element(name: str, shape: Shape, value: Any) -> str:
    kind = shape.type_name
    if kind == "structure":
        return f"<{name}>{_members(shape, value)}</{name}>"
    if kind == "list":
        item = shape.member.serialization.get("name", "member")
        inner = "".join(_element(item, shape.member, element) for element in value)
        return f"<{name}>{inner}</{name}>"
    if kind == "map":
        entries = "".join(
            f"<entry>{_element('key', shape.key, key)}{_element('value', shape.value, element)}</entry>"
            for key, element in value.items()
        )
        return f"<{name}>{entries}</{name}>"
    return f"<{name}>{_scalar(kind, value)}</{name}>"


def _scalar(kind: str, value: Any) -> str:
    if kind == "timestamp":
        moment = datetime.fromtimestamp(value, UTC)
        text = moment.isoformat(timespec="milliseconds" if moment.microsecond else "seconds")
        return text.replace("+00:00", "Z")
    if kind == "boolean":
        return "true" if value else "false"
    if kind in ("float", "double"):
        return repr(float(value))
    return _text(str(value))


def _text(text: str) -> str:
    """``text`` for XML 1.0, which cannot carry most control characters in any form."""
    kept = "".join(c for c in text if c >= " " or c in "\t\n\r")
    return escape(kept).replace("\r", "&#xD;")
