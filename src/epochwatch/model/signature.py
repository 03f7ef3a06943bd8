"""AWS Signature Version 4: the pure functions that signing and verifying share.

Times are Unix seconds at the border and ``YYYYMMDDTHHMMSSZ`` inside. Header names are lower case inside.
"""

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from urllib.parse import quote, unquote, urlsplit

ALGORITHM = "AWS4-HMAC-SHA256"
UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"
MAX_SKEW_SECONDS = 15 * 60
"""How far a header signature's date may be from the server's clock."""
MAX_EXPIRES_SECONDS = 7 * 24 * 3600
"""How long a presigned URL may live."""

_UNRESERVED = "-_.~"
_DATE = re.compile(r"\d{8}T\d{6}Z", re.ASCII)


class MalformedSignatureError(ValueError):
    """The signature's own form is wrong; the message says what is missing or bad."""


@dataclass(frozen=True, slots=True)
class Scope:
    """The credential scope: the day (``YYYYMMDD``), region and signing service of a signature."""

    date: str
    region: str
    service: str

    def __str__(self) -> str:
        return f"{self.date}/{self.region}/{self.service}/aws4_request"


@dataclass(frozen=True, slots=True)
class Claim:
    """What a signed request claims, not yet verified."""

    access_key_id: str
    scope: Scope
    signed_headers: tuple[str, ...]
    signature: str
    timestamp: str
    """``YYYYMMDDTHHMMSSZ``."""
    expires: int | None = None
    """Seconds a presigned URL lives; None for a signature in the Authorization header."""


def amz_date(now: float) -> str:
    """Unix seconds as ``YYYYMMDDTHHMMSSZ``."""
    return datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%SZ")


