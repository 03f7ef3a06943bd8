"""Training scripts run as real processes, and what they leave in the spool."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from epochwatch.agent.journal import JournalReader
from epochwatch.agent.spool import Spool, spools

Logged = list[tuple[str, int, float]]


def environment(home: Path, **more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("EPOCHWATCH_")}
    # a server that is elsewhere and absent: nothing is started, everything is kept
    return kept | {"EPOCHWATCH_HOME": str(home), "EPOCHWATCH_URL": "http://127.0.0.1:9"} | more


def start(home: Path, code: str, more: Mapping[str, str] | None = None) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", code],
        env=environment(home, **(more or {})),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(home: Path, code: str, *, status: int = 0, more: Mapping[str, str] | None = None) -> str:
    """Runs the script to its end; what it said on standard error."""
    process = start(home, code, more)
    said = process.communicate(timeout=60)[1]
    assert process.returncode == status, said
    return said


def only_spool(home: Path) -> Spool:
    (spool,) = spools(home / "spool")
    return spool


def logged(spool: Spool) -> Logged:
    """(metric, step, value) in the order of each journal."""
    found: Logged = []
    for path in spool.journals:
        reader, at = JournalReader(path), 0
        while (rows := reader.read(at, 20_000, last=True)).end > at:
            at = rows.end
            names = [rows.names[metric] for metric in rows.metrics]
            found += zip(names, rows.steps, rows.values, strict=True)
    return found


def end_shippers(home: Path) -> None:
    """Ends the headless shippers of this home, which wait for a server that never comes."""
    for directory in Path("/proc").iterdir():
        if directory.name.isdecimal():
            try:
                words = (directory / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if b"epochwatch.agent.headless" in words and any(word.startswith(bytes(home)) for word in words):
                os.kill(int(directory.name), signal.SIGKILL)
