"""Environments of jobs: on top of a local one, which stays as it is."""

import subprocess
import sys
from pathlib import Path

import pytest

from epochwatch.launchers.environment import has_module, overlay, requirements_environment

PACKAGE = "epochwatch_test_of_requirements"


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A package that needs no registry."""
    source = tmp_path / "package"
    source.mkdir()
    (source / f"{PACKAGE}.py").write_text("VALUE = 7\n")
    (source / "pyproject.toml").write_text(
        f'[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
        f'[project]\nname = "{PACKAGE}"\nversion = "1"\n'
    )
    (source / "backend.py").write_text(BACKEND.format(package=PACKAGE))
    return source


BACKEND = """
import os, zipfile

def build_wheel(directory, config_settings=None, metadata_directory=None):
    name = "{package}-1-py3-none-any.whl"
    info = "{package}-1.dist-info/"
    with zipfile.ZipFile(os.path.join(directory, name), "w") as wheel:
        wheel.write("{package}.py")
        wheel.writestr(info + "METADATA", "Metadata-Version: 2.1\\nName: {package}\\nVersion: 1\\n")
        wheel.writestr(info + "WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr(info + "RECORD", "")
    return name
"""


def run(python: Path, code: str) -> str:
    done = subprocess.run([str(python), "-c", code], capture_output=True, text=True, check=False)
    return done.stdout.strip() or done.stderr


def test_an_overlay_sees_everything_of_the_environment_below(tmp_path: Path) -> None:
    binaries = overlay(sys.executable, tmp_path / "environment")

    assert run(binaries / "python3", "import pytest, epochwatch, sys; print(sys.prefix)") == str(
        tmp_path / "environment"
    )


def test_what_a_job_installs_stays_in_its_overlay(tmp_path: Path, package: Path) -> None:
    binaries = overlay(sys.executable, tmp_path / "environment")

    subprocess.run([str(binaries / "pip3"), "install", "--no-build-isolation", str(package)], check=True)

    assert run(binaries / "python", f"import {PACKAGE}; print({PACKAGE}.VALUE)") == "7"
    assert not has_module(sys.executable, PACKAGE)


def test_requirements_are_installed_once_for_all_jobs(tmp_path: Path, package: Path) -> None:
    requirements = tmp_path / "requirements.txt"
    requirements.write_text(f"{package}\n")

    binaries, command = requirements_environment(sys.executable, requirements, tmp_path / "home")
    subprocess.run(command, check=True)

    assert run(binaries / "python", f"import {PACKAGE}; print({PACKAGE}.VALUE)") == "7"
    assert requirements_environment(sys.executable, requirements, tmp_path / "home") == (binaries, [])


def test_requirements_that_cannot_be_installed_leave_the_environment_unfinished(tmp_path: Path) -> None:
    requirements = tmp_path / "requirements.txt"
    requirements.write_text(f"{tmp_path}/no-such-package\n")

    _, command = requirements_environment(sys.executable, requirements, tmp_path / "home")

    assert subprocess.run(command, capture_output=True, check=False).returncode != 0
    assert requirements_environment(sys.executable, requirements, tmp_path / "home")[1] == command
