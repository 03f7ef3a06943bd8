"""SIGKILL to the agent's processes at random moments: the training ends by itself and every line is there once."""

import os
import random
import signal
import subprocess
import time
from pathlib import Path

import psutil
import pytest

from epochwatch.agent.spool import Spool
from tests.agent.keeping_server import KeepingServer
from tests.agent.running import environment, only_spool, python, start, until, words

ROUNDS = int(os.environ.get("EPOCHWATCH_KILLS", "24"))
LINES = 1500
CODE = f"""
import sys, time
for i in range({LINES}):
    print(f'step={{i}} loss={{i / 7:.6f}}', flush=True)
    time.sleep(0.001)
sys.exit(7)
"""


def agents(spool: Spool) -> list[psutil.Process]:
    """Front, keeper, sampler and headless shippers of one run."""
    found = []
    for process in psutil.process_iter():
        try:
            line = " ".join(process.cmdline())
            if process.environ().get("EPOCHWATCH_HOME") != str(spool.path.parent.parent):
                continue
        except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
            continue
        if "cli.run import" in line or "epochwatch.agent" in line:
            found.append(process)
    return found


def holders(spool: Spool) -> list[psutil.Process]:
    return [process for process in agents(spool) if "agent.sampler" not in " ".join(process.cmdline())]


def finished(spool: Spool) -> bool:
    return spool.exit() is not None and not spool.being_recorded()


def check_log(spool: Spool, pty: str) -> None:
    log = spool.path / ("output.log" if pty == "--pty" else "stdout.log")
    steps = [int(line.split()[0][5:]) for line in log.read_text().splitlines()]
    assert steps == list(range(LINES))
    record = spool.exit()
    assert record is not None
    assert record.exit_code == 7


def sync(home: Path, url: str) -> None:
    subprocess.run(words("sync"), env=environment(home, url), check=True, timeout=120, capture_output=True)


@pytest.mark.parametrize("number", range(ROUNDS))
def test_every_line_once_whoever_is_killed(tmp_path: Path, number: int) -> None:
    chance = random.Random(number)
    pty = chance.choice(["--pty", "--no-pty"])
    with KeepingServer() as server:
        front = start(tmp_path, "-m", "loss=loss=([0-9.]+)", "--name", "shot", pty, *python(CODE), url=server.url)
        spool = only_spool(tmp_path)
        until(lambda: any(path.stat().st_size for path in spool.path.glob("*.idx")))
        for _ in range(chance.choice([1, 1, 2, 3])):
            time.sleep(chance.uniform(0.0, 0.7))
            # Two hold the run's descriptors: killing both at the same instant is beyond what any two can survive.
            until(lambda: finished(spool) or len(holders(spool)) >= 2)
            alive = agents(spool)
            if alive and not finished(spool):
                try:
                    chance.choice(alive).send_signal(signal.SIGKILL)
                except psutil.NoSuchProcess:
                    continue
        front.wait(60)
        until(lambda: finished(spool))
        check_log(spool, pty)
        until(lambda: not agents(spool))
        sync(tmp_path, server.url)
        assert [int(line.split()[0][5:]) for line in server.messages()] == list(range(LINES))
        assert server.values("loss") == [float(f"{i / 7:.6f}") for i in range(LINES)]
        assert server.steps("loss") == list(range(LINES))
        assert server.final().status == "Failed"
        assert server.final().exit_code == 7


def test_headless_shipper_completes_after_the_front_is_killed(tmp_path: Path) -> None:
    with KeepingServer() as server:
        front = start(tmp_path, "-m", "loss=loss=([0-9.]+)", *python(CODE), url=server.url)
        until(lambda: server.lines)
        front.kill()
        front.wait()
        spool = only_spool(tmp_path)
        until(lambda: spool.state().finished)
        until(lambda: not agents(spool))
        assert len(server.messages()) == LINES
        assert len(server.values("loss")) == LINES
        assert server.final().status == "Failed"


def test_both_holders_killed_one_after_the_other(tmp_path: Path) -> None:
    with KeepingServer() as server:
        front = start(tmp_path, "-m", "loss=loss=([0-9.]+)", "--pty", *python(CODE), url=server.url)
        spool = only_spool(tmp_path)
        until(lambda: server.lines)
        keeper = next(one for one in psutil.Process(front.pid).children() if "cli.run" in " ".join(one.cmdline()))
        front.kill()
        front.wait()
        until(lambda: len(holders(spool)) == 3)
        keeper.kill()
        until(lambda: finished(spool))
        check_log(spool, "--pty")
        until(lambda: spool.state().finished)
        assert len(server.messages()) == LINES


def test_run_nobody_recorded_to_its_end_is_marked_failed(tmp_path: Path) -> None:
    front = start(
        tmp_path, "--pty", *python("import time\nfor i in range(9999): print('loss=1'); time.sleep(0.01)")
    )
    spool = only_spool(tmp_path)
    until(lambda: any(path.stat().st_size for path in spool.path.glob("*.idx")))
    for process in agents(spool):
        process.suspend()  # so that none can take another's place
    for process in agents(spool):
        process.kill()
    front.wait()
    with KeepingServer() as server:
        until(lambda: not spool.being_recorded())
        sync(tmp_path, server.url)
        assert server.final().status == "Failed"
        assert "agent was lost" in server.final().failure_reason
        assert server.messages()
