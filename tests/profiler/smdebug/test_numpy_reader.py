"""System metrics as arrays, beside what smdebug's reader makes of the same files in S3."""

import json
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from epochwatch.debugger.exceptions import SMDebugValueError
from epochwatch.debugger.places import open_place
from epochwatch.profiler.analysis import S3NumpySystemMetricsReader
from tests.debugger.judge import smdebug
from tests.profiler.smdebug.recorded import BEGIN, line, system
from tests.servers import ServerProcess

BUCKET = "profiles"
PATH = f"s3://{BUCKET}/job/profiler-output"
SECOND = 1_000_000
COLUMNS = ["cpu0#CPUUtilization", "cpu0#I/OWaitPercentage", "gpu0#GPUUtilization"]
EXTRA = ["MemoryUsedPercent#MemoryUtilization", "eth0#Algorithm"]
NUMBERS = {name: number for number, name in enumerate([*COLUMNS, *EXTRA])}
START = BEGIN + 10 * SECOND
INTERVALS = [(START, START + 40 * SECOND, True), (START - 10 * SECOND, START, False),
             (START + 40 * SECOND, START + 80 * SECOND, True)]  # fmt: skip


def reader(store: str, **more: Any) -> S3NumpySystemMetricsReader:
    asked: dict[str, Any] = {
        "use_in_memory_cache": False, "col_names": COLUMNS, "extra_col_names": EXTRA, "col_dict": NUMBERS,
        "np_store": store, "store_chunk_size": 20, "store_time_file_prefix": "time", "group_size": 2, "n_nodes": 2,
        "frequency": 500,
    }  # fmt: skip
    return S3NumpySystemMetricsReader(PATH, **asked | more)


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Two minutes of three nodes, with gaps; a sample each 0.5 s, that of the GPU each second."""
    directory = tmp_path_factory.mktemp("job")
    random = np.random.default_rng(3)
    for minute in range(2):
        for node in ("algo-1", "algo-2", "algo-3"):
            lines = []
            for half in range(0, 120, 1 if node == "algo-1" else 3):
                at = 60 * minute + half / 2 + 0.03125
                lines.append(line("cpu", "cpu0", "CPUUtilization", int(random.integers(0, 100)), at, node))
                lines.append(line("i/o", "cpu0", "I/OWaitPercentage", half / 4, at, node))
                lines.append(line("memory", "MemoryUsedPercent", "MemoryUtilization", 37.25, at, node))
                sent = int(random.integers(0, 9999)) if at < 110 else 3_000_000_000
                lines.append(line("network", "eth0", "Algorithm", sent, at, node))
                lines.append(line("network", "eth0", "Platform", 5, at, node))
                if half % 2:
                    lines.append(line("gpu", "gpu0", "GPUUtilization", int(random.integers(0, 101)), at, node))
            system(directory, BEGIN // SECOND + 60 * minute, lines, node)
    with ServerProcess(tmp_path_factory.mktemp("server")) as server:
        server.boto3("s3").create_bucket(Bucket=BUCKET)
        found = server.aws_environment()
        with pytest.MonkeyPatch.context() as patch:
            for name, value in found.items():
                patch.setenv(name, value)
            place = open_place(PATH)
            for path in directory.rglob("*.json"):
                place.write(str(path.relative_to(directory)), [path.read_bytes()])
            yield found


THEIRS = """
import json, sys, warnings; warnings.simplefilter("ignore")
import numpy as np
from smdebug.profiler.system_metrics_reader import S3NumpySystemMetricsReader
path, store, columns, extra, numbers, intervals = [json.loads(one) for one in sys.argv[1:]]
reader = S3NumpySystemMetricsReader(path, False, columns, extra, numbers, store, 20, "time", 2, 2, 500, True, 1, 2)
def plain(value):
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    return value.tolist() if hasattr(value, "tolist") else value
print(json.dumps([plain(reader.get_events(*interval)) for interval in intervals]))
"""


def plain(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    return value.tolist() if isinstance(value, np.ndarray) else value


def arrays(folder: Path, answers: Any) -> dict[str, Any]:
    """What each file has in its columns, as far as the answers say that these are filled."""
    name = S3NumpySystemMetricsReader.stored_fnames
    sizes = {}
    for _, _, stored, accumulated in answers:
        for node, (times, filled) in enumerate(stored):
            for time, size in zip(times, filled, strict=True):
                sizes |= dict.fromkeys(name(node, time, "time"), size)
        for node, (time, size) in enumerate(accumulated or []):
            sizes |= dict.fromkeys(name(node, time, "time", "accu_"), size)
    found = {}
    for path in folder.rglob("*.npy"):
        kind: type = np.int64 if "time#" in path.name else np.int32
        table = np.frombuffer(path.read_bytes(), kind).reshape(-1, len(NUMBERS))
        columns = [table[:count, column].tolist() for column, count in enumerate(sizes[path.name])]
        found[str(path.relative_to(folder))] = columns
    return found


def test_arrays_and_files_are_those_of_smdebug(environment: dict[str, str], tmp_path: Path) -> None:
    own = reader(str(tmp_path / "ours"), accumulate_forward=True, accumulate_minutes=1, n_process=2)
    ours = plain([own.get_events(*interval) for interval in INTERVALS])
    said = [PATH, str(tmp_path / "theirs"), COLUMNS, EXTRA, NUMBERS, INTERVALS]
    theirs = smdebug(THEIRS, *map(json.dumps, said), environment=environment)
    assert ours == theirs
    assert [len(array) for array in ours[0][0]] == [40, 40]
    assert ours[2][3], "what was read forward was accumulated"
    files = arrays(tmp_path / "ours", ours)
    assert files == arrays(tmp_path / "theirs", theirs)
    assert len(files) == 2 * 2 * (4 + 1 + 1 + 4), "values and times of two nodes"


@pytest.mark.usefixtures("environment")
def test_files_in_s3_are_pickled_arrays() -> None:
    store = f"s3://{BUCKET}/arrays"
    _, _, stored, _ = reader(store).get_events(BEGIN, BEGIN + 10 * SECOND, False)
    begin, size = stored[0][0][0], stored[0][1][0]
    values, times = reader(store).stored_fnames(0, int(begin), "time")
    table = pickle.loads(open_place(store).read(f"algo-1/{values}"))
    assert (table.dtype, table.shape) == (np.int32, (20, 5))
    assert set(table[:20, 3]) == {38}
    assert np.count_nonzero(table != -1) == np.sum(size)
    assert pickle.loads(open_place(store).read(f"algo-1/{times}"))[0, 0] == BEGIN + 31_250


@pytest.mark.usefixtures("environment")
def test_bytes_beyond_what_files_can_hold_are_the_most_that_they_can(tmp_path: Path) -> None:
    begin = BEGIN + 110 * SECOND
    found = reader(str(tmp_path))
    time = found.get_events(begin, begin + 10 * SECOND, False)[2][0][0][0]
    values, _ = found.stored_fnames(0, int(time), "time")
    table = np.frombuffer((tmp_path / "algo-1" / values).read_bytes(), np.int32).reshape(-1, 5)
    assert set(table[:20, 4]) == {2**31 - 1}


@pytest.mark.usefixtures("environment")
def test_what_is_missing_for_minutes_is_zero_and_a_time_without_samples_is_empty(tmp_path: Path) -> None:
    found = reader(str(tmp_path), col_names=[*COLUMNS, "gpu1#GPUUtilization"], extra_col_names=EXTRA,
                   col_dict=NUMBERS | {name: number + 4 for number, name in enumerate(EXTRA)}
                   | {"gpu1#GPUUtilization": 3})  # fmt: skip
    first, second = found.get_events(BEGIN, BEGIN + 60 * SECOND, False)[0]
    assert first.dtype == np.uint8
    assert first[:, 1].tolist() == [int((2 * row + 0.5) / 4) for row in range(60)]
    assert second[:3, 1].tolist() == [0, 0, 0]
    assert not first[:, 3].any()
    nothing, times, stored, _ = found.get_events(BEGIN - 900 * SECOND, BEGIN - 840 * SECOND, False)
    assert [array.shape for array in nothing] == [(0, 4), (0, 4)]
    assert times == [[BEGIN - 840 * SECOND] * 2]
    assert stored == [[[], []], [[], []]]


@pytest.mark.usefixtures("environment")
def test_what_cannot_be_asked_for_is_told(tmp_path: Path) -> None:
    with pytest.raises(SMDebugValueError, match="group_size is 1 or more, not 0"):
        reader(str(tmp_path), group_size=0)
    with pytest.raises(SMDebugValueError, match="group_size is 1 or more, not -1"):
        reader(str(tmp_path)).set_group_size(-1)
    with pytest.raises(SMDebugValueError, match="whole rows of 1000000 microseconds"):
        reader(str(tmp_path)).get_events(BEGIN + 1, BEGIN + SECOND, False)
    accumulating = reader(str(tmp_path), accumulate_forward=True, accumulate_minutes=1)
    with pytest.raises(SMDebugValueError, match="shorter than the 1 minutes"):
        accumulating.get_events(BEGIN, BEGIN + 60 * SECOND, True)
    with pytest.raises(SMDebugValueError, match="col_dict numbers col_names and then extra_col_names from 0"):
        reader(str(tmp_path), extra_col_names=EXTRA[::-1])
    without = {name: NUMBERS[name] for name in [*COLUMNS, EXTRA[0]]}
    with pytest.raises(SMDebugValueError, match="col_dict has no column eth0#Algorithm"):
        reader(str(tmp_path), extra_col_names=EXTRA[:1], col_dict=without).get_events(BEGIN, BEGIN + SECOND, False)


@pytest.mark.usefixtures("environment")
def test_samples_for_which_files_have_no_room_are_told_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    reader(str(tmp_path), frequency=1000).get_events(BEGIN, BEGIN + 60 * SECOND, False)
    assert "algo-1 has samples more often than each 1000 ms" in caplog.text
