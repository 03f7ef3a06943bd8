"""``epochwatch follow`` as a real process: what it takes up, how it ends, and that it may be killed."""

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from epochwatch.agent.spool import Spool, spools
from tests.agent.keeping_server import KeepingServer
from tests.agent.running import environment, only_spool, until, words

WRITER = """
import os, sys, time
path, count = sys.argv[1], int(sys.argv[2])
file = open(path, 'a')
for i in range(count):
    print(f'step={i} loss={i / 7:.6f}', file=file, flush=True)
    while i == 0 and not os.path.exists(path + '.go'):
        time.sleep(0.01)
    if i % 400 == 399:
        os.rename(path, f'{path}.{count - i}')
        file = open(path, 'a')
    time.sleep(0.001)
"""


class Follow:
    """One following after the other in a home of its own."""

    def __init__(self, home: Path, server: KeepingServer | None = None) -> None:
        self.home = home / "home"
        self.url = server.url if server is not None else "http://127.0.0.1:9"

    def start(self, *arguments: object) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            words("follow", "--no-server", *map(str, arguments)),
            env=environment(self.home, self.url),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: object) -> "subprocess.CompletedProcess[str]":
        process = self.start(*arguments)
        try:
            said = process.communicate(timeout=60)
        finally:
            process.kill()
        return subprocess.CompletedProcess(process.args, process.returncode, *said)

    def spool(self) -> Spool:
        return only_spool(self.home)


@pytest.fixture
def server() -> "KeepingServer":
    with KeepingServer() as started:
        yield started


@pytest.fixture
def follow(tmp_path: Path, server: KeepingServer) -> Follow:
    return Follow(tmp_path, server)


def steps(lines: list[str]) -> list[int]:
    return [int(line.split()[0][5:]) for line in lines]


def test_complete_files_are_read_to_their_ends_each_as_a_stream(
    tmp_path: Path, follow: Follow, server: KeepingServer
) -> None:
    for rank in (10, 9):
        (tmp_path / f"rank{rank}.log").write_text(f"step=1 loss=0.{rank}\nstep=2 loss=0.5")
    done = follow.run("--no-follow", "--job", "both", tmp_path / "rank*.log")
    assert done.returncode == 0, done.stderr
    assert server.messages("algo-1.log") == ["step=1 loss=0.9", "step=2 loss=0.5"]
    assert server.messages("algo-2.log") == ["step=1 loss=0.10", "step=2 loss=0.5"]
    assert server.values("loss") == [0.9, 0.5, 0.1, 0.5]
    assert server.final().status == "Completed"
    assert server.final().exit_code is None
    assert server.final().tags == {
        "file:algo-1": str(tmp_path / "rank9.log"),
        "file:algo-2": str(tmp_path / "rank10.log"),
    }
    assert follow.spool().state().finished


def test_files_that_come_to_match_are_taken_up_and_rotated_ones_are_not(
    tmp_path: Path, follow: Follow, server: KeepingServer
) -> None:
    log = tmp_path / "logs" / "deep" / "train.log"
    process = follow.start("--idle", 6, "--job", "later", tmp_path / "logs" / "**" / "*.log*")
    until(lambda: spools(follow.home / "spool"))
    log.parent.mkdir(parents=True)
    log.write_text("".join(f"step={number} loss=1\n" for number in range(100)))
    until(lambda: len(server.messages("algo-1.log")) == 100)
    log.rename(log.with_name("train.log.1"))
    log.write_text("step=100 loss=1\n")
    (log.parent / "other.log").write_text("hello\n")
    process.communicate(timeout=60)
    assert process.returncode == 0
    assert steps(server.messages("algo-1.log")) == list(range(101))
    assert server.messages("algo-2.log") == ["hello"]
    assert len(server.lines) == 2


@pytest.mark.parametrize("number", range(int(os.environ.get("EPOCHWATCH_KILLS", "3"))))
def test_every_line_once_however_often_it_is_killed(
    tmp_path: Path, follow: Follow, server: KeepingServer, number: int
) -> None:
    chance = random.Random(number)
    logs = [tmp_path / "a.log", tmp_path / "b.log"]
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(log), "1800"]) for log in logs]
    arguments = ("--job", "shot", *logs)
    for round_ in range(4):
        process = follow.start(*arguments)
        if not round_:  # a file that is rotated before it was ever looked at is not found
            until(lambda: len(server.messages()) == 2)
            for log in logs:
                log.with_name(f"{log.name}.go").touch()
        time.sleep(chance.uniform(0.2, 1.2))
        process.send_signal(chance.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGTERM]))
        process.communicate()
    for writer in writers:
        assert writer.wait(60) == 0
    done = follow.run("--no-follow", *arguments)
    assert done.returncode == 0, done.stderr
    assert len(server.registrations) == 1
    for file in ("algo-1.log", "algo-2.log"):
        assert steps(server.messages(file)) == list(range(1800))
    assert server.values("loss") == [float(f"{i / 7:.6f}") for i in range(1800)] * 2
    assert server.final().status == "Completed"


def test_sigterm_leaves_the_job_to_be_gone_on_with(tmp_path: Path, follow: Follow, server: KeepingServer) -> None:
    log = tmp_path / "train.log"
    log.write_text("step=0 loss=1\nstep=1 lo")
    process = follow.start(log)
    until(server.messages)
    process.send_signal(signal.SIGTERM)
    assert process.communicate(timeout=60)[1].count("the same command goes on with it") == 1
    assert process.returncode == 143
    assert server.final().status == "InProgress"
    with open(log, "a") as file:
        file.write("ss=2\n")
    assert follow.run("--no-follow", log).returncode == 0
    assert server.messages() == ["step=0 loss=1", "step=1 loss=2"]
    assert server.final().status == "Completed"
    (only,) = server.registrations.values()
    assert only.name == "train"


