"""What a report says in numbers."""

import json

import numpy as np
import pytest

from epochwatch.profiler.events import Phase
from epochwatch.profiler.report.reported import WORDS, reported
from epochwatch.profiler.report.summary import RuleOutcome, Summary, summarised
from epochwatch.profiler.rules.builtin import PROFILER_RULES
from tests.profiler.report.made import BEGIN, SECOND, MadeProfile, event, machine, training, whole_job


@pytest.fixture(scope="module")
def summary() -> Summary:
    return summarised(whole_job())


def test_a_job_is_divided_into_what_came_before_during_and_after_its_steps(summary: Summary) -> None:
    times = summary.times
    assert (times.started, times.total) == (BEGIN / SECOND, 120.0)
    assert times.initialization == pytest.approx(20.0)
    # 600 steps of 0.12 s and six that took a second longer.
    assert times.loop == pytest.approx(79.0, abs=1.0)
    assert times.initialization + times.loop + times.finalization == pytest.approx(120.0)


def test_goodput_is_the_share_of_the_wall_time_that_went_into_learning(summary: Summary) -> None:
    assert summary.goodput is not None
    assert summary.goodput.share == pytest.approx(600 * 0.08 / 120, rel=1e-3)
    assert summary.goodput.energy == pytest.approx(2 * 300 * 120 / 3.6e6, rel=0.02)


def test_the_first_screen_names_the_cause_and_the_biggest_losses(summary: Summary) -> None:
    assert "waiting for data" in [one.name for one in summary.losses]
    assert len(summary.losses) <= 3
    assert summary.verdict.startswith("40% of")


def test_a_training_that_goes_on_has_no_end_yet() -> None:
    profile = MadeProfile(training(100), {"algo-1": machine(60)}, seconds=60.0, over=False)
    found = summarised(profile)
    assert not found.complete
    assert found.times.finalization == 0.0
    assert found.times.loop == pytest.approx(40.0)


def test_phases_are_those_of_a_rank_on_average(summary: Summary) -> None:
    found = summary.training
    assert found.phases["data_loading"] == pytest.approx((600 * 0.04 + 12) / 2, rel=1e-3)
    assert found.phases["forward"] == pytest.approx(16, rel=1e-3)
    assert found.phases["evaluation"] == pytest.approx(4.0 / 2)
    assert set(found.modes) == {"train", "eval"}
    assert [(one.node, one.rank, one.steps) for one in found.processes] == [("algo-1", 0, 601), ("algo-2", 1, 600)]


def test_of_a_fast_training_each_recorded_step_stands_for_those_up_to_the_next() -> None:
    rows = [row for row in training(1000) if row["step"] % 10 == 0]
    found = summarised(MadeProfile(rows, {}, seconds=130.0)).training
    assert found.phases["forward"] == pytest.approx(1000 * 0.08 / 3, rel=0.02)
    assert found.durations[0].steps == 100
    assert found.steps == pytest.approx(1000, abs=10)


def test_each_process_has_its_own_steps_and_those_that_stand_out(summary: Summary) -> None:
    first, evaluated, second = summary.training.durations
    assert (first.node, first.rank, first.mode, first.steps) == ("algo-1", 0, "train", 600)
    assert (evaluated.mode, evaluated.steps) == ("eval", 1)
    assert [one.step for one in sorted(first.outliers, key=lambda one: one.step)] == list(range(50, 600, 100))
    assert first.outliers_total == 6
    assert first.seconds.p50 == pytest.approx(0.1, rel=2e-3)
    assert second.seconds.p50 == pytest.approx(0.12, rel=2e-3)
    assert second.seconds.max == pytest.approx(1.12)


def test_phases_over_time_are_shares_from_the_first_step_on(summary: Summary) -> None:
    times = summary.training.times
    columns = np.array([[np.nan if value is None else value for value in row] for row in times.shares.values()])
    sums = columns.sum(axis=0)
    assert sums[~np.isnan(sums)] == pytest.approx(1.0, abs=1e-3)
    assert BEGIN / SECOND + 20 - times.seconds <= times.start <= BEGIN / SECOND + 20


def test_a_long_training_is_drawn_in_spans_of_several_minutes() -> None:
    rows = [row for step in range(0, 86_400, 30) for row in training(1, start=float(step))]
    for number, row in enumerate(rows):
        row["step"] = number // 5
    times = summarised(MadeProfile(rows, {}, seconds=86_400.0)).training.times
    assert times.seconds == 360.0
    assert len(times.shares["forward"]) == 240


def test_a_node_is_told_in_percent_of_its_machine(summary: Summary) -> None:
    use = summary.nodes[0]
    assert (use.node, use.samples, use.resolution) == ("algo-1", 240, 0)
    assert use.resources["cpu"].mean == pytest.approx((3 * 20 + 100) / 4)
    assert use.resources["memory"].p50 == pytest.approx(30.0, abs=0.2)
    assert use.resources["gpu"].max == pytest.approx(96.0)
    assert 1e6 < use.resources["network"].mean < 3e6
    assert use.cores.names == ("GPU 0", "core 0", "core 1", "core 2", "core 3")


def test_a_gpu_with_nothing_to_do_beside_a_busy_core_is_a_bottleneck(summary: Summary) -> None:
    found = summary.nodes[0].bottleneck
    assert found.gpu_idle == pytest.approx(0.5)
    assert found.cpu == pytest.approx(0.5)
    assert found.io == 0.0


