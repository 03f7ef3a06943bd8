"""How CloudWatch metrics are called in Prometheus."""

import re
from functools import lru_cache

from epochwatch.model.metric import NO_UNIT, MetricId
from epochwatch.model.promql.labels import NAME, Labels

NAMESPACE = "namespace"
"""The label that holds a metric's namespace."""
UNIT = "unit"
"""The label that holds the unit of datapoints that have one."""
EXPORTED = "exported_"
"""Goes before a dimension's name that is taken."""

_ILLEGAL_IN_METRIC = re.compile(r"[^a-zA-Z0-9_:]")
_ILLEGAL_IN_LABEL = re.compile(r"[^a-zA-Z0-9_]")


@lru_cache(maxsize=100_000)
def metric_name(name: str) -> str:
    """A metric's name with ``_`` for every character that no Prometheus metric's name has; one that begins with a
    digit gets a ``_`` before it.
    """
    return _begun(_ILLEGAL_IN_METRIC.sub("_", name))


@lru_cache(maxsize=100_000)
def label_name(name: str) -> str:
    """The same for a dimension's name, which must not have a colon either."""
    return _begun(_ILLEGAL_IN_LABEL.sub("_", name))


def _begun(name: str) -> str:
    return f"_{name}" if name[:1].isdecimal() else name


@lru_cache(maxsize=100_000)
def series_labels(metric: MetricId, unit: str) -> Labels:
    """The labels of one metric in one unit.

    A dimension whose name is ``namespace``, ``unit`` or reserved (``__...``), or becomes that of one before it, gets
    ``exported_`` before its name, as often as needed.
    """
    labels = {NAME: metric_name(metric.name), NAMESPACE: metric.namespace}
    if unit != NO_UNIT:
        labels[UNIT] = unit
    for dimension, value in metric.dimensions:
        name = label_name(dimension)
        while name in (NAMESPACE, UNIT) or name in labels or name.startswith("__"):
            name = EXPORTED + name
        labels[name] = value
    return tuple(sorted(labels.items()))
