"""Readings and statistics beside those of smdebug itself, of the same files."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from epochwatch.profiler.analysis.pandas_frame import PandasFrame
from epochwatch.profiler.analysis.pandas_frame_analysis import PandasFrameAnalysis, Resource, StatsBy
from epochwatch.profiler.smdebug.readers import LocalAlgorithmMetricsReader, LocalSystemMetricsReader
from tests.debugger.judge import smdebug
from tests.profiler.analysis.made import SECOND, made_job
from tests.profiler.smdebug.recorded import BEGIN, part, step, timeline

TABLE = """
import json, sys, math
def table(frame):
    frame = frame.reset_index(drop=True)
    plain = lambda value: value.item() if hasattr(value, "item") else value
    return {str(name): [plain(value) for value in frame[name]] for name in frame.columns}
"""
THEIRS = """
import warnings; warnings.simplefilter("ignore")
from smdebug.profiler.analysis.utils.profiler_data_to_pandas import PandasFrame
from smdebug.profiler.analysis.utils.pandas_data_analysis import PandasFrameAnalysis, StatsBy, Resource
from smdebug.profiler.system_metrics_reader import LocalSystemMetricsReader
from smdebug.profiler.algorithm_metrics_reader import LocalAlgorithmMetricsReader
"""
STATISTICS = """
frame = PandasFrame(sys.argv[1])
frame.framework_metrics_reader.refresh_event_file_list()
system, framework = frame.get_all_system_metrics(), frame.get_all_framework_metrics()
found = {"system": table(system), "framework": table(framework)}
of_steps = [table(part) for part in frame.get_profiler_data_by_step(50, 60)]
found["by step"] = of_steps
moments = list(system["timestamp"].unique()[40:90])
found["timesteps"] = list(frame.get_framework_metrics_by_timesteps(moments, []))
found["selected timesteps"] = list(frame.get_framework_metrics_by_timesteps(moments, ["Forward", "Net"]))
found["intervals"] = list(frame.get_framework_metrics_by_begin_and_end_timesteps(moments[:-1], moments[1:], []))
found["dataloader"] = table(frame.get_all_dataloader_metrics([".*DataLoaderIter::GetNext"]))
found["initialize"] = table(frame.get_all_dataloader_metrics(["DataLoaderIterInitialize"]))
own = PandasFrameAnalysis(system, framework[framework["step"] != -1].copy())  # it fails for what is in no step
job = own.get_job_statistics()
found["job"] = {}
for name in ("start_time", "end_time", "job_duration", "training_loop_start", "training_loop_end",
             "training_loop_duration", "initialization", "finalization", "initialization_%", "training_loop_%",
             "finalization_%"):
    value = job[name]
    found["job"][name] = value.tolist()[0] if hasattr(value, "tolist") and not hasattr(value, "item") else (
        value.iloc[0].item() if hasattr(value, "iloc") else value.item() if hasattr(value, "item") else value)
for by in StatsBy:
    found["steps by " + by.value] = table(own.get_step_statistics(by=by))
found["utilization"] = table(own.get_utilization_stats())
found["usage"] = table(own.get_device_usage_stats())
found["usage of CPU"] = table(own.get_device_usage_stats(Resource.CPU, [(50, 100), (0, 50)]))
found["phases"] = table(own.get_training_phase_intervals())
found["training"] = table(own.get_training_phase_intervals("Step:ModeKeys.TRAIN").astype(
    {"start_time_us": int, "end_time_us": int}))
found["utilization by phase"] = table(own.get_utilization_stats(by=StatsBy.TRAINING_PHASE))
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> str:
    return made_job(tmp_path_factory.mktemp("job"))


@pytest.fixture(scope="module")
def theirs(directory: str) -> Any:
    return smdebug(TABLE + THEIRS + STATISTICS, directory)


@pytest.fixture(scope="module")
def frame(directory: str) -> PandasFrame:
    return PandasFrame(directory)


@pytest.fixture(scope="module")
def analysis(frame: PandasFrame) -> PandasFrameAnalysis:
    framework = frame.get_all_framework_metrics()
    return PandasFrameAnalysis(frame.get_all_system_metrics(), framework[framework["step"] != -1])


def same(ours: pd.DataFrame, theirs: dict[str, list[Any]], ignored: tuple[str, ...] = ()) -> None:
    """Row by row; whatever their order."""
    other = pd.DataFrame(theirs)
    ours = ours.rename(columns=str).rename_axis(columns=None)
    assert list(ours.columns) == list(other.columns)
    columns = [name for name in other.columns if name not in ignored]
    pd.testing.assert_frame_equal(
        ours[columns].sort_values(columns).reset_index(drop=True),
        other[columns].sort_values(columns).reset_index(drop=True),
        check_dtype=False,
    )


def test_tables_hold_the_same_rows(frame: PandasFrame, theirs: Any) -> None:
    same(frame.get_all_system_metrics(), theirs["system"])
    same(frame.get_all_framework_metrics(), theirs["framework"], ("tid",))  # theirs differ from process to process
    system, framework = frame.get_profiler_data_by_step(50, 60)
    same(system, theirs["by step"][0])
    same(framework, theirs["by step"][1], ("tid",))
    same(frame.get_all_dataloader_metrics([".*DataLoaderIter::GetNext"]), theirs["dataloader"])
    same(frame.get_all_dataloader_metrics(["DataLoaderIterInitialize"]), theirs["initialize"])


