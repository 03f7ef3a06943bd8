"""Run points come back whole; summaries say the same as the points do."""

import itertools
import math
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from epochwatch.model.batch import NO_STEP
from epochwatch.model.tenant import Tenant
from epochwatch.store.run_points import TRAINING_JOB, TRIAL_COMPONENT, Owner, RunPointColumns
from epochwatch.store.stores import Stores
from tests.store.parts import NOW
from tests.store.test_logs import TRICKY

US = NOW * 1_000_000
_ACCOUNTS = itertools.count(240_000_000_001)


def _write(
    stores: Stores,
    tenant: Tenant,
    values: Sequence[float],
    *,
    job: str = "job",
    metric: str = "loss",
    host: str = "algo-1",
    steps: Sequence[int] | None = None,
    epochs: Sequence[float] | None = None,
    owner: Owner = TRAINING_JOB,
) -> None:
    """Values one second apart, of steps 0, 1, 2 ... unless told."""
    count = len(values)
    points = RunPointColumns(
        metric=[metric] * count,
        value=np.array(values, np.float64),
        time=US + np.arange(count) * 1_000_000,
        step=np.arange(count) if steps is None else np.array(steps, np.int64),
        epoch=np.full(count, np.nan) if epochs is None else np.array(epochs, np.float64),
        host=host,
    )
    stores.run_points.write(tenant, owner, job, points)


def test_points_come_back_whole(stores: Stores, tenant: Tenant) -> None:
    values = [0.1, math.nan, math.inf, -math.inf, 5e-324, -0.0]
    _write(stores, tenant, values, steps=[1, NO_STEP, 3, 2, 2**62, -5], epochs=[0.5, math.nan, 1, 2, 3, 4])
    points = stores.run_points.points(tenant, TRAINING_JOB, "job")
    assert points.column_names == ["metric", "host", "step", "epoch", "time", "value"]
    assert points["metric"].to_pylist() == ["loss"] * 6
    assert points["host"].to_pylist() == ["algo-1"] * 6
    assert points["step"].to_pylist() == [1, NO_STEP, 3, 2, 2**62, -5]
    assert points["time"].to_pylist() == [US + second * 1_000_000 for second in range(6)]
    np.testing.assert_array_equal(points["epoch"].to_pylist(), [0.5, math.nan, 1, 2, 3, 4])
    np.testing.assert_array_equal(points["value"].to_pylist(), values)
    assert math.copysign(1, points["value"][5].as_py()) == -1


def test_points_are_chosen_by_metric_host_and_half_open_range(stores: Stores, tenant: Tenant) -> None:
    for metric, host in itertools.product(("loss", "acc"), ("algo-1", "algo-2")):
        _write(stores, tenant, [0.0, 1.0, 2.0], metric=metric, host=host)

    def rows(*chosen: object, **bounds: int) -> list[tuple[str, str, float]]:
        table = stores.run_points.points(tenant, TRAINING_JOB, "job", *chosen, **bounds)
        return [(row["metric"], row["host"], row["value"]) for row in table.to_pylist()]

    assert [metric for metric, _, _ in rows()] == ["acc"] * 6 + ["loss"] * 6
    assert {metric for metric, _, _ in rows(["loss", "none"])} == {"loss"}
    assert rows([]) == []
    assert rows(["loss"], "algo-2") == [("loss", "algo-2", value) for value in (0.0, 1.0, 2.0)]
    assert rows(["loss"], "algo-2", start=US + 1, end=US + 2_000_000) == [("loss", "algo-2", 1.0)]
    assert rows(["loss"], "algo-2", start=US + 1_000_000, end=US + 1_000_001) == [("loss", "algo-2", 1.0)]
    assert rows(start=US + 9, end=US + 9) == []


def test_jobs_components_and_tenants_are_apart(stores: Stores, tenant: Tenant) -> None:
    _write(stores, tenant, [1.0])
    _write(stores, tenant, [2.0], owner=TRIAL_COMPONENT)
    _write(stores, tenant, [3.0], job="job-2")
    _write(stores, Tenant(tenant.account, "eu-west-1"), [4.0])
    assert stores.run_points.points(tenant, TRAINING_JOB, "job")["value"].to_pylist() == [1.0]
    assert stores.run_points.points(tenant, TRIAL_COMPONENT, "job")["value"].to_pylist() == [2.0]
    summaries = stores.run_points.summaries(tenant, TRAINING_JOB, ["job", "job-2", "none"])
    assert {name: [s.final for s in found] for name, found in summaries.items()} == {
        "job": [1.0],
        "job-2": [3.0],
        "none": [],
    }


