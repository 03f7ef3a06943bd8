"""Who may look: the console's token, its session cookie, and which Host names are answered."""

import hmac
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from epochwatch.client.credentials import console_token
from epochwatch.model.tenant import Tenant

COOKIE = "epochwatch_session"
SESSION_SECONDS = 30 * 86_400

Authenticate = Callable[[Request], Awaitable[Tenant | None]]
"""Tells whose signed request it is; None where it carries no (valid) signature."""


@dataclass(frozen=True, slots=True)
class Access:
    """Who is let in. ``keys`` gives (secret access key, tenant) of every key at the moment of asking.

    ``open_to`` is the tenant shown to everybody (``--auth none``), or None. ``host_names`` are names under which the
    server is reached besides localhost, this machine's name and plain IP addresses.
    """

    keys: Callable[[], Iterable[tuple[str, Tenant]]]
    authenticate: Authenticate | None = None
    open_to: Tenant | None = None
    host_names: frozenset[str] = frozenset()

    def tenant_of(self, token: str) -> Tenant | None:
        """The tenant whose console token this is."""
        given = token.encode("utf-8", "surrogatepass")
        found = None
        for secret, tenant in self.keys():
            if hmac.compare_digest(console_token(secret).encode(), given):
                found = tenant
        return found

    async def tenant(self, request: Request) -> Tenant | None:
        """Whose request this is: by signature, bearer token or cookie, else ``open_to``."""
        authorization = request.headers.get("authorization", "")
        if authorization.startswith("AWS4-") or "x-amz-signature" in request.url.query.lower():
            return await self.authenticate(request) if self.authenticate is not None else None
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() == "bearer":
            return await run_in_threadpool(self.tenant_of, token.strip())
        cookie = request.cookies.get(COOKIE)
        found = await run_in_threadpool(self.tenant_of, cookie) if cookie else None
        return found or self.open_to

    def answers(self, host: str) -> bool:
        """Whether a Host header is one of ours.

        A page of another site can point its own name at this address and read what we answer (DNS rebinding);
        it cannot make the browser send another name than its own.
        """
        name = host_name(host)
        if name in ("localhost", socket.gethostname().lower()) or name in self.host_names:
            return True
        if name.endswith(".localhost"):
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True


def host_name(host: str) -> str:
    """The name or address of a Host header, in lower case, without port and brackets."""
    host = host.strip().lower()
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.rpartition(":")[0] if host.count(":") == 1 else host
