"""The table of training jobs: those that a filter lets through, in any order, by groups, as JSON or a file."""

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, Final, TypeVar

import pyarrow as pa
from starlette.responses import Response

from epochwatch.console.curves import number
from epochwatch.console.exports import answer, file_of
from epochwatch.console.records import job_summary
from epochwatch.console.requests import Asked, Refusal
from epochwatch.model import job_filter
from epochwatch.model.job import STATUSES
from epochwatch.model.job_filter import Attribute, InvalidFilter, JobRow, Narrowing, TableRow
from epochwatch.model.job_filter.attributes import NAMES, Value, curve, metric, param, result, tag
from epochwatch.model.job_filter.conditions import shown
from epochwatch.model.job_table import Group, Order, groups, ordered
from epochwatch.store.metric_shapes import Shape
from epochwatch.store.metric_summaries import Metrics
from epochwatch.store.run_points import MetricSummary
from epochwatch.store.stores import Stores

Made = TypeVar("Made")

MOST_JOBS: Final = 1000
"""In one answer; a file has all."""
MOST_COLUMNS: Final = 200
MOST_ORDERS: Final = 5
MOST_CURVES: Final = 10
"""Columns of curves in one answer."""
LAST_VALUES: Final = "metrics"
"""The column with the newest and best values of all metrics of a job."""
_MOST_VALUES: Final = 50
_FILE_COLUMNS: Final = ("name", "status", "created", "started", "ended", "duration", "updated")
_HINT: Final = "Write for example: status = Failed and metrics.loss.last < 0.3 and tags.team in (vision, nlp)"


@dataclass(frozen=True, slots=True)
class _Question:
    """What is asked of the table."""

    select: job_filter.Filter
    narrowings: Sequence[Narrowing]
    orders: Sequence[Order]
    group: Attribute | None
    columns: Sequence[Attribute | None]
    """None stands for LAST_VALUES."""
    now: float


def listed_jobs(stores: Stores, asked: Asked) -> Response | dict[str, Any]:
    """The answer to ``/jobs``. With ``columns`` each job has their ``values``; without, all of its summary."""
    form = asked.choice("format", ("json", "csv"), "json")
    limit, offset = asked.whole("limit", 100, 1, MOST_JOBS), asked.whole("offset", 0, 0, 10**9)
    question = _question(asked, time.time(), _FILE_COLUMNS if form == "csv" else ())
    rows = _rows(stores, asked, question)
    if form == "csv":
        if any(one is not None and one.of_metrics for one in question.columns):
            rows = _with_metrics(stores, asked, rows, question.now)
        return answer(file_of(_table(rows, question.columns), "csv"), "csv", "jobs")
    page = rows[offset : offset + limit]
    answered: dict[str, Any] = {"total": len(rows)}
    if question.columns:
        page = _with_metrics(stores, asked, page, question.now)
        curves = _curves(stores, asked, page, question.columns)
        answered["jobs"] = [_json(asked, row, question.columns, curves) for row in page]
    else:
        answered["jobs"] = _summaries(stores, asked, [row.job.name for row in page])
    if question.group is not None:
        numbers = [
            one for one in question.columns if one is not None and one.kind in ("number", "duration", "any")
        ]
        answered["groups"] = [_group(one) for one in groups(rows, question.group, numbers)]
    return answered


def available_columns(stores: Stores, asked: Asked) -> dict[str, Any]:
    """The answer to ``/columns``: what the jobs that are found can be shown by, with how many jobs have it."""
    question = _question(asked, time.time(), ())
    rows = _with_metrics(stores, asked, _rows(stores, asked, question), question.now)
    plain = [job_filter.column(name) for name in NAMES]
    counts = Counter({one.text: sum(one.read(row) is not None for row in rows) for one in plain})
    measured = Counter(name for row in rows for name in row.metrics)
    for of, names in (
        (metric, measured),
        (partial(metric, aggregate="best"), measured),
        (curve, measured),
        (param, Counter(name for row in rows for name in row.job.params)),
        (result, Counter(name for row in rows for name in row.job.results)),
        (tag, Counter(name for row in rows for name in row.job.tags)),
    ):
        counts.update({of(name).text: jobs for name, jobs in names.items()})
    return {"total": len(rows), "columns": [{"column": text, "jobs": jobs} for text, jobs in counts.items()]}


def found_names(stores: Stores, asked: Asked) -> list[str]:
    """The names of all jobs that are found, in order. Raises Refusal."""
    return [row.job.name for row in _rows(stores, asked, _question(asked, time.time(), ()))]


def _question(asked: Asked, now: float, columns: Sequence[str]) -> _Question:
    made = _read("filter", lambda text: job_filter.parse(text, now), asked.text("filter", most=job_filter.LONGEST))
    search, status = asked.text("search"), asked.choice("status", ("", *STATUSES, "Stopping"), "")
    narrowings = [*made.narrowings]
    narrowings += [Narrowing("name", "holds", search)] if search else []
    narrowings += [Narrowing("status", "in", (status,))] if status else []
    group = asked.text("group")
    wanted = asked.texts("columns", MOST_COLUMNS) or columns
    return _Question(
        made,
        narrowings,
        _orders(asked),
        _read("group", job_filter.key, group) if group else None,
        [None if text == LAST_VALUES else _read("columns", job_filter.column, text) for text in wanted],
        now,
    )


