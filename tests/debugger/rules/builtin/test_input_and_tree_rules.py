"""CheckInputImages, NLPSequenceRatio, FeatureImportanceOverweight and TreeDepth."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from epochwatch.debugger.exceptions import SMDebugValueError
from tests.debugger.rules.builtin.small_trials import fired, run, values_trial

IMAGES = "hybridsequential0_input_0"


def images(count: int, *means: float, last: bool = False) -> Any:
    """So many images of 2 x 2 pixels with a channel of each mean."""
    batch = np.zeros((count, len(means), 2, 2), np.float32) + np.array(means, np.float32)[None, :, None, None]
    return np.moveaxis(batch, 1, -1) if last else batch


@pytest.mark.parametrize(
    ("batch", "parameters", "fires"),
    [
        (images(500, 0.0, 0.19), {}, False),
        (images(500, 0.0, 0.21), {}, True),
        (images(500, 0.0, -0.21), {}, True),
        (images(500, 0.3, -0.3), {}, True),  # channels are not averaged with each other
        (images(499, 0.5), {}, False),  # too few to tell
        (images(10, 0.5), {"threshold_samples": "10"}, True),
        (images(500, 0.5), {"threshold_mean": "0.6"}, False),
        (images(500, 0.5, last=True), {"channel": "3"}, True),
        (images(500, float("nan")), {}, False),
        ((images(500, 255.0)).astype(np.uint8), {}, True),
    ],
)
def test_images_are_not_normalised(tmp_path: Path, batch: Any, parameters: Any, fires: bool) -> None:
    assert bool(fired("CheckInputImages", values_trial(tmp_path, [{IMAGES: batch}]), **parameters)) is fires


def test_images_are_counted_over_the_steps(tmp_path: Path) -> None:
    batches = [images(200, 0.5), images(200, -0.5), images(200, 0.7)]  # means of 0.5, 0, 0.23 so far
    rule, steps = run("CheckInputImages", values_trial(tmp_path, [{IMAGES: batch} for batch in batches]))
    assert (steps, rule.report["Datapoints"]) == ([2], 600)


def test_images_are_found_by_a_pattern(tmp_path: Path) -> None:
    trial = values_trial(tmp_path, [{"Net_input_0": images(500, 1.0)}])
    assert fired("CheckInputImages", trial) == []
    assert fired("CheckInputImages", trial, regex="^Net_input_0$") == [0]


@pytest.mark.parametrize(
    ("batches", "message"),
    [
        ([np.zeros(3)], r"has the shape \(3,\), which has no axis 1"),
        ([images(1, 0, 0), images(1, 0, 0, 0)], r"has 3 channels \(axis 1\), not 2"),
    ],
)
def test_what_cannot_be_images(tmp_path: Path, batches: Any, message: str) -> None:
    with pytest.raises(SMDebugValueError, match=message):
        run("CheckInputImages", values_trial(tmp_path, [{IMAGES: batch} for batch in batches]))


# NLPSequenceRatio


@pytest.mark.parametrize(
    ("tokens", "parameters", "fires"),
    [
        ([[0, 0], [1, 2]], {}, False),  # 50 % are not more than 50 %
        ([[0, 0], [0, 2]], {}, True),
        ([[3, 3], [0, 0]], {"token_values": "3, 0", "token_thresholds_percent": "49.5, 50.0"}, True),
        ([[3, 3], [0, 0]], {"token_values": "3,0", "token_thresholds_percent": "50.0, 50.0"}, False),
        ([[3, 3], [3, 0]], {"token_values": 3, "token_thresholds_percent": 80}, False),
        ([], {}, False),
    ],
)
def test_sequences_are_made_of_one_token(tmp_path: Path, tokens: Any, parameters: Any, fires: bool) -> None:
    trial = values_trial(tmp_path, [{"encoder_embedding0_input_0": np.array(tokens)}])
    assert bool(fired("NLPSequenceRatio", trial, **parameters)) is fires


def test_each_token_needs_a_threshold(tmp_path: Path) -> None:
    trial = values_trial(tmp_path, [{"a": 1}])
    with pytest.raises(SMDebugValueError, match="token_thresholds_percent has 1 thresholds for 2 token_values"):
        run("NLPSequenceRatio", trial, token_values="3, 0")


# FeatureImportanceOverweight


@pytest.mark.parametrize(
    ("importances", "parameters", "fires"),
    [
        ([0.4, 0.2, 0.2, 0.1, 0.1], {}, False),  # 0.8 is not more than 0.8
        ([0.4, 0.3, 0.2, 0.1], {}, True),
        ([0.4, 0.3, 0.2, 0.1], {"threshold": "0.9"}, False),
        ([0.4, 0.3, 0.2, 0.1], {"nfeatures": "2"}, False),
        ([8, 6, 4, 2], {}, True),  # normalised or not
        ([1.0], {}, True),
        ([0.0, 0.0], {}, False),
        ([float("nan"), 1.0], {}, False),
    ],
)
def test_few_features_carry_a_model(tmp_path: Path, importances: Any, parameters: Any, fires: bool) -> None:
    saved = {f"feature_importance/weight/f{number}": value for number, value in enumerate(importances)}
    trial = values_trial(tmp_path, [saved | {"feature_importance/gain/f0": 100.0}])
    assert bool(fired("FeatureImportanceOverweight", trial, **parameters)) is fires


def test_another_importance_is_found_by_a_pattern(tmp_path: Path) -> None:
    trial = values_trial(tmp_path, [{f"feature_importance/gain/f{number}": 1.0 for number in range(3)}])
    rule, steps = run("FeatureImportanceOverweight", trial, tensor_regex="feature_importance/gain", nfeatures=3)
    assert (steps, rule.report["Datapoints"]) == ([0], 1)


# TreeDepth


@pytest.mark.parametrize(
    ("largest", "depth", "fires"),
    [(16, None, False), (17, None, True), (4, "2", False), (5, "2", True), (5, "2.4", False), (0, "0", False)],
)
def test_a_tree_is_too_deep(tmp_path: Path, largest: int, depth: str | None, fires: bool) -> None:
    trial = values_trial(tmp_path, [{"trees/Node": np.arange(largest + 1), "trees/Gain": np.full(3, 1e9)}])
    assert bool(fired("TreeDepth", trial, depth=depth)) is fires
