"""A unit's journal, through the real ``journalctl`` over a real journal file made by ``systemd-journal-remote``."""

import shutil
import signal
import subprocess
import time
from pathlib import Path

import psutil
import pytest

from tests.agent.keeping_server import KeepingServer
from tests.agent.running import environment, until, words

REMOTE = "/lib/systemd/systemd-journal-remote"
UNIT = {"_SYSTEMD_UNIT": "train.service", "_PID": "77", "_COMM": "python"}
SYSTEMD = {"_SYSTEMD_UNIT": "init.scope", "_PID": "1", "_UID": "0", "_COMM": "systemd", "UNIT": "train.service"}
EXITED = {"MESSAGE_ID": "98e322203f7a4ed290d09fe03c09fe15", "EXIT_CODE": "exited", "EXIT_STATUS": "3"}
KILLED = {"MESSAGE_ID": "98e322203f7a4ed290d09fe03c09fe15", "EXIT_CODE": "killed", "EXIT_STATUS": "KILL"}
FAILED = {"MESSAGE_ID": "d9b373ed55a64feb8242e02dbe79a49c", "UNIT_RESULT": "exit-code"}
SUCCEEDED = {"MESSAGE_ID": "7ad2d189f7e94e70a38c781354912448"}

pytestmark = pytest.mark.skipif(
    shutil.which("journalctl") is None or not Path(REMOTE).exists(),
    reason="not installed: journalctl, systemd-journal-remote (Debian: systemd, systemd-journal-remote)",
)


class Journal:
    """A directory of journals, and a ``journalctl`` on the PATH that reads it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory / "journal"
        self.directory.mkdir()
        self.path = directory / "bin"
        self.path.mkdir()
        real = shutil.which("journalctl")
        (self.path / "journalctl").write_text(f'#!/bin/sh\nexec {real} --directory={self.directory} "$@"\n')
        (self.path / "journalctl").chmod(0o755)
        self.now = int(time.time() * 1e6)
        self._count = 0

    def add(self, *entries: dict[str, str | bytes]) -> None:
        exported = b""
        for entry in entries:
            self._count += 1
            fields: dict[str, str | bytes] = {
                "__REALTIME_TIMESTAMP": str(self.now + self._count * 1_000_000),
                "__MONOTONIC_TIMESTAMP": str(self._count * 1_000_000),
                "_BOOT_ID": "0123456789abcdef0123456789abcdef",
                **entry,
            }
            for name, value in fields.items():
                data = value.encode() if isinstance(value, str) else value
                size = len(data).to_bytes(8, "little")
                binary = b"\n" in data or b"\xff" in data
                exported += name.encode() + (b"\n" + size if binary else b"=") + data + b"\n"
            exported += b"\n"
        command = [REMOTE, f"--output={self.directory / 'system.journal'}", "-"]
        subprocess.run(command, input=exported, check=True, capture_output=True)

    def follow(self, server: KeepingServer, *arguments: str) -> "subprocess.Popen[str]":
        env = environment(self.directory.parent / "home", server.url)
        return subprocess.Popen(
            words("follow", "--no-server", "--journal", "train.service", *arguments),
            env=env | {"PATH": f"{self.path}:{env['PATH']}"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path)


def line(text: str | bytes) -> dict[str, str | bytes]:
    return {"MESSAGE": text, **UNIT}


def test_entries_are_lines_with_their_own_times(journal: Journal) -> None:
    other = {"MESSAGE": "another's", "_SYSTEMD_UNIT": "x.service"}
    journal.add(line("step=1 loss=0.5"), other, line("two\nlines"), line(b"no \xff text"), line(""))
    with KeepingServer() as server:
        process = journal.follow(server, "--no-follow")
        said = process.communicate(timeout=60)[1]
        assert process.returncode == 0, said
        ((rows),) = server.lines.values()
        assert [text for _, _, text in rows] == ["step=1 loss=0.5", "two", "lines", "no � text", ""]
        assert [(time - journal.now // 1000) // 1000 for _, time, _ in rows] == [1, 3, 3, 4, 5]
        assert server.values("loss") == [0.5]


@pytest.mark.parametrize(
    ("entries", "status", "code", "reason"),
    [
        ([EXITED, FAILED], "Failed", 3, "train.service: exit-code, ExitCode 3"),
        ([KILLED, FAILED | {"UNIT_RESULT": "oom-kill"}], "Failed", 137, "train.service: oom-kill, ExitCode 137"),
        ([SUCCEEDED], "Completed", 0, ""),
    ],
)
def test_the_units_end_ends_the_job(
    journal: Journal, entries: list[dict[str, str]], status: str, code: int, reason: str
) -> None:
    journal.add(line("loss=1"))
    with KeepingServer() as server:
        process = journal.follow(server)
        until(server.messages)
        journal.add(*({"MESSAGE": "said by systemd", **SYSTEMD, **entry} for entry in entries))
        said = process.communicate(timeout=60)[1]
        assert process.returncode == code, said
        assert (server.final().status, server.final().exit_code) == (status, code)
        assert server.final().failure_reason == reason


def test_every_entry_once_however_often_it_is_killed(journal: Journal) -> None:
    with KeepingServer() as server:
        for round_ in range(3):
            journal.add(*(line(f"step={round_ * 50 + number} loss=1") for number in range(50)))
            process = journal.follow(server)
            until(lambda wanted=round_ * 50 + 25: len(server.messages()) >= wanted)
            children = psutil.Process(process.pid).children()
            process.send_signal(signal.SIGKILL)
            process.communicate()
            until(lambda gone=children: not any(child.is_running() for child in gone))
        process = journal.follow(server, "--no-follow")
        process.communicate(timeout=60)
        assert server.messages() == [f"step={number} loss=1" for number in range(150)]
        assert len(server.registrations) == 1


def test_without_journalctl_it_is_said(journal: Journal, tmp_path: Path) -> None:
    with KeepingServer() as server:
        env = environment(tmp_path / "home", server.url) | {"PATH": str(tmp_path)}
        done = subprocess.run(
            words("follow", "--journal", "x"), env=env, capture_output=True, text=True, check=False, timeout=60
        )
        assert done.returncode == 1
        assert "there is no journalctl here" in done.stderr
