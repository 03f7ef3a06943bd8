"""What is to be said of a training in one paragraph: where its time went, why, and what to do."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from epochwatch.profiler.phases import Phase
from epochwatch.profiler.profile import Profile
from epochwatch.profiler.rules.own import Attribution, Evidence, ProfilerFinding, attributed, findings_in, gathered
from epochwatch.profiler.rules.own.evidence import IDLE

_SECOND: Final = 1_000_000
_JOULES_PER_KWH: Final = 3.6e6
_SHOWN: Final = 3
_LEAST_SHARE: Final = 0.02
"""Of the wall time: what takes less is no loss to speak of."""

_RESTARTS, _START = "restarts", "initialization"
_NAMES: Final = {
    _START: ("starting up", "Import less, load weights from a local disk, and keep compiled kernels and graphs."),
    _RESTARTS: ("restarts", "Write checkpoints more often, and find out why processes ended."),
    Phase.DATA_LOADING.value: (
        "waiting for data",
        "Prefetch in worker processes (num_workers, persistent_workers) and make a sample cheaper.",
    ),
    Phase.COMMUNICATION.value: (
        "waiting for other ranks",
        "Exchange less often and in larger pieces, and overlap it with the backward pass.",
    ),
    Phase.CHECKPOINT.value: ("writing checkpoints", "Write less often, or in the background."),
    Phase.EVALUATION.value: ("evaluation", "Evaluate less often, on less, or with larger batches."),
    IDLE: ("pauses between phases", "Take logging, metrics and fetched values out of the loop."),
}
"""What a loss is called, and what helps where no rule knows better."""


@dataclass(frozen=True, slots=True)
class Loss:
    """Time that did not go into learning."""

    name: str
    seconds: float
    """Of wall time."""
    share: float
    """Of the wall time."""
    remedy: str
    rule: str = ""
    """Whose finding explains it."""


@dataclass(frozen=True, slots=True)
class Goodput:
    """How much of the wall time made the model better."""

    share: float
    productive: float
    """Seconds in forward, backward and optimizer, without steps that were done before; mean over processes. Where it
    is not known what steps compute, all of them that is nothing else.
    """
    wall: float
    """Seconds."""
    restarts: int
    repeated: float
    """Seconds of steps that were done before a restart already."""
    energy: float | None
    """kWh of the GPUs; None where their power was not measured."""
    wasted_energy: float | None
    """kWh of them outside productive time, if power were the same at all times."""
    cost: float | None
    """For the price of an hour that was given; None without."""
    wasted_cost: float | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is known of a profile."""

    text: str
    """One paragraph."""
    goodput: Goodput | None
    """None where there are no steps."""
    losses: tuple[Loss, ...]
    """The three biggest, the biggest first."""
    causes: tuple[ProfilerFinding, ...]
    """Problems, what costs most first."""
    remarks: tuple[ProfilerFinding, ...]
    attribution: tuple[Attribution, ...]
    """Of one stretch of time after the other."""

    def to_json(self) -> dict[str, Any]:
        """The same as JSON has it."""
        return {
            "text": self.text,
            "goodput": dataclasses.asdict(self.goodput) if self.goodput else None,
            "losses": [dataclasses.asdict(loss) for loss in self.losses],
            "causes": [cause.to_json() for cause in self.causes],
            "remarks": [remark.to_json() for remark in self.remarks],
            "attribution": [one._asdict() for one in self.attribution],
        }


def verdict(profile: Profile, *, price: float | None = None) -> Verdict:
    """What is known of a profile now. ``price`` is that of an hour of all of the job's machines, of any currency."""
    return judged(gathered(profile), price=price)


def judged(evidence: Evidence, *, price: float | None = None) -> Verdict:
    """The verdict on what was gathered."""
    findings = findings_in(evidence)
    causes = tuple(one for one in findings if one.kind == "problem")
    remarks = tuple(one for one in findings if one.kind != "problem")
    if not evidence.processes:
        return Verdict(_without_steps(causes), None, (), causes, remarks, ())
    goodput = _goodput(evidence, price)
    losses = _losses(evidence, causes)
    text = _text(evidence, goodput, losses, causes)
    return Verdict(text, goodput, losses, causes, remarks, tuple(attributed(evidence)))


