import json
import os
import random
import signal
import subprocess
from pathlib import Path

import pytest

from tests.agent.running import only_spool, python, run, start, until

NASTY = b"plain\n\x1b[31mred\x1b[0m\r 10%\r 20%\r\n\xff\xfe\x00 invalid\x80\ttab\r\nunfinished"


def emit(data: bytes, descriptor: int = 1) -> str:
    return f"import os; d={data!r}\nwhile d: d=d[os.write({descriptor}, d):]"


def test_output_on_a_terminal_is_recorded_and_passed_on_byte_for_byte(tmp_path: Path) -> None:
    done = run(
        tmp_path,
        "--quiet",
        "--pty",
        *python(emit(NASTY)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        capture_output=False,
    )
    assert done.stdout == NASTY
    assert done.stderr == b""
    assert (only_spool(tmp_path).path / "output.log").read_bytes() == NASTY


def test_separate_outputs_stay_separate(tmp_path: Path) -> None:
    done = run(tmp_path, "--quiet", *python(emit(NASTY) + "\n" + emit(b"to stderr\n", 2)))
    assert done.stdout == NASTY
    assert done.stderr == b"to stderr\n"
    spool = only_spool(tmp_path)
    assert (spool.path / "stdout.log").read_bytes() == NASTY
    assert (spool.path / "stderr.log").read_bytes() == b"to stderr\n"


def test_one_file_for_both_outputs_gives_the_training_a_terminal(tmp_path: Path) -> None:
    done = run(
        tmp_path,
        "--quiet",
        *python("import sys; print(sys.stdout.isatty(), sys.stderr.isatty())"),
        capture_output=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert done.stdout == b"True True\n"


def test_no_pty_gives_pipes_and_an_unbuffered_python(tmp_path: Path) -> None:
    code = "import os, sys; print(sys.stdout.isatty(), os.environ['PYTHONUNBUFFERED'])"
    done = run(
        tmp_path,
        "--quiet",
        "--no-pty",
        *python(code),
        capture_output=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert done.stdout == b"False 1\n"


def test_training_finds_its_spool_and_job_in_the_environment(tmp_path: Path) -> None:
    code = "import os; print(os.environ['EPOCHWATCH_RUN_DIR']); print(os.environ['EPOCHWATCH_JOB'])"
    done = run(tmp_path, "--quiet", "--name", "my-job", *python(code))
    assert done.stdout.decode().split() == [str(only_spool(tmp_path).path), "my-job"]


def test_standard_input_that_is_no_terminal_goes_to_the_training(tmp_path: Path) -> None:
    code = "import sys; print(sys.stdin.read().upper(), end='')"
    done = run(tmp_path, "--quiet", "--pty", *python(code), input=b"hello\n", stdin=None)
    assert done.stdout == b"HELLO\n"


@pytest.mark.parametrize("pty", ["--pty", "--no-pty"])
@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("raise SystemExit(0)", 0),
        ("raise SystemExit(7)", 7),
        ("import os; os.kill(os.getpid(), 9)", 137),
        ("import os; os.abort()", 134),
        ("import os; os._exit(255)", 255),
    ],
)
def test_exit_status_is_passed_through(tmp_path: Path, pty: str, code: str, status: int) -> None:
    done = run(tmp_path, "--quiet", pty, *python(code))
    assert done.returncode == status
    record = only_spool(tmp_path).exit()
    assert record is not None
    assert record.exit_code == status


@pytest.mark.parametrize("pty", ["--pty", "--no-pty"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
def test_signals_reach_the_training_and_end_it(tmp_path: Path, pty: str, number: signal.Signals) -> None:
    code = (
        "import signal, sys, time\n"
        f"signal.signal({int(number)}, lambda *_: (print('caught', flush=True), sys.exit(5)))\n"
        "print('ready', flush=True)\ntime.sleep(60)"
    )
    front = start(tmp_path, "--quiet", pty, *python(code), stdout=subprocess.PIPE)
    assert front.stdout is not None
    assert front.stdout.readline() == b"ready\n"
    front.send_signal(number)
    assert front.stdout.read() == b"caught\n"
    front.stdout.close()
    assert front.wait(60) == 5
    record = only_spool(tmp_path).exit()
    assert record is not None
    assert record.interrupted


def test_ignored_hangup_stays_ignored(tmp_path: Path) -> None:
    code = "import signal; print(signal.getsignal(signal.SIGHUP) is signal.SIG_IGN)"
    done = run(tmp_path, "--quiet", *python(code), preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    assert done.stdout == b"True\n"


def test_training_gets_default_pipe_signal(tmp_path: Path) -> None:
    done = run(tmp_path, "--quiet", "--", "sh", "-c", "yes | head -c 2; trap")
    assert done.stdout == b"y\n"
    assert done.returncode == 0


@pytest.mark.parametrize("pty", ["--pty", "--no-pty"])
def test_large_output_is_complete(tmp_path: Path, pty: str) -> None:
    code = "import os\nline=bytes(range(32,127))*10+b'\\n'\nfor i in range(52000): os.write(1, line)"
    done = run(tmp_path, "--quiet", "--no-auto", pty, *python(code))
    line = bytes(range(32, 127)) * 10 + b"\n"
    assert len(done.stdout) == 52000 * len(line)
    assert done.stdout == line * 52000
    log = only_spool(tmp_path).path / ("output.log" if pty == "--pty" else "stdout.log")
    assert log.stat().st_size == 52000 * len(line)


def test_random_writes_are_recorded_exactly(tmp_path: Path) -> None:
    chance = random.Random(5)
    data = chance.randbytes(300_000)
    code = (
        "import os, random, time\nc=random.Random(5)\nd=c.randbytes(300_000)\nc=random.Random(6)\n"
        "while d:\n n=c.randint(1, 9000); os.write(1, d[:n]); d=d[n:]; time.sleep(c.random()*0.002)"
    )
    done = run(tmp_path, "--quiet", "--pty", "--no-auto", *python(code))
    assert done.stdout == data


@pytest.mark.parametrize("pty", ["--pty", "--no-pty"])
def test_closed_standard_output_does_not_stop_the_training(tmp_path: Path, pty: str) -> None:
    marker = tmp_path / "ended"
    code = f"import time\nfor i in range(20000): print('line', i)\nopen({str(marker)!r}, 'w').close()"
    front = start(tmp_path, "--quiet", pty, *python(code), stdout=subprocess.PIPE)
    assert front.stdout is not None
    front.stdout.readline()
    front.stdout.close()
    assert front.wait(60) == 0
    assert marker.exists()
    name = "output.log" if pty == "--pty" else "stdout.log"
    assert (only_spool(tmp_path).path / name).read_bytes().count(b"\n") == 20000


def test_blocked_standard_output_does_not_stop_the_training(tmp_path: Path) -> None:
    marker = tmp_path / "ended"
    code = f"print('x' * 5_000_000)\nopen({str(marker)!r}, 'w').close()"
    front = start(tmp_path, "--quiet", "--pty", *python(code), stdout=subprocess.PIPE)
    until(marker.exists)  # nobody has read a byte
    assert front.stdout is not None
    assert len(front.stdout.read()) == 5_000_001
    front.stdout.close()
    assert front.wait(60) == 0


def test_children_that_outlive_the_training_do_not_hold_it_up(tmp_path: Path) -> None:
    done = run(tmp_path, "--quiet", "--no-pty", "--", "sh", "-c", "sleep 30 & echo done")
    assert done.stdout == b"done\n"


def test_program_that_is_no_program_is_told_as_a_shell_tells_it(tmp_path: Path) -> None:
    script = tmp_path / "no-interpreter"
    script.write_text("#!/nowhere/interpreter\n")
    script.chmod(0o755)
    done = run(tmp_path, "--quiet", "--no-pty", "--", str(script))
    assert done.returncode == 127
    assert b"cannot run" in done.stderr


def test_spool_that_cannot_be_written_still_runs_the_training(tmp_path: Path) -> None:
    (tmp_path / "spool").write_text("in the way")
    done = run(tmp_path, *python("print('trained'); raise SystemExit(4)"))
    assert done.stdout == b"trained\n"
    assert done.returncode == 4
    assert b"without recording" in done.stderr


@pytest.mark.parametrize("pty", ["--pty", "--no-pty"])
def test_full_disk_leaves_the_training_and_the_display_alone(tmp_path: Path, pty: str) -> None:
    def limit() -> None:
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    code = "for i in range(30000): print('line', i)"
    done = run(tmp_path, "--no-auto", pty, *python(code), preexec_fn=limit)
    assert done.returncode == 0
    assert done.stdout == b"".join(b"line %d\n" % i for i in range(30000))
    assert b"could not be recorded" in done.stderr


def test_summary_as_json_is_the_last_line_of_standard_error(tmp_path: Path) -> None:
    code = "for i in range(10): print(f'step={i} loss={10-i} acc={i/10}')"
    done = run(
        tmp_path,
        "--json",
        "-m",
        "loss=loss=([0-9.]+)",
        "-m",
        "acc=acc=([0-9.]+)",
        "-m",
        "no=no=([0-9]+)",
        "-m",
        "word=(line|step)",
        "--name",
        "told",
        *python(code),
    )
    told = json.loads(done.stderr.decode().splitlines()[-1])
    metrics = {metric["name"]: metric for metric in told["metrics"]}
    assert (metrics["loss"]["final"], metrics["loss"]["best"], metrics["loss"]["best_step"]) == (1, 1, 9)
    assert (metrics["acc"]["best"], metrics["acc"]["direction"], metrics["acc"]["points"]) == (0.9, "max", 10)
    health = {one["name"]: one for one in told["definitions"]}
    assert health["no"]["matched"] == 0
    assert health["word"]["non_numeric"] == 10
    assert not told["delivered"]


def test_table_names_definitions_that_never_matched_or_gave_nothing_and_what_to_try(tmp_path: Path) -> None:
    code = "print('loss=0.5')"
    given = ("loss=loss=([0-9.]+)", "no=no=([0-9]+)", "loss=s=([0-9.]+)")
    done = run(tmp_path, *(word for one in given for word in ("-m", one)), *python(code))
    told = done.stderr.decode()
    assert "loss" in told
    assert "definition 'no' never matched: no=([0-9]+)" in told
    assert "definition 'loss' gave no value of its own: an earlier definition" in told
    assert "epochwatch sync" in told
    assert "epochwatch plot" in told or "epochwatch regex" in told


def test_plain_when_standard_error_is_no_terminal(tmp_path: Path) -> None:
    done = run(tmp_path, "--pty", *python("import time; print('loss=1'); time.sleep(0.5)"))
    assert b"\x1b" not in done.stderr
    assert b"\r" not in done.stderr
    assert done.stdout == b"loss=1\n"


def test_working_directory_that_is_gone_is_no_obstacle(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    done = run(
        tmp_path, "--quiet", "--", "sh", "-c", "echo here", preexec_fn=lambda: (os.chdir(gone), gone.rmdir())
    )
    assert done.stdout == b"here\n"
    assert only_spool(tmp_path).exit() is not None
