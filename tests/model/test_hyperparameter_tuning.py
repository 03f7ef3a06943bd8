"""What a tuning tries next, gives up, and when it is enough."""

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from epochwatch.model.hyperparameter_tuning import (
    ChoiceRange,
    InvalidTuning,
    NumberRange,
    Trial,
    best_of,
    falls_behind,
    grid_size,
    halved_away,
    next_values,
    not_improving,
    reached,
    resources_of,
    space_of,
)

RANGES: dict[str, Any] = {
    "IntegerParameterRanges": [{"Name": "layers", "MinValue": "1", "MaxValue": "8"}],
    "ContinuousParameterRanges": [
        {"Name": "lr", "MinValue": "1e-5", "MaxValue": "0.1", "ScalingType": "Logarithmic"},
        {"Name": "momentum", "MinValue": "0", "MaxValue": "0.999", "ScalingType": "ReverseLogarithmic"},
    ],
    "CategoricalParameterRanges": [{"Name": "opt", "Values": ["sgd", "adam"]}],
}
SPACE = space_of(RANGES)


def values(strategy: str, trials: list[Trial], count: int = 1, seed: int = 7, space=SPACE, maximize=False):
    return next_values(strategy, space, trials, maximize=maximize, seed=seed, count=count)


def legal(found: dict[str, str]) -> bool:
    return (
        1 <= int(found["layers"]) <= 8
        and 1e-5 <= float(found["lr"]) <= 0.1
        and 0 <= float(found["momentum"]) <= 0.999
        and found["opt"] in ("sgd", "adam")
    )


@pytest.mark.parametrize(
    ("low", "high", "scaling", "whole"),
    [(0.0, 9.0, "Linear", False), (1.0, 1000.0, "Logarithmic", True), (0.5, 0.99, "ReverseLogarithmic", False)],
)
def test_a_scale_goes_from_end_to_end(low: float, high: float, scaling: str, whole: bool) -> None:
    scale = NumberRange("x", low, high, scaling, whole)
    assert (float(scale.at(0.0)), float(scale.at(1.0))) == (pytest.approx(low), pytest.approx(high))
    assert scale.position(scale.at(0.5)) == pytest.approx(0.5, abs=0.02)
    assert (scale.position(str(low - 1)), scale.position(str(high + 1))) == (0.0, pytest.approx(1.0))


@given(st.floats(0, 1), st.sampled_from(["Linear", "Logarithmic", "ReverseLogarithmic"]))
def test_every_position_is_within_the_range(position: float, scaling: str) -> None:
    scale = NumberRange("x", 0.001, 0.999, scaling, whole=False)
    assert 0.001 <= float(scale.at(position)) <= 0.999


@pytest.mark.parametrize(
    ("ranges", "message"),
    [
        ({"IntegerParameterRanges": [{"Name": "a", "MinValue": "1.5", "MaxValue": "2"}]}, "must be whole numbers"),
        ({"ContinuousParameterRanges": [{"Name": "a", "MinValue": "x", "MaxValue": "2"}]}, "must be numbers"),
        ({"ContinuousParameterRanges": [{"Name": "a", "MinValue": "3", "MaxValue": "2"}]}, "not be greater"),
        (
            {"IntegerParameterRanges": [
                {"Name": "a", "MinValue": "0", "MaxValue": "2", "ScalingType": "Logarithmic"}
            ]},
            "greater than 0",
        ),
        (
            {"ContinuousParameterRanges": [
                {"Name": "a", "MinValue": "0", "MaxValue": "1", "ScalingType": "ReverseLogarithmic"}
            ]},
            "within 0 <= x < 1.0",
        ),
        (
            {
                "CategoricalParameterRanges": [{"Name": "a", "Values": ["x"]}],
                "AutoParameters": [{"Name": "a", "ValueHint": "1"}],
            },
            "more than one range",
        ),
    ],
)  # fmt: skip
def test_ranges_that_cannot_be_are_refused(ranges: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidTuning, match=message):
        space_of(ranges)


def test_a_hint_becomes_a_range_around_it() -> None:
    hints = [("n", "8"), ("lr", "0.1"), ("opt", "adam"), ("zero", "0.0")]
    space = space_of({"AutoParameters": [{"Name": name, "ValueHint": hint} for name, hint in hints]})
    assert space == [
        NumberRange("n", 1, 80, "Logarithmic", whole=True),
        NumberRange("lr", 0.01, 1.0, "Logarithmic", whole=False),
        ChoiceRange("opt", ("adam",)),
        NumberRange("zero", 0, 1, "Linear", whole=False),
    ]


def test_a_grid_has_each_combination_once() -> None:
    space = [ChoiceRange("a", ("1", "2")), ChoiceRange("b", ("x", "y"))]
    tried: list[Trial] = []
    while found := values("Grid", tried, 3, space=space):
        tried += [Trial(one, 0.0, True) for one in found]
    assert [tuple(trial.values.values()) for trial in tried] == [("1", "x"), ("1", "y"), ("2", "x"), ("2", "y")]
    assert grid_size(space) == 4
    with pytest.raises(InvalidTuning, match="only supports categorical"):
        grid_size(SPACE)


