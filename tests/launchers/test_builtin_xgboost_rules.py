"""What built-in XGBoost takes, reads and measures."""

from pathlib import Path

import numpy as np
import pyarrow
import pytest
from pyarrow import parquet
from sklearn import metrics

from epochwatch.launchers.algorithms import require
from epochwatch.launchers.algorithms.builtin_xgboost.data import UserError, load
from epochwatch.launchers.algorithms.builtin_xgboost.measures import OWN, measured

TRAIN = {"train": {"ContentType": "text/csv"}}


@pytest.mark.parametrize(
    "given",
    [
        {"num_round": "1"},
        {"num_round": "10", "eta": "0", "subsample": "1", "max_depth": "0", "seed": "-7", "lambda": "3.5"},
        {"num_round": "10", "objective": "multi:softprob", "num_class": "3", "eval_metric": "merror, mlogloss"},
        {"num_round": "10", "objective": "rank:ndcg", "eval_metric": "ndcg@5-,map@3"},
        {"num_round": "10", "monotone_constraints": "(1, 0, -1)", "interaction_constraints": "[[0, 1], [2]]"},
        {"num_round": "10", "booster": "dart", "rate_drop": "0.1", "normalize_type": "forest", "updater": "prune"},
        {"num_round": "10", "_tuning_objective_metric": "validation:rmse", "save_model_on_termination": "true"},
    ],
)
def test_documented_hyperparameters_are_taken(given: dict[str, str]) -> None:
    require("xgboost", given, TRAIN)


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"num_round": "0"}, "Hyperparameter num_round: value 0 not in range [1, +inf)"),
        ({"num_round": "ten"}, "Hyperparameter num_round: could not parse 'ten' as an integer"),
        ({"subsample": "0"}, "Hyperparameter subsample: value 0 not in range (0, 1]"),
        ({"eta": "nan"}, "Hyperparameter eta: value nan not in range [0, 1]"),
        ({"booster": "tree"}, "Hyperparameter booster: value tree not in range gbtree, gblinear, dart"),
        ({"monotone_constraints": "(2)"}, "Hyperparameter monotone_constraints: value (2) is not a tuple of"),
        ({"objective": "multi:softmax"}, "Require input for parameter 'num_class' for multi-classification"),
        ({"eval_metric": "rmse,r3"}, "Hyperparameter eval_metric: value r3 not in range accuracy, "),
        ({"eval_metric": "rmse@3"}, "Metric 'rmse@3' is not supported"),
        ({"eval_metric": "auc"}, "Metric 'auc' can only be applied for classification and ranking problems."),
        ({"rounds": "3"}, "Extraneous hyperparameter found: rounds"),
    ],
)
def test_other_hyperparameters_are_refused_by_name(more: dict[str, str], reason: str) -> None:
    with pytest.raises(ValueError) as refusal:
        require("xgboost", {"num_round": "3"} | more, TRAIN)
    assert str(refusal.value).startswith(f"ClientError: {reason}")


@pytest.mark.parametrize(
    ("inputs", "reason"),
    [
        ({}, "Missing required channel: train"),
        (TRAIN | {"test": {}}, "Extraneous channel found: test"),
        ({"train": {"ContentType": "image/png"}}, "image/png is not an accepted ContentType"),
        ({"train": {"ContentType": "text/csv; label_size=2"}}, "text/csv; label_size=2 is not an accepted csv"),
        ({"train": {"TrainingInputMode": "Pipe"}}, "Pipe mode is only supported for CSV here."),
    ],
)
def test_other_channels_are_refused(inputs: dict[str, dict[str, str]], reason: str) -> None:
    with pytest.raises(ValueError) as refusal:
        require("xgboost", {"num_round": "3"}, inputs)
    assert str(refusal.value).startswith(f"ClientError: {reason}")


def channel(folder: Path, name: str, **files: str) -> None:
    (folder / name).mkdir(parents=True, exist_ok=True)
    for file, text in files.items():
        (folder / name / file).write_text(text)


def test_csv_has_labels_weights_and_missing_values(tmp_path: Path) -> None:
    channel(tmp_path, "train", a="1;0.5;3;\n0;2;;4\n", b="1;1;5;6\n", _skipped="x", **{".hidden": "y"})
    channel(tmp_path, "validation", a="1,2,3\n")

    rows = load(tmp_path, TRAIN | {"validation": {}}, weights=True)

    assert rows["train"].labels.tolist() == [1, 0, 1]
    assert rows["train"].weights.tolist() == [0.5, 2, 1]
    np.testing.assert_array_equal(rows["train"].values, [[3, np.nan], [np.nan, 4], [5, 6]])
    assert (rows["validation"].values.tolist(), rows["validation"].weights) == ([[2, 3]], None)


