"""Sections of a report about the steps of the training."""

from typing import Final

from epochwatch.profiler.report.distribution import Histogram
from epochwatch.profiler.report.figures import Figures
from epochwatch.profiler.report.markup import (
    PHASE_NAMES,
    RANKS,
    Markup,
    bars,
    duration,
    figure,
    joined,
    moment,
    note,
    percent,
    phase_bar,
    row_of,
    table,
    text,
)
from epochwatch.profiler.report.operators import Operator
from epochwatch.profiler.report.summary import Summary
from epochwatch.profiler.report.training import ProcessPhases, StepDurations
from epochwatch.profiler.rules.own.evidence import COMPUTE, PARTS

MOSTLY_OTHER: Final = 0.25
MOSTLY_BACKWARD: Final = 0.7


def phases(summary: Summary, figures: Figures) -> Markup:
    """What the steps' time went into: in all, over time, by process."""
    training = summary.training
    if not training.processes:
        return Markup()
    present = [part for part in PARTS if training.phases[part] > 0]
    times, shares = training.times, training.times.shares
    series = [{"name": part, "colour": part, "mean": tuple(map(_percents, shares[part]))} for part in present]
    until = times.start + times.seconds * len(shares[present[0]])
    span = {"from": times.start, "to": until}
    number = figures.add(kind="stack", unit="Percent", top=100.0, series=series, **span)
    rows = [
        (process_name(one), f"{one.steps:,}", *(duration(one.phases[part]) for part in present))
        for one in training.processes
    ]
    total = sum(training.modes.values())
    modes = ", ".join(f"{mode} {percent(seconds / total)}" for mode, seconds in training.modes.items())
    return joined(
        phase_bar("Phases of the steps", {part: training.phases[part] for part in present}),
        figure(number, "Phases over time", "share of the time of all processes' steps", present),
        note(f"Time of steps by mode: {modes}."),
        note(_remarks(summary)),
        table("Phases by process", ("process", "steps", *(PHASE_NAMES[part] for part in present)), rows),
    )


def _percents(share: float | None) -> float | None:
    return None if share is None else round(share * 100, 2)


def _remarks(summary: Summary) -> str:
    """What SageMaker's report warns of."""
    training, words = summary.training, []
    loop = summary.times.loop
    other = 1 - sum(training.phases.values()) / loop if loop else 0.0
    if other > MOSTLY_OTHER:
        words.append(f"{percent(other)} of the training loop belongs to no step.")
    forward, backward = (training.phases[part] for part in ("forward", "backward"))
    if forward + backward and backward / (forward + backward) > MOSTLY_BACKWARD:
        words.append(f"Backward took {percent(backward / (forward + backward))} of forward and backward together.")
    return " ".join(words)


def process_name(one: ProcessPhases | StepDurations) -> str:
    """Of a table's row."""
    words = [one.node, f"rank {one.rank}" if one.rank >= 0 else f"process {one.process}"]
    if isinstance(one, StepDurations):
        words.append(one.mode)
    return ", ".join(words)


def operators(summary: Summary) -> Markup:
    """The longest operators, kernels and functions of the profiler's windows."""
    found = summary.operators
    kinds = {
        "Operators": found.operators,
        "Kernels": found.kernels,
        "Functions": found.functions,
        "Phases that other profilers named": found.other,
    }
    windows = [
        (
            f"{one.node}, rank {one.rank}",
            f"{one.first_step}–{one.last_step}",
            moment(one.start),
            duration(one.seconds),
            duration(one.cost),
        )
        for one in found.windows
    ]
    head = ("process", "steps", "from", "lasted", "made the steps longer by")
    return joined(
        *(_operator_table(label, rows) for label, rows in kinds.items() if rows),
        "<h3>Windows</h3>" + table("Windows of the profiler", head, windows) if windows else "",
    )


def _operator_table(label: str, rows: tuple[Operator, ...]) -> Markup:
    shown = [(one.name, percent(one.share), duration(one.seconds), f"{one.calls:,}") for one in rows]
    return joined(f"<h3>{text(label)}</h3>", table(label, ("name", "share", "together", "calls"), shown))


def durations(summary: Summary) -> Markup:
    """How long steps took, and which of them stand out."""
    processes = summary.training.durations
    if not processes:
        return Markup()
    rows = [(process_name(one), duration(one.seconds.mean), *row_of(one.seconds, duration)) for one in processes]
    drawn = "".join(
        bars(
            f"Steps of {process_name(one)}",
            f"{one.steps:,} steps",
            one.histogram,
            (duration(one.histogram.low), f"{duration(one.histogram.high)} and longer"),
        )
        for one in processes
        if one.steps > 1
    )
    return joined(
        table("Step durations", ("process", "mean", *RANKS), rows),
        f'<div class="grid">{drawn}</div>',
        _outliers(processes),
    )


def _outliers(processes: tuple[StepDurations, ...]) -> Markup:
    rows = [
        (process_name(one), f"{outlier.step:,}", moment(outlier.start), duration(outlier.seconds))
        for one in processes
        for outlier in one.outliers
    ]
    if not rows:
        return Markup()
    total = sum(one.outliers_total for one in processes)
    return joined(
        "<h3>Outliers</h3>",
        note(f"{total:,} steps took longer than their mean and three standard deviations; the longest of them:"),
        table("Outliers", ("process", "step", "at", "took"), rows),
    )


def balance(summary: Summary) -> Markup:
    """Whether processes and GPUs have as much to do as each other."""
    gpus = [gpu for node in summary.nodes for gpu in node.gpus]
    drawn = "".join(
        bars(
            f"{gpu.node}, GPU {gpu.gpu}",
            f"mean {gpu.busy.mean:.1f} %",
            Histogram(0.0, 100.0, gpu.histogram),
            ("0 %", "100 %"),
        )
        for gpu in gpus
    )
    processes = summary.training.processes
    if len(processes) < 2:
        return Markup(f'<div class="grid">{drawn}</div>') if len(gpus) > 1 else Markup()
    computing = [sum(one.phases[part] for part in COMPUTE) / one.steps for one in processes]
    rows = [
        (
            process_name(one),
            duration(seconds),
            duration(one.phases["data_loading"] / one.steps),
            duration(one.phases["communication"] / one.steps),
        )
        for one, seconds in zip(processes, computing, strict=True)
    ]
    slowest = max(computing)
    spread = (slowest - min(computing)) / slowest if slowest else 0.0
    return joined(
        note(f"The processes' own computing differs by {percent(spread)} between the slowest and the fastest."),
        table("By process", ("process", "computing a step", "waiting for data", "communication"), rows),
        f'<div class="grid">{drawn}</div>' if gpus else "",
    )


def loading(summary: Summary) -> Markup:
    """How long the training waited for data, and how long its loaders took."""
    training, found = summary.training, summary.operators
    if not training.processes:
        return Markup()
    waited = training.phases["data_loading"]
    of_steps = waited / (sum(training.phases.values()) or 1)
    words = [
        f"The training waited {duration(waited)} for its batches, {percent(of_steps)} of the time of its steps."
    ]
    if found.loaders:
        batches = found.batches
        words.append(
            f"Processes that load: {found.loaders}. They made {batches.count:,} batches, one in"
            f" {duration(batches.p50)} (median) to {duration(batches.p95)} (95th of a hundred)."
        )
    rows = []
    for one in training.processes:
        waiting = one.phases["data_loading"]
        rows.append((process_name(one), duration(waiting), percent(waiting / (sum(one.phases.values()) or 1))))
    return joined(note(" ".join(words)), table("Data loading", ("process", "waited", "share of its steps"), rows))
