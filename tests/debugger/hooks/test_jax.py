"""The hook for JAX: statistics that an optimizer of Optax computes within the compiled step."""

from pathlib import Path

import numpy as np
import pytest

from tests.debugger.hooks.peer_training import Trained, train


def learn(directory: Path, way: str) -> Trained:
    return train("jax", "train_jax.py", directory / "trial", way)


def test_statistics_of_the_compiled_step_are_those_of_numpy(tmp_path: Path) -> None:
    found = learn(tmp_path, "plain")
    trial = found.trial

    steps = found.truth["steps"]
    for step, truth in enumerate(steps):
        assert trial.tensor("loss").value(step) == pytest.approx(truth["loss"], rel=1e-5)
        assert trial.tensor("gradient_norm").value(step) == pytest.approx(truth["gradient_norm"], rel=1e-5)
        assert trial.tensor("learning_rate").value(step) == 0.125
    for step in (0, 10, 20):
        for name, value in steps[step]["gradient"].items():
            saved = trial.tensor("gradient/fc1.kernel").reduction_value(step, name)
            assert saved == pytest.approx(value, rel=1e-4, abs=1e-6)
        saved = trial.tensor("fc1.kernel").reduction_values(step)
        for name, value in steps[step]["weight"].items():
            assert saved[name, False] == pytest.approx(value, rel=1e-4)
        assert saved["size", False] == 40
    assert trial.tensor("fc1.kernel").steps() == [0, 10, 20]
    assert trial.tensor_names(collection="biases") == ["fc1.bias"]
    assert trial.tensor_names(collection="weights") == ["fc1.kernel", "fc2.kernel"]
    assert found.truth["same"], "the training is the same to the bit without the hook"


def test_a_state_that_was_restored_goes_on(tmp_path: Path) -> None:
    found = learn(tmp_path, "resumed")
    trial = found.trial

    assert trial.steps() == list(range(14))
    assert trial.tensor("gradient/Net_fc1.kernel").steps() == [3, 13], "steps 10 and 20 of the optimizer"
    for step in (3, 13):
        saved = trial.tensor("gradient/Net_fc1.kernel").reduction_value(step, "l2")
        assert saved == pytest.approx(found.truth["steps"][step]["gradient"]["l2"], rel=1e-4)


def test_what_is_not_finite_is_counted(tmp_path: Path) -> None:
    saved = learn(tmp_path, "exploded").trial.tensor("gradient/fc1.kernel").reduction_values(0)

    assert (saved["nans", False], saved["infs", False], saved["size", False]) == (40, 0, 40)
    assert np.isnan(saved["mean", False])


def test_arrays_and_reductions_are_saved_where_they_are_given_and_configured(tmp_path: Path) -> None:
    found = learn(tmp_path, "raw")
    tensor = found.trial.tensor("gradient/fc1.kernel")

    array = tensor.value(0)
    assert array.shape == (5, 8)
    assert np.linalg.norm(array) == pytest.approx(found.truth["steps"][0]["gradient"]["l2"], rel=1e-5)
    assert tensor.reduction_value(0, "median") == pytest.approx(np.median(array))
    assert not found.trial.has_tensor("fc1.kernel")


def test_optimizers_of_flax_hold_the_state(tmp_path: Path) -> None:
    found = learn(tmp_path, "flax")

    weight = found.trial.tensor("Net_layers.0.kernel")
    assert weight.steps() == [0, 10]
    assert weight.reduction_value(10, "l2") == pytest.approx(found.truth["l2"], rel=1e-5)
