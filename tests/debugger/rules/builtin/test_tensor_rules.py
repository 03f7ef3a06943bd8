"""Rules that look at each tensor by itself: by its value, by what smdebug reduced it to, by our statistics."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from epochwatch.debugger import ModeKeys, SmdebugWriter, create_trial
from epochwatch.debugger.exceptions import InsufficientInformationForRuleInvocation, SMDebugValueError
from tests.debugger.rules.builtin.small_trials import (
    COLLECTIONS,
    fired,
    reductions_trial,
    run,
    statistics_trial,
    values_trial,
)

NAN, INF = float("nan"), float("inf")


# VanishingGradient


@pytest.mark.parametrize(
    ("gradient", "parameters", "fires"),
    [
        ([1e-8, -1e-8], {}, True),
        ([0.0, 0.0], {}, True),
        ([1e-7, 1e-7], {"threshold": "0.0000001"}, False),  # not below
        ([1.0, -1.0], {}, False),  # the mean is 0, that of the absolute values is not
        ([1.0, -1.0], {"threshold": "1.5"}, True),
        ([NAN, 0.0], {}, False),
        ([], {}, False),
    ],
)
def test_a_gradient_vanishes(tmp_path: Path, gradient: Any, parameters: Any, fires: bool) -> None:
    trial = values_trial(tmp_path, [{"gradient/fc": np.array(gradient, np.float64), "fc.weight": np.zeros(2)}])
    assert bool(fired("VanishingGradient", trial, **parameters)) is fires


def test_a_gradient_vanishes_by_what_was_saved_of_it(tmp_path: Path) -> None:
    small, large = {("mean", True): 1e-8}, {("mean", True): 1e-2}
    trial = reductions_trial(
        tmp_path / "smdebug", [{"gradient/a": large}, {"gradient/a": large, "gradient/b": small}]
    )
    rule, steps = run("VanishingGradient", trial)
    assert (steps, rule.report["Datapoints"], rule.report["Violations"]) == ([1], 3, 1)
    ours = [{"gradient/a": {"abs_mean": 1e-2, "l2": 1.0}}, {"gradient/a": {"abs_mean": 1e-9, "l2": 1.0}}]
    assert fired("VanishingGradient", statistics_trial(tmp_path / "ours", ours)) == [1]


def test_a_gradient_of_which_too_little_was_saved_is_passed_over(tmp_path: Path) -> None:
    rule, steps = run("VanishingGradient", reductions_trial(tmp_path, [{"gradient/a": {("l2", False): 0.0}}]))
    assert (steps, rule.report["Datapoints"]) == ([], 0)


def test_each_worker_is_looked_at(tmp_path: Path) -> None:
    for worker, gradient in (("worker_0", 1.0), ("worker_1", 0.0)):
        writer = SmdebugWriter(str(tmp_path), worker, COLLECTIONS, num_workers=2)
        writer.write_step(0, {"gradient/a": np.full(2, gradient)})
    writer.end_training()
    assert fired("VanishingGradient", create_trial(str(tmp_path))) == [0]


@pytest.mark.parametrize("rule", ["WeightUpdateRatio", "UnchangedTensor"])
def test_a_worker_that_did_not_save_the_step_before_is_passed_over(tmp_path: Path, rule: str) -> None:
    for worker, steps in (("worker_0", (0, 1)), ("worker_1", (1,))):
        writer = SmdebugWriter(str(tmp_path), worker, COLLECTIONS, num_workers=2)
        for step in steps:
            writer.write_step(step, {"fc.weight": np.ones(2)})
    writer.end_training()
    parameters = {"tensor_regex": ".*", "num_steps": 2} if rule == "UnchangedTensor" else {}
    ran, steps_fired = run(rule, create_trial(str(tmp_path)), **parameters)
    assert (steps_fired, ran.report["Datapoints"]) == ([1], 1)


# ExplodingTensor


@pytest.mark.parametrize(
    ("value", "only_nan", "fires"),
    [
        ([1.0, NAN], "False", True),
        ([1.0, INF], "False", True),
        ([1.0, -INF], "False", True),
        ([1.0, 3e38], "False", False),
        ([1.0, INF], "True", False),
        ([INF, NAN], "True", True),
    ],
)
def test_a_tensor_explodes(tmp_path: Path, value: Any, only_nan: str, fires: bool) -> None:
    array = np.array(value, np.float32)
    by_value = values_trial(tmp_path / "value", [{"a": array}])
    extremes = {("min", False): np.min(array), ("max", False): np.max(array)}
    by_extremes = reductions_trial(tmp_path / "extremes", [{"a": extremes}])
    counts = {"nans": float(np.isnan(array).sum()), "infs": float(np.isinf(array).sum()), "min": 1.0, "max": 1.0}
    by_counts = statistics_trial(tmp_path / "counts", [{"a": counts}])
    for trial in (by_value, by_extremes, by_counts):
        assert bool(fired("ExplodingTensor", trial, only_nan=only_nan)) is fires


def test_only_what_is_chosen_may_explode(tmp_path: Path) -> None:
    trial = values_trial(tmp_path, [{"gradient/a": NAN, "fc.weight": NAN, "fc.bias": NAN, "text": ["NaN"]}])
    found = {
        chosen: len(run("ExplodingTensor", trial, **parameters)[0].report["Details"]["violations"])
        for chosen, parameters in {
            "all": {},
            "collections": {"collection_names": "gradients, weights"},
            "pattern": {"tensor_regex": "bias$"},
            "union": {"collection_names": ["gradients"], "tensor_regex": ["bias$", "weight$"]},
            "nothing": {"collection_names": "", "tensor_regex": "no such"},
        }.items()
    }
    assert found == {"all": 3, "collections": 2, "pattern": 1, "union": 3, "nothing": 0}


# AllZero


@pytest.mark.parametrize(
    ("value", "threshold", "fires"),
    [
        ([0, 0], "100", True),
        ([0, 1], "100", False),
        ([0, 1], "50", True),
        ([0, 1, 1], "50", False),
        ([False, False], "100", True),
        ([], "100", False),
        ([NAN], "100", False),
    ],
)
def test_a_tensor_is_zero(tmp_path: Path, value: Any, threshold: str, fires: bool) -> None:
    trial = values_trial(tmp_path, [{"a": np.array(value)}])
    assert bool(fired("AllZero", trial, tensor_regex=".*", threshold=threshold)) is fires


def test_a_tensor_is_zero_by_what_was_saved_of_it(tmp_path: Path) -> None:
    ours = statistics_trial(
        tmp_path / "ours", [{"a": {"zeros": 9.0, "size": 10.0}, "b": {"zeros": 8.0, "size": 10.0}}]
    )
    rule, _ = run("AllZero", ours, tensor_regex=".*", threshold=90)
    assert [found["tensor"] for found in rule.report["Details"]["violations"]] == ["a"]
    steps = [
        {"a": {("max", True): 0.0}},
        {"a": {("min", False): 0.0, ("max", False): 0.0}},
        {"a": {("mean", True): 1.0}},
    ]
    rule, found = run("AllZero", reductions_trial(tmp_path / "smdebug", steps), tensor_regex=".*")
    assert (found, rule.report["Datapoints"]) == ([0, 1], 2)


@pytest.mark.parametrize("rule", ["AllZero", "UnchangedTensor", "TensorVariance"])
def test_rules_that_need_a_choice_of_tensors_say_so(tmp_path: Path, rule: str) -> None:
    with pytest.raises(
        InsufficientInformationForRuleInvocation, match=f"{rule}: give collection_names or tensor_regex"
    ):
        run(rule, values_trial(tmp_path, [{"a": 1.0}]))


# TensorVariance


@pytest.mark.parametrize(
    ("parameters", "fires"),
    [
        ({"max_threshold": "3.9"}, True),
        ({"max_threshold": "4"}, False),
        ({"min_threshold": "4.1"}, True),
        ({"min_threshold": "4"}, False),
        ({"min_threshold": "1", "max_threshold": "10"}, False),
    ],
)
def test_a_variance_leaves_its_bounds(tmp_path: Path, parameters: Any, fires: bool) -> None:
    by_value = values_trial(tmp_path / "value", [{"fc.weight": [0.0, 4.0], "fc.bias": [0.0, 100.0]}])
    by_root = statistics_trial(tmp_path / "root", [{"fc.weight": {"std": 2.0}}])
    by_itself = reductions_trial(tmp_path / "itself", [{"fc.weight": {("variance", False): 4.0}}])
    for trial in (by_value, by_root, by_itself):
        assert bool(fired("TensorVariance", trial, collection_names="weights", **parameters)) is fires


def test_bounds_of_a_variance_must_make_sense(tmp_path: Path) -> None:
    trial = values_trial(tmp_path, [{"a": 1.0}])
    with pytest.raises(InsufficientInformationForRuleInvocation, match="max_threshold, min_threshold or both"):
        run("TensorVariance", trial, tensor_regex=".*")
    with pytest.raises(SMDebugValueError, match=r"max_threshold \(1\) is below min_threshold \(2\)"):
        run("TensorVariance", trial, tensor_regex=".*", max_threshold=1, min_threshold=2)


# UnchangedTensor


@pytest.mark.parametrize(
    ("values", "parameters", "steps"),
    [
        ([1, 1, 1, 1], {}, [2, 3]),
        ([1, 2, 2, 2], {}, [3]),
        ([1, 1, 2, 1], {}, []),
        ([1, 1, 2, 2], {"num_steps": "2"}, [1, 3]),
        ([1, 1 + 9e-6, 1 - 9e-6, 1], {"num_steps": "3", "atol": "0"}, [3]),
        ([1, 1.1, 1, 1.1], {"rtol": "0.2"}, [2, 3]),
        ([1e-9, 2e-9, 3e-9], {}, [2]),
        ([1e-9, 2e-9, 3e-9], {"atol": "0"}, []),
        ([NAN, NAN, NAN], {}, []),
        ([NAN, NAN, NAN], {"equal_nan": "True"}, [2]),
        ([1, None, 1, 1], {}, [3]),  # the steps need not be consecutive
    ],
)
def test_a_tensor_stays_as_it_is(tmp_path: Path, values: Any, parameters: Any, steps: list[int]) -> None:
    saved = [{"other": 0.0} if value is None else {"a": float(value)} for value in values]
    assert fired("UnchangedTensor", values_trial(tmp_path, saved), tensor_regex="^a$", **parameters) == steps


def test_a_tensor_of_another_shape_has_changed(tmp_path: Path) -> None:
    trial = values_trial(tmp_path, [{"a": np.ones(2)}, {"a": np.ones(3)}])
    assert fired("UnchangedTensor", trial, tensor_regex="a", num_steps=2) == []


# WeightUpdateRatio


@pytest.mark.parametrize(
    ("before", "after", "parameters", "fires"),
    [
        ([3.0, 4.0], [6.0, 8.0], {}, False),  # a ratio of 1
        ([3.0, 4.0], [6.0, 8.0], {"large_threshold": "0.99"}, True),
        ([3.0, 4.0], [33.0, 44.1], {}, True),
        ([3.0, 4.0], [3.0, 4.0], {}, True),  # below the small threshold
        ([3.0, 4.0], [3.0, 4.0], {"small_threshold": "0"}, False),
        ([0.0, 0.0], [0.0, 1e-3], {}, True),  # epsilon keeps it from dividing by 0
        ([0.0, 0.0], [0.0, 1e-3], {"epsilon": "1"}, False),
        ([3.0, NAN], [3.0, 4.0], {}, False),
    ],
)
def test_an_update_is_out_of_proportion(
    tmp_path: Path, before: Any, after: Any, parameters: Any, fires: bool
) -> None:
    trial = values_trial(tmp_path, [{"fc.weight": before}, {"fc.weight": after}])
    assert bool(fired("WeightUpdateRatio", trial, **parameters)) is fires


def test_an_update_is_against_the_step_saved_before_or_the_first_of_num_steps(tmp_path: Path) -> None:
    weights = {0: 1.0, 4: 2.0, 8: 3.0, 12: 4.0}
    trial = values_trial(tmp_path, {step: {"fc.weight": [value]} for step, value in weights.items()})
    assert fired("WeightUpdateRatio", trial, large_threshold=0.4) == [4, 8]  # 1/1, 1/2, 1/3
    assert fired("WeightUpdateRatio", trial, large_threshold=0.9, num_steps=8) == [4, 8, 12]  # 1/1, 2/1, 2/2
    assert fired("WeightUpdateRatio", trial, large_threshold=0.0, num_steps=3) == []  # none so near


def test_evaluations_change_no_weights(tmp_path: Path) -> None:
    modes = {0: ModeKeys.TRAIN, 1: ModeKeys.EVAL, 2: ModeKeys.EVAL, 3: ModeKeys.TRAIN}
    trial = values_trial(tmp_path, [{"fc.weight": [value]} for value in (1.0, 1.0, 1.0, 2.0)], modes)
    rule, steps = run("WeightUpdateRatio", trial)
    assert (steps, rule.report["Datapoints"]) == ([], 1)


def test_an_update_by_the_statistics_of_the_step(tmp_path: Path) -> None:
    steps = [{"fc.weight": {"l2": 2.0, "update_l2": update}} for update in (NAN, 0.02, 40.0, 0.0)]
    rule, found = run("WeightUpdateRatio", statistics_trial(tmp_path, steps))
    assert (found, rule.report["Datapoints"]) == ([2, 3], 3)
