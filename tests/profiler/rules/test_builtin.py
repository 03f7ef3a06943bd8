"""SageMaker's profiler rules, as tables of signals and what they say of them."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from epochwatch.debugger.exceptions import SMDebugValueError
from epochwatch.model.host_samples import Samples
from epochwatch.profiler.events import Phase
from epochwatch.profiler.rules.builtin import PROFILER_RULES, ProfilerReport, ProfilerRule, built_profiler_rule
from epochwatch.profiler.rules.builtin.load_balancing import distance
from epochwatch.profiler.rules.builtin.tally import Tally
from epochwatch.profiler.rules.scan import SETTLE, Scan, scanned
from tests.profiler.profiles import event
from tests.profiler.rules.profiles import S, SampledProfile, sampled, samples, steps


def seen(name: str, profile: SampledProfile, **parameters: Any) -> ProfilerRule:
    """A rule that has seen all of a profile."""
    rule = PROFILER_RULES[name](**parameters)
    scanned(profile, [rule])
    return rule


def filled(memory: list[float]) -> Samples:
    """A node whose GPU's memory is in use like this."""
    return samples({"gpu.0.memory.percent": memory})


def gpu(
    busy: list[float], memory: float = 30.0, cpu: float = 20.0, iowait: float = 0.0, **more: list[float]
) -> Samples:
    """A node of one GPU and two cores."""
    rows = len(busy)
    columns = {
        "gpu.0.busy": busy,
        "gpu.0.memory.percent": [memory] * rows,
        "cpu.0.busy": [cpu] * rows,
        "cpu.1.busy": [0.0] * rows,
        "cpu.0.iowait": [iowait] * rows,
        "cpu.1.iowait": [0.0] * rows,
    }
    return samples(columns | {name.replace("_", "."): column for name, column in more.items()})


@pytest.mark.parametrize(
    ("name", "node", "parameters", "fires"),
    [
        ("BatchSize", gpu([40.0] * 101), {}, True),
        ("BatchSize", gpu([40.0] * 100), {}, False),
        ("BatchSize", gpu([40.0] * 101), {"defaults": "coded"}, False),
        ("BatchSize", gpu([40.0] * 1001), {"defaults": "coded"}, True),
        ("BatchSize", gpu([40.0] * 101), {"patience": "101"}, False),
        ("BatchSize", gpu([70.0] * 101), {}, False),
        ("BatchSize", gpu([40.0] * 101, memory=80), {}, False),
        ("BatchSize", gpu([40.0] * 101, memory=80), {"gpu_memory_threshold_p95": "90"}, True),
        ("BatchSize", gpu([40.0] * 101, cpu=150), {"cpu_threshold_p95": "40"}, False),
        ("BatchSize", gpu([90.0] * 100 + [40.0] * 500), {}, True),
        ("BatchSize", gpu([90.0] * 100 + [40.0] * 500), {"window": "600"}, False),
        ("CPUBottleneck", gpu([5.0] * 101, cpu=95), {}, True),
        ("CPUBottleneck", gpu([5.0] * 100, cpu=95), {}, False),
        ("CPUBottleneck", gpu([10.0] * 101, cpu=95), {}, False),
        ("CPUBottleneck", gpu([5.0] * 101, cpu=90), {}, False),
        ("CPUBottleneck", gpu([50.0] * 100 + [5.0] * 100, cpu=95), {}, False),
        ("CPUBottleneck", gpu([50.0] * 100 + [5.0] * 101, cpu=95), {}, True),
        ("CPUBottleneck", gpu([50.0] * 100 + [5.0] * 100, cpu=95), {"threshold": "49"}, True),
        ("IOBottleneck", gpu([60.0] * 1001, iowait=60), {}, True),
        ("IOBottleneck", gpu([60.0] * 1000, iowait=60), {}, False),
        ("IOBottleneck", gpu([60.0] * 1001, iowait=50), {}, False),
        ("IOBottleneck", gpu([60.0] * 1001, iowait=60), {"defaults": "coded"}, False),
        ("IOBottleneck", gpu([9.0] * 1001, iowait=60), {"defaults": "coded"}, True),
        ("LowGPUUtilization", gpu([69.0] * 1001), {}, True),
        ("LowGPUUtilization", gpu([69.0] * 1000), {}, False),
        ("LowGPUUtilization", gpu([70.0] * 1001), {}, False),
        ("LowGPUUtilization", gpu([100.0, 100.0, 100.0, 0.0] * 251), {}, True),
        ("LowGPUUtilization", gpu([100.0, 100.0, 100.0, 11.0] * 251), {}, False),
        ("GPUMemoryIncrease", filled([30.0] * 500 + [41.0] * 500), {}, True),
        ("GPUMemoryIncrease", filled([30.0] * 500 + [39.0] * 500), {}, False),
        ("GPUMemoryIncrease", filled([30.0] * 500 + [90.0] * 499), {}, False),
        ("GPUMemoryIncrease", filled([30.0] * 110 + [41.0] * 10), {"window": 10}, True),
        ("GPUMemoryIncrease", filled([30.0] * 1100 + [36.0] * 100), {"defaults": "coded"}, True),
        ("LoadBalancing", gpu([90.0] * 11, gpu_1_busy=[10.0] * 11), {}, True),
        ("LoadBalancing", gpu([90.0] * 10, gpu_1_busy=[10.0] * 10), {}, False),
        ("LoadBalancing", gpu([90.0] * 11, gpu_1_busy=[91.0] * 11), {}, False),
        ("LoadBalancing", gpu([99.0] * 11, gpu_1_busy=[10.0] * 11), {}, True),
        ("LoadBalancing", gpu([90.0] * 20, gpu_1_busy=[90.0] * 15 + [10.0] * 5), {}, False),
        ("LoadBalancing", gpu([90.0] * 20, gpu_1_busy=[90.0] * 15 + [10.0] * 5), {"threshold": "0.2"}, True),
    ],
)  # fmt: skip
def test_samples_meet_a_rules_condition_or_do_not(
    name: str, node: Samples, parameters: dict[str, Any], fires: bool
) -> None:
    rule = seen(name, sampled(algo_1=node), **parameters)

    assert bool(rule.triggered) is fires
    assert rule.report["RuleTriggered"] == rule.triggered
    assert bool(rule.violations) is fires or name.endswith("Bottleneck")


