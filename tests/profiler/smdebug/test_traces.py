"""Traces of frameworks' own profilers, and our own files, are part of a profile in a directory."""

import gzip
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from epochwatch.model.host_rows import Column, Layout, Row
from epochwatch.profiler import kineto
from epochwatch.profiler.directory import open_profile
from epochwatch.profiler.kineto import read_trace
from epochwatch.profiler.phases import Phase
from epochwatch.profiler.profile import Profile
from epochwatch.profiler.smdebug.readers import LocalAlgorithmMetricsReader
from epochwatch.profiler.steps import step_table
from epochwatch.profiler.store.rows import Header
from epochwatch.profiler.store.writer import EventWriter
from tests.profiler.smdebug.recorded import BEGIN, meta, step, timeline

EVERYTHING = (0, 1 << 62)


def entry(category: str, name: str, start: float, duration: float, **more: Any) -> dict[str, Any]:
    return {"ph": "X", "cat": category, "name": name, "ts": start, "dur": duration, "pid": 77, "tid": 78} | more


RECORDED = [
    {"ph": "M", "name": "process_name", "pid": 77, "tid": 0, "ts": 0.5, "args": {"name": "python"}},
    entry("user_annotation", "ProfilerStep#7", 1000.25, 500.5),
    entry("user_annotation", "ProfilerStep#8", 1501, 499, tid="main"),
    entry("cpu_op", "aten::mm", 1100.4, 50.2, args={"External id": 1}),
    entry("kernel", "sgemm", 1550, 30, pid=0, tid=7),
    entry("gpu_memcpy", "Memcpy HtoD", 1600, 3, pid=0, tid=7, args={"bytes": 4096}),
    entry("python_function", "train.py(3): step", 2100, 10),
    entry("ac2g", "flow", 1100, 0, ph="s"),
    {"ph": "i", "name": "Record Window End", "ts": 2200, "pid": "", "tid": "", "s": "g"},
]


def events(profile: Profile) -> list[dict[str, Any]]:
    return pa.concat_tables(list(profile.events(EVERYTHING))).to_pylist()


def test_operators_and_kernels_of_pytorch_belong_to_steps(tmp_path: Path) -> None:
    content = {"traceEvents": RECORDED, "baseTimeNanoseconds": BEGIN * 1000, "distributedInfo": {"rank": 3}}
    path = tmp_path / "framework" / "pytorch" / "algo-1_77.1700000040123.pt.trace.json.gz"
    path.parent.mkdir(parents=True)
    path.write_bytes(gzip.compress(json.dumps(content).encode()))
    profile = open_profile(str(tmp_path))
    found = [
        (row["phase"], row["name"], row["start"] - BEGIN, row["duration"], row["step"]) for row in events(profile)
    ]
    assert found == [
        ("step", "step", 1000, 501, 7),
        ("operator", "aten::mm", 1100, 50, 7),
        ("step", "step", 1501, 499, 8),
        ("kernel", "sgemm", 1550, 30, 8),
        ("kernel", "Memcpy HtoD", 1600, 3, 8),
        ("python", "train.py(3): step", 2100, 10, -1),
    ]
    assert {(row["node"], row["rank"], row["process"]) for row in events(profile)} == {("algo-1", 3, 77)}
    assert events(profile)[4]["bytes"] == 4096
    assert list(profile.events((0, BEGIN))) == []
    assert list(profile.events(EVERYTHING, [Phase.FORWARD])) == []
    (window,) = profile.windows()
    assert (window.node, window.rank, window.first_step, window.last_step) == ("algo-1", 3, 7, 8)
    assert window.span == (BEGIN + 1000, BEGIN + 2111)
    assert profile.span() == window.span
    assert profile.nodes() == ["algo-1"]
    assert read_trace(profile.read(window.path)).steps == [
        (7, BEGIN + 1000, BEGIN + 1501),
        (8, BEGIN + 1501, BEGIN + 2000),
    ]
    assert step_table(profile, profile.span()).step.tolist() == [7, 8]