def test_csv_comes_by_a_pipe_too(tmp_path: Path) -> None:
    (tmp_path / "train_0").write_text("1,2\n3,4\n")

    rows = load(tmp_path, {"train": {"ContentType": "csv", "TrainingInputMode": "Pipe"}}, weights=False)

    assert rows["train"].values.tolist() == [[2], [4]]


def test_libsvm_has_weights_and_both_channels_the_same_columns(tmp_path: Path) -> None:
    channel(tmp_path, "train", a="1:0.5 0:2 # first\n\n0 2:7\n")
    channel(tmp_path, "validation", a="1 4:1\n")

    rows = load(tmp_path, {"train": {}, "validation": {}}, weights=False)

    assert rows["train"].values.toarray().tolist() == [[2, 0, 0, 0, 0], [0, 0, 7, 0, 0]]
    assert rows["train"].weights.tolist() == [0.5, 1]
    assert rows["validation"].values.shape == (1, 5)


def test_libsvm_of_a_ranking_has_groups(tmp_path: Path) -> None:
    channel(tmp_path, "train", a="1 qid:3 0:2\n0 qid:4 1:1\n")

    rows = load(tmp_path, {"train": {"ContentType": "text/x-libsvm"}}, weights=False)["train"]

    assert (rows.groups.tolist(), rows.weights, rows.values.shape) == ([3, 4], None, (2, 2))


def test_parquet_has_the_label_first_and_missing_values(tmp_path: Path) -> None:
    channel(tmp_path, "train")
    for number in range(2):
        columns = {"y": [number, 2], "a": [1.5, None], "b": [3, 4]}
        parquet.write_table(pyarrow.table(columns), tmp_path / "train" / f"{number}.parquet")

    rows = load(tmp_path, {"train": {"ContentType": "application/x-parquet"}}, weights=False)["train"]

    assert rows.labels.tolist() == [0, 2, 1, 2]
    np.testing.assert_array_equal(rows.values, [[1.5, 3], [np.nan, 4]] * 2)


@pytest.mark.parametrize(
    ("kind", "text", "reason"),
    [
        ("text/csv", "label,x\n1,2\n", "row 1: could not convert string to float: 'label'"),
        ("text/csv", "1,2\n1,2,3\n", "row 2 has 3 columns, not 2"),
        ("text/csv", "1\n2\n", "has no column of features behind its label"),
        ("parquet", "1,2\n", "Failed to load parquet data: "),
        ("text/libsvm", "1 0:2\n1 0=2\n", r"Line 2 '1 0=2' of file 'a' is not 'LIBSVM' format"),
    ],
)
def test_what_is_no_data_is_refused_by_its_place(tmp_path: Path, kind: str, text: str, reason: str) -> None:
    channel(tmp_path, "train", a=text)

    with pytest.raises(UserError, match=reason):
        load(tmp_path, {"train": {"ContentType": kind}}, weights=False)


def test_a_channel_without_files_is_refused(tmp_path: Path) -> None:
    channel(tmp_path, "train")

    with pytest.raises(UserError, match="No data in train channel path"):
        load(tmp_path, {"train": {}}, weights=False)


@pytest.mark.parametrize("seed", range(5))
def test_measures_are_those_of_scikit_learn(seed: int) -> None:
    random = np.random.default_rng(seed)
    labels, predicted = random.integers(0, 2, 50).astype(float), random.random(50)
    said = (predicted > 0.5).astype(float)
    expected = {
        "accuracy": metrics.accuracy_score(labels, said),
        "balanced_accuracy": metrics.balanced_accuracy_score(labels, said),
        "f1": metrics.f1_score(labels, said, average="macro"),
        "f1_binary": metrics.f1_score(labels, said),
        "f1_macro": metrics.f1_score(labels, said, average="macro"),
        "mse": metrics.mean_squared_error(labels, predicted),
        "precision": metrics.precision_score(labels, said),
        "precision_macro": metrics.precision_score(labels, said, average="macro"),
        "precision_micro": metrics.precision_score(labels, said, average="micro"),
        "r2": metrics.r2_score(labels, predicted),
        "recall": metrics.recall_score(labels, said),
        "recall_macro": metrics.recall_score(labels, said, average="macro"),
        "recall_micro": metrics.recall_score(labels, said, average="micro"),
    }

    assert dict(measured(OWN, "binary:logistic", labels, predicted)) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("objective", "predicted"),
    [
        ("multi:softprob", [[0.1, 0.9, 0.0], [0.3, 0.3, 0.4]]),
        ("multi:softmax", [1.0, 2.0]),
    ],
)
def test_classes_are_known_of_each_objective(objective: str, predicted: list[float]) -> None:
    assert measured(["accuracy"], objective, np.array([1.0, 2.0]), np.array(predicted)) == [("accuracy", 1.0)]
