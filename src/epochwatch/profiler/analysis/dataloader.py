"""How a PyTorch training loads its data: what is far from the median of its kind."""

import pandas as pd

from epochwatch.profiler.analysis.pandas_frame import PandasFrame
from epochwatch.profiler.analysis.timeline_charts import TimelineCharts
from epochwatch.profiler.smdebug.time_units import shown

_FORMAT = "%Y-%m-%dT%H:%M:%S:%f"
_TIMES = ["start_time", "end_time", "duration_us"]


class PT_dataloader_analysis:  # noqa: N801 (smdebug's name)
    """Each analysis prints what it found, and gives what took twice its median or longer, the longest first; None
    where nothing did.
    """

    def __init__(self, pandas_frame: PandasFrame) -> None:
        self.pd_data_frame = pandas_frame
        self.dataIter_metric = pandas_frame.get_all_dataloader_metrics([".*DataLoaderIter::GetNext"])
        self.initialize_metric = pandas_frame.get_all_dataloader_metrics(["DataLoaderIterInitialize"])
        self.dataWorker_metric = pandas_frame.get_all_dataloader_metrics(["DataLoaderWorker"])

    def analyze_dataloaderIter_initialization(self) -> pd.DataFrame | None:  # noqa: N802 (smdebug's name)
        """Of iterators, with and without worker processes."""
        found = []
        for kind in ("_MultiProcessingDataLoaderIter.__init__", "_SingleProcessDataLoaderIter.__init__"):
            made = self.initialize_metric[self.initialize_metric["framework_metric"] == kind]
            if not made.empty:
                first = made.iloc[0]
                print(f"{kind}: num_workers = {first['num_workers']}, pin_memory = {first['pin_memory']}")
                found.append(_outliers(made, f"{kind} calls", _TIMES))
        if not found:
            print("There are no events of DataLoaderIter's initialization")
        tables = [table for table in found if table is not None]
        return pd.concat(tables, ignore_index=True) if tables else None

    def analyze_dataloaderWorkers(self) -> pd.DataFrame | None:  # noqa: N802 (smdebug's name)
        """Of worker processes."""
        return _outliers(self.dataWorker_metric, "DataLoaderWorker processes", [*_TIMES, "worker_id"])

    def analyze_dataloader_getnext(self) -> pd.DataFrame | None:
        """Of waits for a batch."""
        return _outliers(self.dataIter_metric, "GetNext calls", [*_TIMES, "worker_id"])

    def analyze_batchtime(self) -> pd.DataFrame | None:
        """Of times from one batch to the next in the same process: ``BatchTime_in_seconds``."""
        table = self.dataIter_metric.sort_values(["node_id", "pid", "end_time_us"])
        processes = table.groupby(["node_id", "pid"])
        table = table.assign(
            start_time=pd.to_datetime(table["start_time"], format=_FORMAT),
            BatchTime_in_seconds=processes["start_time_us"].diff() / 1_000_000,
        )
        table["previous_batch_start"] = table.groupby(["node_id", "pid"])["start_time"].shift()
        columns = ["previous_batch_start", "start_time", "BatchTime_in_seconds", "worker_id"]
        return _outliers(table, "batches", columns, "BatchTime_in_seconds")

    def plot_the_window(
        self,
        start_timestamp: int,
        end_timestamp: int,
        select_events: tuple[str, ...] = (".*",),
        select_dimensions: tuple[str, ...] = (".*",),
    ) -> TimelineCharts:
        """Charts of a time (Unix microseconds)."""
        print(f"From {' to '.join(shown([start_timestamp, end_timestamp]))}")
        return TimelineCharts(
            self.pd_data_frame.system_metrics_reader,
            self.pd_data_frame.framework_metrics_reader,
            start_timestamp,
            end_timestamp,
            select_dimensions,
            select_events,
        )


def _outliers(table: pd.DataFrame, what: str, columns: list[str], by: str = "duration_us") -> pd.DataFrame | None:
    if table.empty:
        print(f"There are no events of {what}")
        return None
    values = table[by]
    print(f"{len(table)} {what}: median {values.median()}, greatest {values.max()} ({by})")
    far = table.loc[values >= 2 * values.median(), columns]
    if far.empty:
        print(f"No {what} are far from the median")
        return None
    return far.sort_values(by, ascending=False, ignore_index=True)
