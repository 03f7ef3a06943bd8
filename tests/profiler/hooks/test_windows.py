"""What a window records and what it cost, whatever framework's profiler runs in it."""

import gzip
import json
import logging
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from epochwatch.profiler.hooks import trace
from epochwatch.profiler.hooks.recorder import Recorder
from epochwatch.profiler.hooks.trace import MARK, events_of
from epochwatch.profiler.hooks.windows import Windows
from epochwatch.profiler.phases import Phase

STEPS = [(7, 1_000_000, 1_100_000), (8, 1_100_000, 1_200_000)]


def record(name: str, ts: float, dur: float, cat: str = "cpu_op", **args: Any) -> dict[str, Any]:
    return {"ph": "X", "cat": cat, "name": name, "ts": ts, "dur": dur, "tid": 4, "args": args}


def written(path: Path, *records: dict[str, Any]) -> Path:
    """By a clock that is 500 microseconds behind ours when the window begins at the first step."""
    mark = {"ph": "X", "cat": "user_annotation", "name": MARK, "ts": 999_500.0, "dur": 1}
    path.write_text(json.dumps({"traceEvents": [mark, *records]}))
    return path


def test_operators_and_kernels_are_events_by_our_clock_and_of_the_steps_they_are_in(tmp_path: Path) -> None:
    path = written(
        tmp_path / "trace.json",
        record("aten::mm", 1_099_600.0, 20.4),
        record("sgemm", 1_000_000.0, 5.0, "kernel"),
        record("Memcpy", 1_300_000.0, 0.2, "gpu_memcpy", bytes=64),
        record("python", 1_000_000.0, 5.0, "python_function"),
    )
    assert list(events_of(path, STEPS, 1.0)) == [
        (Phase.KERNEL, 1_000_500, 5, 7, "sgemm", 4, 0),
        (Phase.OPERATOR, 1_100_100, 20, 8, "aten::mm", 4, 0),
        (Phase.KERNEL, 1_300_500, 1, -1, "Memcpy", 4, 64),
    ]


def test_of_a_trace_of_jax_each_operation_is_taken_once(tmp_path: Path) -> None:
    """A device's work is in its streams, and once more in lines made of them."""

    def named(kind: str, name: str, pid: int, tid: int | None = None) -> dict[str, Any]:
        return {"ph": "M", "name": kind, "pid": pid, "tid": tid, "args": {"name": name}}

    def ran(name: str, pid: int, tid: int, **args: Any) -> dict[str, Any]:
        return {"ph": "X", "pid": pid, "tid": tid, "ts": 1_000_000.0, "dur": 7.0, "name": name, "args": args}

    path = written(
        tmp_path / "t",
        named("process_name", "/host:CPU", 1),
        named("process_name", "/device:GPU:0", 2),
        named("process_name", "/device:TPU:0", 3),
        named("thread_name", "python", 1, 10),
        named("thread_name", "Stream #12(Compute)", 2, 20),
        named("thread_name", "XLA Ops", 2, 21),
        named("thread_name", "XLA Ops", 3, 30),
        named("thread_name", "XLA Modules", 3, 31),
        ran("PjitFunction(step)", 1, 10),
        ran("dot.3", 1, 11, hlo_op="dot.3"),
        ran("gemm_fusion", 2, 20, hlo_op="dot.3"),
        ran("dot.3", 2, 21, hlo_op="dot.3"),
        ran("fusion.1", 3, 30, hlo_op="fusion.1"),
        ran("jit_step", 3, 31),
    )
    found = [(phase, name, step) for phase, _, _, step, name, _, _ in events_of(path, STEPS, 1.0)]
    assert found == [(Phase.OPERATOR, "dot.3", 7), (Phase.KERNEL, "gemm_fusion", 7), (Phase.KERNEL, "fusion.1", 7)]


def test_beyond_a_number_of_events_the_shortest_are_added_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trace, "MOST_EVENTS", 3)
    path = written(tmp_path / "t", *(record(f"op{n % 2}", 1_000_000.0 + n, 10.0 + n) for n in range(10)))
    found = list(events_of(path, STEPS, 1.0))
    assert len(found) == 5
    assert sum(event[2] for event in found) == sum(range(10, 20))
    assert {event[2]: event[5] for event in found} == {
        17: 4,
        18: 4,
        19: 4,
        10 + 12 + 14 + 16: -4,
        11 + 13 + 15: -3,
    }


def test_a_trace_that_is_too_large_is_only_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trace, "MOST_BYTES", 10)
    assert list(events_of(written(tmp_path / "t"), STEPS, 1.0)) == []


class Tracer:
    """A framework's profiler that records one operator."""

    def start(self) -> float:
        self.began = time.time()
        return self.began

    def stop(self) -> None:
        """Nothing has to be done."""

    def save(self, path: Path) -> None:
        mark = {"name": MARK, "ts": 0.0, "dur": 1}
        path.write_text(json.dumps({"traceEvents": [mark, record("op", 1.0, 2.0)]}))