def unix_time(timestamp: str) -> float:
    """``YYYYMMDDTHHMMSSZ`` as Unix seconds. Raises MalformedSignatureError for anything else."""
    if not _DATE.fullmatch(timestamp):
        raise MalformedSignatureError(
            f"Date must be in ISO-8601 'basic format'. Got '{timestamp[:64]}'. "
            "See http://en.wikipedia.org/wiki/ISO_8601"
        )
    try:
        return datetime.strptime(timestamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
    except ValueError:
        raise MalformedSignatureError(f"'{timestamp}' is not a date") from None


def payload_hash(body: bytes) -> str:
    """The hash of a request's body as it is signed: hex SHA-256."""
    return hashlib.sha256(body).hexdigest()


def query_pairs(query: str) -> list[tuple[str, str]]:
    """A query string's names and values, percent-decoded, in order. A plus sign stays a plus sign."""
    pairs = (part.partition("=") for part in query.split("&") if part)
    return [(unquote(name), unquote(value)) for name, _, value in pairs]


def canonical_query(pairs: Iterable[tuple[str, str]]) -> str:
    """Decoded names and values as they are signed: encoded, then sorted by name and value."""
    encoded = sorted((quote(name, safe=_UNRESERVED), quote(value, safe=_UNRESERVED)) for name, value in pairs)
    return "&".join(f"{name}={value}" for name, value in encoded)


def canonical_path(raw_path: str, service: str) -> str:
    """The path as it is signed: normalised and encoded once more, except for S3, which signs it as sent."""
    if service == "s3":
        return raw_path or "/"
    return quote(_without_dots(raw_path), safe="/" + _UNRESERVED)


def _without_dots(path: str) -> str:
    kept: list[str] = []
    for part in path.split("/"):
        if part == "..":
            if kept:
                kept.pop()
        elif part not in ("", "."):
            kept.append(part)
    if not kept:
        return "/"
    return "/" + "/".join(kept) + ("/" if path.endswith("/") else "")


def canonical_request(
    method: str,
    path: str,
    query: str,
    headers: Mapping[str, Sequence[str]],
    signed_headers: Sequence[str],
    body_hash: str,
) -> str:
    """The request in the one form both sides hash. ``path`` and ``query`` are canonical already; ``headers``
    has lower-case names and holds every signed header (KeyError otherwise).
    """
    lines = [f"{name}:{','.join(' '.join(value.split()) for value in headers[name])}" for name in signed_headers]
    return "\n".join([method, path, query, *lines, "", ";".join(signed_headers), body_hash])


def string_to_sign(timestamp: str, scope: Scope, request: str) -> str:
    """What the signing key signs: algorithm, time, scope and the hash of the canonical request."""
    return "\n".join([ALGORITHM, timestamp, str(scope), hashlib.sha256(request.encode()).hexdigest()])


@lru_cache(maxsize=256)
def signing_key(secret: str, date: str, region: str, service: str) -> bytes:
    """The key of one secret for one day, region and service."""
    key = ("AWS4" + secret).encode()
    for part in (date, region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def signature(secret: str, scope: Scope, text: str) -> str:
    """The hex signature of ``text`` (a string to sign)."""
    key = signing_key(secret, scope.date, scope.region, scope.service)
    return hmac.digest(key, text.encode(), "sha256").hex()


def sign_request(
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes,
    access_key: str,
    secret: str,
    region: str,
    service: str,
    now: float,
) -> dict[str, str]:
    """``headers`` with the ones that sign the request added: Host, X-Amz-Date, X-Amz-Content-SHA256 and
    Authorization. Every header given is signed, so pass only those that travel unchanged.
    """
    parts = urlsplit(url)
    timestamp = amz_date(now)
    scope = Scope(timestamp[:8], region, service)
    body_hash = payload_hash(body)
    signed = dict(headers)
    signed |= {
        "Host": _host(parts.scheme, parts.netloc),
        "X-Amz-Date": timestamp,
        "X-Amz-Content-SHA256": body_hash,
    }
    lowered = {name.lower(): [value] for name, value in signed.items()}
    names = sorted(lowered)
    request = canonical_request(
        method,
        canonical_path(parts.path, service),
        canonical_query(query_pairs(parts.query)),
        lowered,
        names,
        body_hash,
    )
    value = signature(secret, scope, string_to_sign(timestamp, scope, request))
    signed["Authorization"] = (
        f"{ALGORITHM} Credential={access_key}/{scope}, SignedHeaders={';'.join(names)}, Signature={value}"
    )
    return signed


def _host(scheme: str, netloc: str) -> str:
    host = netloc.rpartition("@")[2]
    return host.removesuffix({"http": ":80", "https": ":443"}.get(scheme, ":"))


def parse_authorization(header: str, timestamp: str | None) -> Claim:
    """The claim of an Authorization header; ``timestamp`` is the X-Amz-Date header.

    Raises MalformedSignatureError naming what is missing or bad.
    """
    algorithm, _, rest = header.strip().partition(" ")
    if algorithm != ALGORITHM:
        raise MalformedSignatureError(
            f"Unsupported AWS 'algorithm': '{algorithm[:64]}'. Only '{ALGORITHM}' is supported."
        )
    fields: dict[str, str] = {}
    for part in rest.split(","):
        name, equals, value = part.strip().partition("=")
        if not equals or name in fields:
            raise MalformedSignatureError(
                f"'{part.strip()[:256]}' not a valid key=value pair (missing equal-sign) in Authorization header."
            )
        fields[name] = value
    for name in ("Credential", "Signature", "SignedHeaders"):
        if not fields.get(name):
            raise MalformedSignatureError(f"Authorization header requires '{name}' parameter.")
    if not timestamp:
        raise MalformedSignatureError("Authorization header requires existence of either a 'X-Amz-Date' header.")
    unix_time(timestamp)
    access_key_id, scope = _credential(fields["Credential"])
    return Claim(access_key_id, scope, _header_names(fields["SignedHeaders"]), fields["Signature"], timestamp)


def parse_presigned(pairs: Sequence[tuple[str, str]]) -> Claim:
    """The claim of a presigned URL's decoded query. Raises MalformedSignatureError naming what is missing or bad."""
    fields: dict[str, str] = {}
    for name, value in pairs:
        if name.startswith("X-Amz-") and name in fields:
            raise MalformedSignatureError(f"AWS query-string parameter '{name}' is given twice.")
        fields[name] = value
    required = ("Algorithm", "Credential", "Date", "Expires", "SignedHeaders", "Signature")
    missing = [f"'X-Amz-{name}'" for name in required if not fields.get(f"X-Amz-{name}")]
    if missing:
        raise MalformedSignatureError(f"AWS query-string parameters must include {', '.join(missing)}.")
    if fields["X-Amz-Algorithm"] != ALGORITHM:
        raise MalformedSignatureError(f"Unsupported AWS 'algorithm': only '{ALGORITHM}' is supported.")
    unix_time(fields["X-Amz-Date"])
    expires = fields["X-Amz-Expires"]
    if not (
        expires.isascii()
        and expires.isdecimal()
        and len(expires) < 10
        and 1 <= int(expires) <= MAX_EXPIRES_SECONDS
    ):
        raise MalformedSignatureError(
            f"X-Amz-Expires must be a number of seconds from 1 to {MAX_EXPIRES_SECONDS}."
        )
    access_key_id, scope = _credential(fields["X-Amz-Credential"])
    return Claim(
        access_key_id,
        scope,
        _header_names(fields["X-Amz-SignedHeaders"]),
        fields["X-Amz-Signature"],
        fields["X-Amz-Date"],
        int(expires),
    )


def _credential(value: str) -> tuple[str, Scope]:
    parts = value.split("/")
    if len(parts) != 5 or parts[4] != "aws4_request" or not all(parts):
        raise MalformedSignatureError(
            "Credential must have exactly 5 slash-delimited elements, e.g. "
            f"keyid/date/region/service/aws4_request, got '{value[:256]}'"
        )
    return parts[0], Scope(parts[1], parts[2], parts[3])


def _header_names(value: str) -> tuple[str, ...]:
    names = tuple(value.split(";"))
    if list(names) != sorted(set(names)) or any(name != name.lower() or not name for name in names):
        raise MalformedSignatureError("SignedHeaders must be lower-case names, sorted, each once.")
    return names
