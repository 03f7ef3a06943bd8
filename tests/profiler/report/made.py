"""A profile made up in memory: a training with loops, evaluations and a window, on machines with cores and GPUs."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from epochwatch.debugger.mode_keys import ModeKeys
from epochwatch.model.host_samples import Columns, Samples, Values
from epochwatch.profiler.events import Phase
from epochwatch.profiler.profile import Span, Window
from tests.profiler.profiles import MemoryProfile
from tests.profiler.profiles import event as event_at

SECOND = 1_000_000
BEGIN = 1_790_000_000 * SECOND


def event(phase: Phase, start: float, seconds: float, step: int = -1, **more: Any) -> dict[str, Any]:
    """A row of events; ``start`` in seconds of the job."""
    return event_at(phase, BEGIN + round(start * SECOND), round(seconds * SECOND), step, **more)


@dataclass
class MadeProfile(MemoryProfile):
    """A job that lasts so many seconds from BEGIN."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    job: str = "made-up"
    seconds: float = 0.0
    over: bool = True
    shown: Sequence[Window] = ()

    def ended(self) -> bool:
        return self.over

    def span(self) -> Span:
        return (BEGIN, BEGIN + round(self.seconds * SECOND)) if self.seconds else (0, 0)

    def windows(self) -> Sequence[Window]:
        return self.shown

    def system(self, node: str, span: Span, columns: Columns = None, seconds: int = 0) -> Samples:
        whole = self.samples.get(node, Samples(np.zeros(0, np.int64), np.zeros(0, np.float32), {}, {}))
        wanted = columns if callable(columns) else (lambda name: columns is None or name in set(columns))
        rows = (whole.times >= span[0]) & (whole.times < span[1])
        found = {name: column[rows] for name, column in whole.values.items() if wanted(name)}
        if not seconds:
            return Samples(whole.times[rows], whole.seconds[rows], found, whole.units)
        spans = whole.times[rows] // (seconds * SECOND)
        starts = np.unique(spans)
        summed: Values = {}
        for name, column in found.items():
            groups = [column[spans == start] for start in starts]
            for statistic, of in (("min", np.min), ("mean", np.mean), ("max", np.max)):
                summed[f"{name}.{statistic}"] = np.array([of(group) for group in groups], np.float32)
        return Samples(starts * seconds * SECOND, np.full(len(starts), seconds, np.float32), summed, whole.units)


def training(
    steps: int,
    *,
    loading: float = 0.01,
    learning: float = 0.08,
    start: float = 20.0,
    node: str = "algo-1",
    rank: int = 0,
    slow: Collection[int] = (),
) -> list[dict[str, Any]]:
    """Steps one after the other, each of a batch, forward, backward and the optimizer; those of ``slow`` wait a second
    for their batch.
    """
    rows, at = [], start
    for step in range(steps):
        wait = loading + (step in slow)
        whole = wait + learning + 0.01
        who = {"node": node, "rank": rank, "process": 1 + rank}
        rows.append(event(Phase.STEP, at, whole, step, **who))
        rows.append(event(Phase.DATA_LOADING, at, wait, step, **who))
        for place, phase in enumerate((Phase.FORWARD, Phase.BACKWARD, Phase.OPTIMIZER)):
            rows.append(event(phase, at + wait + place * learning / 3, learning / 3, step, **who))
        at += whole
    return rows


def machine(seconds: float, interval: float = 0.5, cores: int = 4, gpus: int = 0, seed: int = 1) -> Samples:
    """A machine whose last core is always busy; GPUs are busy for half of each minute."""
    count = round(seconds / interval)
    times = BEGIN + (np.arange(count) * interval * SECOND).astype(np.int64)
    noise = np.random.default_rng(seed)
    values: Values = {}
    for core in range(cores):
        values[f"cpu.{core}.busy"] = np.full(count, 100.0 if core == cores - 1 else 20.0, np.float32)
        values[f"cpu.{core}.iowait"] = np.zeros(count, np.float32)
    values["cpu.busy"] = np.sum([values[f"cpu.{core}.busy"] for core in range(cores)], axis=0)
    values["memory.percent"] = np.linspace(10, 50, count).astype(np.float32)
    values["network.eth0.received"] = noise.uniform(0, 2e6, count).astype(np.float32)
    values["network.eth0.sent"] = np.full(count, 1e6, np.float32)
    busy = ((times // SECOND) % 60 < 30).astype(np.float32) * 96
    for gpu in range(gpus):
        values[f"gpu.{gpu}.busy"] = busy
        values[f"gpu.{gpu}.memory.percent"] = np.full(count, 40.0 + gpu, np.float32)
        values[f"gpu.{gpu}.power"] = np.full(count, 300.0, np.float32)
    units = {name: "Bytes/Second" if name.startswith("network") else "Percent" for name in values}
    return Samples(times, np.full(count, interval, np.float32), values, units)


def whole_job() -> MadeProfile:
    """Two nodes, a GPU each; the second waits longer for its data. One step in a hundred takes a second."""
    rows = training(600, slow=range(50, 600, 100))
    rows += training(600, loading=0.03, node="algo-2", rank=1, slow=range(50, 600, 100))
    rows.append(event(Phase.STEP, 95.0, 4.0, 600, mode=ModeKeys.EVAL.value))
    for number in range(40):
        rows.append(event(Phase.OPERATOR, 30 + number / 100, 0.002, 100, name="aten::mm"))
        rows.append(event(Phase.OPERATOR, 30 + number / 100, 0.001, 100, name="<img src=x onerror=alert(1)>"))
        rows.append(event(Phase.KERNEL, 30 + number / 100, 0.004, 100, name="sm90_gemm"))
        rows.append(event(Phase.WORKER, 25 + number, 0.5, number, process=200 + number % 2))
    window = Window("algo-1", 0, 100, 104, (BEGIN + 30 * SECOND, BEGIN + 31 * SECOND), 0.7, "windows/1.json.gz")
    samples = {"algo-1": machine(120, gpus=1), "algo-2": machine(120, gpus=1, seed=2)}
    return MadeProfile(rows, samples, seconds=120.0, shown=[window])
