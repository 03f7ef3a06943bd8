"""Metrics to choose from: those with some words in their names, and by what they can be narrowed down."""

import time
from collections import Counter
from typing import Any, Final

from epochwatch.console.requests import Asked
from epochwatch.model.metric import MetricId
from epochwatch.services.cloudwatch.metric_list import LISTED_SECONDS
from epochwatch.store.stores import Stores

MOST_METRICS: Final = 1000


def listed_metrics(stores: Stores, asked: Asked) -> dict[str, Any]:
    """The answer to ``/metrics``: a metric has each of the words of ``search`` in its namespace, its name or its
    dimensions; ``job`` (of its curves and of its hosts), ``namespace`` and ``dimensions`` (their names, with commas)
    narrow them down further.
    """
    words = asked.text("search").casefold().split()
    job, namespace, names = asked.text("job"), asked.text("namespace"), asked.text("dimensions")
    limit = asked.whole("limit", 200, 1, MOST_METRICS)
    since = int(time.time()) - LISTED_SECONDS
    found = stores.metrics.matching(
        asked.tenant, lambda one: _has(one, words) and (not job or _of(one, job)), active_since=since
    )
    of_namespace = [one for one in found if namespace in ("", one.namespace)]
    sets = Counter(_names(one) for one in of_namespace)
    chosen = [one for one in of_namespace if not names or _names(one) == names]
    shown = chosen[:limit]
    latest = stores.metrics.latest(asked.tenant, shown)
    return {
        "total": len(chosen),
        "namespaces": sorted(Counter(one.namespace for one in found).items()),
        "dimensions": sorted(sets.items()),
        "metrics": [
            {
                "namespace": one.namespace,
                "name": one.name,
                "dimensions": one.dimensions,
                "time": latest[one][0] if one in latest else None,
                "value": latest[one][1] if one in latest else None,
            }
            for one in shown
        ],
    }


def _has(metric: MetricId, words: list[str]) -> bool:
    if not words:
        return True
    pairs = " ".join(f"{name}={value}" for name, value in metric.dimensions)
    text = f"{metric.namespace} {metric.name} {pairs}".casefold()
    return all(word in text for word in words)


def _of(metric: MetricId, job: str) -> bool:
    """A job has metrics of its own, and those of its hosts: ``Host`` is ``JOB/HOST``."""
    return any(value == job or value.startswith(f"{job}/") for _, value in metric.dimensions)


def _names(metric: MetricId) -> str:
    return ",".join(name for name, _ in metric.dimensions)
