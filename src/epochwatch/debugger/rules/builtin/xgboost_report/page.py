"""The page of a report: one HTML file that needs nothing else."""

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any, Final

import numpy as np

from epochwatch.debugger.rules.builtin.xgboost_report import figures
from epochwatch.debugger.rules.builtin.xgboost_report.content import IMPORTANCES, Content, Series
from epochwatch.debugger.rules.builtin.xgboost_report.evaluation import (
    Problem,
    accuracy,
    class_scores,
    classified,
    roc,
)
from epochwatch.debugger.source import Array

_STYLE: Final = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1b1f24}"
    "table{border-collapse:collapse;margin:.5rem 0}td,th{border:1px solid #d0d7de;padding:.2rem .6rem;text-align:right}"
    "td:first-child,th:first-child{text-align:left}img{max-width:100%}p.note{color:#57606a}"
)
_IMPORTANCE_MEANS: Final = {
    "weight": "How often a feature splits a node, as a share of all splits.",
    "gain": "How much the splits by a feature improve the loss on average, as a share of all features.",
    "cover": "How many samples the splits by a feature see on average, as a share of all features.",
}
Part = tuple[str, str]
"""A heading and the HTML below it."""


def render(content: Content, job: str) -> str:
    """The whole page."""
    parts = "".join(f"<h2>{escape(heading)}</h2>\n{body}\n" for heading, body in _parts(content))
    kind = f": {content.problem.value}" if content.problem else ""
    note = "" if figures.can_draw() else '<p class="note">Pictures need Matplotlib: pip install matplotlib</p>\n'
    title = escape(f"XGBoost training report of {job}")
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>\n'
        f"<style>{_STYLE}</style></head>\n<body><h1>{title}{escape(kind)}</h1>\n{note}{parts}</body></html>\n"
    )


def _parts(content: Content) -> Iterator[Part]:
    if content.hyperparameters:
        yield "Hyperparameters", _table(("name", "value"), sorted(content.hyperparameters.items()))
    if content.labels is not None:
        yield "Distribution of true labels of the data set", _label_distribution(content)
    if content.metrics:
        yield "Loss versus step", "\n".join(_metrics(content.metrics))
    if content.importances:
        yield "Feature importance", "\n".join(_importances(content))
    if content.labels is not None and content.predictions is not None:
        if content.problem is Problem.REGRESSION:
            yield from _regression(content, content.labels, content.predictions)
        else:
            yield from _classification(content, content.labels, content.predictions)


def _label_distribution(content: Content) -> str:
    assert content.labels is not None
    if content.problem is Problem.REGRESSION:
        counts, edges = np.histogram(content.labels, bins=10)
        rows = [
            (_number(low), _number(high), count)
            for low, high, count in zip(edges, edges[1:], counts, strict=False)
        ]
        return _drawn(figures.histogram(content.labels), "True labels", "label", "samples") + _table(
            ("from", "to", "samples"), rows
        )
    found, counts = np.unique(content.labels, return_counts=True)
    by_class = {_number(label): int(count) for label, count in zip(found, counts, strict=True)}
    drawn = _drawn(figures.bars(by_class), "True labels", "class", "samples")
    return drawn + _table(("class", "samples"), list(by_class.items()))


def _metrics(metrics: Mapping[str, Series]) -> Iterator[str]:
    """A picture for each metric, with a line for each data set; the last and the best of each in a table."""
    by_metric: dict[str, dict[str, Series]] = {}
    for name, series in metrics.items():
        data_set, _, metric = name.partition("-")
        by_metric.setdefault(metric, {})[data_set] = series
    for metric, series_of in by_metric.items():
        yield _drawn(figures.lines(series_of), metric, "step", metric)
    rows = [
        (name, series[-1][0], _number(series[-1][1]), _number(min(values)), _number(max(values)))
        for name, series in metrics.items()
        for values in [[value for _, value in series]]
    ]
    yield _table(("metric", "last step", "last", "lowest", "highest"), rows)


