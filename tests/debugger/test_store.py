"""Our own format: appended to while it is read, torn off, sealed, taken over; nothing that was written gets lost."""

import itertools
import json
import subprocess
import sys
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from epochwatch.debugger import (
    Bfloat16,
    Collection,
    ModeKeys,
    Statistics,
    StoreWriter,
    create_trial,
    modes,
    read_statistics,
    read_values,
)
from epochwatch.debugger.exceptions import SMDebugRuntimeError, SMDebugTypeError, SMDebugValueError
from epochwatch.debugger.places import LocalPlace, Range
from epochwatch.debugger.store.checksum import crc32
from epochwatch.debugger.store.reader import StoreSource
from epochwatch.debugger.store.segment import Column, Frame, decode_frames, encode_frames
from epochwatch.debugger.trial import Trial

NAMES = [f"gradient/layer{number}.weight" for number in range(100)]


def measured(step: int, names: list[str] = NAMES) -> Statistics:
    numbers = np.arange(len(names), dtype=np.float32)
    return Statistics(
        names, {"mean": numbers + step, "abs_max": numbers * step, "zeros": np.full(len(names), step)}
    )


def parts(path: Path, kind: str) -> list[str]:
    return sorted(file.name for file in path.glob(f"{kind}/*/*"))


def test_steps_are_read_while_they_are_written_and_after_they_were_sealed(tmp_path: Path) -> None:
    writer = StoreWriter(str(tmp_path), collections=[Collection("gradients", ["^gradient"])], steps_per_segment=4)
    trial = create_trial(str(tmp_path))
    for step in range(10):
        writer.write_step(step, statistics=measured(step), mode=ModeKeys.TRAIN, mode_step=step)
        assert trial.steps() == list(range(step + 1))
        value = trial.tensor(NAMES[3]).reduction_value(step, "mean")
        assert (float(value), value.dtype) == (3 + step, np.float32)
    writer.end_training()
    assert (parts(tmp_path, "log"), len(parts(tmp_path, "statistics"))) == ([], 3)
    for opened in (trial, create_trial(str(tmp_path))):
        assert opened.steps() == opened.steps(modes.TRAIN) == list(range(10))
        assert opened.tensor_names(collection="gradients") == sorted(NAMES)
        tensor = opened.tensor(NAMES[7])
        assert [float(tensor.reduction_value(step, "max", abs=True)) for step in (0, 4, 9)] == [0, 28, 63]
        assert {key: float(value) for key, value in tensor.reduction_values(9).items()} == {
            ("mean", False): 16, ("max", True): 63, ("zeros", False): 9,
        }  # fmt: skip


def test_a_sealed_segment_is_sorted_by_tensor_and_step(tmp_path: Path) -> None:
    writer = StoreWriter(str(tmp_path))
    for step in (5, 6, 9):
        writer.write_step(step, statistics=measured(step), time=1.5 + step)
    writer.close()
    (file,) = tmp_path.glob("statistics/*/*")
    table = pq.read_table(file)
    rows = list(zip(table["tensor"].to_pylist(), table["step"].to_pylist(), strict=True))
    assert rows == sorted((name, step) for name in NAMES for step in (5, 6, 9))
    metadata = pq.ParquetFile(file).metadata
    groups = [metadata.row_group(number).column(0).statistics for number in range(metadata.num_row_groups)]
    assert len(groups) == 4
    assert all(before.max < after.min for before, after in itertools.pairwise(groups))
    assert table["time"].to_pylist()[:3] == [6_500_000_000, 7_500_000_000, 10_500_000_000]


ARRAYS: dict[str, Any] = {
    name: (np.arange(12).reshape(3, 4) % 5).astype(name)
    for name in ("float16", "float32", "float64", "int8", "int64", "uint16", "bool", "complex64", "complex128")
} | {
    "scalar": np.float64(2.5).reshape(()),
    "empty": np.zeros((0, 3), np.float32),
    "words": np.array([["one", "zwei"], ["três", ""]]),
}


