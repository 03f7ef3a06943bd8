"""What an operation is given besides its request."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from epochwatch.model.attempt import FIRST_ATTEMPT, Attempt
from epochwatch.model.raw_answer import RawAnswer
from epochwatch.model.tenant import Tenant

if TYPE_CHECKING:
    from epochwatch.store.stores import Stores


@dataclass(frozen=True, slots=True)
class Call:
    """Who calls, when, and the stores the operation works on."""

    tenant: Tenant
    stores: Stores
    request_id: str
    now: float
    """Unix seconds at which the request was accepted."""
    access_key_id: str = ""
    """The key the request was signed with."""
    attempt: Attempt = FIRST_ATTEMPT
    """Which attempt of the client's call this is."""
    sends_mail: bool = True
    """Whether the server has a mail server to send by."""


Operation = Callable[[Call, dict[str, Any]], dict[str, Any] | RawAnswer | None]
"""An AWS operation: the request with the members of the service model in, the answer's members out. Raises
AwsError. Timestamps are Unix seconds (float), blobs are bytes.
"""
