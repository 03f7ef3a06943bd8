"""What an operation is handed, and what it looks like."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from epochwatch.model.tenant import Tenant
    from epochwatch.store.stores import Stores


@dataclass(frozen=True, slots=True)
class Call:
    """One call of an AWS operation: whose it is, the stores it may use, its id and when it came (Unix seconds)."""

    tenant: Tenant
    stores: Stores
    request_id: str
    now: float


Operation = Callable[[Call, dict[str, Any]], dict[str, Any] | None]
"""An AWS operation: the parsed and validated input in (members named as the model names them, timestamps as
float Unix seconds, blobs as bytes), the output in the same form out. Refuses by raising AwsError."""
