"""What a training's loop does beside learning: steps too short to pay, checkpoints, evaluations, pauses."""

from collections.abc import Iterator
from typing import Final

from epochwatch.profiler.phases import Phase
from epochwatch.profiler.rules.own.evidence import COMPUTE, IDLE, PARTS, Evidence
from epochwatch.profiler.rules.own.finding import ProfilerFinding, found

_SHORT_STEP: Final = 0.03
"""Seconds. Overheads of the framework, tens of microseconds for each operator, are lost in longer ones."""
_OVERHEAD: Final = 0.4
"""Share of the time in which a step computes that does not depend on the size of its batch: the optimizer's, and in
short steps what is between phases.
"""
_LOW_GPU: Final = 70.0
_CHECKPOINTS: Final = 0.08
_EVALUATIONS: Final = 0.4
_PAUSES: Final = 0.2
_LEAST_STEPS: Final = 20


def tiny_batches(evidence: Evidence) -> Iterator[ProfilerFinding]:
    """``TinyBatch``: steps are so short that what each costs however little it learns from is most of it."""
    if evidence.steps < _LEAST_STEPS or not evidence.is_timed:
        return
    optimizer, between = evidence.steady(Phase.OPTIMIZER), evidence.steady(IDLE)
    computing = evidence.steady(*COMPUTE) + between
    step = computing / evidence.steps / max(1, evidence.width)
    gpus = [busy for machine in evidence.machines.values() for busy in machine.gpus("busy").values()]
    starved = bool(gpus) and sum(gpus) / len(gpus) < _LOW_GPU
    fixed = optimizer + (between if step < _SHORT_STEP else 0.0)
    overhead = fixed / computing if computing else 0.0
    if overhead < _OVERHEAD and not (starved and step < _SHORT_STEP):
        return
    share = fixed / evidence.steady()
    busy = f"; the GPUs are busy {sum(gpus) / len(gpus):.0f} % of the time" if gpus else ""
    text = (
        f"A step computes for {step * 1e3:.3g} ms, {overhead:.0%} of it for what costs the same with"
        f" a larger batch: the optimizer, and the time between phases{busy}.",
        "a batch is too small to pay for what each step costs",
        "Raise the batch size (and the learning rate with it), or compile the model so that a step costs less.",
    )
    seconds = fixed / max(1, evidence.width)
    yield found(evidence, "TinyBatch", *text, seconds=seconds, share=share, part=Phase.OPTIMIZER)


def checkpoint_stalls(evidence: Evidence) -> Iterator[ProfilerFinding]:
    """``CheckpointStall``: the training waits while its state is written."""
    part = Phase.CHECKPOINT
    share = evidence.share(part)
    if share < _CHECKPOINTS:
        return
    seconds = evidence.seconds(part)
    text = (
        f"{share:.0%} of the time of steps is writing checkpoints ({seconds:.3g} s).",
        "the training stands still while a checkpoint is written",
        "Write less often, write to a faster disk, or write in the background (torch.distributed.checkpoint's"
        " async_save) from a copy in memory.",
    )
    yield found(evidence, "CheckpointStall", *text, seconds=seconds, share=share, part=part)


def long_evaluations(evidence: Evidence) -> Iterator[ProfilerFinding]:
    """``LongEvaluation``, a remark: much of the time is evaluation."""
    part = Phase.EVALUATION
    share = evidence.share(part)
    if share < _EVALUATIONS:
        return
    seconds = evidence.seconds(part)
    text = (
        f"{share:.0%} of the time of steps is evaluation ({seconds:.3g} s).",
        "the model is evaluated often, or on much data",
        "Evaluate less often or on a sample, with larger batches and without gradients.",
    )
    yield found(evidence, "LongEvaluation", *text, kind="information", seconds=seconds, share=share, part=part)


def pauses(evidence: Evidence) -> Iterator[ProfilerFinding]:
    """``SyncPoints``: the training stands still between its phases, in steps that are long enough to matter. One rank
    that does so by itself is a straggler.
    """
    share = evidence.share(IDLE)
    steps = evidence.steps * max(1, evidence.width)
    if (
        min(_idle_shares(evidence), default=0.0) < _PAUSES
        or evidence.steps < _LEAST_STEPS
        or not evidence.is_timed
    ):
        return
    step = evidence.steady(IDLE) / steps
    if step * evidence.width < _SHORT_STEP / 10:
        return
    seconds = evidence.seconds(IDLE)
    text = (
        f"{share:.0%} of the time of steps is none of loading, computing or writing: {step * 1e3:.3g} ms a step.",
        "something in the loop makes the training wait between its phases: a value fetched from the device, logging,"
        " metrics, a file that is synced",
        "Take it out of the loop: fetch values each hundredth step, log in the background, keep metrics on the device."
        " A capture of Python calls names what it is.",
    )
    yield found(evidence, "SyncPoints", *text, seconds=seconds, share=share, part=IDLE)


def _idle_shares(evidence: Evidence) -> list[float]:
    """Of each process."""
    steady = [one.steady for one in evidence.processes.values()]
    return [float(one[PARTS.index(IDLE)] / one.sum()) for one in steady if one.sum()]