def test_a_trace_tells_of_no_steps_where_timelines_do(tmp_path: Path) -> None:
    timeline(tmp_path, [step(7, 1000, 500), step(8, 1500, 500)], 2000)
    (tmp_path / "host_77.1.pt.trace.json").write_text(
        json.dumps({"traceEvents": RECORDED, "baseTimeNanoseconds": BEGIN * 1000})
    )
    found = [row["phase"] for row in events(open_profile(str(tmp_path)))]
    assert sorted(found) == ["kernel", "kernel", "operator", "python", "step", "step"]


def tensorflow(directory: Path, *, metadata: bool = True) -> None:
    folder = directory / "framework" / "tensorflow" / "detailed_profiling" / "2023111422" / "000000012"
    path = folder / "plugins" / "profile" / "2023_11_14" / "ip-10-0-0-1.trace.json.gz"
    path.parent.mkdir(parents=True)
    entries = [
        meta("process_name", 1, name="/device:GPU:0"),
        meta("process_name", 2, name="/host:CPU"),
        {"ph": "X", "pid": 1, "tid": 3, "ts": 100.5, "dur": 20.25, "name": "Conv2D"},
        {"ph": "X", "pid": 2, "tid": 4, "ts": 90, "dur": 40, "name": "MatMul", "args": {"long_name": "mm"}},
        {},
    ]
    path.write_bytes(gzip.compress(json.dumps({"traceEvents": entries}).encode()))
    if metadata:
        (folder / f"8-algo-1_{BEGIN}_{BEGIN + 5000}.metadata").touch()


def test_detailed_profiles_of_tensorflow_are_read(tmp_path: Path) -> None:
    tensorflow(tmp_path)
    profile = open_profile(str(tmp_path))
    found = [(row["phase"], row["name"], row["start"] - BEGIN, row["duration"]) for row in events(profile)]
    assert found == [("operator", "MatMul", 90, 40), ("kernel", "Conv2D", 100, 20)]
    (window,) = profile.windows()
    assert (window.node, window.first_step, window.last_step) == ("ip-10-0-0-1", 12, 12)
    reader = LocalAlgorithmMetricsReader(str(tmp_path))
    assert reader.get_timestamp_of_latest_available_file() == BEGIN + 5000
    first, second = reader.get_events(BEGIN, BEGIN + 5000)
    assert (first.event_name, first.event_phase, first.start_time) == ("Conv2D", "/device:GPU:0", BEGIN + 100.5)
    assert (second.event_args, second.file_type) == ({"long_name": "mm"}, "TFProfilerMetrics")


def test_of_tensorflow_s_pipeline_only_the_training_s_wait_is_data_loading(tmp_path: Path) -> None:
    names = ("dataset::GetNext", "IteratorGetNextOp::DoCompute")
    entries = [{"phase": "DataIterator", "name": name, "ph": "X", "ts": 5, "dur": 9} for name in names]
    timeline(tmp_path, entries, 20, suffix="model_timeline.json")
    assert {row["name"]: row["phase"] for row in events(open_profile(str(tmp_path)))} == {
        "dataset::GetNext": "other",
        "IteratorGetNextOp::DoCompute": "data_loading",
    }


def test_our_own_files_come_before_timelines_that_were_made_of_them(tmp_path: Path) -> None:
    writer = EventWriter(tmp_path / "profile", Header("algo-2", 1, 77))
    for number in range(5):
        writer.add(Phase.STEP, BEGIN + 100 * number, 100, step=number)
    writer.flush()
    writer.close()
    timeline(tmp_path, [step(0, 0, 100)], 100)
    windows = tmp_path / "profile" / "windows"
    windows.mkdir()
    said = {"node": "algo-2", "rank": 1, "first_step": 1, "last_step": 2, "span": [BEGIN + 100, BEGIN + 300]}
    (windows / "a.json").write_text(json.dumps(said | {"cost": None, "path": "windows/a.json.gz"}))
    (windows / "a.json.gz").write_bytes(b"trace")
    profile = open_profile(str(tmp_path))
    assert [(row["node"], row["step"]) for row in events(profile)] == [("algo-2", number) for number in range(5)]
    (window,) = profile.windows()
    assert profile.read(window.path) == b"trace"
    assert profile.nodes() == ["algo-1", "algo-2"]
    assert profile.span() == (BEGIN, BEGIN + 501)
    for path in ("../profile/windows/a.json.gz", str(windows / "a.json.gz")):
        with pytest.raises(FileNotFoundError):
            profile.read(path)
    (windows / "b.json").write_text(json.dumps(said))
    with pytest.raises(ValueError, match=r"windows/b\.json: this tells of no window: 'cost'"):
        profile.windows()


