"""Series for tests of PromQL, written as text, and a source that has them in memory."""

import re

import numpy as np
import promql_parser
import pytest

from epochwatch.model.promql.evaluator import LOOKBACK, Evaluator
from epochwatch.model.promql.expressions import parse
from epochwatch.model.promql.labels import Labels, labels_of
from epochwatch.model.promql.selectors import Selector, selector_of
from epochwatch.model.promql.vectors import Samples, Scalar, Text, Value, Vector

STEP = 60
_RUN = re.compile(r"(-?[\d.]+)([+-][\d.]+)x(\d+)")


def labels(text: str) -> Labels:
    """The label set of ``name{a="b"}``."""
    if text.strip() in ("", "{}"):
        return ()
    selector = promql_parser.parse(text)
    assert isinstance(selector, promql_parser.VectorSelector)
    return labels_of({matcher.name: matcher.value for matcher in selector_of(selector).matchers})


def samples(line: str) -> Samples:
    """A line such as ``name{a="b"}  1 _ 4 0+10x5``: a value each minute from 0 on, ``_`` for none, and runs (first
    value, change, how many).
    """
    head, numbers = re.fullmatch(r"(\S+?\{[^}]*\}|[^\s{]+)\s+(.*)", line.strip()).groups()  # type: ignore[union-attr]
    values: list[float | None] = []
    for word in numbers.split():
        run = _RUN.fullmatch(word)
        if run:
            values += [float(run[1]) + float(run[2]) * number for number in range(int(run[3]))]
        else:
            values.append(None if word == "_" else float(word))
    there = [place for place, value in enumerate(values) if value is not None]
    return Samples(
        labels(head),
        np.array(there, np.int64) * STEP * 1000,
        np.array([value for value in values if value is not None], np.float64),
        np.full(len(there), LOOKBACK),
    )


class Memory:
    """A source of the series of ``text``, one a line."""

    def __init__(self, text: str) -> None:
        self.series = [samples(line) for line in text.strip().splitlines()]

    def select(self, selector: Selector, start: int, end: int) -> list[Samples]:
        return [one for one in self.series if selector.matches(one.labels)]


def evaluated(source: Memory, query: str, at: float) -> Value:
    moment = round(at * 1000)
    return Evaluator(source, moment, moment, 1).value(parse(query))


def results(value: Value) -> dict[Labels, float] | float | str:
    """An instant query's result."""
    if isinstance(value, Vector):
        return {own: float(row[0]) for own, row in zip(value.labels, value.values, strict=True)}
    if isinstance(value, Scalar):
        return float(value.values[0])
    assert isinstance(value, Text)
    return value.text


def number(value: float) -> object:
    return pytest.approx(value, rel=1e-12, nan_ok=True)


# A value each minute. Counters rise by one or two a second; the one of "web" starts again after four minutes.
SOURCE = Memory("""
requests_total{job="api",host="a"}  0+60x31
requests_total{job="api",host="b"}  0+120x31
requests_total{job="web",host="a"}  0 60 120 180 0+60x27
temperature{host="a"}  20 22 21 25 24
temperature{host="b"}  10+0x31
temperature{host="c"}  30+0x31
limit{host="a",zone="x",le="9"}  23+0x31
limit{host="b",zone="y",le="9"}  9+0x31
info{host="a",team="red"}  1+0x31
info{host="c",team="blue"}  1+0x31
latency_bucket{le="1"}  10+0x31
latency_bucket{le="2"}  30+0x31
latency_bucket{le="4"}  40+0x31
latency_bucket{le="+Inf"}  50+0x31
sparse_bucket{le="5"}  7+0x31
signed  -1.5 -1.5 -1.5 -1.5 -1.5
flaky  1 _ _ _ _ _ _ 2
""")
