"""Bodies of requests: bounded as they come, and bounded once inflated."""

import zlib

import cramjam
from starlette.requests import ClientDisconnect, Request
from starlette.types import Message

from epochwatch.prometheus.errors import Refusal, bad_data

MAX_BODY = 16 * 1024 * 1024
"""Bytes of a request."""
MAX_INFLATED = 64 * 1024 * 1024
"""Bytes of a request once it is inflated."""


def bounded(request: Request) -> Request:
    """The same request, of which reading more than MAX_BODY bytes raises Refusal: whoever reads them."""
    size = 0

    async def receive() -> Message:
        nonlocal size
        message = await request.receive()
        size += len(message.get("body", b""))
        if size > MAX_BODY:
            raise Refusal(413, "bad_data", f"a request may have {MAX_BODY} bytes: send smaller batches")
        return message

    return Request(request.scope, receive)


async def read_body(request: Request) -> bytes:
    """The body of a bounded request as it came. Raises Refusal."""
    try:
        return await request.body()
    except ClientDisconnect as error:
        raise bad_data("the request was cut short") from error


def inflated(body: bytes, encoding: str) -> bytes:
    """``body`` without its content encoding: none, gzip, or snappy's block format. Raises Refusal."""
    match encoding.strip().lower():
        case "" | "identity":
            return body
        case "gzip":
            return _from_gzip(body)
        case "snappy":
            return _from_snappy(body)
    raise Refusal(415, "bad_data", f"the content encoding '{encoding[:50]}' is not supported: use gzip or snappy")


def _from_gzip(body: bytes) -> bytes:
    decoder = zlib.decompressobj(wbits=31)
    try:
        found = decoder.decompress(body, MAX_INFLATED + 1)
    except zlib.error as error:
        raise bad_data("the body is not valid gzip") from error
    _check_size(len(found))
    if not decoder.eof:
        raise bad_data("the body is cut short")
    return found


def _from_snappy(body: bytes) -> bytes:
    try:
        _check_size(cramjam.snappy.decompress_raw_len(body))
        return bytes(cramjam.snappy.decompress_raw(body))
    except cramjam.DecompressionError as error:
        raise bad_data("the body is not valid snappy (block format)") from error


def _check_size(size: int) -> None:
    if size > MAX_INFLATED:
        raise Refusal(413, "bad_data", f"a request may inflate to {MAX_INFLATED} bytes: send smaller batches")
