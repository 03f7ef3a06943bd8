"""REST-JSON: members in the path, the query string, headers and a JSON body."""

import re
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qs, unquote

import msgspec
from botocore.model import OperationModel, Shape

from epochwatch.gateway.errors import ErrorAnswer
from epochwatch.gateway.json_protocol import decode_json
from epochwatch.gateway.models import service_model
from epochwatch.gateway.requests import RawRequest, RawResponse, Route, Values
from epochwatch.gateway.values import document
from epochwatch.model.aws_error import AwsError


@lru_cache
def _paths(service: str) -> list[tuple[str, "re.Pattern[str]", str]]:
    """Method, path pattern and operation of each operation; the most literal path first."""
    found = []
    model = service_model(service)
    for name in model.operation_names:
        http = model.operation_model(name).http
        template = http["requestUri"].partition("?")[0]
        pattern = "".join(_part(part) for part in re.split(r"(\{[^}]+\})", template))
        found.append((template.count("{"), http["method"], re.compile(pattern), name))
    found.sort(key=lambda entry: entry[0])
    return [(method, pattern, name) for _, method, pattern, name in found]


def _part(part: str) -> str:
    if not part.startswith("{"):
        return re.escape(part)
    name = part.strip("{}")
    return f"(?P<{name[:-1]}>.+)" if name.endswith("+") else f"(?P<{name}>[^/]+)"


def find_operation(service: str, method: str, path: str) -> tuple[str, dict[str, str]] | None:
    """The operation a REST request names and the members in its path."""
    for wanted, pattern, name in _paths(service):
        match = pattern.fullmatch(path) if method == wanted else None
        if match:
            return name, {label: unquote(value) for label, value in match.groupdict().items()}
    return None


def parse_checked(route: Route, operation: OperationModel, request: RawRequest) -> Values | None:
    """None: members in the path, the query string and headers are for ``parse`` to collect."""
    return None


def parse(route: Route, operation: OperationModel, request: RawRequest) -> Any:
    """The input of a request, not yet validated."""
    shape = operation.input_shape
    if shape is None:
        return {}
    payload = shape.serialization.get("payload")
    found: dict[str, Any] = {}
    if payload is None:
        body = decode_json(request.body)
        if not isinstance(body, dict):
            raise AwsError("SerializationException", "the request body must be a JSON object")
        names = {member.serialization.get("name", name): name for name, member in shape.members.items()}
        found = {names[name]: value for name, value in body.items() if name in names}
    elif request.body:
        member = shape.members[payload]
        found[payload] = request.body if member.type_name == "blob" else decode_json(request.body)
    arguments = parse_qs(request.query, keep_blank_values=True)
    for name, member in shape.members.items():
        _bind(found, name, member, route, request, arguments)
    return found


def _bind(
    found: dict[str, Any],
    name: str,
    member: Shape,
    route: Route,
    request: RawRequest,
    arguments: dict[str, list[str]],
) -> None:
    """Take a member from where its ``location`` says."""
    location, wire_name = member.serialization.get("location"), member.serialization.get("name", name)
    if location == "uri":
        found[name] = route.labels.get(wire_name)
    elif location == "querystring" and wire_name in arguments:
        values = arguments[wire_name]
        found[name] = values if member.type_name == "list" else values[-1]
    elif location == "header" and wire_name.lower() in request.headers:
        found[name] = request.headers[wire_name.lower()]


def answer(route: Route, operation: OperationModel, result: dict[str, Any] | None) -> RawResponse:
    """The answer to a request that succeeded."""
    status = int(operation.http.get("responseCode", 200))
    shape = operation.output_shape
    headers = {"content-type": "application/json"}
    if shape is None:
        return RawResponse(status, headers, b"")
    values = dict(result or {})
    for name, member in shape.members.items():
        if member.serialization.get("location") == "header" and values.get(name) is not None:
            headers[member.serialization.get("name", name).lower()] = str(values.pop(name))
    payload = shape.serialization.get("payload")
    if payload is not None and shape.members[payload].type_name == "blob":
        return RawResponse(status, headers, values.get(payload) or b"")
    if payload is not None:
        shape, values = shape.members[payload], values.get(payload) or {}
    return RawResponse(status, headers, msgspec.json.encode(document(shape, values, "json")))


def error_answer(route: Route, request: RawRequest, error: ErrorAnswer) -> RawResponse:
    """The answer to a request that failed."""
    body: dict[str, Any] = dict(error.members)
    if error.message is not None:
        body["message"] = error.message
    headers = {"content-type": "application/json", "x-amzn-errortype": error.shape_name}
    return RawResponse(error.status, headers, msgspec.json.encode(body))
