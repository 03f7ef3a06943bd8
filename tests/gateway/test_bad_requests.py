"""Every kind of bad request is refused with AWS's error, and the server goes on serving."""

import gzip
import http.client
import json
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode, urlsplit

import cbor2
import pytest

from epochwatch.gateway.app import MAX_BODY
from epochwatch.model.signature import Scope, canonical_query, canonical_request, sign_request, signature
from tests.gateway.echo_server import ACCESS_KEY, SECRET, EchoServer

JSON10 = {"content-type": "application/x-amz-json-1.0"}
JSON11 = {"content-type": "application/x-amz-json-1.1"}
FORM = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}
CBOR = {"content-type": "application/cbor", "smithy-protocol": "rpc-v2-cbor", "accept": "application/cbor"}
CW = "GraniteServiceVersion20100801"


@pytest.fixture(scope="module")
def server() -> Iterator[EchoServer]:
    echo = EchoServer()
    with echo.running() as echo.url:  # type: ignore[attr-defined]
        yield echo


def send(
    server: EchoServer,
    method: str = "POST",
    path: str = "/",
    headers: dict[str, str] | None = None,
    body: bytes = b"",
    *,
    service: str = "monitoring",
    signed: bool = True,
) -> tuple[int, dict[str, str], bytes]:
    url = server.url + path  # type: ignore[attr-defined]
    headers = dict(headers or {})
    if signed:
        headers = sign_request(method, url, headers, body, ACCESS_KEY, SECRET, "us-east-1", service)
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
    connection.request(method, path, body or None, headers)
    answer = connection.getresponse()
    result = answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    connection.close()
    return result


def target(operation: str, prefix: str = CW) -> dict[str, str]:
    return {"x-amz-target": f"{prefix}.{operation}"}


def put(data: Any) -> bytes:
    return json.dumps({"Namespace": "n", "MetricData": data}).encode()


NESTED = b"[" * 100_000 + b"]" * 100_000
BOMB = gzip.compress(b" " * (MAX_BODY * 4))
JSON_CASES = {
    "no JSON at all": (b"{nope", "SerializationException"),
    "a JSON list where an object belongs": (b"[]", "SerializationException"),
    "a JSON string where an object belongs": (b'"x"', "SerializationException"),
    "a bare NaN": (b'{"Namespace":"n","MetricData":[{"MetricName":"m","Value":NaN}]}', "SerializationException"),
    "bytes that are not UTF-8": (b'{"Namespace":"\xff\xfe","MetricData":[]}', "SerializationException"),
    "nesting without end": (NESTED, "SerializationException"),
    "a cut-off body": (b'{"Namespace":"n","MetricData":[', "SerializationException"),
    "text where a number belongs": (put([{"MetricName": "m", "Value": "high"}]), "SerializationException"),
    "a boolean where a number belongs": (put([{"MetricName": "m", "Value": True}]), "SerializationException"),
    "a number where text belongs": (put([{"MetricName": 5, "Value": 1}]), "SerializationException"),
    "an object where a list belongs": (put({"MetricName": "m"}), "SerializationException"),
    "a list where an object belongs": (put([["m"]]), "SerializationException"),
    "text where a time belongs": (
        put([{"MetricName": "m", "Value": 1, "Timestamp": "soon"}]),
        "SerializationException",
    ),
    "a time beyond all years": (
        put([{"MetricName": "m", "Value": 1, "Timestamp": 1e300}]),
        "SerializationException",
    ),
    "a number beyond doubles": (b'{"Namespace":"n","MetricData":[{"MetricName":"m","Value":1e999}]}', None),
    "an integer of a thousand digits": (
        b'{"Namespace":"n","MetricData":[{"MetricName":"m","StorageResolution":' + b"9" * 1000 + b"}]}",
        "SerializationException",
    ),
    "a fraction where an integer belongs": (
        put([{"MetricName": "m", "Value": 1, "StorageResolution": 1.5}]),
        "SerializationException",
    ),
    "no namespace": (b'{"MetricData":[{"MetricName":"m","Value":1}]}', "ValidationException"),
    "null for a required member": (b'{"Namespace":null,"MetricData":[]}', "ValidationException"),
    "an empty name": (put([{"MetricName": "", "Value": 1}]), "ValidationException"),
    "a name that is too long": (put([{"MetricName": "m" * 256, "Value": 1}]), "ValidationException"),
    "a unit that does not exist": (
        put([{"MetricName": "m", "Value": 1, "Unit": "Parsecs"}]),
        "ValidationException",
    ),
    "a resolution of zero": (
        put([{"MetricName": "m", "Value": 1, "StorageResolution": 0}]),
        "ValidationException",
    ),
    "too many dimensions": (
        put([{"MetricName": "m", "Value": 1, "Dimensions": [{"Name": f"d{i}", "Value": "v"} for i in range(31)]}]),
        "ValidationException",
    ),
    "a dimension without a value": (
        put([{"MetricName": "m", "Value": 1, "Dimensions": [{"Name": "d"}]}]),
        "ValidationException",
    ),
}