def test_sync_sends_what_a_killed_follower_had_read_and_leaves_the_job_open(tmp_path: Path) -> None:
    log = tmp_path / "train.log"
    log.write_text("step=0 loss=1\n")
    follow = Follow(tmp_path)
    process = follow.start(log)
    until(lambda: spools(follow.home / "spool") and list(follow.home.glob("spool/*/algo-1.idx")))
    until(lambda: (follow.spool().path / "algo-1.idx").stat().st_size)
    process.kill()
    process.communicate()
    with KeepingServer() as server:
        sync = [words("sync"), environment(follow.home, server.url)]
        done = subprocess.run(sync[0], env=sync[1], capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, done.stderr
        assert "sent 1 lines, 1 values" in done.stdout
        assert server.final().status == "InProgress"
        follow.url = server.url
        assert follow.run("--no-follow", log).returncode == 0
        assert server.messages() == ["step=0 loss=1"]
        assert server.final().status == "Completed"


def test_ctrl_c_ends_the_job_as_stopped_and_the_next_is_another(
    tmp_path: Path, follow: Follow, server: KeepingServer
) -> None:
    log = tmp_path / "train.log"
    log.write_text("step=0 loss=1\nunfinished")
    process = follow.start(log)
    until(server.messages)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    assert server.final().status == "Stopped"
    assert server.messages() == ["step=0 loss=1", "unfinished"]
    assert follow.run("--no-follow", log).returncode == 0
    assert len(server.registrations) == 2


def test_two_cannot_follow_one_job(tmp_path: Path, follow: Follow, server: KeepingServer) -> None:
    log = tmp_path / "train.log"
    log.write_text("one\n")
    first = follow.start(log)
    until(server.messages)
    second = follow.run(log)
    assert second.returncode == 1
    assert "being followed by another process" in second.stderr
    first.kill()
    first.communicate()


TRAINING = """
import sys, time
file = open({log!r}, 'w')
print('step=1 loss=2', file=file, flush=True)
time.sleep({pause})
print('last', end='', file=file)
sys.exit({code})
"""


@pytest.mark.parametrize(("code", "status"), [(0, "Completed"), (3, "Failed")])
def test_the_end_of_a_process_ends_the_job(
    tmp_path: Path, follow: Follow, server: KeepingServer, code: int, status: str
) -> None:
    """The kernel tells others than the parent how a process ended since Linux 6.15; before, the log is judged."""
    log = tmp_path / "train.log"
    program = TRAINING.format(log=str(log), pause=4, code=code)
    training = subprocess.Popen([sys.executable, "-c", program])
    process = follow.start("--pid", training.pid, "--json", log)
    assert training.wait(60) == code
    said = process.communicate(timeout=60)[1]
    known = tuple(map(int, re.findall(r"\d+", os.uname().release)[:2])) >= (6, 15)
    assert server.messages() == ["step=1 loss=2", "last"]
    assert server.final().exit_code == (code if known else None)
    assert server.final().status == (status if known else "Completed")
    assert process.returncode == (code if known else 0)
    assert json.loads(said.splitlines()[-1])["metrics"][0]["name"] == "loss"
    assert server.samples


def test_a_process_that_is_not_there_is_an_error(tmp_path: Path, follow: Follow) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    done = follow.run("--pid", ended.pid, tmp_path / "train.log")
    assert done.returncode == 1
    assert f"there is no process {ended.pid}" in done.stderr
    assert not spools(follow.home / "spool")


def test_a_log_that_ends_in_an_exception_is_of_a_training_that_failed(
    tmp_path: Path, follow: Follow, server: KeepingServer
) -> None:
    log = tmp_path / "train.log"
    code = "import time; print('step=1 loss=1', flush=True); time.sleep(.1); raise ValueError('loss is nan')"
    with open(log, "wb") as output:
        subprocess.run([sys.executable, "-c", code], stdout=output, stderr=output, check=False)
    done = follow.run("--idle", 1, log)
    assert done.returncode == 1
    assert server.final().status == "Failed"
    assert server.final().failure_reason == "exit status unknown; the log ends with: ValueError: loss is nan"


def test_containers_logs_have_their_own_times(tmp_path: Path, follow: Follow, server: KeepingServer) -> None:
    log = tmp_path / "pod.log"
    log.write_text("2024-01-02T03:04:05.25Z stdout P step=1 lo\n2024-01-02T03:04:05.5Z stdout F ss=0.5\n")
    assert follow.run("--no-follow", log).returncode == 0
    ((lines),) = server.lines.values()
    assert [(time, text) for _, time, text in lines] == [(1704164645250, "step=1 loss=0.5")]
    assert server.values("loss") == [0.5]


def test_without_a_server_everything_is_kept(tmp_path: Path) -> None:
    log = tmp_path / "train.log"
    log.write_text("step=0 loss=1\n")
    follow = Follow(tmp_path)
    done = follow.run("--no-follow", log)
    assert done.returncode == 0
    assert "it is kept and can be sent" in done.stderr
    assert (follow.spool().path / "algo-1.log").read_text() == "step=0 loss=1\n"
