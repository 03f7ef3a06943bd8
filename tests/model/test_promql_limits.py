"""What PromQL refuses, and that a range query is nothing but many instant queries."""

import contextlib
import math

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from epochwatch.model.promql.errors import PromqlError
from epochwatch.model.promql.evaluator import Evaluator
from epochwatch.model.promql.expressions import MAX_LENGTH, MAX_PARTS, parse
from epochwatch.model.promql.numbers import decimal, sample_text
from epochwatch.model.promql.vectors import RangeVector, Scalar, Text, Vector
from tests.model.promql_series import SOURCE, evaluated, number, results

REFUSED = [
    ("temperature{", "bad_data", "unexpected end of input"),
    ("", "bad_data", "no expression found"),
    ("{}", "bad_data", "at least one non-empty matcher"),
    ('{host=~".*"}', "bad_data", "at least one non-empty matcher"),
    ('{__stat__="Sum"}', "bad_data", "at least one non-empty matcher"),
    ("rate(temperature)", "bad_data", "expected type matrix"),
    ("1 > 2", "bad_data", "BOOL"),
    ("info(temperature)", "bad_data", "the function info() is not supported"),
    ("mad_over_time(temperature[5m])", "bad_data", "the function mad_over_time() is not supported"),
    ("limitk(1, temperature)", "bad_data", "the aggregation limitk is not supported"),
    ("temperature + fill(0) limit", "bad_data", "fill()"),
    ('temperature{host="a" or host="b"}', "bad_data", '"or" between label matchers'),
    ('temperature{host=~"("}', "bad_data", "illegal regex"),
    ('temperature{__stat__=~"Sum"}', "bad_data", "__stat__ takes one value"),
    ('temperature{__stat__="Median"}', "bad_data", "is not a statistic"),
    ('temperature{__period__="7"}', "bad_data", "__period__ must be"),
    ("-" * (MAX_PARTS + 1) + "temperature", "bad_data", f"{MAX_PARTS} operators"),
    ("(" * 10_000 + "temperature" + ")" * 10_000, "bad_data", f"{MAX_PARTS} operators"),
    (" or ".join(["temperature"] * 1000), "bad_data", f"{MAX_PARTS} operators"),
    ("a" * (MAX_LENGTH + 1), "bad_data", f"{MAX_LENGTH} characters"),
    ("limit + on(le) limit", "execution", "many-to-many matching not allowed"),
    ("requests_total + on(host) info", "execution", "many-to-one matching must be explicit"),
    ("requests_total * on(job) requests_total", "execution", "many-to-many matching not allowed"),
    ("requests_total + on(host) group_left(job) info", "execution", "grouping labels must ensure unique matches"),
    ('rate({__name__=~"temperature|limit",le=~".*"}[5m]) or abs({__name__=~"info|latency_bucket|signed|flaky"})',
     "execution", "same labelset"),
    ('label_replace(temperature, "host", "x", "host", ".*")', "execution", "same labelset"),
    ('label_replace(temperature, "x", "", "host", "(")', "execution", 'expression "(" is wrong: missing ): ('),
    ('label_replace(temperature, "0", "x", "host", ".*")', "execution", "invalid destination label name"),
    ('label_join(temperature, "to", "", "a-b")', "execution", "invalid source label name"),
    ("topk(NaN, temperature)", "execution", "NaN"),
    ("max_over_time(time()[1y:1s])", "bad_data", "only allowed on vector"),
    ("max_over_time(vector(1)[1y:1s])", "execution", "too many steps"),
]  # fmt: skip


@pytest.mark.parametrize(("query", "kind", "words"), REFUSED, ids=[query[:60] for query, _, _ in REFUSED])
def test_a_query_that_is_refused(query: str, kind: str, words: str) -> None:
    with pytest.raises(PromqlError) as refused:
        evaluated(SOURCE, query, 240)
    assert (refused.value.kind, words in refused.value.message) == (kind, True), refused.value.message


def test_many_strings_and_matchers_are_no_parts() -> None:
    words = "|".join(["(a-b)"] * 1000)
    assert results(evaluated(SOURCE, f'temperature{{host=~"{words}"}} # ((((((', 0)) == {}


@pytest.mark.parametrize("function", ["", "abs", "sum", "max_over_time"])
def test_the_deepest_query_is_answered(function: str) -> None:
    range_of = "[1m:1m]" if function == "max_over_time" else ""
    depth = MAX_PARTS // (2 if range_of else 1)
    query = f"{function}(" * depth + "temperature" + f"{range_of})" * depth
    assert results(evaluated(SOURCE, query, 240)) != {}


