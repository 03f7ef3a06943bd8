"""Processes that train together: each waits for the slowest."""

import os
import subprocess
from pathlib import Path

import numpy as np
import pyarrow as pa

from epochwatch.profiler.phases import Phase
from epochwatch.profiler.steps import step_table
from epochwatch.profiler.store.reader import read_events
from tests.peers import ROOT, peer_python
from tests.profiler.profiles import MemoryProfile

SCRIPT = Path(__file__).parent / "scripts" / "train_ranks.py"


def test_the_quick_rank_waits_for_gradients_and_collectives_of_the_slow_one(tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT / "src"),
        "CUDA_VISIBLE_DEVICES": "",
        "OMP_NUM_THREADS": "1",
    }
    ran = subprocess.run(
        [peer_python("torch"), SCRIPT, tmp_path], env=environment, capture_output=True, text=True, timeout=600,
        check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    contents = (path.read_bytes() for path in sorted((tmp_path / "profile").iterdir()))
    profile = MemoryProfile(pa.concat_tables(read_events(contents)).to_pylist())
    steps = step_table(profile, profile.span())
    assert [lane.rank for lane in steps.lanes] == [0, 1]
    quick, slow = steps.of_lane(0), steps.of_lane(1)
    assert quick.step.tolist() == slow.step.tolist() == list(range(6))
    # From the second step on: 50 ms for the gradients, and 50 ms for the sum behind the step before.
    assert np.all(quick.seconds[Phase.COMMUNICATION][2:] >= 0.08)
    assert np.all(slow.seconds[Phase.BACKWARD][2:] >= 0.05)
    waited = [np.median(one.seconds[Phase.COMMUNICATION][2:]) for one in (slow, quick)]
    assert waited[0] < waited[1]
    assert np.all(quick.seconds[Phase.FORWARD][1:] > 0)
