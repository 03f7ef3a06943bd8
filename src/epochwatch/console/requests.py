"""Requests of the console's JSON API: who asks, what the query says, and how a refusal is worded."""

import math
from collections.abc import Callable
from typing import Any, Final, TypeVar
from urllib.parse import parse_qsl

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response

from epochwatch.console.session import Access
from epochwatch.console.together import Together
from epochwatch.errors import EpochwatchError
from epochwatch.model.tenant import Tenant

Choice = TypeVar("Choice", bound=str)
Shape = TypeVar("Shape")

CODES = {
    400: "BadRequest",
    401: "NotSignedIn",
    403: "Forbidden",
    404: "NotFound",
    409: "Conflict",
    413: "TooLarge",
    421: "ForeignHost",
    429: "TooManyGuesses",
    503: "TryAgain",
}
"""Names of the refusals."""
LARGEST_FORM: Final = 1024 * 1024
"""Bytes of a body."""
FORM: Final = "application/x-www-form-urlencoded"
JSON: Final = "application/json"
LARGEST_JSON: Final = 64 * 1024
"""Bytes of the body of a POST of ours that is JSON."""


class Refusal(Exception):
    """A request that is not served: HTTP status, what is wrong, and what to do."""

    def __init__(self, status: int, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.hint = hint

    def response(self) -> Response:
        """The refusal as JSON."""
        code = CODES.get(self.status, "Refused")
        return json_response({"code": code, "message": self.message, "hint": self.hint}, self.status)


def no_such_job(name: str) -> Refusal:
    """Nobody of this account has a job of that name."""
    return Refusal(404, f"There is no training job '{name}'.", "See them all with: epochwatch jobs")


class Door:
    """Checks who asks before anything is read."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._together: Together[Response] = Together()

    def check(self, request: Request) -> None:
        """Refuse what a page of another site may have sent. Raises Refusal."""
        if not self._access.answers(request.headers.get("host", "")):
            raise Refusal(
                421, "This server is not known by that name.", "Open it by its address, or as localhost."
            )
        if request.headers.get("sec-fetch-site", "none") == "cross-site" and "api" in request.url.path.split("/"):
            raise Refusal(403, "Pages of other sites may not read this.", "Open the console itself.")

    async def tenant(self, request: Request) -> Tenant:
        """Whose data the request may see. Raises Refusal."""
        self.check(request)
        tenant = await self._access.tenant(request)
        if tenant is None:
            raise Refusal(
                401,
                "You are not signed in.",
                "Open the console by the link that `epochwatch status` prints on the machine of the server.",
            )
        return tenant

    async def answer(
        self,
        request: Request,
        act: Callable[["Asked"], Any],
        *,
        together: bool = False,
        most: int = LARGEST_FORM,
    ) -> Response:
        """Run ``act`` in a thread for the one who asks; its result becomes JSON unless it is a Response. With
        ``together``, many who ask the same share an answer: ``act`` looks at nothing but path and parameters. A body
        in JSON may have ``most`` bytes.
        """
        try:
            _check_body(request, most)
            tenant = await self.tenant(request)
            parameters = await _parameters(request)
            content = await json_bytes(request, most) if _type(request) == JSON else None
            asked = Asked(tenant, request, parameters, content)

            async def made() -> Response:
                return await run_in_threadpool(_answered, act, asked)

            if not together:
                return await made()
            return await self._together.answer((tenant, request.url.path, request.url.query), made)
        except Refusal as refusal:
            return refusal.response()
        except EpochwatchError as error:
            return Refusal(503, error.message, error.hint or "Try again in a moment.").response()


def _answered(act: Callable[["Asked"], Any], asked: "Asked") -> Response:
    result = act(asked)
    return result if isinstance(result, Response) else json_response(result)


async def json_bytes(request: Request, most: int) -> bytes:
    """The body of a POST, JSON of at most ``most`` bytes. Raises Refusal."""
    # No page of another site can send this type without asking first, and nobody answers that.
    if _type(request) != JSON:
        raise Refusal(400, f"The body must be of the type {JSON}.")
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > most:
            raise Refusal(413, f"The body may have {most} bytes.")
        chunks.append(chunk)
    return b"".join(chunks)


async def json_body(request: Request, shape: type[Shape], most: int = LARGEST_JSON) -> Shape:
    """The body of a POST as a ``shape``. Raises Refusal, which names the member that is wrong."""
    return _shaped(await json_bytes(request, most), shape)


def _shaped(content: bytes, shape: type[Shape]) -> Shape:
    try:
        return msgspec.json.decode(content, type=shape)
    except (msgspec.DecodeError, UnicodeError) as error:  # of the JSON, or of what it holds
        raise Refusal(400, f"The body is not as expected: {error}.") from error


def _check_body(request: Request, most: int) -> None:
    """Before anything of a body is read: it must be a form or JSON, and not large."""
    if request.method not in ("POST", "PUT"):
        return
    length = request.headers.get("content-length", "")
    if not length.isdecimal() or int(length) > most:
        raise Refusal(413, f"A form may have {most} bytes, and must say how many it has.")
    if int(length) and _type(request) not in (FORM, JSON):
        raise Refusal(400, f"The body must be of the type {FORM} or {JSON}.")


def _type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def _parameters(request: Request) -> QueryParams:
    """Those of the query string, and of the form of a POST."""
    if request.method != "POST" or _type(request) == JSON:
        return request.query_params
    try:
        form = parse_qsl((await request.body()).decode(), keep_blank_values=True, errors="strict")
    except ValueError as error:
        raise Refusal(400, "The form is not UTF-8.") from error
    return QueryParams([*request.query_params.multi_items(), *form])


class Asked:
    """One request with its parameters read and checked. Each reader raises Refusal naming the parameter."""

    def __init__(
        self, tenant: Tenant, request: Request, parameters: QueryParams, content: bytes | None = None
    ) -> None:
        self.tenant = tenant
        self.request = request
        self._query = parameters
        self._content = content

    @property
    def job(self) -> str:
        """The job named in the path."""
        return str(self.request.path_params["job"])

    def body(self, shape: type[Shape]) -> Shape:
        """The body, which must be JSON, as a ``shape``."""
        if self._content is None:
            raise Refusal(400, f"The body must be of the type {JSON}.")
        return _shaped(self._content, shape)

    def text(self, name: str, default: str = "", most: int = 2000) -> str:
        """A text parameter of at most ``most`` characters."""
        value = self._query.get(name, default)
        if len(value) > most:
            raise Refusal(400, f"{name} is longer than {most} characters.")
        return value

    def texts(self, name: str, most: int = 500) -> list[str]:
        """All values of a repeated parameter, each once."""
        return list(dict.fromkeys(self.repeated(name, most)))

    def repeated(self, name: str, most: int) -> list[str]:
        """All values of a repeated parameter, each as often as it is given."""
        values = self._query.getlist(name)
        if len(values) > most:
            raise Refusal(400, f"{name} is given more than {most} times.")
        return values

    def choice(self, name: str, choices: tuple[Choice, ...], default: Choice) -> Choice:
        """A parameter that is one of ``choices``."""
        value = self._query.get(name) or default
        for choice in choices:
            if choice == value:
                return choice
        raise Refusal(400, f"{name} must be one of {', '.join(filter(None, choices))}.")

    def choice_of(self, name: str, choices: tuple[Choice, ...]) -> list[Choice]:
        """Some of ``choices``, with commas between them; all where none is named."""
        wanted = [value for value in self.text(name).split(",") if value]
        for value in wanted:
            if value not in choices:
                raise Refusal(400, f"{name} must be among {', '.join(choices)}, with commas.")
        return [choice for choice in choices if not wanted or choice in wanted]

    def whole(self, name: str, default: int, low: int, high: int) -> int:
        """A whole number from ``low`` to ``high``."""
        text = self._query.get(name)
        if text is None:
            return default
        if not (text.isascii() and text.isdecimal() and len(text) < 12 and low <= int(text) <= high):
            raise Refusal(400, f"{name} must be a whole number from {low} to {high}.")
        return int(text)

    def real(self, name: str, default: float, low: float = -math.inf, high: float = math.inf) -> float:
        """A number from ``low`` to ``high``."""
        text = self._query.get(name)
        if text is None:
            return default
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not low <= value <= high:
            raise Refusal(
                400, f"{name} must be a number" + (f" from {low} to {high}." if high < math.inf else ".")
            )
        return value

    def window(self) -> tuple[float, float]:
        """``from`` and ``to``, in units of the x axis; all where they are not given."""
        return self.real("from", -math.inf), self.real("to", math.inf)


def json_response(content: Any, status: int = 200) -> Response:
    """``content`` as JSON that is never cached. Numbers that are not finite become null."""
    return Response(
        msgspec.json.encode(content), status, media_type="application/json", headers={"cache-control": "no-store"}
    )
