"""Nothing is lost or doubled when the server, the front, the keeper or the shipper is killed, at any moment."""

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.servers import ServerProcess

ROUNDS = int(os.environ.get("EPOCHWATCH_KILLS", "16"))
"""Kills in all. The figure for a release is taken with 200."""
KILLS_A_RUN = 8
SECONDS_A_RUN = 14
LINES_A_SECOND = 200
RECOVERY_SECONDS = 1.5
"""Two processes hold a training's terminal. One may die at any moment; the other then needs a new partner, which
takes a Python's start. Should both die before that, the training hangs up as if its terminal had gone.
"""

TRAINING = """
import sys, time
seconds, rate = float(sys.argv[1]), int(sys.argv[2])
begin = time.monotonic()
step = 0
while time.monotonic() - begin < seconds:
    print(f"step={step} loss={1 / (step + 1):.9f} noise", flush=True)
    step += 1
    time.sleep(1 / rate)
print(f"printed {step}", flush=True)
sys.exit(7)
"""


def test_every_line_and_value_is_stored_exactly_once_whoever_is_killed(tmp_path: Path) -> None:
    seed = int(os.environ.get("EPOCHWATCH_SEED", time.time()))
    print(f"seed {seed}: repeat with EPOCHWATCH_SEED={seed}")
    chance = random.Random(seed)
    script = tmp_path / "training.py"
    script.write_text(TRAINING)
    server = ServerProcess(tmp_path / "home").start()
    killed: list[str] = []
    try:
        for number in range(-(-ROUNDS // KILLS_A_RUN)):
            name = f"killed-{number}"
            kills = min(KILLS_A_RUN, ROUNDS - len(killed))
            killed += _run_under_fire(server, script, name, kills, chance)
            _check(server, name)
    finally:
        server.stop()
    assert len(killed) == ROUNDS
    print("killed:", {what: killed.count(what) for what in sorted(set(killed))})


def _run_under_fire(
    server: ServerProcess, script: Path, name: str, kills: int, chance: random.Random
) -> list[str]:
    front = subprocess.Popen(
        [sys.executable, "-m", "epochwatch", "run", "--name", name, "--no-server", "-m", "loss=loss=([0-9.e-]+)"]
        + ["--", sys.executable, str(script), str(SECONDS_A_RUN), str(LINES_A_SECOND)],
        env=server.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    killed = []
    moments = sorted(chance.uniform(0.3, SECONDS_A_RUN - 2) for _ in range(kills))
    begin, recovered = time.monotonic(), 0.0
    for moment in moments:
        time.sleep(max(0.0, begin + moment - time.monotonic()))
        agents = _agent_processes(server, name) if time.monotonic() > recovered else []
        killed.append(_kill_one(server, agents, chance))
        if killed[-1] == "agent":
            recovered = time.monotonic() + RECOVERY_SECONDS
    front.wait(120)
    _wait_for_training(script, name)
    _wait_for_delivery(server)
    return killed


def _kill_one(server: ServerProcess, agents: list[psutil.Process], chance: random.Random) -> str:
    """SIGKILL to the server (started again at once) or to one of the agent's processes; which one it was."""
    what = chance.choice(["server", "agent"]) if agents else "server"
    if what == "server":
        server.kill()
        server.start()
        return what
    process = chance.choice(agents)
    with contextlib.suppress(psutil.NoSuchProcess):
        process.send_signal(signal.SIGKILL)
    return what


def _agent_processes(server: ServerProcess, name: str) -> list[psutil.Process]:
    """Front, keeper, sampler and headless shipper of the test's runs: never the training itself."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("EPOCHWATCH_HOME") != str(server.home):
                continue
            words = process.cmdline()
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
        line = " ".join(words)
        if "epochwatch.agent." in line or ("epochwatch run" in line and name in line):
            found.append(process)
    return found


def _wait_for_training(script: Path, name: str) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if not any(_is_training(process, script) for process in psutil.process_iter()):
            return
        time.sleep(0.1)
    raise AssertionError(f"the training of {name} did not end")


def _wait_for_delivery(server: ServerProcess) -> None:
    """Until the server has everything: by the shippers that live, else by `epochwatch sync`."""
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        sync = [sys.executable, "-m", "epochwatch", "sync"]
        subprocess.run(sync, env=server.environment, check=True, capture_output=True, timeout=120)
        states = [path.parent / "state.json" for path in (server.home / "spool").glob("*/run.json")]
        if all(path.exists() and json.loads(path.read_bytes()).get("finished") for path in states):
            return
        time.sleep(0.5)
    raise AssertionError("not everything was delivered")


def _is_training(process: psutil.Process, script: Path) -> bool:
    try:
        words = process.cmdline()
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return False
    return len(words) > 1 and words[1] == str(script)


def _check(server: ServerProcess, name: str) -> None:
    lines = _stored_lines(server, name)
    steps = [int(line.split()[0].partition("=")[2]) for line in lines if line.startswith("step=")]
    printed = [int(line.split()[1]) for line in lines if line.startswith("printed")]
    assert printed == [len(steps)], f"{name}: {printed} printed, {len(steps)} lines stored"
    assert steps == list(range(len(steps))), f"{name}: lines lost or doubled"
    answer = subprocess.run(
        [sys.executable, "-m", "epochwatch", "metrics", name, "--metric", "loss", "--format", "json"],
        env=server.environment,
        check=True,
        capture_output=True,
    )
    points = json.loads(answer.stdout)["points"]
    assert [point["value"] for point in points] == [
        pytest.approx(float(f"{1 / (step + 1):.9f}"), abs=0) for step in steps
    ]
    assert _datapoints(server, name) == len(steps)
    job = server.boto3("sagemaker").describe_training_job(TrainingJobName=name)
    assert job["TrainingJobStatus"] == "Failed"


def _stored_lines(server: ServerProcess, name: str) -> list[str]:
    logs = server.boto3("logs")
    group = "/aws/sagemaker/TrainingJobs"
    streams = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=f"{name}/")["logStreams"]
    assert len(streams) == 1
    lines: list[str] = []
    token: dict[str, str] = {}
    while True:
        page = logs.get_log_events(
            logGroupName=group, logStreamName=streams[0]["logStreamName"], startFromHead=True, **token
        )
        lines += [event["message"] for event in page["events"]]
        if token.get("nextToken") == page["nextForwardToken"]:
            return lines
        token = {"nextToken": page["nextForwardToken"]}


def _datapoints(server: ServerProcess, name: str) -> float:
    answer = server.boto3("cloudwatch").get_metric_statistics(
        Namespace="/aws/sagemaker/TrainingJobs",
        MetricName="loss",
        Dimensions=[{"Name": "TrainingJobName", "Value": name}],
        StartTime=time.time() - 3600,
        EndTime=time.time() + 60,
        Period=60,
        Statistics=["SampleCount"],
    )
    return sum(float(point["SampleCount"]) for point in answer["Datapoints"])
