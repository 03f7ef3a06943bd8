"""Streams of events, as the clients of AWS read them."""

import asyncio
import contextlib
import io
import threading
from collections.abc import AsyncGenerator, Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.eventstream import EventStream, EventStreamBuffer
from botocore.exceptions import ClientError, EventStreamError
from botocore.parsers import (
    EventStreamCBORParser,
    EventStreamJSONParser,
)
from hypothesis import given
from hypothesis import strategies as st

from epochwatch.gateway import event_stream
from epochwatch.gateway.models import operation_model
from epochwatch.gateway.requests import Route
from epochwatch.model.aws_error import AwsError
from tests.gateway.echo_server import ACCESS_KEY, SECRET, EchoServer

TAIL = ("logs", "StartLiveTail")
UPDATE = {"sessionMetadata": {"sampled": False}, "sessionResults": [{"message": "löss=1", "timestamp": 5}]}
PATIENCE = 30

Event = tuple[str, dict[str, Any]]


@pytest.fixture(scope="module")
def echo() -> Iterator[EchoServer]:
    server = EchoServer()
    with server.running() as server.url:  # type: ignore[attr-defined]
        yield server


@contextlib.contextmanager
def tail(echo: EchoServer) -> Iterator[Any]:
    client = boto3.client(
        "logs",
        endpoint_url=echo.url,  # type: ignore[attr-defined]
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET,
        region_name="eu-central-1",
        config=Config(retries={"max_attempts": 0}, inject_host_prefix=False),
    )
    with contextlib.closing(client):
        stream = client.start_live_tail(logGroupIdentifiers=["g"])["responseStream"]
        with contextlib.closing(stream):
            yield stream


async def events(*told: Event, error: Exception | None = None) -> AsyncGenerator[Event, None]:
    for one in told:
        yield one
    if error is not None:
        raise error


def answered(echo: EchoServer, stream: AsyncGenerator[Event, None]) -> None:
    echo.answers[TAIL] = {"responseStream": stream}


def test_events_come_one_after_the_other(echo: EchoServer):
    answered(echo, events(("sessionStart", {"sessionId": "s"}), ("sessionUpdate", UPDATE)))
    with tail(echo) as stream:
        assert list(stream) == [{"sessionStart": {"sessionId": "s"}}, {"sessionUpdate": UPDATE}]


def test_an_event_comes_before_the_next_one_is_there(echo: EchoServer):
    come = threading.Event()

    async def waiting() -> AsyncGenerator[Event, None]:
        yield "sessionUpdate", UPDATE
        assert await asyncio.to_thread(come.wait, PATIENCE)
        yield "sessionStart", {"sessionId": "late"}

    answered(echo, waiting())
    with tail(echo) as stream:
        told = iter(stream)
        assert next(told) == {"sessionUpdate": UPDATE}
        come.set()
        assert next(told) == {"sessionStart": {"sessionId": "late"}}


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (AwsError("SessionTimeoutException", "over"), "SessionTimeoutException", "over"),
        (AwsError("ThrottlingException", "not in the model"), "ThrottlingException", "not in the model"),
        (RuntimeError("a secret"), "InternalFailure", "The stream ended because of an internal error."),
    ],
)
def test_an_error_ends_the_stream(echo: EchoServer, error: Exception, code: str, message: str):
    answered(echo, events(("sessionUpdate", UPDATE), error=error))
    with tail(echo) as stream:
        told = iter(stream)
        assert next(told) == {"sessionUpdate": UPDATE}
        with pytest.raises(EventStreamError) as refusal:
            next(told)
    assert refusal.value.response["Error"] == {"Code": code, "Message": message}


def test_what_is_refused_before_the_stream_is_an_ordinary_error(echo: EchoServer):
    echo.answers[TAIL] = AwsError("ResourceNotFoundException", "The specified log group does not exist.")
    with pytest.raises(ClientError) as refusal, tail(echo):
        pass
    assert refusal.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert refusal.value.response["Error"]["Code"] == "ResourceNotFoundException"


@pytest.mark.parametrize("pause", [3600, 0], ids=["while nothing comes", "while much comes"])
def test_a_client_that_leaves_ends_the_stream(echo: EchoServer, pause: int):
    left = threading.Event()

    async def endless() -> AsyncGenerator[Event, None]:
        try:
            while True:
                yield "sessionUpdate", UPDATE
                await asyncio.sleep(pause)
        finally:
            left.set()

    answered(echo, endless())
    with tail(echo) as stream:
        assert next(iter(stream)) == {"sessionUpdate": UPDATE}
    assert left.wait(PATIENCE)


