"""PyTorch's hook, in real trainings: what the trial says is what the training saw."""

import math
from pathlib import Path

import numpy as np
import pytest

from epochwatch.debugger import Trial, create_trial, modes
from epochwatch.debugger.reductions import REDUCTIONS, reduce
from epochwatch.debugger.rules.diagnosis import diagnose
from tests.debugger.hooks.peer_training import Trained, train


def trained(directory: Path, name: str) -> Trained:
    return train("torch", "train_torch.py", directory / "trial", name)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    return trained(tmp_path_factory.mktemp("plain"), "plain")


def series(trial: Trial, name: str, mode: modes = modes.TRAIN) -> list[float]:
    return [float(value) for value in trial.tensor(name).values(mode).values()]


def statistic(trial: Trial, name: str, column: str) -> list[float]:
    tensor = trial.tensor(name)
    return [float(tensor.reduction_value(step, column)) for step in tensor.steps()]


def test_loss_rate_and_the_norm_before_clipping_are_saved_at_each_step(plain: Trained) -> None:
    trial, truth = plain.trial, plain.truth
    assert trial.steps(modes.TRAIN) == list(range(21))
    assert series(trial, "loss") == pytest.approx(truth["loss"])
    assert series(trial, "CrossEntropyLoss_output_0") == pytest.approx(truth["loss"])
    assert series(trial, "learning_rate") == pytest.approx(truth["rate"])
    assert series(trial, "gradient_norm") == pytest.approx(truth["norm"], rel=1e-5)
    assert trial.loaded_all_steps


def test_gradients_and_weights_are_measured_at_each_tenth_step(plain: Trained) -> None:
    trial, truth = plain.trial, plain.truth
    assert trial.tensor("gradient/Net_fc1.weight").steps(modes.TRAIN) == [0, 10, 20]
    for name, column, expected in (
        ("gradient/Net_fc1.weight", "l2", "clipped"),
        ("gradient/Net_fc1.weight", "mean", "mean"),
        ("Net_fc1.weight", "l2", "weight"),
        ("Net_fc1.weight", "update_l2", "update"),
    ):
        assert statistic(trial, name, column) == pytest.approx(truth[expected][::10], rel=1e-4, abs=1e-9)
    assert set(statistic(trial, "Net_norm.weight", "size")) == {16}
    names = [f"gradient/Net_{layer}.{kind}" for layer in ("fc1", "fc2", "norm") for kind in ("bias", "weight")]
    assert trial.tensor_names(collection="gradients") == names
    weights = ["Net_fc1.weight", "Net_fc2.weight", "Net_norm.weight"]
    assert trial.tensor_names(collection="weights") == weights


def test_what_the_criterion_is_given_is_measured_and_parameters_no_optimizer_has(tmp_path: Path) -> None:
    trial = trained(tmp_path, "forgotten").trial
    labels, logits = (trial.tensor(f"CrossEntropyLoss_input_{place}") for place in (1, 0))
    assert [float(labels.reduction_value(step, "mean")) for step in (0, 10, 20, 30, 40)] == [0, 3, 0, 3, 0]
    assert float(logits.reduction_value(0, "size")) == 32 * 4
    assert statistic(trial, "Net_fc1.weight", "update_l2") == [0.0] * 39  # from the second step on
    assert min(statistic(trial, "gradient/Net_fc1.weight", "l2")) > 0
    found = {finding.rule for cause in diagnose(trial).causes for finding in (cause.finding, *cause.consequences)}
    assert {"FrozenParameters", "NotShuffled"} <= found


def test_steps_of_an_evaluation_are_told_from_those_of_the_training(plain: Trained) -> None:
    trial, truth = plain.trial, plain.truth
    assert trial.steps(modes.EVAL) == list(range(6))
    assert series(trial, "loss", modes.EVAL) == pytest.approx(truth["eval"])
    assert [trial.mode(step).name for step in (9, 10, 12, 13)] == ["TRAIN", "EVAL", "EVAL", "TRAIN"]


def test_phases_that_a_script_tells_have_their_steps_and_a_derived_optimizer_steps_once(tmp_path: Path) -> None:
    found = trained(tmp_path, "told")
    trial, truth = found.trial, found.truth
    assert (trial.steps(modes.TRAIN), trial.steps(modes.EVAL)) == (list(range(12)), list(range(6)))
    assert series(trial, "loss") == pytest.approx(truth["loss"])
    assert series(trial, "loss", modes.EVAL) == pytest.approx(truth["eval"])
    assert trial.tensor("gradient/Net_fc1.weight").steps(modes.TRAIN) == list(range(12))


def test_a_training_is_the_same_to_the_bit_with_and_without_the_hook(tmp_path: Path) -> None:
    truth = trained(tmp_path, "bare").truth
    assert truth["watched"] == truth["bare"]


def test_scaled_losses_are_shown_as_they_are_and_a_step_left_out_is_one(tmp_path: Path) -> None:
    found = trained(tmp_path, "scaled")
    trial, truth = found.trial, found.truth
    assert series(trial, "loss") == pytest.approx(truth["loss"])
    assert trial.tensor("step_skipped").steps() == [3]
    norms = series(trial, "gradient_norm")
    assert norms == pytest.approx(truth["norm"], rel=1e-4, nan_ok=True)
    name = "gradient/Net_fc1.weight"
    assert (statistic(trial, name, "nans"), statistic(trial, name, "infs")) == (
        [0, 0, 0, 1, 0, 0],
        [0, 0, 0, 1, 0, 0],
    )
    assert all(math.isfinite(value) for value in statistic(trial, name, "l2"))


