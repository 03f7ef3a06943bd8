"""A job's profile of some minutes, with everything that smdebug's analyses look at."""

from pathlib import Path

import numpy as np

from tests.profiler.smdebug.recorded import BEGIN, line, part, step, system, timeline

SECOND = 1_000_000


def made_job(directory: Path, *, minutes: int = 3, modes: tuple[str, ...] = ("TRAIN", "EVAL")) -> str:
    """Steps of 0.2 s, five of training and two of evaluation by turns; samples of 4 cores and a GPU twice a second."""
    random = np.random.default_rng(7)
    for minute in range(minutes):
        lines = []
        for half in range(120):
            second = 60 * minute + half / 2 + 0.003
            for core in range(4):
                lines.append(line("cpu", f"cpu{core}", "CPUUtilization", round(random.uniform(0, 100), 2), second))
                lines.append(
                    line("i/o", f"cpu{core}", "I/OWaitPercentage", round(random.uniform(0, 9), 2), second)
                )
            lines.append(line("gpu", "gpu0", "GPUUtilization", int(random.integers(0, 101)), second + 0.004))
            lines.append(line("gpu", "gpu0", "GPUMemoryUtilization", int(random.integers(0, 101)), second + 0.004))
            lines.append(line("memory", "MemoryUsedPercent", "MemoryUtilization", 37.5, second))
            lines.append(line("network", "eth0", "Algorithm", int(random.integers(0, 9999)), second))
        system(directory, BEGIN // SECOND + 60 * minute, lines)
    _steps(directory, minutes, modes)
    return str(directory)


def _steps(directory: Path, minutes: int, modes: tuple[str, ...]) -> None:
    counts = dict.fromkeys(modes, 0)
    start = 10 * SECOND
    events = [part("DataLoaderIterInitialize", "_MultiProcessingDataLoaderIter.__init__", start - 5000, 4000, pid=905,
                   num_workers=2, pin_memory=True)]  # fmt: skip
    number = 0
    while start < (60 * minutes - 20) * SECOND:
        mode = modes[-1] if number % 7 > 4 else modes[0]
        duration = 150_000 + 1000 * (number % 40)
        at = {"pid": 905, "step_num": str(counts[mode])}
        loading = 20_000 + 90 * number
        worker = {"worker_id": number % 2}
        events.append(
            part("DataLoaderIter", "_MultiProcessingDataLoaderIter::GetNext", start + 10, loading, **worker, **at)
        )
        events.append(part("Forward", "Net", start + 60_000, 40_000, **at))
        events.append(step(counts[mode], start, duration, mode))
        counts[mode] += 1
        number += 1
        start += 200_000
        if number % 300 == 0:
            timeline(directory, events, start, suffix="pythontimeline.json")
            events = []
    events.append(
        part("DataLoaderWorker", "DataLoaderWorker", 10 * SECOND, start - 10 * SECOND, pid=906, worker_id=0)
    )
    timeline(directory, events, start)
