"""Signature Version 4 computed here equals what botocore computes, whatever the request."""

import calendar
import hashlib
import time
from urllib.parse import quote, urlencode, urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from epochwatch.model.signature import (
    Scope,
    canonical_path,
    canonical_query,
    canonical_request,
    sign_request,
    signature,
)

TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=20)
HEADER = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=20)


@given(
    parts=st.lists(TEXT.filter(lambda part: part not in (".", "..", "")), max_size=3),
    query=st.lists(st.tuples(TEXT.filter(bool), TEXT), max_size=4),
    header=HEADER,
    body=st.binary(max_size=50),
)
def test_any_request_is_signed_as_botocore_signs_it(
    parts: list[str], query: list[tuple[str, str]], header: str, body: bytes
) -> None:
    path = "/" + "/".join(quote(part, safe="") for part in parts)
    url = f"http://127.0.0.1:4600{path}" + (f"?{urlencode(query, quote_via=quote)}" if query else "")
    request = AWSRequest("POST", url, data=body, headers={"X-Custom": header})
    SigV4Auth(Credentials("AKID", "secret"), "epochwatch", "us-east-1").add_auth(request)
    headers = {name.lower(): value for name, value in request.headers.items()} | {"host": "127.0.0.1:4600"}
    authorization = headers["authorization"]
    names = authorization.split("SignedHeaders=")[1].split(",")[0].split(";")
    moment = headers["x-amz-date"]
    ours = canonical_request(
        "POST",
        canonical_path(urlsplit(url).path),
        canonical_query(urlsplit(url).query),
        headers,
        names,
        hashlib.sha256(body).hexdigest(),
    )
    scope = Scope(moment[:8], "us-east-1", "epochwatch")
    assert authorization.endswith(f"Signature={signature('secret', moment, scope, ours)}")


def test_a_signed_request_carries_everything_a_verifier_needs() -> None:
    now = calendar.timegm((2026, 1, 2, 3, 4, 5))
    headers = sign_request("GET", "http://h:1/p?a=b", {"X-A": "1"}, b"", "AKID", "s", "r", "svc", now)
    assert headers["x-amz-date"] == time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
    assert headers["host"] == "h:1"
    assert headers["authorization"].startswith("AWS4-HMAC-SHA256 Credential=AKID/20260102/r/svc/aws4_request, ")
    assert "SignedHeaders=host;x-a;x-amz-content-sha256;x-amz-date" in headers["authorization"]
