"""``epochwatch run --debug``: tensors of a training whose code says nothing of it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from epochwatch.debugger import create_trial, modes
from epochwatch.debugger.injection import debug_environment
from tests.peers import ROOT, peer_python

TRAINING = """
import torch
from torch import nn
from torch.nn.utils import clip_grad_norm_

net = nn.Linear(4, 2)
optimizer = torch.optim.SGD(net.parameters(), lr=0.5)
for _ in range(12):
    optimizer.zero_grad()
    loss = nn.functional.mse_loss(net(torch.ones(3, 4)), torch.zeros(3, 2))
    loss.backward()
    clip_grad_norm_(net.parameters(), 1e-3)
    optimizer.step()
    print(loss.item())
"""


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "train.py"
    path.write_text(TRAINING)
    return path


def run(*words: str | Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(words, env=kept | environment, capture_output=True, text=True, check=False, timeout=600)


def test_a_run_saves_tensors_with_no_change_in_its_code(script: Path, tmp_path: Path) -> None:
    config = tmp_path / "debughookconfig.json"
    weights = {"CollectionName": "weights", "CollectionParameters": {"save_interval": "4"}}
    config.write_text(json.dumps({"CollectionConfigurations": [weights]}))
    ran = run(
        *(sys.executable, "-m", "epochwatch", "run", "--no-server", "--quiet", "--no-pty"),
        *("--debug-config", config, "--debug-dir", tmp_path / "tensors", "--", peer_python("torch"), script),
        environment={"EPOCHWATCH_HOME": str(tmp_path / "home"), "PYTHONPATH": str(ROOT / "src")},
    )
    assert ran.returncode == 0, ran.stderr
    trial = create_trial(str(tmp_path / "tensors"))
    losses = [float(value) for value in trial.tensor("loss").values(modes.TRAIN).values()]
    assert losses == pytest.approx([float(line) for line in ran.stdout.split()])
    assert trial.tensor("Linear_weight").steps() == [0, 4, 8]
    assert trial.tensor("Linear_weight").value(8).shape == (2, 4)
    assert float(trial.tensor("gradient_norm").value(0)) > 1e-3  # from before the clipping


KERAS = """
import os
os.environ["KERAS_BACKEND"] = "jax"
import keras, numpy
model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1, name="out")])
model.compile(optimizer="sgd", loss="mse")
model.fit(numpy.ones((24, 4)), numpy.ones((24, 1)), batch_size=2, verbose=0)
"""
XGBOOST = """
import numpy
from xgboost import XGBRegressor
of = numpy.random.default_rng(0)
features = of.normal(size=(80, 3))
for rounds in 12, 3, 3:
    model = XGBRegressor(n_estimators=rounds, max_depth=2)
    model.fit(features, features[:, 0], eval_set=[(features, features[:, 0])], verbose=False)
"""
LIGHTGBM = """
import lightgbm, numpy
of = numpy.random.default_rng(0)
features = of.normal(size=(80, 3))
train = lightgbm.Dataset(features, features[:, 0])
lightgbm.train({"verbose": -1, "min_data_in_leaf": 5}, train, 12, valid_sets=[train], valid_names=["train"])
"""
SKLEARN = """
import numpy
from sklearn.linear_model import SGDRegressor
from sklearn.preprocessing import StandardScaler
of = numpy.random.default_rng(0)
class Scaler(StandardScaler):
    def partial_fit(self, X, y=None):
        return super().partial_fit(X)
class Regressor(SGDRegressor):
    def partial_fit(self, X, y):
        return super().partial_fit(X, y)
scaler, model = Scaler(), Regressor()
for _ in range(12):
    features = of.normal(size=(20, 3))
    model.partial_fit(scaler.partial_fit(features).transform(features), features[:, 0])
