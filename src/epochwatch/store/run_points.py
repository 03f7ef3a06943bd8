"""Run points: every value of a training metric with host, step, epoch and time, kept whole."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from epochwatch.model.batch import NO_STEP
from epochwatch.model.metric import direction
from epochwatch.model.tenant import Tenant
from epochwatch.store.engine import Engine
from epochwatch.store.ingest import Ingest
from epochwatch.store.rows import API_SOURCE, Rows, SequenceNumbers, constant, run_point_rows

Owner: TypeAlias = Literal["training-job", "processing-job", "trial-component"]
TRAINING_JOB: Owner = "training-job"
PROCESSING_JOB: Owner = "processing-job"
TRIAL_COMPONENT: Owner = "trial-component"

_MINE = "account = %(account)s AND region = %(region)s AND owner = %(owner)s"
_SUMMED = (
    "SELECT toString(name) AS job, toString(metric) AS label, later, count() AS points, "
    "countIf(NOT isFinite(value)) AS odd, anyLast(value) AS final, anyLast(step) AS final_step, "
    "minIf(value, isFinite(value)) AS low, maxIf(value, isFinite(value)) AS high, "
    "argMinIf(step, value, isFinite(value)) AS low_step, argMaxIf(step, value, isFinite(value)) AS high_step, "
    "min(time) AS first, max(time) AS last"
)
"""What a metric comes to, of its points in order: the newest is the last, of equal extremes the first counts."""
_IN_ORDER = (
    "SETTINGS max_threads = 1, optimize_read_in_order = 1, optimize_aggregation_in_order = 1, "
    "query_plan_remove_redundant_sorting = 0"
)
"""Takes rows as the table has them, in order: a seventh of what it takes to compare times and numbers of all rows."""


@dataclass(frozen=True, slots=True)
class RunPointColumns:
    """Points to store, as columns of one length."""

    metric: Sequence[str]
    value: NDArray[np.float64]
    """NaN and infinities are kept."""
    time: NDArray[np.int64]
    """Unix microseconds."""
    step: NDArray[np.int64]
    """NO_STEP where unknown."""
    epoch: NDArray[np.float64]
    """NaN where unknown."""
    host: str = ""


@dataclass(frozen=True, slots=True)
class MetricSummary:
    """One metric of one job. ``best``, ``min`` and ``max`` look at finite values only; None where there is none."""

    name: str
    final: float
    """The newest value, be it finite or not."""
    final_step: int | None
    best: float | None
    best_step: int | None
    direction: Literal["min", "max"]
    min: float | None
    max: float | None
    first_time: float
    """Unix seconds."""
    last_time: float
    points: int
    """How many values, non-finite ones included."""
    non_finite: int

    def and_then(self, later: "MetricSummary") -> "MetricSummary":
        """What it comes to together with points that are all later than its own."""
        best, best_step = self.best, self.best_step
        if later.best is not None and (best is None or _better(self.direction, later.best, best)):
            best, best_step = later.best, later.best_step
        return replace(
            later,
            best=best,
            best_step=best_step,
            min=min((one for one in (self.min, later.min) if one is not None), default=None),
            max=max((one for one in (self.max, later.max) if one is not None), default=None),
            first_time=self.first_time,
            points=self.points + later.points,
            non_finite=self.non_finite + later.non_finite,
        )


class RunPointStore:
    """Points of training jobs and trial components of all tenants."""

    def __init__(self, engine: Engine, ingest: Ingest, numbers: SequenceNumbers) -> None:
        self._engine = engine
        self._ingest = ingest
        self._numbers = numbers

    def write(
        self,
        tenant: Tenant,
        owner: Owner,
        name: str,
        points: RunPointColumns,
        announce: Callable[[], None] | None = None,
    ) -> None:
        """Store ``points`` of the job or component ``name``; durable on return.

        Raises ValueError for a time outside 1970-2106. ``announce`` is called after the commit.
        """
        count = len(points.metric)
        columns = {
            "account": constant(tenant.account, count),
            "region": constant(tenant.region, count),
            "owner": constant(owner, count),
            "name": constant(name, count),
            "metric": pa.array(points.metric, pa.string()),
            "host": constant(points.host, count),
            "step": np.asarray(points.step, np.int64),
            "epoch": np.asarray(points.epoch, np.float64),
            "time": np.asarray(points.time, np.int64),
            "value": np.asarray(points.value, np.float64),
            "source": np.full(count, API_SOURCE, np.uint64),
            "seq": self._numbers.take(count),
        }
        self._ingest.write(Rows(run_points=run_point_rows(columns), announce=announce))

    def points(
        self,
        tenant: Tenant,
        owner: Owner,
        name: str,
        metrics: Sequence[str] | None = None,
        host: str | None = None,
        start: int | None = None,
        end: int | None = None,
    ) -> pa.Table:
        """All points, at full resolution, ordered by metric, time and place in the source.

        Columns: metric, host (string); step (int64, NO_STEP where unknown); epoch (float64, NaN where unknown);
        time (int64, Unix microseconds); value (float64). ``start`` <= time < ``end``, in microseconds too.
        """
        where, parameters = selection(tenant, owner, name, metrics, host)
        if start is not None:
            where, parameters["start"] = f"{where} AND time >= %(start)s", int(start)
        if end is not None:
            where, parameters["end"] = f"{where} AND time < %(end)s", int(end)
        return self._engine.query(
            "SELECT toString(metric) AS metric, toString(host) AS host, step, epoch, time, value FROM run_points "
            f"WHERE {where} ORDER BY run_points.metric, time, seq",
            parameters,
        )

    def counts(self, tenant: Tenant, owner: Owner, names: Sequence[str], metrics: Sequence[str]) -> dict[str, int]:
        """How many points of ``metrics`` each of the jobs (or components) has; those that have none are left out."""
        where, parameters = selection_of_several(tenant, owner, names, metrics)
        rows = self._engine.query(
            f"SELECT toString(name) AS job, count() AS points FROM run_points WHERE {where} GROUP BY name",
            parameters,
        )
        return {row["job"]: row["points"] for row in rows.to_pylist()}

    def points_of_several(
        self, tenant: Tenant, owner: Owner, names: Sequence[str], metrics: Sequence[str]
    ) -> pa.Table:
        """All points of ``metrics`` of several jobs (or components), by one query: the columns of ``points`` behind
        their ``name``, ordered by name first.
        """
        where, parameters = selection_of_several(tenant, owner, names, metrics)
        return self._engine.query(
            "SELECT toString(name) AS name, toString(metric) AS metric, toString(host) AS host, step, epoch, time, "
            f"value FROM run_points WHERE {where} ORDER BY run_points.name, run_points.metric, time, seq",
            parameters,
        )

    def steps_reached(self, tenant: Tenant, owner: Owner, name: str, start: int) -> dict[str, dict[int, float]]:
        """For each host when it reached each step (Unix seconds), by what it wrote from ``start`` on (microseconds)."""
        where, parameters = selection(tenant, owner, name, None, None)
        rows = self._engine.query(
            "SELECT toString(host) AS label, step, min(time) AS reached FROM run_points "
            f"WHERE {where} AND time >= %(start)s AND step != %(unknown)s GROUP BY host, step",
            {**parameters, "start": int(start), "unknown": NO_STEP},
        )
        found: dict[str, dict[int, float]] = {}
        for row in rows.to_pylist():
            found.setdefault(row["label"], {})[row["step"]] = row["reached"] / 1e6
        return found

    def summaries(
        self, tenant: Tenant, owner: Owner, names: str | Sequence[str]
    ) -> dict[str, list[MetricSummary]]:
        """Each job's (or component's) metrics, by name and in order of name, all by one query."""
        wanted = [names] if isinstance(names, str) else list(names)
        return {name: later for name, (_, later) in self.summaries_apart(tenant, owner, wanted, -1, -1).items()}

    def summaries_apart(
        self, tenant: Tenant, owner: Owner, names: Sequence[str], after: int, until: int
    ) -> dict[str, tuple[list[MetricSummary], list[MetricSummary]]]:
        """As ``summaries``, of points later than ``after``: those up to ``until`` apart from those behind it
        (microseconds).
        """
        found: dict[str, tuple[list[MetricSummary], list[MetricSummary]]] = {name: ([], []) for name in names}
        if not names:
            return found
        rows = self._engine.query(
            f"{_SUMMED} FROM (SELECT name, metric, time, step, value, time > %(until)s AS later FROM run_points "
            f"WHERE {_MINE} AND name IN %(names)s AND time > %(after)s ORDER BY name, metric, time, seq) "
            f"GROUP BY name, metric, later ORDER BY name, metric {_IN_ORDER}",
            {
                "account": tenant.account,
                "region": tenant.region,
                "owner": owner,
                "names": list(names),
                "after": after,
                "until": until,
            },
        )
        for row in rows.to_pylist():
            found[row["job"]][row["later"]].append(_summary(row))
        return found


def selection_of_several(
    tenant: Tenant, owner: Owner, names: Sequence[str], metrics: Sequence[str]
) -> tuple[str, dict[str, Any]]:
    """The WHERE clause (and its parameters) of the points of some metrics of several jobs or components."""
    return f"{_MINE} AND name IN %(names)s AND metric IN %(metrics)s", {
        "account": tenant.account,
        "region": tenant.region,
        "owner": owner,
        "names": list(names),
        "metrics": list(metrics),
    }


def selection(
    tenant: Tenant, owner: Owner, name: str, metrics: Sequence[str] | None, host: str | None
) -> tuple[str, dict[str, Any]]:
    """The WHERE clause (and its parameters) of one job's or component's points."""
    where = f"{_MINE} AND name = %(name)s"
    parameters: dict[str, Any] = {
        "account": tenant.account,
        "region": tenant.region,
        "owner": owner,
        "name": name,
    }
    if metrics is not None:
        where += " AND metric IN %(metrics)s" if metrics else " AND 0"
        parameters["metrics"] = list(metrics)
    if host is not None:
        where += " AND host = %(host)s"
        parameters["host"] = host
    return where, parameters


def _summary(row: dict[str, Any]) -> MetricSummary:
    finite = row["points"] > row["odd"]
    better = direction(row["label"])
    best, best_step = (row["low"], row["low_step"]) if better == "min" else (row["high"], row["high_step"])
    return MetricSummary(
        name=row["label"],
        final=row["final"],
        final_step=_step(row["final_step"]),
        best=best if finite else None,
        best_step=_step(best_step) if finite else None,
        direction=better,
        min=row["low"] if finite else None,
        max=row["high"] if finite else None,
        first_time=row["first"] / 1e6,
        last_time=row["last"] / 1e6,
        points=row["points"],
        non_finite=row["odd"],
    )


def _better(direction: Literal["min", "max"], one: float, other: float) -> bool:
    return one < other if direction == "min" else one > other


def _step(step: int) -> int | None:
    return None if step == NO_STEP else step
