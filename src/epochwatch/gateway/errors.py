"""AWS's error answers: which code, status and fault an error has in each protocol."""

from dataclasses import dataclass, field
from typing import Any

from epochwatch.gateway.models import error_shapes, service_model
from epochwatch.gateway.requests import RawRequest
from epochwatch.model.aws_error import AwsError

_STATUS = {
    "AccessDenied": 403,
    "AccessDeniedException": 403,
    "InternalFailure": 500,
    "InvalidSignatureException": 403,
    "MissingAuthenticationTokenException": 403,
    "RequestEntityTooLarge": 413,
    "RequestEntityTooLargeException": 413,
    "RequestExpired": 403,
    "ServiceUnavailable": 503,
    "UnrecognizedClientException": 403,
}
"""HTTP status of codes that no model describes; all others are 400."""

_QUERY_CODES = {
    "IncompleteSignatureException": "IncompleteSignature",
    "InvalidSignatureException": "SignatureDoesNotMatch",
    "MissingAuthenticationTokenException": "MissingAuthenticationToken",
    "UnknownOperationException": "InvalidAction",
    "UnrecognizedClientException": "InvalidClientTokenId",
    "ValidationException": "ValidationError",
}
"""What the query protocol calls the common errors."""

_VALIDATION_CODE = {"logs": "InvalidParameterException"}
"""Services that report a broken constraint under a code of their own."""


@dataclass(frozen=True)
class ErrorAnswer:
    """An error as the protocols write it."""

    shape_name: str
    """The error shape's name (JSON, CBOR, REST)."""
    query_code: str
    """The code of the query protocol."""
    status: int
    """The status the model gives it; JSON and CBOR answer 400 instead unless the client asked for query mode."""
    sender: bool
    message: str | None
    members: dict[str, Any] = field(default_factory=dict)


def answer_for(service: str, error: AwsError) -> ErrorAnswer:
    """The answer to an error of an operation of ``service`` (empty where no service was recognised)."""
    shape = error_shapes(service).get(error.code) if service else None
    if shape is None:
        status = error.status or _STATUS.get(error.code, 400)
        return ErrorAnswer(error.code, _query_code(error.code), status, status < 500, error.message, error.members)
    wire = shape.metadata.get("error", {})
    status = error.status or int(wire.get("httpStatusCode") or (500 if shape.metadata.get("fault") else 400))
    return ErrorAnswer(
        shape.name, str(wire.get("code") or shape.name), status, status < 500, error.message, error.members
    )


def validation_error(service: str, problems: list[str]) -> AwsError:
    """All broken constraints of a request in one error, worded as AWS does."""
    noun = "error" if len(problems) == 1 else "errors"
    message = f"{len(problems)} validation {noun} detected: {'; '.join(problems)}"
    return AwsError(_VALIDATION_CODE.get(service, "ValidationException"), message)


def document_error(
    service: str, request: RawRequest, error: ErrorAnswer
) -> tuple[int, dict[str, str], dict[str, Any]]:
    """Status, headers and body of an error in AWS JSON and CBOR. Such errors are 400 unless the client is in query
    mode, in which it gets the status and the code of the query protocol.
    """
    body: dict[str, Any] = {"__type": error_namespace(service) + error.shape_name}
    if error.message is not None:
        body["message"] = error.message
    body |= error.members
    if request.headers.get("x-amzn-query-mode", "").lower() == "true":
        side = "Sender" if error.sender else "Receiver"
        return error.status, {"x-amzn-query-error": f"{error.query_code};{side}"}, body
    return (error.status if error.status >= 500 or error.status == 413 else 400), {}, body


def error_namespace(service: str) -> str:
    """What stands before ``#`` in a JSON ``__type``; the query-compatible services name their package."""
    if not service:
        return ""
    metadata = service_model(service).metadata
    if "awsQueryCompatible" not in metadata:
        return ""
    return f"com.amazonaws.{service}.v{metadata['apiVersion'].replace('-', '_')}#"


def _query_code(code: str) -> str:
    return _QUERY_CODES.get(code, code)
