"""epochwatch's default rules, and the diagnosis made of what they find."""

from collections.abc import Sequence

from benchmarks.faults.detectors.alarm import Alarm, Detector, Recorded
from benchmarks.faults.detectors.steps import TrainSteps
from epochwatch.debugger.rules.diagnosis import diagnose


def look(run: Recorded) -> Sequence[Alarm]:
    """Problems, not remarks: the root causes in the order of their rank, then what follows from them."""
    steps = TrainSteps(run.trial)
    problems = diagnose(run.trial).problems
    ranked = [cause.finding for cause in problems]
    ranked += [finding for cause in problems for finding in cause.consequences if finding.kind == "problem"]
    return [Alarm(finding.rule, steps.number(finding.step)) for finding in ranked]


EPOCHWATCH = Detector("epochwatch", look, {})