def _orders(asked: Asked) -> list[Order]:
    """``sort``, each with the ``order`` at its place; by default the newest, and large numbers, first."""
    wanted, directions = asked.texts("sort", MOST_ORDERS), asked.repeated("order", MOST_ORDERS)
    if any(one not in ("asc", "desc") for one in directions):
        raise Refusal(400, "order must be one of asc, desc.")
    orders = []
    for place, text in enumerate(wanted):
        by = _read("sort", job_filter.key, text)
        natural = "asc" if by.kind in ("text", "status", "any") else "desc"
        orders.append(Order(by, (directions[place] if place < len(directions) else natural) == "desc"))
    return orders


def _read(parameter: str, read: Callable[[str], Made], text: str) -> Made:
    try:
        return read(text)
    except InvalidFilter as error:
        raise Refusal(400, f"{parameter}: {error.message}.", _HINT) from error


def _rows(stores: Stores, asked: Asked, question: _Question) -> list[TableRow]:
    """All that are found, in order; with their metrics where these decide."""
    jobs = stores.state.job_rows.select(asked.tenant, question.narrowings)
    shown_by = [*(one.by for one in question.orders), *([question.group] if question.group else [])]
    of_metrics = question.select.of_metrics or any(one.of_metrics for one in shown_by)
    if question.group is not None:
        of_metrics |= any(one is not None and one.of_metrics for one in question.columns)
    metrics = _metrics(stores, asked, jobs) if of_metrics else {}
    rows = [TableRow(job, question.now, metrics.get(job.name, {})) for job in jobs]
    found = [row for row in rows if question.select.matches(row)]
    return ordered(found, question.orders, question.group)


def _with_metrics(stores: Stores, asked: Asked, rows: Sequence[TableRow], now: float) -> list[TableRow]:
    metrics = _metrics(stores, asked, [row.job for row in rows])
    return [TableRow(row.job, now, metrics[row.job.name]) for row in rows]


def _metrics(stores: Stores, asked: Asked, jobs: Sequence[JobRow]) -> Mapping[str, Metrics]:
    return stores.metric_summaries.of(asked.tenant, jobs)


def _summaries(stores: Stores, asked: Asked, names: Sequence[str]) -> list[dict[str, Any]]:
    found = stores.state.jobs.named(asked.tenant, names)
    metrics = stores.metric_summaries.of(asked.tenant, found.values())
    return [job_summary(asked.tenant, found[name], metrics[name]) for name in names if name in found]


_Curves = Mapping[str, Mapping[str, Shape]]
"""Shapes by job, by metric."""


def _curves(
    stores: Stores, asked: Asked, rows: Sequence[TableRow], columns: Sequence[Attribute | None]
) -> _Curves:
    wanted = [one.metric for one in columns if one is not None and one.metric is not None and one.kind == "curve"]
    if len(wanted) > MOST_CURVES:
        raise Refusal(400, f"columns has more than {MOST_CURVES} curves.")
    found: dict[str, Mapping[str, Shape]] = {}
    for name in wanted:
        of_jobs = {row.job.name: one for row in rows if isinstance(one := row.metrics.get(name), MetricSummary)}
        found[name] = stores.metric_shapes.of(asked.tenant, name, of_jobs)
    return found


def _json(asked: Asked, row: TableRow, columns: Sequence[Attribute | None], curves: _Curves) -> dict[str, Any]:
    return {
        "name": row.job.name,
        "arn": asked.tenant.arn("sagemaker", f"training-job/{row.job.name}"),
        "status": row.job.status,
        "exit_code": row.job.exit_code,
        "created_by_api": row.job.created_by_api,
        "tags": row.job.tags,
        "values": [_cell(row, one, curves) for one in columns],
    }


def _cell(row: TableRow, column: Attribute | None, curves: _Curves) -> Any:
    if column is None:
        return _last_values(row)
    if column.kind != "curve" or column.metric is None:
        return _value(column.read(row))
    shape = curves[column.metric].get(row.job.name)
    if shape is None:
        return None
    told = {word: _value(metric(column.metric, word).read(row)) for word in ("last", "best")}
    return {"first": shape.first, **told, "values": [one and float(f"{one:.5g}") for one in shape.values]}


def _last_values(row: TableRow) -> list[Any]:
    some = list(row.metrics.items())[:_MOST_VALUES]
    return [[name, _value(metric(name).read(row)), _value(metric(name, "best").read(row))] for name, _ in some]


def _value(value: Value) -> Any:
    return number(value) if isinstance(value, float) else value


def _group(group: Group) -> dict[str, Any]:
    return asdict(group) | {"value": _value(group.value)}


def _table(rows: Sequence[TableRow], columns: Sequence[Attribute | None]) -> pa.Table:
    """The rows as a file has them: numbers where a column has nothing else, otherwise texts. Curves are left out."""
    chosen = {
        one.text: [one.read(row) for row in rows] for one in columns if one is not None and one.kind != "curve"
    }
    return pa.table({text: _cells(values) for text, values in chosen.items()})


def _cells(values: Sequence[Value]) -> pa.Array:
    if all(value is None or (isinstance(value, (int, float)) and not isinstance(value, bool)) for value in values):
        return pa.array([None if value is None else float(value) for value in values], pa.float64())
    return pa.array([None if value is None else _harmless(shown(value)) for value in values], pa.string())


def _harmless(text: str) -> str:
    """Text that a spreadsheet would take for a formula is kept from being one."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") and text else text
