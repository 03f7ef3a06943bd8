"""DeadRelu and SaturatedActivation."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from epochwatch.debugger.exceptions import SMDebugValueError
from tests.debugger.rules.builtin.small_trials import fired, run, values_trial


def outputs(*active_of_200: int) -> Any:
    """Outputs of as many units over 200 samples, each above zero in so many of them."""
    layer = np.zeros((200, len(active_of_200)), np.float32)
    for unit, active in enumerate(active_of_200):
        layer[:active, unit] = 1.0
    return layer


@pytest.mark.parametrize(
    ("layer", "parameters", "fires"),
    [
        (outputs(0, 0, 200), {}, True),
        (outputs(0, 200), {}, False),  # 50 % are not more than 50 %
        (outputs(0, 200), {"threshold_layer": "49.9"}, True),
        (outputs(1, 1), {}, True),  # active in 0.5 % of the samples
        (outputs(2, 2), {}, False),  # 1 % is not less than 1 %
        (outputs(2, 2), {"threshold_inactivity": "1.5"}, True),
        (outputs(100, 100).reshape(200, 1, 2, 1), {}, False),
        (outputs(0, 0).reshape(200, 1, 2, 1), {}, True),
        (np.zeros((0, 4)), {}, False),
        (np.float32(0), {}, False),
    ],
)
def test_a_layer_is_dead(tmp_path: Path, layer: Any, parameters: Any, fires: bool) -> None:
    trial = values_trial(tmp_path, [{"Net_relu_output": layer, "fc_output_0": np.zeros((4, 4))}])
    assert bool(fired("DeadRelu", trial, **parameters)) is fires


def test_the_outputs_of_relus_are_found_by_a_pattern(tmp_path: Path) -> None:
    trial = values_trial(tmp_path, [{"act1_ReLU_output_0": outputs(0, 0)}])
    assert fired("DeadRelu", trial) == []
    assert fired("DeadRelu", trial, tensor_regex=".*relu_output|.*ReLU_output") == [0]


def inputs(value: float, units: int = 2) -> Any:
    return np.full((4, units), value)


@pytest.mark.parametrize(
    ("name", "layer", "parameters", "fires"),
    [
        ("tanh_input_0", inputs(9.5), {}, True),
        ("tanh_input_0", inputs(-9.5), {}, True),
        ("tanh_input_0", inputs(9.49), {}, False),
        ("tanh_input_0", inputs(2.0), {"threshold_tanh_max": "1.9"}, True),
        ("tanh_input_0", inputs(-2.0), {"threshold_tanh_min": "-1.9"}, True),
        ("sigmoid_input_0", inputs(17.0), {}, True),
        ("sigmoid_input_0", inputs(16.9), {}, False),
        ("sigmoid_input_0", inputs(-22.9), {}, False),
        ("sigmoid_input_0", inputs(-23.1), {}, True),
        ("sigmoid_input_0", inputs(3.0), {"threshold_sigmoid_max": "2"}, True),
        ("sigmoid_input_0", inputs(-3.0), {"threshold_sigmoid_min": "-2"}, True),
        ("sigmoid_input_0", np.hstack([inputs(99, 1), inputs(0, 1)]), {}, False),
        ("sigmoid_input_0", np.hstack([inputs(99, 1), inputs(0, 1)]), {"threshold_layer": "49"}, True),
        ("tanh_input_0", np.array([[99.0], [0.0]]), {"threshold_inactivity": "51"}, True),
        ("tanh_input_0", np.array([[99.0], [0.0]]), {"threshold_inactivity": "50"}, False),
        ("tanh_input_0", inputs(float("nan")), {}, True),  # active nowhere
        ("relu_input_0", inputs(99.0), {"tensor_regex": ".*input"}, False),  # not one of the two functions
    ],
)
def test_a_layer_is_saturated(tmp_path: Path, name: str, layer: Any, parameters: Any, fires: bool) -> None:
    assert bool(fired("SaturatedActivation", values_trial(tmp_path, [{name: layer}]), **parameters)) is fires


def test_thresholds_of_an_activation_must_be_in_order(tmp_path: Path) -> None:
    trial = values_trial(tmp_path, [{"tanh_input_0": inputs(0.0)}])
    with pytest.raises(SMDebugValueError, match=r"threshold_tanh_min \(3\) is not below its max \(2\)"):
        run("SaturatedActivation", trial, threshold_tanh_min=3, threshold_tanh_max=2)
