"""All that a report says of a profile, as data: read once, in pieces, and written as JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from epochwatch.profiler.profile import Profile
from epochwatch.profiler.report.operators import Operators, operators
from epochwatch.profiler.report.system import SECOND, NodeUse, node_use
from epochwatch.profiler.report.training import PRODUCTIVE, TrainingUse, training_use


@dataclass(frozen=True, slots=True)
class RuleOutcome:
    """What one of SageMaker's rules says of a job."""

    rule: str
    triggered: int
    """How often."""
    violations: int
    datapoints: int
    description: str = ""
    recommendation: str = ""
    parameters: str = ""
    """A line for each: ``name:value``."""


@dataclass(frozen=True, slots=True)
class Loss:
    """Time that did not go into learning."""

    name: str
    seconds: float
    share: float
    """Of the job's wall time."""
    remedy: str


@dataclass(frozen=True, slots=True)
class JobTimes:
    """How a job's wall time is divided. All in seconds; ``started`` and ``ended`` are Unix times."""

    started: float
    ended: float
    total: float
    initialization: float
    """Until the first step; all of it without any."""
    loop: float
    finalization: float
    """From the last step on; 0 while the training goes on."""
    goodput: float | None
    """Share of the wall time in which the processes computed steps of training, on average; None without steps."""


@dataclass(frozen=True, slots=True)
class Summary:
    """A report's content."""

    job: str
    complete: bool
    """Whether the training was over: then nothing will be added."""
    times: JobTimes
    verdict: str
    """One paragraph."""
    losses: tuple[Loss, ...]
    """The three biggest, the biggest first."""
    nodes: tuple[NodeUse, ...]
    training: TrainingUse
    operators: Operators
    rules: tuple[RuleOutcome, ...]
    findings: tuple[Mapping[str, Any], ...]
    """Of rules of our own, as their JSON."""

    def to_json(self) -> bytes:
        """The same as JSON; numbers that JSON lacks are null."""
        return msgspec.json.encode(self)


def summarised(
    profile: Profile,
    *,
    verdict: str = "",
    losses: Sequence[Loss] = (),
    rules: Sequence[RuleOutcome] = (),
    findings: Sequence[Mapping[str, Any]] = (),
) -> Summary:
    """What is there now of a profile, whole. ``rules`` are shown with those that were triggered most at first."""
    complete = profile.ended()
    span = profile.span()
    training = training_use(profile, span)
    return Summary(
        profile.job,
        complete,
        _times(span[0] / SECOND, span[1] / SECOND, training, complete=complete),
        verdict,
        tuple(losses[:3]),
        tuple(node_use(profile, node, span) for node in profile.nodes()),
        training,
        operators(profile, span),
        tuple(sorted(rules, key=lambda one: (-one.triggered, one.rule))),
        tuple(findings),
    )


def _times(start: float, end: float, training: TrainingUse, *, complete: bool) -> JobTimes:
    total = end - start
    if training.started is None or training.ended is None:
        return JobTimes(start, end, total, total, 0.0, 0.0, None)
    last = min(training.ended, end) if complete else end
    productive = sum(
        one.phases[phase] for one in training.processes if one.mode == "train" for phase in PRODUCTIVE
    )
    return JobTimes(
        start,
        end,
        total,
        max(training.started - start, 0.0),
        last - training.started,
        end - last,
        productive / training.ranks / total if total else None,
    )
