"""AWS Signature Version 4, as pure functions: what a signer computes and what a verifier computes again.

Source: the Signature Version 4 description in the AWS General Reference and IAM User Guide.
"""

import hashlib
import hmac
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit

ALGORITHM = "AWS4-HMAC-SHA256"
EMPTY_SHA256 = hashlib.sha256(b"").hexdigest()
UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"
_SAFE = "-_.~"


@dataclass(frozen=True, slots=True)
class Scope:
    """The credential scope of a signature: ``date/region/service/aws4_request``."""

    date: str
    region: str
    service: str

    def __str__(self) -> str:
        return f"{self.date}/{self.region}/{self.service}/aws4_request"


def canonical_path(path: str, *, is_s3: bool = False) -> str:
    """The path as it is signed. ``path`` is the raw path of the request line; S3 signs it as it is, every other
    service without its dots and empty parts and encoded once more.
    """
    if is_s3:
        return path or "/"
    kept: list[str] = []
    for part in path.split("/"):
        if part == "..":
            del kept[-1:]
        elif part not in ("", "."):
            kept.append(part)
    normal = "/" + "/".join(kept) + ("/" if kept and path.endswith("/") else "")
    return quote(normal, safe="/" + _SAFE)


def canonical_query(query: str, *, without: Iterable[str] = ()) -> str:
    """The raw query string decoded, encoded the one way, and sorted; ``without`` names parameters left out."""
    left_out = set(without)
    pairs = []
    for part in query.split("&"):
        if not part:
            continue
        name, _, value = part.partition("=")
        name, value = unquote(name), unquote(value)
        if name not in left_out:
            pairs.append((quote(name, safe=_SAFE), quote(value, safe=_SAFE)))
    return "&".join(f"{name}={value}" for name, value in sorted(pairs))


def canonical_request(
    method: str, path: str, query: str, headers: Mapping[str, str], signed: Iterable[str], payload_hash: str
) -> str:
    """The canonical request. ``path`` and ``query`` are canonical already; ``headers`` has lower-case names."""
    names = sorted(signed)
    lines = "".join(f"{name}:{' '.join(headers.get(name, '').split())}\n" for name in names)
    return "\n".join([method, path, query, lines, ";".join(names), payload_hash])


def string_to_sign(moment: str, scope: Scope, request: str) -> str:
    """``moment`` is the request's ``X-Amz-Date`` (``20260101T000000Z``)."""
    digest = hashlib.sha256(request.encode()).hexdigest()
    return "\n".join([ALGORITHM, moment, str(scope), digest])


def signing_key(secret: str, scope: Scope) -> bytes:
    """The key derived from the secret for one day, region and service."""
    key = b"AWS4" + secret.encode()
    for part in (scope.date, scope.region, scope.service, "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key


def signature(secret: str, moment: str, scope: Scope, request: str) -> str:
    """The signature in hex of a canonical request."""
    text = string_to_sign(moment, scope, request)
    return hmac.new(signing_key(secret, scope), text.encode(), hashlib.sha256).hexdigest()


def sign_request(
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes,
    access_key: str,
    secret: str,
    region: str,
    service: str,
    now: float | None = None,
) -> dict[str, str]:
    """``headers`` plus what signs the request: Host, X-Amz-Date, X-Amz-Content-Sha256, Authorization."""
    parts = urlsplit(url)
    moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
    scope = Scope(moment[:8], region, service)
    payload_hash = hashlib.sha256(body).hexdigest()
    signed = {
        **{name.lower(): value for name, value in headers.items()},
        "host": parts.netloc,
        "x-amz-date": moment,
        "x-amz-content-sha256": payload_hash,
    }
    request = canonical_request(
        method, canonical_path(parts.path), canonical_query(parts.query), signed, signed, payload_hash
    )
    names = ";".join(sorted(signed))
    proof = signature(secret, moment, scope, request)
    signed["authorization"] = (
        f"{ALGORITHM} Credential={access_key}/{scope}, SignedHeaders={names}, Signature={proof}"
    )
    return signed
