"""Metric filters of CloudWatch Logs: what becomes a datapoint of a log event that matches a pattern."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from epochwatch.model.field_selection import SYSTEM_FIELDS, InvalidCriteria, parse_criteria
from epochwatch.model.filter_literals import as_number
from epochwatch.model.filter_pattern import FilterPattern, InvalidFilterPattern, compile_pattern
from epochwatch.model.metric import NO_UNIT, MetricId
from epochwatch.model.tenant import Tenant

MOST_DIMENSIONS: Final = 3
LARGEST: Final = 2.0**360
"""CloudWatch stores no number beyond it."""
LONGEST_DIMENSION: Final = 1024


class InvalidMetricFilter(ValueError):
    """The filter cannot be one; the message says what is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricFilterDefinition:
    """A metric filter as it was put."""

    name: str
    pattern: str
    metric_name: str
    namespace: str
    value: str
    """A number, or what refers to one: ``$.property`` or ``$field``."""
    default: float | None = None
    unit: str | None = None
    dimensions: tuple[tuple[str, str], ...] = ()
    """Names, and what refers to their values."""
    system_dimensions: tuple[str, ...] = ()
    """System fields that are dimensions too."""
    criteria: str | None = None
    """Selects by system fields what the filter acts on."""


class MetricFilter:
    """A compiled metric filter of one tenant. Its answers depend on its definition and the message only."""

    def __init__(self, definition: MetricFilterDefinition, tenant: Tenant) -> None:
        """Raises InvalidMetricFilter."""
        self.definition = definition
        self._fields = {"@aws.account": tenant.account, "@aws.region": tenant.region}
        try:
            self.pattern = compile_pattern(definition.pattern)
        except InvalidFilterPattern as error:
            raise InvalidMetricFilter(f"Invalid filter pattern: {error}") from error
        try:
            self.active = parse_criteria(definition.criteria or "")(self._fields)
            """Whether the criteria select events of this tenant."""
        except InvalidCriteria as error:
            raise InvalidMetricFilter(f"Invalid field selection criteria: {error}") from error
        self._value = _value(self.pattern, definition.value)
        self._dimensions = self._readers()
        if definition.default is not None:
            _require_default(definition)
        self.unit = definition.unit or NO_UNIT

    @property
    def default_metric(self) -> MetricId:
        """The metric that the default value is put for."""
        return MetricId(self.definition.namespace, self.definition.metric_name)

    def matches(self, message: str) -> bool:
        """Whether ``message`` matches the pattern."""
        return self.pattern.matches(message)

    def datapoint(self, message: str) -> tuple[MetricId, float] | None:
        """What a matching ``message`` says of which metric; None where what is referred to is no number there.

        A dimension whose field is not there, or empty, is left out.
        """
        value = self._value(message)
        if value is None:
            return None
        pairs = [(name, (read(message) or "").strip()) for name, read in self._dimensions]
        dimensions = [(name, text[:LONGEST_DIMENSION]) for name, text in pairs if text]
        return MetricId.of(self.definition.namespace, self.definition.metric_name, dimensions), value

    def _readers(self) -> list[tuple[str, Callable[[str], str | None]]]:
        definition = self.definition
        names = [*(name for name, _ in definition.dimensions), *definition.system_dimensions]
        if len(set(names)) > MOST_DIMENSIONS:
            raise InvalidMetricFilter(
                f"Invalid metric transformation: a metric filter has at most {MOST_DIMENSIONS} dimensions."
            )
        readers = [(name, _reader(self.pattern, reference)) for name, reference in definition.dimensions]
        for field in definition.system_dimensions:
            if field not in SYSTEM_FIELDS:
                raise InvalidMetricFilter(f"'{field}' is no system field: {' and '.join(SYSTEM_FIELDS)} are.")
            readers.append((field, _always(self._fields[field])))
        return readers


def _always(text: str) -> Callable[[str], str | None]:
    return lambda _: text


def _value(pattern: FilterPattern, text: str) -> Callable[[str], float | None]:
    if not text.startswith("$"):
        number = as_number(text.strip())
        if number is None or not abs(number) <= LARGEST:
            raise InvalidMetricFilter(
                f"Invalid metric transformation: the metric value '{text}' is neither a number nor refers to one."
            )
        return lambda _: number
    read = _reader(pattern, text)

    def value(message: str) -> float | None:
        found = read(message)
        number = None if found is None else as_number(found.strip())
        return number if number is not None and abs(number) <= LARGEST else None

    return value


def _reader(pattern: FilterPattern, reference: str) -> Callable[[str], str | None]:
    try:
        return pattern.reader(reference)
    except InvalidFilterPattern as error:
        raise InvalidMetricFilter(f"Invalid metric transformation: {error}") from error


def _require_default(definition: MetricFilterDefinition) -> None:
    if definition.dimensions or definition.system_dimensions:
        raise InvalidMetricFilter(
            "Invalid metric transformation: dimensions and default value are mutually exclusive properties."
        )
    if definition.default is not None and not (
        math.isfinite(definition.default) and abs(definition.default) <= LARGEST
    ):
        raise InvalidMetricFilter(
            "Invalid metric transformation: the default value is no number that can be stored."
        )