class Training:
    """Steps that take as long as the test says."""

    def __init__(
        self, directory: Path, monkeypatch: pytest.MonkeyPatch, config: Any, tracer: Any = Tracer
    ) -> None:
        self.now = 10**15
        monkeypatch.setattr(time, "monotonic_ns", lambda: self.now)
        self.directory = directory
        self.config = directory / "profilerconfig.json"
        if config is not None:
            self.config.write_text(json.dumps({"ProfilingParameters": config}))
        self.recorder = Recorder(directory)
        self.windows = Windows(self.recorder, self.config, tracer)

    def run(self, *milliseconds: int) -> None:
        for one in milliseconds:
            with self.recorder.phase("forward"):
                self.now += one * 1_000_000
            self.recorder.end_step()
            self.windows.step_ended()

    def told(self) -> list[dict[str, Any]]:
        self.windows.close()
        self.recorder.close()
        return [json.loads(path.read_bytes()) for path in sorted((self.directory / "windows").glob("*.json"))]


def test_a_window_costs_what_its_steps_took_longer_than_those_around(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = {"DetailedProfilingConfig": '{"StartStep": 10, "NumSteps": 2}'}
    training = Training(tmp_path, monkeypatch, config)
    training.run(*[20] * 10, 50, 30, 25, *[20] * 10)
    (window,) = training.told()
    assert (window["first_step"], window["last_step"], window["rank"]) == (10, 11, -1)
    assert window["cost"] == pytest.approx(0.030 + 0.010 + 0.005)
    assert gzip.decompress((tmp_path / window["path"]).read_bytes()).startswith(b"{")


def test_a_window_without_steps_around_it_does_not_say_what_it_cost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    training = Training(tmp_path, monkeypatch, {"DetailedProfilingConfig": '{"StartStep": 1}'})
    training.run(20, 20, 20)
    (window,) = training.told()
    assert window["cost"] is None


def test_a_window_that_is_open_at_the_end_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    training = Training(tmp_path, monkeypatch, {"DetailedProfilingConfig": '{"StartStep": 1, "NumSteps": 50}'})
    training.run(20, 20, 20)
    assert [(window["first_step"], window["last_step"]) for window in training.told()] == [(1, 2)]


@pytest.mark.parametrize("config", [None, {}, {"DataloaderProfilingConfig": "{}"}])
def test_without_being_asked_for_there_is_no_window(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, config: Any
) -> None:
    training = Training(tmp_path, monkeypatch, config)
    training.run(20, 20, 20)
    assert training.told() == []


def test_a_configuration_that_is_written_again_asks_again_only_for_what_is_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    training = Training(tmp_path, monkeypatch, {"DetailedProfilingConfig": "{}"})

    def write(config: dict[str, Any]) -> None:
        training.config.write_text(json.dumps(config))
        training.windows._next_look = 0.0
        training.windows._modified = 0

    training.run(*[20] * 4)
    write({"ProfilingParameters": {"DetailedProfilingConfig": "{}"}, "ProfilingIntervalInMilliseconds": 100})
    training.run(*[20] * 4)
    write({"ProfilingParameters": {"DetailedProfilingConfig": '{"NumSteps": 2}'}})
    training.run(*[20] * 4)
    write({"ProfilingParameters": {"DetailedProfilingConfig": '{"NumSteps": 2}'}, "Asked": 1})
    training.run(*[20] * 4)
    assert [(window["first_step"], window["last_step"]) for window in training.told()] == [
        (1, 1),
        (9, 10),
        (13, 14),
    ]


def test_the_training_does_not_wait_for_a_window_that_is_being_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = threading.Event()

    class Saving(Tracer):
        def save(self, path: Path) -> None:
            go_on.wait(60)
            super().save(path)

    training = Training(tmp_path, monkeypatch, {"DetailedProfilingConfig": '{"StartStep": 10}'}, Saving)
    training.run(*[20] * 300)  # more than are remembered
    go_on.set()
    assert [window["cost"] for window in training.told()] == [pytest.approx(0.0)]


class Broken(Tracer):
    """A profiler that another one keeps from running."""

    def start(self) -> float:
        raise RuntimeError("another profiler runs")


def test_what_has_no_effect_is_said_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    config = {
        "DetailedProfilingConfig": '{"ProfilerName": "cProfile", "MetricsRegex": ".*"}',
        "DataloaderProfilingConfig": '{"MetricsRegex": "first"}',
        "PythonProfilingConfig": '{"ProfilerName": "pyinstrument"}',
    }
    training = Training(tmp_path, monkeypatch, config, lambda: None)
    with caplog.at_level(logging.WARNING):
        training.run(*[20] * 3)
        training.config.write_text(json.dumps({"ProfilingParameters": config, "Asked": 1}))
        training.windows._next_look = 0.0
        training.windows._modified = 0
        training.run(*[20] * 3)
    assert len(caplog.records) == 3
    assert "ProfilerName 'pyinstrument' of PythonProfilingConfig has no effect" in caplog.text
    assert "MetricsRegex 'first' of DataloaderProfilingConfig has no effect" in caplog.text
    assert "DetailedProfilingConfig has no effect: what trains here" in caplog.text
    assert len(list((tmp_path / "windows").glob("*.pstats"))) == 2


@pytest.mark.parametrize(
    ("config", "tracer"),
    [({"DetailedProfilingConfig": "{}"}, Broken), ({"DetailedProfilingConfig": "nonsense"}, Tracer)],
)
def test_what_cannot_be_is_said_once_and_the_steps_are_timed_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, config: Any, tracer: Any
) -> None:
    training = Training(tmp_path, monkeypatch, config, tracer)
    with caplog.at_level(logging.WARNING):
        training.run(*[20] * 10)
    assert len(caplog.records) == 1
    assert "no window" in caplog.text
    assert training.recorder.active
    assert training.told() == []
