"""Samples on their way in: what CloudWatch's limits allow is taken, the rest is dropped and counted."""

import logging
import re
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from typing import ClassVar

from starlette.requests import Request

from epochwatch.model.metric import NO_UNIT, DatapointColumns, MetricId, StatisticSet
from epochwatch.model.periods import DAY, HOUR
from epochwatch.model.tenant import Tenant
from epochwatch.prometheus.errors import bad_data
from epochwatch.store.metrics import MetricStore

logger = logging.getLogger(__name__)

MOST_DIMENSIONS = 30
LONGEST_NAME = 255
LONGEST_VALUE = 1024
LARGEST = 2.0**360
OLDEST_SECONDS = 14 * DAY
NEWEST_SECONDS = 2 * HOUR
NAMESPACE_HEADER = "x-epochwatch-namespace"

_NAMESPACE = re.compile(r"[^:].{0,254}", re.ASCII)
_PRINTABLE = re.compile(r"[\x20-\x7e]*[\x21-\x7e][\x20-\x7e]*")


def namespace_of(request: Request, default: str) -> str:
    """The namespace that the request names by its parameter ``namespace`` or its header, or ``default``. Raises
    Refusal.
    """
    given = request.query_params.get("namespace") or request.headers.get(NAMESPACE_HEADER) or default
    if not (_NAMESPACE.fullmatch(given) and _PRINTABLE.fullmatch(given)) or given.startswith("AWS/"):
        raise bad_data(
            f"the namespace '{given[:100]}' is not allowed: 1 to 255 printable ASCII characters, not beginning with "
            "':' or 'AWS/'"
        )
    return given


@lru_cache(maxsize=100_000)
def unfit(name: str, dimensions: tuple[tuple[str, str], ...]) -> str:
    """Why there can be no such metric; "" if there can."""
    if not _fits(name, LONGEST_NAME):
        return f"the name is not 1 to {LONGEST_NAME} printable ASCII characters"
    if len(dimensions) > MOST_DIMENSIONS:
        return f"it has more than {MOST_DIMENSIONS} labels"
    for label, value in dimensions:
        if not _fits(label, LONGEST_NAME) or label.startswith(":"):
            return f"a label's name is not 1 to {LONGEST_NAME} printable ASCII characters"
        if not _fits(value, LONGEST_VALUE):
            return f"a label's value is not 1 to {LONGEST_VALUE} printable ASCII characters"
    return ""


def _fits(text: str, most: int) -> bool:
    return len(text) <= most and _PRINTABLE.fullmatch(text) is not None


class Intake:
    """Collects the samples of one request at ``now`` (Unix seconds)."""

    _told: ClassVar[set[str]] = set()

    def __init__(self, namespace: str, now: float) -> None:
        self.namespace = namespace
        self._oldest, self._newest = now - OLDEST_SECONDS, now + NEWEST_SECONDS
        self.columns = DatapointColumns()
        self.dropped: Counter[str] = Counter()
        """How many samples were dropped, by reason."""

    def metric(self, name: str, dimensions: Iterable[tuple[str, str]]) -> MetricId | str:
        """The metric, or why there can be none. Dimensions without a value are left out."""
        own = tuple(sorted((label, value) for label, value in dimensions if value))
        return unfit(name, own) or MetricId(self.namespace, name, own)

    def drop(self, why: str, count: int = 1) -> None:
        """Count samples that are not taken."""
        self.dropped[why] += count

    def value(self, metric: MetricId, milliseconds: int, value: float, unit: str = NO_UNIT) -> None:
        """A value; its time is rounded down to the second."""
        if self._takes(milliseconds, (value,)):
            self.columns.add_value(metric, milliseconds // 1000, value, unit=unit, resolution=1)

    def statistic_set(
        self, metric: MetricId, milliseconds: int, values: StatisticSet, unit: str = NO_UNIT
    ) -> None:
        """Values summed up by the sender."""
        if self._takes(milliseconds, values):
            self.columns.add_set(metric, milliseconds // 1000, values, unit=unit, resolution=1)

    def store(self, metrics: MetricStore, tenant: Tenant) -> None:
        """Make what was taken durable. What was dropped is told in the log, each reason once."""
        metrics.put(tenant, self.columns)
        for why, count in self.dropped.items():
            if why not in self._told:
                self._told.add(why)
                logger.warning("%d samples for %s were dropped: %s (said once)", count, self.namespace, why)

    @property
    def complaint(self) -> str:
        """What was dropped, in words."""
        return "; ".join(f"{count} dropped: {why}" for why, count in sorted(self.dropped.items()))

    def _takes(self, milliseconds: int, values: Iterable[float]) -> bool:
        if not self._oldest <= milliseconds / 1000 <= self._newest:
            self.drop("the time is not from two weeks back to two hours ahead")
        elif not all(-LARGEST <= value <= LARGEST for value in values):
            self.drop("the value is infinite, NaN or beyond 2^360")
        else:
            return True
        return False
