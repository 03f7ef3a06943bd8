"""Many threads write and read at once: nothing is lost, nothing fails."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from epochwatch.model.batch import Batch
from epochwatch.model.metric import TRAINING_JOBS_NAMESPACE, MetricId
from epochwatch.model.tenant import Tenant
from epochwatch.store.batches import commit_batch
from epochwatch.store.run_points import TRAINING_JOB, RunPointColumns
from epochwatch.store.stores import Stores
from tests.store.parts import NOW, log_events, registered, run_points, samples
from tests.store.points import Point, put, read, values

THREADS = 32
ROUNDS = 12


def test_threads_that_write_and_read_lose_nothing(stores: Stores, tenant: Tenant) -> None:
    together = threading.Barrier(THREADS)

    def agent(thread: int) -> None:
        """Ships batches of a run of its own and reads them back."""
        run = registered(stores, tenant, thread, f"job-{thread}")
        together.wait()
        for number in range(ROUNDS):
            positions = range(max(1, 10 * number - 3), 10 * number + 11)
            batch = Batch(
                run.run_id,
                log_events=[log_events(run, positions)],
                run_points=[run_points(run, positions)],
                samples=[samples(run, positions)],
            )
            commit_batch(stores, tenant, run, batch, NOW)
            assert stores.run_points.points(tenant, TRAINING_JOB, run.job).num_rows == 10 * (number + 1)

    def caller(thread: int) -> None:
        """Puts datapoints of a shared metric in ever new units, log events and points, and reads them back."""
        shared, own = MetricId("app", "shared"), MetricId("app", f"own-{thread}")
        together.wait()
        for number in range(ROUNDS):
            second = NOW + thread * 1000 + number
            put(
                stores,
                tenant,
                Point(shared, second, [1.0], unit=f"unit-{thread}-{number}"),
                Point(own, second, [float(number)]),
            )
            (summary,) = read(stores, tenant, own, NOW, NOW + 10**6).values()
            assert values(summary) == list(range(number + 1))
            assert {shared, own} <= set(stores.metrics.list(tenant, "app")[0])
            stores.logs.put_events(tenant, "g", f"s-{thread}", [(NOW * 1000 + number, str(number))], NOW)
            assert len(stores.logs.events(tenant, "g", f"s-{thread}")) == number + 1
            count = np.full(1, number)
            points = RunPointColumns(["loss"], count.astype(float), count, count, np.full(1, np.nan))
            stores.run_points.write(tenant, TRAINING_JOB, "shared", points)

    with ThreadPoolExecutor(THREADS) as pool:
        work = [pool.submit(agent if thread % 2 else caller, thread) for thread in range(THREADS)]
        for done in work:
            done.result()

    expected = list(range(1, 10 * ROUNDS + 1))
    for thread in range(1, THREADS, 2):
        run = registered(stores, tenant, thread)
        events = stores.logs.events(tenant, run.log_group, run.log_stream)
        assert [event.message for event in events] == [f"line {position}" for position in expected]
        for name, dimension, unit in (
            ("loss", ("TrainingJobName", run.job), "None"),
            ("CPUUtilization", ("Host", f"{run.job}/algo-1"), "Percent"),
        ):
            metric = MetricId(TRAINING_JOBS_NAMESPACE, name, (dimension,))
            found = read(stores, tenant, metric, 0, 2**32)
            assert {unit: values(summary) for unit, summary in found.items()} == {unit: expected}
    callers = THREADS // 2
    assert len(read(stores, tenant, MetricId("app", "shared"), 0, 2**32)) == callers * ROUNDS
    assert len(stores.logs.scan(tenant, "g")) == callers * ROUNDS
    shared = stores.run_points.points(tenant, TRAINING_JOB, "shared")["value"].to_pylist()
    assert sorted(shared) == sorted([*range(ROUNDS)] * callers)
