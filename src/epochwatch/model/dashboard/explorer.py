"""Explorer widgets: charts of the metrics of all resources that have some labels, whatever there is of them now."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias

import msgspec

from epochwatch.model.dashboard.widget import DEFAULT_PERIOD, DEFAULT_STATISTIC, View
from epochwatch.model.metric import TRAINING_JOBS_NAMESPACE

TRAINING_JOB: Final = "AWS::SageMaker::TrainingJob"
HOST: Final = "epochwatch::Host"
DIMENSIONS: Final = {TRAINING_JOB: "TrainingJobName", HOST: "Host"}
"""By the type of a resource: the one dimension of its metrics, whose value is the resource's name."""
MOST_RESOURCES: Final = 200
"""In one chart."""
MOST_CHARTS: Final = 100
EVERYTHING: Final = "*"
"""As the key of ``aggregateBy``: one curve of all resources."""
_GAUGE: Final = {"left": {"min": 0, "max": 100}}

Function: TypeAlias = Literal["AVG", "MIN", "MAX", "STDDEV", "SUM"]


class Metric(msgspec.Struct, frozen=True, rename="camel"):
    """A metric of one type of resources."""

    metric_name: str
    resource_type: str
    stat: str = DEFAULT_STATISTIC


class Label(msgspec.Struct, frozen=True):
    """A tag or property that resources must have; without a value, whatever its value."""

    key: str
    value: str | None = None


class Aggregation(msgspec.Struct, frozen=True):
    """What makes one curve of the resources that have the same value of ``key``."""

    key: str = ""
    func: Function = "AVG"


class Options(msgspec.Struct, frozen=True, rename="camel"):
    """How the charts look."""

    legend: dict[str, Any] = {}
    view: View = "timeSeries"
    stacked: bool = False
    rows_per_page: int = 1
    widgets_per_row: int = 2


class Explorer(msgspec.Struct, frozen=True, rename="camel"):
    """The properties of an explorer widget. ``period`` is in seconds."""

    metrics: list[Metric]
    labels: list[Label] = []
    aggregate_by: Aggregation = Aggregation()
    split_by: str = ""
    region: str = ""
    period: int = DEFAULT_PERIOD
    title: str = ""
    widget_options: Options = Options()


@dataclass(frozen=True, slots=True)
class Resource:
    """What has metrics. ``labels`` are its tags and properties."""

    type: str
    name: str
    labels: Mapping[str, str] = field(default_factory=dict)

    def row(self, metric: str, options: Mapping[str, Any]) -> list[Any]:
        """The row of one of its metrics in a metric widget."""
        return [TRAINING_JOBS_NAMESPACE, metric, DIMENSIONS[self.type], self.name, dict(options)]


@dataclass(frozen=True, slots=True)
class Chart:
    """The ``properties`` of a metric widget, and how many resources are in it and are left out, being too many."""

    properties: dict[str, Any]
    shown: int
    left_out: int


def explorer(properties: Mapping[str, Any]) -> Explorer:
    """The record of properties in which nothing is wrong."""
    return msgspec.convert(properties, Explorer, strict=False)


def has_labels(resource: Resource, labels: Sequence[Label]) -> bool:
    """Whether it has all the keys, of each one of the values that are given for it."""
    wanted: dict[str, set[str | None]] = {}
    for label in labels:
        wanted.setdefault(label.key, set()).add(label.value)
    return all(
        key in resource.labels and (None in values or resource.labels[key] in values)
        for key, values in wanted.items()
    )


def charts(wanted: Explorer, resources: Mapping[str, Sequence[Resource]]) -> list[Chart]:
    """A chart for each metric, or for each of its values of ``splitBy``; ``resources`` are those that have the metric,
    by its name. Of too many the first are shown.
    """
    found: list[Chart] = []
    for metric in wanted.metrics:
        mine = [
            one
            for one in resources.get(metric.metric_name, ())
            if one.type == metric.resource_type and has_labels(one, wanted.labels)
        ]
        if wanted.split_by:
            for value, members in _grouped(mine, wanted.split_by):
                found.append(_chart(wanted, metric, members, f"{metric.metric_name} · {value}"))
        elif mine:
            found.append(_chart(wanted, metric, mine, metric.metric_name))
    return found[:MOST_CHARTS]


def _grouped(resources: Sequence[Resource], key: str) -> Iterable[tuple[str, list[Resource]]]:
    """Resources by their value of a label, in the values' order; those without it at the end."""
    groups: dict[str, list[Resource]] = {}
    for one in resources:
        groups.setdefault(one.labels.get(key, ""), []).append(one)
    return [(value or f"no {key}", groups[value]) for value in sorted(groups, key=lambda name: (not name, name))]


def _chart(wanted: Explorer, metric: Metric, members: Sequence[Resource], title: str) -> Chart:
    options = wanted.widget_options
    shown = members[:MOST_RESOURCES]
    properties: dict[str, Any] = {
        "title": title,
        "metrics": _rows(wanted.aggregate_by, metric, shown),
        "stat": metric.stat,
        "period": wanted.period,
        "view": options.view,
        "stacked": options.stacked,
    }
    properties |= {"region": wanted.region} if wanted.region else {}
    properties |= {"legend": options.legend} if options.legend else {}
    properties |= {"yAxis": _GAUGE} if options.view == "gauge" else {}
    return Chart(properties, len(shown), len(members) - len(shown))


def _rows(by: Aggregation, metric: Metric, members: Sequence[Resource]) -> list[list[Any]]:
    """A row for each resource, or hidden ones with one expression for each group of them."""
    if not by.key:
        return [one.row(metric.metric_name, {"label": one.name}) for one in members]
    groups = [("all", list(members))] if by.key == EVERYTHING else _grouped(members, by.key)
    rows: list[list[Any]] = []
    for number, (value, group) in enumerate(groups):
        ids = [f"m{number}_{place}" for place in range(len(group))]
        rows += [
            one.row(metric.metric_name, {"id": id, "visible": False}) for id, one in zip(ids, group, strict=True)
        ]
        expression = f"{by.func}([{','.join(ids)}])"
        rows.append([{"expression": expression, "id": f"e{number}", "label": f"{by.func} {value}"}])
    return rows
