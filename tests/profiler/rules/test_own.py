"""What rules of ours find in trainings, and that they are silent on healthy ones."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from epochwatch.profiler.events import Phase
from epochwatch.profiler.rules.own import attributed, findings_in, gathered
from epochwatch.profiler.rules.own.memory import rising, theil_sen
from epochwatch.profiler.rules.own.ranks import middle_of_others
from epochwatch.profiler.verdict import Verdict, verdict
from tests.profiler.profiles import event
from tests.profiler.rules.profiles import S
from tests.profiler.rules.trainings import HEALTHY, Parts, Training, machine, rank_steps, training

RANDOM = np.random.default_rng(7)
SLOW = {**HEALTHY, "data_loading": 0.15}
WAITING = {"job.cpu": 20.0}


def single(
    parts: Callable[[int], Parts] | Parts = HEALTHY, count: int = 200, every: int = 1, **node: Any
) -> Training:
    rows = rank_steps(count, parts, every=every)
    seconds = max(row["start"] + row["duration"] for row in rows) / S
    return training(rows, algo_1=machine(seconds + 0.5, **node))


def workers(profile: Training, count: int, seconds: float = 0.3) -> Training:
    """Processes that make batches without a pause."""
    first, last = profile.span()
    for number in range(count):
        for start in range(first, last, round(seconds * S)):
            profile.rows.append(event(Phase.WORKER, start, round(seconds * S), process=100 + number))
    return profile


def ranks(
    count: int, own: Callable[[int, int], float], *, exchange: float = 0.005, steps: int = 200, **node: Any
) -> Training:
    """Ranks that exchange at the end of each step: ``own(rank, step)`` is what a rank computes for, in seconds."""
    times = np.array([[own(rank, step) for rank in range(count)] for step in range(steps)])
    slowest = times.max(axis=1)
    rows = []
    for rank in range(count):

        def parts(step: int, rank: int = rank) -> Parts:
            wait = slowest[step] - times[step, rank] + exchange
            return {"data_loading": 0.002, "forward": 0.3 * times[step, rank], "backward": 0.6 * times[step, rank],
                    "communication": wait, "optimizer": 0.1 * times[step, rank]}  # fmt: skip

        rows += rank_steps(steps, parts, rank=rank)
    return training(rows, algo_1=machine(float(slowest.sum()) + 2, **node))


def noisy(_rank: int, _step: int) -> float:
    return 0.1 * (1 + 0.02 * RANDOM.standard_normal())


def named(profile: Training) -> list[str]:
    """The rules that found a problem, what costs most first."""
    return [one.rule for one in verdict(profile).causes]


@pytest.mark.parametrize(
    ("profile", "rules"),
    [
        (single(), []),
        (single(lambda step: {**HEALTHY, "data_loading": 0.02 + 0.01 * (step % 2)}), []),
        (single(lambda step: HEALTHY | ({"checkpoint": 0.5} if step % 100 == 99 else {})), []),
        (single(lambda step: HEALTHY | ({"evaluation": 3.0} if step % 100 == 99 else {})), []),
        (workers(single(), 2), []),
        (ranks(2, noisy), []),
        (ranks(8, noisy, exchange=0.02), []),
        (single({"forward": 0.3, "backward": 0.6, "optimizer": 0.3}), []),
        (single(job_pss=lambda times: 1e9 * (1 + 0.5 * np.minimum(times / 5, 1))), []),
        (single(job_pss=lambda times: 1e9 + 3e8 * np.sin(times)), []),
        (single(SLOW, job_cpu=2.0), ["SlowLoader"]),
        (single(SLOW, job_cpu=2.0, job_read=5e7), ["SlowDisk"]),
        (single(SLOW, job_cpu=2.0, pressure_io_some=60.0, job_read=3e5), ["SlowDisk"]),
        (single(SLOW, job_cpu=2.0, pressure_io_some=60.0), ["SlowLoader"]),
        (single(SLOW, job_cpu=40.0, job_read=4e8), ["SlowDisk"]),
        (single(SLOW, job_cpu=100.0, job_read=4e8), ["TooFewWorkers"]),
        (single(SLOW, job_cpu=100.0), ["TooFewWorkers"]),
        (workers(single(SLOW, job_cpu=100.0), 1), ["TooFewWorkers"]),
        (single(SLOW, cores=2, job_cpu=25.0, cpu_busy=200.0), ["TooFewWorkers"]),
        (single(SLOW, cores=2, job_cpu=5.0, cpu_busy=200.0), ["SlowLoader"]),
        (single(SLOW, cores=2, job_cpu=25.0, cpu_busy=200.0, job_read=3e8), ["SlowDisk"]),
        (workers(single(SLOW, job_cpu=390.0), 4), ["CpuBoundPreprocessing"]),
        (single(SLOW, cores=1, job_cpu=100.0), ["CpuBoundPreprocessing"]),
        (workers(single(SLOW, job_cpu=10.0), 2), ["SlowLoader"]),
        (workers(single(SLOW, job_cpu=10.0, job_read=9e7), 2), ["SlowDisk"]),
        (single({"forward": 0.0004, "backward": 0.0006, "optimizer": 0.0015}, 4000, every=20), ["TinyBatch"]),
        (single({"forward": 0.1, "backward": 0.1, "optimizer": 0.2}), ["TinyBatch"]),
        (single(lambda step: HEALTHY | ({"checkpoint": 2.0} if step % 50 == 49 else {})), ["CheckpointStall"]),
        (single({**HEALTHY, "idle": 0.1}), ["SyncPoints"]),
        (ranks(2, lambda rank, step: noisy(rank, step) * (1.3 if rank == 1 else 1)), ["Straggler"]),
        (ranks(4, lambda rank, step: noisy(rank, step) * (1.2 if rank == 2 and step > 120 else 1)), ["Straggler"]),
        (ranks(4, lambda rank, step: 0.1 * RANDOM.uniform(0.5, 1.5)), ["Imbalance"]),
        (ranks(4, noisy, exchange=0.08), ["CommunicationBound"]),
        (single(job_pss=lambda times: 1e9 + 2e7 * times), ["MemoryLeak"]),
        (single(cpu_limit=200.0, cpu_throttled=40.0), ["Throttled"]),
        (single(**{"gpu_0_busy": 90.0, "gpu_0_throttled_heat": 30.0}), ["Throttled"]),
    ],
)  # fmt: skip
def test_the_cause_is_named_and_no_other(profile: Training, rules: list[str]) -> None:
    assert named(profile) == rules


def test_the_slow_rank_is_named_with_what_the_others_lost_by_it() -> None:
    [finding] = verdict(ranks(2, lambda rank, step: noisy(rank, step) * (1.3 if rank == 1 else 1))).causes

    assert (finding.rank, finding.node, finding.part) == (1, "algo-1", Phase.COMMUNICATION)
    assert finding.seconds == pytest.approx(200 * 0.03, rel=0.1)
    assert "rank 1 on algo-1 was slower than the others in" in finding.evidence
    assert finding.began < 20


def test_a_cache_that_is_too_small_is_told_beside_the_slow_disk() -> None:
    found = named(single(SLOW, job_cpu=2.0, job_read=5e7, memory_percent=97.0))
    assert found == ["SlowDisk", "CacheThrash"]


def test_others_on_the_machine_are_a_remark() -> None:
    found = verdict(single(cpu_busy=395.0))
    assert found.causes == ()
    assert [one.rule for one in found.remarks] == ["BusyMachine"]


def test_waiting_for_data_a_little_where_others_take_the_cores_is_a_remark() -> None:
    little = {**HEALTHY, "data_loading": 0.06}
    assert named(single(little, job_cpu=100.0)) == ["TooFewWorkers"]
    found = verdict(single(little, job_cpu=100.0, cpu_busy=395.0))
    assert found.causes == ()
    assert {one.rule for one in found.remarks} == {"TooFewWorkers", "BusyMachine"}


@pytest.mark.parametrize("exchange", [0.005, 0.08])
def test_ranks_that_share_cores_with_others_are_uneven_by_that(exchange: float) -> None:
    found = verdict(ranks(4, lambda rank, step: 0.1 * RANDOM.uniform(0.5, 1.5), exchange=exchange, cpu_busy=395.0))
    assert found.causes == ()
    assert {one.rule for one in found.remarks} == {"Imbalance", "BusyMachine"}


def test_ranks_are_as_uneven_as_others_take_of_their_cores() -> None:
    def some(rank: int, step: int) -> float:
        return 0.1 * RANDOM.uniform(0.75, 1.25)

    assert named(ranks(4, some, exchange=0.02, cpu_busy=360.0, job_cpu=250.0)) == []
    assert named(ranks(4, some, exchange=0.02, cpu_busy=300.0, job_cpu=250.0)) == ["Imbalance"]  # cores are left


def test_steps_that_are_not_recorded_count_with_those_that_are() -> None:
    def parts(step: int) -> Parts:
        return HEALTHY | ({"checkpoint": 3.0} if step % 100 == 51 else {})

    whole, thinned = gathered(single(parts)), gathered(single(parts, every=10))
    for part in ("forward", "checkpoint", "idle"):
        assert thinned.seconds(part) == pytest.approx(whole.seconds(part), rel=0.06)
    assert thinned.seconds("checkpoint") == pytest.approx(6.0)
    assert thinned.steps == pytest.approx(whole.steps, abs=30)


def test_the_verdict_says_where_the_time_went_and_what_to_do() -> None:
    found = verdict(single(SLOW, job_cpu=2.0), price=36.0)

    assert [loss.name for loss in found.losses] == ["waiting for data"]
    assert found.losses[0].seconds == pytest.approx(200 * 0.15, rel=0.01)
    assert found.losses[0].rule == "SlowLoader"
    assert found.goodput is not None
    assert found.goodput.productive == pytest.approx(200 * 0.14, rel=0.01)
    assert found.goodput.cost == pytest.approx(36.0 * found.goodput.wall / 3600)
    assert found.goodput.energy is None
    assert "went into learning (198 steps)" in found.text
    assert "The loader itself waits" in found.text
    assert "51% of the time of steps is waiting for data" in found.text


def test_the_verdict_on_a_healthy_training_says_so() -> None:
    found = verdict(single())
    assert "Nothing holds the training back." in found.text
    assert found.causes == found.remarks == ()


def test_restarts_cost_what_was_done_again_and_the_time_between() -> None:
    rows = rank_steps(100, HEALTHY, process=1) + rank_steps(100, HEALTHY, first=80, begin=26.0, process=2)
    found = verdict(training(rows))

    assert found.goodput is not None
    assert (found.goodput.restarts, found.goodput.repeated) == (1, pytest.approx(20 * 0.15))
    assert found.losses[0].name == "restarts"
    assert found.losses[0].seconds == pytest.approx(10 + 20 * 0.15)


def test_energy_is_that_of_the_gpus() -> None:
    found = verdict(single(**{"gpu_0_power": 300.0, "gpu_1_power": 100.0}))
    assert found.goodput is not None
    assert found.goodput.energy == pytest.approx(400 * (found.goodput.wall - 0.1) / 3.6e6, rel=0.05)
    assert found.goodput.wasted_energy == pytest.approx(found.goodput.energy * (1 - found.goodput.share))


def test_each_stretch_of_time_is_put_down_to_what_bounds_it() -> None:
    def parts(step: int) -> Parts:
        return SLOW if 300 <= step < 500 else HEALTHY

    bounds = [one.bound for one in attributed(gathered(single(parts, 1000))) if one.bound != "none"]

    first, count = bounds.index("input"), bounds.count("input")
    assert count == pytest.approx(200 * 0.296 / 10, abs=1)
    assert bounds == ["compute"] * first + ["input"] * count + ["compute"] * (len(bounds) - first - count)


def test_a_long_checkpoint_is_in_all_the_stretches_that_it_lasts() -> None:
    found = attributed(gathered(single(lambda step: HEALTHY | ({"checkpoint": 60.0} if step == 400 else {}), 800)))
    assert [one.bound for one in found].count("checkpoint") in (5, 6, 7)


def test_without_steps_nothing_is_made_up() -> None:
    found = verdict(training([], algo_1=machine(20)))
    assert found == Verdict(found.text, None, (), (), (), ())
    assert found.text.startswith("No steps were recorded")
    assert verdict(training([])).causes == ()


@pytest.mark.parametrize("known", [{}, {"forward": 0.01}])
def test_of_steps_whose_phases_are_not_known_nothing_is_made_up(known: Parts) -> None:
    found = verdict(single({**known, "idle": 0.01}))
    assert found.causes == ()
    assert found.goodput is not None
    assert found.goodput.productive >= 200 * 0.01
    assert "pauses between phases" not in [loss.name for loss in found.losses]
    assert {one.bound for one in found.attribution} == {"compute", "none"}


def test_the_verdict_is_json() -> None:
    found = verdict(single(SLOW, job_cpu=2.0)).to_json()
    assert found["causes"][0]["rule"] == "SlowLoader"
    assert found["attribution"][5]["bound"] == "input"


def test_findings_come_with_the_costliest_problem_first() -> None:
    found = findings_in(gathered(single({**SLOW, "idle": 0.3}, job_cpu=2.0)))
    assert [one.rule for one in found] == ["SyncPoints", "SlowLoader"]


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 9), st.integers(0, 2**32 - 1))
def test_the_middle_of_the_others_is_their_median(count: int, seed: int) -> None:
    values = np.random.default_rng(seed).integers(0, 5, (4, count)).astype(float)
    found = middle_of_others(values)
    for rank in range(count):
        assert found[:, rank].tolist() == np.median(np.delete(values, rank, axis=1), axis=1).tolist()


def test_slopes_are_robust_against_single_points() -> None:
    times = np.arange(20.0)
    values = 3 * times
    values[7] = 1000
    assert theil_sen(times, values) == pytest.approx(3)
    assert rising(values) > 0.9
