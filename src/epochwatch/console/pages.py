"""The console's page and its files, with headers that let nothing from elsewhere in."""

import functools
import gzip
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

DIST = Path(__file__).parent / "dist"

PAGES = (
    "",
    "jobs/{name}",
    "jobs/{name}/insights",
    "compare",
    "tuning",
    "tuning/{name}",
    "metrics",
    "logs",
    "logs/insights",
    "logs/tail",
    "alarms",
    "alarms/{name:path}",
    "dashboards",
    "dashboards/{name}",
)
"""Addresses below ``/_/`` at which there is a page, as Starlette writes them. ``web/src/pages.ts`` says which."""

SECURITY_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


class Secured:
    """Adds the security headers to every answer of ``app``."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._headers = [(name.encode(), value.encode()) for name, value in SECURITY_HEADERS.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""

        async def secured(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = Headers(raw=list(message.get("headers", [])))
                added = [(name, value) for name, value in self._headers if name.decode() not in given]
                message = {**message, "headers": [*message.get("headers", []), *added]}
            await send(message)

        await self._app(scope, receive, secured if scope["type"] == "http" else send)


async def page(_: Request, status: int = 200) -> Response:
    """The one page; what it shows is in its address."""
    try:
        body = (DIST / "index.html").read_bytes()
    except OSError as error:
        raise HTTPException(500, "the console's files are missing: install epochwatch again") from error
    return Response(body, status, media_type="text/html", headers={"cache-control": "no-cache"})


class Files(StaticFiles):
    """Scripts and styles. Names carry no hash, so browsers ask each time and mostly hear 304."""

    def __init__(self) -> None:
        super().__init__(directory=DIST / "assets", check_dir=False)

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The file, to be revalidated at each use; packed for who can unpack it, a third of its size."""
        response = await super().get_response(path, scope)
        if isinstance(response, FileResponse) and "gzip" in Headers(scope=scope).get("accept-encoding", ""):
            content = await run_in_threadpool(_packed, Path(response.path), response.headers["etag"])
            response = Response(
                content,
                media_type=response.media_type,
                headers={"etag": response.headers["etag"], "content-encoding": "gzip"},
            )
        response.headers["cache-control"] = "no-cache"
        response.headers["vary"] = "accept-encoding"
        return response


@functools.lru_cache(maxsize=16)
def _packed(path: Path, _etag: str) -> bytes:
    return gzip.compress(path.read_bytes(), mtime=0)


async def icon(_: Request) -> Response:
    """The page's icon."""
    return Response(
        (DIST / "icon.svg").read_bytes(), media_type="image/svg+xml", headers={"cache-control": "max-age=3600"}
    )
