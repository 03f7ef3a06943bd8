"""Environments of Python peers, each in a directory of its own under ``.venvs/``, made when first needed."""

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def peer_python(name: str, packages: Sequence[str]) -> Path:
    """The interpreter of an environment with ``packages``. Raises CalledProcessError where they cannot be had."""
    directory = ROOT / ".venvs" / f"bench-{name}"
    python = directory / "bin" / "python"
    marker = directory / "installed"
    wanted = "\n".join(packages)
    if not marker.exists() or marker.read_text() != wanted:
        shutil.rmtree(directory, ignore_errors=True)
        uv = shutil.which("uv") or str(ROOT / ".venv" / "bin" / "uv")
        for words in (
            [uv, "venv", "-q", "--python", sys.executable, str(directory)],
            [uv, "pip", "install", "-q", "--python", str(python), *packages],
        ):
            subprocess.run(words, check=True, capture_output=True, text=True)
        marker.write_text(wanted)
    return python
