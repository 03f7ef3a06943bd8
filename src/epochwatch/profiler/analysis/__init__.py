"""SageMaker Debugger's profiler client: readers, tables, statistics, timelines and charts, under its names.

Names are loaded when they are first used: tables need pandas, charts Matplotlib (``epochwatch[debugger,notebook]``).
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from epochwatch.profiler.analysis.dataloader import PT_dataloader_analysis
    from epochwatch.profiler.analysis.heatmap import Heatmap
    from epochwatch.profiler.analysis.merged_timeline import MergedTimeline, MergeUnit
    from epochwatch.profiler.analysis.metrics_histogram import MetricsHistogram
    from epochwatch.profiler.analysis.pandas_frame import PandasFrame
    from epochwatch.profiler.analysis.pandas_frame_analysis import JobStats, PandasFrameAnalysis, Resource, StatsBy
    from epochwatch.profiler.analysis.python_profile_analysis import (
        Metrics,
        PyinstrumentAnalysis,
        cProfileAnalysis,
    )
    from epochwatch.profiler.analysis.python_stats import PythonProfileModes, StepPhase
    from epochwatch.profiler.analysis.step_histogram import StepHistogram
    from epochwatch.profiler.analysis.step_timeline_chart import StepTimelineChart
    from epochwatch.profiler.analysis.timeline_charts import TimelineCharts
    from epochwatch.profiler.smdebug.numpy_reader import S3NumpySystemMetricsReader
    from epochwatch.profiler.smdebug.profiler_trial import ProfilerTrial
    from epochwatch.profiler.smdebug.readers import (
        LocalAlgorithmMetricsReader,
        LocalSystemMetricsReader,
        S3AlgorithmMetricsReader,
        S3SystemMetricsReader,
    )
    from epochwatch.profiler.smdebug.system_event import ProfilerSystemEvent
    from epochwatch.profiler.smdebug.time_units import TimeUnits
    from epochwatch.profiler.smdebug.trace_event import TraceEvent
    from epochwatch.profiler.smdebug.training_job import TrainingJob

_HOMES = {
    "Heatmap": "analysis.heatmap",
    "JobStats": "analysis.pandas_frame_analysis",
    "LocalAlgorithmMetricsReader": "smdebug.readers",
    "LocalSystemMetricsReader": "smdebug.readers",
    "MergeUnit": "analysis.merged_timeline",
    "MergedTimeline": "analysis.merged_timeline",
    "Metrics": "analysis.python_profile_analysis",
    "MetricsHistogram": "analysis.metrics_histogram",
    "PT_dataloader_analysis": "analysis.dataloader",
    "PandasFrame": "analysis.pandas_frame",
    "PandasFrameAnalysis": "analysis.pandas_frame_analysis",
    "ProfilerSystemEvent": "smdebug.system_event",
    "ProfilerTrial": "smdebug.profiler_trial",
    "PyinstrumentAnalysis": "analysis.python_profile_analysis",
    "PythonProfileModes": "analysis.python_stats",
    "Resource": "analysis.pandas_frame_analysis",
    "S3AlgorithmMetricsReader": "smdebug.readers",
    "S3NumpySystemMetricsReader": "smdebug.numpy_reader",
    "S3SystemMetricsReader": "smdebug.readers",
    "StatsBy": "analysis.pandas_frame_analysis",
    "StepHistogram": "analysis.step_histogram",
    "StepPhase": "analysis.python_stats",
    "StepTimelineChart": "analysis.step_timeline_chart",
    "TimeUnits": "smdebug.time_units",
    "TimelineCharts": "analysis.timeline_charts",
    "TraceEvent": "smdebug.trace_event",
    "TrainingJob": "smdebug.training_job",
    "cProfileAnalysis": "analysis.python_profile_analysis",
}

__all__ = [
    "Heatmap",
    "JobStats",
    "LocalAlgorithmMetricsReader",
    "LocalSystemMetricsReader",
    "MergeUnit",
    "MergedTimeline",
    "Metrics",
    "MetricsHistogram",
    "PT_dataloader_analysis",
    "PandasFrame",
    "PandasFrameAnalysis",
    "ProfilerSystemEvent",
    "ProfilerTrial",
    "PyinstrumentAnalysis",
    "PythonProfileModes",
    "Resource",
    "S3AlgorithmMetricsReader",
    "S3NumpySystemMetricsReader",
    "S3SystemMetricsReader",
    "StatsBy",
    "StepHistogram",
    "StepPhase",
    "StepTimelineChart",
    "TimeUnits",
    "TimelineCharts",
    "TraceEvent",
    "TrainingJob",
    "cProfileAnalysis",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'epochwatch.profiler.analysis' has no attribute '{name}'")
    try:
        module = import_module(f"epochwatch.profiler.{home}")
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"epochwatch.profiler.analysis.{name} needs {error.name}: pip install 'epochwatch[debugger,notebook]'",
            name=error.name,
        ) from error
    found = globals()[name] = getattr(module, name)
    return found


def __dir__() -> list[str]:
    return list(__all__)
