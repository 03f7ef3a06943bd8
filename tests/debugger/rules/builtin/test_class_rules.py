"""ClassImbalance and Confusion."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from epochwatch.debugger.exceptions import SMDebugValueError
from tests.debugger.rules.builtin.small_trials import fired, run, values_trial


def counted(*counts: int) -> Any:
    """So many labels of each class from 0."""
    return np.repeat(np.arange(len(counts)), counts)


@pytest.mark.parametrize(
    ("labels", "parameters", "fires"),
    [
        (counted(500, 50), {}, False),  # ten times as many are not more than ten times
        (counted(501, 50), {}, True),
        (counted(501, 50), {"threshold_imbalance": "10.1"}, False),
        (counted(400, 10), {}, False),  # too few samples to tell
        (counted(400, 10), {"samples": "410"}, True),
        (counted(600), {}, False),
    ],
)
def test_classes_are_imbalanced(tmp_path: Path, labels: Any, parameters: Any, fires: bool) -> None:
    trial = values_trial(tmp_path, [{"labels": labels.astype(np.float32)}])
    assert bool(fired("ClassImbalance", trial, **parameters)) is fires


@pytest.mark.parametrize(
    ("wrong", "parameters", "fires"),
    [
        (70, {}, False),
        (71, {}, True),
        (71, {"threshold_misprediction": "0.75"}, False),
    ],
)
def test_a_class_is_mostly_mistaken(tmp_path: Path, wrong: int, parameters: Any, fires: bool) -> None:
    labels = counted(500, 100)
    predictions = np.concatenate([np.zeros(500 + wrong), np.ones(100 - wrong)])
    numbers = values_trial(tmp_path / "numbers", [{"labels": labels, "predictions": predictions}])
    assert bool(fired("ClassImbalance", numbers, **parameters)) is fires
    probabilities = np.stack([1 - predictions, predictions], axis=1) * 0.8
    vectors = values_trial(tmp_path / "vectors", [{"y_labels": labels, "y_predictions": probabilities}])
    assert bool(fired("ClassImbalance", vectors, argmax="True", **parameters)) is fires
    with pytest.raises(
        SMDebugValueError, match=r"600 labels and y_predictions 1200 predictions at step 0; .* argmax"
    ):
        run("ClassImbalance", vectors)


def test_samples_are_counted_over_the_steps(tmp_path: Path) -> None:
    trial = values_trial(
        tmp_path, [{"labels": counted(200, 10)}] * 2 + [{"loss": 1.0}] + [{"labels": counted(200, 10)}]
    )
    rule, steps = run("ClassImbalance", trial)
    assert (steps, rule.report["Datapoints"]) == ([3], 630)
    assert fired("ClassImbalance", trial, labels_regex="y_true") == []


@pytest.mark.parametrize("labels", [np.array(["cat"]), np.array([float("nan")])])
def test_labels_must_be_classes(tmp_path: Path, labels: Any) -> None:
    with pytest.raises(SMDebugValueError, match="labels"):
        run("ClassImbalance", values_trial(tmp_path, [{"labels": labels}]))


# Confusion


@pytest.mark.parametrize(
    ("labels", "predictions", "parameters", "fires"),
    [
        (counted(10, 10), counted(10, 10), {"min_diag": "0.5"}, False),  # perfect, and both half of the diagonal
        (counted(10, 10), counted(10, 10), {}, True),  # nobody's share of the diagonal can be 0.9 twice
        (counted(9, 11), counted(10, 10), {"min_diag": "0.45"}, False),  # off the diagonal 1 of 10
        (counted(8, 12), counted(10, 10), {"min_diag": "0"}, True),  # 2 of 10
        (counted(8, 12), counted(10, 10), {"min_diag": "0", "max_off_diag": "0.2"}, False),
        (counted(10, 10), [0.2] * 10 + [0.8] * 10, {"min_diag": "0.5"}, False),  # a probability of class 1
        (counted(10, 10), np.eye(2)[counted(10, 10)], {"min_diag": "0.5"}, False),
        (counted(5, 5), counted(5, 5)[::-1], {"min_diag": "0.1", "max_off_diag": "1"}, True),  # nothing is right
        (counted(5, 5), counted(5, 5), {"category_no": "3", "min_diag": "0.5"}, True),  # category 2 has no share
        ([], [], {}, False),
    ],
)
def test_a_confusion_matrix_is_judged(
    tmp_path: Path, labels: Any, predictions: Any, parameters: Any, fires: bool
) -> None:
    trial = values_trial(tmp_path, [{"labels": np.array(labels), "predictions": np.array(predictions)}])
    assert bool(fired("Confusion", trial, **parameters)) is fires


def test_labels_and_predictions_are_found_in_collections_and_by_name(tmp_path: Path) -> None:
    pair = {"labels_a": counted(1, 9), "predictions_a": counted(9, 1), "y": counted(1, 9), "y_hat": counted(9, 1)}
    trial = values_trial(tmp_path, [pair])
    assert fired("Confusion", trial) == [0]
    assert fired("Confusion", trial, labels="y", predictions="y_hat") == [0]
    assert fired("Confusion", trial, labels_collection="none", predictions_collection="none") == []
    assert fired("Confusion", trial, predictions="no such") == []


@pytest.mark.parametrize(
    ("predictions", "parameters", "message"),
    [
        ([0, 5], {"category_no": "5"}, "5 is no category: there are 5, from 0"),
        ([0, -1], {}, "-1 is no category"),
        ([0], {}, "labels has 2 labels and predictions 1 predictions"),
    ],
)
def test_what_cannot_be_a_confusion_matrix(
    tmp_path: Path, predictions: Any, parameters: Any, message: str
) -> None:
    trial = values_trial(tmp_path, [{"labels": [0, 1], "predictions": predictions}])
    with pytest.raises(SMDebugValueError, match=message):
        run("Confusion", trial, **parameters)
