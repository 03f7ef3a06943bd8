"""docs/prometheus.md names exactly what can be evaluated, and the limits as they are."""

import re
from pathlib import Path

from epochwatch.model.promql.aggregations import AGGREGATIONS
from epochwatch.model.promql.binary import OPERATORS, SET_OPERATORS
from epochwatch.model.promql.expressions import MAX_PARTS
from epochwatch.model.promql.functions import FUNCTIONS
from epochwatch.model.promql.vectors import MAX_CELLS
from epochwatch.prometheus.api import MAX_POINTS
from epochwatch.prometheus.otlp_metrics import RESOURCE_ATTRIBUTES, UNITS
from epochwatch.store.promql import MAX_SAMPLES, MAX_SERIES

PAGE = (Path(__file__).parents[2] / "docs" / "prometheus.md").read_text()
PROMQL = PAGE.partition("## Which PromQL")[2].partition("Not there:")[0]


def named(text: str) -> set[str]:
    return set(re.findall(r"`([^`\s]+)`", text))


def section(title: str) -> str:
    return PROMQL.partition(f"* **{title}**")[2].partition("\n* **")[0]


def test_every_function_is_documented_and_none_that_is_not_there() -> None:
    texts = [
        section(title).replace("label `le`", "") for title in ("Over ranges", "Of values", "Of time", "Others")
    ]
    assert set().union(*map(named, texts)) == FUNCTIONS


def test_every_aggregation_is_documented() -> None:
    assert named(section("Aggregations")) - {"by", "without"} == AGGREGATIONS


def test_every_operator_is_documented() -> None:
    words = {"bool", "on", "ignoring", "group_left", "group_right"}
    assert named(section("Operators")) - words == OPERATORS | SET_OPERATORS


def test_limits_are_as_documented() -> None:
    limits = re.findall(r"^\| [^|]* \| ([\d,]+) \|$", PAGE, re.MULTILINE)
    assert [int(limit.replace(",", "")) for limit in limits] == [
        MAX_POINTS, MAX_SERIES, MAX_SAMPLES, MAX_CELLS, MAX_PARTS]  # fmt: skip


def test_what_is_taken_of_otlp_is_documented() -> None:
    otlp = PAGE.partition("## OTLP")[2]
    (row,) = (line for line in otlp.splitlines() if line.startswith("| resource attributes"))
    assert named(row) == RESOURCE_ATTRIBUTES
    assert named(otlp.partition("Units that")[2].partition(")")[0]) == set(UNITS)
