"""Several jobs side by side: their records with all fields, and their curves on common places."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa

from epochwatch.console.curves import AXES, placed, smoothed, word
from epochwatch.console.jobs import found_names
from epochwatch.console.points import tracks
from epochwatch.console.records import job_summary
from epochwatch.console.requests import Asked, Refusal, no_such_job
from epochwatch.model.comparison import (
    Columns,
    Floats,
    Grid,
    Scalar,
    Series,
    against,
    combined,
    flattened,
    mean_of,
    windowed,
)
from epochwatch.model.job import TrainingJob
from epochwatch.store.run_points import TRAINING_JOB
from epochwatch.store.stores import Stores

MOST_JOBS: Final = 200
MOST_METRICS: Final = 50
"""Metrics of one request."""
MOST_POINTS: Final = 10_000_000
"""Points that are read for one request."""
POINTS_AT_ONCE: Final = 1_000_000
MOST_MARKS: Final = 100
"""Non-finite values of a curve that are listed by place."""
MOST_WIDTH: Final = 4000
VIEWS: Final = ("value", "difference", "ratio")
HOSTS: Final = ("mean", "each")
NAMED_ELSEWHERE: Final = frozenset({"HyperParameters", "Environment", "Tags", "TrainingJobName"})
"""Members of a created job's input that have fields of another name."""


def compared_jobs(stores: Stores, asked: Asked) -> dict[str, Any]:
    """The jobs as in the list, each with its hosts and its fields; names nobody has are told in ``missing``. Without
    names, those that the table finds by ``filter`` and its like, in its order.
    """
    by_filter = bool(asked.repeated("filter", 1)) and not asked.repeated("job", MOST_JOBS)
    every = found_names(stores, asked) if by_filter else _names(asked)
    names = every[:MOST_JOBS]
    jobs = stores.state.jobs.named(asked.tenant, names)
    requests = stores.state.jobs.requests(asked.tenant, list(jobs))
    metrics = stores.metric_summaries.of(asked.tenant, jobs.values())
    found = [jobs[name] for name in names if name in jobs]
    return {
        "jobs": [
            job_summary(asked.tenant, job, metrics[job.name])
            | {"hosts": job.hosts, "fields": fields_of(job, requests.get(job.name, {}))}
            for job in found
        ],
        "missing": [name for name in names if name not in jobs],
        "total": len(every),
        "limit": MOST_JOBS,
    }


def fields_of(job: TrainingJob, request: dict[str, Any]) -> dict[str, Scalar]:
    """All that two jobs may differ in, by names with dots: ``params.lr``, ``tags.team``, ``environment.HOME``."""
    ended = job.ended or job.updated
    return {
        "status": job.status,
        "exit_code": job.exit_code,
        "failure_reason": job.failure_reason or None,
        "duration": round(max(ended - job.started, 0.0), 3),
        "command": " ".join(job.command) or None,
        "working_directory": job.working_directory or None,
        "hostname": job.hostname or None,
        "user": job.user or None,
        "hosts": job.host_count,
        **flattened(job.config, "params"),
        **flattened(job.tags, "tags"),
        **flattened(job.summary, "summary"),
        **flattened(request.get("Environment") or {}, "environment"),
        **flattened({key: value for key, value in request.items() if key not in NAMED_ELSEWHERE}, "request"),
        **{f"definitions.{one.name}": one.regex for one in job.definitions},
    }


