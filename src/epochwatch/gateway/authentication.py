"""Who signed a request: Signature Version 4 verified, in its header and its presigned form.

Source: the Signature Version 4 description in the IAM User Guide; error codes as the services answer them.
"""

import calendar
import hashlib
import hmac
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from epochwatch.gateway.requests import RawRequest
from epochwatch.model.aws_error import AwsError
from epochwatch.model.signature import (
    ALGORITHM,
    UNSIGNED_PAYLOAD,
    Scope,
    canonical_path,
    canonical_query,
    canonical_request,
    signature,
)
from epochwatch.model.tenant import DEFAULT_ACCOUNT, Tenant

SKEW_SECONDS = 15 * 60
MAX_PRESIGNED_SECONDS = 7 * 24 * 3600

Lookup = Callable[[str], tuple[str, str] | None]
"""An access key id's secret and account; None for an unknown key."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Whose request it is."""

    tenant: Tenant
    access_key_id: str
    """The key that signed; empty for an unsigned request where those are taken."""


@dataclass(frozen=True, slots=True)
class _Claim:
    """What a request says of its own signature."""

    access_key_id: str
    scope: Scope
    signed_headers: list[str]
    proof: str
    moment: str
    expires: int | None
    """Seconds a presigned URL is good for; None for the header form."""


class Authenticator:
    """Verifies signatures against the keys ``lookup`` knows; with ``verify=False`` takes every request at its
    word (a 12-digit key id is the account).
    """

    def __init__(self, lookup: Lookup, *, verify: bool = True, default: Tenant | None = None) -> None:
        self._lookup = lookup
        self._verify = verify
        self._default = default or Tenant()

    def authenticate(self, request: RawRequest, service: str, now: float) -> Identity:
        """The signer of a request for ``service`` (the name signatures are scoped to). Raises AwsError with the JSON
        protocols' code for what is wrong with the signature.
        """
        if not self._verify:
            return self._believed(request)
        claim = _claim(request)
        _check_cover(request, claim, service)
        known = self._lookup(claim.access_key_id)
        if known is None:
            raise AwsError("UnrecognizedClientException", "The security token included in the request is invalid.")
        secret, account = known
        _check_time(claim, now)
        expected = signature(secret, claim.moment, claim.scope, _canonical(request, claim))
        if not hmac.compare_digest(expected.encode(), claim.proof.encode()):
            raise AwsError(
                "InvalidSignatureException",
                "The request signature we calculated does not match the signature you provided. Check your AWS "
                "Secret Access Key and signing method. Consult the service documentation for details.",
            )
        return Identity(Tenant(account, claim.scope.region), claim.access_key_id)

    def _believed(self, request: RawRequest) -> Identity:
        try:
            claim = _claim(request)
        except AwsError:
            return Identity(self._default, "")
        key = claim.access_key_id
        account = key if re.fullmatch(r"\d{12}", key) else (self._default.account or DEFAULT_ACCOUNT)
        return Identity(Tenant(account, claim.scope.region), key)


def claimed_scope(request: RawRequest) -> Scope | None:
    """The scope a request names, believed for routing only."""
    try:
        return _claim(request).scope
    except AwsError:
        return None


def claimed_key(request: RawRequest) -> str:
    """The access key id that a request says it is signed with; empty without."""
    try:
        return _claim(request).access_key_id
    except AwsError:
        return ""


def is_signed(request: RawRequest) -> bool:
    """Whether a request carries any signature at all."""
    return "authorization" in request.headers or "X-Amz-Algorithm" in request.arguments


def _claim(request: RawRequest) -> _Claim:
    header = request.headers.get("authorization")
    if header is not None:
        return _header_claim(request, header)
    if "X-Amz-Algorithm" in request.arguments:
        return _presigned_claim(request.arguments)
    raise AwsError("MissingAuthenticationTokenException", "Missing Authentication Token")


def _header_claim(request: RawRequest, header: str) -> _Claim:
    algorithm, _, rest = header.strip().partition(" ")
    if algorithm != ALGORITHM:
        raise AwsError(
            "IncompleteSignatureException", f"Unsupported AWS 'algorithm': '{algorithm[:50]}' ({ALGORITHM} only)."
        )
    parts = {}
    for part in rest.split(","):
        name, _, value = part.strip().partition("=")
        parts[name] = value
    missing = [name for name in ("Credential", "SignedHeaders", "Signature") if not parts.get(name)]
    if missing:
        raise AwsError(
            "IncompleteSignatureException",
            " ".join(f"Authorization header requires '{name}' parameter." for name in missing),
        )
    moment = request.headers.get("x-amz-date", "")
    if not moment:
        raise AwsError(
            "IncompleteSignatureException",
            "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.",
        )
    key, scope = _credential(parts["Credential"])
    return _Claim(key, scope, _signed_headers(parts["SignedHeaders"]), parts["Signature"], moment, None)


