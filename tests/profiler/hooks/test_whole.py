"""XGBoost, LightGBM and Keras: steps, and what of them was data, evaluation and saving."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from epochwatch.profiler.kineto import read_trace
from epochwatch.profiler.phases import Phase
from epochwatch.profiler.steps import StepTable, step_table
from epochwatch.profiler.store.reader import read_events
from tests.peers import ROOT, peer_python
from tests.profiler.profiles import MemoryProfile

SCRIPT = Path(__file__).parent / "scripts" / "train_whole.py"


def train(peer: str, directory: Path, kind: str, **variables: str) -> tuple[StepTable, set[str]]:
    """Its steps, and all phases that were seen."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), **variables}
    ran = subprocess.run(
        [peer_python(peer), SCRIPT, directory, kind], env=environment, capture_output=True, text=True, timeout=600,
        check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert "profiled no more" not in ran.stderr
    rows = pa.concat_tables(read_events(path.read_bytes() for path in sorted(directory.glob("*.ewe")))).to_pylist()
    profile = MemoryProfile(rows)
    return step_table(profile, profile.span()), {row["phase"] for row in rows}


def of_phase(directory: Path, phase: Phase) -> list[dict[str, Any]]:
    tables = read_events((path.read_bytes() for path in sorted(directory.glob("*.ewe"))), phases=[phase])
    return [row for table in tables for row in table.to_pylist()]


def test_rounds_of_xgboost_are_steps(tmp_path: Path) -> None:
    steps, phases = train("boosting", tmp_path, "xgboost")
    assert steps.step.tolist() == [0, 1, 2, 3]
    assert np.all(steps.seconds[Phase.FORWARD] >= 0.02)
    assert np.all(steps.seconds[Phase.EVALUATION][1:] > 0)
    assert {"data_loading", "initialization", "checkpoint"} <= phases


def test_rounds_of_lightgbm_are_steps(tmp_path: Path) -> None:
    steps, phases = train("boosting", tmp_path, "lightgbm")
    assert steps.step.tolist() == [0, 1, 2, 3]
    assert np.all(steps.seconds[Phase.FORWARD] > 0)
    assert {"data_loading", "evaluation"} <= phases


def ask_for_operators(directory: Path) -> None:
    """Of steps 5 and 6."""
    detailed = json.dumps({"StartStep": 5, "NumSteps": 2})
    config = {"ProfilingParameters": {"DetailedProfilingConfig": detailed}}
    (directory / "profilerconfig.json").write_text(json.dumps(config))


@pytest.mark.parametrize("back_end", ["jax", "torch"])
def test_batches_of_keras_are_steps_and_windows_have_their_operators(tmp_path: Path, back_end: str) -> None:
    ask_for_operators(tmp_path)
    steps, _ = train("keras", tmp_path, "keras", KERAS_BACKEND=back_end)
    (told,) = [json.loads(path.read_bytes()) for path in (tmp_path / "windows").glob("*.json")]
    assert (told["first_step"], told["last_step"]) == (5, 6)
    assert read_trace((tmp_path / told["path"]).read_bytes()).records
    operators = of_phase(tmp_path, Phase.OPERATOR)
    assert {5, 6} <= {row["step"] for row in operators} <= {-1, 5, 6}
    assert all(
        told["span"][0] - 1000 <= row["start"] <= told["span"][1] + 1000 for row in operators if row["step"] > 0
    )
    assert steps.step.tolist() == list(range(8))
    assert np.all(steps.seconds[Phase.FORWARD] > 0)
    assert steps.seconds[Phase.DATA_LOADING].sum() > 0
    assert np.flatnonzero(steps.seconds[Phase.EVALUATION]).tolist() == [4]
    assert steps.seconds[Phase.EVALUATION][4] >= 0.02


def test_a_loop_of_jax_has_windows_with_its_operators(tmp_path: Path) -> None:
    ask_for_operators(tmp_path)
    steps, _ = train("jax", tmp_path, "jax")
    assert steps.step.tolist() == list(range(8))
    assert {5, 6} <= {row["step"] for row in of_phase(tmp_path, Phase.OPERATOR)} <= {-1, 5, 6}
    assert len(list((tmp_path / "windows").glob("*.json.gz"))) == 1