def test_a_vector_that_would_be_too_large_is_refused() -> None:
    evaluator = Evaluator(SOURCE, 0, 6_000_000, 1)
    with pytest.raises(PromqlError, match="too many at once"):
        evaluator.value(parse("temperature"))


def test_a_query_ends_at_its_deadline() -> None:
    with pytest.raises(PromqlError) as late:
        Evaluator(SOURCE, 0, 0, 1, deadline=0.0).value(parse("temperature"))
    assert late.value.kind == "timeout"


STEADY = [
    "temperature", "rate(requests_total[5m])", "increase(requests_total[150s])", "irate(requests_total[3m])",
    "delta(temperature[4m])", "deriv(temperature[4m])", "predict_linear(temperature[4m], 90)",
    "avg_over_time(temperature[3m])", "max_over_time(temperature[3m])", "stddev_over_time(temperature[4m])",
    "quantile_over_time(0.3, temperature[4m])", "changes(temperature[4m])", "resets(requests_total[4m])",
    "count_over_time(temperature[2m:25s])", "max_over_time(rate(requests_total[2m])[3m:40s])",
    "sum by (job) (requests_total)", "topk(2, temperature)", "quantile(0.4, temperature)", "stddev(temperature)",
    'count_values("v", temperature)', "temperature > 15", "temperature - on(host) limit", "temperature or limit",
    "requests_total * on(host) group_left(team) info", "temperature and on(host) (info > temperature / 25)",
    "temperature unless temperature > 20", 'absent(temperature{host="a"})', "timestamp(temperature)",
    "histogram_quantile(0.8, latency_bucket)", "temperature offset 3m", "temperature @ 180", "flaky",
    "scalar(temperature > 25)", "clamp_min(temperature, scalar(limit{host=\"a\"}))", "minute() + time()",
    "quantile(time() / 600, temperature)", 'absent_over_time(flaky[2m])', "bottomk(scalar(flaky), temperature)",
]  # fmt: skip


@given(
    query=st.sampled_from(STEADY),
    start=st.integers(-120_000, 700_000),
    step=st.sampled_from([1000, 7_300, 60_000, 61_001]),
    count=st.integers(1, 30),
)
def test_a_range_query_is_an_instant_query_at_every_step(query: str, start: int, step: int, count: int) -> None:
    evaluator = Evaluator(SOURCE, start, start + step * (count - 1), step)
    try:
        whole = evaluator.value(parse(query))
    except PromqlError:  # one step that cannot be computed fails the whole range
        with pytest.raises(PromqlError):
            [evaluated(SOURCE, query, moment / 1000) for moment in evaluator.moments.tolist()]
        return
    for place, moment in enumerate(evaluator.moments.tolist()):
        once = results(evaluated(SOURCE, query, moment / 1000))
        if isinstance(whole, Scalar):
            assert once == number(float(whole.values[place]))
        else:
            assert isinstance(whole, Vector)
            rows = np.flatnonzero(whole.present[:, place])
            assert once == {whole.labels[row]: number(float(whole.values[row, place])) for row in rows}


PIECES = st.sampled_from(
    ["temperature", "sum", "by", "(", ")", "(host)", "{", "}", 'host="a"', "[5m]", "[5m:1m]", "rate", "+", "-", ">",
     "bool", "on", "group_left", "offset", "@", "1", "5m", "and", "or", "unless", ",", '"', "topk", "NaN", " ", "=~"]
)  # fmt: skip


@given(st.lists(PIECES, max_size=25).map(" ".join) | st.text(max_size=60))
def test_any_text_is_a_query_or_refused(text: str) -> None:
    with contextlib.suppress(PromqlError):
        value = Evaluator(SOURCE, 240_000, 240_000, 1).value(parse(text))
        assert isinstance(value, Vector | Scalar | Text | RangeVector)


@pytest.mark.parametrize(
    ("value", "digits", "sample"),
    [
        (0.0, "0", "0"),
        (-0.0, "-0", "-0"),
        (1.0, "1", "1"),
        (-1.5, "-1.5", "-1.5"),
        (0.1 + 0.2, "0.30000000000000004", "0.30000000000000004"),
        (1e-05, "0.00001", "0.00001"),
        (1e-07, "0.0000001", "1e-07"),
        (1.5e20, "150000000000000000000", "150000000000000000000"),
        (1e21, "1000000000000000000000", "1e+21"),
        (math.nan, "NaN", "NaN"),
        (math.inf, "+Inf", "+Inf"),
        (-math.inf, "-Inf", "-Inf"),
    ],
)
def test_numbers_as_prometheus_writes_them(value: float, digits: str, sample: str) -> None:
    assert (decimal(value), sample_text(value)) == (digits, sample)