def test_gradients_that_add_up_are_read_once_they_are_whole(tmp_path: Path) -> None:
    found = trained(tmp_path, "accumulated")
    assert found.trial.steps() == [0, 1, 2, 3]
    assert series(found.trial, "gradient_norm") == pytest.approx(found.truth["norm"], rel=1e-5)
    assert series(found.trial, "loss") == pytest.approx(found.truth["loss"], rel=1e-5)


def test_a_step_of_two_models_holds_both(tmp_path: Path) -> None:
    trial = trained(tmp_path, "adversarial").trial
    assert trial.steps() == [0, 1, 2, 3]  # the second model's last step comes after the first's
    assert {"gradient/Net_fc1.weight", "gradient/Net_1_fc1.weight"} <= set(trial.tensor_names())


def test_raw_tensors_reductions_activations_and_states_are_saved_where_asked(tmp_path: Path) -> None:
    found = trained(tmp_path, "configured")
    trial, truth = found.trial, found.truth
    weight, given = trial.tensor("Net_fc1.weight"), trial.tensor("fc1_input_0")
    assert trial.steps(modes.PREDICT) == [0, 1, 2, 3]
    assert weight.steps() == given.steps() == [0, 2]
    for step in (0, 2):
        assert weight.value(step).tolist() == truth["weight"][step]
        assert given.value(step).tolist() == truth["input"][step]
    assert statistic(trial, "Net_output_0", "l2") == pytest.approx(
        [truth["output"][0], truth["output"][2]], rel=1e-2
    )
    state = statistic(trial, "optimizer/Net_fc1.weight/exp_avg", "l2")
    assert state == pytest.approx([truth["state"][0], truth["state"][2]], rel=1e-4)
    gradient = trial.tensor("gradient/Net_fc1.weight")
    assert gradient.shape(2) == (16, 8)
    for name in REDUCTIONS:
        for absolute in (False, True):
            expected = reduce(name, np.array(truth["gradient"][2], np.float32), absolute)
            assert gradient.reduction_value(2, name, abs=absolute) == pytest.approx(expected, rel=1e-4, abs=1e-7)
    assert trial.tensor("labels").value(1).shape == (32,)
    assert trial.tensor("scalar/mine").value(1).shape == ()


def test_a_compiled_graph_stays_whole_with_all_inputs_and_outputs_watched(tmp_path: Path) -> None:
    found = trained(tmp_path, "compiled")
    trial, truth = found.trial, found.truth
    assert (truth["breaks"], truth["graphs"]) == ({}, 1)
    assert series(trial, "loss") == pytest.approx(truth["loss"])
    assert series(trial, "gradient_norm") == pytest.approx(truth["norm"], rel=1e-5)
    assert statistic(trial, "fc1_output_0", "l2") == pytest.approx(truth["output"][::2], rel=1e-5)


@pytest.fixture(scope="module")
def combined(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Two batches a step under autocast: checkpointed, by a fused optimizer, compiled to machine code."""
    return trained(tmp_path_factory.mktemp("combined"), "combined")


@pytest.mark.parametrize("way", ["checkpointed", "reentrant", "fused", "inductor"])
def test_ways_to_save_memory_and_time_are_seen_as_they_are(combined: Trained, way: str) -> None:
    trial, truth = create_trial(str(combined.directory / way)), combined.truth[way]
    assert trial.steps(modes.TRAIN) == [0, 1, 2, 3]
    assert series(trial, "loss") == pytest.approx(truth["loss"], rel=1e-3)
    assert series(trial, "gradient_norm") == pytest.approx(truth["norm"], rel=1e-4, nan_ok=True)
    assert statistic(trial, "Net_fc1.weight", "update_l2") == pytest.approx(truth["update"], rel=1e-3, abs=1e-7)
    assert statistic(trial, "Net_output_0", "l2") == pytest.approx(truth["output"], rel=1e-2)
    whole = [step for step in range(4) if math.isfinite(truth["norm"][step])]
    squares = [
        sum(statistic(trial, name, "l2")[step] ** 2 for name in trial.tensor_names(collection="gradients"))
        for step in whole
    ]
    assert [math.sqrt(one) for one in squares] == pytest.approx([truth["norm"][step] for step in whole], rel=1e-3)
    assert (trial.tensor("step_skipped").steps() if way == "fused" else [2]) == [2]


def test_statistics_are_of_what_is_finite_on_the_host_and_on_a_device(tmp_path: Path) -> None:
    for name, (values, *measured) in trained(tmp_path, "measured").truth.items():
        whole = np.array(values, np.float64)
        finite = whole[np.isfinite(whole)]
        expected: dict[str, float] = {
            "size": whole.size,
            "zeros": (whole == 0).sum(),
            "nans": np.isnan(whole).sum(),
            "infs": np.isinf(whole).sum(),
        }
        rules = ("mean", "std", "min", "max", "l2", "abs_mean", "abs_max")
        for column in rules:
            reduction, absolute = column.removeprefix("abs_"), column.startswith("abs_")
            expected[column] = float(reduce(reduction, finite, absolute)) if finite.size else math.nan
        scale = max(abs(finite), default=0.0)
        for found in measured:
            assert found == pytest.approx(expected, rel=1e-4, abs=1e-6 * scale, nan_ok=True), name


def test_a_hook_that_fails_says_so_once_and_the_training_goes_on(tmp_path: Path, plain: Trained) -> None:
    truth = trained(tmp_path, "failing").truth
    assert truth["digest"] == plain.truth["digest"]
    assert truth["messages"] == ["no more tensors are saved: MemoryError: no room"]
