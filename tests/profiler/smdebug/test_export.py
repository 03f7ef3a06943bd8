"""What is written as SageMaker Debugger's files is read by smdebug as it was, on disk and in S3."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from epochwatch.debugger.mode_keys import ModeKeys
from epochwatch.model.host_samples import Samples
from epochwatch.profiler.directory import open_profile
from epochwatch.profiler.events import SCHEMA
from epochwatch.profiler.phases import Phase
from epochwatch.profiler.smdebug.export import ROTATE_BYTES, write_end, write_pevents, write_system_files
from tests.debugger.judge import smdebug
from tests.profiler.profiles import event
from tests.profiler.smdebug.recorded import BEGIN
from tests.servers import ServerProcess

READ = """
import json, sys
from smdebug.profiler.analysis.utils.profiler_data_to_pandas import PandasFrame
from smdebug.profiler.system_metrics_reader import LocalSystemMetricsReader, S3SystemMetricsReader
from smdebug.profiler.algorithm_metrics_reader import LocalAlgorithmMetricsReader, S3AlgorithmMetricsReader
s3 = sys.argv[1].startswith("s3")
system = (S3SystemMetricsReader if s3 else LocalSystemMetricsReader)(sys.argv[1]).get_events(0, 2**62)
timelines = (S3AlgorithmMetricsReader if s3 else LocalAlgorithmMetricsReader)(sys.argv[1]).get_events(0, 2**62)
print(json.dumps({
    "system": [[e.type, e.name, e.dimension, e.value, e.node_id, e.timestamp] for e in system],
    "events": sorted([e.start_time, e.duration, e.event_phase, e.event_name, e.node_id, e.pid, e.tid,
                      (e.event_args or {}).get("step_num")] for e in timelines)}))
"""
BUCKET = "profiles"
TRAIN, EVAL = ModeKeys.TRAIN.value, ModeKeys.EVAL.value
MINUTE = 60_000_000


def some_events() -> pa.Table:
    """Of two ranks: steps of two modes with their phases, over three minutes."""
    rows = []
    for rank in range(2):
        for number in range(90):
            start, mode = BEGIN + 2_000_000 * number, EVAL if number % 10 > 7 else TRAIN
            at = {"step": number, "mode": mode, "rank": rank, "process": 900 + rank, "thread": 7}
            rows += [
                event(Phase.STEP, start, 2_000_000, **at),
                event(Phase.DATA_LOADING, start, 300_000, **at),
                event(Phase.FORWARD, start + 300_000, 500_001, name="Net", **at),
                event(Phase.OPTIMIZER, start + 1_500_000, 99, name="AdamW", **at),
                event(Phase.WORKER, start + 5, 10, bytes=4096, **at | {"process": 950 + rank}),
            ]
    return pa.Table.from_pylist(rows, SCHEMA)


def some_samples() -> Samples:
    """Of two cores, a GPU and the network, half a second apart."""
    count = 300
    columns = {
        "cpu.0.busy": np.linspace(0, 99, count),
        "cpu.1.busy": np.full(count, np.nan),
        "cpu.0.iowait": np.linspace(5, 0, count),
        "gpu.0.busy": np.arange(count) % 100,
        "gpu.0.memory.percent": np.full(count, 40),
        "memory.percent": np.full(count, 12.5),
        "network.eth0.received": np.arange(count) * 1000,
        "disk.read": np.ones(count),
    }
    values = {name: column.astype(np.float32) for name, column in columns.items()}
    times = BEGIN + 500_000 * np.arange(count)
    return Samples(times, np.full(count, 0.5, np.float32), values, dict.fromkeys(values, "Percent"))


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """What a client needs to find the server."""
    with ServerProcess(tmp_path_factory.mktemp("server")) as server:
        server.boto3("s3").create_bucket(Bucket=BUCKET)
        yield server.aws_environment()


@pytest.fixture(params=["disk", "s3"])
def folder(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    environment: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> str:
    """Where a profile is written: a directory, or a prefix in S3."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return str(tmp_path) if request.param == "disk" else f"s3://{BUCKET}/digits/profiler-output"


