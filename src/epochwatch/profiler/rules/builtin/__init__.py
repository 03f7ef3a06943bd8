"""SageMaker Debugger's profiler rules, by their names and with their parameters."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from epochwatch.debugger.exceptions import SMDebugValueError
from epochwatch.profiler.rules.builtin.bottleneck import CPUBottleneck, IOBottleneck
from epochwatch.profiler.rules.builtin.dataloader import Dataloader
from epochwatch.profiler.rules.builtin.gpu_memory_increase import GPUMemoryIncrease
from epochwatch.profiler.rules.builtin.gpu_utilization import BatchSize, LowGPUUtilization
from epochwatch.profiler.rules.builtin.load_balancing import LoadBalancing
from epochwatch.profiler.rules.builtin.max_initialization_time import MaxInitializationTime
from epochwatch.profiler.rules.builtin.overall_framework_metrics import OverallFrameworkMetrics
from epochwatch.profiler.rules.builtin.overall_system_usage import OverallSystemUsage
from epochwatch.profiler.rules.builtin.profiler_report import ProfilerReport
from epochwatch.profiler.rules.builtin.rule import ProfilerRule
from epochwatch.profiler.rules.builtin.step_outlier import StepOutlier

PROFILER_RULES: Final[Mapping[str, type[ProfilerRule]]] = MappingProxyType(
    {
        rule.__name__: rule
        for rule in (
            BatchSize,
            CPUBottleneck,
            Dataloader,
            GPUMemoryIncrease,
            IOBottleneck,
            LoadBalancing,
            LowGPUUtilization,
            MaxInitializationTime,
            OverallFrameworkMetrics,
            OverallSystemUsage,
            StepOutlier,
        )
    }
)
"""Those that look at a profile themselves; ProfilerReport runs all of them."""


def built_profiler_rule(name: str, parameters: Mapping[str, Any]) -> ProfilerRule | ProfilerReport:
    """The rule of this name with parameters as a request has them: strings, by their names in the guide.

    Raises SMDebugValueError for a name that is none, and for parameters that it does not take.
    """
    if name == ProfilerReport.__name__:
        return ProfilerReport(PROFILER_RULES, **parameters)
    if name not in PROFILER_RULES:
        expected = ", ".join([*PROFILER_RULES, ProfilerReport.__name__])
        raise SMDebugValueError(f"{name!r} is no built-in profiler rule: one of {expected} is expected")
    return PROFILER_RULES[name](**parameters)


def rules_of(rule: ProfilerRule | ProfilerReport) -> tuple[ProfilerRule, ...]:
    """Those that are to be fed: the rule itself, or those of the report."""
    return rule.rules if isinstance(rule, ProfilerReport) else (rule,)
