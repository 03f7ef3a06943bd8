"""The metrics engine: ClickHouse inside this process (``chdb://``) or a ClickHouse server (``clickhouse://``)."""

import contextlib
import fcntl
import os
import resource
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import clickhouse_connect
import psutil
import pyarrow as pa
from clickhouse_connect.driver.exceptions import ClickHouseError

from epochwatch.errors import EpochwatchError, UsageError
from epochwatch.store.schema import Deployment, tables

MAX_CLIENTS = 12
"""Queries that run at the same time; further ones wait."""
WAIT_SECONDS = 60
_MEGABYTE = 1 << 20
MAX_QUERY_BYTES = 64 * _MEGABYTE
"""Parameters stand in a query's text: a list of streams or series, or a message to look for, may be long."""
_INSERT = {
    "async_insert": 0,
    "insert_deduplicate": 0,
    "max_partitions_per_insert_block": 0,
    "max_insert_block_size": 16 * _MEGABYTE,
    "min_insert_block_size_rows": 16 * _MEGABYTE,
    "min_insert_block_size_bytes": 0,
    "max_insert_threads": 1,
}
"""A block arrives as one block: atomic per partition, never merged with or split by anything."""
_PROMPT = {
    "background_processing_pool_thread_sleep_seconds_if_nothing_to_do": 0.01,
    "background_processing_pool_task_sleep_seconds_when_no_work_random_part": 0.01,
}
"""Deleting waits for the engine's background work, which by default pauses for up to a second between two parts."""


