"""Datapoints that lines of a run's log yield, on their way into the tables with these.

They are a source of their own beside the log's: what is made of a line has the line's position, but not the run
points' of the same line, which are datapoints too.
"""

from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from epochwatch.model.batch import LogEvents
from epochwatch.model.embedded_metric import extract, is_candidate
from epochwatch.model.metric import DatapointColumns
from epochwatch.model.tenant import Tenant
from epochwatch.store.rows import Rows, plain_datapoints
from epochwatch.store.sources import Stored

if TYPE_CHECKING:
    from epochwatch.store.stores import Stores


@dataclass(frozen=True, slots=True)
class LineMetrics:
    """Datapoints that lines of one source yield, in the lines' order: single values, each of which occurred once."""

    source: str
    positions: NDArray[np.uint64]
    """The line's, of each datapoint."""
    datapoints: DatapointColumns


class LineMetricRows(NamedTuple):
    """New rows under one retention policy, and how to note them as stored."""

    rows: Rows
    times: NDArray[np.int64]
    positions: NDArray[np.uint64]
    policy: int


def embedded_in(lines: LogEvents) -> LineMetrics | None:
    """Metrics embedded in ``lines``: a pure function, as all that is derived from a source; None for lines without.

    Raises ValueError for columns that do not fit together.
    """
    if not any(map(is_candidate, lines.messages)):
        return None
    columns, places = DatapointColumns(), array("Q")
    times = np.frombuffer(lines.timestamps, np.int64).tolist()
    positions = np.frombuffer(lines.positions, np.uint64).tolist()
    for message, time, position in zip(lines.messages, times, positions, strict=True):
        for metric, unit, resolution, second, values in extract(message, time, time):
            for value in values:
                columns.add_value(metric, second, value, unit=unit, resolution=resolution)
                places.append(position)
    if not len(columns):
        return None
    return LineMetrics(f"{lines.source}#metrics", np.frombuffer(places, np.uint64), columns)


def line_metric_rows(
    stores: "Stores", tenant: Tenant, metrics: LineMetrics, number: int, stored: Stored
) -> Iterator[LineMetricRows]:
    """What of ``metrics``, the source ``number``, is not stored yet."""
    columns = metrics.datapoints
    policies = np.array([stores.tiers.policy(metric.namespace) for metric, _ in columns.series], np.uint16)
    index, seconds = np.frombuffer(columns.index, np.uint32), np.frombuffer(columns.timestamps, np.int64)
    for policy in sorted(set(policies.tolist())):
        own = np.flatnonzero(policies[index] == policy)
        own = own[stored.new("datapoints", seconds[own], metrics.positions[own], policy)]
        if len(own):
            rows = _rows(stores, tenant, metrics, own, number, policy)
            yield LineMetricRows(rows, seconds[own], metrics.positions[own], policy)


def _rows(
    stores: "Stores", tenant: Tenant, metrics: LineMetrics, own: NDArray[np.intp], number: int, policy: int
) -> Rows:
    columns = metrics.datapoints
    chosen: dict[str, NDArray[Any]] = {
        "metric": np.frombuffer(columns.index, np.uint32)[own],
        "ts": np.frombuffer(columns.timestamps, np.int64)[own],
        "value": np.frombuffer(columns.values, np.float64)[own],
        "resolution": np.frombuffer(columns.resolutions, np.uint8)[own],
        "seq": metrics.positions[own],
    }
    return plain_datapoints(stores.series, tenant, columns.series, chosen, policy, number)
