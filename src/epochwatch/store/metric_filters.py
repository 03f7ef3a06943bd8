"""Metric filters at work: what log events yield as they come, and default values for minutes without a match."""

from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from epochwatch.model.batch import LogEvents
from epochwatch.model.metric import DatapointColumns
from epochwatch.model.metric_filter import MetricFilter
from epochwatch.model.tenant import Tenant
from epochwatch.store.line_metrics import LineMetrics, line_metric_rows
from epochwatch.store.rows import Rows, source_number
from epochwatch.store.state.metric_filters import FilterMinute

if TYPE_CHECKING:
    from epochwatch.store.stores import Stores

GRACE_SECONDS = 5
"""A minute is looked at so long after its end: events that came in it may still be on their way."""


@dataclass(frozen=True, slots=True)
class FilteredLines:
    """Lines of a run, and the filters of the group they go to."""

    lines: LogEvents
    filters: Sequence[MetricFilter]

    @property
    def source(self) -> str:
        """The datapoints' own source."""
        return f"{self.lines.source}#filters"


def filtered(
    filters: Iterable[MetricFilter], events: Iterable[tuple[int, str]], columns: DatapointColumns
) -> tuple[NDArray[np.uint64], dict[str, bool]]:
    """Adds to ``columns`` what events (Unix ms, message) yield. The number of the event for each datapoint added, and
    of each filter with a default value whether any of the events matched.
    """
    filters, places = list(filters), array("Q")
    matched = {one.definition.name: False for one in filters if one.definition.default is not None}
    for number, (timestamp, message) in enumerate(events):
        for one in filters:
            if not one.matches(message):
                continue
            if one.definition.name in matched:
                matched[one.definition.name] = True
            found = one.datapoint(message)
            if found is not None:
                columns.add_value(found[0], timestamp // 1000, found[1], unit=one.unit)
                places.append(number)
    return np.frombuffer(places, np.uint64), matched


def filtered_lines(part: FilteredLines, fresh: NDArray[np.bool_]) -> tuple[LineMetrics, Mapping[str, bool]]:
    """What those lines yield that are ``fresh``, not stored yet: what is stored has met the filters of its time. And
    whether any matched, as of `filtered`; nothing is said where none is fresh.
    """
    times = np.frombuffer(part.lines.timestamps, np.int64)[fresh].tolist()
    messages = [message for message, new in zip(part.lines.messages, fresh, strict=True) if new]
    columns = DatapointColumns()
    places, matched = filtered(part.filters, zip(times, messages, strict=True), columns)
    positions = np.frombuffer(part.lines.positions, np.uint64)[fresh]
    found = LineMetrics(part.source, positions[places.astype(np.int64)], columns)
    return found, matched if len(positions) else {}


def put_defaults(stores: "Stores", now: float) -> None:
    """Put the default values of minutes before ``now`` (Unix seconds) in which events came and none matched; each
    once, however often this is cut short.
    """
    due = stores.state.metric_filters.minutes(int(now - GRACE_SECONDS) // 60)
    for one in due:
        if not one.matched:
            _put_default(stores, one)
    if due:
        stores.state.metric_filters.forget_minutes(due)


def _put_default(stores: "Stores", due: FilterMinute) -> None:
    acting = stores.state.metric_filters.acting(due.tenant, due.log_group)
    for one in acting:
        if one.definition.name == due.name and one.definition.default is not None:
            _write_default(stores, due.tenant, one, due)


def _write_default(stores: "Stores", tenant: Tenant, one: MetricFilter, due: FilterMinute) -> None:
    """As rows of a source whose position is the minute."""
    columns = DatapointColumns()
    columns.add_value(one.default_metric, due.minute * 60, one.definition.default or 0.0, unit=one.unit)
    source = f"metric-filter-default/{due.log_group}\0{due.name}"
    metrics = LineMetrics(source, np.array([due.minute], np.uint64), columns)
    number = source_number(tenant, source)
    with stores.sources.held(number, reread=True) as stored:
        for new in line_metric_rows(stores, tenant, metrics, number, stored):
            stored.advance("datapoints", new.times, new.positions, new.policy)
            stores.ingest.write(Rows(series=new.rows.series, datapoints=new.rows.datapoints))
