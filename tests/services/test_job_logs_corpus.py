"""The corpus by PutLogEvents: a server finds in the events what an agent finds in the bytes."""

import contextlib
import io
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.ipc

from epochwatch.client.http import Client
from epochwatch.extraction.presets import preset
from epochwatch.model.batch import Registered, Registration
from epochwatch.model.job import LOG_GROUP
from epochwatch.settings import Settings
from tests.extraction.corpus.cases import Case, cases
from tests.extraction.test_corpus import found
from tests.servers import ServerProcess

WIDE = [definition for name in ("keras", "lightning", "huggingface", "sagemaker") for definition in preset(name)]
"""For logs in which nobody wants anything found: a server reads only the logs of jobs that have definitions."""

Values = dict[str, list[tuple[str, int | None]]]


def by_metric(rows: Iterable[tuple[str, float, int | None]]) -> Values:
    """(value, step) of each metric in order."""
    values: Values = {}
    for name, value, step in rows:
        values.setdefault(name, []).append((str(value), step))
    return values


class Sender:
    """Makes each case the log of a training job of a running server."""

    def __init__(self, server: ServerProcess) -> None:
        keys = server.credentials
        self._client = Client(
            Settings(
                home=server.home,
                url=server.url,
                access_key_id=keys["access_key_id"],
                secret_access_key=keys["secret_access_key"],
            )
        )
        self._logs = server.boto3("logs")
        with contextlib.suppress(self._logs.exceptions.ResourceAlreadyExistsException):
            self._logs.create_log_group(logGroupName=LOG_GROUP)

    def close(self) -> None:
        """Ends its connection."""
        self._client.close()

    def create(self, number: int, case: Case) -> None:
        """The case's job, and the stream of its one host."""
        registration = Registration(f"{number:032x}", _job(number), time.time(), definitions=case.definitions)
        self._client.post_msgpack("/_/agent/registrations", registration, Registered)
        self._logs.create_log_stream(logGroupName=LOG_GROUP, logStreamName=_stream(number))

    def put(self, number: int, messages: list[str]) -> None:
        """The next events of the case's log."""
        if messages:
            now = int(time.time() * 1000)
            answer = self._logs.put_log_events(
                logGroupName=LOG_GROUP,
                logStreamName=_stream(number),
                logEvents=[{"timestamp": now, "message": message} for message in messages],
            )
            assert "rejectedLogEventsInfo" not in answer

    def rows(self, number: int) -> list[tuple[str, float, int | None]]:
        """(metric, value, step) of every value that the server found."""
        content = self._client.get_bytes(f"/_/api/jobs/{_job(number)}/points", {"format": "arrow"})
        table = pa.ipc.open_file(io.BytesIO(content)).read_all()
        return list(zip(*(table[name].to_pylist() for name in ("metric", "value", "step")), strict=True))


def _job(number: int) -> str:
    return f"case-{number}"


def _stream(number: int) -> str:
    return f"{_job(number)}/algo-1-1800000000"


def test_the_corpus_gives_what_it_gives_an_agent_though_the_server_is_killed_amid_some_logs(
    tmp_path: Path,
) -> None:
    corpus = [case if case.definitions else replace(case, definitions=WIDE) for case in cases()]
    logs = [case.messages() for case in corpus]
    middles = [len(log) // 2 if number % 4 == 0 else 0 for number, log in enumerate(logs)]
    with ServerProcess(tmp_path / "home") as server, ThreadPoolExecutor(8) as pool:
        with contextlib.closing(Sender(server)) as sender:
            for number, case in enumerate(corpus):
                sender.create(number, case)
            list(pool.map(lambda number: sender.put(number, logs[number][: middles[number]]), range(len(logs))))
        server.kill()
        server.start()
        with contextlib.closing(Sender(server)) as sender:
            list(pool.map(lambda number: sender.put(number, logs[number][middles[number] :]), range(len(logs))))
            given = [by_metric(sender.rows(number)) for number in range(len(corpus))]
    for case, values in zip(corpus, given, strict=True):
        assert values == by_metric(found(case, [case.log])), case.name