def test_the_directory_of_a_run_is_a_profile_with_its_host_s_samples(tmp_path: Path) -> None:
    layout = Layout([Column("cpu.busy", "Percent"), Column("network.eth0.sent", "Bytes/Second")])
    for part in range(2):
        rows = [Row(BEGIN + 100_000 * number, 0.1, (number, 1.5)) for number in range(50 * part, 50 * part + 50)]
        content = layout.header() + b"".join(map(layout.pack, rows))
        (tmp_path / f"host-{part}.bin").write_bytes(content + b"torn")
    (tmp_path / "host-2.bin").write_bytes(layout.header()[:20])
    profile = open_profile(str(tmp_path))
    assert (profile.nodes(), profile.span()) == (["algo-1"], (BEGIN, BEGIN + 9_900_001))
    found = profile.system("algo-1", (BEGIN + 1_000_000, BEGIN + 2_000_000), ["cpu.busy"])
    assert (found.values["cpu.busy"].tolist(), found.units) == (list(range(10, 20)), {"cpu.busy": "Percent"})
    assert profile.system("algo-1", profile.span(), None, 10).values["cpu.busy.max"].tolist() == [0, 99]
    writer = EventWriter(tmp_path / "profile", Header("algo-7", 0, 77))
    writer.add(Phase.STEP, BEGIN, 100, step=0)
    writer.flush()
    writer.close()
    assert profile.nodes() == ["algo-7"]
    assert len(profile.system("algo-7", profile.span()).times) == 100


def test_of_our_own_files_only_those_of_the_time_are_read(tmp_path: Path) -> None:
    for minute in range(4):
        begun = BEGIN + 60_000_000 * minute
        writer = EventWriter(tmp_path, Header("algo-1", 0, 77), clock=lambda begun=begun: 1000 * begun)
        for second in range(60):
            writer.add(Phase.STEP, begun + 1_000_000 * second, 1_000_000, step=60 * minute + second)
        writer.flush()
        writer.close()
    (tmp_path / f"events-{BEGIN - 7_200_000_000:016d}-77.ewe").write_bytes(b"damaged")
    profile = open_profile(str(tmp_path))
    (table,) = profile.events((BEGIN + 90_000_000, BEGIN + 150_000_000))
    assert table["step"].to_pylist() == list(range(90, 150))
    with pytest.raises(ValueError, match="no file of events"):
        list(profile.events(EVERYTHING))


def test_older_traces_are_since_1970_by_themselves() -> None:
    content = {"traceEvents": [entry("user_annotation", "ProfilerStep#1", BEGIN, 5)], "baseTimeNanoseconds": 5}
    assert read_trace(json.dumps(content).encode()).steps == [(1, BEGIN, BEGIN + 5)]
    assert read_trace(b"[]").steps == []


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"{}", "this is no trace"),
        (b"nonsense", "this is no trace"),
        (b"\x1f\x8bnonsense", "the trace is damaged"),
        (gzip.compress(b'{"traceEvents": []}', mtime=0)[:-9], "the trace is cut off"),
        (gzip.compress(b" " * 2000, mtime=0), "more than 1000 bytes"),
        (b" " * 2000, "more than 1000 bytes"),
    ],
)
def test_what_is_no_trace_is_refused(data: bytes, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kineto, "MOST_BYTES", 1000)
    with pytest.raises(ValueError, match=message):
        read_trace(data)
