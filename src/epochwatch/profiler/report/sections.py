"""The sections of a report, one after the other: each a heading and the HTML below it; empty where nothing is known."""

from collections.abc import Iterator

from epochwatch.profiler.report import machine_sections as machines
from epochwatch.profiler.report import step_sections as steps
from epochwatch.profiler.report.figures import Figures
from epochwatch.profiler.report.markup import Markup, duration, moment, percent, table, text
from epochwatch.profiler.report.summary import Summary
from epochwatch.profiler.verdict import Goodput


def all_of(summary: Summary, figures: Figures) -> Iterator[tuple[str, Markup]]:
    """Every section."""
    yield "Training job", _job(summary)
    yield "System usage", machines.system(summary)
    yield "Machines over time", machines.machines(summary, figures)
    yield "Phases of the steps", steps.phases(summary, figures)
    yield "Operators", steps.operators(summary)
    yield "Rules", _rules(summary)
    yield "Findings", _findings(summary)
    yield "Step durations", steps.durations(summary)
    yield "GPU utilization", machines.gpu_boxes(summary, "GPU utilization", "busy")
    yield "Workload balance", steps.balance(summary)
    yield "Data loading", steps.loading(summary)
    yield "Batch size", machines.batch_size(summary)
    yield "CPU bottlenecks", machines.bottlenecks(summary, "cpu")
    yield "I/O bottlenecks", machines.bottlenecks(summary, "io")
    yield "GPU memory", machines.gpu_boxes(summary, "GPU memory", "memory")


def _job(summary: Summary) -> Markup:
    times, training = summary.times, summary.training
    rows: list[tuple[str, str, str]] = [
        ("Start", moment(times.started), ""),
        ("End" if summary.complete else "Known until", moment(times.ended), ""),
        ("Duration", duration(times.total), "100 %"),
        ("Initialization", duration(times.initialization), percent(times.initialization / (times.total or 1))),
        ("Training loop", duration(times.loop), percent(times.loop / (times.total or 1))),
        ("Training loop from", moment(training.started), ""),
        ("Training loop until", moment(training.ended), ""),
        ("Finalization", duration(times.finalization), percent(times.finalization / (times.total or 1))),
        *_goodput(summary.goodput),
    ]
    return table("Training job", ("time", "value", "share of the wall time"), rows)


def _goodput(goodput: Goodput | None) -> Iterator[tuple[str, str, str]]:
    if goodput is None:
        return
    yield "Goodput: time that went into learning", duration(goodput.productive), percent(goodput.share)
    if goodput.restarts:
        yield "Restarts, and steps done again", f"{goodput.restarts}, {duration(goodput.repeated)}", ""
    if goodput.energy is not None:
        yield "Energy of the GPUs", f"{goodput.energy:.3g} kWh", ""
        yield "of it outside of learning", f"{goodput.wasted_energy:.3g} kWh", ""
    if goodput.cost is not None:
        yield "Cost", f"{goodput.cost:,.2f}", ""
        yield "of it outside of learning", f"{goodput.wasted_cost:,.2f}", ""


def _rules(summary: Summary) -> Markup:
    rows = [
        (
            one.rule,
            one.description,
            one.recommendation,
            Markup(f'<span class="tag {"bad" if one.triggered else "good"}">{one.triggered}</span>'),
            f"{one.violations:,}",
            f"{one.datapoints:,}",
            Markup(f'<span class="wrapped">{text(", ".join(one.parameters.splitlines()))}</span>'),
        )
        for one in summary.rules
    ]
    head = ("rule", "what it looks for", "what to do", "triggered", "violations", "datapoints", "parameters")
    return table("Rules", head, rows, words=3) if rows else Markup()


def _findings(summary: Summary) -> Markup:
    rows = [[one.get(key, "") for key in ("rule", "evidence", "cause", "remedy")] for one in summary.findings]
    return table("Findings", ("rule", "evidence", "cause", "what to do"), rows, words=4) if rows else Markup()
