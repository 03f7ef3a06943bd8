"""Shapes of curves show where a curve was and every spike, and are not read again before they look different."""

import math

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from epochwatch.model.tenant import Tenant
from epochwatch.store.engine import Engine
from epochwatch.store.metric_shapes import FEW, Shape
from epochwatch.store.run_points import TRAINING_JOB, RunPointColumns
from epochwatch.store.stores import Stores

BEGIN = 1_750_000_000_000_000


def write(stores: Stores, tenant: Tenant, values: list[float], job: str = "job", begin: int = 0) -> None:
    count = len(values)
    points = RunPointColumns(
        metric=["loss"] * count,
        value=np.array(values, np.float64),
        time=BEGIN + 1_000_000 * (begin + np.arange(count)),
        step=begin + np.arange(count),
        epoch=np.full(count, np.nan),
        host="algo-1",
    )
    stores.run_points.write(tenant, TRAINING_JOB, job, points)


def shapes(stores: Stores, tenant: Tenant, *jobs: str) -> dict[str, Shape]:
    read = stores.run_points.summaries(tenant, TRAINING_JOB, jobs)
    return stores.metric_shapes.of(tenant, "loss", {job: one for job, (one,) in read.items()})


@pytest.fixture
def questions(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the table is asked for shapes."""
    asked: list[str] = []
    real = Engine.query

    def noted(engine: Engine, text: str, parameters: object = None) -> object:
        if "AS rising" in text:
            asked.append(text)
        return real(engine, text, parameters)  # type: ignore[arg-type]

    monkeypatch.setattr(Engine, "query", noted)
    return asked


def test_few_points_are_told_one_by_one(stores: Stores, tenant: Tenant) -> None:
    write(stores, tenant, [3.0, math.nan, 1.0, math.inf, 2.0])
    assert shapes(stores, tenant, "job") == {"job": Shape(3.0, (3.0, 1.0, 2.0))}


def test_many_points_keep_the_extremes_of_each_span_in_their_order(stores: Stores, tenant: Tenant) -> None:
    values = np.linspace(10, 1, 1200)
    values[333] = 1e6
    write(stores, tenant, values.tolist())
    shape = shapes(stores, tenant, "job")["job"]
    assert shape.first == 10
    assert len(shape.values) == FEW
    expected = [one for part in np.split(values, 12) for one in (part.max(), part.min())]
    expected[6:8] = [values[399], 1e6] if np.argmin(values[300:400]) < 33 else [1e6, values[399]]
    assert shape.values == pytest.approx(tuple(expected))


def test_spans_without_points_are_empty(stores: Stores, tenant: Tenant) -> None:
    write(stores, tenant, [1.0] * 50)
    write(stores, tenant, [2.0] * 50, begin=10_000)
    values = shapes(stores, tenant, "job")["job"].values
    assert values == (1.0, 1.0, *[None] * (FEW - 4), 2.0, 2.0)


def test_jobs_are_read_together_and_those_without_a_finite_value_left_out(
    stores: Stores, tenant: Tenant, questions: list[str]
) -> None:
    write(stores, tenant, [math.nan], "odd")
    for number in range(3):
        write(stores, tenant, [float(number)], f"job-{number}")
    found = shapes(stores, tenant, "odd", "job-0", "job-1", "job-2")
    assert found == {f"job-{number}": Shape(number, (number,)) for number in range(3)}
    assert len(questions) == 1


def test_what_grew_by_little_is_not_read_again(stores: Stores, tenant: Tenant, questions: list[str]) -> None:
    write(stores, tenant, [1.0, *[0.5] * 999])
    first = shapes(stores, tenant, "job")
    write(stores, tenant, [0.75] * 10, begin=1000)
    assert shapes(stores, tenant, "job") == first
    assert len(questions) == 1
    write(stores, tenant, [7.0], begin=1010)
    assert 7.0 in shapes(stores, tenant, "job")["job"].values
    write(stores, tenant, [0.75] * 100, begin=1011)
    shapes(stores, tenant, "job")
    assert len(questions) == 3


@given(st.lists(st.floats(-1e9, 1e9) | st.just(math.nan), min_size=1, max_size=80))
@settings(deadline=None, max_examples=20)
def test_the_extremes_are_always_among_what_is_told(stores: Stores, values: list[float]) -> None:
    tenant = Tenant(str(abs(hash(tuple(values))) % 10**12).zfill(12))
    job = f"job-{len(values)}"
    write(stores, tenant, values, job)
    finite = [value for value in values if not math.isnan(value)]
    found = shapes(stores, tenant, job).get(job)
    assert (found is None) == (not finite)
    if found is not None:
        told = [value for value in found.values if value is not None]
        assert (min(told), max(told), found.first) == (min(finite), max(finite), finite[0])
