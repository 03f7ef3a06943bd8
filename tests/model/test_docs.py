"""The page on expressions tells all there is, and only what there is."""

import re
from pathlib import Path

import pytest

from epochwatch.model import search
from epochwatch.model.labels import DYNAMIC_VALUES, PROPERTIES, check
from epochwatch.model.metric_math import parse
from epochwatch.model.metric_math.signatures import FUNCTIONS

PAGE = (Path(__file__).parents[2] / "docs" / "expressions.md").read_text().partition("## Metrics Insights")[0]
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
PLAIN = "".join(body for language, body in BLOCKS if not language)
EXAMPLES = [re.split(r"\s{3,}", line)[0] for line in PLAIN.splitlines()]
EXAMPLES += re.findall(r'"Expression": "([^"]+)"', PAGE)


@pytest.mark.parametrize("function", sorted(FUNCTIONS))
def test_every_function_is_described(function):
    assert re.search(rf"`{function}[`(]", PAGE)


@pytest.mark.parametrize("part", sorted(DYNAMIC_VALUES) + [f"PROP('{name}')" for name in sorted(PROPERTIES)])
def test_every_dynamic_part_of_a_label_is_described(part):
    assert f"`${{{part}}}`" in PAGE


@pytest.mark.parametrize("label", sorted(set(re.findall(r"\$\{[^`}]*\}", PAGE))))
def test_every_dynamic_part_described_exists(label):
    check(label)


@pytest.mark.parametrize("text", EXAMPLES)
def test_every_example_is_an_expression(text):
    for call in parse(text).searches:
        search.parse(call.query)


def test_there_are_examples():
    assert len(EXAMPLES) >= 10
