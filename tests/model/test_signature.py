"""Our signatures are the ones botocore makes."""

from datetime import UTC, datetime

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from epochwatch.model import signature
from epochwatch.model.signature import MalformedSignatureError, parse_authorization, parse_presigned, sign_request

KEY, SECRET = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"


@pytest.mark.parametrize(
    ("method", "url", "headers", "body"),
    [
        ("GET", "http://127.0.0.1:4600/", {}, b""),
        ("POST", "http://127.0.0.1:4600/_/agent/batches", {"Content-Type": "application/msgpack"}, b"\x00\xff"),
        ("GET", "http://localhost:80/a%20b/c?x=1&a=%20%2F~&empty=&x=0", {"X-Amz-Thing": "  two   words "}, b""),
        ("GET", "https://example.com:443/_/api/jobs?search=a%2Bb%26c", {"Accept": "application/json"}, b""),
        ("PUT", "http://[::1]:4600/a//b/./c/../d/", {}, "ünï".encode()),
    ],
)
def test_a_request_is_signed_as_botocore_signs_it(method, url, headers, body):
    request = AWSRequest(method=method, url=url, data=body, headers={**headers, "X-Amz-Content-SHA256": ""})
    request.headers.replace_header("X-Amz-Content-SHA256", signature.payload_hash(body))
    # botocore stamps the current second itself: sign again with the second it took.
    SigV4Auth(Credentials(KEY, SECRET), "epochwatch", "eu-west-1").add_auth(request)
    moment = datetime.strptime(request.context["timestamp"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
    ours = sign_request(method, url, headers, body, KEY, SECRET, "eu-west-1", "epochwatch", moment)
    assert ours["Authorization"] == request.headers["Authorization"]


def test_a_date_survives_the_round_trip():
    assert signature.unix_time(signature.amz_date(1_790_000_000)) == 1_790_000_000


GOOD = f"AWS4-HMAC-SHA256 Credential={KEY}/20260101/us-east-1/logs/aws4_request, SignedHeaders=host, Signature=00"


def test_an_authorization_header_is_taken_apart():
    claim = parse_authorization(GOOD, "20260101T000000Z")
    assert (claim.access_key_id, claim.scope.region, claim.scope.service) == (KEY, "us-east-1", "logs")
    assert claim.signed_headers == ("host",)
    assert claim.expires is None


@pytest.mark.parametrize(
    ("header", "date", "said"),
    [
        ("Basic abc", "20260101T000000Z", "algorithm"),
        ("AWS4-HMAC-SHA256 nonsense", "20260101T000000Z", "key=value"),
        (GOOD.replace(", Signature=00", ""), "20260101T000000Z", "'Signature'"),
        (GOOD.replace("SignedHeaders=host, ", ""), "20260101T000000Z", "'SignedHeaders'"),
        (GOOD.replace("/logs", ""), "20260101T000000Z", "5 slash-delimited"),
        (GOOD.replace("us-east-1", ""), "20260101T000000Z", "5 slash-delimited"),
        (GOOD, None, "X-Amz-Date"),
        (GOOD, "2026-01-01", "basic format"),
        (GOOD, "20261301T000000Z", "not a date"),
        (GOOD.replace("=host", "=x;host"), "20260101T000000Z", "sorted"),
        (GOOD.replace("=host", "=Host"), "20260101T000000Z", "lower-case"),
        (GOOD + ", Signature=11", "20260101T000000Z", "key=value"),
    ],
)
def test_a_malformed_authorization_header_is_named(header, date, said):
    with pytest.raises(MalformedSignatureError, match=said):
        parse_authorization(header, date)


PRESIGNED = [
    ("X-Amz-Algorithm", "AWS4-HMAC-SHA256"),
    ("X-Amz-Credential", f"{KEY}/20260101/us-east-1/sts/aws4_request"),
    ("X-Amz-Date", "20260101T000000Z"),
    ("X-Amz-Expires", "60"),
    ("X-Amz-SignedHeaders", "host"),
    ("X-Amz-Signature", "00"),
]


def test_a_presigned_query_is_taken_apart():
    assert parse_presigned(PRESIGNED).expires == 60


@pytest.mark.parametrize("missing", range(len(PRESIGNED)))
def test_a_presigned_query_needs_every_part(missing):
    name = PRESIGNED[missing][0]
    with pytest.raises(MalformedSignatureError, match=name):
        parse_presigned([pair for pair in PRESIGNED if pair[0] != name])


@pytest.mark.parametrize("expires", ["0", "-1", "604801", "1e3", "٣", "9" * 5000])
def test_a_presigned_query_lives_at_most_a_week(expires):
    with pytest.raises(MalformedSignatureError, match="X-Amz-Expires"):
        parse_presigned([*PRESIGNED[:3], ("X-Amz-Expires", expires), *PRESIGNED[4:]])
