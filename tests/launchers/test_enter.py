"""How a host's process becomes the training: in name spaces of its own, or without where the kernel refuses."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from epochwatch.launchers.directory import write
from epochwatch.launchers.enter import TrainingLaunch

SHOW = "hostname; echo $SM_MODEL_DIR; cat $SM_MODEL_DIR/note /opt/ml/model/note 2>&1; getent hosts algo-2; id -u"


@pytest.fixture
def host(tmp_path: Path) -> Path:
    (tmp_path / "ml" / "model").mkdir(parents=True)
    (tmp_path / "ml" / "output").mkdir()
    (tmp_path / "ml" / "model" / "note").write_text("from the host\n")
    return tmp_path


def run(host: Path, *before: str, code: str = "", **launch: Any) -> subprocess.CompletedProcess[str]:
    defaults: dict[str, Any] = {
        "host": "algo-1",
        "command": ["/bin/bash", "-c", SHOW],
        "environment": {"PATH": "/usr/bin:/bin", "SM_MODEL_DIR": "/opt/ml/model"},
        "addresses": {"algo-1": "127.0.0.1", "algo-2": "127.0.0.2"},
    }
    write(host / "launch.json", TrainingLaunch(**(defaults | launch)))
    program = [
        "-c",
        f"import sys, epochwatch.launchers.enter as enter\n{code}\nsys.exit(enter.main(sys.argv[1:]))",
    ]
    words = [*before, sys.executable, *program, str(host)]
    return subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)


def test_the_training_sees_its_own_opt_ml_names_and_addresses(host: Path) -> None:
    done = run(host)

    lines = done.stdout.split("\n")
    assert lines[:4] == ["algo-1", "/opt/ml/model", "from the host", "from the host"]
    assert lines[4].split() == ["127.0.0.2", "algo-2"]
    assert not Path("/opt/ml/model/note").exists()
    assert int((host / "training.pid").read_text()) > 0


@pytest.mark.skipif(shutil.which("unshare") is None, reason="unshare (util-linux) is not installed")
def test_a_user_without_privileges_has_the_same_and_stays_who_they_are(host: Path) -> None:
    done = run(host, "unshare", "--user", "--map-user=1234", "--map-group=1234")

    lines = done.stdout.split("\n")
    assert lines[:4] == ["algo-1", "/opt/ml/model", "from the host", "from the host"]
    assert lines[5] == "1234"


def test_where_name_spaces_are_refused_paths_are_rewritten_and_it_is_said_once(host: Path) -> None:
    refuse = "def refused(*_): raise PermissionError(1, 'Operation not permitted')\nenter.enter = refused"

    done = run(host, code=refuse, command=["/bin/bash", "-c", "cat /opt/ml/model/note; env"])

    lines = done.stdout.split("\n")
    assert lines[0] == (
        f"epochwatch: no mount namespace here (Operation not permitted): /opt/ml is {host}/ml in this job"
    )
    assert lines[1] == "from the host"
    assert {f"SM_MODEL_DIR={host}/ml/model", f"SAGEMAKER_BASE_DIR={host}/ml"} <= set(lines)


def test_only_the_launchs_variables_and_where_values_are_logged_come_along(
    host: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EPOCHWATCH_RUN_DIR", "/spool")
    monkeypatch.setenv("EPOCHWATCH_SECRET_ACCESS_KEY", "secret")

    done = run(host, command=["/usr/bin/env"])

    names = {line.partition("=")[0] for line in done.stdout.splitlines()}
    assert "EPOCHWATCH_RUN_DIR" in names
    assert not {"EPOCHWATCH_SECRET_ACCESS_KEY", "HOME"} & names


def test_both_outputs_are_one_stream(host: Path) -> None:
    done = run(host, command=["/bin/bash", "-c", "echo one; echo two >&2; echo three"])

    assert (done.stdout, done.stderr) == ("one\ntwo\nthree\n", "")


@pytest.mark.parametrize(("command", "status"), [("/no/such/program", 127), ("/etc/passwd", 126)])
def test_a_command_that_cannot_run_ends_as_in_a_shell(host: Path, command: str, status: int) -> None:
    done = run(host, command=[command])

    assert done.returncode == status
    assert f"cannot run '{command}'" in done.stdout


def test_an_installation_that_fails_keeps_the_training_from_starting(host: Path) -> None:
    done = run(host, install=["/bin/sh", "-c", "echo trying; exit 3"], command=["/bin/echo", "never"])

    assert done.returncode == 1
    said = done.stdout.splitlines()
    assert json.loads(said[0])["epochwatch"] == "installing requirements"
    assert said[1:] == ["trying"]
    assert (host / "ml" / "output" / "failure").read_text().startswith("InstallRequirementsError:\nExitCode 3")
