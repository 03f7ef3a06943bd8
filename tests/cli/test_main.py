import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from epochwatch.cli.main import COMMANDS
from tests.cli.commands import epochwatch
from tests.servers import clean_environment

HEAVY = ("rich", "psutil", "msgspec", "re2", "ahocorasick_rs", "starlette", "chdb", "botocore", "pandas", "numpy")


def test_overview_imports_neither_subcommands_nor_anything_heavy(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "from epochwatch.cli.main import main\n"
        "try:\n    main(['--help'])\n"
        "except SystemExit as end:\n    assert end.code == 0, end.code\n"
        f"heavy = sorted(set(sys.modules) & set({HEAVY!r}))\n"
        "ours = sorted(name for name in sys.modules if name.startswith('epochwatch.cli.'))\n"
        "print('LOADED', heavy, ours)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "LOADED [] ['epochwatch.cli.main']"
    for name in COMMANDS:
        assert f"  {name} " in done.stdout


@pytest.mark.parametrize("command", list(COMMANDS))
def test_every_command_explains_itself(tmp_path: Path, command: str) -> None:
    done = epochwatch(tmp_path, command, "--help")
    assert done.returncode == 0
    assert done.stdout.startswith(f"Usage: epochwatch {command} ")
    assert done.stderr == ""


def test_version_is_the_packages(tmp_path: Path) -> None:
    from importlib.metadata import version

    assert epochwatch(tmp_path, "--version").stdout == f"epochwatch {version('epochwatch')}\n"


def test_mistyped_command_names_the_nearest_and_exits_2(tmp_path: Path) -> None:
    done = epochwatch(tmp_path, "metrcs")
    assert done.returncode == 2
    assert done.stdout == ""
    assert "error: No such command 'metrcs'. Did you mean 'metrics'?" in done.stderr


def test_failure_is_two_lines_without_a_traceback(tmp_path: Path) -> None:
    done = epochwatch(tmp_path, "jobs")
    assert done.returncode == 1
    assert done.stdout == ""
    error, hint = done.stderr.splitlines()
    assert error.startswith("error: no epochwatch server answers at http://127.0.0.1:")
    assert hint.startswith("hint: ")


def test_wrong_setting_exits_2_and_names_its_source(tmp_path: Path) -> None:
    done = epochwatch(tmp_path, "config", environment={"EPOCHWATCH_PORT": "many"})
    assert done.returncode == 2
    assert "'many' (EPOCHWATCH_PORT)" in done.stderr


def test_wrong_option_exits_2_and_says_where_help_is(tmp_path: Path) -> None:
    done = epochwatch(tmp_path, "logs", "job", "--colour")
    assert done.returncode == 2
    assert "hint: `epochwatch logs --help` shows how" in done.stderr


def test_home_option_is_where_the_command_works(tmp_path: Path) -> None:
    done = epochwatch(tmp_path / "one", "--home", str(tmp_path / "two"), "env")
    assert done.returncode == 0
    assert (tmp_path / "two" / "credentials.json").exists()
    assert not (tmp_path / "one").exists()


def test_reader_that_goes_away_gets_no_complaint(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("".join(f"metric_{n}={n}\n" for n in range(5000)))
    definitions = [part for n in range(800) for part in ("-m", f"metric-{n}=metric_{n}=([0-9]+)")]
    with subprocess.Popen(
        [sys.executable, "-m", "epochwatch", "regex", str(log), "--json", *definitions],
        env=clean_environment(tmp_path, 1),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        said = process.stderr.read()
    assert process.returncode == 141
    assert said == b""


def test_interrupt_exits_130_without_a_traceback(tmp_path: Path) -> None:
    fifo = tmp_path / "log"
    os.mkfifo(fifo)
    with (
        subprocess.Popen(
            [sys.executable, "-m", "epochwatch", "regex", str(fifo)],
            env=clean_environment(tmp_path, 1),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        ) as process,
        open(fifo, "wb"),
    ):  # opens when the command has opened its end
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert b"Traceback" not in said
