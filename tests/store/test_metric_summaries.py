"""What is known of the metrics of jobs says what their points say, whenever they come, and is not read twice."""

import itertools
import math
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any, NamedTuple

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from epochwatch.model.tenant import Tenant
from epochwatch.store import metric_summaries
from epochwatch.store.metric_summaries import SETTLED
from epochwatch.store.run_points import TRAINING_JOB, MetricSummary, RunPointColumns, RunPointStore
from epochwatch.store.stores import Stores

NOW = 1_750_000_000
"""Unix seconds at the beginning of each test."""
_ACCOUNTS = itertools.count(300_000_000_000)


class Job(NamedTuple):
    name: str = "job"
    created: float = 1.0


class Clock:
    """What the server takes for the time."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = NOW
        monkeypatch.setattr(metric_summaries, "_settled_now", lambda: self.now * 1_000_000 - SETTLED)


class Reads:
    """The questions to the table: the jobs, and after when points were wanted."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.made: list[tuple[list[str], int]] = []
        real = RunPointStore.summaries_apart

        def noted(store: RunPointStore, tenant: Tenant, owner: Any, names: Any, after: int, until: int) -> Any:
            self.made.append((list(names), after))
            return real(store, tenant, owner, names, after, until)

        monkeypatch.setattr(RunPointStore, "summaries_apart", noted)

    def take(self) -> list[tuple[list[str], int]]:
        made, self.made = self.made, []
        return made


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Reads:
    return Reads(monkeypatch)


def write(
    stores: Stores, tenant: Tenant, points: Iterable[tuple[str, float, float]], job: str = "job", first: int = 0
) -> None:
    """Store (metric, Unix seconds, value), whose steps count from ``first``."""
    metrics, times, values = zip(*points, strict=True)
    count = len(values)
    stores.run_points.write(
        tenant,
        TRAINING_JOB,
        job,
        RunPointColumns(
            metric=metrics,
            value=np.array(values),
            time=(np.array(times) * 1_000_000).astype(np.int64),
            step=np.arange(first, first + count),
            epoch=np.full(count, math.nan),
        ),
    )


def known(stores: Stores, tenant: Tenant, job: Job = Job()) -> list[MetricSummary]:  # noqa: B008
    return list(stores.metric_summaries.of(tenant, [job])[job.name].values())


POINTS = st.lists(
    st.tuples(
        st.sampled_from(["loss", "accuracy"]),
        st.integers(0, 1000),  # seconds ago
        st.sampled_from([-1.0, 0.0, 1.0, 2.0, math.nan, math.inf, -math.inf]),
    ),
    min_size=1,
    max_size=8,
)


@settings(max_examples=60, deadline=None)
@given(rounds=st.lists(st.tuples(st.integers(0, 700), st.lists(POINTS, max_size=2)), min_size=1, max_size=6))
def test_what_is_known_is_what_the_points_say(
    stores: Stores, rounds: list[tuple[int, list[list[tuple[str, int, float]]]]]
) -> None:
    tenant = Tenant(str(next(_ACCOUNTS)))
    with pytest.MonkeyPatch.context() as monkeypatch:
        clock = Clock(monkeypatch)
        for number, (passed, batches) in enumerate(rounds):
            clock.now += passed
            for points in batches:
                came = [(metric, clock.now - ago, value) for metric, ago, value in points]
                write(stores, tenant, came, first=10 * number)
            expected = stores.run_points.summaries(tenant, TRAINING_JOB, "job")["job"]
            found = known(stores, tenant)
            np.testing.assert_equal([asdict(one) for one in found], [asdict(one) for one in expected])


def test_nothing_is_read_of_a_job_that_got_no_points(
    stores: Stores, tenant: Tenant, clock: Clock, reads: Reads
) -> None:
    write(stores, tenant, [("loss", NOW, 1.0)])
    first = known(stores, tenant)
    assert reads.take() == [(["job"], -1)]
    clock.now += 3600
    assert known(stores, tenant) == first
    assert reads.take() == []


def test_of_a_job_that_goes_on_its_last_points_are_read(
    stores: Stores, tenant: Tenant, clock: Clock, reads: Reads
) -> None:
    for second in range(0, 1200, 100):
        clock.now = NOW + second
        write(stores, tenant, [("loss", clock.now, 1.0 / (1 + second))], first=second)
        (summary,) = known(stores, tenant)
        assert (summary.final_step, summary.points) == (second, 1 + second // 100)
    afters = [after for _, after in reads.take()]
    settled = [(NOW + second) * 1_000_000 - SETTLED for second in (0, 400, 800)]
    assert afters == [-1, *[settled[0]] * 4, *[settled[1]] * 4, *[settled[2]] * 3]


def test_late_points_make_all_be_read_again(stores: Stores, tenant: Tenant, clock: Clock, reads: Reads) -> None:
    write(stores, tenant, [("loss", NOW - 1000, 1.0), ("loss", NOW, 3.0)])
    assert [one.best_step for one in known(stores, tenant)] == [0]
    write(stores, tenant, [("loss", NOW - 2000, 1.0)], first=7)
    reads.take()
    assert [(one.best_step, one.points) for one in known(stores, tenant)] == [(7, 3)]
    assert reads.take() == [(["job"], -1)]


def test_another_job_of_the_name_is_another_one(
    stores: Stores, tenant: Tenant, clock: Clock, reads: Reads
) -> None:
    write(stores, tenant, [("loss", NOW, 1.0)])
    known(stores, tenant)
    reads.take()
    known(stores, tenant, Job(created=2.0))
    assert reads.take() == [(["job"], -1)]


def test_jobs_are_read_together(stores: Stores, tenant: Tenant, clock: Clock, reads: Reads) -> None:
    jobs = [Job(f"job-{number}") for number in range(3)]
    for job in jobs:
        write(stores, tenant, [("loss", NOW, 1.0)], job.name)
    assert list(stores.metric_summaries.of(tenant, jobs)) == ["job-0", "job-1", "job-2"]
    clock.now += 10
    for job in jobs[1:]:
        write(stores, tenant, [("loss", clock.now, 1.0)], job.name)
    found = stores.metric_summaries.of(tenant, [*jobs, Job("job-3")])
    assert {name: [one.points for one in metrics.values()] for name, metrics in found.items()} == {
        "job-0": [1],
        "job-1": [2],
        "job-2": [2],
        "job-3": [],
    }
    assert [names for names, _ in reads.take()] == [["job-0", "job-1", "job-2"], ["job-1", "job-2"], ["job-3"]]
