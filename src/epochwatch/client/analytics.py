"""``TrainingJobAnalytics`` in the shape of the SageMaker Python SDK, with steps, hosts and full resolution."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from epochwatch.client.jobs import Point, job, load_pandas, names

if TYPE_CHECKING:
    import pandas as pd


class TrainingJobAnalytics:
    """The metrics of a training job as a dataframe.

    Arguments as in the SageMaker SDK (``sagemaker_session`` is accepted and not needed). With ``period`` (seconds)
    the values of each period are averaged as CloudWatch does; without it every single value is there.
    """

    def __init__(
        self,
        training_job_name: str,
        metric_names: Sequence[str] | str | None = None,
        sagemaker_session: Any = None,
        start_time: datetime | None = None,
        end_time: datetime | None = None,
        period: int | None = None,
    ) -> None:
        self._name = training_job_name
        self._metrics = names(metric_names)
        self._start = _seconds(start_time)
        self._end = _seconds(end_time)
        self._period = period
        self._frame: pd.DataFrame | None = None

    @property
    def name(self) -> str:
        """The training job's name."""
        return self._name

    def dataframe(self, force_refresh: bool = False) -> "pd.DataFrame":
        """Columns timestamp (seconds after the first value of that metric), metric_name, value, step, host."""
        frame = self._frame
        if frame is None or force_refresh:
            frame = self._frame = self._fetch()
        return frame

    def export_csv(self, filename: str) -> None:
        """Write the dataframe to a file."""
        self.dataframe().to_csv(filename)

    def clear_cache(self) -> None:
        """Forget what was fetched."""
        self._frame = None

    def __repr__(self) -> str:
        return f"<TrainingJobAnalytics for {self._name}>"

    def _fetch(self) -> "pd.DataFrame":
        pandas = load_pandas()
        points = [point for point in job(self._name).points(*self._metrics) if self._wanted(point)]
        first: dict[str, float] = {}
        for point in points:
            first[point.metric] = min(point.time, first.get(point.metric, point.time))
        rows = [
            (point.time - first[point.metric], point.metric, point.value, point.step, point.host)
            for point in points
        ]
        frame = pandas.DataFrame(rows, columns=["timestamp", "metric_name", "value", "step", "host"])
        frame = frame.astype({"step": "Int64"})
        return frame if self._period is None else self._averaged(frame, self._period)

    def _averaged(self, frame: "pd.DataFrame", period: int) -> "pd.DataFrame":
        """One row a period, metric and host: the mean of its values, stamped with the period's start."""
        frame = frame.assign(timestamp=frame["timestamp"] // period * period)
        groups = frame.groupby(["metric_name", "host", "timestamp"], sort=True)
        averaged = groups.agg(value=("value", "mean"), step=("step", "max")).reset_index()
        return averaged[["timestamp", "metric_name", "value", "step", "host"]]

    def _wanted(self, point: Point) -> bool:
        after = self._start is None or point.time >= self._start
        return after and (self._end is None or point.time < self._end)


def _seconds(moment: datetime | None) -> float | None:
    if moment is None:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
