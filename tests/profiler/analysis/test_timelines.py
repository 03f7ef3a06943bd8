"""Merged timelines, analyses of data loading and charts, beside smdebug where it draws nothing."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from epochwatch.debugger.exceptions import SMDebugTypeError, SMDebugValueError
from epochwatch.errors import EpochwatchError
from epochwatch.profiler.analysis.chart import Chart
from epochwatch.profiler.analysis.dataloader import PT_dataloader_analysis
from epochwatch.profiler.analysis.heatmap import Heatmap
from epochwatch.profiler.analysis.merged_timeline import MergedTimeline, MergeUnit
from epochwatch.profiler.analysis.metrics_histogram import MetricsHistogram
from epochwatch.profiler.analysis.pandas_frame import PandasFrame
from epochwatch.profiler.analysis.step_histogram import StepHistogram
from epochwatch.profiler.analysis.step_timeline_chart import StepTimelineChart
from epochwatch.profiler.analysis.timeline_charts import TimelineCharts
from epochwatch.profiler.smdebug.readers import LocalAlgorithmMetricsReader, LocalSystemMetricsReader
from tests.debugger.judge import smdebug
from tests.profiler.analysis.made import SECOND, made_job
from tests.profiler.smdebug.recorded import BEGIN

MERGED = """
import json, sys
from smdebug.profiler.analysis.utils.merge_timelines import MergedTimeline
begin, end = int(sys.argv[2]), int(sys.argv[3])
name = MergedTimeline(sys.argv[1], output_directory=sys.argv[4]).merge_timeline(begin, end)
print()
print(json.dumps(json.load(open(name))))
"""


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> str:
    return made_job(tmp_path_factory.mktemp("job"), minutes=1)


def told(entries: list[dict[str, Any]]) -> list[Any]:
    """Events with the names of their phases and threads."""
    phases = {one["pid"]: one["args"]["name"] for one in entries if one["name"] == "process_name"}
    events = [one for one in entries if one["ph"] == "X"]
    return sorted([phases[one["pid"]], one["name"], one["ts"], one["dur"], str(one["args"])] for one in events)


def test_timelines_are_merged_as_smdebug_does(directory: str, tmp_path: Path) -> None:
    begin, end = BEGIN + 10 * SECOND, BEGIN + 15 * SECOND
    name = MergedTimeline(directory, output_directory=str(tmp_path)).merge_timeline(
        begin, end, sys_metrics_filter=None
    )
    ours = json.loads(Path(name).read_text())
    theirs = smdebug(MERGED, directory, str(begin), str(end), tmp_path)
    assert told(ours) == told(theirs)
    order = [
        one["args"]["name"] for one in sorted(ours, key=lambda one: one["pid"]) if one["name"] == "process_name"
    ]
    assert order[:3] == ["Step:ModeKeys.TRAIN", "Step:ModeKeys.EVAL", "Forward"]


def test_system_metrics_are_counters_in_it_and_idle_gpus_are_marked(directory: str, tmp_path: Path) -> None:
    merged = MergedTimeline(directory, ["pythontimeline.json"], str(tmp_path))
    entries = json.loads(Path(merged.merge_timeline(5, 10, MergeUnit.STEP)).read_text())
    gpu = {one["ts"]: one["args"]["value"] for one in entries if one["name"] == "gpu0_GPUUtilization_algo-1"}
    marks = {one["ts"]: one["args"] for one in entries if one["ph"] == "i"}
    assert gpu
    assert set(marks) == {time for time, value in gpu.items() if value < 85}
    assert all(values["gpu0_GPUUtilization_algo-1"] == gpu[time] for time, values in marks.items())
    wanted = {"cpu0_CPUUtilization_algo-1", "MemoryUsedPercent_MemoryUtilization_algo-1"}
    assert all(wanted <= set(values) for values in marks.values())


def test_what_cannot_be_merged_is_named(directory: str) -> None:
    with pytest.raises(SMDebugValueError, match="no steps 5 and 100000"):
        MergedTimeline(directory).merge_timeline(5, 100_000, "step")
    with pytest.raises(SMDebugTypeError, match="MergeUnit"):
        MergedTimeline(directory).merge_timeline(5, 10, "epochs")


LOADING = """
import json, sys
from smdebug.profiler.analysis.utils.profiler_data_to_pandas import PandasFrame
from smdebug.profiler.analysis.utils.pytorch_dataloader_analysis import PT_dataloader_analysis
own = PT_dataloader_analysis(PandasFrame(sys.argv[1]))
found = [own.analyze_dataloaderWorkers(), own.analyze_dataloader_getnext(), own.analyze_batchtime()]
print(json.dumps([None if one is None else json.loads(one.to_json(date_unit="us")) for one in found]))
"""


def test_what_loads_slowly_is_told_as_smdebug_does(directory: str, capsys: pytest.CaptureFixture[str]) -> None:
    own = PT_dataloader_analysis(PandasFrame(directory))
    found = [own.analyze_dataloaderWorkers(), own.analyze_dataloader_getnext(), own.analyze_batchtime()]

    def told(table: pd.DataFrame | None) -> Any:
        return None if table is None else json.loads(table.to_json(date_unit="us"))

    assert [told(table) for table in found] == smdebug(LOADING, directory)
    own.analyze_dataloaderIter_initialization()
    assert "_MultiProcessingDataLoaderIter.__init__: num_workers = 2, pin_memory = True" in capsys.readouterr().out


def drawn(chart: Chart, places: int) -> None:
    """It has so many parts, and can be shown."""
    assert len(chart.figure.axes) == places
    assert chart._repr_png_().startswith(b"\x89PNG")


def test_charts_draw_what_is_selected(directory: str) -> None:
    system, timelines = LocalSystemMetricsReader(directory), LocalAlgorithmMetricsReader(directory)
    histogram = MetricsHistogram(system)
    drawn(histogram.plot(select_dimensions=["CPU"], select_events=["total", "cpu[01]"]), 3)
    counts = sum(patch.get_height() for patch in histogram.figure.axes[0].patches)
    assert counts == 120
    drawn(MetricsHistogram(system).plot(BEGIN, BEGIN + 10 * SECOND, ["Algorithm"], show_workers=False), 2)
    drawn(StepHistogram(timelines).plot(), 3)
    drawn(StepHistogram(timelines).plot(select_metrics=["DataLoaderIter$"], show_workers=False), 1)
    chart = StepTimelineChart(timelines)
    drawn(chart, 1)
    assert len(chart.steps_np) == 150
    drawn(TimelineCharts(system, timelines, select_dimensions=["CPU", "GPU"], select_events=["total"]), 4)
    heatmap = Heatmap(system)
    drawn(heatmap, 2)
    assert heatmap.values.shape == (4 + 1 + 2 + 2, 120)
    assert "CPUUtilization-nodeid:algo-1_total" in heatmap.metric_names


def test_a_chart_of_nothing_says_where_to_look(directory: str) -> None:
    with pytest.raises(EpochwatchError, match="nothing that was selected is there"):
        MetricsHistogram(LocalSystemMetricsReader(directory)).plot(select_dimensions=["TPU"])
