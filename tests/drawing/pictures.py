"""Widgets of every kind with values that never change, to be drawn and compared with what was looked at by eye.

``python -m tests.drawing.pictures`` draws them anew: look at each before it is committed.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from epochwatch.drawing.draw import draw
from epochwatch.model.dashboard.metric_rows import Side
from epochwatch.model.dashboard.picture import PALETTE, Curve, Floats, Picture
from epochwatch.model.dashboard.widget import metric_widget

GOLDEN = Path(__file__).parent / "golden"
END = 1_785_585_600
"""2026-08-01T12:00:00Z"""
START = END - 3 * 3600


def falling(x: Floats) -> Floats:
    return 2.3 * np.exp(-3 * x) + 0.2 + 0.05 * np.sin(60 * x)


def rising(x: Floats) -> Floats:
    return 1 - np.exp(-3 * x) * 0.9


def wavy(x: Floats) -> Floats:
    return 80 + 15 * np.sin(40 * x)


def curve(
    place: int, label: str, shape: Callable[[Floats], Floats], axis: Side = "left", unit: str = "", **more: Any
) -> Curve:
    moments = np.arange(START, END, 60).astype(np.int64)
    values = shape((moments - START) / (END - START))
    return Curve(label, moments, values, PALETTE[place], axis, unit, float(values[-1]), **more)


def picture(curves: Sequence[Curve], **properties: Any) -> Picture:
    widget = metric_widget({"width": 440, "height": 280} | properties)
    return Picture(widget, START, END, curves, widget.annotations.horizontal)


def host(number: int) -> Curve:
    return curve(number, f"algo-{number + 1}", lambda x: wavy(x + number / 7) * (number + 2) / 5, unit="Percent")


def job(number: int) -> Curve:
    return curve(number % 20, f"job-{number:02} loss", lambda x: falling(x) + number / 20)


def band() -> list[Curve]:
    line = curve(0, "requests", wavy, unit="Count")
    usual = curve(7, "Expected", lambda x: wavy(x) - 8, high=line.values + 8)
    return [line, usual]


LOSSES = [curve(0, "train:loss", falling), curve(1, "validation:loss", lambda x: falling(x) * 1.15 + 0.1)]
ACCURACY = curve(2, "accuracy", rising, "right")
NOTHING = Curve("nothing", np.empty(0, np.int64), np.empty(0), PALETTE[0])
LEVELS = [
    {"value": 1.5, "label": "too high", "color": "#d62728", "fill": "above"},
    [{"value": 0.5, "label": "good from"}, {"value": 0.9, "label": "to", "color": "#2ca02c"}],
]
MOMENTS = [
    {"value": "2026-08-01T10:00:00Z", "label": "learning rate / 10", "fill": "before"},
    [{"value": "2026-08-01T11:00:00Z", "label": "restart"}, {"value": "2026-08-01T11:20:00Z", "label": "end"}],
]
LIMITS = [
    {"value": 50, "color": "#d62728", "fill": "above", "label": "hot"},
    {"value": 20, "color": "#2ca02c", "fill": "below"},
]
GAUGE = {"view": "gauge", "yAxis": {"left": {"min": 0, "max": 100}}, "annotations": {"horizontal": LIMITS}}
AXES = {"left": {"min": 0, "label": "loss"}, "right": {"min": 0, "max": 1, "label": "accuracy"}}
ANNOTATED = {"horizontal": LEVELS, "vertical": MOMENTS}


def gappy() -> list[Curve]:
    """An hour without data, then every third minute only, beside one of which nothing is missing."""
    whole = curve(0, "steps", wavy, unit="Count", period=60)
    there = (whole.timestamps < START + 3600) | (
        (whole.timestamps >= START + 7200) & ((whole.timestamps - START) % 180 == 0)
    )
    broken = Curve("away", whole.timestamps[there], whole.values[there] - 30, PALETTE[1], unit="Count", period=60)
    return [whole, broken]


def pictures() -> dict[str, Picture]:
    """Every picture in light, and in dark."""
    hosts = [host(number) for number in range(4)]
    made: dict[str, tuple[Sequence[Curve], dict[str, Any]]] = {
        "lines": (LOSSES, {"title": "Loss of resnet-7", "yAxis": {"left": {"label": "loss"}}}),
        "two-axes": ([*LOSSES, ACCURACY], {"yAxis": AXES, "legend": {"position": "right"}, "timezone": "+0530"}),
        "stacked": (hosts, {"title": "GPUs", "stacked": True}),
        "annotations": (LOSSES, {"title": "Annotations", "annotations": ANNOTATED}),
        "band": (band(), {"title": "Anomaly band", "legend": {"position": "hidden"}}),
        "gaps": (gappy(), {"title": "A host that was away"}),
        "values": ([*LOSSES, hosts[0]], {"title": "Now", "view": "singleValue"}),
        "gauge": (hosts[:2], GAUGE | {"title": "Gauges"}),
        "bar": (
            hosts,
            {"view": "bar", "title": "Bars", "annotations": {"horizontal": [{"value": 60, "label": "line"}]}},
        ),
        "pie": (hosts, {"view": "pie", "title": "Shares"}),
        "empty": ([NOTHING], {"title": "Nothing yet"}),
        "many": ([job(number) for number in range(60)], {"title": "A long title " * 9}),
    }
    return {
        f"{name}-{theme}": picture(curves, theme=theme, **properties)
        for name, (curves, properties) in made.items()
        for theme in ("light", "dark")
    }


if __name__ == "__main__":
    GOLDEN.mkdir(exist_ok=True)
    for name, one in pictures().items():
        (GOLDEN / f"{name}.png").write_bytes(draw(one))