def _presigned_claim(arguments: Mapping[str, str]) -> _Claim:
    if arguments.get("X-Amz-Algorithm") != ALGORITHM:
        raise AwsError("IncompleteSignatureException", f"X-Amz-Algorithm must be {ALGORITHM}.")
    names = ("X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders", "X-Amz-Signature")
    missing = [name for name in names if not arguments.get(name)]
    if missing:
        raise AwsError("IncompleteSignatureException", f"the query string requires {', '.join(missing)}.")
    expires = arguments["X-Amz-Expires"]
    if not re.fullmatch(r"\d{1,9}", expires) or not 1 <= int(expires) <= MAX_PRESIGNED_SECONDS:
        raise AwsError(
            "IncompleteSignatureException", f"X-Amz-Expires must be from 1 to {MAX_PRESIGNED_SECONDS} seconds."
        )
    key, scope = _credential(arguments["X-Amz-Credential"])
    return _Claim(
        key,
        scope,
        _signed_headers(arguments["X-Amz-SignedHeaders"]),
        arguments["X-Amz-Signature"],
        arguments["X-Amz-Date"],
        int(expires),
    )


def _credential(text: str) -> tuple[str, Scope]:
    parts = text.split("/")
    if len(parts) != 5 or parts[4] != "aws4_request" or not all(parts):
        raise AwsError(
            "IncompleteSignatureException",
            "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term.",
        )
    return parts[0], Scope(parts[1], parts[2], parts[3])


def _signed_headers(text: str) -> list[str]:
    names = text.lower().split(";")
    if "host" not in names:
        raise AwsError("IncompleteSignatureException", "'Host' must be a 'SignedHeader' in the AWS Authorization.")
    return names


def _check_cover(request: RawRequest, claim: _Claim, service: str) -> None:
    """A signature is good for the service it names and for the headers it covers: without this, whoever holds a
    presigned URL of one service could turn it into any request of another.
    """
    if claim.scope.service != service:
        raise AwsError(
            "InvalidSignatureException", f"Credential should be scoped to correct service: '{service}'."
        )
    unsigned = sorted(
        name for name in request.headers if name.startswith("x-amz-") and name not in claim.signed_headers
    )
    if unsigned:
        raise AwsError(
            "InvalidSignatureException",
            f"There were headers present in the request which were not signed: {', '.join(unsigned)[:200]}",
        )


def _check_time(claim: _Claim, now: float) -> None:
    try:
        signed_at = calendar.timegm(time.strptime(claim.moment, "%Y%m%dT%H%M%SZ"))
    except ValueError as error:
        raise AwsError(
            "IncompleteSignatureException", f"Date must be in ISO-8601 'basic format'. Got '{claim.moment[:40]}'."
        ) from error
    if claim.scope.date != claim.moment[:8]:
        raise AwsError(
            "InvalidSignatureException",
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP.",
        )
    if signed_at > now + SKEW_SECONDS:
        raise AwsError(
            "InvalidSignatureException", f"Signature not yet current: {claim.moment} is still later than now."
        )
    if claim.expires is not None:
        if now > signed_at + claim.expires:
            raise AwsError("RequestExpired", "Request has expired.")
    elif now > signed_at + SKEW_SECONDS:
        raise AwsError(
            "InvalidSignatureException",
            f"Signature expired: {claim.moment} is now earlier than "
            f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime(now - SKEW_SECONDS))} (15 min. ago).",
        )


def _canonical(request: RawRequest, claim: _Claim) -> str:
    is_s3 = claim.scope.service == "s3"
    return canonical_request(
        request.method,
        canonical_path(request.path, is_s3=is_s3),
        canonical_query(request.query, without=("X-Amz-Signature",)),
        request.headers,
        claim.signed_headers,
        _payload_hash(request, claim, is_s3),
    )


def _payload_hash(request: RawRequest, claim: _Claim, is_s3: bool) -> str:
    """The hash of the body as it came. Only S3 may leave its body unsigned."""
    if is_s3 and (claim.expires is not None or request.headers.get("x-amz-content-sha256") == UNSIGNED_PAYLOAD):
        return UNSIGNED_PAYLOAD
    return hashlib.sha256(request.body).hexdigest()
