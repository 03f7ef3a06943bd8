"""An agent's batch on its way into the tables: each row once, however often it is sent."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from epochwatch.model.alarm.training import NON_FINITE, non_finite_dimensions
from epochwatch.model.batch import NO_STEP, Batch, Committed, InstanceSamples, LogEvents, RunPoints
from epochwatch.model.job import Run
from epochwatch.model.metric import MetricId
from epochwatch.model.run_series import OWN_DIMENSION, series_of
from epochwatch.model.tenant import Tenant
from epochwatch.store.line_metrics import LineMetrics, embedded_in, line_metric_rows
from epochwatch.store.live import MAX_LIVE, LivePoints, LiveSamples
from epochwatch.store.metric_filters import FilteredLines, filtered_lines
from epochwatch.store.rows import (
    Rows,
    constant,
    log_event_rows,
    plain_datapoints,
    run_point_rows,
    source_number,
    taken,
)
from epochwatch.store.sources import Stored

if TYPE_CHECKING:
    from epochwatch.store.stores import Stores

MAX_METRIC_NAME = 255
"""Longest name CloudWatch has; values under longer names are run points only."""

Sent = LogEvents | RunPoints | InstanceSamples
Part = Sent | LineMetrics | FilteredLines


@dataclass(frozen=True, slots=True)
class _Context:
    """Whose batch, where it goes, and when."""

    stores: "Stores"
    tenant: Tenant
    run: Run
    now: float


@dataclass(slots=True)
class _Prepared:
    """New rows of one part for one table, and how to note them as stored."""

    rows: Rows
    table: str
    times: NDArray[np.int64]
    positions: NDArray[np.uint64]
    policy: int = 0
    """Of datapoints: that of their namespace."""


def commit_batch(stores: "Stores", tenant: Tenant, run: Run, batch: Batch, now: float) -> Committed:
    """Store what of ``batch`` is not stored yet; durable on return.

    Log events go into the run's stream; run points into the job's and, if finite, as datapoints under
    ``TrainingJobName`` (what is not finite is counted there); samples as datapoints under ``Host``; metrics embedded
    in log events as they say; what metric filters find in log events as these say. Raises ValueError for columns that
    do not fit together and for sources of other runs.
    """
    sent: list[Sent] = [*batch.log_events, *batch.run_points, *batch.samples]
    for given in sent:
        if not given.source.startswith(f"{run.run_id}/"):
            raise ValueError(f"the source {given.source[:100]} is not one of run {run.run_id}")
    embedded = [found for lines in batch.log_events if (found := embedded_in(lines)) is not None]
    # Filters come first: they look at what is not stored yet as log events.
    parts: list[Part] = [*_filtered_parts(stores, tenant, run, batch, now), *sent, *embedded]
    places = _places(stores, tenant, run, sent)
    numbers = {part.source: source_number(tenant, part.source) for part in parts}
    with ExitStack() as held:
        stored = {
            number: held.enter_context(stores.sources.held(number, reread=batch.resend))
            for number in sorted(set(numbers.values()))
        }
        prepared = []
        for part in parts:
            number = numbers[part.source]
            context = _Context(stores, tenant, places.get(part.source, run), now)
            rows = (
                _what_matches(context, part, stored[numbers[part.lines.source]])
                if isinstance(part, FilteredLines)
                else part
            )
            for one in _prepare(context, rows, number, stored[number]):
                # At once: a later part of the batch may repeat these rows.
                stored[number].advance(one.table, one.times, one.positions, one.policy)
                prepared.append(one.rows)
        stores.ingest.write(_together(prepared))
    return Committed({given.source: _last(given.positions) for given in sent})


def _places(stores: "Stores", tenant: Tenant, run: Run, sent: Sequence[Sent]) -> dict[str, Run]:
    """Where the rows of each source go; a host that is not the run's own is noted on the job's record."""
    places = {given.source: run.place_of(given.source) for given in sent}
    for place in places.values():
        if place is not run:
            stores.state.jobs.ensure_host(tenant, run.job, place.host)
    return places


def _filtered_parts(stores: "Stores", tenant: Tenant, run: Run, batch: Batch, now: float) -> list[FilteredLines]:
    if not batch.log_events:
        return []
    for stream in dict.fromkeys(run.place_of(lines.source).log_stream for lines in batch.log_events):
        stores.state.log_groups.ensure_stream(tenant, run.log_group, stream, int(now * 1000))
    filters = stores.state.metric_filters.acting(tenant, run.log_group)
    return [FilteredLines(lines, filters) for lines in batch.log_events] if filters else []


def _what_matches(context: _Context, part: FilteredLines, stored: Stored) -> LineMetrics:
    """What the filters find in lines that are not stored. That they came is noted before they are durable: at worst
    they come again.
    """
    positions, times = _column(part.lines.positions, np.uint64), _column(part.lines.timestamps, np.int64)
    _same_length(positions, times, part.lines.messages)
    found, matched = filtered_lines(part, stored.new("log_events", times, positions))
    context.stores.state.metric_filters.note(
        context.tenant, context.run.log_group, int(context.now) // 60, matched
    )
    return found


def _together(parts: Sequence[Rows]) -> Rows:
    """One submission for the batch: were a source's rows of a table written by two inserts, the first might fail
    and the second not, and then its rows would pass for stored.
    """

    def announce() -> None:
        for rows in parts:
            if rows.announce is not None:
                rows.announce()

    return Rows(
        series=[entry for rows in parts for entry in rows.series],
        datapoints=_joined(rows.datapoints for rows in parts),
        run_points=_joined(rows.run_points for rows in parts),
        log_events=_joined(rows.log_events for rows in parts),
        announce=announce,
    )


def _joined(batches: Iterable[pa.RecordBatch | None]) -> pa.RecordBatch | None:
    present = [batch for batch in batches if batch is not None]
    if len(present) < 2:
        return present[0] if present else None
    return pa.Table.from_batches(present).combine_chunks().to_batches()[0]


def _prepare(context: _Context, part: Sent | LineMetrics, number: int, stored: Stored) -> list[_Prepared]:
    if isinstance(part, LogEvents):
        return _log_events(context, part, number, stored)
    if isinstance(part, RunPoints):
        return _run_points(context, part, number, stored)
    if isinstance(part, LineMetrics):
        found = line_metric_rows(context.stores, context.tenant, part, number, stored)
        return [_Prepared(new.rows, "datapoints", new.times, new.positions, new.policy) for new in found]
    return _samples(context, part, number, stored)


def _log_events(context: _Context, part: LogEvents, number: int, stored: Stored) -> list[_Prepared]:
    positions = _column(part.positions, np.uint64)
    times = _column(part.timestamps, np.int64)
    _same_length(positions, times, part.messages)
    fresh = stored.new("log_events", times, positions)
    positions, times = positions[fresh], times[fresh]
    if not len(positions):
        return []
    messages = [message for message, new in zip(part.messages, fresh, strict=True) if new]
    run, count, ingestion = context.run, len(positions), int(context.now * 1000)
    batch = log_event_rows(
        {
            "account": constant(context.tenant.account, count),
            "region": constant(context.tenant.region, count),
            "log_group": constant(run.log_group, count),
            "stream": constant(run.log_stream, count),
            "ts": times,
            "ingestion": np.full(count, ingestion, np.int64),
            "message": pa.array(messages, pa.string()),
            "source": np.full(count, number, np.uint64),
            "seq": positions,
        }
    )

    def announce() -> None:
        context.stores.feed.publish_log(context.tenant, run.log_group, run.log_stream, run.job, batch)

    return [_Prepared(Rows(log_events=batch, announce=announce), "log_events", times, positions)]


def _run_points(context: _Context, part: RunPoints, number: int, stored: Stored) -> list[_Prepared]:
    columns = {
        "position": _column(part.positions, np.uint64),
        "metric": _indices(part.metrics, part.names),
        "step": _column(part.steps, np.int64),
        "epoch": _column(part.epochs, np.float64),
        "time": _column(part.timestamps, np.int64),
        "value": _column(part.values, np.float64),
    }
    _same_length(*columns.values())
    series = series_of(part)
    prepared = []
    fresh = stored.new("run_points", columns["time"], columns["position"])
    if fresh.any():
        new = {name: column[fresh] for name, column in columns.items()}
        rows = _point_rows(context, [one.label for one in series], new, number)
        prepared.append(_Prepared(rows, "run_points", new["time"], new["position"]))
    usable = np.array([0 < len(name) <= MAX_METRIC_NAME for name in part.names] or [False])
    chosen = usable[columns["metric"]] if part.names else np.zeros(len(columns["value"]), bool)
    job = (OWN_DIMENSION, context.run.job)
    namespace = context.run.log_group  # SageMaker calls both the same
    known = [_Known.of(namespace, one.name, (job, *one.dimensions), one.unit, one.resolution) for one in series]
    finite = np.isfinite(columns["value"])
    if not finite.all():  # what is no datapoint counts as one
        known += [
            _Known.of(namespace, NON_FINITE, non_finite_dimensions(job[1], one.name), "Count") for one in series
        ]
        columns["metric"] = np.where(finite, columns["metric"], columns["metric"] + len(series)).astype(np.uint32)
        columns["value"] = np.where(finite, columns["value"], 1.0)
    datapoints = {name: column[chosen] for name, column in columns.items()}
    return prepared + _datapoints(context, known, datapoints, number, stored, None)


def _point_rows(context: _Context, names: list[str], new: dict[str, NDArray[Any]], number: int) -> Rows:
    run, count = context.run, len(new["value"])
    batch = run_point_rows(
        {
            "account": constant(context.tenant.account, count),
            "region": constant(context.tenant.region, count),
            "owner": constant(run.kind.resource, count),
            "name": constant(run.job, count),
            "metric": taken(names, new["metric"]),
            "host": constant(run.host, count),
            "step": new["step"],
            "epoch": new["epoch"],
            "time": new["time"],
            "value": new["value"],
            "source": np.full(count, number, np.uint64),
            "seq": new["position"],
        }
    )

    def announce() -> None:
        if context.stores.feed.watched(context.tenant, run.job):
            order = ("metric", "step", "epoch", "time", "value")
            newest = zip(*(new[name][-MAX_LIVE:].tolist() for name in order), strict=True)
            points = [
                (names[m], run.host, None if s == NO_STEP else s, None if e != e else e, t / 1e6, v)  # noqa: PLR0124
                for m, s, e, t, v in newest
            ]
            context.stores.feed.publish(context.tenant, LivePoints(run.job, points))

    return Rows(run_points=batch, announce=announce)


def _samples(context: _Context, part: InstanceSamples, number: int, stored: Stored) -> list[_Prepared]:
    columns = {
        "position": _column(part.positions, np.uint64),
        "metric": _indices(part.metrics, part.names),
        "time": _column(part.timestamps, np.int64),
        "value": _column(part.values, np.float64),
    }
    _same_length(*columns.values())
    finite = np.isfinite(columns["value"])
    chosen = {name: column[finite] for name, column in columns.items()}
    run = context.run
    dimensions = (("Host", f"{run.job}/{run.host}"),)
    units = part.units or ["Percent"] * len(part.names)
    _same_length(part.names, units)
    known = [
        _Known.of(run.log_group, name, dimensions, unit) for name, unit in zip(part.names, units, strict=True)
    ]

    def announce(new: dict[str, NDArray[Any]]) -> None:
        if context.stores.feed.watched(context.tenant, run.job):
            order = ("metric", "time", "value")
            newest = zip(*(new[name][-MAX_LIVE:].tolist() for name in order), strict=True)
            samples = [(run.host, part.names[m], t / 1e6, v) for m, t, v in newest]
            context.stores.feed.publish(context.tenant, LiveSamples(run.job, samples))

    return _datapoints(context, known, chosen, number, stored, announce)


class _Known(NamedTuple):
    """A metric of CloudWatch to which values go."""

    metric: MetricId
    unit: str
    resolution: int

    @classmethod
    def of(
        cls, namespace: str, name: str, dimensions: Iterable[tuple[str, str]], unit: str, resolution: int = 1
    ) -> "_Known":
        return cls(MetricId.of(namespace, name, dimensions), unit, resolution)


def _datapoints(
    context: _Context,
    known: list[_Known],
    columns: dict[str, NDArray[Any]],
    number: int,
    stored: Stored,
    announce: Callable[[dict[str, NDArray[Any]]], None] | None,
) -> list[_Prepared]:
    """Values as CloudWatch datapoints; their column "metric" says of which of ``known``."""
    seconds = columns["time"] // 1_000_000
    policy = context.stores.tiers.policy(context.run.log_group)
    fresh = stored.new("datapoints", seconds, columns["position"], policy)
    if not fresh.any():
        return []
    new = {name: column[fresh] for name, column in columns.items()}
    seconds = seconds[fresh]
    rows = plain_datapoints(
        context.stores.series,
        context.tenant,
        [(one.metric, one.unit) for one in known],
        {
            "metric": new["metric"],
            "ts": seconds,
            "value": new["value"],
            "resolution": np.array([one.resolution for one in known], np.uint8)[new["metric"]],
            "seq": new["position"],
        },
        policy,
        number,
    )
    if announce is not None:
        rows.announce = lambda: announce(new)
    return [_Prepared(rows, "datapoints", seconds, new["position"], policy)]


def _column(data: bytes, dtype: Any) -> NDArray[Any]:
    if len(data) % 4 or (dtype is not np.uint32 and len(data) % 8):
        raise ValueError("a column's length is no multiple of its items' size")
    return np.frombuffer(data, dtype)


def _indices(data: bytes, names: list[str]) -> NDArray[np.uint32]:
    found: NDArray[np.uint32] = _column(data, np.uint32)
    if len(found) and int(found.max()) >= len(names):
        raise ValueError("a column refers to a metric name that is not there")
    return found


def _same_length(*columns: Any) -> None:
    if len({len(column) for column in columns}) > 1:
        raise ValueError("the columns of a part differ in length")


def _last(positions: bytes) -> int:
    column = _column(positions, np.uint64)
    return int(column.max()) if len(column) else 0
