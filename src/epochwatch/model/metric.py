"""CloudWatch's notion of a metric, and datapoints on their way into the store."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

TRAINING_JOBS_NAMESPACE = "/aws/sagemaker/TrainingJobs"
"""Namespace of training metrics (dimension TrainingJobName) and host metrics (dimension Host)."""

NO_UNIT = "None"
"""CloudWatch's unit of a datapoint sent without one."""

Dimensions = tuple[tuple[str, str], ...]

_SMALLER_IS_BETTER = re.compile(
    r"(?:^|[^a-z])(?:log_?loss|loss|err|error|errors|rmse|mse|mae|mape|smape|rmsle|nll|perplexity|ppl|bpc|wer|cer|"
    r"cross_entropy|crossentropy|fid|divergence|kl|latency|regret|mlogloss)(?:$|[^a-z])|loss$|error$|logloss$"
)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


@dataclass(frozen=True, slots=True, order=True)
class MetricId:
    """Identity of a metric within a tenant. ``dimensions`` are (name, value) pairs sorted by name."""

    namespace: str
    name: str
    dimensions: Dimensions = ()

    @classmethod
    def of(cls, namespace: str, name: str, dimensions: Iterable[tuple[str, str]] = ()) -> "MetricId":
        """The metric with its dimensions put into order."""
        return cls(namespace, name, tuple(sorted(dimensions)))


class StatisticSet(NamedTuple):
    """Several values summed up by the sender. ``count`` is the number of values."""

    sum: float
    count: float  # type: ignore[assignment]  # the word of the field, though tuples have a method of that name
    min: float
    max: float


@dataclass(slots=True)
class Datapoint:
    """What one MetricDatum says: values with their counts, or a statistic set, at one second.

    ``timestamp`` is in Unix seconds; ``resolution`` is 1 or 60 seconds. ``counts`` has one entry per value.
    """

    metric: MetricId
    timestamp: int
    unit: str = NO_UNIT
    resolution: int = 60
    values: list[float] = field(default_factory=list)
    counts: list[float] = field(default_factory=list)
    statistic_set: StatisticSet | tuple[float, float, float, float] | None = None
    """(sum, count, min, max); when given, ``values`` is empty."""


def direction(name: str) -> Literal["min", "max"]:
    """Whether a smaller or a larger value of a training metric is better, judged by its name."""
    text = _CAMEL.sub("_", name).lower()
    return "min" if _SMALLER_IS_BETTER.search(text) else "max"