@pytest.mark.parametrize("sealed", [False, True])
def test_raw_tensors_come_back_with_type_and_shape(tmp_path: Path, sealed: bool) -> None:
    writer = StoreWriter(str(tmp_path))
    halves = (np.array([[1.0, -2.5]], np.float32).view("<u4") >> 16).astype(np.uint16)
    writer.write_step(3, tensors=ARRAYS | {"halves": Bfloat16(halves)}, shapes={"big": (1000, 1000)})
    if sealed:
        writer.close()
    trial = create_trial(str(tmp_path))
    assert trial.tensor_names(step=3) == sorted([*ARRAYS, "halves", "big"])
    for name, array in ARRAYS.items():
        value = trial.tensor(name).value(3)
        assert (value.shape, value.dtype.kind) == (array.shape, array.dtype.kind)
        np.testing.assert_array_equal(value, array)
        assert trial.tensor(name).value(3).flags.writeable
    assert trial.tensor("halves").value(3).tolist() == [[1.0, -2.5]]
    assert trial.tensor("big").shape(3) == (1000, 1000)
    assert {key.tensor for key, _ in read_values(trial)} == set(ARRAYS) | {"halves"}


def test_where_values_are_is_what_their_entries_say(tmp_path: Path) -> None:
    writer = StoreWriter(str(tmp_path))
    names = ["a", "b", "loss", "fc", "big", "none"]
    writer.write_step(0, tensors={"a": np.zeros(3), "b": np.ones(2)}, scalars={"loss": 0.5}, shapes={"big": (9,)})
    writer.write_step(0, tensors={"a": np.ones(4)}, statistics=Statistics(["fc"], {"mean": np.ones(1)}))
    trial = create_trial(str(tmp_path))
    entries = {name: trial.entries(name, 0).get("worker_0") for name in names}
    assert {name: entry for name, entry in entries.items() if entry} == trial.saved(0, "worker_0")
    found = {name: location for name, worker, location in trial.locations(names, 0)}
    assert found == {name: entry.location for name, entry in entries.items() if entry and entry.location}
    assert list(found) == ["a", "b", "loss"]


class WatchedPlace(LocalPlace):
    """Notes what is read of which file."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.read_of: list[tuple[str, list[Range]]] = []

    def read(self, path: str, start: int = 0) -> bytes:
        self.read_of.append((path, []))
        return super().read(path, start)

    def read_ranges(self, path: str, ranges: Sequence[Range]) -> Iterator[memoryview]:
        self.read_of.append((path, list(ranges)))
        return super().read_ranges(path, ranges)


@pytest.mark.parametrize("sealed", [False, True])
def test_a_raw_tensor_is_read_by_its_own_bytes_alone(tmp_path: Path, sealed: bool) -> None:
    """In S3 that is one request."""
    writer = StoreWriter(str(tmp_path))
    for step in range(2):
        writer.write_step(step, tensors={"a": np.zeros(1000), "b": np.arange(10, dtype=np.int16)})
    if sealed:
        writer.end_training()
    place = WatchedPlace(tmp_path)
    trial = Trial("watched", str(tmp_path), StoreSource(place))
    trial.tensor("a").value(0)
    trial.dynamic_refresh = False
    place.read_of.clear()
    assert trial.tensor("b").value(1).tolist() == list(range(10))
    ((path, ranges),) = place.read_of
    assert path.startswith("tensors/worker_0/000000000001-")
    assert [length for _, length in ranges] == [20]


def test_a_file_of_raw_tensors_is_safetensors(tmp_path: Path) -> None:
    """Read by the format's description: length of the header, header in JSON, bytes."""
    StoreWriter(str(tmp_path)).write_step(0, tensors={"a": np.arange(3, dtype=np.int16), "b": np.ones((2, 2))})
    (file,) = tmp_path.glob("tensors/*/*")
    data = file.read_bytes()
    length = int.from_bytes(data[:8], "little")
    assert (8 + length) % 8 == 0
    assert json.loads(data[8 : 8 + length]) == {
        "a": {"dtype": "I16", "shape": [3], "data_offsets": [0, 6]},
        "b": {"dtype": "F64", "shape": [2, 2], "data_offsets": [6, 38]},
    }
    assert np.frombuffer(data[8 + length :][6:38]).tolist() == [1, 1, 1, 1]


def test_damaged_bytes_are_no_value(tmp_path: Path) -> None:
    StoreWriter(str(tmp_path)).write_step(0, tensors={"a": np.arange(30)})
    (file,) = tmp_path.glob("tensors/*/*")
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    with pytest.raises(SMDebugRuntimeError, match=r"tensor a in tensors/worker_0/.* are damaged"):
        create_trial(str(tmp_path)).tensor("a").value(0)


