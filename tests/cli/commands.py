"""The real command in a real process."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.servers import clean_environment, free_port


def epochwatch(
    home: Path,
    *arguments: str,
    environment: Mapping[str, str] | None = None,
    stdin: str = "",
    timeout: float = 120,
) -> "subprocess.CompletedProcess[str]":
    """Runs ``epochwatch`` over ``home`` with nothing else of this process's settings."""
    values = clean_environment(home, free_port()) | dict(environment or {})
    return subprocess.run(
        [sys.executable, "-m", "epochwatch", *arguments],
        env=values,
        input=stdin,
        capture_output=True,
        check=False,
        text=True,
        timeout=timeout,
    )
