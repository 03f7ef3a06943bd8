"""What a metric filter makes of a message, whatever the message."""

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from epochwatch.model.filter_pattern import InvalidFilterPattern, compile_pattern
from epochwatch.model.metric import MetricId
from epochwatch.model.metric_filter import LARGEST, LONGEST_DIMENSION, MetricFilter, MetricFilterDefinition
from epochwatch.model.tenant import Tenant

TENANT = Tenant("111122223333")


def made(pattern: str, value: str = "1", **changes: Any) -> MetricFilter:
    return MetricFilter(
        MetricFilterDefinition(name="f", pattern=pattern, metric_name="m", namespace="n", value=value, **changes),
        TENANT,
    )


@given(st.floats(-LARGEST, LARGEST) | st.integers(-(2**64), 2**64))
def test_a_number_of_an_event_is_the_value(number: float) -> None:
    filtered = made("{ $.v = * }", "$.v")
    for message in (json.dumps({"v": number}), json.dumps({"v": f" {number} "})):
        found = filtered.datapoint(message)
        assert found is not None
        assert found == (MetricId("n", "m"), float(number))


@given(st.recursive(st.none() | st.booleans() | st.text(max_size=5) | st.floats(), st.lists, max_leaves=5))
def test_whatever_stands_there_the_value_is_finite_or_none(value: Any) -> None:
    found = made("{ $.v = * }", "$.v").datapoint(json.dumps({"v": value}))
    assert found is None or math.isfinite(found[1])


@pytest.mark.parametrize(
    ("message", "dimensions"),
    [
        ('{"d": "x"}', (("D", "x"),)),
        ('{"d": 1.50}', (("D", "1.50"),)),
        ('{"d": ""}', ()),
        ('{"d": "  "}', ()),
        ("{}", ()),
        (json.dumps({"d": "y" * 2000}), (("D", "y" * LONGEST_DIMENSION),)),
    ],
)
def test_dimensions_are_what_cloudwatch_takes(message: str, dimensions: tuple[tuple[str, str], ...]) -> None:
    found = made("{ $.x NOT EXISTS }", dimensions=(("D", "$.d"),)).datapoint(message)
    assert found == (MetricId("n", "m", dimensions), 1.0)


@given(st.lists(st.text('ab[]" ', max_size=4), max_size=6).map(" ".join))
def test_every_field_of_a_matching_message_has_a_name_or_number(message: str) -> None:
    pattern = compile_pattern("[first, ..., last]")
    if pattern.matches(message):
        values = pattern.values(message)
        names = list(values)
        assert names == ["$first", *(f"${number}" for number in range(2, len(names))), "$last"]
        assert pattern.reader("$last")(message) == values["$last"]


@pytest.mark.parametrize(
    ("pattern", "count"),
    [("a", 0), ("%a% -%b%", 2), ('{ $.a = %x% || $.b = "%y%" }', 1), ("[a = %x%, b = %y%]", 2), ("[a, b]", 0)],
)
def test_regular_expressions_are_counted(pattern: str, count: int) -> None:
    assert compile_pattern(pattern).regexes == count


@pytest.mark.parametrize(
    "pattern", ["%a% %b% %c%", "{ $.a = %x% && $.b = %y% && $.c = %z% }", "[a=%x%, b=%y%, c=%z%]"]
)
def test_more_than_two_are_refused(pattern: str) -> None:
    with pytest.raises(InvalidFilterPattern, match="at most"):
        compile_pattern(pattern)
