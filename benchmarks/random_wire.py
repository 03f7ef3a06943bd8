"""Random inputs as requests on the wire, in each protocol, and the ways to break a request that is already bytes."""

import base64
import gzip
import json
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from random import Random
from typing import Any, Final
from urllib.parse import quote, urlencode

import cbor2
from botocore.model import OperationModel, Shape

from benchmarks.random_inputs import Moment
from epochwatch.gateway.models import service_model
from epochwatch.gateway.requests import RawRequest

ACCOUNT: Final = "909090909090"
KEYS: Final = (ACCOUNT, "AKIAEXAMPLE", "")
"""Keys that sign: without verification twelve digits are the account itself, any other has the server's."""
LONGEST: Final = 10**4299
"""The largest integer that Python writes out; CBOR has larger ones."""
HEADERS: Final = {
    "content-type": (
        "text/plain",
        "",
        "application/x-amz-json-9.9",
        "application/json; charset=\u00ff",
        "x" * 9000,
    ),
    "content-encoding": ("gzip", "br", "identity", "GZIP", "gzip, gzip", "deflate"),
    "x-amz-target": ("", ".", "x", "Logs_20140328.", "SageMaker.Nope", "\u00ff", "a.b.c.d"),
    "smithy-protocol": ("rpc-v2-cbor", "rpc-v2-json", ""),
    "x-amzn-query-mode": ("true", "TRUE", "maybe"),
    "authorization": (
        "",
        "AWS4-HMAC-SHA256",
        "AWS4-HMAC-SHA256 Credential=k/20260101/eu-west-1/monitoring/aws4_request, SignedHeaders=host, Signature=0",
        "AWS4-HMAC-SHA256 Credential=////, SignedHeaders=;;, Signature=",
        "Bearer \u00ff",
    ),
    "x-amz-date": ("", "20260101T000000Z", "yesterday"),
    "content-length": ("-1", "0", "99999999999999"),
}
PATHS: Final = (
    "/",
    "",
    "//",
    "/service/x/operation/y",
    "/%00",
    "/%ff",
    "/../..",
    "/BatchPutMetrics",
    "/a?b=c",
    "/\u00ff",
)
QUERIES: Final = ("", "Action=ListMetrics&Version=2010-08-01", "X-Amz-Algorithm=x", "a=%ff", "&&&=", "x" * 9000)
METHODS: Final = ("GET", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "get", "\u00ff")
BODIES: Final = (
    b"",
    b"null",
    b"[]",
    b"{}",
    b"\xff",
    b"\xa0",
    b"{" * 100_000,
    b"[" * 100_000,
    b'{"a":' * 50_000,
    b"\x81" * 100_000,
    b"\xbf\xff",
    b"\xc1\x61x",
    b"\xd8\x1c\xd8\x1d\x00",
    b"&".join(b"a%d=1" % number for number in range(300)),
    b"a" + b".1" * 50 + b"=x",
    b"Action=PutMetricData&Version=2010-08-01&Namespace=a&MetricData.member.99999999999999999999.Value=1",
    gzip.compress(bytes(20_000_000)),
)
"""Bodies that are no request's."""


def protocols(service: str) -> tuple[str, ...]:
    """The protocols in which a service is spoken to."""
    names = {"json": "json", "smithy-rpc-v2-cbor": "cbor", "query": "query", "rest-json": "rest-json"}
    metadata = service_model(service).metadata
    return tuple(names[name] for name in metadata.get("protocols", [metadata["protocol"]]))


def encode(service: str, operation: OperationModel, protocol: str, document: Any, chance: Random) -> RawRequest:
    """The request that carries an input."""
    request = _ENCODERS[protocol](service, operation, document)
    key = chance.choice(KEYS)
    if key:
        signing = service_model(service).metadata.get("signingName") or service
        scope = f"{key}/20260101/us-east-1/{signing}/aws4_request"
        request.headers |= {
            "authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0",
            "x-amz-date": "20260101T000000Z",
        }
    if chance.random() < 0.3:
        request.headers["content-encoding"] = "gzip"
        request.body = zlib_gzip(request.body)
    return request


def zlib_gzip(body: bytes) -> bytes:
    """The body as gzip, with little effort."""
    return gzip.compress(body, 1, mtime=0)


def _json(service: str, operation: OperationModel, document: Any) -> RawRequest:
    metadata = service_model(service).metadata
    headers = {
        "content-type": f"application/x-amz-json-{metadata.get('jsonVersion', '1.0')}",
        "x-amz-target": f"{metadata['targetPrefix']}.{operation.name}",
    }
    return RawRequest("POST", "/", "", headers, _json_body(document))


