"""Ranks that wait for each other: for one of them, for all in turn, or for the network."""

from collections.abc import Iterator
from typing import Final

import numpy as np

from epochwatch.debugger.rules.finding import Kind
from epochwatch.profiler.phases import Phase
from epochwatch.profiler.rules.own.evidence import IDLE, Evidence
from epochwatch.profiler.rules.own.finding import ProfilerFinding, found
from epochwatch.profiler.rules.own.limits import taken
from epochwatch.profiler.rules.own.ranks import OWN_PARTS, Late, Ranks

_LEAST_STEPS: Final = 30
_SLOW_STEPS: Final = 0.7
_SLOWER: Final = 0.05
"""A rank that is slower than the others by less is nothing to speak of."""
_UNEVEN: Final = 0.15
_COMMUNICATION: Final = 0.25
_WORDS: Final = {Phase.DATA_LOADING.value: "loading data", IDLE: "what is no phase of a step"}
_REMEDIES: Final = {
    Phase.DATA_LOADING.value: "Look at its data: is its shard, its disk or its number of workers another?",
    Phase.CHECKPOINT.value: "It alone writes checkpoints: write them in the background, or share the work.",
    IDLE: "Look at what its script does beside the others': logging, metrics, files, code that only this rank runs.",
}
_ANY_REMEDY: Final = (
    "Look at its machine: other programs, clocks, heat, another card, a limit on its cores; or replace it."
)


def slow_ranks(evidence: Evidence) -> Iterator[ProfilerFinding]:
    """``Straggler``: one rank is late at nearly every step, and the others wait for it."""
    ranks = evidence.ranks
    if ranks is None or ranks.steps < _LEAST_STEPS:
        return
    for place, late in sorted(ranks.late.items(), key=lambda one: -one[1].behind):
        slower = late.behind / late.middle if late.middle else 0.0
        if late.steps >= _LEAST_STEPS and slower >= _SLOWER and late.slow >= _SLOW_STEPS * late.steps:
            yield _straggler(evidence, ranks, place, late)


def _straggler(evidence: Evidence, ranks: Ranks, place: int, late: Late) -> ProfilerFinding:
    part = OWN_PARTS[int(np.argmax(late.parts))]
    rank, node = ranks.numbers[place], ranks.nodes[place]
    lost = late.behind * _recorded(evidence, ranks)
    total = evidence.steady() / max(1, evidence.width)
    return ProfilerFinding(
        rule="Straggler",
        kind="problem",
        step=late.step,
        began=late.step,
        evidence=f"From step {late.step} on rank {rank} on {node} was slower than the others in"
        f" {late.slow / late.steps:.0%} of {late.steps} steps, by {late.behind / late.middle:.0%} of a step; most of"
        f" it in {_WORDS.get(part, part)}.",
        cause=f"rank {rank} is slow, and the others wait for it at each exchange",
        remedy=_REMEDIES.get(part, _ANY_REMEDY),
        confidence=0.9,
        seconds=lost,
        share=lost / total if total else 0.0,
        part=Phase.COMMUNICATION,
        node=node,
        rank=rank,
    )


def _recorded(evidence: Evidence, ranks: Ranks) -> float:
    """How many steps there were for each that was compared."""
    return max(1.0, evidence.steps / ranks.steps)


def _kind(evidence: Evidence, share: float) -> Kind:
    """Ranks that compute on cores of which others take as large a share as is lost are uneven by that: a remark."""
    on_cores = not any(machine.gpus("busy") for machine in evidence.machines.values())
    return "information" if on_cores and taken(evidence) >= share else "problem"


def uneven_work(evidence: Evidence) -> Iterator[ProfilerFinding]:
    """``Imbalance``: at each step another rank is late."""
    ranks = evidence.ranks
    if ranks is None or ranks.steps < _LEAST_STEPS or any(True for _ in slow_ranks(evidence)):
        return
    uneven = ranks.behind / ranks.middle if ranks.middle else 0.0
    waiting = evidence.share(Phase.COMMUNICATION)
    if uneven < _UNEVEN or waiting < _UNEVEN or ranks.slowest.max() / ranks.steps > _SLOW_STEPS:
        return
    lost = ranks.behind * _recorded(evidence, ranks)
    yield found(
        evidence,
        "Imbalance",
        f"The slowest rank of a step takes {uneven:.0%} longer than the middle one, and it is another each time;"
        f" {waiting:.0%} of the time ranks wait for each other.",
        "the work of a step is not the same for all ranks: samples of different length, collection of garbage",
        "Group samples of like length, share out tokens rather than samples, collect garbage at the same step.",
        kind=_kind(evidence, uneven),
        confidence=0.7,
        seconds=lost,
        share=waiting,
        part=Phase.COMMUNICATION,
    )


def slow_network(evidence: Evidence) -> Iterator[ProfilerFinding]:
    """``CommunicationBound``: ranks exchange for long, though none of them is late."""
    share = evidence.share(Phase.COMMUNICATION)
    if share < _COMMUNICATION or evidence.width < 2:
        return
    if any(True for rule in (slow_ranks, uneven_work) for _ in rule(evidence)):
        return
    seconds = evidence.seconds(Phase.COMMUNICATION)
    yield found(
        evidence,
        "CommunicationBound",
        f"{share:.0%} of the time of steps ranks exchange or wait ({seconds:.3g} s), and no rank is later than the"
        " others.",
        "the exchange itself is slow, or there are more of them than needed",
        "Exchange less often (accumulate gradients, no_sync), in fewer and larger pieces, in 16 bits, and take barriers"
        " and reductions of metrics out of the loop.",
        kind=_kind(evidence, share),
        confidence=0.7,
        seconds=seconds,
        share=share,
        part=Phase.COMMUNICATION,
    )