@pytest.mark.parametrize(
    ("name", "rows", "parameters", "fires"),
    [
        ("MaxInitializationTime", steps([1.0], begin=1201), {}, True),
        ("MaxInitializationTime", steps([1.0], begin=1200), {}, False),
        ("MaxInitializationTime", steps([1.0], begin=61), {"threshold": "1"}, True),
        ("MaxInitializationTime", [], {"threshold": "0"}, False),
        ("StepOutlier", steps([0.1] * 989 + [2.0] * 11), {}, True),
        ("StepOutlier", steps([0.1] * 990 + [2.0] * 10), {}, False),
        ("StepOutlier", steps([0.1] * 990 + [2.0] * 10), {"n_outliers": "9"}, True),
        ("StepOutlier", steps([0.1] * 989 + [2.0] * 11), {"stddev": "20"}, False),
        ("StepOutlier", steps([0.1] * 989 + [2.0] * 11, mode=2), {"mode": "train"}, False),
        ("StepOutlier", steps([0.1] * 989 + [2.0] * 11, mode=2), {"mode": "EVAL"}, True),
        ("StepOutlier", steps([0.1] * 94 + [2.0] * 6), {"n_outliers": "0", "stddev": "1"}, False),
        ("StepOutlier", steps([0.1] * 95 + [2.0] * 6), {"n_outliers": "0", "stddev": "1"}, True),
    ],
)  # fmt: skip
def test_steps_meet_a_rules_condition_or_do_not(
    name: str, rows: list[dict[str, object]], parameters: dict[str, Any], fires: bool
) -> None:
    rule = seen(name, sampled(*rows, algo_1=gpu([0.0])), **parameters)

    assert bool(rule.triggered) is fires


