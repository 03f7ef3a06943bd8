"""What a rule of ours has found in a profile."""

from dataclasses import dataclass

from epochwatch.debugger.rules.finding import Finding, Kind
from epochwatch.profiler.rules.own.evidence import Evidence


@dataclass(frozen=True)
class ProfilerFinding(Finding):
    """A finding with the time that it cost."""

    seconds: float = 0.0
    """Of the training's wall time; 0 where none was lost yet, as by a leak."""
    share: float = 0.0
    """Of the wall time of its steps."""
    part: str = ""
    """Of ``evidence.PARTS``: where the time is booked."""
    node: str = ""
    rank: int = -1


def found(
    evidence: Evidence,
    rule: str,
    words: str,
    cause: str,
    remedy: str,
    *,
    kind: Kind = "problem",
    confidence: float = 0.8,
    seconds: float = 0.0,
    share: float = 0.0,
    part: str = "",
    node: str = "",
) -> ProfilerFinding:
    """A finding about a whole training."""
    return ProfilerFinding(
        rule,
        kind,
        evidence.last_step,
        evidence.first_step,
        words,
        cause,
        remedy,
        confidence,
        seconds=seconds,
        share=share,
        part=part,
        node=node,
    )
