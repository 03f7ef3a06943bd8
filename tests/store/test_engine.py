"""The engine's two places: a directory that one process has, and a server over HTTP."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from clickhouse_connect.driver.exceptions import DatabaseError

from epochwatch.errors import EpochwatchError, UsageError
from epochwatch.model.batch import Batch
from epochwatch.model.metric import MetricId
from epochwatch.model.tenant import Tenant
from epochwatch.store.batches import commit_batch
from epochwatch.store.engine import Engine
from epochwatch.store.run_points import TRAINING_JOB, RunPointColumns
from epochwatch.store.series import SeriesIndex
from epochwatch.store.stores import Stores
from tests.servers import free_port
from tests.store.parts import NOW, log_events, registered, run_points, samples
from tests.store.points import Point, put, read, values

OPEN = """
import sys
from epochwatch.errors import EpochwatchError
from epochwatch.store.engine import Engine
try:
    Engine.open(sys.argv[1]).close()
except EpochwatchError as error:
    print(error, error.hint, sep="|")
else:
    print("opened")
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of an engine that answers over HTTP."""
    directory = tmp_path_factory.mktemp("clickhouse")
    with subprocess.Popen(
        [sys.executable, "-m", "tests.store.clickhouse_shim", str(directory / "data")],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        yield f"clickhouse://default:secret@127.0.0.1:{int(process.stdout.readline())}/default"
        process.kill()


@pytest.fixture
def remote(server: str, tmp_path: Path) -> Iterator[Stores]:
    opened = Stores.open(server, f"sqlite:///{tmp_path / 'state.db'}", f"file://{tmp_path / 'objects'}")
    opened.reset()
    yield opened
    opened.close()


def _fill(stores: Stores, tenant: Tenant) -> None:
    metric = MetricId.of("app", "it's %s", [("d", "\\")])
    put(stores, tenant, Point(metric, NOW, [1.5], [2.0]))
    stores.logs.put_events(tenant, "g", "s", [(NOW * 1000, "it's 100% %s \\ ü\n\0")], NOW * 1000)
    one = np.ones(1)
    points = RunPointColumns(["loss"], np.array([np.nan]), one.astype(np.int64), one.astype(np.int64), one)
    stores.run_points.write(tenant, TRAINING_JOB, "job", points)


def test_a_directory_is_one_process_s(stores: Stores, tmp_path_factory: pytest.TempPathFactory) -> None:
    (home,) = (path for path in tmp_path_factory.getbasetemp().glob("stores[0-9]*/metrics"))
    answer = subprocess.run(
        [sys.executable, "-c", OPEN, f"chdb://{home}"], capture_output=True, text=True, check=True, timeout=120
    )
    message, _, hint = answer.stdout.strip().partition("|")
    assert message == f"another process has the metrics in {home} open"
    assert "epochwatch stop" in hint
    assert stores.engine.query("SELECT 1 AS one")["one"].to_pylist() == [1]


def test_a_directory_is_free_again_when_its_process_closed_it(tmp_path: Path) -> None:
    for _ in range(2):
        answer = subprocess.run(
            [sys.executable, "-c", OPEN, f"chdb://{tmp_path}/metrics"],
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )
        assert answer.stdout.strip() == "opened", answer.stderr


@pytest.mark.parametrize(
    "url", ["", "mysql://u:secret@h/d", "chdb://", "chdb:relative", "clickhouse://h/d?cluster=a`b;secret"]
)
def test_other_places_are_refused(url: str) -> None:
    with pytest.raises(UsageError) as refusal:
        Engine.open(url)
    assert "u:secret" not in str(refusal.value)


def test_a_directory_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(EpochwatchError, match=r"cannot use .* for metrics"):
        Engine.open(f"chdb://{tmp_path}/file/metrics")


def test_a_server_that_does_not_answer_is_said_without_the_password() -> None:
    with pytest.raises(EpochwatchError, match="cannot open the metrics store at") as refusal:
        Engine.open(f"clickhouse://default:secret@127.0.0.1:{free_port()}/default")
    assert "secret" not in str(refusal.value)


def test_stores_on_a_server_keep_what_they_are_given(remote: Stores, tenant: Tenant) -> None:
    _fill(remote, tenant)
    metric = MetricId.of("app", "it's %s", [("d", "\\")])
    assert remote.engine.shared
    assert remote.metrics.list(tenant) == ([metric], None)
    summary = read(remote, tenant, metric, NOW, NOW + 1)["None"]
    assert (values(summary), summary.counts.tolist()) == ([1.5], [2.0])
    assert [event.message for event in remote.logs.events(tenant, "g", "s")] == ["it's 100% %s \\ ü\n\0"]
    (value,) = remote.run_points.points(tenant, TRAINING_JOB, "job")["value"].to_pylist()
    assert np.isnan(value)
    assert list(SeriesIndex(remote.engine).units(tenant, metric)) == ["None"]


def test_what_is_sent_again_to_another_server_is_stored_once(remote: Stores, server: str, tenant: Tenant) -> None:
    run = registered(remote, tenant)
    batch = Batch(
        run.run_id,
        log_events=[log_events(run, range(1, 9))],
        run_points=[run_points(run, range(1, 9))],
        samples=[samples(run, range(1, 9))],
        resend=True,
    )
    for _ in range(2):
        commit_batch(remote, tenant, run, batch, NOW)
        remote.sources.clear()  # as a server that has not heard of the source
    for table in ("log_events", "run_points"):
        assert remote.engine.query(f"SELECT toInt64(count()) AS n FROM {table}")["n"].to_pylist() == [8]
    assert remote.engine.query("SELECT toInt64(count()) AS n FROM datapoints")["n"].to_pylist() == [16]


def test_reset_empties_everything(remote: Stores, tenant: Tenant) -> None:
    _fill(remote, tenant)
    registered(remote, tenant)
    remote.objects.put("a/b", b"x")
    remote.reset()
    assert remote.metrics.list(tenant) == ([], None)
    assert remote.logs.events(tenant, "g", "s") == []
    assert remote.run_points.points(tenant, TRAINING_JOB, "job").num_rows == 0
    assert remote.state.jobs.list(tenant) == ([], 0)
    assert list(remote.objects.list()) == []
    for table in ("series", "datapoints", "run_points", "log_events"):
        assert remote.engine.query(f"SELECT toInt64(count()) AS n FROM {table}")["n"].to_pylist() == [0]
    _fill(remote, tenant)
    assert len(remote.metrics.list(tenant)[0]) == 1


def test_what_a_query_wrote_before_it_failed_is_in_no_later_answer(stores: Stores) -> None:
    failing = (
        "SELECT toString(number), throwIf(number = 500000) FROM numbers(1000000) SETTINGS max_block_size = 1000"
    )
    for number in range(3):
        with pytest.raises(DatabaseError):
            stores.engine.query(failing)
        assert stores.engine.query(f"SELECT {number} AS x").to_pylist() == [{"x": number}]
