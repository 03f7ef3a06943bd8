"""A job as the table sees it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import msgspec


class JobRow(msgspec.Struct, frozen=True, dict=True):
    """The part of a job's record that is shown in a row or asked for in a filter. Times are Unix seconds."""

    name: str
    status: str
    secondary_status: str
    created: float
    started: float
    ended: float | None
    updated: float
    host_count: int = 1
    exit_code: int | None = None
    failure_reason: str = ""
    command: list[str] = []
    hostname: str = ""
    user: str = ""
    config: dict[str, Any] = {}
    summary: dict[str, Any] = {}
    tags: dict[str, str] = {}
    created_by_api: bool = False
    note: Any = None

    @cached_property
    def params(self) -> Mapping[str, Any]:
        """The configuration with the names of nested values joined by dots."""
        return dict(_leaves(self.config, ""))

    @cached_property
    def results(self) -> Mapping[str, Any]:
        """The summary in the same form."""
        return dict(_leaves(self.summary, ""))

    def seconds(self, now: float) -> float:
        """How long it has been training, or was: one that was given up or stops counts to its last word."""
        running = now if self.status == "InProgress" else self.updated
        return max(0.0, (running if self.ended is None else self.ended) - self.started)


@dataclass(frozen=True, slots=True)
class TableRow:
    """A job with what is known of its metrics, at a moment (Unix seconds)."""

    job: JobRow
    now: float
    metrics: Mapping[str, object] = field(default_factory=dict)
    """Summaries (``store.run_points.MetricSummary``) by the metric's name."""


def _leaves(values: Mapping[str, Any], before: str) -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, dict) and value:
            yield from _leaves(value, f"{before}{name}.")
        else:
            yield f"{before}{name}", value
