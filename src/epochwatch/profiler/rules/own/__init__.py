"""Rules of ours for profiles: what bounds a training, with the numbers that decided, the cause and a remedy.

Each is a function of what was gathered of a profile. They are silent on a training that does nothing but learn.
"""

from collections.abc import Callable, Iterator
from typing import Final

from epochwatch.profiler.rules.own.attribution import Attribution, attributed
from epochwatch.profiler.rules.own.evidence import Evidence, gathered
from epochwatch.profiler.rules.own.finding import ProfilerFinding
from epochwatch.profiler.rules.own.input import slow_input
from epochwatch.profiler.rules.own.limits import others, thrashing, throttling
from epochwatch.profiler.rules.own.loop import checkpoint_stalls, long_evaluations, pauses, tiny_batches
from epochwatch.profiler.rules.own.memory import leaks
from epochwatch.profiler.rules.own.together import slow_network, slow_ranks, uneven_work

RULES: Final[tuple[Callable[[Evidence], Iterator[ProfilerFinding]], ...]] = (
    slow_input,
    tiny_batches,
    checkpoint_stalls,
    long_evaluations,
    pauses,
    slow_ranks,
    uneven_work,
    slow_network,
    leaks,
    throttling,
    thrashing,
    others,
)

__all__ = ["RULES", "Attribution", "Evidence", "ProfilerFinding", "attributed", "findings_in", "gathered"]


def findings_in(evidence: Evidence) -> list[ProfilerFinding]:
    """What the rules find, problems before remarks, what costs most first."""
    found = [finding for rule in RULES for finding in rule(evidence)]
    return sorted(found, key=lambda one: (one.kind != "problem", -one.seconds * one.confidence, -one.confidence))