@given(st.binary(max_size=1000))
def test_the_checksum_of_what_is_stored_is_zlibs(data: bytes) -> None:
    assert crc32(data) == crc32(memoryview(bytearray(data))) == zlib.crc32(data)


@given(st.integers(0, 3), st.integers(0, 400))
def test_what_was_torn_off_a_log_is_left_out(whole: int, torn: int) -> None:
    frames = [Frame(step, 1, step, 0, ("a", "b") if step < 2 else None, {}, []) for step in range(4)]
    frames[1].columns = {"mean": Column.of(np.ones(2))}
    encoded = [encode_frames([frame]) for frame in frames]
    log = b"".join(encoded[:whole]) + encoded[whole][: min(torn, len(encoded[whole]) - 1)]
    found, size = decode_frames(log)
    assert [frame.step for frame in found] == list(range(whole))
    assert size == sum(map(len, encoded[:whole]))
    assert all(frame.names == ("a", "b") for frame in found)


def test_a_writer_goes_on_where_another_was_killed(tmp_path: Path) -> None:
    first = StoreWriter(str(tmp_path))
    for step in range(3):
        first.write_step(step, statistics=measured(step))
    (log,) = tmp_path.glob("log/*/*")
    log.write_bytes(log.read_bytes()[:-1])
    trial = create_trial(str(tmp_path))
    assert trial.steps() == [0, 1]
    second = StoreWriter(str(tmp_path))
    assert parts(tmp_path, "log") == []
    second.write_step(1, statistics=Statistics(NAMES[:1], {"mean": np.array([-1.0])}))
    second.write_step(2, statistics=measured(2))
    for opened in (trial, create_trial(str(tmp_path))):
        assert opened.steps() == [0, 1, 2]
        assert float(opened.tensor(NAMES[0]).reduction_value(1, "mean")) == -1
        assert float(opened.tensor(NAMES[1]).reduction_value(1, "mean")) == 2


FULL_DISK = """
import resource, sys
from pathlib import Path
import numpy as np
from epochwatch.debugger import Statistics, StoreWriter
directory = Path(sys.argv[1])
def write(step):
    writer.write_step(step, statistics=Statistics(["a", "b"], {"mean": np.full(2, step)}))
writer = StoreWriter(str(directory))
write(0)
(log,) = directory.glob("log/*/*")
limit = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (log.stat().st_size + 20, limit[1]))
try:
    write(1)
except OSError as error:
    print(error.strerror)
writer.close()
resource.setrlimit(resource.RLIMIT_FSIZE, limit)
write(2)
"""


def test_a_step_that_did_not_fit_on_the_disk_hides_none_after_it(tmp_path: Path) -> None:
    """In a process of its own, which may write only so much for a while."""
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "File too large"
    assert create_trial(str(tmp_path)).steps() == [0, 2]
    StoreWriter(str(tmp_path))
    assert parts(tmp_path, "log") == []
    assert create_trial(str(tmp_path)).steps() == [0, 2]


def test_tensors_and_statistics_may_change_from_step_to_step(tmp_path: Path) -> None:
    writer = StoreWriter(str(tmp_path), steps_per_segment=3)
    writer.write_step(0, statistics=Statistics(["a"], {"mean": np.array([1.0], np.float32)}))
    writer.write_step(
        1, statistics=Statistics(["b", "a"], {"max": np.array([2.0, 3.0])}), tensors={"c": np.ones(2)}
    )
    writer.write_step(2)
    writer.write_step(3, statistics=Statistics(["a"], {"mean": np.array([4.0])}))
    for _ in range(2):
        trial = create_trial(str(tmp_path))
        assert [trial.tensor_names(step=step) for step in range(4)] == [["a"], ["a", "b", "c"], [], ["a"]]
        table = read_statistics(trial)
        assert table.select(["tensor", "step", "mean", "max"]).to_pylist() == [
            {"tensor": "a", "step": 0, "mean": 1, "max": None},
            {"tensor": "a", "step": 1, "mean": None, "max": 3},
            {"tensor": "a", "step": 3, "mean": 4, "max": None},
            {"tensor": "b", "step": 1, "mean": None, "max": 2},
        ]
        writer.close()


