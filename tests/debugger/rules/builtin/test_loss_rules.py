"""LossNotDecreasing, Overfit, Overtraining and PoorWeightInitialization."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from epochwatch.debugger import ModeKeys, StoreWriter, Trial, create_trial
from epochwatch.debugger.exceptions import InsufficientInformationForRuleInvocation
from tests.debugger.rules.builtin.small_trials import COLLECTIONS, fired, run, values_trial

NAN, INF = float("nan"), float("inf")
TRAIN, EVAL = ModeKeys.TRAIN, ModeKeys.EVAL


def losses_trial(path: Path, losses: Sequence[float] | Mapping[int, float], **others: Any) -> Trial:
    numbered = losses if isinstance(losses, Mapping) else dict(enumerate(losses))
    return values_trial(path, {step: {"loss": loss, **others} for step, loss in numbered.items()})


def phases_trial(path: Path, phases: str, losses: Sequence[float]) -> Trial:
    """A step for each letter: t trains, e evaluates."""
    modes = {step: TRAIN if letter == "t" else EVAL for step, letter in enumerate(phases)}
    return values_trial(path, [{"loss": loss} for loss in losses], modes)


# LossNotDecreasing


@pytest.mark.parametrize(
    ("before", "after", "parameters", "fires"),
    [
        (1.0, 0.99, {}, False),
        (1.0, 0.9991, {}, True),  # 0.09 % lower
        (1.0, 0.95, {"diff_percent": "6"}, True),
        (1.0, 0.93, {"diff_percent": "6"}, False),
        (1.0, 1.0, {}, True),
        (1.0, 1.04, {}, False),  # it may rise a little
        (1.0, 1.06, {}, True),
        (1.0, 1.06, {"increase_threshold_percent": "7"}, False),
        (-1.0, -1.1, {}, False),  # lower is better below zero, too
        (-1.0, -0.9, {}, True),
        (0.0, 0.0, {}, True),
        (0.0, -1.0, {}, False),
        (0.0, 1.0, {}, True),
        (1.0, NAN, {}, True),
        (NAN, 1.0, {}, False),
        (1.0, INF, {}, True),
        (INF, 1.0, {}, False),
        (INF, INF, {}, True),
    ],
)
def test_a_loss_does_not_decrease(
    tmp_path: Path, before: float, after: float, parameters: Any, fires: bool
) -> None:
    trial = losses_trial(tmp_path, {0: before, 10: after})
    assert fired("LossNotDecreasing", trial, **parameters) == ([10] if fires else [])


def test_a_loss_is_looked_at_every_num_steps_against_one_at_least_as_far_behind(tmp_path: Path) -> None:
    trial = losses_trial(tmp_path, dict.fromkeys(range(0, 40, 3), 1.0))
    rule, steps = run("LossNotDecreasing", trial)
    assert steps == [12, 24, 36]
    messages = [found["message"] for found in rule.report["Details"]["violations"]]
    assert [message.rsplit(" ", 1)[1] for message in messages] == ["0", "12", "24"]
    assert fired("LossNotDecreasing", trial, num_steps=3) == list(range(3, 40, 3))


def test_losses_come_from_their_collection_from_others_and_from_patterns(tmp_path: Path) -> None:
    trial = losses_trial(tmp_path, {0: 1.0, 10: 1.0}, cost=1.0, fc_weight=np.ones(3))
    found = [
        [one["tensor"] for one in run("LossNotDecreasing", trial, **parameters)[0].report["Details"]["violations"]]
        for parameters in (
            {},
            {"tensor_regex": "cost,fc"},  # what is no scalar is passed over
            {"tensor_regex": "cost", "use_losses_collection": "False"},
            {"collection_names": "losses", "use_losses_collection": "False"},
        )
    ]
    assert found == [["loss"], ["cost", "loss"], ["cost"], ["loss"]]
    with pytest.raises(InsufficientInformationForRuleInvocation, match="use_losses_collection"):
        run("LossNotDecreasing", trial, use_losses_collection="False")


@pytest.mark.parametrize(
    ("mode", "steps"),
    [
        (None, [5]),  # evaluations before all
        ("EVAL", [5]),
        ("TRAIN", [4]),
        ("GLOBAL", [2, 4, 5]),
    ],
)
def test_losses_of_a_mode_are_compared_with_each_other(tmp_path: Path, mode: str | None, steps: list[int]) -> None:
    trial = phases_trial(tmp_path, "ttette", [9.0, 8.0, 8.5, 7.0, 8.0, 8.5])
    assert fired("LossNotDecreasing", trial, mode=mode, num_steps="1") == steps


def test_losses_that_were_saved_as_scalars(tmp_path: Path) -> None:
    writer = StoreWriter(str(tmp_path), collections=COLLECTIONS)
    for step in range(3):
        writer.write_step(step, scalars={"loss": 1.0, "learning_rate": 0.1})
    writer.end_training()
    assert fired("LossNotDecreasing", create_trial(str(tmp_path)), num_steps=1) == [1, 2]


# Overfit


@pytest.mark.parametrize(
    ("validation", "parameters", "fires"),
    [
        (1.09, {}, False),
        (1.11, {}, True),
        (0.5, {}, False),
        (1.25, {"ratio_threshold": "0.25"}, False),  # not above
        (1.26, {"ratio_threshold": "0.25"}, True),
        (NAN, {}, False),
    ],
)
def test_the_validation_loss_leaves_the_training_loss_behind(
    tmp_path: Path, validation: float, parameters: Any, fires: bool
) -> None:
    by_mode = phases_trial(tmp_path / "modes", "te", [1.0, validation])
    assert fired("Overfit", by_mode, **parameters) == ([1] if fires else [])
    names = {"train-rmse": 1.0, "validation-rmse": validation}
    by_name = values_trial(tmp_path / "names", [names])
    assert fired("Overfit", by_name, tensor_regex="rmse", **parameters) == ([0] if fires else [])
    assert fired("Overfit", by_name, **parameters) == ([0] if fires else [])  # no collection has them: all scalars


def test_the_losses_of_a_phase_are_averaged(tmp_path: Path) -> None:
    #                            train: 3, then 1   validation: 1, then 1.5
    trial = phases_trial(tmp_path, "tteette", [4.0, 2.0, 1.0, 3.2, 0.5, 1.5, 1.5])
    rule, steps = run("Overfit", trial)
    assert (steps, rule.report["Datapoints"]) == ([6], 3)
    assert "1.5 and the mean training loss 1:" in rule.report["Details"]["violations"][0]["message"]


def test_overfitting_waits_for_its_patience_and_for_its_start(tmp_path: Path) -> None:
    trial = phases_trial(tmp_path, "tetetete", [1, 2, 1, 2, 1, 1, 1, 2])
    assert fired("Overfit", trial) == [1, 3, 7]
    assert fired("Overfit", trial, patience="2") == [3]
    assert fired("Overfit", trial, start_step="4") == [7]


# Overtraining


def test_training_on_without_getting_better(tmp_path: Path) -> None:
    trial = phases_trial(tmp_path, "te" * 6, [1, 5, 0.5, 5, 0.495, 5, 0.5, 5, 0.49, 5, 0.5, 5])
    assert fired("Overtraining", trial, patience_train=4, patience_validation=5) == [11]
    assert fired("Overtraining", trial, patience_train=4, patience_validation=3) == [10, 11]
    assert fired("Overtraining", trial, patience_train=3, patience_validation=3) == [8, 9, 10, 11]
    assert fired("Overtraining", trial, patience_train=5, patience_validation=3) == []
    assert fired("Overtraining", trial, patience_train=3, patience_validation=3, delta=0.004) == []


def test_a_training_without_validation_is_judged_by_itself(tmp_path: Path) -> None:
    trial = phases_trial(tmp_path, "t" * 7, [1.0] * 7)
    assert fired("Overtraining", trial) == [5, 6]


# PoorWeightInitialization


GOOD_GRADIENT = np.linspace(-1, 1, 100)


@pytest.mark.parametrize(
    ("tensors", "parameters", "fires"),
    [
        ({"a_relu_input": [-1.0, 1.0], "b_relu_input": [-3.0, 3.0]}, {}, False),  # variances of 1 and 9
        ({"a_relu_input": [-1.0, 1.0], "b_relu_input": [-4.0, 4.0]}, {}, True),
        ({"a_relu_input": [-1.0, 1.0], "b_relu_input": [-4.0, 4.0]}, {"threshold": "16"}, False),
        ({"a_relu_input": [0.0, 0.0], "b_relu_input": [-4.0, 4.0]}, {}, True),
        ({"a_relu_input": [0.0, 0.0], "b_relu_input": [1.0, 1.0]}, {}, False),
        ({"a_relu_input": [NAN, 0.0], "b_relu_input": [-4.0, 4.0]}, {}, False),
        ({"a_in": [-1.0, 1.0], "b_in": [-4.0, 4.0]}, {"activation_inputs_regex": "_in$"}, True),
        ({"gradient/a": GOOD_GRADIENT}, {}, False),
        ({"gradient/a": GOOD_GRADIENT, "gradient/b": GOOD_GRADIENT * 5e-4}, {}, True),  # 9e-4 apart
        ({"gradient/a": GOOD_GRADIENT}, {"distribution_range": "1.81"}, True),
        ({"gradient/a": GOOD_GRADIENT}, {"distribution_range": "1.79"}, False),
    ],
)
def test_weights_are_poorly_initialized(tmp_path: Path, tensors: Any, parameters: Any, fires: bool) -> None:
    assert bool(fired("PoorWeightInitialization", values_trial(tmp_path, [tensors]), **parameters)) is fires


def test_a_loss_that_does_not_go_down_at_first(tmp_path: Path) -> None:
    trial = losses_trial(tmp_path, [1.0, 0.9, *[0.95] * 20])
    assert fired("PoorWeightInitialization", trial) == [
        6,
        7,
        8,
        9,
    ]  # five steps after the best; only the first ten
    assert fired("PoorWeightInitialization", trial, patience="2", steps="5") == [3, 4]
