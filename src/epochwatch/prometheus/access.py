"""Who may ask: whoever the console's API lets in, and HTTP basic with an access key."""

import base64
import binascii
import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from epochwatch.model.tenant import Tenant
from epochwatch.prometheus.errors import Refusal

Keys: TypeAlias = Callable[[str], tuple[str, str] | None]
"""The secret access key and the account of an access key id."""


class Access(Protocol):
    """What the console's API goes by."""

    @property
    def open_to(self) -> Tenant | None:
        """The tenant shown to everybody."""

    async def tenant(self, request: Request) -> Tenant | None:
        """Whose request it is: by signature, bearer token or cookie."""

    def answers(self, host: str) -> bool:
        """Whether a Host header is one of ours."""


@dataclass(frozen=True, slots=True)
class Door:
    """Checks who asks before anything is read. HTTP basic has the access key id as user and the secret access key as
    password; it opens the key's account in ``region``. Where everybody is let in, a user of 12 digits is the account.
    """

    access: Access
    keys: Keys
    region: str

    async def tenant(self, request: Request) -> Tenant:
        """Whose data the request reads or writes. Raises Refusal."""
        if not self.access.answers(request.headers.get("host", "")):
            raise Refusal(421, "bad_data", "this server is not known by that name: use its address, or localhost")
        if request.headers.get("sec-fetch-site", "none") == "cross-site":
            raise Refusal(403, "unauthorized", "pages of other sites may not use this")
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "basic":
            found = await run_in_threadpool(self._of_key, given.strip())
        else:
            found = await self.access.tenant(request)
        if found is None:
            raise Refusal(
                401,
                "unauthorized",
                "sign the request, or use HTTP basic with the access key id as user and the secret access key as "
                "password",
            )
        return found

    def _of_key(self, given: str) -> Tenant | None:
        try:
            user, _, password = base64.b64decode(given, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return self.access.open_to
        if self.access.open_to is not None:
            return Tenant(user, self.region) if re.fullmatch(r"[0-9]{12}", user) else self.access.open_to
        known = self.keys(user)
        if known is None or not hmac.compare_digest(known[0].encode(), password.encode()):
            return None
        return Tenant(known[1], self.region)