@pytest.mark.parametrize("case", JSON_CASES)
def test_bad_json_is_refused(server: EchoServer, case: str) -> None:
    body, code = JSON_CASES[case]
    status, headers, answer = send(server, headers=JSON10 | target("PutMetricData"), body=body)
    if code is None:
        assert status in (200, 400)
    else:
        assert status == 400
        assert json.loads(answer)["__type"].rpartition("#")[2] == code
        assert headers["x-amzn-requestid"]
    serves(server)


CBOR_PATH = f"/service/{CW}/operation/PutMetricData"
CBOR_CASES = {
    "no CBOR": b"\xff\xff",
    "a cut-off map": b"\xa2\x61a",
    "a list where a map belongs": cbor2.dumps([1, 2]),
    "bytes behind the value": cbor2.dumps({}) + b"\x00",
    "text that is not UTF-8": b"\xa1\x69Namespace\x62\xff\xfe",
    "a promise of four billion items": b"\x9a\xff\xff\xff\xff",
    "nesting without end": b"\x81" * 100_000,
    "bytes where text belongs": cbor2.dumps({"Namespace": b"n", "MetricData": []}),
    "text as a time": cbor2.dumps(
        {"Namespace": "n", "MetricData": [{"MetricName": "m", "Timestamp": cbor2.CBORTag(1, "soon")}]}
    ),
    "too many integers of thousands of digits": cbor2.dumps(
        {"Namespace": "n", "MetricData": [{"MetricName": "m", "Dimensions": [10**5000] * 31}]}
    ),
}


@pytest.mark.parametrize("case", CBOR_CASES)
def test_bad_cbor_is_refused(server: EchoServer, case: str) -> None:
    status, headers, answer = send(server, path=CBOR_PATH, headers=CBOR, body=CBOR_CASES[case])
    assert status == 400
    assert headers["smithy-protocol"] == "rpc-v2-cbor"
    assert cbor2.loads(answer)["__type"].endswith("SerializationException")
    serves(server)


FORM_CASES = {
    "no such operation": ({"Action": "Nope", "Version": "2010-08-01"}, "InvalidAction"),
    "no such version": ({"Action": "PutMetricData", "Version": "1999-01-01"}, "InvalidAction"),
    "no operation": ({"Version": "2010-08-01"}, "InvalidAction"),
    "text where a number belongs": (
        {"MetricData.member.1.MetricName": "m", "MetricData.member.1.Value": "high", "Namespace": "n"},
        "MalformedInput",
    ),
    "text where a time belongs": (
        {"MetricData.member.1.MetricName": "m", "MetricData.member.1.Timestamp": "soon", "Namespace": "n"},
        "MalformedInput",
    ),
    "elements without numbers": ({"MetricData.member.x.MetricName": "m", "Namespace": "n"}, "MalformedInput"),
    "a value that is a structure too": (
        {"MetricData.member.1": "x", "MetricData.member.1.MetricName": "m", "Namespace": "n"},
        "MalformedInput",
    ),
    "nesting without end": ({"MetricData" + ".member.1" * 200: "x", "Namespace": "n"}, "MalformedInput"),
    "no namespace": ({"MetricData.member.1.MetricName": "m"}, "ValidationError"),
    "a unit that does not exist": (
        {"MetricData.member.1.MetricName": "m", "MetricData.member.1.Unit": "Parsecs", "Namespace": "n"},
        "ValidationError",
    ),
}


@pytest.mark.parametrize("case", FORM_CASES)
def test_bad_forms_are_refused(server: EchoServer, case: str) -> None:
    fields, code = FORM_CASES[case]
    if "Namespace" in fields or "MetricData.member.1.MetricName" in fields:
        fields = {"Action": "PutMetricData", "Version": "2010-08-01"} | fields
    status, _, answer = send(server, headers=FORM, body=urlencode(fields).encode())
    assert status == 400
    assert f"<Code>{code}</Code>" in answer.decode()
    assert "<Type>Sender</Type>" in answer.decode()
    serves(server)


