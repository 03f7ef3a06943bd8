"""A run that saves tensors is diagnosed beside it, and what is found comes to the server as it is found."""

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from epochwatch.agent.diagnosis import DiagnosisReader
from epochwatch.agent.spool import Exit, RunFile, Spool
from epochwatch.model.diagnosis import Diagnosis
from tests.agent.keeping_server import KeepingServer
from tests.agent.running import environment, python, until, words

TRAINING = """
import os, pathlib, sys, time
import numpy as np
from epochwatch.debugger import ModeKeys, Statistics, StoreWriter

def save(steps, end=True):
    writer = StoreWriter(os.environ["EPOCHWATCH_DEBUG_DIR"], steps_per_segment=1)
    for step in steps:
        loss = np.nan if step >= 15 else 1.0
        writer.write_step(step, statistics=Statistics(["loss"], {"value": np.array([loss])}), mode=ModeKeys.TRAIN)
    if end:
        writer.end_training()

def wait(name):
    while not pathlib.Path(name).exists():
        time.sleep(0.02)

"""


class Watched:
    """``epochwatch run --debug`` of a training that waits for files in ``home``."""

    def __init__(self, home: Path, server: KeepingServer, script: str, *options: str) -> None:
        self.home, self._server = home, server
        home.mkdir()
        command = [*words("run", "--no-server", "--debug", "--name", "n", *options), *python(TRAINING + script)]
        self.process = subprocess.Popen(
            command, env=environment(home, server.url), cwd=home, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL
        )

    def allow(self, name: str) -> None:
        (self.home / name).touch()

    def told(self) -> list[Diagnosis]:
        return [one.diagnosis for one in self._server.progress if one.diagnosis is not None]

    def found(self) -> set[str]:
        return {cause.rule for told in self.told()[-1:] for cause in told.findings}

    def diagnosing(self) -> list[psutil.Process]:
        found = []
        for process in psutil.process_iter(["cmdline"]):
            line = process.info["cmdline"] or []
            if "epochwatch.agent.diagnosis" in line and str(self.home) in line[-1]:
                found.append(process)
        return found

    def end(self) -> str:
        """What is on the terminal when it is over."""
        _, said = self.process.communicate(timeout=180)
        return said.decode()


def test_what_is_found_is_told_while_the_training_goes_on(tmp_path: Path) -> None:
    with KeepingServer() as server:
        run = Watched(tmp_path / "home", server, "save(range(20), end=False); wait('go')")
        until(lambda: "NonFinite" in run.found())

        assert server.final().status == "InProgress"
        assert not run.told()[-1].ended
        (process,) = run.diagnosing()
        assert process.nice() >= 10
        assert process.rlimit(psutil.RLIMIT_AS)[0] < 2**62
        run.allow("go")
        said = run.end()

    last = run.told()[-1]
    assert run.process.returncode == 0
    assert (last.ended, last.failure, last.steps, last.last_step) == (True, "", 20, 19)
    assert server.final().status == "Completed"
    assert "epochwatch: of 20 steps with tensors:" in said
    assert "NonFinite problem since step 15, known at step 15" in said
    assert not run.diagnosing()


def test_a_training_without_a_fault_is_said_to_have_none(tmp_path: Path) -> None:
    with KeepingServer() as server:
        run = Watched(tmp_path / "home", server, "save(range(10))")
        said = run.end()

    assert run.told()[-1] == Diagnosis(10, 9, [], ended=True)
    assert "of 10 steps with tensors:\nnothing found" in said


def test_a_diagnosis_that_is_killed_costs_nothing_else_and_is_told_once(tmp_path: Path) -> None:
    with KeepingServer() as server:
        run = Watched(tmp_path / "home", server, "save(range(20), end=False); wait('go')")
        until(lambda: "NonFinite" in run.found())
        run.diagnosing()[0].kill()
        run.allow("go")
        said = run.end()

    last = run.told()[-1]
    assert run.process.returncode == 0
    assert (last.ended, last.failure) == (True, "its process was killed")
    assert run.found() == {"NonFinite"}
    assert said.count("not diagnosed to the end: its process was killed") == 1


