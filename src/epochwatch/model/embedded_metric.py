"""Embedded metric format: log events that say themselves which of their members are metrics.

``{"_aws": {"Timestamp": ms, "CloudWatchMetrics": [{"Namespace", "Dimensions": [[member, ...], ...],
"Metrics": [{"Name": member, "Unit", "StorageResolution"}, ...]}]}, member: value, ...}``

Members are looked up at the root of the document only. What does not hold to the format is dropped without a word, in
the smallest piece that can be: a metric, a set of dimensions, a directive, the document.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeGuard

import msgspec

from epochwatch.model.metric import NO_UNIT, Dimensions, MetricId

LONGEST_DOCUMENT: Final = 1_048_576
"""Bytes, as for any log event."""
MOST_METRICS: Final = 100
"""Of one directive."""
MOST_DIMENSIONS: Final = 30
"""Of one set."""
MOST_VALUES: Final = 100
"""Of one metric."""
LONGEST_NAME: Final = 255
LONGEST_VALUE: Final = 1024
LARGEST: Final = 2.0**360
OLDEST_MS: Final = 14 * 86_400_000
"""A document may be so much older than its arrival."""
NEWEST_MS: Final = 2 * 3_600_000
"""... or so much ahead of it."""

_RATES: Final = ("Bytes", "Kilobytes", "Megabytes", "Gigabytes", "Terabytes", "Bits", "Kilobits", "Megabits")
UNITS: Final = frozenset(
    {"Seconds", "Microseconds", "Milliseconds", "Percent", NO_UNIT}
    | {f"{rate}{per}" for rate in (*_RATES, "Gigabits", "Terabits", "Count") for per in ("", "/Second")}
)
_MARK: Final = '"CloudWatchMetrics"'


class EmbeddedMetric(NamedTuple):
    """Values of one metric in a document."""

    metric: MetricId
    unit: str
    resolution: int
    """Seconds: 1 or 60."""
    timestamp: int
    """Unix seconds."""
    values: Sequence[float]


def is_candidate(message: str) -> bool:
    """Whether ``message`` may be a document: a fast look that only documents and their like pass."""
    return _MARK in message and '"_aws"' in message and message.lstrip()[:1] == "{"


def extract(message: str, timestamp_ms: int, arrival_ms: int) -> Iterator[EmbeddedMetric]:
    """The metrics in ``message``; none if it is no such document.

    ``timestamp_ms`` is the log event's time and stands in for a document's that is missing, ``arrival_ms`` the
    moment from which its age is told (both Unix milliseconds). The same arguments always give the same metrics in
    the same order. Never raises.
    """
    document = _document(message) if is_candidate(message) else None
    metadata = document.get("_aws") if document is not None else None
    if document is None or not isinstance(metadata, dict):
        return
    stamp, directives = metadata.get("Timestamp", timestamp_ms), metadata.get("CloudWatchMetrics")
    if not isinstance(directives, list) or not _is_number(stamp):
        return
    if not arrival_ms - OLDEST_MS <= stamp <= arrival_ms + NEWEST_MS or stamp < 0:
        return
    for directive in directives:
        yield from _directed(document, directive, int(stamp // 1000))


def _document(message: str) -> dict[str, Any] | None:
    try:
        text = message.encode()
        found = msgspec.json.decode(text) if len(text) <= LONGEST_DOCUMENT else None
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _directed(document: Mapping[str, Any], directive: Any, timestamp: int) -> Iterator[EmbeddedMetric]:
    if not isinstance(directive, dict):
        return
    namespace, metrics = directive.get("Namespace"), directive.get("Metrics")
    if not isinstance(metrics, list) or len(metrics) > MOST_METRICS or not _is_namespace(namespace):
        return
    sets = _dimension_sets(document, directive.get("Dimensions"))
    for definition in metrics:
        if isinstance(definition, dict):
            yield from _defined(document, definition, namespace, sets, timestamp)


def _dimension_sets(document: Mapping[str, Any], given: Any) -> list[Dimensions]:
    """Each usable set once."""
    found = (_dimensions(document, names) for names in given) if isinstance(given, list) else ()
    return list(dict.fromkeys(dimensions for dimensions in found if dimensions is not None))


def _dimensions(document: Mapping[str, Any], names: Any) -> Dimensions | None:
    if not isinstance(names, list) or len(names) > MOST_DIMENSIONS:
        return None
    pairs: dict[str, str] = {}
    for name in names:
        if not _is_text(name, LONGEST_NAME) or name.startswith(":"):
            return None
        value = document.get(name)
        if not _is_text(value, LONGEST_VALUE):
            return None
        pairs[name] = value
    return tuple(sorted(pairs.items()))


def _defined(
    document: Mapping[str, Any],
    definition: Mapping[str, Any],
    namespace: str,
    sets: Sequence[Dimensions],
    timestamp: int,
) -> Iterator[EmbeddedMetric]:
    name, resolution = definition.get("Name"), definition.get("StorageResolution", 60)
    if not isinstance(name, str) or not 0 < len(name) <= LONGEST_NAME or resolution not in (1, 60):
        return
    values = _values(document.get(name))
    unit = definition.get("Unit")
    known = unit if isinstance(unit, str) and unit in UNITS else NO_UNIT
    if values:
        for dimensions in sets:
            yield EmbeddedMetric(MetricId(namespace, name, dimensions), known, int(resolution), timestamp, values)


def _values(target: Any) -> list[float]:
    """The values of a metric's member; empty if one of them is none."""
    given = target if isinstance(target, list) else [target]
    if len(given) > MOST_VALUES or not all(_is_number(value) for value in given):
        return []
    return [float(value) for value in given]


def _is_number(value: Any) -> TypeGuard[float]:
    return type(value) in (int, float) and abs(value) <= LARGEST


def _is_namespace(value: Any) -> TypeGuard[str]:
    """``AWS/`` is reserved."""
    return _is_text(value, LONGEST_NAME) and not value.startswith((":", "AWS/"))


def _is_text(value: Any, longest: int) -> TypeGuard[str]:
    return isinstance(value, str) and len(value) <= longest and value.isascii() and bool(value.strip())
