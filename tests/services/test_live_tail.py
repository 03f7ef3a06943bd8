"""StartLiveTail: what it takes and refuses, what it sends, and unmodified clients."""

import asyncio
import contextlib
import itertools
import re
import subprocess
import threading
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from epochwatch.model.aws_error import AwsError
from epochwatch.model.batch import Batch
from epochwatch.services.logs import create_log_group, create_log_stream, live_tail, put_log_events
from epochwatch.services.logs.live_tail import MOST_SESSIONS, start_live_tail
from epochwatch.services.logs.tail_allowance import MOST_A_SECOND, TICK_SECONDS, Allowance, sample
from epochwatch.store.batches import commit_batch
from tests.peers import peer_python
from tests.servers import ServerProcess
from tests.services.conftest import Caller
from tests.store.parts import log_events, registered

PATIENCE = 60


@pytest.fixture
def logs(caller: Caller) -> Caller:
    for group, streams in {"g": ("a/1", "a/2", "b/1"), "h": ("a/1",)}.items():
        caller(create_log_group, logGroupName=group)
        for stream in streams:
            caller(create_log_stream, logGroupName=group, logStreamName=stream)
    return caller


def arn(logs: Caller, group: str = "g") -> str:
    return f"arn:aws:logs:us-east-1:{logs.tenant.account}:log-group:{group}"


def put(logs: Caller, *messages: str, group: str = "g", stream: str = "a/1") -> None:
    events = [{"timestamp": int(logs.now * 1000), "message": message} for message in messages]
    logs(put_log_events, logGroupName=group, logStreamName=stream, logEvents=events)


class Tail:
    """A session as its client sees it."""

    def __init__(self, events: AsyncIterator[Any]) -> None:
        self.events = events
        self.sampled = False

    async def results(self, count: int) -> list[dict[str, Any]]:
        """The next log events, ``count`` at least."""
        found: list[dict[str, Any]] = []
        while len(found) < count:
            name, members = await asyncio.wait_for(anext(self.events), PATIENCE)
            assert name == "sessionUpdate"
            assert len(members["sessionResults"]) <= MOST_A_SECOND
            found += members["sessionResults"]
            self.sampled |= members["sessionMetadata"]["sampled"]
        return found

    async def messages(self, count: int) -> list[str]:
        return [result["message"] for result in await self.results(count)]


@contextlib.asynccontextmanager
async def tailing(logs: Caller, *groups: str, **request: Any) -> AsyncIterator[Tail]:
    """A session that has begun."""
    wanted = list(groups) or [arn(logs)]
    events = logs(start_live_tail, logGroupIdentifiers=wanted, **request)["responseStream"]
    async with contextlib.aclosing(events):
        name, started = await anext(events)
        assert name == "sessionStart"
        tail = Tail(events)
        tail.started = started  # type: ignore[attr-defined]
        yield tail


def test_a_session_begins_with_what_it_is_about(logs: Caller):
    async def session() -> None:
        async with tailing(logs, logStreamNames=["a/1"], logEventFilterPattern="ERROR") as tail:
            started = tail.started  # type: ignore[attr-defined]
            assert re.fullmatch(r"[0-9a-f-]{36}", started.pop("sessionId"))
            assert re.fullmatch(r"[0-9a-f-]{36}", started.pop("requestId"))
            assert started == {
                "logGroupIdentifiers": [arn(logs)],
                "logStreamNames": ["a/1"],
                "logStreamNamePrefixes": [],
                "logEventFilterPattern": "ERROR",
            }

    asyncio.run(session())


def test_events_are_sent_as_they_were_put(logs: Caller):
    async def session() -> None:
        async with tailing(logs) as tail:
            put(logs, "first", "zweites ü")
            moment = int(logs.now * 1000)
            assert await tail.results(2) == [
                {
                    "logStreamName": "a/1",
                    "logGroupIdentifier": f"{logs.tenant.account}:g",
                    "message": message,
                    "timestamp": moment,
                    "ingestionTime": moment,
                }
                for message in ("first", "zweites ü")
            ]
            assert not tail.sampled

    asyncio.run(session())


def test_what_was_there_before_is_not_sent(logs: Caller):
    async def session() -> None:
        put(logs, "before")
        async with tailing(logs) as tail:
            put(logs, "after")
            assert await tail.messages(1) == ["after"]

    asyncio.run(session())


