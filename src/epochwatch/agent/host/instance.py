"""From many samples of all columns to one value of each instance metric: SageMaker's, and ours beside them."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from epochwatch.agent.host.kept import NAN
from epochwatch.model.host_rows import Column, Row, weighted_mean


class _Metric(NamedTuple):
    name: str
    unit: str
    columns: re.Pattern[str]
    """Those that are added up."""


def _metric(name: str, unit: str, columns: str) -> _Metric:
    return _Metric(name, unit, re.compile(columns))


_METRICS = (
    _metric("CPUUtilization", "Percent", r"cpu\.busy"),
    _metric("MemoryUtilization", "Percent", r"memory\.percent"),
    _metric("DiskUtilization", "Percent", r"disk\.space"),
    _metric("GPUUtilization", "Percent", r"gpu\.\d+\.busy"),
    _metric("GPUMemoryUtilization", "Percent", r"gpu\.\d+\.memory\.percent"),
    _metric("CPUWait", "Percent", r"cpu\.iowait"),
    _metric("CPUPressure", "Percent", r"pressure\.cpu\.some"),
    _metric("MemoryPressure", "Percent", r"pressure\.memory\.some"),
    _metric("IOPressure", "Percent", r"pressure\.io\.some"),
    _metric("DiskRead", "Bytes/Second", r"disk\.[^.]+\.read"),
    _metric("DiskWrite", "Bytes/Second", r"disk\.[^.]+\.write"),
    _metric("NetworkReceived", "Bytes/Second", r"network\..+\.received"),
    _metric("NetworkSent", "Bytes/Second", r"network\..+\.sent"),
    _metric("JobCPUUtilization", "Percent", r"job\.cpu"),
    _metric("JobMemory", "Bytes", r"job\.rss"),
    _metric("GPUPower", "None", r"gpu\.\d+\.power"),
)
NAMES = tuple(metric.name for metric in _METRICS)
"""SageMaker's five, then ours. CPU and GPU ones are sums over cores and devices; power is in watts."""
UNITS = tuple(metric.unit for metric in _METRICS)


class Instance:
    """The instance metrics of rows with certain columns."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self._places = [
            [place for place, column in enumerate(columns) if metric.columns.fullmatch(column.name)]
            for metric in _METRICS
        ]
        # Reckoned from ticks of 10 ms, a core may seem busier than it can be.
        cores = sum(1 for column in columns if re.fullmatch(r"cpu\.\d+\.busy", column.name))
        self._most_cpu = 100.0 * cores if cores else float("inf")

    def values(self, rows: Sequence[Row]) -> tuple[float, ...]:
        """A mean for each of NAMES over the time of ``rows``; NaN where nothing was measured."""
        values = [self._sum(rows, places) for places in self._places]
        values[0] = min(values[0], self._most_cpu) if values[0] == values[0] else NAN
        return tuple(values)

    @staticmethod
    def _sum(rows: Sequence[Row], places: Sequence[int]) -> float:
        means = [mean for place in places if (mean := weighted_mean(rows, place)) == mean]
        return sum(means) if means else NAN