@pytest.mark.parametrize("text", [text for text in TRICKY if text])
def test_text_is_data(stores: Stores, tenant: Tenant, text: str) -> None:
    text = text[:200]
    _write(stores, tenant, [1.0, 2.0], job=text, metric=text, host=text)
    _write(stores, tenant, [3.0], job=text, metric=text + "x", host=text)
    assert stores.run_points.points(tenant, TRAINING_JOB, text, [text], text)["value"].to_pylist() == [1.0, 2.0]
    names = [summary.name for summary in stores.run_points.summaries(tenant, TRAINING_JOB, text)[text]]
    assert names == [text, text + "x"]


@settings(max_examples=25, deadline=None)
@given(
    metric=st.sampled_from(["loss", "accuracy"]),
    values=st.lists(
        st.floats(-1e6, 1e6) | st.sampled_from([math.nan, math.inf, -math.inf, 1.0]), min_size=1, max_size=30
    ),
)
def test_a_summary_says_what_the_points_say(stores: Stores, metric: str, values: list[float]) -> None:
    tenant = Tenant(str(next(_ACCOUNTS)))
    _write(stores, tenant, values, metric=metric)
    (summary,) = stores.run_points.summaries(tenant, TRAINING_JOB, "job")["job"]
    np.testing.assert_equal(summary.final, values[-1])
    assert summary.final_step == len(values) - 1
    assert (summary.points, summary.first_time, summary.last_time) == (len(values), NOW, NOW + len(values) - 1)
    finite = [value for value in values if math.isfinite(value)]
    assert summary.non_finite == len(values) - len(finite)
    best = min if metric == "loss" else max
    assert summary.direction == best.__name__
    if finite:
        assert (summary.min, summary.max, summary.best) == (min(finite), max(finite), best(finite))
        assert summary.best_step == values.index(best(finite))
    else:
        assert (summary.min, summary.max, summary.best, summary.best_step) == (None,) * 4


@settings(max_examples=25, deadline=None)
@given(
    parts=st.lists(
        st.lists(st.sampled_from([0.0, 1.0, 2.0, math.nan]), min_size=1, max_size=6), min_size=1, max_size=4
    )
)
def test_of_equal_times_the_later_write_is_newer_and_of_equal_extremes_the_first_counts(
    stores: Stores, parts: list[list[float]]
) -> None:
    tenant = Tenant(str(next(_ACCOUNTS)))
    steps = itertools.count()
    stored = []  # (time, number of the write, step, value): each write begins at the same time again
    for number, values in enumerate(parts):
        own = [next(steps) for _ in values]
        _write(stores, tenant, values, steps=own)
        stores.run_points.points(tenant, TRAINING_JOB, "job")  # reading brings what was written into the engine
        stored += [(at, number, step, value) for at, (step, value) in enumerate(zip(own, values, strict=True))]
    stored.sort(key=lambda point: point[:2])
    (summary,) = stores.run_points.summaries(tenant, TRAINING_JOB, "job")["job"]
    np.testing.assert_equal((summary.final, summary.final_step), (stored[-1][3], stored[-1][2]))
    finite = [point for point in stored if math.isfinite(point[3])]
    assert summary.best_step == (min(finite, key=lambda point: point[3])[2] if finite else None)


@pytest.mark.parametrize("time", [-1, 2**32 * 1_000_000])
def test_times_that_cannot_be_stored_are_refused(stores: Stores, tenant: Tenant, time: int) -> None:
    one = np.zeros(1)
    points = RunPointColumns(["loss"], one, np.array([time]), one.astype(np.int64), one)
    with pytest.raises(ValueError, match="1970 to 2106"):
        stores.run_points.write(tenant, TRAINING_JOB, "job", points)


@pytest.mark.parametrize("change", [lambda t: Tenant(t.account, "eu-west-1"), lambda t: Tenant("999999999999")])
def test_tenants_do_not_see_each_other(stores: Stores, tenant: Tenant, change: Callable[[Tenant], Tenant]) -> None:
    job, other = f"job-{tenant.account}", change(tenant)
    _write(stores, tenant, [1.0], job=job)
    assert stores.run_points.points(other, TRAINING_JOB, job).num_rows == 0
    assert stores.run_points.summaries(other, TRAINING_JOB, job) == {job: []}
