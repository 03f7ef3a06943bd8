"""A run whose agent follows several files: each source of a host of its own has its own stream."""

import itertools

import msgspec
import pytest

from epochwatch.model.batch import Batch
from epochwatch.model.job import Run
from epochwatch.model.tenant import Tenant
from epochwatch.store.batches import commit_batch
from epochwatch.store.run_points import TRAINING_JOB
from epochwatch.store.stores import Stores
from tests.store.parts import NOW, log_events, registered, run_points

_ACCOUNTS = itertools.count(280_000_000_001)

RUN = Run("a" * 32, "job", "algo-1", "group", "job/algo-1-7", 7.9)


@pytest.mark.parametrize(
    ("file", "host", "stream"),
    [
        ("algo-1.log", "algo-1", "job/algo-1-7"),
        ("algo-2.log", "algo-2", "job/algo-2-7"),
        ("algo-123.log", "algo-123", "job/algo-123-7"),
        ("output.log", "algo-1", "job/algo-1-7"),
        ("stderr.log", "algo-1", "job/algo-1-7"),
        ("algo-0.log", "algo-1", "job/algo-1-7"),
        ("algo-2.log.1", "algo-1", "job/algo-1-7"),
        ("x/algo-2.log", "algo-1", "job/algo-1-7"),
    ],
)
def test_place_of_a_source(file: str, host: str, stream: str) -> None:
    place = RUN.place_of(f"{RUN.run_id}/{file}")
    assert (place.host, place.log_stream) == (host, stream)


def test_sources_named_after_hosts_have_streams_and_points_of_their_own(stores: Stores) -> None:
    tenant = Tenant(str(next(_ACCOUNTS)))
    run = registered(stores, tenant)
    sources = [f"{run.run_id}/algo-{number}.log" for number in (1, 2, 3)]
    lines = [msgspec.structs.replace(log_events(run, range(1, 3)), source=source) for source in sources]
    commit_batch(stores, tenant, run, Batch(run.run_id, lines), NOW)
    points = msgspec.structs.replace(run_points(run, range(1, 3)), source=sources[1])
    commit_batch(stores, tenant, run, Batch(run.run_id, run_points=[points]), NOW)
    streams = [run.place_of(source).log_stream for source in sources]
    assert len(set(streams)) == 3
    for stream in streams:
        assert len(stores.logs.events(tenant, run.log_group, stream)) == 2
    stored = stores.run_points.points(tenant, TRAINING_JOB, run.job)
    assert set(stored["host"].to_pylist()) == {"algo-2"}
    job = stores.state.jobs.get(tenant, run.job)
    assert job is not None
    assert job.hosts == ["algo-1", "algo-2", "algo-3"]
    assert job.host_count == 3
