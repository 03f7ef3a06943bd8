"""PyTorch's hook, in real trainings whose phases take a known time at least: they sleep in them."""

import gzip
import json
import os
import pstats
import subprocess
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from epochwatch.profiler.events import SCHEMA, Phase
from epochwatch.profiler.steps import StepTable, step_table
from epochwatch.profiler.store.reader import read_events
from tests.peers import ROOT, peer_python
from tests.profiler.profiles import MemoryProfile

SCRIPTS = Path(__file__).parent / "scripts"


class Trained(NamedTuple):
    """What a training recorded, and what it said."""

    events: pa.Table
    truth: dict[str, float]

    @property
    def steps(self) -> StepTable:
        """Of the process that trains."""
        profile = MemoryProfile(self.events.to_pylist())
        return step_table(profile, profile.span())

    def of(self, phase: Phase) -> pa.Table:
        """Its events, in the order of their time."""
        return self.events.filter(pc.equal(pc.cast(self.events["phase"], pa.string()), phase.value)).sort_by(
            "start"
        )


KINDS = (
    "plain", "workers", "evaluated", "accumulated", "two_models", "closure", "scaled", "compiled", "copied", "failing",
    "windowed",
)  # fmt: skip


class Trainings(NamedTuple):
    """Trainings of one process, one after another, each watched anew."""

    directory: Path
    truth: dict[str, dict[str, float]]
    messages: str

    def __getitem__(self, kind: str) -> Trained:  # type: ignore[override]
        found = sorted((self.directory / kind).glob("events-*"))
        tables = list(read_events(path.read_bytes() for path in found))
        events = pa.concat_tables([SCHEMA.empty_table(), *tables]).unify_dictionaries()
        return Trained(events, self.truth[kind])