RAW_CASES: dict[str, tuple[dict[str, Any], int, str]] = {
    "a target of no service": ({"headers": JSON11 | target("X", "Nobody")}, 400, "UnknownOperationException"),
    "an operation nobody has": ({"headers": JSON10 | target("Nope")}, 400, "UnknownOperationException"),
    "a target without a dot": ({"headers": JSON10 | {"x-amz-target": "x"}}, 400, "UnknownOperationException"),
    "an empty target": ({"headers": JSON10 | {"x-amz-target": ""}}, 400, "UnknownOperationException"),
    "a path out of the tree": ({"path": "/../../etc/passwd"}, 400, "UnknownOperationException"),
    "an encoded path out of the tree": ({"path": "/%2e%2e/%2e%2e/etc"}, 400, "UnknownOperationException"),
    "an rpc path of no service": (
        {"path": "/service/../operation/../x", "headers": CBOR},
        400,
        "UnknownOperationException",
    ),
    "a body that is no gzip": (
        {"headers": JSON10 | target("PutMetricData") | {"content-encoding": "gzip"}, "body": b"plain"},
        400,
        "SerializationException",
    ),
    "a gzip that is cut short": (
        {
            "headers": JSON10 | target("PutMetricData") | {"content-encoding": "gzip"},
            "body": gzip.compress(b"{}" * 999)[:-9],
        },
        400,
        "SerializationException",
    ),
    "a gzip that inflates without end": (
        {"headers": JSON10 | target("PutMetricData") | {"content-encoding": "gzip"}, "body": BOMB},
        413,
        "RequestEntityTooLarge",
    ),
    "an encoding nobody knows": (
        {"headers": JSON10 | target("PutMetricData") | {"content-encoding": "br"}, "body": b"x"},
        400,
        "SerializationException",
    ),
    "a body that is too large": (
        {"headers": JSON10 | target("PutMetricData"), "body": b" " * (MAX_BODY + 1)},
        413,
        "RequestEntityTooLarge",
    ),
    "a REST path of no operation": (
        {
            "method": "PUT",
            "path": "/Nope",
            "service": "sagemaker",
            "headers": {"content-type": "application/json"},
        },
        400,
        "UnknownOperationException",
    ),
    "a REST method of no operation": (
        {"method": "DELETE", "path": "/BatchPutMetrics", "service": "sagemaker"},
        400,
        "UnknownOperationException",
    ),
    "a REST body that is no object": (
        {"method": "PUT", "path": "/BatchPutMetrics", "service": "sagemaker", "body": b"[1]"},
        400,
        "SerializationException",
    ),
    "a REST body without its members": (
        {"method": "PUT", "path": "/BatchPutMetrics", "service": "sagemaker", "body": b"{}"},
        400,
        "ValidationException",
    ),
    "a log limit beyond the limit": (
        {
            "headers": JSON11 | target("DescribeLogGroups", "Logs_20140328"),
            "body": b'{"limit":10001}',
            "service": "logs",
        },
        400,
        "InvalidParameterException",
    ),
    "a log group of strange letters": (
        {
            "headers": JSON11 | target("CreateLogGroup", "Logs_20140328"),
            "body": b'{"logGroupName":"a b*c"}',
            "service": "logs",
        },
        400,
        "InvalidParameterException",
    ),
    "a job name with a slash": (
        {
            "headers": JSON11 | target("DescribeTrainingJob", "SageMaker"),
            "body": b'{"TrainingJobName":"a/b c"}',
            "service": "sagemaker",
        },
        400,
        "ValidationException",
    ),
}


@pytest.mark.parametrize("case", RAW_CASES)
def test_bad_requests_are_refused(server: EchoServer, case: str) -> None:
    arguments, wanted, code = RAW_CASES[case]
    status, headers, answer = send(server, **arguments)
    assert status == wanted
    assert code.encode() in answer or headers.get("x-amzn-errortype") == code
    serves(server)


def serves(server: EchoServer) -> None:
    """The server answers the next request as if nothing had been."""
    body = put([{"MetricName": "m", "Value": 1.0}])
    status, _, answer = send(server, headers=JSON10 | target("PutMetricData"), body=body)
    assert (status, answer) == (200, b"{}")