def test_the_lines_of_a_run_are_sent(logs: Caller):
    run = registered(logs.stores, logs.tenant)
    logs.stores.state.log_groups.ensure_stream(logs.tenant, run.log_group, run.log_stream, 0)

    async def session() -> None:
        async with tailing(logs, run.log_group, logStreamNamePrefixes=[f"{run.job}/"]) as tail:
            batch = Batch(run.run_id, log_events=[log_events(run, range(1, 4))])
            await asyncio.to_thread(commit_batch, logs.stores, logs.tenant, run, batch, logs.now)
            assert [(one["logStreamName"], one["message"]) for one in await tail.results(3)] == [
                (run.log_stream, f"line {number}") for number in range(1, 4)
            ]

    asyncio.run(session())


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        ({}, ["g a/1", "g a/2", "g b/1"]),
        ({"logStreamNames": ["a/2", "b/1", "not there"]}, ["g a/2", "g b/1"]),
        ({"logStreamNamePrefixes": ["a/"]}, ["g a/1", "g a/2"]),
        ({"logStreamNamePrefixes": ["b", "a/1"]}, ["g a/1", "g b/1"]),
        ({"logEventFilterPattern": "?1 -b"}, ["g a/1", "g a/2"]),
        ({"logEventFilterPattern": "%a/[2-9]%"}, ["g a/2"]),
        ({"logEventFilterPattern": "g 1"}, ["g a/1", "g b/1"]),
    ],
)
def test_streams_and_patterns_choose_events(logs: Caller, request_: dict[str, Any], expected: list[str]):
    async def session() -> None:
        async with tailing(logs, **request_) as tail:
            for group, stream in (("g", "a/1"), ("g", "a/2"), ("g", "b/1"), ("h", "a/1")):
                put(logs, f"{group} {stream}", group=group, stream=stream)
            assert await tail.messages(len(expected)) == expected

    asyncio.run(session())


def test_a_session_may_be_about_several_groups(logs: Caller):
    async def session() -> None:
        async with tailing(logs, arn(logs, "g"), arn(logs, "h"), arn(logs, "h")) as tail:
            put(logs, "one")
            put(logs, "two", group="h")
            assert [one["logGroupIdentifier"][-2:] for one in await tail.results(2)] == [":g", ":h"]

    asyncio.run(session())


def test_nobody_sees_the_events_of_another_account(logs: Caller):
    other = Caller(logs.stores)
    other(create_log_group, logGroupName="g")
    other(create_log_stream, logGroupName="g", logStreamName="a/1")

    async def session() -> None:
        async with tailing(logs) as tail:
            put(other, "theirs")
            put(logs, "mine")
            assert await tail.messages(1) == ["mine"]

    asyncio.run(session())


def test_of_a_flood_a_sample_is_sent(logs: Caller):
    async def session() -> None:
        async with tailing(logs) as tail:
            put(logs, *(str(number) for number in range(9000)))
            numbers = [int(message) for message in await tail.messages(MOST_A_SECOND)]
            assert len(numbers) == MOST_A_SECOND
            assert numbers == sorted(numbers)
            assert numbers[-1] > 8900
            assert tail.sampled

    asyncio.run(session())


def test_an_update_comes_each_second_though_it_is_empty(logs: Caller):
    async def session() -> None:
        async with tailing(logs) as tail:
            begun = time.monotonic()
            for _ in range(2):
                assert await anext(tail.events) == (
                    "sessionUpdate",
                    {"sessionMetadata": {"sampled": False}, "sessionResults": []},
                )
            assert time.monotonic() - begun >= 2

    asyncio.run(session())


