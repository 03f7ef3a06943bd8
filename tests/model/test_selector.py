"""The notation of one metric and its statistic."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from epochwatch.model import metric_math, selector
from epochwatch.model.metric import MetricId
from epochwatch.model.metric_math import InvalidExpression
from epochwatch.model.selector import InvalidSelector, Selector
from epochwatch.model.statistics import parse as statistic

TEXTS = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=12)
FORMULAS = st.text("aAm15OR AND+-*/^<>!|&().", min_size=1, max_size=6)
NAMES = (
    TEXTS | FORMULAS | st.sampled_from(["SELECT", "select/x", "AND", "OR", "-b", "5OR", "C:\\temp", 'a"b', "%"])
)
METRICS = st.builds(
    lambda namespace, name, dimensions: MetricId.of(namespace, name, dimensions.items()),
    NAMES,
    NAMES,
    st.dictionaries(NAMES, NAMES, max_size=3),
)
STATISTICS = st.sampled_from(["Average", "Sum", "p99", "p99.9", "TM(10%:90%)", "PR(:300)", "IQM", "tc90"])

CASES = [
    ("Lab temperature", MetricId("Lab", "temperature"), "Average"),
    ("  Lab   temperature  ", MetricId("Lab", "temperature"), "Average"),
    ("Lab temperature p99", MetricId("Lab", "temperature"), "p99"),
    ("Lab temperature{} Sum", MetricId("Lab", "temperature"), "Sum"),
    ("Lab temperature{Room=a}", MetricId("Lab", "temperature", (("Room", "a"),)), "Average"),
    ("Lab temperature {Room = a} Maximum", MetricId("Lab", "temperature", (("Room", "a"),)), "Maximum"),
    ("Lab t{Room=a,Floor=2}p50", MetricId("Lab", "t", (("Floor", "2"), ("Room", "a"))), "p50"),
    ('"My Lab" "room t"{"Roo m"="a, b"}', MetricId("My Lab", "room t", (("Roo m", "a, b"),)), "Average"),
    (r'Lab "say \"hi\" \\ {}"', MetricId("Lab", 'say "hi" \\ {}'), "Average"),
    ("Lab x TM(10% : 90%)", MetricId("Lab", "x"), "TM(10% : 90%)"),
    (
        "/aws/sagemaker/TrainingJobs validation:loss{TrainingJobName=digits-demo} Minimum",
        MetricId("/aws/sagemaker/TrainingJobs", "validation:loss", (("TrainingJobName", "digits-demo"),)),
        "Minimum",
    ),
]


@pytest.mark.parametrize(("text", "metric", "name"), CASES)
def test_selector_names_a_metric_and_its_statistic(text: str, metric: MetricId, name: str) -> None:
    assert selector.parse(text) == Selector(metric, statistic(name))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "column 1: the text ends where a namespace was expected"),
        ("Lab", "column 4: the text ends where the metric's name was expected"),
        ("{a=b}", "column 1: '{' stands where a namespace was expected"),
        ("Lab {a=b}", "column 5: '{' stands where the metric's name was expected"),
        ('"" x', "column 1: a namespace is empty"),
        ('Lab "x', 'column 5: the text that begins with " is not closed'),
        ("Lab x{", "column 7: the text ends where a dimension's name was expected"),
        ("Lab x{a", "column 8: '=' was expected"),
        ("Lab x{a}", "column 8: '=' was expected"),
        ("Lab x{a=}", "column 9: '}' stands where the value of a was expected"),
        ("Lab x{a=b c=d}", "column 11: ',' or '}' was expected"),
        ("Lab x{a=b,}", "column 11: '}' stands where a dimension's name was expected"),
        ("Lab x{a=b,a=c}", "the dimension a is named twice"),
        ("Lab x{a=b} p101", "p101: the number must lie between 0 and 100"),
        ("Lab x{a=b} {c=d}", "'{c=d}' is not a statistic"),
        ("Lab room temperature", "'temperature' is not a statistic; a name with blanks stands in double quotes"),
        ("Lab x average", "'average' is not a statistic; a name with blanks stands in double quotes"),
    ],
)
def test_what_is_no_selector_is_told_with_its_place(text: str, message: str) -> None:
    with pytest.raises(InvalidSelector) as caught:
        selector.parse(text)
    assert str(caught.value) == message


@settings(deadline=None)
@given(METRICS, STATISTICS)
def test_selector_that_is_written_reads_as_the_same_metric(metric: MetricId, name: str) -> None:
    written = Selector(metric, statistic(name))
    assert selector.parse(str(written)) == written
    assert selector.parse(selector.written(metric)).metric == metric


@settings(deadline=None)
@given(METRICS, STATISTICS)
def test_selector_that_is_written_is_never_metric_math_nor_sql(metric: MetricId, name: str) -> None:
    written = str(Selector(metric, statistic(name)))
    with pytest.raises(InvalidExpression):
        metric_math.parse(written)
    assert not re.match(r"\s*SELECT\b", written, re.IGNORECASE)


@settings(deadline=None)
@given(st.text('ab "\\{}=,%:\n', max_size=30))
def test_any_text_is_a_selector_or_refused(text: str) -> None:
    try:
        found = selector.parse(text)
    except InvalidSelector:
        return
    assert selector.parse(str(found)) == found