@pytest.mark.parametrize(
    ("workers", "parameters", "fires"),
    [(1, {}, True), (2, {}, False), (4, {}, False), (5, {}, True), (5, {"max_threshold": "250"}, False)],
)
def test_processes_that_load_data_are_counted_against_the_cores(
    workers: int, parameters: dict[str, Any], fires: bool
) -> None:
    batches = [
        event(Phase.WORKER, (3 * turn) * S, 3 * S, process=100 + worker)
        for turn in range(5)
        for worker in range(workers)
    ]
    rule = seen("Dataloader", sampled(*batches, algo_1=gpu([0.0] * 60)), **parameters)

    assert bool(rule.triggered) is fires
    assert rule.report["Details"]["algo-1"]["dataloaders"] == workers
    assert rule.report["Details"]["algo-1"]["p50"] == pytest.approx(3, rel=1e-3)
    assert rule.datapoints == 15


def test_usage_is_summed_up_by_node_and_no_percentage_is_above_a_hundred() -> None:
    busy = [float(value) for value in range(120)]
    node = samples(
        {
            "gpu.0.busy": busy,
            "cpu.0.busy": [50.0] * 120,
            "cpu.1.busy": [float("nan")] * 120,
            "cpu.0.iowait": [3.0] * 120,
            "memory.percent": [12.5] * 120,
            "network.eth0.received": [1000.0] * 120,
            "network.eth0.sent": [500.0] * 120,
        }
    )
    rule = seen("OverallSystemUsage", sampled(algo_1=node))

    usage = rule.report["Details"]["algo-1"]
    assert usage["GPU"] == {"max": 100, "p99": 100, "p95": 100, "p50": 59, "min": 0}
    assert usage["CPU"]["p50"] == 50
    assert usage["CPU memory"]["max"] == 12.5
    assert usage["Network"]["p95"] == pytest.approx(750, rel=1e-3)
    assert rule.triggered == 0


