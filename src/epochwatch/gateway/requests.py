"""A request as it came in, before anything is made of it."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl


@dataclass
class RawRequest:
    """An HTTP request. Header names are lower case; ``path`` and ``query`` are as on the request line."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes = b""

    @cached_property
    def arguments(self) -> dict[str, str]:
        """The query string's parameters; the last of a name counts."""
        return dict(parse_qsl(self.query, keep_blank_values=True, max_num_fields=1000))

    @cached_property
    def media_type(self) -> str:
        """The content type without its parameters, lower case."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


@dataclass(frozen=True)
class Route:
    """Where a request goes: the service and operation it names, and the protocol it speaks."""

    service: str
    operation: str
    protocol: str
    """``json``, ``query``, ``rest-json`` or ``cbor``."""
    labels: dict[str, str] = field(default_factory=dict)
    """Members bound in the path of a REST request."""
    version: str = "1.1"
    """AWS JSON version."""
    namespace: str = ""
    """XML namespace or error namespace of the service."""


@dataclass(frozen=True)
class RawResponse:
    """An HTTP answer."""

    status: int
    headers: dict[str, str]
    body: bytes


Events = AsyncGenerator[tuple[str, dict[str, Any]], None]
"""The name and members of each event of a stream. It may raise AwsError for an exception of the stream."""


@dataclass(frozen=True)
class StreamedResponse:
    """An HTTP answer that goes on until its stream ends or the client leaves."""

    status: int
    headers: dict[str, str]
    chunks: AsyncGenerator[bytes, None]
    events: Events
    """What the chunks are made of: to be closed, however it ends."""


Values = dict[str, Any]