def test_a_client_that_does_not_read_is_waited_for(echo: EchoServer):
    sent = []

    async def flood() -> AsyncGenerator[Event, None]:
        large = {"sessionResults": [{"message": "x" * 100_000}]}
        for number in range(10_000):
            sent.append(number)
            yield "sessionUpdate", large

    answered(echo, flood())
    with tail(echo) as stream:
        next(iter(stream))
        threading.Event().wait(0.5)
        assert len(sent) < 10_000


def test_a_server_that_stops_says_so():
    closed = False

    async def endless() -> AsyncGenerator[Event, None]:
        nonlocal closed
        try:
            yield "sessionUpdate", UPDATE
            await asyncio.sleep(3600)
        finally:
            closed = True

    async def stopped() -> list[Any]:
        echo = EchoServer(verify=False)
        answered(echo, endless())
        sent: asyncio.Queue[Any] = asyncio.Queue()
        head = {"x-amz-target": "Logs_20140328.StartLiveTail", "content-type": "application/x-amz-json-1.1"}
        head["authorization"] = f"AWS4-HMAC-SHA256 Credential={ACCESS_KEY}/20260101/us-east-1/logs/aws4_request"
        scope = {
            "type": "http",
            "method": "POST",
            "path": "/",
            "query_string": b"",
            "headers": [(name.encode(), value.encode()) for name, value in head.items()],
        }
        arriving = [{"type": "http.request", "body": b'{"logGroupIdentifiers": ["g"]}'}]

        async def receive() -> Any:
            return arriving.pop() if arriving else await asyncio.sleep(3600)

        serving = asyncio.create_task(echo.gateway(scope, receive, sent.put))
        told = [await asyncio.wait_for(sent.get(), PATIENCE) for _ in range(3)]
        serving.cancel()
        await serving
        echo.gateway.close()
        return [*told, *(sent.get_nowait() for _ in range(sent.qsize()))]

    head, *bodies = asyncio.run(stopped())
    assert head["status"] == 200
    assert not bodies[-1].get("more_body")
    buffer = EventStreamBuffer()
    buffer.add_data(b"".join(body["body"] for body in bodies))
    kinds = [(one.headers[":message-type"], one.headers.get(":error-code")) for one in buffer]
    assert kinds == [("event", None), ("event", None), ("error", "ServiceUnavailable")]
    assert closed


def read(protocol: str, service: str, operation: str, result: dict[str, Any]) -> list[Any]:
    """What botocore reads of an answer."""
    model = operation_model(service, operation)
    assert model is not None

    async def chunks() -> bytes:
        answer = event_stream.answer(Route(service, operation, protocol), model, result)
        return b"".join([chunk async for chunk in answer.chunks])

    class Raw(io.BytesIO):
        def stream(self) -> Iterator[bytes]:
            yield self.getvalue()

    parser = EventStreamCBORParser() if protocol == "cbor" else EventStreamJSONParser()
    raw = asyncio.run(chunks())
    stream = EventStream(Raw(raw), model.get_event_stream_output(), parser, operation)
    if protocol != "rest-json":
        assert stream.get_initial_response().headers[":event-type"] == "initial-response"
    return list(stream)


@pytest.mark.parametrize("protocol", ["json", "cbor"])
def test_rpc_protocols_begin_with_an_initial_response(protocol: str):
    assert read(protocol, "logs", "StartLiveTail", {"responseStream": events(("sessionUpdate", UPDATE))}) == [
        {"sessionUpdate": UPDATE}
    ]


def test_a_payload_goes_as_it_is():
    told = events(("PayloadPart", {"Bytes": b"\0raw\xff"}))
    operation = "InvokeEndpointWithResponseStream"
    assert read("rest-json", "sagemaker-runtime", operation, {"Body": told}) == [
        {"PayloadPart": {"Bytes": b"\0raw\xff"}}
    ]


@given(
    st.dictionaries(st.text(st.characters(codec="ascii", exclude_categories=["C"]), min_size=1), st.text()),
    st.binary(),
)
def test_messages_are_what_botocore_reads(headers: dict[str, str], payload: bytes):
    buffer = EventStreamBuffer()
    buffer.add_data(event_stream.message(headers, payload) * 2)
    for read_message in (next(buffer), next(buffer)):
        assert read_message.headers == headers
        assert read_message.payload == payload
