"""The hook for Keras, in real trainings with its two back ends: a trial says what NumPy makes of the same weights."""

import math
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from epochwatch.debugger import Trial, modes
from tests.debugger.hooks.peer_training import Trained, train

both = pytest.mark.parametrize("back_end", ["jax", "torch"])


Learn = Callable[[str, str], Trained]


@cache
def trained(back_end: str, directory: Path) -> Trained:
    return train("keras", "train_keras.py", directory / back_end, environment={"KERAS_BACKEND": back_end})


@pytest.fixture(scope="module")
def learn(tmp_path_factory: pytest.TempPathFactory) -> Learn:
    """What a way to train printed and saved; all ways of a back end are of one process."""
    directory = tmp_path_factory.mktemp("keras")

    def learn(way: str, back_end: str) -> Trained:
        found = trained(back_end, directory)
        return Trained(found.truth[way], found.messages, found.directory / way)

    return learn


def series(trial: Trial, name: str, mode: modes = modes.TRAIN) -> list[float]:
    return [float(value) for value in trial.tensor(name).values(mode).values()]


def holds(trial: Trial, steps: list[dict[str, Any]], due: list[int], model: str = "Sequential") -> None:
    """Whether losses, norms and the statistics of the first layer are those of NumPy."""
    assert trial.steps(modes.TRAIN) == list(range(len(steps)))
    assert series(trial, "loss") == pytest.approx([one["loss"] for one in steps], rel=1e-3)
    assert series(trial, "gradient_norm") == pytest.approx([one["norm"] for one in steps], rel=1e-3)
    for kind, prefix in ("gradient", "gradient/"), ("weight", ""):
        tensor = trial.tensor(f"{prefix}{model}_fc1.kernel")
        assert tensor.steps(modes.TRAIN) == due
        for step in due:
            for name, value in steps[step][kind].items():
                reduction, absolute = name.removeprefix("abs_"), name.startswith("abs_")
                found = tensor.reduction_value(step, reduction, modes.TRAIN, abs=absolute)
                assert found == pytest.approx(value, rel=1e-3, abs=1e-5), (step, kind, name)
            assert tensor.reduction_value(step, "size", modes.TRAIN) == 40


@both
def test_a_fit_is_saved_as_it_was_computed_and_its_validation_as_another_phase(
    learn: Learn, back_end: str
) -> None:
    found = learn("plain", back_end)
    trial, truth = found.trial, found.truth

    holds(trial, truth["steps"], [0, 10, 20])
    assert set(series(trial, "learning_rate")) == {0.125}
    assert series(trial, "mae")[-1] == pytest.approx(truth["mae"], rel=1e-5), (
        "of the epoch so far, as Keras has it"
    )
    assert series(trial, "loss", modes.EVAL) == pytest.approx(truth["held_out"], rel=1e-4)
    assert trial.tensor_names(collection="weights") == ["Sequential_fc1.kernel", "Sequential_fc2.kernel"]
    assert trial.tensor_names(collection="biases") == ["Sequential_fc1.bias", "Sequential_fc2.bias"]
    assert trial.tensor_names(collection="losses") == ["loss"]
    metrics = ["gradient_norm", "learning_rate", "loss", "mae", "step_seconds"]
    assert trial.tensor_names(collection="metrics") == metrics
    assert truth["messages"] == []


@both
def test_a_training_is_the_same_to_the_bit_and_traced_as_often_with_and_without_the_hook(
    learn: Learn, back_end: str
) -> None:
    found = learn("bare", back_end)

    assert found.truth["same"]
    without, watched = found.truth["traces"]
    assert watched == without
    assert found.trial.steps(modes.TRAIN) == list(range(42)), "steps go on in the second fit"


@both
@pytest.mark.parametrize("way", ["accumulated", "scaled", "eager", "subclassed"])
def test_other_ways_to_train_are_saved_as_they_were_computed(learn: Learn, back_end: str, way: str) -> None:
    found = learn(way, back_end)
    trial, truth = found.trial, found.truth

    assert truth["messages"] == []
    if way != "scaled":
        due = {"accumulated": list(range(7))}.get(way, [0, 10, 20])
        holds(trial, truth["steps"], due, "Own" if way == "subclassed" else "Sequential")
        return
    whole = [step for step in range(21) if step != 1]
    norms = trial.tensor("gradient_norm").values()
    assert not math.isfinite(float(norms.pop(1)))
    assert [float(norms[step]) for step in whole] == pytest.approx(
        [one["norm"] for one in truth["steps"]], rel=1e-3
    )
    skipped = trial.tensor("step_skipped").values()
    assert [step for step, value in skipped.items() if value] == [1]
    assert trial.tensor("gradient/Sequential_fc1.kernel").reduction_value(1, "nans") > 0


def test_batches_that_one_call_takes_are_a_step_each(learn: Learn) -> None:
    found = learn("several", "jax")

    holds(found.trial, found.truth["steps"], [0, 10, 20])


@both
def test_evaluating_and_predicting_are_phases_of_their_own(learn: Learn, back_end: str) -> None:
    found = learn("phases", back_end)
    trial = found.trial

    assert [len(trial.steps(mode)) for mode in (modes.EVAL, modes.PREDICT, modes.TRAIN)] == [3, 4, 1]
    assert series(trial, "loss", modes.EVAL)[0] == pytest.approx(found.truth["loss"], rel=1e-4)
    assert series(trial, "loss") == pytest.approx([found.truth["loss"]], rel=1e-4)


@both
def test_tensors_are_saved_whole_with_shapes_and_reductions_where_that_is_configured(
    learn: Learn, back_end: str
) -> None:
    found = learn("configured", back_end)
    gradient = found.trial.tensor("gradient/Sequential_fc1.kernel")
    weight = found.trial.tensor("Sequential_fc1.kernel")

    assert gradient.value(0) == pytest.approx(np.array(found.truth["gradient"]), rel=1e-3, abs=1e-5)
    assert (gradient.shape(0), gradient.steps()) == ((5, 8), [0, 10, 20])
    assert gradient.reduction_value(0, "median") == pytest.approx(np.median(gradient.value(0)))
    assert weight.value(10) == pytest.approx(np.array(found.truth["weight"])), "as the step left it"


@both
def test_a_hook_that_fails_says_so_once_and_the_training_goes_on(learn: Learn, back_end: str) -> None:
    truth = learn("broken", back_end).truth

    assert truth["same"]
    assert truth["messages"] == ["no more tensors are saved: MemoryError: no room"]


@pytest.mark.parametrize("way", ["loop", "compiled"])
def test_pytorchs_own_loops_and_compiled_functions_are_saved(learn: Learn, way: str) -> None:
    found = learn(way, "torch")
    trial, truth = found.trial, found.truth

    assert truth["messages"] == []
    norms = [one["norm"] for one in truth["steps"]]
    assert series(trial, "gradient_norm") == pytest.approx(norms, rel=1e-3)
    changed = truth["steps"][0]["weight"]["update_l2"]
    assert trial.tensor("Sequential_fc1.kernel").reduction_value(0, "update_l2") == pytest.approx(
        changed, rel=1e-3
    )
