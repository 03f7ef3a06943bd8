"""What fields complete is what the product understands: nothing less, and nothing else."""

import pytest

from epochwatch.model import insights, labels, metric_math, statistics
from epochwatch.model.metric_math import reference
from epochwatch.model.metric_math.signatures import FUNCTIONS


def test_every_function_is_in_the_reference() -> None:
    assert [one.name for one in reference.FUNCTIONS] == sorted(FUNCTIONS)


@pytest.mark.parametrize("entry", reference.FUNCTIONS, ids=lambda one: one.name)
def test_the_usage_of_a_function_is_an_expression(entry: reference.Entry) -> None:
    metric_math.parse(entry.usage)
    assert entry.usage.startswith(f"{entry.name}(")


@pytest.mark.parametrize("entry", reference.STATISTICS, ids=lambda one: one.name)
def test_a_statistic_is_one(entry: reference.Entry) -> None:
    assert statistics.parse(entry.usage).name == entry.usage


@pytest.mark.parametrize("entry", reference.LABELS, ids=lambda one: one.name)
def test_a_part_of_a_label_is_one(entry: reference.Entry) -> None:
    labels.check(entry.usage)


def test_every_part_of_labels_is_in_the_reference() -> None:
    names = {one.name for one in reference.LABELS}
    assert {f"${{{one}}}" for one in labels.DYNAMIC_VALUES} <= names
    assert {f"${{PROP('{one}')}}" for one in labels.PROPERTIES} <= names


@pytest.mark.parametrize("entry", reference.SQL, ids=lambda one: one.name)
def test_the_words_of_sql_make_a_query(entry: reference.Entry) -> None:
    clauses = {"SELECT": "SELECT AVG(metric)", "FROM": 'FROM "Namespace"'}
    if "FROM" in entry.usage and "SELECT" in entry.usage:
        clauses = {"SELECT": entry.usage}
    else:
        place = "FROM" if entry.usage.startswith("FROM") else "SELECT" if "SELECT" in entry.usage else entry.name
        clauses[place] = entry.usage
    insights.parse(" ".join(clauses.values()))
