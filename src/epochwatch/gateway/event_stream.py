"""Answers that are streams of events (``application/vnd.amazon.eventstream``), in any of the protocols.

A message: its length and that of its headers (4 bytes each, big-endian), the CRC-32 of these; the headers, each a name
behind one byte of length, a byte of type and the value; the payload; the CRC-32 of all before.
"""

import logging
import struct
import zlib
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any, Final

import msgspec
from botocore.model import OperationModel, Shape

from epochwatch.gateway import cbor_protocol
from epochwatch.gateway.requests import Events, Route, StreamedResponse
from epochwatch.gateway.values import cbor, document
from epochwatch.model.aws_error import AwsError

logger = logging.getLogger(__name__)

CONTENT_TYPE: Final = "application/vnd.amazon.eventstream"
_STRING: Final = 7
"""The type of a header whose value is text behind two bytes of length."""


def message(headers: Mapping[str, str], payload: bytes) -> bytes:
    """One message."""
    written = b"".join(_header(name, value) for name, value in headers.items())
    prelude = struct.pack(">II", len(written) + len(payload) + 16, len(written))
    body = prelude + struct.pack(">I", zlib.crc32(prelude)) + written + payload
    return body + struct.pack(">I", zlib.crc32(body))


def error_message(code: str, text: str) -> bytes:
    """A message that ends the stream with an error that is none of the model's."""
    return message({":message-type": "error", ":error-code": code, ":error-message": text}, b"")


def answer(route: Route, operation: OperationModel, result: Mapping[str, Any]) -> StreamedResponse:
    """The answer to a request that succeeded: ``result`` has an asynchronous generator of events where the model has
    the stream. RPC protocols begin with a message that holds the other members.
    """
    writer = _Writer(route.protocol, operation.get_event_stream_output())
    others = dict(result)
    events: Events = others.pop(operation.output_shape.event_stream_name)
    first = b"" if route.protocol == "rest-json" else writer.initial(operation.output_shape, others)
    headers = {"content-type": CONTENT_TYPE}
    if route.protocol == "cbor":
        headers["smithy-protocol"] = cbor_protocol.HEADERS["smithy-protocol"]
    return StreamedResponse(200, headers, _chunks(writer, first, events, route.operation), events)


async def _chunks(writer: "_Writer", first: bytes, events: Events, operation: str) -> AsyncGenerator[bytes, None]:
    if first:
        yield first
    try:
        async with aclosing(events):
            async for name, values in events:
                yield writer.event(name, values)
    except AwsError as error:
        yield writer.exception(error)
    except Exception:
        logger.exception("the stream of %s failed", operation)
        yield error_message("InternalFailure", "The stream ended because of an internal error.")


class _Writer:
    """Makes messages of a stream's events."""

    def __init__(self, protocol: str, stream: Shape) -> None:
        self._protocol = "cbor" if protocol == "cbor" else "json"
        self._stream = stream

    def initial(self, shape: Shape, values: Mapping[str, Any]) -> bytes:
        """The message in front of the events."""
        return message(self._headers("event", "initial-response"), self._encoded(shape, values))

    def event(self, name: str, values: Mapping[str, Any]) -> bytes:
        """An event of the model. Members that are headers of it go there, one that is the payload becomes it."""
        shape = self._stream.members[name]
        headers, left = self._headers("event", name), dict(values)
        for member_name, member in shape.members.items():
            if member.serialization.get("eventheader") and member_name in left:
                headers[member_name] = str(left.pop(member_name))
            if member.serialization.get("eventpayload") and member_name in left:
                return self._with_payload(headers, member, left[member_name])
        return message(headers, self._encoded(shape, left))

    def exception(self, error: AwsError) -> bytes:
        """An error that ends the stream: one of those the model has in it, or any other."""
        if error.code not in self._stream.members:
            return error_message(error.code, str(error))
        values = {"message": error.message} | error.members
        return message(
            self._headers("exception", error.code), self._encoded(self._stream.members[error.code], values)
        )

    def _with_payload(self, headers: dict[str, str], member: Shape, value: Any) -> bytes:
        if member.type_name == "blob":
            return message(headers | {":content-type": "application/octet-stream"}, bytes(value))
        if member.type_name == "string":
            return message(headers | {":content-type": "text/plain"}, str(value).encode())
        return message(headers, self._encoded(member, value))

    def _headers(self, kind: str, name: str) -> dict[str, str]:
        return {
            ":message-type": kind,
            f":{kind}-type": name,
            ":content-type": f"application/{self._protocol}",
        }

    def _encoded(self, shape: Shape, values: Mapping[str, Any]) -> bytes:
        written = document(shape, values, self._protocol)
        return cbor(written) if self._protocol == "cbor" else msgspec.json.encode(written)


def _header(name: str, value: str) -> bytes:
    encoded_name, encoded = name.encode(), value.encode()
    return struct.pack(
        f">B{len(encoded_name)}sBH{len(encoded)}s", len(encoded_name), encoded_name, _STRING, len(encoded), encoded
    )
