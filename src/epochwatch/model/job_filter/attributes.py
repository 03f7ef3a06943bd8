"""What a filter, a column and an order can name: attributes of a job, its parameters, tags, results and metrics."""

import difflib
import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from epochwatch.model.job_filter.row import TableRow

Kind = Literal["text", "status", "number", "duration", "time", "any", "curve"]
Value = str | float | bool | None
Reader = Callable[[TableRow], Value]

AGGREGATES: Final = {
    "last": "final",
    "best": "best",
    "min": "min",
    "max": "max",
    "step": "final_step",
    "points": "points",
}
"""What is told of a metric, by the word for it: the newest value, its step, how many there are."""
CURVE: Final = "curve"
"""The word for what a metric looks like over time: to be seen, not to be compared."""
_BARE: Final = re.compile(r"""[^\s()=<>!~,"'`.]+(\.[^\s()=<>!~,"'`.]+)*""")


@dataclass(frozen=True, slots=True)
class Attribute:
    """One thing that jobs have. ``read`` gives None where a job lacks it."""

    text: str
    """As it stands in a filter."""
    kind: Kind
    read: Reader
    metric: str | None = None
    """The metric that it is told of."""

    @property
    def of_metrics(self) -> bool:
        """Whether metrics have to be known."""
        return self.metric is not None


class UnknownAttribute(ValueError):
    """No job has it; the message says what there is."""


def _shell(words: Sequence[str]) -> str:
    return " ".join(words)


_ATTRIBUTES: Final[Mapping[str, tuple[Kind, Reader]]] = {
    "name": ("text", lambda row: row.job.name),
    "status": ("status", lambda row: row.job.status),
    "secondary_status": ("status", lambda row: row.job.secondary_status),
    "created": ("time", lambda row: row.job.created),
    "started": ("time", lambda row: row.job.started),
    "ended": ("time", lambda row: row.job.ended),
    "updated": ("time", lambda row: row.job.updated),
    "duration": ("duration", lambda row: row.job.seconds(row.now)),
    "hosts": ("number", lambda row: row.job.host_count),
    "exit_code": ("number", lambda row: row.job.exit_code),
    "user": ("text", lambda row: row.job.user or None),
    "hostname": ("text", lambda row: row.job.hostname or None),
    "command": ("text", lambda row: _shell(row.job.command) or None),
    "failure_reason": ("text", lambda row: row.job.failure_reason or None),
    "note": ("text", lambda row: row.job.note if isinstance(row.job.note, str) and row.job.note else None),
}
NAMES: Final = tuple(_ATTRIBUTES)


def attribute(segments: Sequence[str], quoted: Sequence[bool]) -> Attribute:
    """What a path names, given by its parts and which of them stood in quotes. Raises UnknownAttribute."""
    root, rest = segments[0], segments[1:]
    if root in _ATTRIBUTES and not rest:
        kind, read = _ATTRIBUTES[root]
        return Attribute(root, kind, read)
    if root in _GROUPS:
        if not rest or not all(rest):
            raise UnknownAttribute(f"{root} needs a name: {root}.NAME")
        return _GROUPS[root](rest, quoted[1:])
    raise UnknownAttribute(_unknown(".".join(segments)))


def metric(name: str, aggregate: str = "last") -> Attribute:
    """One number told of a metric, such as its ``best``."""
    told = AGGREGATES[aggregate]

    def read(row: TableRow) -> Value:
        found = row.metrics.get(name)
        return None if found is None else getattr(found, told)

    return Attribute(f"metrics.{quoted_name(name)}.{aggregate}", "number", read, name)


def curve(name: str) -> Attribute:
    """The shape of a metric's curve, which is no value: it reads as None."""
    return Attribute(f"metrics.{quoted_name(name)}.{CURVE}", "curve", lambda row: None, name)


def param(name: str) -> Attribute:
    """A hyperparameter, that is a value of the configuration, by its dotted name."""
    return Attribute(f"params.{quoted_name(name)}", "any", lambda row: scalar(row.job.params.get(name)))


def tag(name: str) -> Attribute:
    """A tag's value."""
    return Attribute(f"tags.{quoted_name(name)}", "any", lambda row: row.job.tags.get(name))


def result(name: str) -> Attribute:
    """A value of the summary, by its dotted name."""
    return Attribute(f"summary.{quoted_name(name)}", "any", lambda row: scalar(row.job.results.get(name)))


def quoted_name(name: str) -> str:
    """``name`` as it stands behind ``metrics.`` or ``tags.``: in quotes where it would not be read as one name."""
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return name if _BARE.fullmatch(name) else f'"{escaped}"'


def scalar(value: Any) -> Value:
    """A value as a table shows it: lists and the like as JSON."""
    return value if value is None or isinstance(value, (str, int, float)) else json.dumps(value)


def is_number(value: Value) -> bool:
    """Whether it is a number to calculate with."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _metric(rest: Sequence[str], quoted: Sequence[bool]) -> Attribute:
    name, word = ".".join(rest[:-1]), "" if quoted[-1] else rest[-1]
    if name and word == CURVE:
        return curve(name)
    return metric(name, word) if name and word in AGGREGATES else metric(".".join(rest))


_GROUPS: Final[Mapping[str, Callable[[Sequence[str], Sequence[bool]], Attribute]]] = {
    "params": lambda rest, _: param(".".join(rest)),
    "tags": lambda rest, _: tag(".".join(rest)),
    "summary": lambda rest, _: result(".".join(rest)),
    "metrics": _metric,
}


def _unknown(text: str) -> str:
    near = difflib.get_close_matches(text.partition(".")[0], [*_ATTRIBUTES, *_GROUPS], 1)
    if near:
        return f"there is no '{text}': did you mean {near[0]}?"
    return (
        f"there is no '{text}': a hyperparameter is params.{text}, a tag tags.{text}, a metric metrics.{text}; "
        f"else there are {', '.join(_ATTRIBUTES)} and summary.NAME"
    )
