"""``epochwatch run --profile``: steps of a training whose code says nothing of them."""

import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa

from epochwatch.profiler.injection import profile_environment
from epochwatch.profiler.store.reader import read_events
from tests.peers import ROOT, peer_python

TRAINING = """
import torch
from torch import nn

net = nn.Linear(4, 2)
optimizer = torch.optim.SGD(net.parameters(), lr=0.5)
for _ in range(5):
    optimizer.zero_grad()
    net(torch.ones(3, 4)).sum().backward()
    optimizer.step()
print("trained")
"""


def run(*words: str | Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(words, env=kept | environment, capture_output=True, text=True, check=False, timeout=600)


def test_a_run_times_its_steps_with_no_change_in_its_code(tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text(TRAINING)
    ran = run(
        *(sys.executable, "-m", "epochwatch", "run", "--no-server", "--quiet", "--no-pty", "--profile", "--"),
        *(peer_python("torch"), script),
        environment={"EPOCHWATCH_HOME": str(tmp_path / "home"), "PYTHONPATH": str(ROOT / "src")},
    )
    assert (ran.returncode, ran.stdout) == (0, "trained\n"), ran.stderr
    assert not ran.stderr
    files = sorted((tmp_path / "home" / "spool").glob("*/profile/events-*.ewe"))
    rows = pa.concat_tables(read_events(path.read_bytes() for path in files)).to_pylist()
    assert [row["step"] for row in rows if row["phase"] == "step"] == [0, 1, 2, 3, 4]
    assert {"initialization", "forward", "backward", "optimizer"} <= {row["phase"] for row in rows}


def test_an_environment_in_which_it_cannot_be_is_told_so_once(tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text("")
    environment = profile_environment(str(tmp_path / "profile"), {"PYTHONPATH": str(tmp_path)})
    ran = run(sys.executable, "-c", "import torch, torch as again; print('trained')", environment=environment)
    assert (ran.returncode, ran.stdout) == (0, "trained\n")
    (line,) = ran.stderr.splitlines()
    assert line.startswith("epochwatch: the training's steps are not timed: ")