def test_framework_metrics_say_where_the_time_of_steps_went() -> None:
    rows = []
    for row in steps([1.0] * 4) + steps([0.5] * 2, begin=4, mode=2):
        rows += [
            row,
            row | {"phase": "forward", "duration": S // 4},
            row | {"phase": "backward", "duration": S // 8},
        ]
    rows += [event(Phase.OPERATOR, 0, 300, name="aten::mm"), event(Phase.OPERATOR, 0, 100, name="aten::add")]
    rule = seen("OverallFrameworkMetrics", sampled(*rows))

    details = rule.report["Details"]
    assert details["phase"] == {
        "TRAIN": {"seconds": 4, "percent": 80},
        "EVAL": {"seconds": 1, "percent": 20},
    }
    assert details["general"] == {
        "idle": {"seconds": 2.75, "percent": 55},
        "forward": {"seconds": 1.5, "percent": 30},
        "backward": {"seconds": 0.75, "percent": 15},
    }
    assert details["CPU_events"]["aten::mm"]["percent"] == 75
    assert rule.triggered == 0


def test_every_sample_and_event_counts_once_however_it_is_cut() -> None:
    profile = sampled(*steps([0.1] * 5000), algo_1=gpu([5.0] * 1000, cpu=95))
    for interval in (1_000_000, 7_000_000, 60_000_000, 3_600_000_000):
        rules = [PROFILER_RULES[name](scan_interval_us=interval) for name in ("CPUBottleneck", "StepOutlier")]
        scanned(profile, rules)
        assert [rule.datapoints for rule in rules] == [1000, 5000]


def test_a_rule_counts_the_scans_that_met_its_condition() -> None:
    node = gpu([40.0] * 240 + [90.0] * 500, memory=10)
    rule = seen("BatchSize", sampled(algo_1=node), window="100", scan_interval_us="60000000")

    assert (rule.triggered, rule.violations, rule.datapoints) == (2, 2, 740)
    assert rule.report["RuleParameters"].splitlines()[:2] == ["scan_interval_us:60000000", "defaults:None"]
    assert "window:100" in rule.report["RuleParameters"].splitlines()


def test_a_growing_profile_is_read_behind_its_end_and_comes_to_the_same() -> None:
    whole = gpu([40.0] * 1200, memory=10)
    live, offline = PROFILER_RULES["BatchSize"](), seen("BatchSize", sampled(algo_1=whole))
    profile = sampled(algo_1=whole)
    scan = Scan(profile, [live])
    for rows in (60, 200, 201, 700, 1200):
        values = {name: column[:rows] for name, column in whole.values.items()}
        profile.samples["algo-1"] = Samples(whole.times[:rows], whole.seconds[:rows], values, {})
        scan.advance()
        assert live.datapoints <= max(0, rows - 2 * SETTLE // S)
    assert live.triggered
    scan.advance(last=True)

    assert live.report == offline.report


def test_the_report_runs_all_rules_with_their_parameters() -> None:
    rule = built_profiler_rule(
        "ProfilerReport",
        {"CPUBottleneck_cpu_threshold": "80", "BatchSize_window": "10", "opt_out_telemetry": "True"},
    )
    assert isinstance(rule, ProfilerReport)
    assert list(rule.reports) == list(PROFILER_RULES)

    scanned(sampled(algo_1=gpu([5.0] * 120, cpu=85)), rule.rules)

    assert {one.name for one in rule.triggered} == {"BatchSize", "CPUBottleneck"}
    assert "cpu_threshold:80.0" in rule.reports["CPUBottleneck"]["RuleParameters"]
    assert "CPUBottleneck: in 100.0% of 120 samples" in rule.summary()


@pytest.mark.parametrize(
    ("name", "parameters", "words"),
    [
        ("CPUBottlenek", {}, "'CPUBottlenek' is no built-in profiler rule: one of BatchSize, "),
        ("CPUBottleneck", {"window": "3"}, "CPUBottleneck has no parameter 'window': it takes scan_interval_us"),
        ("CPUBottleneck", {"threshold": "101"}, "threshold must be a number from 0 to 100, not '101'"),
        ("CPUBottleneck", {"patience": "-1"}, "patience must be a whole number from 0, not '-1'"),
        ("StepOutlier", {"mode": "GLOBAL"}, "mode must be one of TRAIN, EVAL, not 'GLOBAL'"),
        ("BatchSize", {"defaults": "guide"}, "defaults must be one of DOCUMENTED, CODED"),
        ("BatchSize", {"scan_interval_us": "0"}, "scan_interval_us must be a whole number from 1e"),
        ("LowGPUUtilization", {"threshold_p5": "80"}, "threshold_p5 must not be above threshold_p95: 80 > 70"),
        ("Dataloader", {"min_threshold": "300"}, "min_threshold must not be above max_threshold"),
        ("ProfilerReport", {"window": "3"}, "ProfilerReport has no parameter 'window'"),
        ("ProfilerReport", {"Overfit_patience": "3"}, "ProfilerReport has no parameter 'Overfit_patience'"),
        ("ProfilerReport", {"BatchSize_size": "3"}, "BatchSize has no parameter 'size'"),
    ],
)
def test_what_is_no_rule_and_no_parameter_is_refused(name: str, parameters: dict[str, str], words: str) -> None:
    with pytest.raises(SMDebugValueError) as refused:
        built_profiler_rule(name, parameters)
    assert words in str(refused.value)


def test_an_empty_profile_meets_no_condition() -> None:
    report = built_profiler_rule("ProfilerReport", {})
    assert isinstance(report, ProfilerReport)
    assert scanned(sampled(), report.rules) == []
    assert all(one["Datapoints"] == 0 for one in report.reports.values())


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(0, 100), min_size=1, max_size=200), st.floats(0.01, 1))
def test_a_tally_has_quantiles_within_a_tenth_of_a_percent(values: list[float], share: float) -> None:
    tally = Tally(percent=True)
    for piece in np.array_split(np.array(values), 3):
        tally.add(piece)
    assert tally.quantile(share) == pytest.approx(np.quantile(values, share, method="inverted_cdf"), abs=0.051)
    assert tally.mean == pytest.approx(np.mean(values))
    assert tally.deviation == pytest.approx(np.std(values), abs=1e-5)


def test_the_distance_of_distributions_apart_is_the_root_of_the_logarithm_of_two() -> None:
    first, second = np.array([5, 0]), np.array([0, 9])
    assert distance(first, second) == pytest.approx(np.sqrt(np.log(2)))
    assert distance(first, first) == 0