def test_what_was_under_way_is_the_same(frame: PandasFrame, theirs: Any) -> None:
    moments = list(frame.get_all_system_metrics()["timestamp"].unique()[40:90])
    but_last = moments[:-1]  # which smdebug passes over
    assert [*map(pytest.approx, theirs["timesteps"])] == list(frame.get_framework_metrics_by_timesteps(but_last))
    selected = frame.get_framework_metrics_by_timesteps(but_last, ["Forward", "Net"])
    assert [*map(pytest.approx, theirs["selected timesteps"])] == list(selected)
    between = frame.get_framework_metrics_by_begin_and_end_timesteps(moments[:-1], moments[1:])
    assert [*map(pytest.approx, theirs["intervals"])] == list(between)


def test_statistics_of_the_job_are_the_same(analysis: PandasFrameAnalysis, theirs: Any) -> None:
    found = analysis.get_job_statistics()
    assert dict(found) == {name: pytest.approx(value) for name, value in theirs["job"].items()}
    assert found.job_duration == found["job_duration"]
    assert "training_loop_%" in repr(found)


@pytest.mark.parametrize("by", StatsBy)
def test_statistics_of_steps_are_the_same(analysis: PandasFrameAnalysis, theirs: Any, by: StatsBy) -> None:
    same(analysis.get_step_statistics(by=by), theirs[f"steps by {by.value}"])


def test_intervals_of_training_phases_are_the_same(analysis: PandasFrameAnalysis, theirs: Any) -> None:
    same(analysis.get_training_phase_intervals(), theirs["phases"])
    same(analysis.get_training_phase_intervals("Step:ModeKeys.TRAIN"), theirs["training"])


def test_statistics_of_machines_are_the_same(analysis: PandasFrameAnalysis, theirs: Any) -> None:
    same(analysis.get_utilization_stats(), theirs["utilization"])
    same(analysis.get_utilization_stats(by=StatsBy.TRAINING_PHASE), theirs["utilization by phase"])
    same(analysis.get_device_usage_stats(), theirs["usage"])
    same(analysis.get_device_usage_stats(Resource.CPU, [(50, 100), (0, 50)]), theirs["usage of CPU"])


EVENTS = """
reader = LocalSystemMetricsReader(sys.argv[1])
begin, end = int(sys.argv[2]), int(sys.argv[3])
system = [[e.type, e.name, e.dimension, e.value, e.node_id, e.timestamp] for e in reader.get_events(begin, end)]
gpus = len(reader.get_events(begin, end, event_type="gpu"))
reader = LocalAlgorithmMetricsReader(sys.argv[1])
shown = lambda e: [e.start_time, e.end_time, e.duration, e.event_name, e.event_phase, e.event_args, e.node_id, e.pid,
                   e.phase_pid, e.file_type, e.phase]
framework = [shown(e) for e in reader.get_events(begin, end)]
steps = [shown(e) for e in reader.get_events_by_step(100, 110)]
print(json.dumps([system, gpus, framework, steps, reader.get_timestamp_of_latest_available_file()]))
"""


def test_readers_give_the_same_events_in_the_same_order(directory: str) -> None:
    begin, end = BEGIN + 30 * SECOND, BEGIN + 80 * SECOND
    reader = LocalSystemMetricsReader(directory)
    system = [
        [one.type, one.name, one.dimension, one.value, one.node_id, one.timestamp]
        for one in reader.get_events(begin, end)
    ]
    gpus = len(reader.get_events(begin, end, event_type="gpu"))
    timelines = LocalAlgorithmMetricsReader(directory)

    def shown(events: list[Any]) -> list[list[Any]]:
        names = (
            "start_time", "end_time", "duration", "event_name", "event_phase", "event_args", "node_id", "pid",
            "phase_pid", "file_type", "phase",
        )  # fmt: skip
        return [[getattr(event, name) for name in names] for event in events]

    framework = shown(timelines.get_events(begin, end))
    steps = shown(timelines.get_events_by_step(100, 110))
    ours = [system, gpus, framework, steps, timelines.get_timestamp_of_latest_available_file()]
    assert ours == smdebug(TABLE + THEIRS + EVENTS, directory, str(begin), str(end))


def test_a_job_that_begins_after_its_first_step_has_statistics(tmp_path: Path) -> None:
    directory = made_job(tmp_path, minutes=1)
    frame = PandasFrame(directory)
    framework = frame.get_all_framework_metrics()
    framework = framework[framework["step"] != 0]
    found = PandasFrameAnalysis(frame.get_all_system_metrics(), framework).get_job_statistics()
    assert found["initialization"] == 10 * SECOND + 200_000


def test_events_without_a_step_get_that_which_they_lie_in(tmp_path: Path) -> None:
    loads = [part("DataLoaderIter", "GetNext", 100 * number + 10, 50, pid=905) for number in range(4)]
    steps = [step(number, 100 * number, 90) for number in range(3)]
    timeline(tmp_path, [part("DataLoaderWorker", "worker", 0, 400, pid=906), *loads, *steps], 400)
    frame = PandasFrame(str(tmp_path)).get_all_framework_metrics()
    found = PandasFrameAnalysis(frame.head(0), frame).framework_metrics_df
    assert found["step"].tolist() == [-1, 0, 1, 2, -1, 0, 1, 2]
    assert frame["step"].tolist() == [-1, -1, -1, -1, -1, 0, 1, 2]
