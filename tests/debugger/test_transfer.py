"""A trial goes from one format into the other and back, and smdebug reads what we export as what it wrote."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from epochwatch.debugger import (
    SmdebugWriter,
    StoreWriter,
    create_trial,
    export_smdebug,
    import_smdebug,
    read_statistics,
    read_values,
    transfer,
)
from epochwatch.debugger.exceptions import SMDebugValueError
from tests.debugger.judge import READ_ALL, read_all, smdebug

READ_REAL = """
import json, sys
from smdebug.trials import create_trial
trial = create_trial(sys.argv[1])
print(json.dumps({name: trial.tensor(name).value(0).real.tolist() for name in trial.tensor_names()}))
"""

WRITE_TRIAL = """
import json, sys
import numpy as np
from smdebug.core.writer import FileWriter
from smdebug.core.modes import ModeKeys
from smdebug.core.collection import Collection
from smdebug.core.collection_manager import CollectionManager
from smdebug.core.reduction_config import ReductionConfig
from smdebug.core.save_config import SaveConfig
from smdebug.core.locations import TensorShape
from smdebug.core.access_layer.utils import training_has_ended
directory = sys.argv[1]
random = np.random.default_rng(3)
for worker in ("worker_0", "worker_1"):
    manager = CollectionManager()
    reduced = ReductionConfig(reductions=["mean"], abs_norms=["l2"], save_raw_tensor=True)
    manager.add(Collection("weights", ["weight"], reduction_config=reduced, save_config=SaveConfig(save_interval=2)))
    manager.add(Collection("losses", tensor_names=["loss"]))
    manager.set_num_workers(2)
    manager.export(directory, worker + "_collections.json")
    for step in (0, 1, 2, 1000, 1001):
        writer = FileWriter(directory, worker, step)
        at = {"mode": ModeKeys.EVAL if step % 2 else ModeKeys.TRAIN, "mode_step": step}
        weight = random.normal(size=(3, 2)).astype("float32")
        writer.write_tensor(weight.mean(), "smdebug/reductions/mean/fc.weight", **at)
        writer.write_tensor(np.abs(weight).max(), "smdebug/reductions/abs_max/fc.bias", **at)
        writer.write_tensor(np.float64(step / 7), "smdebug/reductions/l2/fc.bias", **at)
        writer.write_tensor(weight, "fc.weight", **at)
        writer.write_tensor(np.float64(step / 3), "loss", **at)
        writer.write_tensor(np.array(["cat", "dog"]), "labels", **at)
        writer.index_writer.add_shape(TensorShape("wide", at["mode"].name, step, (7, 8), "wide:0"))
        writer.close()
training_has_ended(directory)
print("{}")
"""


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trial that smdebug wrote."""
    directory = tmp_path_factory.mktemp("trial") / "theirs"
    smdebug(WRITE_TRIAL, directory)
    return directory


@pytest.fixture(scope="module")
def expected(theirs: Path) -> Any:
    return smdebug(READ_ALL, theirs)


def test_what_smdebug_wrote_is_read_as_it_reads_it(theirs: Path, expected: Any) -> None:
    found = read_all(create_trial(str(theirs)))
    assert found["steps"] == [0, 1, 2, 1000, 1001]
    assert found == expected


def test_a_trial_is_the_same_in_our_format_and_back_in_smdebugs(
    theirs: Path, expected: Any, tmp_path: Path
) -> None:
    import_smdebug(str(theirs), str(tmp_path / "ours"))
    assert read_all(create_trial(str(tmp_path / "ours"))) == expected
    export_smdebug(str(tmp_path / "ours"), str(tmp_path / "back"))
    assert smdebug(READ_ALL, tmp_path / "back") == expected


def test_the_arrays_of_a_long_step_go_into_several_files(
    theirs: Path, expected: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer, "BYTES_TOGETHER", 30)
    import_smdebug(str(theirs), str(tmp_path / "ours"))
    assert len(list((tmp_path / "ours").glob("tensors/worker_1/000000001000-*"))) == 3
    assert read_all(create_trial(str(tmp_path / "ours"))) == expected


def test_statistics_and_arrays_of_smdebugs_trials_are_read_together(theirs: Path) -> None:
    trial = create_trial(str(theirs))
    table = read_statistics(trial, regex="fc")
    assert table.column_names == ["tensor", "step", "mode", "mode_step", "worker", "abs_max", "l2", "mean"]
    assert len(table) == 20
    rows = {(row["tensor"], row["step"], row["worker"]): row for row in table.to_pylist()}
    assert rows["fc.bias", 1000, "worker_1"]["l2"] == 1000 / 7
    assert rows["fc.bias", 1000, "worker_1"]["mean"] is None
    values = dict(read_values(trial, regex="fc.weight"))
    assert len(values) == 10
    for key, value in values.items():
        assert rows[key]["mean"] == pytest.approx(value.mean())


def test_types_that_smdebug_cannot_read_are_exported_wider(tmp_path: Path) -> None:
    types = ("int8", "int16", "uint16", "uint32", "complex64")
    arrays = {name: np.array([1, 100, 0]).astype(name) - np.ones(3).astype(name) for name in types}
    arrays["int8"][2] = -128
    writer = StoreWriter(str(tmp_path / "ours"))
    writer.write_step(0, tensors=arrays)
    writer.end_training()
    export_smdebug(str(tmp_path / "ours"), str(tmp_path / "exported"))
    found = smdebug(READ_REAL, tmp_path / "exported")
    assert found == {name: array.real.tolist() for name, array in arrays.items()}


def test_a_trial_is_never_written_over_another(theirs: Path, tmp_path: Path) -> None:
    SmdebugWriter(str(tmp_path)).write_step(0, {"t": np.ones(1)})
    for copy in (import_smdebug, export_smdebug):
        with pytest.raises(SMDebugValueError, match="already"):
            copy(str(theirs), str(tmp_path))
