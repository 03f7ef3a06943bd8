"""Following a log while it grows and while the server goes away."""

import contextlib
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from tests.servers import ServerProcess

TRAINING = """
import sys, time
for number in range({lines}):
    print(f"line {{number}}", flush=True)
    time.sleep({pause})
"""


@contextlib.contextmanager
def killed_at_last(process: "subprocess.Popen[str]") -> Iterator["subprocess.Popen[str]"]:
    """The process, which does not outlive a test that fails: it would wait for the server for ever."""
    with process:
        try:
            yield process
        finally:
            process.kill()


def follow(server: ServerProcess, *extra: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "epochwatch", "logs", "-f", "job", *extra],
        env=server.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def train(server: ServerProcess, lines: int, pause: float) -> "subprocess.Popen[str]":
    code = TRAINING.format(lines=lines, pause=pause)
    return subprocess.Popen(
        [sys.executable, "-m", "epochwatch", "run", "--quiet", "--no-server", "--name", "job", "--",
         sys.executable, "-c", code],
        env=server.environment,
        stdout=subprocess.PIPE,
        text=True,
    )  # fmt: skip


def registered(server: ServerProcess) -> bool:
    done = subprocess.run(
        [sys.executable, "-m", "epochwatch", "job", "job"],
        env=server.environment,
        capture_output=True,
        check=False,
    )
    return done.returncode == 0


def drain(stream: IO[str]) -> None:
    """Reads in the background, so that nobody waits for a full pipe."""
    threading.Thread(target=stream.read, daemon=True).start()


def test_lines_come_once_each_and_the_command_ends_with_the_job(tmp_path: Path) -> None:
    with ServerProcess(tmp_path) as server, killed_at_last(train(server, 3000, 0.002)) as training:
        assert training.stdout is not None
        drain(training.stdout)
        while not registered(server):
            assert training.poll() is None
        followers = [follow(server, "--limit", "100000") for _ in range(2)]
        for follower in followers:
            printed, said = follower.communicate(timeout=120)
            assert follower.returncode == 0
            assert said == ""
            assert printed.splitlines() == [f"line {number}" for number in range(3000)]
        assert training.wait(60) == 0


def test_nothing_is_lost_or_doubled_over_a_restart_of_the_server(tmp_path: Path) -> None:
    with ServerProcess(tmp_path) as server, killed_at_last(train(server, 800, 0.02)) as training:
        assert training.stdout is not None
        drain(training.stdout)
        while not registered(server):
            assert training.poll() is None
        with killed_at_last(follow(server, "--limit", "100000")) as follower:
            assert follower.stdout is not None
            assert follower.stderr is not None
            first = [follower.stdout.readline() for _ in range(100)]
            server.kill()
            assert "waiting for it" in follower.stderr.readline()
            server.start()
            rest = follower.stdout.readlines()
            assert follower.wait(60) == 0
        assert [line.strip() for line in first + rest] == [f"line {number}" for number in range(800)]
        assert training.wait(60) == 0
