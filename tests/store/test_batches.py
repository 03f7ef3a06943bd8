"""An agent's batch enters the tables once, whatever is sent again, together or by several threads."""

import dataclasses
import itertools
import math
from concurrent.futures import ThreadPoolExecutor

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from epochwatch.model.batch import Batch
from epochwatch.model.job import Run
from epochwatch.model.metric import TRAINING_JOBS_NAMESPACE, MetricId
from epochwatch.model.tenant import Tenant
from epochwatch.store.batches import MAX_METRIC_NAME, commit_batch
from epochwatch.store.run_points import TRAINING_JOB
from epochwatch.store.stores import Stores
from tests.store.parts import NOW, log_events, registered, run_points, samples
from tests.store.points import read, values

_ACCOUNTS = itertools.count(210_000_000_001)


def _lines(stores: Stores, tenant: Tenant, run: Run) -> list[str]:
    return [event.message for event in stores.logs.events(tenant, run.log_group, run.log_stream)]


def _values(stores: Stores, tenant: Tenant, run: Run) -> list[float]:
    return stores.run_points.points(tenant, TRAINING_JOB, run.job)["value"].to_pylist()


def _datapoints(
    stores: Stores, tenant: Tenant, metric: str, dimension: tuple[str, str], unit: str = "None"
) -> list[float]:
    found = read(stores, tenant, MetricId(TRAINING_JOBS_NAMESPACE, metric, (dimension,)), 0, 2**32 - 1, unit)
    return [value for summary in found.values() for value in values(summary)]


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 30), st.integers(1, 12), st.booleans(), st.integers(1, 2)),
        min_size=1,
        max_size=6,
    )
)
def test_overlapping_resends_of_a_source_store_each_row_once(
    stores: Stores, sends: list[tuple[int, int, bool, int]]
) -> None:
    tenant = Tenant(str(next(_ACCOUNTS)))
    run = registered(stores, tenant)
    reached = 0
    for back, ahead, resend, copies in sends:
        # An agent goes back any way, but never beyond what it has not sent.
        positions = range(max(1, reached - back + 1), reached + ahead + 1)
        reached += ahead
        batch = Batch(
            run.run_id,
            log_events=[log_events(run, positions)] * copies,
            run_points=[run_points(run, positions)] * copies,
            samples=[samples(run, positions)] * copies,
            resend=resend,
        )
        committed = commit_batch(stores, tenant, run, batch, NOW)
        assert set(committed.positions.values()) == {reached}
    expected = list(range(1, reached + 1))
    assert _lines(stores, tenant, run) == [f"line {p}" for p in expected]
    assert _values(stores, tenant, run) == expected
    assert _datapoints(stores, tenant, "loss", ("TrainingJobName", run.job)) == expected
    assert _datapoints(stores, tenant, "CPUUtilization", ("Host", "job/algo-1"), "Percent") == expected


def test_parts_of_one_batch_that_overlap_are_stored_once(stores: Stores, tenant: Tenant) -> None:
    run = registered(stores, tenant)
    ranges = [range(1, 7), range(4, 11), range(1, 11)]
    batch = Batch(
        run.run_id,
        log_events=[log_events(run, positions) for positions in ranges],
        run_points=[run_points(run, positions) for positions in ranges],
        samples=[samples(run, positions) for positions in ranges],
    )
    commit_batch(stores, tenant, run, batch, NOW)
    expected = list(range(1, 11))
    assert _lines(stores, tenant, run) == [f"line {p}" for p in expected]
    assert _values(stores, tenant, run) == expected
    assert _datapoints(stores, tenant, "loss", ("TrainingJobName", run.job)) == expected
    assert _datapoints(stores, tenant, "CPUUtilization", ("Host", "job/algo-1"), "Percent") == expected


def test_a_batch_that_fails_leaves_nothing_and_may_be_sent_again(stores: Stores, tenant: Tenant) -> None:
    run = registered(stores, tenant)
    commit_batch(stores, tenant, run, Batch(run.run_id, log_events=[log_events(run, [1, 2])]), NOW)
    good, bad = log_events(run, [3, 4]), log_events(run, [5])
    bad.timestamps = np.array([-1], "<i8").tobytes()
    with pytest.raises(ValueError, match="1970 to 2106"):
        commit_batch(stores, tenant, run, Batch(run.run_id, log_events=[good, bad]), NOW)
    assert _lines(stores, tenant, run) == ["line 1", "line 2"]
    commit_batch(stores, tenant, run, Batch(run.run_id, log_events=[log_events(run, [2, 3, 4])]), NOW)
    assert _lines(stores, tenant, run) == ["line 1", "line 2", "line 3", "line 4"]


