"""PromQL over series in memory. Expected results were worked out by hand."""

import math

import pytest

from epochwatch.model.promql.vectors import Vector
from tests.model.promql_series import SOURCE, evaluated, labels, number, results

NAN = math.nan
INF = math.inf
A, B, C = '{host="a"}', '{host="b"}', '{host="c"}'

CASES: list[tuple[str, float, object]] = [
    # selectors
    ("temperature", 240, {'temperature{host="a"}': 24, 'temperature{host="b"}': 10, 'temperature{host="c"}': 30}),
    ('temperature{host="a"}', 0, {'temperature{host="a"}': 20}),
    ('temperature{host="a"}', 59.999, {'temperature{host="a"}': 20}),
    ('temperature{host="a"}', 539.999, {'temperature{host="a"}': 24}),
    ('temperature{host="a"}', 540, {}),
    ('temperature{host!="a"}', 0, {'temperature{host="b"}': 10, 'temperature{host="c"}': 30}),
    ('temperature{host=~"a|b"}', 0, {'temperature{host="a"}': 20, 'temperature{host="b"}': 10}),
    ('temperature{host=~"x|."}', 0, {
        'temperature{host="a"}': 20, 'temperature{host="b"}': 10, 'temperature{host="c"}': 30}),
    ('temperature{host!~"a.*|c"}', 0, {'temperature{host="b"}': 10}),
    ('temperature{host=~"A"}', 0, {}),
    ('temperature{host=~"(?i)A"}', 0, {'temperature{host="a"}': 20}),
    ('temperature{nothing="", host="a"}', 0, {'temperature{host="a"}': 20}),
    ('{__name__=~"inf.", host="a"}', 0, {'info{host="a",team="red"}': 1}),
    ('{"signed"}', 0, {"signed": -1.5}),
    ("flaky", 299, {"flaky": 1}),
    ("flaky", 300, {}),
    ("flaky", 420, {"flaky": 2}),
    ("unknown", 0, {}),
    ('temperature{host="a"} offset 2m', 240, {'temperature{host="a"}': 21}),
    ('temperature{host="a"} offset -1m', 120, {'temperature{host="a"}': 25}),
    ('temperature{host="a"} @ 60', 1800, {'temperature{host="a"}': 22}),
    ('temperature{host="a"} @ 180 offset 1m', 1800, {'temperature{host="a"}': 21}),
    ('temperature{host="a"} @ end()', 240, {'temperature{host="a"}': 24}),
    # rates: five samples in (300, 600], and 60 s to the start of the range
    ("rate(requests_total[5m])", 600, {
        '{job="api",host="a"}': 1, '{job="api",host="b"}': 2, '{job="web",host="a"}': 1}),
    ('rate(requests_total{job="web"}[5m])', 300, {'{job="web",host="a"}': 0.75}),
    ('increase(requests_total{job="web"}[5m])', 300, {'{job="web",host="a"}': 225}),
    ('rate(requests_total{job="web"}[5m])', 60, {'{job="web",host="a"}': 0.2}),
    ('rate(requests_total{job="web"}[1m])', 600, {}),
    ('rate(requests_total{job="web"}[61s])', 600, {'{job="web",host="a"}': 1}),
    ('irate(requests_total{job="web"}[5m])', 300, {'{job="web",host="a"}': 1}),
    ('irate(requests_total{job="web"}[5m])', 240, {'{job="web",host="a"}': 0}),
    ('increase(requests_total{job="web"}[5m] offset 5m)', 600, {'{job="web",host="a"}': 225}),
    ('rate(requests_total{job="web"}[5m] @ 300)', 1000, {'{job="web",host="a"}': 0.75}),
    ('resets(requests_total{job="web"}[10m])', 600, {'{job="web",host="a"}': 1}),
    # over time: 22 21 25 24 in (0, 240]
    ('avg_over_time(temperature{host="a"}[4m])', 240, {A: 23}),
    ('min_over_time(temperature{host="a"}[4m])', 240, {A: 21}),
    ('max_over_time(temperature{host="a"}[4m])', 240, {A: 25}),
    ('sum_over_time(temperature{host="a"}[4m])', 240, {A: 92}),
    ('count_over_time(temperature{host="a"}[4m])', 240, {A: 4}),
    ('last_over_time(temperature{host="a"}[4m])', 240, {'temperature{host="a"}': 24}),
    ('present_over_time(temperature{host="a"}[4m])', 240, {A: 1}),
    ('stdvar_over_time(temperature{host="a"}[4m])', 240, {A: 2.5}),
    ('stddev_over_time(temperature{host="a"}[4m])', 240, {A: 1.5811388300841898}),
    ('quantile_over_time(0.5, temperature{host="a"}[4m])', 240, {A: 23}),
    ('quantile_over_time(0.9, temperature{host="a"}[4m])', 240, {A: 24.7}),
    ('quantile_over_time(-1, temperature{host="a"}[4m])', 240, {A: -INF}),
    ('quantile_over_time(2, temperature{host="a"}[4m])', 240, {A: INF}),
    ('changes(temperature{host="a"}[4m])', 240, {A: 3}),
    ('changes(temperature{host="b"}[4m])', 240, {B: 0}),
    ('resets(temperature{host="a"}[4m])', 240, {A: 2}),
    ('delta(temperature{host="a"}[4m])', 240, {A: 8 / 3}),
    ('idelta(temperature{host="a"}[4m])', 240, {A: -1}),
    ('deriv(temperature{host="a"}[4m])', 240, {A: 1 / 60}),
    ('predict_linear(temperature{host="a"}[4m], 60)', 240, {A: 25.5}),
    ('predict_linear(temperature{host="a"}[4m] offset 1m, 60)', 300, {A: 26.5}),
    ('sum_over_time(temperature{host="a"}[1h])', 1800, {A: 112}),
    ('sum_over_time(temperature{host="a"}[5m])', 900, {}),
    ('deriv(temperature{host="a"}[1m])', 240, {}),
    # subqueries: every 60 s in (120, 240]
    ('sum_over_time(temperature{host="a"}[2m:1m])', 240, {A: 49}),
    ('count_over_time(temperature{host="a"}[2m:20s])', 240, {A: 6}),
    ('max_over_time(sum(temperature)[4m:1m])', 240, {"": 65}),
    ('avg_over_time(vector(3)[2m:])', 240, {"": 3}),
    ('max_over_time(rate(requests_total{job="web"}[5m])[5m:1m])', 600, {'{job="web",host="a"}': 1}),
    ('last_over_time(temperature{host="a"}[2m:1m] offset 1m)', 240, {'temperature{host="a"}': 25}),
    ('last_over_time(temperature{host="a"}[2m:1m] @ 120)', 900, {'temperature{host="a"}': 21}),
    # aggregations of 24, 10, 30
    ("sum(temperature)", 240, {"": 64}),
    ("avg(temperature)", 240, {"": 64 / 3}),
    ("min(temperature)", 240, {"": 10}),
    ("max(temperature)", 240, {"": 30}),
    ("count(temperature)", 240, {"": 3}),
    ("group(temperature)", 240, {"": 1}),
    ("stdvar(temperature)", 240, {"": 632 / 9}),
    ("stddev(temperature)", 240, {"": math.sqrt(632) / 3}),
    ("quantile(0.25, temperature)", 240, {"": 17}),
    ("quantile(1.1, temperature)", 240, {"": INF}),
    ("quantile(NaN, temperature)", 240, {"": NAN}),
    ("topk(2, temperature)", 240, {'temperature{host="c"}': 30, 'temperature{host="a"}': 24}),
    ("topk(9, temperature)", 600, {'temperature{host="c"}': 30, 'temperature{host="b"}': 10}),
    ("topk(0, temperature)", 240, {}),
    ("bottomk(1, temperature)", 240, {'temperature{host="b"}': 10}),
    ("topk by (job) (1, requests_total)", 600, {
        'requests_total{job="api",host="b"}': 1200, 'requests_total{job="web",host="a"}': 360}),
    ("sum by (job) (requests_total)", 600, {'{job="api"}': 1800, '{job="web"}': 360}),
    ("sum by (nothing) (requests_total)", 600, {"": 2160}),
    ("sum without (host) (requests_total)", 600, {'{job="api"}': 1800, '{job="web"}': 360}),
    ("count by (__name__) (temperature)", 600, {"temperature": 2}),
    ('count_values("value", temperature)', 240, {'{value="24"}': 1, '{value="10"}': 1, '{value="30"}': 1}),
    ('count_values by (job) ("v", requests_total * 0 + 0.5)', 600, {
        '{job="api",v="0.5"}': 2, '{job="web",v="0.5"}': 1}),
    ("sum(unknown)", 0, {}),
    ("max(temperature * NaN)", 240, {"": NAN}),
    ("sum(temperature / 0)", 240, {"": INF}),
    # scalars
    ("1 + 2 * 3", 0, 7.0),
    ("2 ^ 3 ^ 2", 0, 512.0),
    ("-2 ^ 2", 0, -4.0),
    ("-7 % 3", 0, -1.0),
    ("1 / 0", 0, INF),
    ("0 / 0", 0, NAN),
    ("2 > bool 1", 0, 1.0),
    ("2 == bool 1", 0, 0.0),
    ("time()", 123.5, 123.5),
    ("pi()", 0, math.pi),
    ('"text"', 0, "text"),
    ("scalar(signed)", 0, -1.5),
    ("scalar(temperature)", 0, NAN),
    ("scalar(unknown)", 0, NAN),
    ("vector(time())", 30, {"": 30}),
    # vectors and scalars
    ("temperature + 1", 240, {A: 25, B: 11, C: 31}),
    ("100 - temperature", 240, {A: 76, B: 90, C: 70}),
    ("-temperature", 240, {A: -24, B: -10, C: -30}),
    ("temperature % 7", 240, {A: 3, B: 3, C: 2}),
    ("temperature ^ 2", 240, {A: 576, B: 100, C: 900}),
    ("1 atan2 vector(1)", 0, {"": math.pi / 4}),
    ("temperature > 20", 240, {'temperature{host="a"}': 24, 'temperature{host="c"}': 30}),
    ("20 < temperature", 240, {'temperature{host="a"}': 24, 'temperature{host="c"}': 30}),
    ("temperature <= 10", 240, {'temperature{host="b"}': 10}),
    ("temperature != 24", 240, {'temperature{host="b"}': 10, 'temperature{host="c"}': 30}),
    ("temperature == NaN", 240, {}),
    ("temperature > bool 20", 240, {A: 1, B: 0, C: 1}),
    ("20 >= bool temperature", 240, {A: 0, B: 1, C: 0}),
    # vectors and vectors
    ("temperature - on(host) limit", 240, {A: 1, B: 1}),
    ("temperature - ignoring(zone, le) limit", 240, {A: 1, B: 1}),
    ("temperature + temperature", 240, {A: 48, B: 20, C: 60}),
    ("temperature - limit", 240, {}),
    ("temperature > on(host) limit", 240, {A: 24, B: 10}),
    ("temperature < bool on(host) limit", 240, {A: 0, B: 0}),
    ('temperature == ignoring(zone, le) (limit + 1)', 240, {'temperature{host="a"}': 24, 'temperature{host="b"}': 10}),
    ("requests_total * on(host) group_left(team) info", 600, {
        '{job="api",host="a",team="red"}': 600, '{job="web",host="a",team="red"}': 360}),
    ("info * on(host) group_right() requests_total", 600, {'{job="api",host="a"}': 600, '{job="web",host="a"}': 360}),
    ("info < on(host) group_right(team) requests_total", 600, {
        'requests_total{job="api",host="a",team="red"}': 1, 'requests_total{job="web",host="a",team="red"}': 1}),
    ("requests_total / on(job) group_left sum by (job) (requests_total)", 600, {
        '{job="api",host="a"}': 1 / 3, '{job="api",host="b"}': 2 / 3, '{job="web",host="a"}': 1}),
    ("temperature and on(host) info", 240, {'temperature{host="a"}': 24, 'temperature{host="c"}': 30}),
    ("temperature unless on(host) info", 240, {'temperature{host="b"}': 10}),
    ("info or on(host) temperature", 240, {
        'info{host="a",team="red"}': 1, 'info{host="c",team="blue"}': 1, 'temperature{host="b"}': 10}),
    ("(temperature > 20) or (temperature < 100)", 240, {
        'temperature{host="a"}': 24, 'temperature{host="b"}': 10, 'temperature{host="c"}': 30}),
    ("temperature and unknown", 240, {}),
    ("unknown or vector(1)", 0, {"": 1}),
    # elementwise
    ("abs(signed)", 0, {"": 1.5}),
    ("ceil(signed)", 0, {"": -1}),
    ("floor(signed)", 0, {"": -2}),
    ("round(signed)", 0, {"": -1}),
    ("round(signed * 1.8)", 0, {"": -3}),
    ("round(vector(7.3), 0.5)", 0, {"": 7.5}),
    ("round(vector(12), 5)", 0, {"": 10}),
    ("sgn(signed)", 0, {"": -1}),
    ("sqrt(signed)", 0, {"": NAN}),
    ("sqrt(vector(16))", 0, {"": 4}),
    ("exp(vector(0))", 0, {"": 1}),
    ("ln(vector(0))", 0, {"": -INF}),
    ("log2(vector(8))", 0, {"": 3}),
    ("log10(vector(0.01))", 0, {"": -2}),
    ("clamp(temperature, 15, 25)", 240, {A: 24, B: 15, C: 25}),
    ("clamp(temperature, 25, 15)", 240, {}),
    ("clamp_min(temperature, 15)", 240, {A: 24, B: 15, C: 30}),
    ("clamp_max(temperature, 15)", 240, {A: 15, B: 10, C: 15}),
    ("deg(vector(pi()))", 0, {"": 180}),
    # time: 1700000000 is Tuesday, 14 November 2023, 22:13:20 UTC
    ('timestamp(temperature{host="a"})', 300, {A: 240}),
    ('timestamp((temperature{host="a"}))', 300, {A: 240}),
    ('timestamp(temperature{host="a"} + 0)', 300, {A: 300}),
    ("minute(vector(1700000000))", 0, {"": 13}),
    ("hour(vector(1700000000))", 0, {"": 22}),
    ("day_of_month(vector(1700000000))", 0, {"": 14}),
    ("day_of_week(vector(1700000000))", 0, {"": 2}),
    ("day_of_year(vector(1700000000))", 0, {"": 318}),
    ("days_in_month(vector(1700000000))", 0, {"": 30}),
    ("days_in_month(vector(1709164800))", 0, {"": 29}),
    ("month(vector(1700000000))", 0, {"": 11}),
    ("year(vector(1700000000))", 0, {"": 2023}),
    ("hour()", 7200, {"": 2}),
    ("year(vector(NaN))", 0, {"": NAN}),
    # absence
    ("absent(temperature)", 0, {}),
    ('absent(unknown{job="x",host=~"a",zone!="b"})', 0, {'{job="x"}': 1}),
    ('absent(unknown{job="x",job="y",host="a"})', 0, {'{host="a"}': 1}),
    ("absent(sum(unknown))", 0, {"": 1}),
    ('absent(temperature{host="a"})', 540, {'{host="a"}': 1}),
    ('absent_over_time(temperature{host="a"}[5m])', 539, {}),
    ('absent_over_time(temperature{host="a"}[5m])', 540, {'{host="a"}': 1}),
    # labels
    ('label_replace(signed, "to", "$1-$2", "__name__", "(si)(.*)")', 0, {'signed{to="si-gned"}': -1.5}),
    ('label_replace(signed, "to", "${head}$$$9", "__name__", "(?P<head>si).*")', 0, {'signed{to="si$"}': -1.5}),
    ('label_replace(signed, "to", "x", "__name__", "si")', 0, {"signed": -1.5}),
    ('label_replace(signed, "to", "x", "nothing", "")', 0, {'signed{to="x"}': -1.5}),
    ('label_replace(temperature{host="a"}, "host", "", "host", "a")', 0, {"temperature": 20}),
    ('label_join(info{host="a"}, "both", "/", "host", "nothing", "team")', 0, {
        'info{host="a",team="red",both="a//red"}': 1}),
    # histograms: 10 up to 1, 20 up to 2, 10 up to 4, 10 beyond
    ("histogram_quantile(0.5, latency_bucket)", 0, {"": 1.75}),
    ("histogram_quantile(0.1, latency_bucket)", 0, {"": 0.5}),
    ("histogram_quantile(0.7, latency_bucket)", 0, {"": 3}),
    ("histogram_quantile(0.9, latency_bucket)", 0, {"": 4}),
    ("histogram_quantile(0, latency_bucket)", 0, {"": 0}),
    ("histogram_quantile(-0.1, latency_bucket)", 0, {"": -INF}),
    ("histogram_quantile(1.1, latency_bucket)", 0, {"": INF}),
    ("histogram_quantile(0.5, sparse_bucket)", 0, {"": NAN}),
    ('histogram_quantile(0.5, latency_bucket{le!="+Inf"})', 0, {"": NAN}),
    ("histogram_quantile(0.5, latency_bucket * 0)", 0, {"": NAN}),
    ("histogram_quantile(0.5, temperature)", 0, {}),
]  # fmt: skip


@pytest.mark.parametrize(("query", "at", "expected"), CASES, ids=[f"{query} @ {at}" for query, at, _ in CASES])
def test_a_query_at_one_moment(query: str, at: float, expected: object) -> None:
    found = results(evaluated(SOURCE, query, at))
    if isinstance(expected, dict):
        assert found == {labels(text): number(value) for text, value in expected.items()}
    else:
        assert found == (number(expected) if isinstance(expected, float) else expected)


@pytest.mark.parametrize(
    ("query", "order"),
    [
        ("sort(temperature)", "bac"),
        ("sort_desc(temperature)", "cab"),
        ("topk(2, temperature)", "ca"),
        ("bottomk(3, temperature)", "bac"),
        ("sort(temperature / (temperature != 24) or temperature * NaN)", "bca"),
    ],
)
def test_order_of_results(query: str, order: str) -> None:
    found = evaluated(SOURCE, query, 240)
    assert isinstance(found, Vector)
    assert "".join(dict(own)["host"] for own in found.labels) == order