def names(row: dict[str, Any], of_their_mode: dict[tuple[int, int], int]) -> list[Any]:
    """A row as smdebug tells it."""
    phase, mode = row["phase"], ModeKeys(row["mode"])
    shown = {
        "step": (f"Step:{mode}", f"Step:{mode}"),
        "data_loading": ("DataLoaderIter", "DataLoaderIter::GetNext"),
        "forward": ("Forward", "Net"),
        "optimizer": ("Optimizer", "AdamW"),
        "worker": ("DataLoaderWorker", "DataLoaderWorker"),
    }[phase]
    step = str(of_their_mode[row["rank"], row["step"]])
    node = f"{row['node']}-{row['rank']}"
    return [row["start"], row["duration"], *shown, node, row["process"], row["thread"], step]


def test_smdebug_reads_events_and_samples_as_they_were(folder: str, environment: dict[str, str]) -> None:
    table, samples = some_events(), some_samples()
    write_pevents([table.slice(0, 100), table.slice(100)], folder)
    write_system_files(samples, folder, "algo-1")
    write_end(folder)
    found = smdebug(READ, folder, environment=environment)
    numbers: dict[tuple[int, int], int] = {}
    for rank in range(2):
        for mode in (TRAIN, EVAL):
            steps = [number for number in range(90) if (number % 10 > 7) == (mode == EVAL)]
            numbers |= {(rank, step): place for place, step in enumerate(steps)}
    assert found["events"] == sorted(names(row, numbers) for row in table.to_pylist())
    times = {time for *_, time in found["system"]}
    assert times == {time / 1e6 for time in samples.times.tolist()}
    cores = [value for kind, name, *_, value, _, _ in found["system"] if (kind, name) == ("cpu", "cpu0")]
    assert cores == pytest.approx(samples.values["cpu.0.busy"].tolist(), abs=0.01)
    network = [value for kind, _, of, value, *_ in found["system"] if (kind, of) == ("network", "Algorithm")]
    assert network == [500 * number for number in range(300)]
    assert len(found["system"]) == 300 * 7
    profile = open_profile(folder)
    read = pa.concat_tables(list(profile.events((0, 1 << 62)))).unify_dictionaries()
    columns = ["start", "duration", "step", "mode", "phase", "process", "thread", "bytes", "node"]
    assert sorted(map(str, read.select(columns).to_pylist())) == sorted(
        map(str, table.select(columns).to_pylist())
    )
    again = profile.system("algo-1", (0, 1 << 62))
    assert again.times.tolist() == samples.times.tolist()
    np.testing.assert_allclose(again.values["cpu.0.busy"], samples.values["cpu.0.busy"], atol=0.01)
    np.testing.assert_allclose(again.values["network.total"], samples.values["network.eth0.received"])
    assert profile.ended()


def test_a_file_is_over_after_a_minute_or_with_its_hour_or_when_it_is_large(tmp_path: Path) -> None:
    def rows(starts: list[int], name: str = "op") -> pa.Table:
        return pa.Table.from_pylist([event(Phase.OPERATOR, start, 10, name=name) for start in starts], SCHEMA)

    hour = (BEGIN // 3_600_000_000 + 1) * 3_600_000_000
    write_pevents(
        [rows([BEGIN, BEGIN + MINUTE - 100, BEGIN + MINUTE, hour - 100, hour + 5])], str(tmp_path / "times")
    )
    found = sorted((tmp_path / "times").rglob("*.json"))
    assert [path.name.split("_")[0] for path in found] == [
        str(BEGIN + MINUTE - 90),
        str(BEGIN + MINUTE + 10),
        str(hour - 90),
        str(hour + 15),
    ]
    assert [path.parent.name for path in found] == ["2023111422", "2023111422", "2023111422", "2023111423"]
    large = ROTATE_BYTES // 50_000 + 10
    write_pevents([rows(list(range(BEGIN, BEGIN + large)), "x" * 50_000)], str(tmp_path / "large"))
    assert len(sorted((tmp_path / "large").rglob("*.json"))) == 2


def test_only_a_node_s_own_events_are_written(tmp_path: Path) -> None:
    rows = [event(Phase.OPERATOR, BEGIN, 10, node=f"algo-{number}", rank=-1, process=77) for number in (1, 2)]
    write_pevents([pa.Table.from_pylist(rows, SCHEMA)], str(tmp_path), "algo-2")
    (path,) = tmp_path.rglob("*.json")
    assert path.name == f"{BEGIN + 10}_77-algo-2_pythontimeline.json"
    entries = json.loads(path.read_text())
    assert entries[0]["args"] == {"start_time_since_epoch_in_micros": BEGIN}
    assert entries[-1]["name"] == "cpu_functions"