class Engine:
    """A pool of clients, each used by one thread at a time. Safe to use from any number of threads."""

    def __init__(
        self,
        connect: Callable[[], Any],
        deployment: Deployment,
        *,
        shared: bool,
        lock: int | None,
        directory: Path | None = None,
    ) -> None:
        self.shared = shared
        """True where other server processes may write to the same tables."""
        self.directory = directory
        """The data directory of an embedded engine."""
        self.settle: Callable[[], None] = _nothing
        """Called before each query: returns when everything is in the tables that is to be seen."""
        self._connect = connect
        self._deployment = deployment
        self._lock = lock
        self._idle: list[Any] = []
        self._busy = 0
        self._closed = False
        self._changed = threading.Condition()

    @classmethod
    def open(cls, url: str) -> "Engine":
        """Open the engine that ``url`` names and make its tables.

        ``chdb:///path`` (a directory that one process at a time may use) or
        ``clickhouse://user:password@host:port/database[?cluster=name]`` (``clickhouses://`` with TLS).
        Raises UsageError for another URL, EpochwatchError where the place is taken or does not answer.
        """
        parts = urlsplit(url)
        if parts.scheme == "chdb":
            return cls._embedded(Path(unquote(parts.path)), url)
        if parts.scheme in ("clickhouse", "clickhouses"):
            return cls._remote(url)
        raise UsageError(
            f"the metrics store cannot be '{_without_password(url)}'",
            "use chdb:///directory or clickhouse://user:password@host:port/database",
        )

    @classmethod
    def _embedded(cls, path: Path, url: str) -> "Engine":
        if not path.is_absolute():
            raise UsageError(
                f"the metrics store needs an absolute directory, not '{url}'", "use chdb:///directory"
            )
        _raise_file_limit()
        lock = _take(path)
        memory = min(psutil.virtual_memory().total // 4, 4096 * _MEGABYTE)
        options = {
            "max_server_memory_usage": max(memory, 512 * _MEGABYTE),
            "mark_cache_size": 64 * _MEGABYTE,
            "index_mark_cache_size": 16 * _MEGABYTE,
            "uncompressed_cache_size": 0,
            "mmap_cache_size": 0,
            **_PROMPT,
        }
        settings = {
            "max_memory_usage": max(memory // 2, 256 * _MEGABYTE),
            "max_threads": min(4, os.cpu_count() or 1),
            "max_query_size": MAX_QUERY_BYTES,
        }

        def connect() -> Any:
            return clickhouse_connect.get_client(
                interface="chdb", path=str(path / "engine"), settings=settings, chdb_options=options
            )

        return cls(connect, Deployment(), shared=False, lock=lock, directory=path)._prepared(str(path))

    @classmethod
    def _remote(cls, url: str) -> "Engine":
        parts = urlsplit(url)
        secure = parts.scheme == "clickhouses"
        cluster = parse_qs(parts.query).get("cluster", [""])[0]
        if not all(letter.isalnum() or letter in "_-" for letter in cluster):
            raise UsageError(f"'{cluster}' is no name of a ClickHouse cluster")
        settings: dict[str, Any] = {"max_execution_time": WAIT_SECONDS, "max_query_size": MAX_QUERY_BYTES}
        if cluster:
            settings |= {"insert_quorum": "auto", "select_sequential_consistency": 0}

        def connect() -> Any:
            return clickhouse_connect.get_client(
                host=parts.hostname or "127.0.0.1",
                port=parts.port or (8443 if secure else 8123),
                username=unquote(parts.username or "default"),
                password=unquote(parts.password or ""),
                database=unquote(parts.path.strip("/")) or "default",
                interface="https" if secure else "http",
                settings=settings,
                autogenerate_session_id=False,
                connect_timeout=10,
                send_receive_timeout=WAIT_SECONDS,
            )

        return cls(connect, Deployment(cluster), shared=True, lock=None)._prepared(_without_password(url))

    def _prepared(self, place: str) -> "Engine":
        try:
            for statement in self._deployment.statements():
                self.command(statement)
        except (ClickHouseError, OSError) as error:
            self.close()
            raise EpochwatchError(f"cannot open the metrics store at {place}: {_first_line(error)}") from error
        return self

    def command(self, sql: str, parameters: Mapping[str, Any] | None = None) -> None:
        """Run a statement that answers nothing. ``%(name)s`` in it stands for a quoted parameter."""
        with self._client() as client:
            client.command(sql, parameters=dict(parameters or {}))

    def query(self, sql: str, parameters: Mapping[str, Any] | None = None) -> pa.Table:
        """The rows of a SELECT. ``%(name)s`` in it stands for a quoted parameter: text never becomes SQL."""
        self.settle()
        with self._client() as client:
            return client.query_arrow(sql, parameters=dict(parameters or {}))

    def insert(self, table: str, rows: pa.Table, token: str = "") -> None:
        """Write ``rows`` as one block; durable on return. All rows of one partition appear together, or none. What has
        the ``token`` of an earlier insert into the table is left out partition by partition, where that one got to it.
        """
        settings = _INSERT | ({"insert_deduplicate": 1, "insert_deduplication_token": token} if token else {})
        with self._client() as client:
            client.insert_arrow(table, rows.combine_chunks(), settings=settings)

    def truncate(self) -> None:
        """Delete all rows of all tables."""
        for table in tables():
            self.command(f"TRUNCATE TABLE {table}")

    def close(self) -> None:
        """Wait for queries under way, close every client, and give the directory free. Idempotent."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._busy == 0, timeout=WAIT_SECONDS)
            idle, self._idle = self._idle, []
        for client in idle:
            client.close()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    @contextlib.contextmanager
    def _client(self) -> Iterator[Any]:
        client = self._taken()
        healthy = False
        try:
            client = client or self._connect()
            yield client
            healthy = True
        finally:
            if client is not None and not healthy:
                client = self._recovered(client)
            with self._changed:
                self._busy -= 1
                if client is not None:
                    self._idle.append(client)
                self._changed.notify_all()

    def _recovered(self, client: Any) -> Any:
        """A client to use after a failure of ``client``; None: a new one has to be made."""
        if self.shared:
            client.close()
            return None
        # What an embedded query had written before it failed stands in front of the next one's answer.
        with contextlib.suppress(ClickHouseError):
            client.raw_query("SELECT 1")
        return client

    def _taken(self) -> Any:
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._busy < MAX_CLIENTS)
            if self._closed:
                raise EpochwatchError("the metrics store is closed")
            self._busy += 1
            return self._idle.pop() if self._idle else None


def _nothing() -> None:
    """Nothing has to settle."""


def _take(path: Path) -> int:
    """A lock on the data directory, held until its descriptor is closed."""
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise EpochwatchError(f"cannot use {path} for metrics: {error.strerror}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        raise EpochwatchError(
            f"another process has the metrics in {path} open",
            "stop the other server (`epochwatch stop`), or choose another EPOCHWATCH_HOME",
        ) from error
    return descriptor


def _raise_file_limit() -> None:
    """The engine holds several files per part open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 65_536 if hard == resource.RLIM_INFINITY else min(hard, 65_536)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _without_password(url: str) -> str:
    password = urlsplit(url).password
    return url.replace(f":{password}@", ":***@") if password else url


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
