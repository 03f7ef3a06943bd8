"""A span of a profile as Perfetto opens it."""

import json
from typing import Any

import numpy as np

from epochwatch.model.host_samples import Samples
from epochwatch.profiler.chrome_trace import chrome_trace
from epochwatch.profiler.events import Phase
from epochwatch.profiler.profile import Span
from tests.profiler.profiles import MemoryProfile, event

BASE = 1_700_000_000_000_000


def trace(profile: MemoryProfile, span: Span) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(b"".join(chrome_trace(profile, span)))
    return found


def test_events_are_complete_events_of_their_process_and_thread() -> None:
    rows = [
        event(Phase.STEP, BASE + 10, 100, 0, thread=0),
        event(Phase.OPERATOR, BASE + 20, 5, 0, name='aten::"mm"', thread=3, bytes=8, node="algo-2", rank=1),
        event(Phase.INITIALIZATION, BASE, 10),
    ]
    found = trace(MemoryProfile(rows, rows_of_a_table=1), (BASE, BASE + 1000))
    assert found["otherData"] == {"job": "training", "start_time_since_epoch_in_micros": BASE}
    complete = [record for record in found["traceEvents"] if record["ph"] == "X"]
    assert complete[0] == {
        "ph": "X", "cat": "step", "name": "step 0", "ts": 10, "dur": 100, "pid": 1, "tid": 0, "args": {"step": 0},
    }  # fmt: skip
    assert complete[1] == {
        "ph": "X", "cat": "operator", "name": 'aten::"mm"', "ts": 20, "dur": 5, "pid": 2, "tid": 3,
        "args": {"step": 0, "bytes": 8},
    }  # fmt: skip
    assert complete[2]["args"] == {}
    names = {one["pid"]: one["args"]["name"] for one in found["traceEvents"] if one["name"] == "process_name"}
    assert names == {1: "algo-1 rank 0 (process 1)", 2: "algo-2 rank 1 (process 1)"}


def test_samples_are_counters_beside_them() -> None:
    times = np.array([BASE, BASE + 100_000])
    columns = {"cpu.busy": np.array([50.0, np.nan], np.float32), "disk.vda.read": np.zeros(2, np.float32)}
    profile = MemoryProfile([], {"algo-1": Samples(times, np.full(2, 0.1, np.float32), columns, {})})
    counters = [one for one in trace(profile, (BASE, BASE + 10**6))["traceEvents"] if one["ph"] == "C"]
    assert {"ph": "C", "name": "cpu.busy", "ts": 0, "tid": 0, "args": {"cpu.busy": 50.0}}.items() <= counters[
        0
    ].items()
    assert [one for one in counters if one["name"] == "cpu.busy"] == counters[:1]


def test_an_empty_span_is_an_empty_trace() -> None:
    assert trace(MemoryProfile([]), (0, 1))["traceEvents"] == []