def test_a_long_job_is_read_from_summaries_and_keeps_its_ends() -> None:
    samples = machine(4 * 3600, interval=1.0, cores=2)
    samples.values["cpu.busy"][1234] = 200.0
    use = summarised(MadeProfile([], {"algo-1": samples}, seconds=4 * 3600.0)).nodes[0]
    assert use.resolution == 1
    assert use.resources["cpu"].max == pytest.approx(100.0)
    assert use.resources["cpu"].p99 == pytest.approx(60.0)


@pytest.mark.parametrize("seconds", [120, 4 * 3600])
def test_percentages_are_never_above_100(seconds: int) -> None:
    samples = machine(seconds, interval=1.0, cores=2, gpus=1)
    for name in ("cpu.0.busy", "cpu.1.busy", "cpu.0.iowait", "cpu.1.iowait", "gpu.0.busy"):
        samples.values[name] = samples.values[name] + np.float32(110.0)
    for kind in ("busy", "iowait"):
        samples.values[f"cpu.{kind}"] = samples.values[f"cpu.0.{kind}"] + samples.values[f"cpu.1.{kind}"]
    use = summarised(MadeProfile([], {"algo-1": samples}, seconds=seconds)).nodes[0]
    shown = [use.resources[name] for name in ("cpu", "iowait", "gpu")] + [use.gpus[0].busy]
    assert [one.max for one in shown] == [100.0] * 4
    assert max(value for curve in ("cpu", "iowait", "gpu") for value in use.curves[curve].max if value) == 100.0
    assert max(value for row in use.cores.rows for value in row if value) == 100.0
    assert use.resources["power"].max == 300.0


def test_operators_are_summed_up_by_name_the_longest_first(summary: Summary) -> None:
    found = summary.operators
    assert (found.operators[0].name, found.operators[0].calls) == ("aten::mm", 40)
    assert found.operators[0].seconds == pytest.approx(0.08)
    assert found.operators[0].share == pytest.approx(2 / 3)
    assert [one.name for one in found.kernels] == ["sm90_gemm"]
    assert (found.loaders, found.batches.count) == (2, 40)
    assert found.windows[0].cost == 0.7


def test_calls_that_were_added_up_are_counted_each() -> None:
    rows = [event(Phase.OPERATOR, 1.0, 0.001, name="aten::mm") for _ in range(3)]
    rows.append(event(Phase.OPERATOR, 1.0, 0.2, name="aten::mm", thread=-400))
    rows.append(event(Phase.PYTHON, 1.0, 0.2, name="train.py:1(load)", thread=-7))
    found = summarised(MadeProfile(rows, {}, seconds=5.0)).operators
    assert (found.operators[0].calls, found.functions[0].calls) == (403, 7)


def test_rules_that_were_triggered_come_first() -> None:
    rules = [RuleOutcome("BatchSize", 0, 0, 10), RuleOutcome("LowGPUUtilization", 2, 9, 10)]
    found = summarised(whole_job(), rules=rules)
    assert [one.rule for one in found.rules] == ["LowGPUUtilization", "BatchSize"]


def test_a_profile_without_anything_is_said_to_be_empty() -> None:
    found = summarised(MadeProfile())
    assert (found.times.total, found.nodes, found.training.processes, found.goodput) == (0.0, (), (), None)


def test_a_machine_without_a_training_and_a_training_without_a_machine() -> None:
    alone = summarised(MadeProfile([], {"algo-1": machine(60)}, seconds=60.0))
    assert (alone.times.initialization, alone.goodput) == (60.0, None)
    bare = summarised(MadeProfile(training(50), {}, seconds=60.0))
    assert bare.nodes[0].resources == {}
    assert bare.training.steps == 50


def test_a_row_that_was_not_measured_is_no_value() -> None:
    samples = machine(60)
    samples.values["memory.percent"][:60] = np.nan
    use = summarised(MadeProfile([], {"algo-1": samples}, seconds=60.0)).nodes[0]
    assert use.resources["memory"].count == 60
    assert use.curves["memory"].mean[0] is None


def test_json_has_every_section_and_no_number_that_json_lacks(summary: Summary) -> None:
    found = json.loads(summary.to_json())
    assert {"job", "times", "nodes", "training", "operators", "rules", "findings", "verdict", "losses"} <= set(
        found
    )
    assert "NaN" not in summary.to_json().decode()


def test_events_of_more_names_than_are_told_apart_are_summed_up_as_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("epochwatch.profiler.report.operators.MOST_NAMES", 3)
    rows = [event(Phase.OPERATOR, 1.0, 0.001, name=f"op {number % 10}") for number in range(100)]
    found = summarised(MadeProfile(rows, {}, seconds=5.0)).operators.operators
    assert sum(one.calls for one in found) == 100
    assert len(found) == 4


def test_rules_judge_a_long_job_by_means_of_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    profile = whole_job()
    exact = {one.rule: one for one in reported(profile).rules}
    assert exact["CPUBottleneck"].datapoints == 480
    monkeypatch.setattr("epochwatch.profiler.report.reported.EXACT_SECONDS", 60)
    coarse = {one.rule: one for one in reported(profile).rules}
    assert coarse["CPUBottleneck"].datapoints == 240
    assert coarse["StepOutlier"] == exact["StepOutlier"]


def test_each_of_sagemakers_rules_is_explained() -> None:
    assert set(WORDS) == set(PROFILER_RULES)
