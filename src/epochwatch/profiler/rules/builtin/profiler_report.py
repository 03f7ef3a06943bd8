"""ProfilerReport: all the other rules at once."""

from collections.abc import Mapping
from typing import Any, Final

from epochwatch.debugger.exceptions import SMDebugValueError
from epochwatch.debugger.rules.builtin import parameter
from epochwatch.debugger.rules.builtin.parameter import Parameterised
from epochwatch.profiler.rules.builtin.rule import ProfilerRule

_COMMON: Final = ("scan_interval_us", "defaults")
"""Parameters that are for all rules where they are given without a rule's name."""


class ProfilerReport(Parameterised):
    """Runs rules with their own parameters: ``CPUBottleneck_cpu_threshold`` is ``cpu_threshold`` of ``CPUBottleneck``.

    ``opt_out_telemetry`` is taken as SageMaker has it: the report asks nothing of any network, whatever it is.
    """

    opt_out_telemetry = parameter.flag(False)
    scan_interval_us = ProfilerRule.scan_interval_us
    defaults = ProfilerRule.defaults

    def __init__(self, rules: Mapping[str, type[ProfilerRule]], **given: Any) -> None:
        """``rules`` by SageMaker's names. Raises SMDebugValueError for what is no parameter of any of them."""
        own = {name: value for name, value in given.items() if name in self.parameters}
        by_rule: dict[str, dict[str, Any]] = {name: {} for name in rules}
        for name, value in given.items():
            rule, _, wanted = name.partition("_")
            if name in own:
                continue
            if rule not in rules:
                raise SMDebugValueError(
                    f"ProfilerReport has no parameter {name!r}: it takes {', '.join(self.parameters)} and"
                    f" <rule>_<parameter> of the rules {', '.join(rules)}"
                )
            by_rule[rule][wanted] = value
        self.take(own)
        common: dict[str, Any] = {name: own[name] for name in _COMMON if name in own}
        self.rules = tuple(rule(**{**common, **by_rule[name]}) for name, rule in rules.items())

    @property
    def name(self) -> str:
        """SageMaker's."""
        return type(self).__name__

    @property
    def triggered(self) -> tuple[ProfilerRule, ...]:
        """The rules whose condition was met at some time, the most often first."""
        return tuple(sorted((one for one in self.rules if one.triggered), key=lambda one: -one.triggered))

    def summary(self) -> str:
        """Which rules have found something."""
        return "; ".join(f"{rule.name}: {rule.summary()}" for rule in self.triggered)

    @property
    def reports(self) -> dict[str, dict[str, Any]]:
        """What each rule says, by name."""
        return {rule.name: rule.report for rule in self.rules}