def test_a_session_times_out(logs: Caller, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(live_tail, "SESSION_SECONDS", 0.2)

    async def session() -> None:
        async with tailing(logs) as tail:
            async for _ in tail.events:
                pass

    with pytest.raises(AwsError) as end:
        asyncio.run(session())
    assert end.value.code == "SessionTimeoutException"


def test_a_failure_ends_the_session_without_telling_why(logs: Caller, monkeypatch: pytest.MonkeyPatch):
    def fail(*_: object) -> None:
        raise RuntimeError("a secret")

    monkeypatch.setattr(Allowance, "grant", fail)

    async def session() -> None:
        async with tailing(logs) as tail:
            await anext(tail.events)

    with pytest.raises(AwsError) as end:
        asyncio.run(session())
    assert end.value.code == "SessionStreamingException"
    assert "secret" not in str(end.value)


def test_a_session_that_ends_leaves_nothing_behind(logs: Caller):
    async def session() -> None:
        async with tailing(logs):
            assert logs.stores.feed.tails(logs.tenant) == 1

    asyncio.run(session())
    assert logs.stores.feed.tails(logs.tenant) == 0


def test_sessions_are_limited(logs: Caller):
    async def sessions() -> None:
        async with contextlib.AsyncExitStack() as held:
            for _ in range(MOST_SESSIONS):
                await held.enter_async_context(tailing(logs))
            assert logs.refused(start_live_tail, logGroupIdentifiers=[arn(logs)])[0] == "LimitExceededException"
        assert logs(start_live_tail, logGroupIdentifiers=[arn(logs)])

    asyncio.run(sessions())


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ({"logGroupIdentifiers": ["ARN:*"]}, "InvalidParameterException"),
        ({"logGroupIdentifiers": ["ARN", "nowhere"]}, "ResourceNotFoundException"),
        (
            {"logGroupIdentifiers": ["arn:aws:logs:eu-west-1:000000000000:log-group:g"]},
            "ResourceNotFoundException",
        ),
        ({"logStreamNames": ["a"], "logStreamNamePrefixes": ["b"]}, "InvalidParameterException"),
        ({"logGroupIdentifiers": ["ARN", "h"], "logStreamNames": ["a"]}, "InvalidParameterException"),
        ({"logGroupIdentifiers": ["ARN", "h"], "logStreamNamePrefixes": ["a"]}, "InvalidParameterException"),
        ({"logEventFilterPattern": '{ $.a = "'}, "InvalidParameterException"),
        ({"logGroupIdentifiers": ["infrequent"]}, "InvalidOperationException"),
    ],
)
def test_what_cannot_be_meant_is_refused(logs: Caller, request_: dict[str, Any], code: str):
    logs(create_log_group, logGroupName="infrequent", logGroupClass="INFREQUENT_ACCESS")
    request_ = {"logGroupIdentifiers": ["ARN"]} | request_
    request_["logGroupIdentifiers"] = [one.replace("ARN", arn(logs)) for one in request_["logGroupIdentifiers"]]
    assert logs.refused(start_live_tail, **request_)[0] == code


def granted(matched: list[int], start: float = 0.0) -> list[int]:
    """What is granted to updates that come at each tick."""
    allowance = Allowance()
    return [allowance.grant(start + number * TICK_SECONDS, count) for number, count in enumerate(matched)]


@pytest.mark.parametrize(
    ("matched", "expected"),
    [
        ([5, 0, 100], [5, 0, 100]),
        ([499, 1], [499, 1]),
        ([600, 10], [500, 0]),
        ([300, 300, 300] + [0] * 7 + [20], [300, 200, 0] + [0] * 7 + [20]),
        ([1000] * 20, [500] + [0] * 9 + [50] * 10),
        ([1000] * 10 + [0] * 9 + [1000], [500] + [0] * 9 + [0] * 9 + [500]),
        ([1000] * 10 + [0] * 10 + [400], [500] + [0] * 9 + [0] * 10 + [400]),
    ],
    ids=["few", "as many as may be", "too many", "too many by and by", "flood", "late", "flood that is over"],
)
def test_updates_share_what_a_second_may_have(matched: list[int], expected: list[int]):
    assert granted(matched) == expected


def test_a_client_that_did_not_read_gets_what_ten_seconds_may_have():
    for passed, expected in ((0.5, 500), (2, 1000), (9.5, 4500), (60, 5000)):
        assert Allowance().grant(passed, 100_000) == expected


@given(st.lists(st.integers(0, 2000), max_size=60))
def test_no_second_has_more_than_it_may(matched: list[int]):
    given_ = granted(matched)
    ticks = round(1 / TICK_SECONDS)
    assert all(sum(given_[first : first + ticks]) <= MOST_A_SECOND for first in range(0, len(given_), ticks))
    assert all(one <= count for one, count in zip(given_, matched, strict=True))