def test_a_step_may_be_written_in_several_calls(tmp_path: Path) -> None:
    writer = StoreWriter(str(tmp_path))
    writer.write_step(0, statistics=Statistics(["a", "b"], {"mean": np.array([1.0, np.nan])}))
    writer.write_step(
        0, statistics=Statistics(["b", "c"], {"max": np.array([2.0, 3.0])}), tensors={"a": np.ones(1)}
    )
    writer.write_step(1, statistics=Statistics(["b"], {"mean": np.array([4.0])}))
    for _ in range(2):
        trial = create_trial(str(tmp_path))
        found = {name: trial.tensor(name).reduction_values(0) for name in "abc"}
        assert found == {
            "a": {("mean", False): 1},
            "b": {("mean", False): pytest.approx(np.nan, nan_ok=True), ("max", False): 2},
            "c": {("max", False): 3},
        }
        assert trial.tensor("a").value(0).tolist() == [1]
        assert float(trial.tensor("b").reduction_value(1, "mean")) == 4
        table = read_statistics(trial, ["max", "mean"])
        assert table.select(["tensor", "step", "max"]).to_pylist() == [
            {"tensor": "a", "step": 0, "max": None},
            {"tensor": "b", "step": 0, "max": 2},
            {"tensor": "b", "step": 1, "max": None},
            {"tensor": "c", "step": 0, "max": 3},
        ]
        assert table["mean"].to_numpy().tolist()[:3] == pytest.approx([1, np.nan, 4], nan_ok=True)
        writer.close()


def test_a_trial_is_walked_through_step_by_step_in_bounded_memory(tmp_path: Path) -> None:
    """More segments and tensors than are kept in memory or read together."""
    writer = StoreWriter(str(tmp_path), steps_per_segment=2)
    for step in range(20):
        writer.write_step(step, statistics=measured(step))
    writer.close()
    trial = create_trial(str(tmp_path))
    for steps in (range(20), reversed(range(20))):
        for step in steps:
            for number in range(0, 100, 7):
                assert float(trial.tensor(NAMES[number]).reduction_value(step, "mean")) == number + step


def test_statistics_are_read_together_by_name_mode_and_worker(tmp_path: Path) -> None:
    for rank in range(2):
        writer = StoreWriter(str(tmp_path), f"worker_{rank}", num_workers=2, steps_per_segment=2)
        for step in range(4):
            mode = ModeKeys.EVAL if step == 2 else ModeKeys.TRAIN
            writer.write_step(step, statistics=measured(step + 10 * rank), mode=mode, mode_step=step)
    trial = create_trial(str(tmp_path))
    table = read_statistics(trial, ["mean"], regex="layer42")
    assert table.column_names == ["tensor", "step", "mode", "mode_step", "time", "mean", "worker"]
    frame = table.to_pandas()
    assert list(zip(frame["step"], frame["worker"], frame["mean"], strict=True)) == [
        (step, f"worker_{rank}", 42 + step + 10 * rank) for step in range(4) for rank in range(2)
    ]
    assert set(read_statistics(trial, mode=modes.EVAL)["step"].to_pylist()) == {2}
    assert set(read_statistics(trial, mode=modes.TRAIN, step=3)["step"].to_pylist()) == {3}
    assert set(read_statistics(create_trial(str(tmp_path), range_steps=(1, 3)))["step"].to_pylist()) == {1, 2}
    assert len(read_statistics(trial, regex="nothing")) == 0


def test_what_cannot_be_kept_is_refused(tmp_path: Path) -> None:
    writer = StoreWriter(str(tmp_path))
    for wrong in ({"mean": np.ones(2)}, {"mean": np.array(["a"])}, {"step": np.ones(1)}):
        with pytest.raises(SMDebugValueError):
            writer.write_step(0, statistics=Statistics(["a"], wrong))
    with pytest.raises(SMDebugTypeError, match="tensor day has type datetime64"):
        writer.write_step(0, tensors={"day": np.zeros(1, "datetime64[D]")})
    with pytest.raises(SMDebugValueError):
        StoreWriter(str(tmp_path), "a/b")
    writer.write_step(0, statistics=measured(0))
    assert create_trial(str(tmp_path)).steps() == [0]


def test_the_checksum_of_a_manifest_is_that_of_the_bytes(tmp_path: Path) -> None:
    writer = StoreWriter(str(tmp_path))
    writer.write_step(0, tensors={"a": np.arange(3)})
    writer.close()
    (row,) = pq.read_table(next(tmp_path.glob("manifest/*/*"))).to_pylist()
    data = (tmp_path / row["file"]).read_bytes()[row["offset"] : row["offset"] + row["nbytes"]]
    assert (zlib.crc32(data), data) == (row["crc32"], np.arange(3).tobytes())
