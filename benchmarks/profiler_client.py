"""What reading and analysing a profile costs, beside smdebug 1.0.34 on the same files.

A job of 80 minutes: a core, its I/O wait, a GPU, its memory and the memory of the machine every half second (48,000
events), 20,000 steps of training (of which smdebug's analysis by phase makes intervals) with 5,000 loads of data.
CPU seconds, of all threads, the least of some rounds; both clients in turn. ``by phase`` of smdebug runs once.

Run: ``python -m benchmarks.profiler_client``; ``--smoke`` for a tenth of it.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.peers import ROOT, peer_python
from tests.profiler.smdebug.recorded import BEGIN, line, part, step, system, timeline

ROUNDS = 3
MINUTES = 80
SECOND = 1_000_000
MEASURE = """
import json, os, sys, time, warnings
warnings.simplefilter("ignore")
directory, rounds, slow = sys.argv[1], int(sys.argv[2]), sys.argv[3] == "slow"
found = {}
def measured(name, work, rounds=rounds):
    for _ in range(rounds):
        begun = time.process_time()
        result = work()
        found[name] = min(time.process_time() - begun, found.get(name, 1e9))
    return result
everything = 0, 2**62
events = measured("system events", lambda: LocalSystemMetricsReader(directory).get_events(*everything))
traces = measured("framework events", lambda: LocalAlgorithmMetricsReader(directory).get_events(*everything))
found["counts"] = [len(events), len(traces)]
frame = PandasFrame(directory)
system = measured("all system metrics", frame.get_all_system_metrics)
framework = measured("all framework metrics", frame.get_all_framework_metrics)
own = measured("PandasFrameAnalysis", lambda: PandasFrameAnalysis(system.copy(), framework.copy()))
measured("job statistics", own.get_job_statistics)
measured("step statistics", own.get_step_statistics)
measured("statistics by process", lambda: own.get_step_statistics(by=StatsBy.PROCESS))
measured("utilization", own.get_utilization_stats)
measured("device usage", own.get_device_usage_stats)
phases = lambda: own.get_utilization_stats(by=StatsBy.TRAINING_PHASE)
by_phase = measured("utilization by phase", phases, 1 if slow else rounds)
moments = list(system["timestamp"].unique()[:200])
measured("under way at 200 moments", lambda: frame.get_framework_metrics_by_timesteps(moments, []))
"""
OURS = """
from epochwatch.profiler.analysis.pandas_frame import PandasFrame
from epochwatch.profiler.analysis.pandas_frame_analysis import PandasFrameAnalysis, StatsBy
from epochwatch.profiler.smdebug.readers import LocalAlgorithmMetricsReader, LocalSystemMetricsReader
"""
OURS_ALONE = """
from epochwatch.profiler.directory import open_profile
from epochwatch.profiler.steps import step_table
measured("profile: samples", lambda: open_profile(directory).system("algo-1", everything))
measured("profile: steps", lambda: step_table(open_profile(directory), everything))
"""
THEIRS = """
from smdebug.profiler.analysis.utils.profiler_data_to_pandas import PandasFrame
from smdebug.profiler.analysis.utils.pandas_data_analysis import PandasFrameAnalysis, StatsBy
from smdebug.profiler.system_metrics_reader import LocalSystemMetricsReader
from smdebug.profiler.algorithm_metrics_reader import LocalAlgorithmMetricsReader
"""
SHOW = (
    "print(json.dumps([found, by_phase.round(6).astype(str).sort_values(list(by_phase.columns)).values.tolist()]))"
)


def job(directory: Path, minutes: int) -> None:
    """Every step lies behind a load of data, or begins where the one before ended."""
    for minute in range(minutes):
        lines = []
        for half in range(120):
            second = 60 * minute + half / 2
            value = (minute * 7 + half * 13) % 100
            lines += [
                line("cpu", "cpu0", "CPUUtilization", value, second),
                line("i/o", "cpu0", "I/OWaitPercentage", value / 10, second),
                line("gpu", "gpu0", "GPUUtilization", 100 - value, second),
                line("gpu", "gpu0", "GPUMemoryUtilization", 40.5, second),
                line("memory", "MemoryUsedPercent", "MemoryUtilization", 61.25, second),
            ]
        system(directory, BEGIN // SECOND + 60 * minute, lines)
    steps_a_minute = 250
    for minute in range(minutes):
        events = []
        for number in range(steps_a_minute):
            start = 60 * SECOND * minute + number * 60 * SECOND // steps_a_minute
            args = {"pid": 905, "step_num": str(minute * steps_a_minute + number)}
            events.append(step(minute * steps_a_minute + number, start, 180_000 + 100 * (number % 400)))
            if number % 4 == 0:
                events.append(part("DataLoaderIter", "GetNext", start + 1000, 30_000, **args))
        timeline(directory, events, 60 * SECOND * (minute + 1))


def run(python: str, script: str, *arguments: str) -> list[object]:
    """What a script prints in its last line."""
    done = subprocess.run(
        [python, "-c", script, *arguments], capture_output=True, text=True, check=False, cwd=ROOT
    )
    if done.returncode:
        sys.exit(done.stderr)
    found: list[object] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--smoke", action="store_true")
    smoke = parser.parse_args().smoke
    with tempfile.TemporaryDirectory() as directory:
        job(Path(directory), MINUTES // 10 if smoke else MINUTES)
        ours, our_phases = run(sys.executable, OURS + MEASURE + OURS_ALONE + SHOW, directory, str(ROUNDS), "fast")
        theirs, their_phases = run(
            str(peer_python("smdebug")), THEIRS + MEASURE + SHOW, directory, str(ROUNDS), "slow"
        )
    assert isinstance(ours, dict)
    assert isinstance(theirs, dict)
    assert our_phases == their_phases, "the statistics by phase differ"
    events, traces = ours.pop("counts")
    assert [events, traces] == theirs.pop("counts")
    print(f"{events} system events, {traces} events of the training; CPU seconds")
    print(f"{'':28}{'epochwatch':>12}{'smdebug':>12}{'ratio':>8}")
    for name, seconds in ours.items():
        other = theirs.get(name)
        ratio = "" if other is None else f"{other:12.3f}{other / seconds:8.1f}"
        print(f"{name:28}{seconds:12.3f}{ratio}")


if __name__ == "__main__":
    main()