def test_several_problems_come_in_one_answer_worded_as_aws_words_them(server: EchoServer) -> None:
    body = b'{"MetricData":[{"MetricName":"","Value":1}]}'
    _, _, answer = send(server, headers=JSON10 | target("PutMetricData"), body=body)
    message = json.loads(answer)["message"]
    assert message.startswith("2 validation errors detected: ")
    assert (
        "Value '' at 'metricData.1.member.metricName' failed to satisfy constraint: "
        "Member must have length greater than or equal to 1" in message
    )
    assert "Value null at 'namespace' failed to satisfy constraint: Member must not be null" in message


def test_an_operation_that_fails_answers_500_and_tells_nothing(server: EchoServer) -> None:
    server.answers["cloudwatch", "ListMetrics"] = RuntimeError("a secret of the house")
    status, _, answer = send(server, headers=JSON10 | target("ListMetrics"), body=b"{}")
    del server.answers["cloudwatch", "ListMetrics"]
    assert status == 500
    assert json.loads(answer)["__type"].endswith("InternalFailure")
    assert b"secret" not in answer


# -- signatures -----------------------------------------------------------------------------------------------


def signed_headers(server: EchoServer, body: bytes, **changed: Any) -> dict[str, str]:
    arguments = {"access_key": ACCESS_KEY, "secret": SECRET, "region": "us-east-1", "service": "monitoring"}
    return sign_request(
        "POST",
        server.url + "/",  # type: ignore[attr-defined]
        JSON10 | target("ListMetrics"),
        body,
        **(arguments | changed),
    )


def refused(server: EchoServer, headers: dict[str, str], body: bytes = b"{}") -> str:
    status, _, answer = send(server, headers=headers, body=body, signed=False)
    assert status == 400
    return str(json.loads(answer)["__type"].rpartition("#")[2])


def test_a_wrong_secret_is_refused(server: EchoServer) -> None:
    assert refused(server, signed_headers(server, b"{}", secret="other")) == "InvalidSignatureException"


def test_an_unknown_key_is_refused(server: EchoServer) -> None:
    assert refused(server, signed_headers(server, b"{}", access_key="AKIANOBODY")) == "UnrecognizedClientException"


def test_a_body_changed_after_signing_is_refused(server: EchoServer) -> None:
    headers = signed_headers(server, b"{}")
    assert refused(server, headers, b'{"Namespace":"other"}') == "InvalidSignatureException"


@pytest.mark.parametrize("seconds", [-16 * 60, 16 * 60])
def test_a_signature_too_old_or_too_new_is_refused(server: EchoServer, seconds: int) -> None:
    assert refused(server, signed_headers(server, b"{}", now=time.time() + seconds)) == "InvalidSignatureException"


@pytest.mark.parametrize("seconds", [-14 * 60, 14 * 60])
def test_clocks_may_differ_by_a_quarter_of_an_hour(server: EchoServer, seconds: int) -> None:
    headers = signed_headers(server, b"{}", now=time.time() + seconds)
    assert send(server, headers=headers, body=b"{}", signed=False)[0] == 200


def test_a_header_changed_after_signing_is_refused(server: EchoServer) -> None:
    headers = signed_headers(server, b"{}") | target("ListDashboards")
    assert refused(server, headers) == "InvalidSignatureException"


@pytest.mark.parametrize(
    ("authorization", "code"),
    [
        (None, "MissingAuthenticationTokenException"),
        ("Basic dXNlcjpwYXNz", "IncompleteSignatureException"),
        ("AWS4-HMAC-SHA256", "IncompleteSignatureException"),
        ("AWS4-HMAC-SHA256 Credential=x, SignedHeaders=host, Signature=0", "IncompleteSignatureException"),
        (
            "AWS4-HMAC-SHA256 Credential=k/20260101/r/monitoring/aws4_request, SignedHeaders=x, Signature=0",
            "IncompleteSignatureException",
        ),
    ],
)
def test_a_broken_authorization_is_refused(server: EchoServer, authorization: str | None, code: str) -> None:
    headers = JSON10 | target("ListMetrics") | {"x-amz-date": time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())}
    if authorization is not None:
        headers["authorization"] = authorization
    assert refused(server, headers) == code


def test_the_query_protocol_names_signature_errors_its_own_way(server: EchoServer) -> None:
    body = b"Action=ListMetrics&Version=2010-08-01"
    headers = sign_request(
        "POST",
        server.url + "/",  # type: ignore[attr-defined]
        FORM,
        body,
        ACCESS_KEY,
        "wrong",
        "us-east-1",
        "monitoring",
    )
    status, _, answer = send(server, headers=headers, body=body, signed=False)
    assert status == 403
    assert b"<Code>SignatureDoesNotMatch</Code>" in answer


