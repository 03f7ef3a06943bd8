"""Trainings in environments of their own: a script of ``scripts/`` saves a trial and prints what is true, as JSON."""

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from epochwatch.debugger import Trial, create_trial
from tests.peers import ROOT, peer_python

SCRIPTS = Path(__file__).parent / "scripts"
SECONDS = 600


class Trained(NamedTuple):
    """What a script printed last, all that it and its libraries said, and where it saved."""

    truth: Any
    messages: str
    directory: Path

    @property
    def trial(self) -> Trial:
        """What it saved."""
        return create_trial(str(self.directory))


def train(
    peer: str, script: str, directory: Path, *arguments: str, environment: Mapping[str, str] | None = None
) -> Trained:
    """Run a script with the directory of the tensors and more arguments."""
    ran = subprocess.run(
        [peer_python(peer), SCRIPTS / script, directory, *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT / "src"), "CUDA_VISIBLE_DEVICES": "", **(environment or {})},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return Trained(json.loads(ran.stdout.splitlines()[-1]), ran.stdout + ran.stderr, directory)
