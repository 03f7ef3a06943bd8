"""Estimators of the SageMaker SDK v2 train with XGBoost and PyTorch, by scripts and by the algorithm itself."""

import json
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.launchers.created_jobs import JobServer
from tests.peers import peer_python, torch_python

CLIENT = Path(__file__).with_name("sdk2_frameworks.py")
TORCH = torch_python()
XGBOOST_TRAIN = """
import argparse, os
import numpy, xgboost
import helper

parser = argparse.ArgumentParser()
parser.add_argument("--rounds", type=int)
given = parser.parse_args()
rows = numpy.loadtxt(os.path.join(os.environ["SM_CHANNEL_TRAIN"], "rows.csv"), delimiter=",")
history = {}
matrix = xgboost.DMatrix(rows[:, 1:], label=rows[:, 0])
model = xgboost.train(
    {"eta": 0.5}, matrix, given.rounds, evals=[(matrix, "train")], evals_result=history, verbose_eval=False
)
for value in history["train"]["rmse"]:
    print(helper.line(value), flush=True)
model.save_model(os.path.join(os.environ["SM_MODEL_DIR"], "xgboost-model"))
"""
PYTORCH_TRAIN = """
import argparse, os
import torch
import helper

parser = argparse.ArgumentParser()
parser.add_argument("--rounds", type=int)
given = parser.parse_args()
with open(os.path.join(os.environ["SM_CHANNEL_TRAIN"], "rows.csv")) as file:
    rows = torch.tensor([[float(text) for text in line.split(",")] for line in file])
model = torch.nn.Linear(2, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
for _ in range(given.rounds):
    optimizer.zero_grad()
    loss = torch.nn.functional.mse_loss(model(rows[:, 1:]), rows[:, :1])
    loss.backward()
    optimizer.step()
    print(helper.line(loss.item()), flush=True)
torch.save(model.state_dict(), os.path.join(os.environ["SM_MODEL_DIR"], "model.pt"))
"""
HELPER = 'def line(value):\n    return f"loss={value:.5f};"\n'
READ_XGBOOST = "import sys, xgboost; print(xgboost.Booster(model_file=sys.argv[1]).num_boosted_rounds())"
READ_PYTORCH = "import sys, torch; print(tuple(torch.load(sys.argv[1])['weight'].shape))"
KINDS = ["algorithm", "xgboost", "pytorch"] if TORCH else ["algorithm", "xgboost"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, dict[str, Any]]]:
    """What the clients saw, by kind. They run at the same time: most of a client's life is waiting between calls."""
    home = tmp_path_factory.mktemp("frameworks")
    for folder in ("source", "data", *KINDS):
        (home / folder).mkdir()
    for name, text in (("xgboost_train", XGBOOST_TRAIN), ("pytorch_train", PYTORCH_TRAIN), ("helper", HELPER)):
        (home / "source" / f"{name}.py").write_text(text)
    rows = [(x / 10, y / 10) for x in range(10) for y in range(10)]
    (home / "data" / "rows.csv").write_text("".join(f"{2 * x - y:.2f},{x},{y}\n" for x, y in rows))
    images = home / "images.toml"
    images.write_text(f'[[image]]\nmatch = "*/pytorch-training:*"\npython = "{TORCH}"\n' if TORCH else "")
    environment = {"VIRTUAL_ENV": str(peer_python("xgboost").parent.parent)}
    python = peer_python("sagemaker2")
    with JobServer(home / "home", environment, images_file=str(images), max_jobs="3") as server:
        variables = server.client_environment()
        clients = {
            kind: subprocess.Popen(
                [python, "-W", "ignore", CLIENT, kind, home / "source", home / "data", home / kind],
                env=variables,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            for kind in KINDS
        }
        seen: dict[str, dict[str, Any]] = {}
        for kind, client in clients.items():
            printed = client.communicate(timeout=600)[0]
            assert client.returncode == 0, printed[-3000:] + server.said()
            result = json.loads(printed.rpartition("RESULT ")[2])
            lines, job = server.lines(result["job"]), server.describe(result["job"])
            seen[kind] = result | {"printed": printed, "lines": lines, "job": job, "out": home / kind}
        yield seen


def test_the_sdks_xgboost_runs_a_script_with_its_directory(trained: dict[str, dict[str, Any]]) -> None:
    shows(trained["xgboost"], "loss=", "loss")
    assert loaded(trained["xgboost"], str(peer_python("xgboost")), READ_XGBOOST, "xgboost-model") == "8"


def test_the_sdks_estimator_trains_built_in_xgboost(trained: dict[str, dict[str, Any]]) -> None:
    shows(trained["algorithm"], "[", "train:rmse")
    assert loaded(trained["algorithm"], str(peer_python("xgboost")), READ_XGBOOST, "xgboost-model") == "8"


@pytest.mark.skipif(TORCH is None, reason="needs an interpreter with PyTorch (Debian: python3-torch)")
def test_the_sdks_pytorch_runs_a_script_with_its_directory(trained: dict[str, dict[str, Any]]) -> None:
    shows(trained["pytorch"], "loss=", "loss")
    assert loaded(trained["pytorch"], str(TORCH), READ_PYTORCH, "model.pt") == "(1, 2)"


def shows(seen: dict[str, Any], start: str, metric: str) -> None:
    """The job completed, ``fit`` showed its rounds, and its values are there."""
    assert seen["job"]["TrainingJobStatus"] == "Completed"
    rounds = [line for line in seen["lines"] if line.startswith(start)]
    assert len(rounds) == 8
    assert all(line in seen["printed"] for line in rounds)
    final = {one["MetricName"]: one["Value"] for one in seen["job"]["FinalMetricDataList"]}
    assert final[metric] == pytest.approx(float(rounds[-1].rstrip(";").replace(":", "=").rpartition("=")[2]))
    assert seen["values"]
    assert "Training job completed" in seen["printed"]


def loaded(seen: dict[str, Any], python: str, code: str, file: str) -> str:
    """What a reader of the downloaded model says."""
    with tarfile.open(seen["out"] / "model.tar.gz") as tar:
        assert tar.getnames() == [file]
        tar.extractall(seen["out"], filter="data")
    return subprocess.run(
        [python, "-c", code, str(seen["out"] / file)], capture_output=True, text=True, check=True
    ).stdout.strip()
