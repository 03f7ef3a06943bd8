"""An answer that is no document of members."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RawAnswer:
    """A body that goes out as it is, whatever the protocol of the request."""

    media_type: str
    body: bytes
