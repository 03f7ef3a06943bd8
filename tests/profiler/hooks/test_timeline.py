"""Phases of a device that is behind the thread that gives it work. No GPU is here: one is played."""

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest

from epochwatch.profiler.hooks.recorder import Recorder
from epochwatch.profiler.store.reader import read_events

MS = 1_000_000


class Gpu:
    """Does what it is given one after another; the host's clock is the test's."""

    def __init__(self) -> None:
        self.now = 10**15
        self.busy_until = self.now
        self.capturing = False
        self.synchronized = 0

    def host(self, milliseconds: int) -> None:
        self.now += milliseconds * MS

    def launch(self, milliseconds: int) -> None:
        self.busy_until = max(self.busy_until, self.now) + milliseconds * MS

    def synchronize(self, _: Any) -> None:
        self.synchronized += 1
        self.now = max(self.now, self.busy_until)

    def event(self, *, enable_timing: bool) -> "Event":
        assert enable_timing
        return Event(self)


class Event:
    """Of its stream: done when the device has come to where it was recorded."""

    def __init__(self, gpu: Gpu) -> None:
        self.gpu = gpu

    def record(self, _: Any) -> None:
        self.at = max(self.gpu.now, self.gpu.busy_until)

    def query(self) -> bool:
        return self.gpu.now >= self.at

    def elapsed_time(self, other: "Event") -> float:
        assert other.query()
        return (other.at - self.at) / MS


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gpu]:
    made = Gpu()
    torch = ModuleType("torch")
    torch.cuda = SimpleNamespace(  # type: ignore[attr-defined]
        current_device=lambda: 0,
        current_stream=lambda device: None,
        is_current_stream_capturing=lambda: made.capturing,
        synchronize=made.synchronize,
        Event=made.event,
    )
    monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.delitem(sys.modules, "epochwatch.profiler.hooks.cuda", raising=False)
    monkeypatch.setattr(time, "monotonic_ns", lambda: made.now)
    yield made
    sys.modules.pop("epochwatch.profiler.hooks.cuda", None)


@pytest.fixture
def recorder(gpu: Gpu, tmp_path: Path) -> Recorder:
    from epochwatch.profiler.hooks.cuda import CudaTimeline

    made = Recorder(tmp_path)
    made.timeline = CudaTimeline()
    return made


def train(gpu: Gpu, recorder: Recorder, steps: int, load: int, compute: int) -> dict[str, list[int]]:
    """Milliseconds of each phase by step: loading takes the host so long, forward and backward the device."""
    for _ in range(steps):
        with recorder.phase("data_loading"):
            gpu.host(load)
        for phase in ("forward", "backward"):
            with recorder.phase(phase):
                gpu.host(1)
                gpu.launch(compute)
        recorder.end_step()
    gpu.host(10_000)
    recorder.close()
    rows = pa.concat_tables(read_events(path.read_bytes() for path in sorted(recorder.directory.iterdir())))
    found: dict[str, list[int]] = {}
    for row in sorted(rows.to_pylist(), key=lambda row: row["step"]):
        found.setdefault(row["phase"], []).append(round(row["duration"] / 1000))
    return found


def test_while_the_device_has_work_loading_costs_nothing(gpu: Gpu, recorder: Recorder) -> None:
    found = train(gpu, recorder, 6, load=10, compute=20)
    assert found["step"][2:] == [40] * 4
    assert found["forward"][2:] == found["backward"][2:] == [20] * 4
    assert len(found["data_loading"]) < 6  # the later ones took no time of the device


def test_where_the_device_waits_for_data_that_is_what_a_step_was_for(gpu: Gpu, recorder: Recorder) -> None:
    found = train(gpu, recorder, 6, load=50, compute=5)
    assert found["step"][1:] == [52] * 5  # the device has done its last work while the next batch is loaded
    assert found["data_loading"][2:] == [41] * 4
    assert found["forward"][2:] == [6] * 4  # it waits for the host, too, that is 1 ms in giving it its work
    assert found["backward"][2:] == [5] * 4


def test_nothing_waits_for_the_device_but_once_a_minute(gpu: Gpu, recorder: Recorder) -> None:
    train(gpu, recorder, 20, load=50, compute=5)
    assert gpu.synchronized == 1
    timeline = recorder.timeline
    assert timeline is not None
    gpu.host(61_000)
    timeline.mark(gpu.now)
    assert gpu.synchronized == 2


def test_what_is_captured_as_a_graph_is_not_disturbed(gpu: Gpu, recorder: Recorder) -> None:
    timeline = recorder.timeline
    assert timeline is not None
    gpu.capturing = True
    timeline.mark(5)
    assert timeline.passed(5)
    assert timeline.translated(5) == 5
