"""The recorder: what a training hands over comes out as a trial, and nothing that fails comes back to it."""

import logging
import math
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from epochwatch.debugger import Collection, ModeKeys, Statistics, create_trial, modes
from epochwatch.debugger.exceptions import InvalidCollectionConfiguration
from epochwatch.debugger.hooks.config import CollectionConfig, HookConfig, SaveConfig
from epochwatch.debugger.hooks.recorder import Recorder, Wanted

DEFAULTS = [Collection("weights", ["weight$"]), Collection("gradients", ["^gradient/"])]


def every(interval: int) -> dict[ModeKeys, SaveConfig]:
    return dict.fromkeys(ModeKeys, SaveConfig(interval))


def test_scalars_of_each_step_and_statistics_of_some_are_read_as_a_trial(tmp_path: Path) -> None:
    recorder = Recorder(HookConfig(str(tmp_path), save=every(5)), defaults=DEFAULTS)
    for step in range(12):
        recorder.scalars({"loss": 1 / (step + 1), "learning_rate": lambda: 0.1})
        if recorder.due("weights"):
            columns = {"l2": np.array([float(step)]), "nans": np.array([0.0])}
            recorder.statistics(lambda columns=columns: Statistics(["fc.weight"], columns), {"fc.weight": (4, 3)})
        recorder.end_step()
    recorder.close()
    trial = create_trial(str(tmp_path))
    assert trial.steps() == trial.steps(modes.TRAIN) == list(range(12))
    assert trial.loaded_all_steps
    loss = trial.tensor("loss")
    assert [float(loss.value(step)) for step in (0, 3, 11)] == [1, 1 / 4, 1 / 12]
    assert (loss.value(3).shape, loss.shape(3), loss.reduction_values(3)) == ((), (), {})
    assert loss.reduction_value(3, "mean") == 1 / 4
    weight = trial.tensor("fc.weight")
    assert weight.steps() == [0, 5, 10]
    assert (weight.reduction_value(10, "l2"), weight.shape(10)) == (10, (4, 3))
    assert trial.tensor("step_seconds").steps() == list(range(1, 12))


def test_phases_are_counted_apart_and_saved_as_each_is_configured(tmp_path: Path) -> None:
    save = every(2) | {ModeKeys.EVAL: SaveConfig(3, save_steps=(1,))}
    recorder = Recorder(HookConfig(str(tmp_path), save=save), defaults=DEFAULTS)
    found = []
    for mode, steps in ((ModeKeys.TRAIN, 3), (ModeKeys.EVAL, 4), (ModeKeys.TRAIN, 2)):
        recorder.set_mode(mode)
        for _ in range(steps):
            found.append((mode, recorder.step, recorder.mode_step, recorder.due()))
            recorder.scalars({"loss": float(recorder.step)})
            recorder.end_step()
    recorder.close()
    assert [row[2:] for row in found] == [
        (0, True), (1, False), (2, True),
        (0, True), (1, True), (2, False), (3, True),
        (3, False), (4, True),
    ]  # fmt: skip
    trial = create_trial(str(tmp_path))
    assert (trial.steps(modes.TRAIN), trial.steps(modes.EVAL)) == ([0, 1, 2, 3, 4], [0, 1, 2, 3])
    assert trial.mode_modestep(7) == (modes.TRAIN, 3)
    seconds = trial.tensor("step_seconds")  # the time of a step that another phase came before is not its own
    assert (seconds.steps(modes.TRAIN), seconds.steps(modes.EVAL)) == ([1, 2, 4], [1, 2, 3])


