"""CreateXgboostReport: its numbers, its page, and when it is written."""

from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from epochwatch.debugger import SmdebugWriter, create_trial, invoke_rule
from epochwatch.debugger.rules.builtin import built_rule
from epochwatch.debugger.rules.builtin.create_xgboost_report import FILE_NAME, CreateXgboostReport
from epochwatch.debugger.rules.builtin.xgboost_report import figures
from epochwatch.debugger.rules.builtin.xgboost_report.evaluation import (
    Problem,
    accuracy,
    class_scores,
    classified,
    errors_by_bin,
    label_bins,
    problem,
    roc,
)
from tests.debugger.hooks.peer_training import train
from tests.debugger.rules.builtin.small_trials import fired, values_trial

NAN = float("nan")


@pytest.mark.parametrize(
    ("objective", "labels", "predictions", "expected"),
    [
        ("binary:logistic", [0, 1], [0.1, 0.9], Problem.BINARY),
        ("multi:softmax", [0, 1], [0, 1], Problem.MULTICLASS),
        ("reg:squarederror", [0, 1], [0.1, 0.9], Problem.REGRESSION),
        (None, [0, 1], [0.1, 0.9], Problem.BINARY),
        ("rank:pairwise", [0, 1], [-3.0, 4.0], Problem.REGRESSION),
        (None, [0, 2], [0, 2], Problem.MULTICLASS),
        (None, [0, 2], [[0.1, 0.1, 0.8], [0.2, 0.3, 0.5]], Problem.MULTICLASS),
        (None, [0, 2], [0.1, 1.9], Problem.REGRESSION),
        (None, [0.5, 2], [1, 2], Problem.REGRESSION),
    ],
)
def test_what_a_model_predicts(objective: str | None, labels: Any, predictions: Any, expected: Problem) -> None:
    assert problem(objective, np.array(labels, float), np.array(predictions, float)) is expected


def test_scores_of_classes() -> None:
    matrix = classified(np.array([0, 0, 0, 1, 2.0]), np.array([0, 0, 1, 1, 1.0]))
    assert matrix.tolist() == [[2, 1, 0], [0, 1, 0], [0, 1, 0]]
    found = [[*score] for score in class_scores(matrix)]
    np.testing.assert_allclose(found, [[1, 2 / 3, 0.8, 3], [1 / 3, 1, 0.5, 1], [NAN, 0, 0, 1]])
    assert accuracy(matrix) == 0.6
    assert classified(np.array([0, 1]), np.array([-0.1, 0.1]), raw_margins=True).tolist() == [[1, 0], [0, 1]]


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5)), max_size=30))
def test_the_area_under_the_curve_is_the_share_of_pairs_in_the_right_order(
    samples: list[tuple[bool, int]],
) -> None:
    curve = roc(np.array([label for label, _ in samples], float), np.array([score for _, score in samples], float))
    pairs = [(one, other) for yes, one in samples if yes for no, other in samples if not no]
    if not pairs:
        assert curve is None
        return
    assert curve is not None
    right = sum(1.0 if one > other else 0.5 if one == other else 0.0 for one, other in pairs)
    assert curve.area == pytest.approx(right / len(pairs))
    assert (curve.true_positive[-1], curve.false_positive[-1]) == (1.0, 1.0)


def test_errors_by_label() -> None:
    labels = np.array([0.0, 4.0, 5.0, 10.0])
    edges = label_bins(labels, 5)
    found = errors_by_bin(labels, labels + [1, 2, 4, -3], edges)
    np.testing.assert_allclose(found, [1, NAN, 3, NAN, 3])
    assert label_bins(np.array([7.0])).tolist()[::10] == [7.0, 8.0]


# The page


