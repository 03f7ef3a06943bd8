"""What one may write into expressions, statistics and labels, so that a field can complete it."""

from collections.abc import Iterable
from typing import Any

from epochwatch.console.requests import Asked
from epochwatch.model.metric_math import reference


def expression_reference(_: Asked) -> dict[str, Any]:
    """The answer to ``/expressions``: ``functions`` of metric math, ``statistics``, dynamic parts of ``labels`` and
    the words of ``sql``, each with its ``name``, its ``usage`` and its ``meaning``.
    """
    return {
        "functions": _entries(reference.FUNCTIONS),
        "statistics": _entries(reference.STATISTICS),
        "labels": _entries(reference.LABELS),
        "sql": _entries(reference.SQL),
    }


def _entries(entries: Iterable[reference.Entry]) -> list[dict[str, str]]:
    return [one._asdict() for one in entries]
