"""Performs operations for callers that are known: by the protocol of a request, or as plain AWS JSON."""

import logging
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import ModuleType
from typing import Any

from botocore.model import OperationModel

from epochwatch.gateway import cbor_protocol, event_stream, json_protocol, query_protocol, rest_json_protocol
from epochwatch.gateway.authentication import Identity
from epochwatch.gateway.errors import answer_for, validation_error
from epochwatch.gateway.models import operation_model
from epochwatch.gateway.requests import RawRequest, RawResponse, Route, StreamedResponse, Values
from epochwatch.gateway.shapes import WrongType, validate
from epochwatch.model.attempt import Attempt, attempt_of
from epochwatch.model.aws_error import AwsError
from epochwatch.model.raw_answer import RawAnswer

logger = logging.getLogger(__name__)

MAX_BODY = 16 * 1024 * 1024
"""Bytes of a request, before and after inflating. The largest any operation allows is a few megabytes."""

_PROTOCOLS: dict[str, ModuleType] = {
    "json": json_protocol,
    "cbor": cbor_protocol,
    "query": query_protocol,
    "rest-json": rest_json_protocol,
}

Operation = Callable[[Any, dict[str, Any]], dict[str, Any] | RawAnswer | None]
CallFactory = Callable[[Identity, str, float, Attempt], Any]
"""Makes what an operation gets besides its request: from the identity, the request id, the time and which attempt it
is."""


class Operations:
    """The operations of ``services``, by their names, by botocore's names of the services. Requests for some of them,
    by service and operation, are refused that are sent in more than ``largest`` bytes.
    """

    def __init__(
        self,
        services: Mapping[str, Mapping[str, Operation]],
        make_call: CallFactory,
        largest: Mapping[tuple[str, str], int] | None = None,
    ) -> None:
        self.services = services
        self._make_call = make_call
        self._largest = largest or {}

    def perform(
        self, route: Route, request: RawRequest, sent: int, identity: Identity, now: float, request_id: str
    ) -> RawResponse | StreamedResponse:
        """The answer to a request that came in ``sent`` bytes. Raises AwsError and WrongType."""
        operation = operation_model(route.service, route.operation)
        function = self.services[route.service].get(route.operation)
        if operation is None or function is None:
            raise AwsError(
                "NotImplemented", f"{route.service} {route.operation} is not implemented by epochwatch yet."
            )
        largest = self._largest.get((route.service, route.operation), MAX_BODY)
        if sent > largest:
            raise AwsError("RequestEntityTooLarge", f"Request size {sent} exceeded {largest} bytes")
        call = self._make_call(identity, request_id, now, attempt_of(request.headers))
        result = function(call, _input(route, operation, request))
        if isinstance(result, RawAnswer):
            return RawResponse(200, {"content-type": result.media_type}, result.body)
        if operation.has_event_stream_output:
            return event_stream.answer(route, operation, result or {})
        response: RawResponse = _PROTOCOLS[route.protocol].answer(route, operation, result)
        return response

    def answer(
        self, service: str, operation: str, body: bytes, identity: Identity
    ) -> RawResponse | StreamedResponse:
        """The answer in AWS JSON to a body in AWS JSON, whatever protocols the service itself speaks. Never raises."""
        route = Route(service, operation, "json")
        request = RawRequest("POST", "/", "", {}, body)
        request_id = str(uuid.uuid4())
        try:
            if service not in self.services:
                raise AwsError("UnknownOperationException", f"There is no service {service[:100]!r} here.")
            response = self.perform(route, request, len(body), identity, time.time(), request_id)
        except Exception as error:  # noqa: BLE001
            known = service in self.services
            response = failure(route if known else Route("", "", "json"), request, error, request_id)
        return with_id(response, request_id)


def _input(route: Route, operation: OperationModel, request: RawRequest) -> Values:
    """The operation's input. Raises AwsError and WrongType."""
    protocol = _PROTOCOLS[route.protocol]
    checked: Values | None = protocol.parse_checked(route, operation, request)
    if checked is not None:
        return checked
    values, problems = validate(route.service, operation.input_shape, protocol.parse(route, operation, request))
    if problems:
        raise validation_error(route.service, problems)
    return values


def failure(
    route: Route, request: RawRequest, error: Exception, request_id: str
) -> RawResponse | StreamedResponse:
    """What is answered where an operation fails, in the protocol of its route. What is no refusal is logged."""
    if isinstance(error, WrongType):
        code = "MalformedInput" if route.protocol == "query" else "SerializationException"
        error = AwsError(code, str(error))
    elif not isinstance(error, AwsError):
        logger.error("request %s: %s.%s failed", request_id, route.service, route.operation, exc_info=error)
        error = AwsError("InternalFailure", "The request failed because of an internal error.")
    response: RawResponse = _PROTOCOLS[route.protocol].error_answer(
        route, request, answer_for(route.service, error)
    )
    return response


def with_id(response: RawResponse | StreamedResponse, request_id: str) -> RawResponse | StreamedResponse:
    """The answer with the request's id in its header, and in its body where that shows one."""
    headers = response.headers | {"x-amzn-requestid": request_id}
    if isinstance(response, StreamedResponse):
        return replace(response, headers=headers)
    return RawResponse(
        response.status, headers, response.body.replace(query_protocol.REQUEST_ID.encode(), request_id.encode())
    )
