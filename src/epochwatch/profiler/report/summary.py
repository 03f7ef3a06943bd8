"""All that a report says of a profile, as data: read once, in pieces, and written as JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from epochwatch.profiler.profile import Profile, Span
from epochwatch.profiler.report.operators import Operators, operators
from epochwatch.profiler.report.samples import SECOND
from epochwatch.profiler.report.system import NodeUse, node_use
from epochwatch.profiler.report.training import TrainingUse, training_use
from epochwatch.profiler.rules.own import gathered
from epochwatch.profiler.verdict import Goodput, Loss, judged


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
    goodput: Goodput | None
    """None without steps."""
    nodes: tuple[NodeUse, ...]
    training: TrainingUse
    operators: Operators
    rules: tuple[RuleOutcome, ...]
    findings: tuple[Mapping[str, Any], ...]
    """Of rules of our own, as their JSON: causes first, what costs most before the rest; then remarks."""

    def to_json(self) -> bytes:
        """The same as JSON; numbers that JSON lacks are null."""
        return msgspec.json.encode(self)


def summarised(profile: Profile, rules: Sequence[RuleOutcome] = (), price: float | None = None) -> Summary:
    """What is there now of a profile, whole. Of SageMaker's ``rules`` those that were triggered most are shown at
    first; ``price`` is that of an hour of all of the job's machines.
    """
    complete = profile.ended()
    evidence = gathered(profile)
    known = judged(evidence, price=price)
    training = training_use(profile, evidence.span, evidence)
    return Summary(
        profile.job,
        complete,
        _times(evidence.span, training, complete=complete),
        known.text,
        known.losses,
        known.goodput,
        tuple(node_use(profile, node, evidence.span) for node in profile.nodes()),
        training,
        operators(profile, evidence.span),
        tuple(sorted(rules, key=lambda one: (-one.triggered, one.rule))),
        tuple(one.to_json() for one in (*known.causes, *known.remarks)),
    )


def _times(span: Span, training: TrainingUse, *, complete: bool) -> JobTimes:
    start, end = span[0] / SECOND, span[1] / SECOND
    if training.started is None or training.ended is None:
        return JobTimes(start, end, end - start, end - start, 0.0, 0.0)
    last = min(training.ended, end) if complete else end
    initialization = max(training.started - start, 0.0)
    return JobTimes(start, end, end - start, initialization, last - training.started, end - last)