@dataclass(frozen=True, slots=True)
class _Line:
    """One metric of one host of one job, placed on the axis and told as it is asked for."""

    job: str
    metric: str
    host: str
    x: Floats
    value: Floats
    """Finite."""
    marks: list[dict[str, Any]]
    bad: int
    total: int
    last_time: float | None
    axis_known: bool


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What a request for curves asks for."""

    jobs: list[TrainingJob]
    metrics: list[str]
    axis: str
    window: tuple[float, float]
    width: int
    smoothing: float
    view: str
    baseline: str
    each_host: bool
    group: str


def compared_curves(stores: Stores, asked: Asked) -> dict[str, Any]:
    """Curves of metrics of several jobs, all of a metric on common places (see docs/compare.md)."""
    wanted = _wanted(stores, asked)
    groups = _groups(stores, asked, wanted)
    lines = list(_lines(stores, asked, wanted))
    curves = []
    for metric in wanted.metrics:
        curves += _drawn([line for line in lines if line.metric == metric], wanted, groups)
    return {"x": wanted.axis, "view": wanted.view, "curves": curves}


def _names(asked: Asked) -> list[str]:
    names = asked.texts("job", MOST_JOBS)
    if not names:
        raise Refusal(400, "job is missing.", f"Name the jobs to compare, each by job=NAME; at most {MOST_JOBS}.")
    return names


def _wanted(stores: Stores, asked: Asked) -> _Wanted:
    names = _names(asked)
    metrics = asked.texts("metric", MOST_METRICS)
    if not metrics:
        raise Refusal(400, "metric is missing.", "Name at least one metric of the jobs.")
    view = asked.choice("view", VIEWS, "value")
    baseline = asked.text("baseline") or names[0]
    known = stores.state.jobs.named(asked.tenant, [*names, baseline])
    if view != "value" and baseline not in known:
        raise no_such_job(baseline)
    return _Wanted(
        jobs=[known[name] for name in names if name in known],
        metrics=metrics,
        axis=asked.choice("x", AXES, "step"),
        window=asked.window(),
        width=asked.whole("width", 800, 1, MOST_WIDTH),
        smoothing=asked.real("smoothing", 0.0, 0.0, 0.99),
        view=view,
        baseline=baseline,
        each_host=asked.choice("hosts", HOSTS, "mean") == "each",
        group=asked.text("group"),
    )


def _groups(stores: Stores, asked: Asked, wanted: _Wanted) -> dict[str, str] | None:
    """Of each job the value of the field by which it is grouped; None where jobs stand for themselves."""
    if not wanted.group:
        return None
    requests = stores.state.jobs.requests(asked.tenant, [job.name for job in wanted.jobs])
    found = {}
    for job in wanted.jobs:
        value = fields_of(job, requests.get(job.name, {})).get(wanted.group)
        found[job.name] = "none" if value is None else str(value)
    return found


def _lines(stores: Stores, asked: Asked, wanted: _Wanted) -> Iterator[_Line]:
    """The lines of all jobs; against the baseline where that is asked for."""
    started = {job.name: job.started for job in wanted.jobs}
    names = list(started)
    if wanted.view != "value" and wanted.baseline not in started:
        [base] = stores.state.jobs.named(asked.tenant, [wanted.baseline]).values()
        started[base.name] = base.started
    counts = stores.run_points.counts(asked.tenant, TRAINING_JOB, list(started), wanted.metrics)
    if sum(counts.values()) > MOST_POINTS:
        raise Refusal(
            400,
            f"These jobs have {sum(counts.values()):,} points of {', '.join(wanted.metrics)}.",
            f"At most {MOST_POINTS:,} are compared at once: take away some jobs, or ask for fewer metrics.",
        )
    baselines: dict[str, list[Series]] = {}
    if wanted.view != "value":
        for line in _read(stores, asked, wanted, [wanted.baseline], started):
            baselines.setdefault(line.metric, []).append((line.x, line.value))
    means = {metric: mean_of(several) for metric, several in baselines.items()}
    for some in _portions(names, counts):
        for line in _read(stores, asked, wanted, some, started):
            if wanted.view == "value":
                yield line
            elif line.metric in means:
                yield _against(line, means[line.metric], wanted.view)


def _portions(names: Sequence[str], counts: dict[str, int]) -> Iterator[list[str]]:
    """The names, in order, in portions of few points."""
    portion: list[str] = []
    points = 0
    for name in names:
        if portion and points + counts.get(name, 0) > POINTS_AT_ONCE:
            yield portion
            portion, points = [], 0
        portion.append(name)
        points += counts.get(name, 0)
    if portion:
        yield portion


def _read(
    stores: Stores, asked: Asked, wanted: _Wanted, names: Sequence[str], started: dict[str, float]
) -> Iterator[_Line]:
    points = stores.run_points.points_of_several(asked.tenant, TRAINING_JOB, names, wanted.metrics)
    for name, own in _by_name(points):
        for metric, host, track in tracks(own):
            x, value = placed(track, wanted.axis, started[name])
            finite = np.isfinite(value)
            seen = ~finite & (x >= wanted.window[0]) & (x <= wanted.window[1])
            yield _Line(
                job=name,
                metric=metric,
                host=host,
                x=x[finite],
                value=value[finite],
                marks=[
                    {"x": float(place), "value": word(mark)}
                    for place, mark in zip(x[seen][:MOST_MARKS], value[seen][:MOST_MARKS], strict=True)
                ],
                bad=int((~finite).sum()),
                total=len(track.value),
                last_time=float(track.time[-1]) if len(track.time) else None,
                axis_known=bool(len(x)),
            )


def _by_name(points: pa.Table) -> Iterator[tuple[str, pa.Table]]:
    """The rows of each job; the table is ordered by name."""
    if not points.num_rows:
        return
    ends = points["name"].combine_chunks().dictionary_encode()
    names, index = ends.dictionary.to_pylist(), ends.indices.to_numpy()
    first = np.flatnonzero(np.diff(index, prepend=-1))
    for begin, end in zip(first.tolist(), np.append(first[1:], len(index)).tolist(), strict=True):
        yield names[index[begin]], points.slice(begin, end - begin)


def _against(line: _Line, baseline: Series, view: str) -> _Line:
    x, value = against((line.x, line.value), baseline, "difference" if view == "difference" else "ratio")
    return _Line(
        line.job, line.metric, line.host, x, value, [], line.bad, line.total, line.last_time, line.axis_known
    )


def _drawn(lines: list[_Line], wanted: _Wanted, groups: dict[str, str] | None) -> list[dict[str, Any]]:
    """The curves of one metric."""
    smooth: list[tuple[Floats, dict[str, float]]] = [smoothed(line.value, wanted.smoothing) for line in lines]
    shown = [
        windowed(line.x, line.value, soft, wanted.window) for line, (soft, _) in zip(lines, smooth, strict=True)
    ]
    grid = Grid.over([x for x, _, _ in shown], wanted.width)
    columns = [grid.columns(*one) for one in shown]
    members: dict[tuple[str, str], list[int]] = {}
    for index, line in enumerate(lines):
        key = (line.job, line.host if wanted.each_host else "")
        members.setdefault(key, []).append(index)
    order = {job.name: place for place, job in enumerate(wanted.jobs)}
    keys = sorted(members, key=lambda key: (order[key[0]], key[1]))
    hosts = {key: _together(grid, [columns[index] for index in members[key]]) for key in keys}
    if groups is None:
        return [
            _curve(grid, hosts[key], [lines[index] for index in members[key]])
            | {
                "job": key[0],
                "group": None,
                # From this state of the moving average more values can go on; not so where several are one.
                "ema": smooth[members[key][0]][1] if len(members[key]) == 1 and wanted.view == "value" else None,
            }
            for key in keys
        ]
    together: dict[str, list[tuple[str, str]]] = {}
    for key in keys:
        together.setdefault(groups[key[0]], []).append(key)
    return [
        _curve(
            grid, combined(grid, [hosts[key] for key in some]), [lines[at] for key in some for at in members[key]]
        )
        | {"job": None, "group": group, "ema": None}
        for group, some in together.items()
    ]


def _together(grid: Grid, several: list[Columns]) -> Columns:
    return several[0] if len(several) == 1 else combined(grid, several)


def _curve(grid: Grid, columns: Columns, lines: list[_Line]) -> dict[str, Any]:
    known = ~np.isnan(columns.mean)
    hosts = list(dict.fromkeys(line.host for line in lines))
    return {
        "metric": lines[0].metric,
        "host": hosts[0] if len(hosts) == 1 else "",
        "jobs": list(dict.fromkeys(line.job for line in lines)),
        "hosts": len(hosts),
        "x": grid.places[known].tolist(),
        "min": columns.low[known].tolist(),
        "max": columns.high[known].tolist(),
        "mean": columns.mean[known].tolist(),
        "smooth": columns.smooth[known].tolist(),
        "total": sum(line.total for line in lines),
        "non_finite": [mark for line in lines for mark in line.marks][:MOST_MARKS],
        "non_finite_total": sum(line.bad for line in lines),
        "last_time": max((line.last_time or -math.inf for line in lines), default=None),
        "axis_known": any(line.axis_known for line in lines),
    }