def test_tensors_that_cannot_be_read_cost_nothing_else(tmp_path: Path) -> None:
    broken = """
place = pathlib.Path(os.environ["EPOCHWATCH_DEBUG_DIR"])
save(range(5), end=False)
for path in place.rglob("*"):
    if path.is_file() and "collections" in str(path): path.write_bytes(b"{")
"""
    with KeepingServer() as server:
        run = Watched(tmp_path / "home", server, broken)
        said = run.end()

    assert run.process.returncode == 0
    assert server.final().status == "Completed"
    assert run.told()[-1].ended
    assert "not diagnosed to the end: " in said


def test_nobody_waits_for_the_last_word_and_it_comes_all_the_same(tmp_path: Path) -> None:
    with KeepingServer() as server:
        run = Watched(
            tmp_path / "home", server, "save(range(3), end=False); wait('go'); save(range(3, 20))", "--quiet"
        )
        until(lambda: run.told() and run.told()[-1].steps)
        (process,) = run.diagnosing()
        process.suspend()
        run.allow("go")
        assert run.end() == ""
        assert server.final().status == "Completed"
        assert not run.told()[-1].ended

        process.resume()

        until(lambda: run.told()[-1].ended)
        assert run.found() == {"NonFinite"}
        assert server.final().status == "Completed"
        until(lambda: not run.diagnosing())


def test_a_training_that_saves_nothing_has_no_diagnosis(tmp_path: Path) -> None:
    with KeepingServer() as server:
        run = Watched(tmp_path / "home", server, "print('nothing')")
        said = run.end()

    assert run.told() == []
    assert "steps with tensors" not in said
    until(lambda: not run.diagnosing())


def test_what_was_found_is_sent_later_where_no_server_answered(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with KeepingServer() as server:
        run = Watched(home, server, "save(range(20))")
        server.stop()
        said = run.end()
    assert "NonFinite problem since step 15" in said

    with KeepingServer() as server:
        subprocess.run(
            words("sync"), env=environment(home, server.url), check=True, capture_output=True, timeout=60
        )
        told = [one.diagnosis for one in server.progress if one.diagnosis is not None]
    assert [cause.rule for cause in told[-1].findings] == ["NonFinite"]


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool.create(tmp_path, RunFile("ab" * 16, "x", time.time(), trial=str(tmp_path / "trial")))


def test_what_was_told_is_told_again_only_when_it_changes(spool: Spool) -> None:
    reader = DiagnosisReader(spool)
    assert (reader.changed(), reader.news()) == (False, None)
    with spool.lock("diagnosis") as held:
        held.take(wait=True)
        spool.write_diagnosis(Diagnosis(steps=3))
        assert reader.changed()
        assert reader.news() == Diagnosis(steps=3)
        assert reader.news() is not None  # it did not arrive
        reader.sent()
        assert (reader.changed(), reader.news()) == (False, None)
    assert reader.news() == Diagnosis(steps=3, ended=True, failure="its process was killed")


def test_nobody_waits_for_a_diagnosis_that_is_not_made(spool: Spool) -> None:
    DiagnosisReader(spool).await_end()
    spool.write_exit(Exit(time.time(), 0))
    assert not os.path.exists(spool.path / "diagnosis.json")


def test_tensors_that_never_come_through_do_not_keep_it_for_ever(spool: Spool) -> None:
    place = Path(spool.run().trial) / "collections" / "000000000"
    place.mkdir(parents=True)
    os.mkfifo(place / "worker_0_collections.json")  # whoever opens it waits
    spool.write_exit(Exit(time.time(), 0))
    code = "import epochwatch.agent.diagnosis as d; d.LONGEST_AFTERWARDS_SECONDS = 0.5; d.main([{!r}])"
    done = subprocess.run([sys.executable, "-c", code.format(str(spool.path))], timeout=180, check=False)

    told = spool.diagnosis()
    assert done.returncode == 1
    assert told is not None
    assert (told.ended, told.failure) == (True, "not all was looked at within 0.5 s after the training's end")
