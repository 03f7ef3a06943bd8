"""What SageMaker's profiler rules have in common: parameters, what they are fed with, the report."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from functools import cache
from typing import Any, ClassVar

import pyarrow as pa

from epochwatch.debugger.exceptions import SMDebugValueError
from epochwatch.debugger.rules.builtin import parameter
from epochwatch.debugger.rules.builtin.parameter import Parameterised
from epochwatch.model.host_samples import Samples
from epochwatch.profiler.events import Phase

_DOCUMENTED, _CODED = "DOCUMENTED", "CODED"


class ProfilerRule(Parameterised, ABC):
    """A rule by SageMaker's name, with SageMaker's parameters as attributes, fed with each sample and each event once,
    in the order of time, and asked after every ``scan_interval_us`` of the profile's time.

    Where SageMaker's guide and its code have other defaults the guide's count; ``defaults="coded"`` takes the code's.
    """

    coded: ClassVar[Mapping[str, Any]] = {}
    """Defaults of the code where they are not the guide's."""
    phases: ClassVar[frozenset[Phase] | None] = frozenset()
    """Events that it looks at; None: all."""

    scan_interval_us = parameter.integer(60_000_000, 1_000_000)
    defaults = parameter.choice(_DOCUMENTED, _CODED)

    def __init__(self, **given: Any) -> None:
        """Raises SMDebugValueError for a parameter that is not the rule's or has a value that cannot be."""
        coded = self.coded if type(self).defaults.parse(given.get("defaults")) == _CODED else {}
        self.take({**coded, **given})
        self.check_parameters()
        self.triggered = self.violations = self.datapoints = 0

    @property
    def name(self) -> str:
        """SageMaker's."""
        return type(self).__name__

    def check_parameters(self) -> None:
        """Refuse parameters that contradict each other."""

    def ordered(self, low: str, high: str) -> None:
        """Raises SMDebugValueError where the parameter ``low`` is above ``high``."""
        if self.values[low] > self.values[high]:
            raise SMDebugValueError(
                f"{low} must not be above {high}: {self.values[low]:g} > {self.values[high]:g}"
            )

    def wants(self, column: str) -> bool:
        """Whether it looks at a column of the samples."""
        return False

    def see_samples(self, node: str, samples: Samples) -> None:
        """The next samples of a node. Percentages are from 0 to 100."""

    def see_events(self, events: pa.Table) -> None:
        """The next events, of ``phases`` and perhaps others."""

    @abstractmethod
    def judge(self, until: int) -> bool:
        """Whether its condition is met by what was seen, which is all that began before ``until`` (Unix microseconds);
        counts the violations.
        """

    def scan(self, until: int) -> bool:
        """Judge, and count how often the condition was met."""
        met = self.judge(until)
        self.triggered += met
        return met

    @abstractmethod
    def details(self) -> dict[str, Any]:
        """What was seen, as JSON has it."""

    def summary(self) -> str:
        """What met the condition, with the numbers that decided; one line."""
        return f"{self.violations} violations in {self.datapoints} datapoints"

    @property
    def report(self) -> dict[str, Any]:
        """As SageMaker writes it beside its report: ``RuleTriggered`` is how many scans met the condition."""
        return {
            "RuleTriggered": self.triggered,
            "Violations": self.violations,
            "Details": self.details(),
            "Datapoints": self.datapoints,
            "RuleParameters": self.shown_parameters,
        }


def by_device(samples: Samples, kind: str, measure: str) -> dict[str, Any]:
    """Of each device (``gpu0``) the values of one measure, in the order of the devices' numbers."""
    found = {}
    for column, values in samples.values.items():
        number = device_of(column, kind, measure)
        if number is not None:
            found[number] = values
    return {f"{kind}{number}": found[number] for number in sorted(found)}


@cache
def device_of(column: str, kind: str, measure: str) -> int | None:
    """The number of the device: 3 of ``gpu.3.busy`` by ``gpu`` and ``busy``; None of another column."""
    first, _, rest = column.partition(".")
    number, _, last = rest.partition(".")
    return int(number) if first == kind and last == measure and number.isdecimal() else None