@pytest.mark.parametrize("strategy", ["Random", "Bayesian"])
def test_what_comes_next_follows_from_the_seed_and_what_was_tried(strategy: str) -> None:
    trials = [Trial(one, float(number), True) for number, one in enumerate(values("Random", [], 12))]
    assert all(legal(trial.values) for trial in trials)
    again = values(strategy, trials, 3)
    assert again == values(strategy, trials, 3)
    assert again != values(strategy, trials, 3, seed=8)
    assert len({tuple(one.items()) for one in again}) == 3
    assert all(legal(one) for one in again)


def test_random_values_come_one_by_one_as_they_come_together() -> None:
    together = values("Random", [], 4)
    trials: list[Trial] = []
    for _ in range(4):
        trials += [Trial(one, None, False) for one in values("Random", trials)]
    assert [dict(trial.values) for trial in trials] == together


def test_the_model_finds_better_values_than_chance() -> None:
    def loss(found: dict[str, str]) -> float:
        distance = math.log10(float(found["lr"])) + 3
        return distance**2 + (int(found["layers"]) - 5) ** 2 / 4 + (found["opt"] == "sgd")

    def mean_of_last(strategy: str) -> float:
        trials: list[Trial] = []
        for _ in range(40):
            [found] = values(strategy, trials)
            trials.append(Trial(found, loss(found), True))
        return sum(trial.objective or 0.0 for trial in trials[20:]) / 20

    assert mean_of_last("Bayesian") < mean_of_last("Random") / 2


def test_the_model_takes_what_failed_runs_or_belongs_elsewhere() -> None:
    trials = [Trial(one, 1.0, True) for one in values("Random", [], 12)]
    trials += [
        Trial(trials[0].values, None, True),
        Trial(trials[1].values, None, False),
        Trial({"other": "1"}, 2.0, True),
        Trial({**trials[0].values, "opt": "gone"}, 2.0, True),
        Trial({**trials[0].values, "lr": "fast"}, 2.0, True),
    ]
    assert legal(values("Bayesian", trials)[0])


@pytest.mark.parametrize(
    ("curve", "maximize", "expected"),
    [
        ([3.0, 3.0], False, True),  # means up to epoch 2 are 1.5, 2 and 2.5
        ([3.0, 2.0], False, False),
        ([3.0, 2.1], False, True),
        ([3.0, 3.0], True, False),
        ([1.0, 1.0], True, True),
        ([], False, False),
        ([9.0] * 4, False, False),  # nobody has come so far
    ],
)
def test_a_training_falls_behind_the_median(curve: list[float], maximize: bool, expected: bool) -> None:
    others = [[2.0, 1.0, 1.0], [3.0, 1.0, 1.0], [3.0, 2.0, 1.0]]
    assert falls_behind(curve, others, maximize=maximize) is expected
    assert not falls_behind(curve, others[:2], maximize=maximize)


@pytest.mark.parametrize(
    ("curve", "expected"),
    [([5.0], True), ([1.0], False), ([1.0, 1.0], False), ([1.0, 1.0, 9.0], True), ([0.5] * 27, True)],
)
def test_hyperband_keeps_the_best_third_at_each_rung(curve: list[float], expected: bool) -> None:
    others = [[2.0, 2.0, 2.0], [3.0, 3.0, 3.0], [4.0]]
    assert halved_away(curve, others, maximize=False, least=1, most=27) is expected


def test_hyperbands_epochs_are_given_or_inferred() -> None:
    config = {"StrategyConfig": {"HyperbandStrategyConfig": {"MinResource": 2}}}
    assert resources_of(config, {"epochs": '"30"'}) == (2, 30)
    for fixed, message in (({}, "MaxResource"), ({"epochs": "1"}, "must not exceed")):
        with pytest.raises(InvalidTuning, match=message):
            resources_of(config, fixed)


@pytest.mark.parametrize(
    ("objectives", "maximize", "expected"),
    [
        ([], True, 0),
        ([1.0], True, 0),
        ([1.0, 1.005, 1.2, 1.2, 1.21], True, 2),
        ([1.0, 0.9, 0.899, 2.0], False, 2),
        ([0.0, 0.0], True, 1),
    ],
)
def test_an_improvement_is_one_percent_of_the_best(objectives: list[float], maximize: bool, expected: int) -> None:
    assert not_improving(objectives, maximize=maximize) == expected


def test_the_best_and_the_target() -> None:
    objectives = {"a": 1.0, "b": 3.0, "c": 3.0}
    assert (best_of(objectives, maximize=True), best_of(objectives, maximize=False)) == ("b", "a")
    assert best_of({}, maximize=True) is None
    assert reached([1.0, 2.0], 2.0, maximize=True)
    assert not reached([1.0, 2.0], 0.5, maximize=False)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**31 - 1), st.integers(1, 9))
def test_values_at_random_are_legal_whatever_the_seed(seed: int, count: int) -> None:
    assert all(legal(one) for one in values("Random", [], count, seed=seed))