def _goodput(evidence: Evidence, price: float | None) -> Goodput:
    repeated = sum(one.repeated for one in evidence.processes.values()) / evidence.width
    productive = max(0.0, evidence.seconds(*evidence.learning) - repeated)
    share = min(1.0, productive / evidence.wall) if evidence.wall else 0.0
    joules = [machine.energy for machine in evidence.machines.values() if machine.energy is not None]
    energy = sum(joules) / _JOULES_PER_KWH if joules else None
    cost = price * evidence.wall / 3600 if price is not None else None
    return Goodput(
        share=share,
        productive=productive,
        wall=evidence.wall,
        restarts=len(evidence.processes) - evidence.width,
        repeated=repeated,
        energy=energy,
        wasted_energy=energy * (1 - share) if energy is not None else None,
        cost=cost,
        wasted_cost=cost * (1 - share) if cost is not None else None,
    )


def _losses(evidence: Evidence, causes: Sequence[ProfilerFinding]) -> tuple[Loss, ...]:
    first = min(one.start for one in evidence.processes.values())
    seconds = {
        part: evidence.seconds(part) for part in _NAMES if part not in (_START, _RESTARTS, *evidence.learning)
    }
    seconds[_START] = (first - evidence.span[0]) / _SECOND
    seconds[_RESTARTS] = _restarting(evidence)
    found = []
    for part, lost in seconds.items():
        share = lost / evidence.wall if evidence.wall else 0.0
        if share >= _LEAST_SHARE:
            cause = next((one for one in causes if one.part == part), None)
            name, remedy = _NAMES[part]
            found.append(Loss(name, lost, share, cause.remedy if cause else remedy, cause.rule if cause else ""))
    return tuple(sorted(found, key=lambda one: -one.seconds)[:_SHOWN])


def _restarting(evidence: Evidence) -> float:
    """Seconds from the end of a process to the first step of the one that took its place, and of steps that were done
    again; mean over ranks.
    """
    lost = 0.0
    by_rank: dict[tuple[str, int], list[tuple[int, int, float]]] = {}
    for lane, one in evidence.processes.items():
        by_rank.setdefault((lane.node, lane.rank), []).append((one.start, one.end, one.repeated))
    for processes in by_rank.values():
        processes.sort()
        for (_, end, _), (start, _, repeated) in pairwise(processes):
            lost += max(0, start - end) / _SECOND + repeated
    return lost / evidence.width


def _text(evidence: Evidence, goodput: Goodput, losses: Sequence[Loss], causes: Sequence[ProfilerFinding]) -> str:
    learned = (
        f"{goodput.share:.0%} of {_duration(goodput.wall)} went into learning"
        f" ({evidence.steps} steps{f' on {evidence.width} ranks' if evidence.width > 1 else ''})."
    )
    if not causes:
        most = f" The most that went elsewhere is {losses[0].name} ({losses[0].share:.0%})." if losses else ""
        return f"{learned} Nothing holds the training back.{most}"
    cause = causes[0]
    cost = f" That costs {_duration(cause.seconds)}." if cause.seconds else ""
    others = f" Also: {'; '.join(one.cause for one in causes[1:3])}." if len(causes) > 1 else ""
    return f"{learned} {_sentence(cause.cause)} {cause.evidence}{cost} {cause.remedy}{others}"


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _without_steps(causes: Sequence[ProfilerFinding]) -> str:
    known = "No steps were recorded, so nothing can be said of what the training waited for."
    return " ".join([known, *(f"{_sentence(one.cause)} {one.evidence} {one.remedy}" for one in causes[:1])])


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.3g} s"
    return f"{seconds / 60:.3g} min" if seconds < 7200 else f"{seconds / 3600:.3g} h"
