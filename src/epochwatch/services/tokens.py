"""Opaque continuation tokens: a position, bound to the request it continues."""

import base64
import binascii
import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec

_TAG_BYTES = 8


def seal(request: Mapping[str, Any], position: Any) -> str:
    """A token that says where ``request`` goes on. ``position`` is any value msgpack can hold; tuples become lists."""
    body = msgspec.msgpack.encode(position)
    return base64.urlsafe_b64encode(_tag(request, body) + body).rstrip(b"=").decode()


def unseal(request: Mapping[str, Any], token: str) -> Any:
    """The position sealed for the same request. Raises ValueError for any other token."""
    try:
        raw = base64.urlsafe_b64decode(token.encode("ascii") + b"=" * (-len(token) % 4))
    except (UnicodeEncodeError, binascii.Error) as error:
        raise ValueError("the token is none of this service") from error
    body = raw[_TAG_BYTES:]
    if not body or raw[:_TAG_BYTES] != _tag(request, body):
        raise ValueError("the token does not belong to this request")
    return msgspec.msgpack.decode(body)


def _tag(request: Mapping[str, Any], body: bytes) -> bytes:
    bound = msgspec.json.encode(request, order="deterministic")
    return hashlib.blake2b(bound + b"\0" + body, digest_size=_TAG_BYTES, person=b"epochwatch-token").digest()
