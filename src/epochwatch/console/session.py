"""Who may look: the console's token, its session cookie, which Host names are answered, and how often one may guess."""

import hmac
import ipaddress
import socket
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from epochwatch.client.credentials import console_token
from epochwatch.model.tenant import Tenant

COOKIE = "epochwatch_session"
SESSION_SECONDS = 30 * 86_400
MOST_GUESSES: Final = 20
"""Wrong tokens or keys of one address in ``GUESS_SECONDS``."""
GUESS_SECONDS: Final = 60.0
MOST_ADDRESSES: Final = 10_000
"""Whose guesses are remembered."""

Authenticate = Callable[[Request], Awaitable[Tenant | None]]
"""Tells whose signed request it is; None where it carries no (valid) signature."""


class ConsoleKey(NamedTuple):
    """An access key that opens the console."""

    access_key_id: str
    secret_access_key: str
    tenant: Tenant

    @property
    def token(self) -> str:
        """What the session cookie holds."""
        return console_token(self.secret_access_key)


@dataclass(frozen=True, slots=True)
class Access:
    """Who is let in. ``keys`` gives every key at the moment of asking.

    ``open_to`` is the tenant shown to everybody (``--auth none``), or None. ``host_names`` are names under which the
    server is reached besides localhost, this machine's name and plain IP addresses.
    """

    keys: Callable[[], Iterable[ConsoleKey]]
    authenticate: Authenticate | None = None
    open_to: Tenant | None = None
    host_names: frozenset[str] = frozenset()

    def tenant_of(self, token: str) -> Tenant | None:
        """The tenant whose console token this is."""
        key = self.key_of(token)
        return None if key is None else key.tenant

    def key_of(self, token: str) -> ConsoleKey | None:
        """The access key whose console token this is."""
        return self._of(token, lambda key: key.token)

    def key_with(self, access_key_id: str, secret_access_key: str) -> ConsoleKey | None:
        """The access key that has this id and this secret."""
        key = self._of(secret_access_key, lambda key: key.secret_access_key)
        return key if key is not None and key.access_key_id == access_key_id else None

    def _of(self, given: str, secret: Callable[[ConsoleKey], str]) -> ConsoleKey | None:
        wanted = given.encode("utf-8", "surrogatepass")
        found = None
        for key in self.keys():  # all of them, so that the time it takes tells nothing
            if hmac.compare_digest(secret(key).encode(), wanted):
                found = key
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


@dataclass(slots=True)
class Guesses:
    """Wrong tokens and keys by the address they came from. Times are seconds of any one clock."""

    _wrong: dict[str, deque[float]] = field(default_factory=dict)

    def wait(self, address: str, now: float) -> float:
        """Seconds until that address may guess again; 0 where it may now."""
        times = self._wrong.get(address, deque())
        while times and now - times[0] >= GUESS_SECONDS:
            times.popleft()
        return times[0] + GUESS_SECONDS - now if len(times) >= MOST_GUESSES else 0.0

    def note(self, address: str, now: float) -> None:
        """Count one that was wrong."""
        times = self._wrong.pop(address, None) or deque(maxlen=MOST_GUESSES)
        times.append(now)
        self._wrong[address] = times  # the last one again, so that the first is who has been quiet longest
        while len(self._wrong) > MOST_ADDRESSES:
            del self._wrong[next(iter(self._wrong))]


def host_name(host: str) -> str:
    """The name or address of a Host header, in lower case, without port and brackets."""
    host = host.strip().lower()
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.rpartition(":")[0] if host.count(":") == 1 else host
