"""CloudWatch's notion of a metric, and datapoints on their way into the store."""

import re
from array import array
from collections.abc import Iterable
from dataclasses import dataclass
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


class DatapointColumns:
    """Datapoints on their way in, column by column: row i belongs to the series ``series[index[i]]``.

    A row is a value that occurred ``weights[i]`` times, or, where ``is_set``, a statistic set: ``values`` its sum,
    ``weights`` its count, ``lows`` and ``highs`` its extremes (0 in all other rows).
    """

    __slots__ = ("_numbers", "highs", "index", "is_set", "lows", "resolutions", "timestamps", "values", "weights")

    def __init__(self) -> None:
        self._numbers: dict[tuple[MetricId, str], int] = {}
        self.index = array("I")
        self.timestamps = array("q")
        """Unix seconds."""
        self.values = array("d")
        self.weights = array("d")
        self.lows = array("d")
        self.highs = array("d")
        self.is_set = array("B")
        self.resolutions = array("B")
        """Seconds: 1 or 60."""

    def __len__(self) -> int:
        return len(self.index)

    @property
    def series(self) -> list[tuple[MetricId, str]]:
        """Each metric and unit that occurs, once."""
        return list(self._numbers)

    def add_value(
        self,
        metric: MetricId,
        timestamp: int,
        value: float,
        *,
        count: float = 1.0,
        unit: str = NO_UNIT,
        resolution: int = 60,
    ) -> None:
        """``value``, which occurred ``count`` times at that Unix second."""
        self._add(metric, unit, timestamp, value, count, 0.0, 0.0, 0, resolution)

    def add_set(
        self, metric: MetricId, timestamp: int, values: StatisticSet, *, unit: str = NO_UNIT, resolution: int = 60
    ) -> None:
        """Values that the sender summed up."""
        total, count, low, high = values
        self._add(metric, unit, timestamp, total, count, low, high, 1, resolution)

    def number_of(self, metric: MetricId, unit: str) -> int:
        """The number by which ``add_values`` knows a metric in a unit."""
        return self._numbers.setdefault((metric, unit), len(self._numbers))

    def add_values(
        self, numbers: list[int], timestamps: list[int], values: list[float], resolutions: list[int]
    ) -> None:
        """Many values that occurred once, of the series of these numbers; lists of one length."""
        count = len(numbers)
        self.index.extend(numbers)
        self.timestamps.extend(timestamps)
        self.values.extend(values)
        self.weights.extend(array("d", [1.0]) * count)
        self.lows.extend(array("d", [0.0]) * count)
        self.highs.extend(array("d", [0.0]) * count)
        self.is_set.extend(bytes(count))
        self.resolutions.extend(resolutions)

    def _add(
        self,
        metric: MetricId,
        unit: str,
        timestamp: int,
        value: float,
        weight: float,
        low: float,
        high: float,
        is_set: int,
        resolution: int,
    ) -> None:
        self.index.append(self.number_of(metric, unit))
        self.timestamps.append(timestamp)
        self.values.append(value)
        self.weights.append(weight)
        self.lows.append(low)
        self.highs.append(high)
        self.is_set.append(is_set)
        self.resolutions.append(resolution)


def direction(name: str) -> Literal["min", "max"]:
    """Whether a smaller or a larger value of a training metric is better, judged by its name."""
    text = _CAMEL.sub("_", name).lower()
    return "min" if _SMALLER_IS_BETTER.search(text) else "max"