def _importances(content: Content) -> Iterator[str]:
    for kind in IMPORTANCES:
        values = content.importances.get(kind)
        if values:
            yield f"<h3>{kind.capitalize()}</h3><p>{_IMPORTANCE_MEANS[kind]}</p>"
            yield _drawn(figures.largest(values), f"Importance by {kind}", "share", "")
            most = sorted(values.items(), key=lambda item: -item[1])[: figures.FEATURES_SHOWN]
            yield _table(("feature", "share"), [(name, _number(value)) for name, value in most])


def _classification(content: Content, labels: Array, predictions: Array) -> Iterator[Part]:
    counts = classified(labels, predictions, content.raw_margins)
    classes = range(len(counts))
    yield (
        f"Confusion matrix at step {content.step}",
        _drawn(figures.matrix(counts), "Confusion matrix", "prediction", "label")
        + _table(("label", *(f"predicted {name}" for name in classes)), [(n, *counts[n]) for n in classes]),
    )
    scores = class_scores(counts)
    rows = [(number, *map(_number, score[:3]), score.support) for number, score in enumerate(scores)]
    yield (
        "Evaluation of the confusion matrix",
        f"<p>Overall accuracy: {_number(accuracy(counts))}</p>"
        + _table(("class", "precision", "recall", "F1 score", "samples"), rows),
    )
    by_class: dict[str, Series] = {
        str(number): [(step, recalls[number]) for step, recalls in content.recalls if number < len(recalls)]
        for number in classes
    }
    yield (
        "Accuracy of each diagonal element over iterations",
        _drawn(figures.lines(by_class), "Accuracy by class", "step", "accuracy")
        + _first_and_last("class", [(name, series) for name, series in by_class.items() if series]),
    )
    curve = roc(labels, predictions) if content.problem is Problem.BINARY and predictions.ndim == 1 else None
    if curve is not None:
        yield (
            "Receiver operating characteristic curve",
            _drawn(figures.roc_curve(curve), "ROC", "false positive rate", "true positive rate")
            + f"<p>Area under the curve: {_number(curve.area)}</p>",
        )


def _regression(content: Content, labels: Array, predictions: Array) -> Iterator[Part]:
    residuals = np.ravel(predictions) - labels
    quantiles = [
        (f"{percent} %", _number(np.percentile(residuals, percent))) for percent in (0, 5, 25, 50, 75, 95, 100)
    ]
    yield (
        f"Distribution of residuals at step {content.step}",
        _drawn(figures.histogram(residuals), "Residuals", "prediction - label", "samples")
        + _table(("percentile", "residual"), quantiles),
    )
    assert content.edges is not None
    names = [
        f"{_number(low)} to {_number(high)}" for low, high in zip(content.edges, content.edges[1:], strict=False)
    ]
    series = {
        name: [(step, float(errors[number])) for step, errors in content.bin_errors if np.isfinite(errors[number])]
        for number, name in enumerate(names)
    }
    filled = {name: points for name, points in series.items() if points}
    yield (
        "Absolute validation error per label bin over iterations",
        _drawn(figures.lines(filled), "Mean absolute error by label", "step", "error")
        + _first_and_last("label", list(filled.items())),
    )


def _first_and_last(name: str, series: Sequence[tuple[str, Series]]) -> str:
    rows = [(one, _number(points[0][1]), _number(points[-1][1])) for one, points in series]
    return _table((name, "at first", "at last"), rows)


def _drawn(draw: figures.Draw, title: str, x_label: str, y_label: str) -> str:
    if not figures.can_draw():
        return ""
    return f'<img alt="{escape(title)}" src="{figures.picture(draw, title, x_label, y_label)}">\n'


def _table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    titles = "".join(f"<th>{escape(title)}</th>" for title in head)
    body = "".join("<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>\n" for row in rows)
    return f"<table><tr>{titles}</tr>\n{body}</table>\n"


def _number(value: float) -> str:
    return f"{value:.4g}"