SGDRegressor().partial_fit(features, features[:, 0])
"""


@pytest.mark.parametrize(
    ("peer", "code", "each", "tenth", "said"),
    [
        ("keras", KERAS, "loss", "gradient/Sequential_out.kernel", ""),
        ("keras", KERAS.replace("jax", "torch"), "loss", "gradient/Sequential_out.kernel", ""),
        (
            "boosting",
            XGBOOST,
            "validation_0-rmse",
            "trees/Gain",
            "only the first training of this process is saved",
        ),
        ("boosting", LIGHTGBM, "train-l2", "trees/Gain", ""),
        ("boosting", SKLEARN, "step_seconds", "Regressor_coef_", ""),
    ],
    ids=["keras-jax", "keras-torch", "xgboost", "lightgbm", "sklearn"],
)
def test_other_frameworks_are_found_by_themselves(
    tmp_path: Path, peer: str, code: str, each: str, tenth: str, said: str
) -> None:
    directory = tmp_path / "tensors"
    environment = debug_environment(str(directory), environment={})
    ran = run(peer_python(peer), "-c", code, environment=environment)
    assert ran.returncode == 0, ran.stderr
    trial = create_trial(str(directory))
    assert trial.steps() == list(range(12))
    assert trial.tensor(each).steps()[-1] == 11
    assert trial.tensor(tenth).steps() == [0, 10]
    assert trial.loaded_all_steps
    assert (said in ran.stderr) if said else not ran.stderr


def test_shap_values_and_the_configured_interval_of_trees_need_no_code(tmp_path: Path) -> None:
    config = tmp_path / "debughookconfig.json"
    wanted = [{"CollectionName": name} for name in ("average_shap", "predictions", "feature_importance")]
    config.write_text(json.dumps({"CollectionConfigurations": wanted}))
    directory = tmp_path / "tensors"
    ran = run(
        *(peer_python("boosting"), "-c", XGBOOST),
        environment=debug_environment(str(directory), str(config), environment={}),
    )
    assert ran.returncode == 0, ran.stderr
    trial = create_trial(str(directory))
    assert trial.tensor("average_shap/f0").steps() == [0, 10], "the interval of XGBoost's hook, not of the others'"
    assert trial.tensor("predictions").shape(10) == (80,)
    assert trial.tensor("feature_importance/gain/f0").steps() == [0, 10]


def test_a_run_is_diagnosed_when_it_has_ended(script: Path, tmp_path: Path) -> None:
    script.write_text(
        TRAINING.replace("range(12)", "range(80)").replace("clip_grad_norm_(net.parameters(), 1e-3)", "")
    )
    ran = run(
        *(sys.executable, "-m", "epochwatch", "run", "--no-server", "--no-pty", "--debug", "--"),
        *(peer_python("torch"), script),
        environment={"EPOCHWATCH_HOME": str(tmp_path / "home"), "PYTHONPATH": str(ROOT / "src")},
    )
    assert ran.returncode == 0
    _, found, diagnosis = ran.stderr.partition("epochwatch: of 80 steps with tensors:")
    assert found, ran.stderr
    assert "problem since step" in diagnosis
    assert "Remedy: " in diagnosis
    assert len(list((tmp_path / "home" / "tensors").iterdir())) == 1


def test_a_sitecustomize_that_was_there_is_loaded_too(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("print('the other one')")
    environment = debug_environment(str(tmp_path / "tensors"), environment={"PYTHONPATH": str(tmp_path)})
    assert run(sys.executable, "-c", "pass", environment=environment).stdout == "the other one\n"


def test_an_environment_without_what_a_hook_needs_is_told_so_once(tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text("")
    environment = debug_environment(str(tmp_path / "tensors"), environment={"PYTHONPATH": str(tmp_path)})
    ran = run(sys.executable, "-c", "import torch, torch as again; print('trained')", environment=environment)
    assert (ran.returncode, ran.stdout) == (0, "trained\n")
    (line,) = ran.stderr.splitlines()
    assert line.startswith("epochwatch: no tensors are saved: ")
