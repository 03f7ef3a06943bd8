"""A profile summed up together with what rules say of it."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from epochwatch.model.host_samples import Columns, Samples
from epochwatch.profiler.profile import Profile, Span
from epochwatch.profiler.report.samples import SECOND, by_statistic
from epochwatch.profiler.report.summary import RuleOutcome, Summary, summarised
from epochwatch.profiler.rules.builtin import PROFILER_RULES
from epochwatch.profiler.rules.builtin.rule import ProfilerRule
from epochwatch.profiler.rules.scan import scanned

WORDS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "BatchSize": (
            "CPU, GPU and its memory are all used little.",
            "Train with larger batches, or on a smaller machine.",
        ),
        "CPUBottleneck": (
            "A GPU has nothing to do while a core is busy.",
            "Give the loader more workers, prepare data beforehand, or prepare it on the GPU.",
        ),
        "Dataloader": (
            "There are far fewer, or more, processes that load data than cores.",
            "Change the number of the loader's workers.",
        ),
        "GPUMemoryIncrease": (
            "A GPU's memory fills up.",
            "Look for tensors that are kept from step to step, or take a GPU with more memory.",
        ),
        "IOBottleneck": (
            "A GPU has nothing to do while a core waits for input or output.",
            "Prefetch, use other file formats, or storage that is nearer.",
        ),
        "LoadBalancing": (
            "The GPUs of a node do not have as much to do as each other.",
            "Divide the work otherwise, or train on fewer GPUs.",
        ),
        "LowGPUUtilization": (
            "A GPU is used little, or by fits and starts.",
            "Look for bottlenecks and for code that waits for the GPU; take larger batches.",
        ),
        "MaxInitializationTime": (
            "It takes long until the first step.",
            "Load less before the training, or stream the data.",
        ),
        "OverallFrameworkMetrics": ("Sums up the time of each phase; triggers nothing.", ""),
        "OverallSystemUsage": ("Sums up the use of each node; triggers nothing.", ""),
        "StepOutlier": (
            "Some steps take much longer than the others.",
            "Look at what happens at those steps: checkpoints, logging, evaluation, other processes.",
        ),
    }
)
"""By a rule's name: what it looks for, and what to do when it was triggered."""


EXACT_SECONDS: Final = 24 * 3600
"""Of all nodes together: what rules judge by every sample. Of more they see means of a second."""


def reported(profile: Profile) -> Summary:
    """The summary of what is there now, judged by SageMaker's rules with their documented defaults."""
    rules = tuple(rule() for rule in PROFILER_RULES.values())
    first, last = profile.span()
    sampled = (last - first) / SECOND * len(profile.nodes())
    scanned(profile if sampled <= EXACT_SECONDS else BySecond(profile), rules)
    return summarised(profile, [outcome(rule) for rule in rules])


class BySecond:
    """The same profile, the means of a second in place of every sample."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self.job = profile.job
        self.ended, self.span, self.nodes = profile.ended, profile.span, profile.nodes
        self.events, self.windows, self.read = profile.events, profile.windows, profile.read

    def system(self, node: str, span: Span, columns: Columns = None, seconds: int = 0) -> Samples:
        """See ``Profile``."""
        found = self._profile.system(node, span, columns, seconds or 1)
        if seconds:
            return found
        means, _, _ = by_statistic(found)
        return replace(
            found, values=means, units={name: found.units.get(f"{name}.mean", "None") for name in means}
        )


def outcome(rule: ProfilerRule) -> RuleOutcome:
    """What a rule that has seen a profile says in a report."""
    looks_for, remedy = WORDS[rule.name]
    return RuleOutcome(
        rule.name,
        rule.triggered,
        rule.violations,
        rule.datapoints,
        looks_for,
        f"{remedy} Here: {rule.summary()}." if rule.triggered else "",
        rule.shown_parameters,
    )
