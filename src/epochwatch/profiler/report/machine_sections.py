"""Sections of a report about the machines."""

from functools import partial
from typing import Final

from epochwatch.profiler.report.distribution import Distribution
from epochwatch.profiler.report.figures import Figures
from epochwatch.profiler.report.markup import (
    RANKS,
    Markup,
    boxes,
    figure,
    joined,
    note,
    percent,
    quantity,
    row_of,
    table,
    text,
)
from epochwatch.profiler.report.summary import Summary
from epochwatch.profiler.report.system import UNITS, NodeUse

RESOURCES: Final = {
    "cpu": "CPU",
    "gpu": "GPU",
    "memory": "CPU memory",
    "gpu_memory": "GPU memory",
    "iowait": "I/O wait",
    "network": "Network",
    "disk": "Disk",
    "power": "GPU power",
}
_COLOURS: Final = {
    "cpu": "forward",
    "gpu": "backward",
    "memory": "optimizer",
    "gpu_memory": "communication",
    "iowait": "data_loading",
    "network": "evaluation",
    "disk": "checkpoint",
    "power": "data_loading",
}
NODES_OPEN: Final = 4
"""Nodes whose curves are shown at once; those of others open on demand."""
UNDERUSED: Final = 70.0
"""Percent below which the 95th of a hundred samples says that a machine is larger than it need be."""


def system(summary: Summary) -> Markup:
    """Least, greatest and percentiles of each resource, by node."""
    rows = [
        (node.node, RESOURCES[name], *row_of(one, partial(quantity, unit=UNITS[name])))
        for node in summary.nodes
        for name, one in node.resources.items()
    ]
    if not rows:
        return Markup()
    resolution = max(node.resolution for node in summary.nodes)
    exactness = f"Percentiles are those of means of {resolution} s." if resolution else ""
    return joined(
        table("System usage", ("node", "resource", *RANKS), rows, words=2),
        note(_underuse(summary)),
        note(exactness),
    )


def _underuse(summary: Summary) -> str:
    """What SageMaker's report says where neither processors nor GPUs are used much."""
    tops = [
        node.resources[name].p95 for node in summary.nodes for name in ("cpu", "gpu") if name in node.resources
    ]
    if not tops or max(tops) >= UNDERUSED:
        return ""
    return (
        f"For 95 % of the time CPUs and GPUs were busy to {max(tops):.0f} % at most:"
        " a smaller machine, or a larger batch, would do."
    )


def machines(summary: Summary, figures: Figures) -> Markup:
    """Each node's resources over time, and its cores."""
    shown = [
        f"<details{' open' if place < NODES_OPEN else ''}><summary>{text(node.node)}</summary>"
        f"{_machine(node, figures)}</details>\n"
        for place, node in enumerate(summary.nodes)
        if node.samples
    ]
    return joined(*shown)


def _machine(node: NodeUse, figures: Figures) -> Markup:
    charts = []
    for name, curve in node.curves.items():
        unit, one = UNITS[name], node.resources[name]
        series = {"name": RESOURCES[name], "colour": _COLOURS[name], "mean": curve.mean, "max": curve.max}
        top = 100.0 if unit == "Percent" else None
        number = figures.add(kind="lines", unit=unit, top=top, series=[series])
        facts = f"median {quantity(one.p50, unit)}, at most {quantity(one.max, unit)}"
        charts.append(figure(number, f"{RESOURCES[name]} of {node.node}", facts))
    if node.cores.names:
        number = figures.add(kind="map", names=node.cores.names, rows=node.cores.rows)
        charts.append(figure(number, f"Cores and GPUs of {node.node}", "the stronger the colour, the busier"))
    return Markup(f'<div class="grid">{"".join(charts)}</div>')


def gpu_boxes(summary: Summary, title: str, which: str) -> Markup:
    """A box for each GPU's ``busy`` or ``memory``."""
    rows: dict[str, Distribution] = {
        f"{gpu.node}, GPU {gpu.gpu}": getattr(gpu, which) for node in summary.nodes for gpu in node.gpus
    }
    rows = {name: one for name, one in rows.items() if one.count}
    return boxes(title, rows) if rows else Markup()


def batch_size(summary: Summary) -> Markup:
    """Whether a larger batch fits: how much CPU, GPU and its memory are used."""
    names = ("cpu", "gpu", "gpu_memory")
    rows = {
        f"{node.node}, {RESOURCES[name]}": node.resources[name]
        for node in summary.nodes
        for name in names
        if name in node.resources and "gpu" in node.resources
    }
    if not rows:
        return Markup()
    underused = max(one.p95 for one in rows.values()) < UNDERUSED
    advice = "CPU, GPU and GPU memory are all used little: a larger batch fits." if underused else ""
    return joined(boxes("CPU, GPU and GPU memory", rows), note(advice))


def bottlenecks(summary: Summary, kind: str) -> Markup:
    """How long a GPU waited while a core did not (or waited for input and output)."""
    nodes = [node.bottleneck for node in summary.nodes if node.bottleneck.samples]
    if not any(getattr(one, kind) for one in nodes):
        return Markup()
    busy = "busy to more than 90 %" if kind == "cpu" else "waiting for input or output for more than 50 %"
    beside = "and beside it " if any(one.gpu_idle is not None for one in nodes) else ""
    rows = [(one.node, f"{one.samples:,}", percent(one.gpu_idle), percent(getattr(one, kind))) for one in nodes]
    return table("Bottlenecks", ("node", "samples", "a GPU below 10 %", f"{beside}a core {busy}"), rows)
