"""A trial is read as smdebug reads it, and where smdebug goes wrong, as it is documented."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from epochwatch.debugger import (
    Collection,
    ModeKeys,
    SmdebugWriter,
    StepState,
    Trial,
    create_trial,
    modes,
    no_refresh,
    refresh,
)
from epochwatch.debugger.exceptions import (
    InvalidWorker,
    MissingCollectionFiles,
    NoMoreData,
    ShapeUnavailableForStep,
    SMDebugNotImplementedError,
    SMDebugTypeError,
    SMDebugValueError,
    StepNotYetAvailable,
    StepUnavailable,
    TensorUnavailable,
    TensorUnavailableForStep,
)
from epochwatch.debugger.smdebug import layout

WEIGHT = np.arange(12, dtype=np.float32).reshape(2, 3, 2)


@pytest.fixture
def directory(tmp_path: Path) -> str:
    """Ten global steps: TRAIN at the even ones, EVAL at the odd ones."""
    weights, losses = Collection("weights", ["weight$"]), Collection("losses", [], {"loss"})
    writer = SmdebugWriter(str(tmp_path), collections=[weights, losses])
    for step in range(10):
        tensors: dict[str, Any] = {"loss": np.float64(10 - step)}
        if step % 2 == 0:
            tensors |= {"conv.weight": WEIGHT + step}
        writer.write_step(
            step,
            tensors,
            mode=ModeKeys.EVAL if step % 2 else ModeKeys.TRAIN,
            mode_step=step // 2,
            reductions={"conv.bias": {("max", True): np.float32(step)}} if step < 4 else {},
            shapes={"shape_only": (3, 4)} if step == 0 else {},
        )
    return str(tmp_path)


@pytest.fixture
def trial(directory: str) -> Trial:
    return create_trial(directory)


def end(directory: str) -> None:
    (Path(directory) / layout.END_OF_JOB).touch()


def test_names_by_step_mode_pattern_and_collection(trial: Trial) -> None:
    assert trial.tensor_names() == ["conv.bias", "conv.weight", "loss", "shape_only"]
    assert trial.tensor_names(step=5) == ["loss"]
    assert trial.tensor_names(mode=modes.EVAL) == ["conv.bias", "loss"]
    assert trial.tensor_names(step=2, mode=modes.TRAIN) == ["conv.weight", "loss"]
    assert trial.tensor_names(step=77, mode=modes.TRAIN) == []
    assert trial.tensor_names(mode=modes.PREDICT) == []
    assert trial.tensor_names(regex="weight") == ["conv.weight"]
    assert trial.tensor_names(regex=["^lo", ["bias"]]) == ["conv.bias", "loss"]
    assert trial.tensor_names(collection="weights") == ["conv.weight"]
    assert trial.tensor_names(collection=trial.collection("losses"), step=3) == ["loss"]
    assert trial.tensor_names(collection="unheard of") == []
    assert [tensor.name for tensor in trial.tensors(regex="conv")] == ["conv.bias", "conv.weight"]
    with pytest.raises(ValueError, match="Only one of `regex` or `collection`"):
        trial.tensor_names(regex="a", collection="weights")
    with pytest.raises(SMDebugTypeError):
        trial.tensor_names(collection=3)  # type: ignore[arg-type]


def test_steps_of_modes_and_of_all(trial: Trial) -> None:
    assert trial.steps() == list(range(10))
    assert trial.steps(modes.TRAIN) == trial.steps(modes.EVAL) == list(range(5))
    assert trial.steps(modes.PREDICT) == []
    assert set(trial.modes()) == {modes.TRAIN, modes.EVAL}
    assert (trial.mode(7), trial.mode_step(7), trial.global_step(modes.EVAL, 3)) == (modes.EVAL, 3, 7)
    assert (trial.mode_modestep(99), trial.global_step(modes.EVAL, 99)) == ((None, None), None)
    weight = trial.tensor("conv.weight")
    assert (weight.steps(), weight.steps(modes.TRAIN), weight.steps(modes.EVAL)) == (
        [0, 2, 4, 6, 8],
        [0, 1, 2, 3, 4],
        [],
    )
    assert (weight.prev_steps(5, 2), weight.prev_steps(4), weight.prev_steps(1, 3, modes.TRAIN)) == (
        [2, 4],
        [0, 2, 4],
        [0, 1],
    )


def test_values_shapes_and_workers(trial: Trial) -> None:
    weight = trial.tensor("conv.weight")
    np.testing.assert_array_equal(weight.value(2, modes.TRAIN), WEIGHT + 4)
    np.testing.assert_array_equal(weight.value(4, worker="worker_0"), WEIGHT + 4)
    assert list(weight.values()) == [0, 2, 4, 6, 8]
    assert {step: float(value) for step, value in trial.tensor("loss").values(modes.EVAL).items()} == {
        0: 9, 1: 7, 2: 5, 3: 3, 4: 1,
    }  # fmt: skip
    assert (weight.shape(0), trial.tensor("shape_only").shape(0)) == ((2, 3, 2), (3, 4))
    assert weight.shapes(modes.TRAIN) == dict.fromkeys(range(5), (2, 3, 2))
    assert (weight.workers(0), trial.workers()) == (["worker_0"], ["worker_0"])
    with pytest.raises(InvalidWorker, match="Invalid Worker: worker_9"):
        weight.value(0, worker="worker_9")


@pytest.mark.parametrize(
    ("reduction", "absolute", "expected"),
    [
        ("min", False, -2.0), ("min", True, 0.0), ("max", False, 9.0), ("mean", False, 3.5), ("median", False, 3.5),
        ("sum", False, 42.0), ("prod", False, 0.0), ("variance", False, 143 / 12), ("std", False, (143 / 12) ** 0.5),
        ("l1", False, 48.0), ("l1", True, 48.0), ("l2", False, 290**0.5),
    ],
)  # fmt: skip
def test_a_reduction_that_was_not_saved_is_that_of_the_tensor_as_one_vector(
    tmp_path: Path, reduction: str, absolute: bool, expected: float
) -> None:
    SmdebugWriter(str(tmp_path)).write_step(0, {"t": WEIGHT - 2, "half": (WEIGHT - 2).astype(np.float16)})
    trial = create_trial(str(tmp_path))
    for name in ("t", "half"):
        assert float(trial.tensor(name).reduction_value(0, reduction, abs=absolute)) == pytest.approx(expected)


def test_saved_reductions_are_read_and_others_need_the_value(trial: Trial) -> None:
    bias = trial.tensor("conv.bias")
    assert {key: float(value) for key, value in bias.reduction_values(3).items()} == {("max", True): 3.0}
    assert float(bias.reduction_value(1, "max", modes.TRAIN, abs=True)) == 2.0
    with pytest.raises(TensorUnavailableForStep, match="You might want to query for the reductions"):
        bias.value(0)
    with pytest.raises(TensorUnavailableForStep, match="Value for tensor mean is not available for step 0"):
        bias.reduction_value(0, "mean")
    with pytest.raises(SMDebugValueError, match="Invalid reduction type mode"):
        trial.tensor("loss").reduction_value(0, "mode")
    with pytest.raises(ShapeUnavailableForStep):
        bias.shape(0)


def test_what_is_absent_says_whether_it_may_still_come(directory: str) -> None:
    trial = create_trial(directory)
    with pytest.raises(TensorUnavailable, match=r"Tensor nothing was not saved\."):
        trial.tensor("nothing")
    weight = trial.tensor("conv.weight")
    with pytest.raises(TensorUnavailableForStep):
        weight.value(1)
    with pytest.raises(TensorUnavailableForStep):
        weight.workers(1)
    with pytest.raises(StepNotYetAvailable, match="Step 10 of mode GLOBAL not yet available"):
        weight.value(10)
    assert trial.has_passed_step(10) is StepState.NOT_YET_AVAILABLE
    end(directory)
    with pytest.raises(StepUnavailable, match="Step 10 of mode GLOBAL is not available as it was not saved"):
        weight.value(10)
    assert trial.loaded_all_steps
    assert trial.has_passed_step(10) is StepState.UNAVAILABLE
    with pytest.raises(NoMoreData, match="Looking for step 10 of mode GLOBAL and reached end of training"):
        trial.wait_for_steps([9, 10])


def test_a_step_that_was_passed_over_will_not_come(tmp_path: Path) -> None:
    writer = SmdebugWriter(str(tmp_path))
    for step in (0, 10):
        writer.write_step(step, {"t": np.ones(1)})
    trial = create_trial(str(tmp_path))
    assert trial.has_passed_step(5) is StepState.UNAVAILABLE
    assert trial.has_passed_step(10) is StepState.AVAILABLE
    with pytest.raises(StepUnavailable):
        trial.wait_for_steps([0, 5])


def test_a_step_is_complete_when_all_workers_wrote_it_or_a_later_one(tmp_path: Path) -> None:
    first, second = (SmdebugWriter(str(tmp_path), f"worker_{rank}", num_workers=2) for rank in range(2))
    trial = create_trial(str(tmp_path))
    assert trial.workers() == ["worker_0", "worker_1"]
    for step in range(3):
        first.write_step(step, {"t": np.full(1, step)})
    assert (trial.steps(), trial.steps(show_incomplete_steps=True)) == ([], [0, 1, 2])
    tensor = trial.tensor("t")
    assert (tensor.steps(), tensor.steps(show_incomplete_steps=True)) == ([], [0, 1, 2])
    assert trial.has_passed_step(1) is StepState.NOT_YET_AVAILABLE
    second.write_step(1, {"t": np.full(1, -1)})
    assert (trial.steps(), tensor.steps()) == ([0, 1], [0, 1])
    assert trial.has_passed_step(0) is StepState.AVAILABLE
    assert (tensor.value(1, worker="worker_1")[0], tensor.value(1)[0]) == (-1, 1)
    first.end_training()
    assert trial.steps() == [0, 1, 2]


def test_a_worker_that_stopped_holds_up_only_so_many_steps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SMDEBUG_INCOMPLETE_STEP_WAIT_WINDOW", "10")
    first, _ = (SmdebugWriter(str(tmp_path), f"worker_{rank}", num_workers=2) for rank in range(2))
    trial = create_trial(str(tmp_path))
    for step in range(10):
        first.write_step(step, {"t": np.ones(1)})
    assert trial.steps() == []
    first.write_step(10, {"t": np.ones(1)})
    assert trial.steps() == [0, 1, 2, 3, 4]


def test_a_trial_of_a_training_that_ended_without_all_collections_is_none(tmp_path: Path) -> None:
    SmdebugWriter(str(tmp_path), num_workers=2).end_training()
    with pytest.raises(MissingCollectionFiles):
        create_trial(str(tmp_path))


def test_steps_are_waited_for_while_the_training_writes_them(tmp_path: Path) -> None:
    writer = SmdebugWriter(str(tmp_path))
    trial = create_trial(str(tmp_path))
    later = threading.Timer(0.2, lambda: writer.write_step(3, {"t": np.ones(1)}))
    later.start()
    trial.wait_for_steps([3])
    later.join()
    assert trial.tensor_names() == ["t"]


def test_a_trial_shows_no_news_where_refreshing_is_off(tmp_path: Path) -> None:
    writer = SmdebugWriter(str(tmp_path))
    trial = create_trial(str(tmp_path))
    writer.write_step(0, {"t": np.ones(1)})
    with no_refresh(trial):
        assert trial.steps() == []
        with refresh([trial]):
            assert trial.steps() == [0]
        writer.write_step(1, {"t": np.ones(1)})
        assert trial.steps() == [0]
    assert trial.steps() == [0, 1]


def test_a_trial_may_be_kept_to_a_range_of_steps(directory: str) -> None:
    assert create_trial(directory, range_steps=(3, 6)).steps() == [3, 4, 5]
    assert create_trial(directory, range_steps=(8, None)).steps() == [8, 9]
    for wrong in ((3, 3), (-1, None), (None, "4")):
        with pytest.raises(SMDebugValueError):
            create_trial(directory, range_steps=wrong)  # type: ignore[arg-type]


def test_what_is_not_read_here_is_refused(directory: str) -> None:
    with pytest.raises(SMDebugNotImplementedError):
        create_trial(directory, index_mode=False)


def test_many_workers_begin_and_end_at_once(tmp_path: Path) -> None:
    def work(rank: int) -> None:
        for step in range(20):
            writer = SmdebugWriter(str(tmp_path), f"worker_{rank}", num_workers=8)
            writer.write_step(step, {"t": np.full(1, rank)})
            writer.end_training()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    trial = create_trial(str(tmp_path))
    assert trial.workers() == trial.tensor("t").workers(19) == [f"worker_{rank}" for rank in range(8)]
    assert list(tmp_path.rglob("*.tmp")) == []


def test_numbered_inputs_labels_and_predictions_come_in_order(tmp_path: Path) -> None:
    names = [f"{kind}_{number}" for kind in ("x", "labels", "predictions") for number in (0, 2, 10)]
    writer = SmdebugWriter(str(tmp_path), collections=[Collection("inputs", ["^x_"])])
    writer.write_step(
        4, {name: np.full(1, int(name.split("_")[1])) for name in names}, mode=modes.TRAIN, mode_step=0
    )
    trial = create_trial(str(tmp_path))
    for found in (trial.inputs(0, modes.TRAIN), trial.labels(4), trial.predictions(4)):
        assert [int(value[0]) for value in found] == [0, 2, 10]


def test_an_event_file_that_never_came_makes_its_tensors_unavailable(directory: str) -> None:
    (Path(directory) / layout.event_path(2, "worker_0")).unlink()
    trial = create_trial(directory)
    with pytest.raises(TensorUnavailableForStep, match="for step 2"):
        trial.tensor("loss").value(2)


def test_a_cached_array_is_read_once(directory: str) -> None:
    loss = create_trial(directory, cache=True).tensor("loss")
    first = loss.value(2)
    (Path(directory) / layout.event_path(2, "worker_0")).unlink()
    assert loss.value(2) is first
