"""Explorer widgets as the charts they are now, and what can be chosen for one."""

import time
from collections.abc import Iterable, Sequence
from typing import Any, Final

from epochwatch.console.requests import Asked, Refusal
from epochwatch.model.dashboard import times
from epochwatch.model.dashboard.explorer import DIMENSIONS, HOST, TRAINING_JOB, Resource, charts, explorer
from epochwatch.model.dashboard.times import InvalidMoment
from epochwatch.model.dashboard.widget import DEFAULT_START
from epochwatch.model.job import TrainingJob
from epochwatch.model.metric import TRAINING_JOBS_NAMESPACE, MetricId
from epochwatch.model.periods import MINUTE
from epochwatch.model.tenant import Tenant
from epochwatch.model.time_range import suitable_period
from epochwatch.services.cloudwatch.metric_list import LISTED_SECONDS
from epochwatch.store.stores import Stores

LARGEST_WIDGET: Final = 200_000
"""Characters of its JSON."""
MOST_JOBS: Final = 1000
"""The newest whose labels are looked at."""
MOST_VALUES: Final = 200
"""Of a label that are told."""


def explored(stores: Stores, asked: Asked) -> dict[str, Any]:
    """The answer to ``/explorer``: the metric widgets that ``widget``, the properties of an explorer widget in JSON, is
    now, over ``start`` to ``end``, and with ``suited=1`` at a period that suits them. Raises Refusal.
    """
    from epochwatch.model.dashboard.validation import NotAnObject, parse_object, properties_problems

    now = time.time()
    try:
        given = parse_object(asked.text("widget", most=LARGEST_WIDGET))
    except NotAnObject as error:
        raise Refusal(400, "The widget is not the JSON of an object.") from error
    problems = properties_problems("explorer", given)
    if problems:
        told = "; ".join(f"{one.path or '/'}: {one.message}" for one in problems)
        raise Refusal(400, f"The widget is invalid: {told}.", "See docs/dashboards.md.")
    wanted = explorer(given)
    range_ = _range(asked, now)
    found = charts(wanted, _resources(stores, asked.tenant, {one.metric_name for one in wanted.metrics}, now))
    if asked.text("suited") == "1":
        start, end = (times.moment(range_[name], now) if range_[name] else now for name in ("start", "end"))
        range_ |= {"period": suitable_period(start, max(end, start + 1), MINUTE)}
    timed = {name: value for name, value in range_.items() if value}
    return {
        "widgetsPerRow": wanted.widget_options.widgets_per_row,
        "rowsPerPage": wanted.widget_options.rows_per_page,
        "charts": [
            {"properties": one.properties | timed, "shown": one.shown, "left_out": one.left_out} for one in found
        ],
    }


def explorable(stores: Stores, asked: Asked) -> dict[str, Any]:
    """The answer to ``/explorer/choices``: by type of resource, its metrics and the values of its labels."""
    found = _resources(stores, asked.tenant, None, time.time())
    types: dict[str, Any] = {kind: {"metrics": set(), "labels": {}} for kind in DIMENSIONS}
    for metric, resources in found.items():
        for one in resources:
            entry = types[one.type]
            entry["metrics"].add(metric)
            for key, value in one.labels.items():
                entry["labels"].setdefault(key, set()).add(value)
    return {
        kind: {
            "metrics": sorted(entry["metrics"]),
            "labels": {key: sorted(values)[:MOST_VALUES] for key, values in sorted(entry["labels"].items())},
        }
        for kind, entry in types.items()
    }


def _range(asked: Asked, now: float) -> dict[str, Any]:
    given = {"start": asked.text("start", DEFAULT_START), "end": asked.text("end")}
    try:
        for text in filter(None, given.values()):
            times.moment(text, now)
    except InvalidMoment as error:
        raise Refusal(400, f"{error}.") from error
    return given


def _resources(
    stores: Stores, tenant: Tenant, names: set[str] | None, now: float
) -> dict[str, Sequence[Resource]]:
    """The jobs and hosts that have a metric, newest jobs first, by the metric's name; of all metrics without
    ``names``.
    """
    jobs, _ = stores.state.jobs.list(tenant, limit=MOST_JOBS)
    known = {(one.type, one.name): one for job in jobs for one in _of_job(job)}
    order = {key: place for place, key in enumerate(known)}
    found: dict[str, list[Resource]] = {}
    for metric in _metrics(stores, tenant, names, now):
        for kind, dimension in DIMENSIONS.items():
            if [name for name, _ in metric.dimensions] == [dimension]:
                resource = known.get((kind, metric.dimensions[0][1]))
                if resource:
                    found.setdefault(metric.name, []).append(resource)
    return {name: sorted(members, key=lambda one: order[one.type, one.name]) for name, members in found.items()}


def _metrics(stores: Stores, tenant: Tenant, names: set[str] | None, now: float) -> Iterable[MetricId]:
    return stores.metrics.matching(
        tenant,
        lambda one: names is None or one.name in names,
        namespace=TRAINING_JOBS_NAMESPACE,
        active_since=int(now) - LISTED_SECONDS,
    )


def _of_job(job: TrainingJob) -> Iterable[Resource]:
    """A job and its hosts, which have its labels, too."""
    labels = {**job.tags, "TrainingJobName": job.name, "TrainingJobStatus": job.status}
    yield Resource(TRAINING_JOB, job.name, labels)
    for host in job.hosts:
        yield Resource(HOST, f"{job.name}/{host}", {**labels, "HostName": host})