def _json_body(document: Any) -> bytes:
    return json.dumps(_plain(document), ensure_ascii=False).encode("utf-8", "surrogatepass")


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(name): _plain(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_plain(part) for part in value]
    if isinstance(value, int) and abs(value) >= LONGEST:
        return LONGEST
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value


def _cbor(service: str, operation: OperationModel, document: Any) -> RawRequest:
    prefix = service_model(service).metadata["targetPrefix"]
    headers = {"content-type": "application/cbor", "smithy-protocol": "rpc-v2-cbor"}
    body = cbor2.dumps(_tagged(document))
    return RawRequest("POST", f"/service/{prefix}/operation/{operation.name}", "", headers, body)


def _tagged(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _tagged(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_tagged(part) for part in value]
    return cbor2.CBORTag(1, float(value)) if isinstance(value, Moment) else value


def _query(service: str, operation: OperationModel, document: Any) -> RawRequest:
    fields = [("Action", operation.name), ("Version", service_model(service).metadata["apiVersion"])]
    if operation.input_shape is not None and isinstance(document, dict):
        fields += _fields(operation.input_shape, "", document)
    headers = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}
    return RawRequest("POST", "/", "", headers, urlencode(fields, errors="surrogatepass").encode())


def _fields(shape: Shape, prefix: str, value: Any) -> Iterator[tuple[str, str]]:
    """The fields of a value; what does not fit its shape is written as text."""
    kind = shape.type_name
    if kind == "structure" and isinstance(value, dict):
        for name, part in value.items():
            member = shape.members.get(name)
            place = f"{prefix}.{name}" if prefix else str(name)
            yield from [(place, _written(part)[:9999])] if member is None else _fields(member, place, part)
    elif kind == "list" and isinstance(value, list):
        if not value:
            yield prefix, ""
        for number, part in enumerate(value, 1):
            yield from _fields(shape.member, f"{prefix}.member.{number}", part)
    elif kind == "map" and isinstance(value, dict):
        for number, (key, part) in enumerate(value.items(), 1):
            yield f"{prefix}.entry.{number}.key", str(key)
            yield from _fields(shape.value, f"{prefix}.entry.{number}.value", part)
    else:
        yield prefix, _written(value)


def _written(value: Any) -> str:
    if isinstance(value, Moment):
        try:
            return datetime.fromtimestamp(value, UTC).isoformat().replace("+00:00", "Z")
        except (ValueError, OverflowError):
            return str(float(value))
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return format(value, "d") if abs(value) < 10**100 else "1" + "0" * 99
    try:
        return base64.b64encode(value).decode() if isinstance(value, bytes) else str(value)
    except ValueError:  # integers that Python does not write out are in it
        return str(LONGEST)


def _rest(service: str, operation: OperationModel, document: Any) -> RawRequest:
    path = operation.http["requestUri"]
    members = document if isinstance(document, dict) else {}
    for name in [part.partition("}")[0] for part in path.split("{")[1:]]:
        path = path.replace("{" + name + "}", quote(str(members.get(name.strip("+"), "x")), safe=""))
    return RawRequest(
        operation.http["method"], path, "", {"content-type": "application/json"}, _json_body(document)
    )


_ENCODERS: dict[str, Callable[[str, OperationModel, Any], RawRequest]] = {
    "json": _json,
    "cbor": _cbor,
    "query": _query,
    "rest-json": _rest,
}


def damaged(request: RawRequest, chance: Random) -> RawRequest:
    """A request of which the bytes, the headers or the line have come to harm."""
    what = chance.random()
    if what < 0.6:
        return replace(request, body=_damaged_body(request.body, chance))
    if what < 0.85:
        name = chance.choice(list(HEADERS))
        return replace(request, headers=request.headers | {name: chance.choice(HEADERS[name])})
    if what < 0.9:
        kept = dict(list(request.headers.items())[1:])
        return replace(request, headers=kept)
    if what < 0.95:
        return replace(request, path=chance.choice(PATHS), query=chance.choice(QUERIES))
    return replace(request, method=chance.choice(METHODS))


def _damaged_body(body: bytes, chance: Random) -> bytes:
    what, place = chance.random(), chance.randrange(len(body) + 1)
    if what < 0.3:
        return body[:place]
    if what < 0.6:
        return body[:place] + chance.randbytes(1) + body[place + 1 :]
    if what < 0.75:
        return (
            body[:place]
            + chance.choice((b"\x00", b"\xff", b"%", b"%zz", b"&", b"=", b'"', b"}", b"\xed\xa0\x80"))
            + body[place:]
        )
    if what < 0.85:
        return body + chance.randbytes(chance.randrange(1, 20))
    if what < 0.9:
        return zlib.compress(body)
    return chance.choice(BODIES)