@given(st.integers(0, 300), st.integers(0, 300))
def test_a_sample_is_even_and_in_order(size: int, count: int):
    count = min(size, count)
    chosen = sample(range(size), count)
    assert len(set(chosen)) == count
    assert chosen == sorted(chosen)
    gaps = {later - earlier for earlier, later in itertools.pairwise(chosen)}
    assert not gaps or max(gaps) - min(gaps) <= 1


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with ServerProcess(tmp_path_factory.mktemp("live-tail") / "home") as running:
        client = running.boto3("logs")
        client.create_log_group(logGroupName="/lab/live")
        client.create_log_stream(logGroupName="/lab/live", logStreamName="s")
        yield running


def written(server: ServerProcess, message: str) -> None:
    server.boto3("logs").put_log_events(
        logGroupName="/lab/live",
        logStreamName="s",
        logEvents=[{"timestamp": int(time.time() * 1000), "message": message}],
    )


def read(events: Iterator[dict[str, Any]], count: int) -> list[str]:
    """The next messages that boto3 has, ``count`` at least; there are updates while there are none."""
    found: list[str] = []
    deadline = time.monotonic() + PATIENCE
    while len(found) < count:
        assert time.monotonic() < deadline
        found += [one["message"] for one in next(events).get("sessionUpdate", {}).get("sessionResults", [])]
    return found


def test_boto3_tails(server: ServerProcess):
    client = server.boto3("logs", inject_host_prefix=False)
    group = client.describe_log_groups()["logGroups"][0]["logGroupArn"]
    answer = client.start_live_tail(logGroupIdentifiers=[group])
    with contextlib.closing(client), contextlib.closing(answer["responseStream"]) as stream:
        told = iter(stream)
        assert next(told)["sessionStart"]["logGroupIdentifiers"] == [group]
        written(server, "to boto3")
        assert read(told, 1) == ["to boto3"]


def test_boto3_is_refused_in_words(server: ServerProcess):
    client = server.boto3("logs", inject_host_prefix=False)
    with pytest.raises(ClientError, match="The specified log group does not exist"):
        client.start_live_tail(logGroupIdentifiers=["arn:aws:logs:us-east-1:123456789012:log-group:none"])


@pytest.mark.parametrize("pattern", ["", "to the"])
def test_the_aws_cli_tails(server: ServerProcess, pattern: str):
    program = Path(peer_python("awscli")).with_name("aws")
    environment = server.environment | server.aws_environment() | {"AWS_DISABLE_HOST_PREFIX_INJECTION": "true"}
    words = [str(program), "logs", "start-live-tail", "--log-group-identifiers", "/lab/live"]
    words += ["--log-event-filter-pattern", pattern] if pattern else []
    lines: list[str] = []
    with subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, text=True) as client:
        assert client.stdout is not None

        def write_until_read() -> None:
            deadline = time.monotonic() + PATIENCE  # the client says nothing when its session has begun
            while not lines and time.monotonic() < deadline:
                written(server, "to the AWS CLI")
                time.sleep(0.2)

        writer = threading.Thread(target=write_until_read)
        writer.start()
        lines.append(client.stdout.readline())
        writer.join()
        client.terminate()
    assert lines == ["to the AWS CLI\n"]


def test_a_run_is_tailed_while_it_goes_on(server: ServerProcess, tmp_path: Path):
    script = tmp_path / "training.py"
    script.write_text(
        "import time\nfor n in range(200):\n    print(f'step={n}', flush=True)\n    time.sleep(0.02)\n"
    )
    group = "/aws/sagemaker/TrainingJobs"
    writer = server.boto3("logs")
    with contextlib.suppress(writer.exceptions.ResourceAlreadyExistsException):
        writer.create_log_group(logGroupName=group)
    client = server.boto3("logs", inject_host_prefix=False)
    answer = client.start_live_tail(logGroupIdentifiers=[group], logStreamNamePrefixes=["tailed/"])
    with contextlib.closing(client), contextlib.closing(answer["responseStream"]) as stream:
        words = [
            "-m",
            "epochwatch",
            "run",
            "--quiet",
            "--name",
            "tailed",
            "--no-server",
            "--",
            "python",
            str(script),
        ]
        python = server.process.args[0]  # type: ignore[union-attr,index]
        words[-2] = str(python)
        run = subprocess.Popen([str(python), *words], env=server.environment, stdin=subprocess.DEVNULL)
        found = read(iter(stream), 200)
        assert run.wait(PATIENCE) == 0
    assert found == [f"step={number}" for number in range(200)]
