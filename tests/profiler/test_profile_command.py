"""``epochwatch profile``, for a training that runs."""

import json
import subprocess
import sys
from pathlib import Path

from tests.agent.running import environment, until, words
from tests.cli.commands import epochwatch

TRAINING = """
import time
from epochwatch.profiler import watch
hook = watch()
while True:
    time.sleep(0.02)
    hook.end_step()
"""


def test_functions_of_some_steps_are_recorded_while_the_training_runs(tmp_path: Path) -> None:
    command = words("run", "--no-server", "--quiet", "--no-pty", "--name", "timed", "--")
    with subprocess.Popen([*command, sys.executable, "-c", TRAINING], env=environment(tmp_path)) as front:
        try:
            until(lambda: list(tmp_path.glob("spool/*/profile/events-*")))
            asked = epochwatch(tmp_path, "profile", "timed", "--python", "--steps", "2")
            assert asked.stdout == "timed: 2 steps from the next step on\n", asked.stderr
            until(lambda: list(tmp_path.glob("spool/*/profile/windows/*.pstats")))
            assert epochwatch(tmp_path, "profile", "--start", "1000000").returncode == 0
            (config,) = tmp_path.glob("spool/*/profile/profilerconfig.json")
            parameters = json.loads(config.read_bytes())["ProfilingParameters"]
            assert json.loads(parameters["DetailedProfilingConfig"]) == {"NumSteps": 5, "StartStep": 1_000_000}
        finally:
            front.terminate()
            front.wait(60)


def test_what_is_not_timed_here_is_said(tmp_path: Path) -> None:
    refused = epochwatch(tmp_path, "profile", "elsewhere")
    assert refused.returncode == 2
    assert "elsewhere is not being timed on this machine" in refused.stderr
    assert "nothing is being timed on this machine" in epochwatch(tmp_path, "profile").stderr
