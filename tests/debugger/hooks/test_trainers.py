"""Trainers built upon PyTorch need no hook of their own: that of PyTorch sees their steps."""

from pathlib import Path

import pytest

from tests.debugger.hooks.peer_training import train


@pytest.mark.parametrize(
    ("way", "weight"),
    [("lightning", "Net_fc1.weight"), ("huggingface", "BertForSequenceClassification_classifier.weight")],
)
def test_a_trainers_losses_and_gradients_are_those_it_computed(tmp_path: Path, way: str, weight: str) -> None:
    found = train("trainers", "train_trainers.py", tmp_path / "trial", way)
    trial = found.trial

    assert trial.steps() == list(range(11))
    losses, norms = trial.tensor("loss").values(), trial.tensor("gradient_norm").values()
    assert [float(losses[step]) for step in range(11)] == pytest.approx(found.truth["loss"], rel=1e-5)
    assert [float(norms[step]) for step in range(11)] == pytest.approx(found.truth["norm"], rel=1e-4)
    assert trial.tensor(weight).steps() == trial.tensor(f"gradient/{weight}").steps() == [0, 10]