def presigned(server: EchoServer, *, expires: int = 60, age: float = 0, secret: str = SECRET) -> str:
    moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(time.time() - age))
    scope = Scope(moment[:8], "us-east-1", "sts")
    query = {
        "Action": "GetCallerIdentity",
        "Version": "2011-06-15",
        "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
        "X-Amz-Credential": f"{ACCESS_KEY}/{scope}",
        "X-Amz-Date": moment,
        "X-Amz-Expires": str(expires),
        "X-Amz-SignedHeaders": "host",
    }
    text = canonical_query(urlencode(query))
    host = urlsplit(server.url).netloc  # type: ignore[attr-defined]
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    request = canonical_request("GET", "/", text, {"host": host}, ["host"], empty)
    return f"/?{text}&X-Amz-Signature={signature(secret, moment, scope, request)}"


def test_a_presigned_url_is_accepted_until_it_expires(server: EchoServer) -> None:
    server.answers["sts", "GetCallerIdentity"] = {"Account": "111122223333"}
    status, _, answer = send(server, "GET", presigned(server), signed=False)
    assert (status, b"<Account>111122223333</Account>" in answer) == (200, True)
    status, _, answer = send(server, "GET", presigned(server, expires=5, age=10), signed=False)
    assert (status, b"<Code>RequestExpired</Code>" in answer) == (403, True)


def test_a_presigned_url_with_another_secret_or_too_long_a_life_is_refused(server: EchoServer) -> None:
    status, _, answer = send(server, "GET", presigned(server, secret="other"), signed=False)
    assert (status, b"<Code>SignatureDoesNotMatch</Code>" in answer) == (403, True)
    status, _, answer = send(server, "GET", presigned(server, expires=8 * 24 * 3600), signed=False)
    assert (status, b"<Code>IncompleteSignature</Code>" in answer) == (400, True)


def test_without_verification_any_key_is_taken_and_twelve_digits_are_the_account() -> None:
    echo = EchoServer(verify=False)
    with echo.running() as echo.url:  # type: ignore[attr-defined]
        headers = signed_headers(echo, b"{}", access_key="444455556666", secret="anything")
        assert send(echo, headers=headers, body=b"{}", signed=False)[0] == 200
        assert echo.identities[-1].tenant.account == "444455556666"
        assert send(echo, headers=JSON10 | target("ListMetrics"), body=b"{}", signed=False)[0] == 200


def test_a_browser_reaches_what_is_behind_the_gateway(server: EchoServer) -> None:
    assert send(server, "GET", "/", signed=False)[2] == b"inner"
    assert send(server, "POST", "/_/agent/x", signed=False)[2] == b"inner"


# -- what a signature covers ----------------------------------------------------------------------------------


@pytest.mark.parametrize("service", ["logs", "s3", "epochwatch", "sts"])
def test_a_signature_for_another_service_is_refused(server: EchoServer, service: str) -> None:
    assert refused(server, signed_headers(server, b"{}", service=service)) == "InvalidSignatureException"


def test_a_header_that_steers_the_request_must_be_signed(server: EchoServer) -> None:
    url = server.url + "/"  # type: ignore[attr-defined]
    headers = sign_request("POST", url, JSON10, b"{}", ACCESS_KEY, SECRET, "us-east-1", "monitoring")
    assert refused(server, headers | target("DeleteAlarms")) == "InvalidSignatureException"


def test_a_presigned_s3_url_is_good_for_nothing_else(server: EchoServer) -> None:
    moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    scope = Scope(moment[:8], "us-east-1", "s3")
    query = canonical_query(
        urlencode(
            {
                "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
                "X-Amz-Credential": f"{ACCESS_KEY}/{scope}",
                "X-Amz-Date": moment,
                "X-Amz-Expires": "60",
                "X-Amz-SignedHeaders": "host",
            }
        )
    )
    host = urlsplit(server.url).netloc  # type: ignore[attr-defined]
    request = canonical_request("POST", "/", query, {"host": host}, ["host"], "UNSIGNED-PAYLOAD")
    path = f"/?{query}&X-Amz-Signature={signature(SECRET, moment, scope, request)}"
    headers = JSON11 | target("CreateLogGroup", "Logs_20140328")
    status, _, answer = send(server, path=path, headers=headers, body=b'{"logGroupName":"x"}', signed=False)
    assert (status, json.loads(answer)["__type"]) == (400, "InvalidSignatureException")
    assert ("logs", "CreateLogGroup") not in server.seen
