"""Python environments on top of the local ones: what a job installs stays out of the environment it came from."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Final

from epochwatch.agent.spool import Lock

READY: Final = "ready"
_ASK: Final = (
    "import json, site, sys, sysconfig; "
    "print(json.dumps([sys.base_prefix, sys.base_exec_prefix, sysconfig.get_path('purelib'), "
    "getattr(sys, '_base_executable', sys.executable), '%d.%d' % sys.version_info[:2]]))"
)


def overlay(python: str, directory: Path) -> Path:
    """An environment in ``directory`` that sees all of ``python``'s and can be installed into; its ``bin``.

    Raises OSError or subprocess.CalledProcessError where ``python`` is no interpreter.
    """
    binaries = directory / "bin"
    if (directory / READY).exists():
        return binaries
    _, _, packages, base, version = _about(python)
    site = directory / "lib" / f"python{version}" / "site-packages"
    site.mkdir(parents=True, exist_ok=True)
    binaries.mkdir(exist_ok=True)
    home = os.path.dirname(os.path.realpath(base))
    (directory / "pyvenv.cfg").write_text(f"home = {home}\ninclude-system-site-packages = true\n")
    for name in ("python", "python3", f"python{version}"):
        link = binaries / name
        link.unlink(missing_ok=True)
        link.symlink_to(os.path.realpath(base))
    # As a line of code, so that what the environment itself points to (editable installs) is followed too.
    (site / "_epochwatch_base.pth").write_text(f"import site; site.addsitedir({packages!r})\n")
    for name in ("pip", "pip3"):
        script = binaries / name
        script.write_text(_pip(python, binaries / "python"))
        script.chmod(0o755)
    (directory / READY).touch()
    return binaries


def requirements_environment(python: str, requirements: Path, home: Path) -> tuple[Path, list[str]]:
    """The cached environment for these requirements on top of ``python``'s: its ``bin``, and the command that fills
    it (empty where that is done). Several jobs may ask at once.
    """
    content = requirements.read_bytes()
    digest = hashlib.sha256(python.encode() + b"\0" + content).hexdigest()[:24]
    directory = home / "environments" / digest
    directory.mkdir(parents=True, exist_ok=True)
    with Lock(directory / "lock") as lock:
        lock.take(wait=True)
        binaries = overlay(python, directory)
    if (directory / "installed").exists():
        return binaries, []
    command = [sys.executable, "-m", "epochwatch.launchers.environment", str(directory), str(requirements)]
    return binaries, command


def install(directory: Path, requirements: Path) -> int:
    """Fill an environment, one process at a time; the installer's exit status."""
    with Lock(directory / "lock") as lock:
        lock.take(wait=True)
        if (directory / "installed").exists():
            return 0
        pip = [str(directory / "bin" / "pip"), "install", "-r", str(requirements)]
        status = subprocess.run(pip, check=False).returncode
        if status == 0:
            (directory / "installed").touch()
    return status


def path_of(binaries: Path, python: str, path: str) -> str:
    """A search path on which an environment's programs come first, then those of the one it stands on."""
    return os.pathsep.join([str(binaries), os.path.dirname(python), path])


@cache
def _about(python: str) -> tuple[str, str, str, str, str]:
    done = subprocess.run([python, "-c", _ASK], capture_output=True, text=True, check=True, timeout=60)
    prefix, exec_prefix, packages, base, version = json.loads(done.stdout)
    return prefix, exec_prefix, packages, base, version


def has_module(python: str, module: str) -> bool:
    """Whether an interpreter finds a module."""
    code = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({module!r}) is None)"
    try:
        return subprocess.run([python, "-c", code], capture_output=True, check=False, timeout=60).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def _pip(python: str, overlaid: Path) -> str:
    """uv where there is one, as it needs nothing in the environment; else pip."""
    uv = shutil.which("uv", path=os.path.dirname(python)) or shutil.which("uv")
    if uv is None:
        return f'#!/bin/sh\nexec "{overlaid}" -m pip "$@"\n'
    return (
        f'#!/bin/sh\nif [ "$1" = install ] || [ "$1" = uninstall ] || [ "$1" = list ] || [ "$1" = freeze ]; then\n'
        f'  word="$1"; shift; exec "{uv}" pip "$word" --python "{overlaid}" "$@"\nfi\n'
        f'exec "{overlaid}" -m pip "$@"\n'
    )


if __name__ == "__main__":
    sys.exit(install(Path(sys.argv[1]), Path(sys.argv[2])))
