"""What an explorer widget shows of the resources that there are."""

from typing import Any

import pytest

from epochwatch.model.dashboard.explorer import (
    HOST,
    MOST_RESOURCES,
    TRAINING_JOB,
    Resource,
    charts,
    explorer,
    has_labels,
)
from epochwatch.model.dashboard.validation import metric_problems

JOBS = [
    Resource(TRAINING_JOB, "a", {"team": "vision", "TrainingJobName": "a"}),
    Resource(TRAINING_JOB, "b", {"team": "speech", "TrainingJobName": "b"}),
    Resource(TRAINING_JOB, "c", {"TrainingJobName": "c"}),
    Resource(HOST, "a/algo-1", {"team": "vision"}),
]


def given(**members: Any) -> dict[str, Any]:
    metric = {"metricName": "loss", "resourceType": TRAINING_JOB, "stat": "Average"}
    return {"metrics": [metric], "labels": [{"key": "TrainingJobName"}], **members}


@pytest.mark.parametrize(
    ("labels", "found"),
    [
        ([], "a b c a/algo-1"),
        ([{"key": "team"}], "a b a/algo-1"),
        ([{"key": "team", "value": "vision"}], "a a/algo-1"),
        ([{"key": "team", "value": "vision"}, {"key": "team", "value": "speech"}], "a b a/algo-1"),
        ([{"key": "team", "value": "vision"}, {"key": "TrainingJobName", "value": "b"}], ""),
        ([{"key": "nothing"}], ""),
    ],
)
def test_values_of_one_key_are_alternatives_and_keys_all_needed(labels: list[dict[str, str]], found: str) -> None:
    wanted = explorer(given(labels=labels)).labels
    assert " ".join(one.name for one in JOBS if has_labels(one, wanted)) == found


def test_each_resource_of_the_type_has_a_curve() -> None:
    (chart,) = charts(explorer(given(title="x", period=10)), {"loss": JOBS})
    assert [row[3] for row in chart.properties["metrics"]] == ["a", "b", "c"]
    assert (chart.properties["title"], chart.properties["period"]) == ("loss", 10)
    assert metric_problems(chart.properties) == []


def test_resources_are_put_together_by_a_label() -> None:
    (chart,) = charts(explorer(given(aggregateBy={"key": "team", "func": "MAX"})), {"loss": JOBS})
    rows = chart.properties["metrics"]
    hidden = [row for row in rows if len(row) > 1]
    shown = [row[0] for row in rows if len(row) == 1]
    assert all(row[-1]["visible"] is False for row in hidden)
    assert [one["label"] for one in shown] == ["MAX speech", "MAX vision", "MAX no team"]
    assert [one["expression"] for one in shown] == ["MAX([m0_0])", "MAX([m1_0])", "MAX([m2_0])"]
    (whole,) = charts(explorer(given(aggregateBy={"key": "*", "func": "SUM"})), {"loss": JOBS})
    assert whole.properties["metrics"][-1][0]["expression"] == "SUM([m0_0,m0_1,m0_2])"
    assert metric_problems(whole.properties) == []


def test_a_label_splits_into_charts() -> None:
    found = charts(explorer(given(splitBy="team")), {"loss": JOBS})
    assert [one.properties["title"] for one in found] == ["loss · speech", "loss · vision", "loss · no team"]


def test_a_gauge_knows_where_it_ends() -> None:
    (chart,) = charts(explorer(given(widgetOptions={"view": "gauge"})), {"loss": JOBS})
    assert metric_problems(chart.properties) == []


def test_of_too_many_the_first_are_shown() -> None:
    many = [Resource(TRAINING_JOB, f"job-{at}", {"TrainingJobName": "x"}) for at in range(MOST_RESOURCES + 3)]
    (chart,) = charts(explorer(given()), {"loss": many})
    assert (chart.shown, chart.left_out) == (MOST_RESOURCES, 3)
    assert charts(explorer(given()), {}) == []