def test_values_of_one_line_share_a_position_and_are_all_kept(stores: Stores, tenant: Tenant) -> None:
    run = registered(stores, tenant)
    for _ in range(2):
        batch = Batch(run.run_id, run_points=[run_points(run, [7, 7, 7], [0.1, 0.2, 0.3])])
        commit_batch(stores, tenant, run, batch, NOW)
    assert sorted(_values(stores, tenant, run)) == [0.1, 0.2, 0.3]


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        ("log_events", {"messages": ["one"]}),
        ("log_events", {"positions": b"1234567"}),
        ("log_events", {"timestamps": b"\0" * 8}),
        ("log_events", {"timestamps": b"\xff" * 16}),
        ("run_points", {"values": b"\0" * 8}),
        ("run_points", {"values": b"\0" * 12}),
        ("run_points", {"metrics": np.array([0, 1], "<u4").tobytes()}),
        ("run_points", {"names": []}),
        ("run_points", {"metrics": b"\0" * 4}),
        ("run_points", {"timestamps": np.array([0, 2**62], "<i8").tobytes()}),
        ("samples", {"names": []}),
        ("samples", {"positions": b""}),
        ("samples", {"timestamps": np.array([-1, 0], "<i8").tobytes()}),
    ],
)
def test_columns_that_do_not_fit_are_refused(
    stores: Stores, tenant: Tenant, kind: str, changes: dict[str, object]
) -> None:
    run = registered(stores, tenant)
    part = {"log_events": log_events, "run_points": run_points, "samples": samples}[kind](run, [1, 2])
    batch = Batch(run.run_id, **{kind: [msgspec.structs.replace(part, **changes)]})
    with pytest.raises(ValueError):
        commit_batch(stores, tenant, run, batch, NOW)
    assert _lines(stores, tenant, run) == []
    assert _values(stores, tenant, run) == []
    assert stores.metrics.list(tenant) == ([], None)


@pytest.mark.parametrize("source", ["{other}/output.log", "output.log", "", "{own}", "{own}x/output.log"])
def test_a_source_of_another_run_is_refused(stores: Stores, tenant: Tenant, source: str) -> None:
    run = registered(stores, tenant)
    part = log_events(run, [1])
    part.source = source.format(other="f" * 32, own=run.run_id)
    with pytest.raises(ValueError, match="not one of run"):
        commit_batch(stores, tenant, run, Batch(run.run_id, log_events=[part]), NOW)
    assert _lines(stores, tenant, run) == []


def test_values_that_are_no_numbers_are_run_points_and_no_datapoints(stores: Stores, tenant: Tenant) -> None:
    run = registered(stores, tenant)
    values = [1.0, math.nan, math.inf, -math.inf, 2.0]
    commit_batch(stores, tenant, run, Batch(run.run_id, run_points=[run_points(run, range(1, 6), values)]), NOW)
    np.testing.assert_array_equal(_values(stores, tenant, run), values)
    assert _datapoints(stores, tenant, "loss", ("TrainingJobName", "job")) == [1.0, 2.0]


def test_a_name_longer_than_cloudwatch_has_is_a_run_point_only(stores: Stores, tenant: Tenant) -> None:
    run = registered(stores, tenant)
    longest = "x" * MAX_METRIC_NAME
    parts = [run_points(run, [1], name=longest + "x"), run_points(run, [2], name=longest)]
    commit_batch(stores, tenant, run, Batch(run.run_id, run_points=parts), NOW)
    assert sorted(_values(stores, tenant, run)) == [1, 2]
    assert [metric.name for metric in stores.metrics.list(tenant)[0]] == [longest]


def test_samples_are_percent_of_their_host(stores: Stores, tenant: Tenant) -> None:
    run = registered(stores, tenant, host="algo-2")
    batch = Batch(run.run_id, samples=[samples(run, [1, 2, 3], [10.0, math.nan, 30.0])])
    commit_batch(stores, tenant, run, batch, NOW)
    metric = MetricId(TRAINING_JOBS_NAMESPACE, "CPUUtilization", (("Host", "job/algo-2"),))
    assert stores.metrics.list(tenant) == ([metric], None)
    assert stores.metrics.units(tenant, metric) == ["Percent"]
    assert _datapoints(stores, tenant, "CPUUtilization", ("Host", "job/algo-2"), "Percent") == [10, 30]
    assert _values(stores, tenant, run) == []


def test_an_empty_batch_is_acknowledged(stores: Stores, tenant: Tenant) -> None:
    run = registered(stores, tenant)
    assert commit_batch(stores, tenant, run, Batch(run.run_id), NOW).positions == {}
    committed = commit_batch(stores, tenant, run, Batch(run.run_id, run_points=[run_points(run, [])]), NOW)
    assert committed.positions == {f"{run.run_id}/output.log": 0}


def test_threads_that_send_the_same_source_store_it_once(stores: Stores, tenant: Tenant) -> None:
    run = registered(stores, tenant)

    def send(thread: int) -> None:
        for first in range(1, 101, 10):
            positions = range(max(1, first - thread), first + 10)
            batch = Batch(
                run.run_id,
                log_events=[log_events(run, positions)],
                run_points=[run_points(run, positions)],
                resend=bool(thread % 2),
            )
            commit_batch(stores, tenant, run, batch, NOW)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(send, range(8)))
    assert _lines(stores, tenant, run) == [f"line {p}" for p in range(1, 101)]
    assert _values(stores, tenant, run) == list(range(1, 101))
    assert _datapoints(stores, tenant, "loss", ("TrainingJobName", "job")) == list(range(1, 101))


def test_the_same_source_of_two_tenants_is_two_sources(stores: Stores, tenant: Tenant) -> None:
    elsewhere = dataclasses.replace(tenant, region="eu-west-1")
    for owner in (tenant, elsewhere):
        run = registered(stores, owner)
        commit_batch(stores, owner, run, Batch(run.run_id, log_events=[log_events(run, [1, 2])]), NOW)
    assert _lines(stores, tenant, run) == _lines(stores, elsewhere, run) == ["line 1", "line 2"]
