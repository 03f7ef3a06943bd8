"""The dashboards that are there without anybody having made them: one for each job, one over all."""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from epochwatch.model.metric import TRAINING_JOBS_NAMESPACE, MetricId
from epochwatch.model.time_range import suitable_period

FLEET: Final = "epochwatch-fleet"
JOB: Final = "epochwatch-job-"
"""Before the job's name."""
MOST_CHARTS: Final = 100
MOST_CURVES: Final = 25
"""In one chart: 100 of such charts keep within what a dashboard may have."""
MOST_ALARMS: Final = 100
HOST_METRICS: Final = (
    "GPUUtilization",
    "GPUMemoryUtilization",
    "CPUUtilization",
    "MemoryUtilization",
    "DiskUtilization",
)
"""SageMaker's, in the order in which one looks at them; ours come behind."""

_WIDTH: Final = 12
_HEIGHT: Final = 6
_FLEET_CHARTS: Final = {
    "Loss": ("TrainingJobName} loss", "${PROP('Dim.TrainingJobName')} ${PROP('MetricName')}"),
    **{name: (f'Host}} MetricName="{name}"', "${PROP('Dim.Host')}") for name in HOST_METRICS},
}
"""What is searched for, behind the namespace, and what its curves are called."""
_FLEET_PERIOD: Final = 60


def job_dashboard(
    started: float, ended: float | None, now: float, metrics: Sequence[MetricId], region: str
) -> dict[str, Any]:
    """The body of a job's dashboard: a chart of each of its metrics (those of one name behind the last colon or slash
    together; losses first), then one for each metric of its hosts. Times are in Unix seconds; ``ended`` None while it
    runs.
    """
    own = [one for one in metrics if "Host" not in dict(one.dimensions)]
    hosts = [one for one in metrics if "Host" in dict(one.dimensions)]
    found = _grouped(own, lambda one: re.split("[:/]", one.name)[-1])
    charts = {name: found[name] for name in sorted(found, key=lambda one: ("loss" not in one.lower(), one))}
    of_hosts = _grouped(hosts, lambda one: one.name)
    order = {name: place for place, name in enumerate(HOST_METRICS)}
    charts |= {
        name: of_hosts[name] for name in sorted(of_hosts, key=lambda one: (order.get(one, len(order)), one))
    }
    period = _period(started, ended, now)
    widgets = [
        _chart(title, [_row(one) for one in drawn[:MOST_CURVES]], period, region)
        for title, drawn in list(charts.items())[:MOST_CHARTS]
    ]
    return _times(started, ended, now) | {"periodOverride": "inherit", "widgets": _placed(widgets)}


def job_chart(
    title: str, started: float, ended: float | None, now: float, metrics: Sequence[MetricId], region: str
) -> dict[str, Any]:
    """The widget of some metrics of a job over its time."""
    made = _chart(title, [_row(one) for one in metrics], _period(started, ended, now), region)
    return made | {"properties": made["properties"] | _times(started, ended, now)}


def fleet_dashboard(alarms: Sequence[str], region: str) -> dict[str, Any]:
    """The body of the dashboard over all jobs: their losses, what their hosts do, and the alarms (ARNs)."""
    widgets = [
        _chart(title, [[{"expression": _search(wanted), "label": label, "id": "e1"}]], _FLEET_PERIOD, region)
        for title, (wanted, label) in _FLEET_CHARTS.items()
    ]
    if alarms:
        widgets.append({"type": "alarm", "properties": {"title": "Alarms", "alarms": list(alarms[:MOST_ALARMS])}})
    return {"start": "-PT3H", "periodOverride": "inherit", "widgets": _placed(widgets)}


def _period(started: float, ended: float | None, now: float) -> int:
    return suitable_period(started, max(now if ended is None else ended, started + 1), 1)


def _times(started: float, ended: float | None, now: float) -> dict[str, str]:
    """The time of a job: one that runs is shown until now, whenever that is."""
    if ended is None:
        return {"start": f"-PT{max(math.ceil((now - started) / 60), 0) + 1}M"}
    return {"start": _written(started), "end": _written(ended + 1)}


def _search(wanted: str) -> str:
    return f"SEARCH('{{{TRAINING_JOBS_NAMESPACE},{wanted}', 'Average', {_FLEET_PERIOD})"


def _grouped(metrics: Sequence[MetricId], key: Callable[[MetricId], str]) -> dict[str, list[MetricId]]:
    groups: dict[str, list[MetricId]] = {}
    for metric in metrics:
        groups.setdefault(key(metric), []).append(metric)
    return groups


def _row(metric: MetricId) -> list[str]:
    return [metric.namespace, metric.name, *(text for pair in metric.dimensions for text in pair)]


def _chart(title: str, rows: Sequence[Any], period: int, region: str) -> dict[str, Any]:
    properties = {
        "metrics": rows,
        "view": "timeSeries",
        "stat": "Average",
        "period": period,
        "region": region,
        "title": title,
    }
    return {"type": "metric", "properties": properties}


def _placed(widgets: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Two in a row."""
    return [
        {**one, "x": place % 2 * _WIDTH, "y": place // 2 * _HEIGHT, "width": _WIDTH, "height": _HEIGHT}
        for place, one in enumerate(widgets)
    ]


def _written(moment: float) -> str:
    return datetime.fromtimestamp(math.floor(moment), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