KILLED = """
import os, signal, sys
from epochwatch.debugger import ModeKeys
from epochwatch.debugger.hooks.config import HookConfig
from epochwatch.debugger.hooks.recorder import Recorder

recorder = Recorder(HookConfig(sys.argv[1]))
for mode, steps in (ModeKeys.EVAL, 3), (ModeKeys.TRAIN, 700):
    recorder.set_mode(mode)
    for step in range(steps):
        recorder.scalars({"loss": 1.0})
        recorder.end_step()
recorder.drain()
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_training_goes_on_after_the_last_step_of_one_that_was_killed_there(tmp_path: Path) -> None:
    for _ in range(2):
        killed = subprocess.run([sys.executable, "-c", KILLED, tmp_path], check=False, timeout=600)
        assert killed.returncode == -signal.SIGKILL
    recorder = Recorder(HookConfig(str(tmp_path)), defaults=DEFAULTS)
    assert (recorder.step, recorder.mode_step, recorder.begun) == (1406, 1400, False)
    assert recorder.due(), "step 1400 of the training"
    recorder.scalars({"loss": 2.0})
    recorder.end_step()
    recorder.close()
    trial = create_trial(str(tmp_path))
    assert trial.steps() == list(range(1407))
    assert trial.steps(modes.TRAIN) == list(range(1401))
    assert trial.steps(modes.EVAL) == list(range(6))
    assert trial.tensor("loss").value(1406) == 2
    assert trial.mode_modestep(1406) == (modes.TRAIN, 1400)


def test_what_is_wanted_of_a_tensor_is_what_its_due_collections_ask_for(tmp_path: Path) -> None:
    config = HookConfig(
        str(tmp_path),
        (
            CollectionConfig("weights"),
            CollectionConfig("whole", ("fc",), every(3), save_raw_tensor=True, statistics=False),
            CollectionConfig("norms", ("fc",), every(4), ("l2", "abs_max"), save_shape=True, statistics=False),
        ),
        every(2),
    )
    recorder = Recorder(config, defaults=DEFAULTS)
    wanted = []
    for _ in range(5):
        wanted.append((recorder.wanted("fc.weight"), recorder.wanted("conv.weight"), recorder.wanted("conv.bias")))
        recorder.end_step()
    statistics, nothing = Wanted(statistics=True), Wanted()
    assert wanted == [
        (Wanted(True, True, True, ("l2", "abs_max")), statistics, nothing),
        (nothing, nothing, nothing),
        (statistics, statistics, nothing),
        (Wanted(raw=True), nothing, nothing),
        (Wanted(True, False, True, ("l2", "abs_max")), statistics, nothing),
    ]
    recorder.close()


def test_the_first_worker_writes_and_the_others_only_where_all_are_asked(tmp_path: Path) -> None:
    for include, workers in (("one", ["worker_0"]), ("all", ["worker_0", "worker_1"])):
        config = HookConfig(str(tmp_path / include), include_workers=include)
        recorders = [Recorder(config, worker=f"worker_{rank}", num_workers=2) for rank in range(2)]
        for recorder in recorders:
            recorder.scalars({"loss": 1.0})
            recorder.end_step()
        recorders[0].close()
        ended = (tmp_path / include / "training_job_end.ts").exists()
        assert ended is (include == "one")  # the last worker ends the training
        recorders[1].close()
        trial = create_trial(str(tmp_path / include))
        assert (trial.workers(), trial.tensor("loss").workers(0), trial.steps()) == (workers, workers, [0])


def test_arrays_are_saved_whole(tmp_path: Path) -> None:
    recorder = Recorder(HookConfig(str(tmp_path)))
    value = np.arange(6.0, dtype=np.float32).reshape(2, 3)
    recorder.tensors({"first": value, "second": lambda: value.astype(np.int64)}, nbytes=72)
    recorder.end_step()
    recorder.close()
    trial = create_trial(str(tmp_path))
    assert trial.tensor("first").value(0).tolist() == value.tolist()
    assert trial.tensor("second").value(0).dtype == np.int64


def test_a_failure_turns_the_recorder_off_with_one_message(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("in the way")
    recorder = Recorder(HookConfig(str(tmp_path / "file" / "below")))
    for _ in range(5):
        recorder.scalars({"loss": math.inf})
        recorder.end_step()
    recorder.close()
    assert not recorder.active
    with recorder.guard:
        raise RuntimeError("a second one")
    (record,) = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert record.message.startswith("no more tensors are saved: NotADirectoryError")


def test_a_failure_of_the_framework_is_kept_from_the_training(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    recorder = Recorder(HookConfig(str(tmp_path)))
    recorder.scalars({"loss": 1.0})
    recorder.end_step()
    with recorder.guard:
        raise ZeroDivisionError("statistics")
    recorder.scalars({"loss": 2.0})
    recorder.end_step()
    recorder.close()
    assert caplog.messages == ["no more tensors are saved: ZeroDivisionError: statistics"]
    assert create_trial(str(tmp_path)).steps() == [0]  # what came before is there, and the trial has its end


def test_a_collection_that_says_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidCollectionConfiguration, match="mine"):
        Recorder(HookConfig(str(tmp_path), (CollectionConfig("mine"),)), defaults=DEFAULTS)
