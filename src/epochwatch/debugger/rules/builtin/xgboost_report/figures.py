"""Pictures of a report as SVG, drawn with Matplotlib where it is installed."""

import base64
import io
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from typing import Any, Final

from epochwatch.debugger.rules.builtin.xgboost_report.evaluation import Roc
from epochwatch.debugger.source import Array

Draw = Callable[[Any], None]
FEATURES_SHOWN: Final = 20


def can_draw() -> bool:
    """Whether Matplotlib is there."""
    return find_spec("matplotlib") is not None


def picture(draw: Draw, title: str, x_label: str, y_label: str) -> str:
    """The address of a picture that holds itself; ``draw`` fills its axes."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    axes.set(title=title, xlabel=x_label, ylabel=y_label)
    draw(axes)
    written = io.BytesIO()
    figure.savefig(written, format="svg", metadata={"Date": None})
    return "data:image/svg+xml;base64," + base64.b64encode(written.getvalue()).decode()


def lines(series: Mapping[str, Sequence[tuple[int, float]]]) -> Draw:
    """A line for each name."""

    def draw(axes: Any) -> None:
        for name, points in series.items():
            axes.plot(*zip(*points, strict=True), label=name, marker="." if len(points) < 20 else None)
        axes.legend()

    return draw


def bars(values: Mapping[str, float]) -> Draw:
    """A bar for each name, upright."""

    def draw(axes: Any) -> None:
        axes.bar(list(values), list(values.values()))

    return draw


def largest(values: Mapping[str, float]) -> Draw:
    """The largest values as bars that lie, the largest on top."""

    def draw(axes: Any) -> None:
        shown = sorted(values, key=values.__getitem__)[-FEATURES_SHOWN:]
        axes.barh(shown, [values[name] for name in shown])

    return draw


def histogram(values: Array) -> Draw:
    """How often values are in each of 40 bins."""

    def draw(axes: Any) -> None:
        axes.hist(values, bins=40)

    return draw


def matrix(counts: Array) -> Draw:
    """A confusion matrix, a row per label; with its numbers where there is room for them."""

    def draw(axes: Any) -> None:
        shown = axes.imshow(counts, cmap="Blues")
        axes.figure.colorbar(shown)
        if len(counts) <= 12:
            for row, column in ((row, column) for row in range(len(counts)) for column in range(len(counts))):
                dark = counts[row, column] > counts.max() / 2
                axes.text(column, row, counts[row, column], ha="center", color="white" if dark else "black")

    return draw


def roc_curve(curve: Roc) -> Draw:
    """The curve and the diagonal that guessing would give."""

    def draw(axes: Any) -> None:
        axes.plot(curve.false_positive, curve.true_positive, label=f"area {curve.area:.4f}")
        axes.plot([0, 1], [0, 1], linestyle="--", color="grey")
        axes.legend(loc="lower right")

    return draw
