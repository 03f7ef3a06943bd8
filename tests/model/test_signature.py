"""Our signatures are the ones botocore makes."""

from datetime import UTC, datetime

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from epochwatch.model.signature import canonical_path, canonical_query, sign_request

KEY, SECRET = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"


@pytest.mark.parametrize(
    ("method", "url", "headers", "body"),
    [
        ("GET", "http://127.0.0.1:4600/", {}, b""),
        ("POST", "http://127.0.0.1:4600/_/agent/batches", {"Content-Type": "application/msgpack"}, b"\x00\xff"),
        ("GET", "http://localhost/a%20b/c?x=1&a=%20%2F~&empty=&x=0", {"X-Amz-Thing": "  two   words "}, b""),
        ("GET", "https://example.com/_/api/jobs?search=a%2Bb%26c", {"Accept": "application/json"}, b""),
        ("PUT", "http://[::1]:4600/d/", {}, "ünï".encode()),
    ],
)
def test_a_request_is_signed_as_botocore_signs_it(method, url, headers, body):
    request = AWSRequest(method=method, url=url, data=body, headers=headers)
    signer = SigV4Auth(Credentials(KEY, SECRET), "epochwatch", "eu-west-1")
    request.headers["X-Amz-Content-SHA256"] = signer.payload(request)
    signer.add_auth(request)
    stamped = datetime.strptime(request.context["timestamp"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    ours = sign_request(method, url, headers, body, KEY, SECRET, "eu-west-1", "epochwatch", stamped.timestamp())
    assert ours["authorization"] == request.headers["Authorization"]


def test_a_path_is_encoded_once_more_except_for_s3():
    assert canonical_path("/a%20b") == "/a%2520b"
    assert canonical_path("/a%20b", is_s3=True) == "/a%20b"
    assert canonical_path("") == "/"


def test_a_query_is_sorted_after_encoding_and_leaves_out_the_signature():
    query = "b=2&a=%7e&X-Amz-Signature=00&b=1&flag"
    assert canonical_query(query, without=("X-Amz-Signature",)) == "a=~&b=1&b=2&flag="