class Headings(HTMLParser):
    """The headings of a page, its pictures, and whether its elements are closed in order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.pictures: list[str] = []
        self.open: list[str] = []
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        if tag == "img":
            self.pictures.append(dict(attrs)["alt"])
        elif tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in ("h1", "h2", "h3"):
            self.found.append(data)


def boosted(objective: str, labels: Any, predictions: Any) -> list[dict[str, Any]]:
    """Steps as a hook of XGBoost saves them."""
    every = {
        "train-rmse": 1.0,
        "validation-rmse": 1.2,
        "feature_importance/weight/<age>": 0.75,
        "feature_importance/weight/size": 0.25,
        "feature_importance/gain/size": 1.0,
        "feature_importance/cover/size": 1.0,
        "labels": np.array(labels, np.float32),
    }
    hyperparameters = {"hyperparameters/objective": [objective], "hyperparameters/eta": [0.3]}
    return [every | hyperparameters | {"predictions": np.array(predictions, np.float32)}] + [
        every | {"predictions": np.array(predictions, np.float32)} for _ in range(2)
    ]


COMMON = [
    "Hyperparameters",
    "Distribution of true labels of the data set",
    "Loss versus step",
    "Feature importance",
    "Weight",
    "Gain",
    "Cover",
]
OF_CLASSES = [
    "Confusion matrix at step 2",
    "Evaluation of the confusion matrix",
    "Accuracy of each diagonal element over iterations",
]


@pytest.mark.parametrize(
    ("objective", "labels", "predictions", "sections"),
    [
        (
            "binary:logistic",
            [0, 1, 1, 0],
            [0.1, 0.9, 0.4, 0.2],
            [*OF_CLASSES, "Receiver operating characteristic curve"],
        ),
        ("multi:softprob", [0, 1, 2, 2], np.eye(3)[[0, 1, 2, 1]], OF_CLASSES),
        (
            "reg:squarederror",
            [1.5, 2.5, 9.0, 4.0],
            [1.0, 2.5, 8.0, 5.0],
            ["Distribution of residuals at step 2", "Absolute validation error per label bin over iterations"],
        ),
    ],
)
def test_a_report_has_the_sections_of_its_problem(
    tmp_path: Path, objective: str, labels: Any, predictions: Any, sections: list[str]
) -> None:
    trial = values_trial(tmp_path / "trial", boosted(objective, labels, predictions))
    rule = built_rule("CreateXgboostReport", {}, trial, output_dir=tmp_path / "out")
    invoke_rule(rule, raise_eval_cond=True)
    page = (tmp_path / "out" / FILE_NAME).read_text()
    headings = Headings(page)
    assert headings.found[1:] == COMMON + sections
    assert len(headings.pictures) == 5 + len(sections) - ("Evaluation of the confusion matrix" in sections)
    assert "&lt;age&gt;" in page
    assert (rule.report["RuleTriggered"], rule.report["Datapoints"]) == (0, 3)
    assert [path.name for path in (tmp_path / "out").iterdir()] == [FILE_NAME]


def test_a_report_without_matplotlib_has_its_tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "can_draw", lambda: False)
    trial = values_trial(tmp_path / "trial", boosted("binary:logistic", [0, 1], [0.1, 0.9]))
    invoke_rule(built_rule("CreateXgboostReport", {}, trial, output_dir=tmp_path))
    page = (tmp_path / FILE_NAME).read_text()
    assert Headings(page).pictures == []
    assert "Area under the curve: 1</p>" in page
    assert "pip install matplotlib" in page


def test_a_report_is_written_at_once_every_minute_and_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(figures, "can_draw", lambda: False)
    writer = SmdebugWriter(str(tmp_path / "trial"))
    now = [0.0]
    rule = CreateXgboostReport(create_trial(str(tmp_path / "trial")), output_dir=tmp_path, clock=lambda: now[0])
    last_steps = []
    for step, seconds in enumerate([0.0, 59.0, 60.0, 61.0]):
        now[0] = seconds
        writer.write_step(step, {"train-rmse": np.array(0.5)})
        rule.invoke(step)
        page = (tmp_path / FILE_NAME).read_text()
        last_steps.append(int(page.split("<td>train-rmse</td><td>")[1].split("<")[0]))
    writer.end_training()
    invoke_rule(rule, start_step=4)
    page = (tmp_path / FILE_NAME).read_text()
    assert last_steps == [0, 0, 2, 2]
    assert "<td>train-rmse</td><td>3</td>" in page


def test_a_report_is_whole_after_the_last_step_of_a_training_that_has_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(figures, "can_draw", lambda: False)
    trial = values_trial(tmp_path / "trial", [{"train-rmse": 0.5}] * 3)
    rule = built_rule("CreateXgboostReport", {}, trial, output_dir=tmp_path)
    for step in trial.steps():
        rule.invoke(step)
    assert "<td>train-rmse</td><td>2</td>" in (tmp_path / FILE_NAME).read_text()


def test_a_training_without_anything_to_report_gets_no_report(tmp_path: Path) -> None:
    trial = values_trial(tmp_path / "trial", [{"loss": 1.0}])
    invoke_rule(built_rule("CreateXgboostReport", {}, trial, output_dir=tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_rules_over_what_xgboost_itself_trained(tmp_path: Path) -> None:
    trial = train("boosting", "train_xgboost.py", tmp_path / "trial", "everything").trial
    fired_at = {
        name: fired(name, trial, **parameters)
        for name, parameters in {
            "TreeDepth": {"depth": 3},  # trees are 3 deep: the largest node ID is 14
            "FeatureImportanceOverweight": {"nfeatures": 4},
            "LossNotDecreasing": {"tensor_regex": "^train-rmse$", "use_losses_collection": "False"},
            "Overfit": {"tensor_regex": "rmse", "ratio_threshold": 1000},
            "ExplodingTensor": {"tensor_regex": "^predictions$"},
        }.items()
    }
    saved = trial.tensor("trees/Node").steps()
    assert len(saved) > 1
    assert fired_at["FeatureImportanceOverweight"] == saved
    assert saved[0] in fired_at["TreeDepth"]
    assert fired("TreeDepth", trial, depth=4) == []
    assert [fired_at[name] for name in ("LossNotDecreasing", "Overfit", "ExplodingTensor")] == [[], [], []]
    invoke_rule(built_rule("CreateXgboostReport", {}, trial, output_dir=tmp_path))
    found = Headings((tmp_path / FILE_NAME).read_text()).found
    assert found[0] == "XGBoost training report of trial: regression"
    assert [heading for heading in COMMON if heading not in found] == []