@pytest.fixture(scope="module")
def trainings(tmp_path_factory: pytest.TempPathFactory) -> Trainings:
    directory = tmp_path_factory.mktemp("profiles")
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "CUDA_VISIBLE_DEVICES": ""}
    ran = subprocess.run(
        [peer_python("torch"), SCRIPTS / "train_torch.py", directory, *KINDS],
        env=environment, capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return Trainings(directory, json.loads(ran.stdout.splitlines()[-1]), ran.stderr)


def test_a_step_is_divided_into_loading_forward_backward_and_optimizer(trainings: Trainings) -> None:
    trained = trainings["plain"]
    steps = trained.steps
    assert steps.step.tolist() == list(range(8))
    assert np.all(steps.seconds[Phase.DATA_LOADING] >= 0.03)
    assert np.all(steps.seconds[Phase.FORWARD][1:] >= 0.02)  # models are known once they were trained
    assert np.all(steps.seconds[Phase.BACKWARD] >= 0.04)
    assert np.all(steps.seconds[Phase.OPTIMIZER] >= 0.0)
    assert np.all(np.sum(list(steps.seconds.values()), axis=0) <= steps.duration + 1e-3)
    assert steps.start[1:].tolist() == pytest.approx(steps.end[:-1].tolist(), abs=1000)
    assert steps.duration.sum() == pytest.approx(trained.truth["seconds"], abs=0.5)
    (start,) = trained.of(Phase.INITIALIZATION)["start"].to_pylist()
    assert start / 1e6 < trained.truth["began"] <= steps.start[0] / 1e6


def test_batches_are_seen_in_the_processes_that_make_them(trainings: Trainings) -> None:
    trained = trainings["workers"]
    made = trained.of(Phase.WORKER)
    assert len(made) == 8
    assert set(made["name"].to_pylist()) == {"worker 0", "worker 1"}
    assert min(made["duration"].to_pylist()) >= 30_000
    assert len(set(made["process"].to_pylist())) == 2
    assert set(made["process"].to_pylist()).isdisjoint(trained.of(Phase.STEP)["process"].to_pylist())


def test_evaluations_and_checkpoints_are_part_of_the_step_behind_them(trainings: Trainings) -> None:
    steps = trainings["evaluated"].steps
    assert steps.step.tolist() == list(range(8))
    evaluation = steps.seconds[Phase.EVALUATION]
    assert evaluation[4] >= 8 * (0.03 + 0.02)
    assert np.flatnonzero(evaluation).tolist() == [4]
    assert np.flatnonzero(steps.seconds[Phase.CHECKPOINT]).tolist() == [6]
    assert steps.seconds[Phase.CHECKPOINT][6] >= 0.01


def test_gradients_of_several_batches_are_one_step(trainings: Trainings) -> None:
    steps = trainings["accumulated"].steps
    assert steps.step.tolist() == list(range(4))
    assert np.all(steps.seconds[Phase.DATA_LOADING] >= 2 * 0.03)
    assert np.all(steps.seconds[Phase.BACKWARD] >= 2 * 0.04)
    assert not steps.seconds[Phase.EVALUATION].any()


def test_of_several_models_the_optimizer_that_steps_first_counts(trainings: Trainings) -> None:
    steps = trainings["two_models"].steps
    assert steps.step.tolist() == list(range(8))
    assert not steps.seconds[Phase.EVALUATION].any()
    assert np.all(steps.seconds[Phase.FORWARD][2:] >= 2 * 0.02)


def test_what_is_done_within_an_optimizers_step_is_told_apart(trainings: Trainings) -> None:
    steps = trainings["closure"].steps
    assert steps.step.tolist() == list(range(8))
    assert np.all(steps.seconds[Phase.FORWARD][1:] >= 0.02)
    assert np.all(steps.seconds[Phase.BACKWARD] >= 0.04)
    assert np.all(steps.seconds[Phase.OPTIMIZER] < steps.duration - 0.05)


def test_a_step_that_a_scaler_leaves_out_is_one(trainings: Trainings) -> None:
    assert trainings["scaled"].steps.step.tolist() == list(range(8))


def test_compiled_models_stay_whole_and_are_seen(trainings: Trainings) -> None:
    trained = trainings["compiled"]
    assert len(trained.steps) == 12
    assert len(trained.of(Phase.FORWARD)) >= 6  # of the first two kinds


def test_operators_of_the_steps_that_are_asked_for_are_recorded(trainings: Trainings) -> None:
    trained = trainings["windowed"]
    operators = trained.of(Phase.OPERATOR)
    assert set(operators["step"].to_pylist()) - {-1} == {12, 13, 14, 27, 28}
    assert {"aten::addmm", "aten::add_"} & set(operators["name"].to_pylist())
    steps = trained.steps
    for start, step in zip(operators["start"].to_pylist(), operators["step"].to_pylist(), strict=True):
        assert step == -1 or steps.start[step] <= start < steps.end[step]


def test_a_window_says_what_it_cost_and_has_a_trace(trainings: Trainings) -> None:
    first, second = (
        json.loads(path.read_bytes())
        for path in sorted((trainings.directory / "windowed" / "windows").glob("*.json"))
    )
    assert (first["first_step"], first["last_step"]) == (12, 14)
    assert (second["first_step"], second["last_step"]) == (27, 28)
    assert first["cost"] is not None
    steps = trainings["windowed"].steps
    assert first["span"] == pytest.approx([steps.start[12], steps.end[14]], abs=1000)
    trace = json.loads(gzip.decompress((trainings.directory / "windowed" / first["path"]).read_bytes()))
    assert any(record.get("cat") == "cpu_op" for record in trace["traceEvents"])


def test_functions_of_python_are_recorded(trainings: Trainings) -> None:
    functions = trainings["windowed"].of(Phase.PYTHON)
    assert set(functions["step"].to_pylist()) == {5}
    slept = [row for row in functions.to_pylist() if row["name"].endswith("(<built-in method time.sleep>)")]
    assert [row["duration"] >= 70_000 for row in slept] == [True]
    (path,) = (trainings.directory / "windowed" / "windows").glob("*.pstats")
    assert pstats.Stats(str(path)).total_calls > 0


def test_models_can_be_copied_and_are_left_as_they_were(trainings: Trainings) -> None:
    """The script looks at them itself."""
    assert len(trainings["copied"].steps) == 8


def test_what_goes_wrong_in_the_hook_is_said_once_and_no_matter_of_the_training(trainings: Trainings) -> None:
    assert trainings.messages.count("profiled no more") == 1
    assert len(trainings["failing"].events) == 0
