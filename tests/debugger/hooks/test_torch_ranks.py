"""PyTorch's hook where ranks train together: gradients are those of the whole batch, whichever way they are kept."""

from pathlib import Path

import pytest

from epochwatch.debugger import modes
from tests.debugger.hooks.peer_training import train


@pytest.mark.parametrize("way", ["replicated", "compiled", "fsdp", "flat", "flat-clipped", "flat-whole"])
def test_gradients_are_the_mean_over_the_ranks(tmp_path: Path, way: str) -> None:
    found = train("torch", "train_torch_ranks.py", tmp_path / "trial", way)
    trial, truth = found.trial, found.truth
    assert trial.workers() == ["worker_0"]
    assert trial.steps(modes.TRAIN) == [0, 1, 2]
    norms = [float(value) for value in trial.tensor("gradient_norm").values().values()]
    assert norms == pytest.approx(truth["norm"], rel=1e-4)
    part, size = ("_flat_param", 128 + 16) if way == "flat-whole" else ("weight", 128)
    for name, expected in (f"gradient/Net_fc1.{part}", truth["fc1"]), (f"Net_fc1.{part}", truth["weight"]):
        tensor = trial.tensor(name)
        assert [float(tensor.reduction_value(step, "l2")) for step in range(3)] == pytest.approx(
            expected, rel=1e-4
        )
        assert float(tensor.reduction_value(0, "size")) == size
