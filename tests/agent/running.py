"""``epochwatch run`` as a real process, for tests."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from epochwatch.agent.spool import Spool, spools

ENTRY = "import sys; from epochwatch.cli.{0} import {0}_command as command; command.main(sys.argv[1:], '{0}')"


def words(verb: str, *arguments: str) -> list[str]:
    return [sys.executable, "-c", ENTRY.format(verb), *arguments]


def environment(home: Path, url: str = "http://127.0.0.1:9", **more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("EPOCHWATCH_")}
    return kept | {"EPOCHWATCH_HOME": str(home), "EPOCHWATCH_URL": url} | more


def run(
    home: Path, *arguments: str, url: str = "http://127.0.0.1:9", **options: Any
) -> "subprocess.CompletedProcess[bytes]":
    """``epochwatch run --no-server ARGUMENTS`` to its end, output captured."""
    options = {"capture_output": True, "stdin": subprocess.DEVNULL, "timeout": 120} | options
    return subprocess.run(
        words("run", "--no-server", *arguments), env=environment(home, url), check=False, **options
    )


def start(
    home: Path,
    *arguments: str,
    url: str = "http://127.0.0.1:9",
    more: Mapping[str, str] | None = None,
    **options: Any,
) -> "subprocess.Popen[bytes]":
    options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL} | options
    env = environment(home, url, **(more or {}))
    return subprocess.Popen(words("run", "--no-server", *arguments), env=env, **options)


def python(code: str) -> list[str]:
    return ["--", sys.executable, "-c", code]


def until(condition: Callable[[], Any], seconds: float = 180.0) -> Any:
    """The condition's value once it is true; fails the test if it never is."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.01)
    return value


def only_spool(home: Path) -> Spool:
    found: list[Spool] = until(lambda: spools(home / "spool"))
    assert len(found) == 1
    return found[0]
