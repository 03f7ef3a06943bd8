"""Unmodified scripts of the SageMaker SDK's users train here, with nothing but the variables of `epochwatch env`."""

import json
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from tests.launchers.created_jobs import JobServer
from tests.peers import peer_python

HERE = Path(__file__).parent
TRAIN = """
import argparse, os, pickle
from sklearn.datasets import load_digits
from sklearn.linear_model import SGDClassifier

parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int)
parser.add_argument("--alpha", type=float)
parser.add_argument("--model-dir", default=os.environ["SM_MODEL_DIR"])
parser.add_argument("--train", default=os.environ["SM_CHANNEL_TRAIN"])
arguments = parser.parse_args()
print("data:", open(os.path.join(arguments.train, "rows.csv")).read().strip())
x, y = load_digits(return_X_y=True)
model = SGDClassifier(alpha=arguments.alpha, random_state=0)
for epoch in range(arguments.epochs):
    model.partial_fit(x, y, classes=list(range(10)))
    print(f"epoch={epoch} accuracy={model.score(x, y):.4f};", flush=True)
with open(os.path.join(arguments.model_dir, "model.pickle"), "wb") as file:
    pickle.dump(model, file)
"""


@pytest.mark.timeout(900)
@pytest.mark.parametrize(("peer", "script"), [("sagemaker2", "sdk2_fit.py"), ("modeltrainer", "sdk3_train.py")])
def test_the_sdk_trains_shows_the_log_and_gets_the_model(peer: str, script: str, tmp_path: Path) -> None:
    for name in ("source", "data", "out"):
        (tmp_path / name).mkdir()
    (tmp_path / "source" / "train.py").write_text(TRAIN)
    (tmp_path / "data" / "rows.csv").write_text("1,2,3\n")
    python = peer_python(peer)
    words = [python, HERE / script, tmp_path / "source", tmp_path / "data", tmp_path / "out"]

    with JobServer(tmp_path / "home") as server:
        done = subprocess.run(
            words, env=server.client_environment(), capture_output=True, text=True, check=False, timeout=600
        )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:] + server.said()
        result = json.loads(done.stdout.rpartition("RESULT ")[2])
        job = server.describe(result["job"])
        lines = server.lines(result["job"])

    assert job["TrainingJobStatus"] == "Completed"
    values = [line for line in lines if "accuracy=" in line]
    assert len(values) == 5
    assert "data: 1,2,3" in lines
    assert result["values"]
    if peer == "sagemaker2":  # version 3 shows the log by rich, wrapped
        assert all(line in done.stdout for line in values)
    _loads(tmp_path / "out")


def _loads(folder: Path) -> None:
    """The model is one, and knows the digits."""
    with tarfile.open(folder / "model.tar.gz") as tar:
        tar.extractall(folder, filter="data")
    code = "import pickle, sys; print(pickle.load(open(sys.argv[1], 'rb')).predict([[0] * 64]).shape)"
    words = [sys.executable, "-c", code, str(folder / "model.pickle")]
    assert subprocess.run(words, capture_output=True, text=True, check=True).stdout == "(1,)\n"
