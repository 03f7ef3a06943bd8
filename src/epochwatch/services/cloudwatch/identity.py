"""Metrics as requests name them."""

from collections.abc import Mapping, Sequence
from typing import Any

from epochwatch.model.metric import MetricId
from epochwatch.services.cloudwatch.errors import invalid_value


def metric_of(namespace: str, name: str, dimensions: Sequence[Mapping[str, str]], where: str) -> MetricId:
    """The metric of that namespace, name and dimensions. ``where`` names the list of dimensions in errors.

    Raises AwsError for dimensions that no metric can have.
    """
    seen: set[str] = set()
    for number, dimension in enumerate(dimensions, 1):
        key, value = dimension["Name"], dimension["Value"]
        place = f"{where}.member.{number}"
        if not key.isascii() or key.startswith(":") or not key.strip():
            raise invalid_value(f"The value {key} for parameter {place}.Name is invalid.")
        if not value.isascii() or not value.strip():
            raise invalid_value(f"The value {value} for parameter {place}.Value is invalid.")
        if key in seen:
            raise invalid_value(f"The parameter {where} has duplicate dimension names: {key}.")
        seen.add(key)
    return MetricId.of(namespace, name, ((d["Name"], d["Value"]) for d in dimensions))


def dimensions_of(metric: MetricId) -> list[dict[str, Any]]:
    """The metric's dimensions as answers have them."""
    return [{"Name": name, "Value": value} for name, value in metric.dimensions]
