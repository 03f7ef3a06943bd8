"""Log events, their places, and the conditions of the engine by which they are read."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from epochwatch.model.tenant import Tenant

Place = tuple[int, int]
"""A place in a stream: (timestamp in ms, seq). Events are ordered by it."""
GroupPlace = tuple[int, int, str]
"""A place among the events of several streams: (timestamp in ms, seq, stream). Nothing stands at (ms, 0, "")."""


@dataclass(frozen=True, slots=True)
class LogEvent:
    """One stored event. Times are Unix milliseconds."""

    timestamp: int
    ingestion: int
    seq: int
    stream: str
    message: str

    @property
    def place(self) -> Place:
        """Where the event stands in its stream."""
        return self.timestamp, self.seq


def where_of(
    tenant: Tenant, group: str, streams: Sequence[str] | None, start: int | None, end: int | None
) -> tuple[str, dict[str, Any]]:
    """The condition of a group's events, and its parameters."""
    where = "account = %(account)s AND region = %(region)s AND log_group = %(group)s"
    parameters: dict[str, Any] = {"account": tenant.account, "region": tenant.region, "group": group}
    if streams is not None:
        where += " AND stream IN %(streams)s" if streams else " AND 0"
        parameters["streams"] = list(streams)
    if start is not None:
        where += " AND ts >= %(start)s"
        parameters["start"] = int(start)
    if end is not None:
        where += " AND ts < %(end)s"
        parameters["end"] = int(end)
    return where, parameters


def having(containing: Sequence[str], matching: Sequence[str]) -> tuple[str, dict[str, str]]:
    """A condition: all the texts, and all the regular expressions."""
    conditions = [f"position(message, %(containing{number})s) > 0" for number in range(len(containing))]
    conditions += [f"match(message, %(matching{number})s)" for number in range(len(matching))]
    parameters = {f"containing{number}": text for number, text in enumerate(containing)}
    return " AND ".join(conditions), parameters | {f"matching{n}": regex for n, regex in enumerate(matching)}


def between(after: GroupPlace | None, before: GroupPlace | None, parameters: dict[str, Any]) -> str:
    """A further condition: among the events of several streams behind and in front of a place; sets ``parameters``."""
    where = ""
    for name, place, beyond in (("after", after, ">"), ("before", before, "<")):
        if place is not None:
            where += (
                f" AND ts {beyond}= %({name}_ts)s "
                f"AND (ts, seq, stream) {beyond} (%({name}_ts)s, %({name}_seq)s, %({name}_stream)s)"
            )
            parameters |= {f"{name}_ts": place[0], f"{name}_seq": place[1], f"{name}_stream": place[2]}
    return where


def beside(after: Place | None, before: Place | None, parameters: dict[str, Any]) -> str:
    """As `between`, among the events of one stream."""
    where = ""
    if after is not None:
        where += " AND ts >= %(after_ts)s AND (ts, seq) > (%(after_ts)s, %(after_seq)s)"
        parameters |= {"after_ts": after[0], "after_seq": after[1]}
    if before is not None:
        where += " AND ts <= %(before_ts)s AND (ts, seq) < (%(before_ts)s, %(before_seq)s)"
        parameters |= {"before_ts": before[0], "before_seq": before[1]}
    return where


def events_in(rows: pa.Table | pa.RecordBatch) -> Iterator[LogEvent]:
    """The events in rows of ``log_events``."""
    columns = (rows[name].to_pylist() for name in ("ts", "ingestion", "seq", "stream", "message"))
    for ts, ingestion, seq, stream, message in zip(*columns, strict=True):
        yield LogEvent(ts, ingestion, seq, stream, message)
