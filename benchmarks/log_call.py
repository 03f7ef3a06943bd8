"""What one ``log({"loss": x}, step=i)`` costs the training, and what is left of it after ``kill -9``.

Ours beside TensorBoard's writer (tensorboardX), MLflow, W&B (offline) and Trackio: each in an environment of its own
under ``.venvs/``, made when first needed; one that cannot be installed is named and left out. CPU time is that of the
process with all its threads, and of its ended children, until everything is handed over (``drained``); ``kept`` is how
many of the calls made before a SIGKILL, sent right behind the last of them, can be read back.

Run: ``python -m benchmarks.log_call``; ``--smoke`` takes fewer calls; names of trackers choose among them.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.peer_environment import peer_python

CALLS = 100_000
KILLED_AFTER = 10_000
OURS_KILLED_AFTER = 300_000

COMMON = """
import json, os, resource, signal, sys, time
directory, calls, kill = sys.argv[1], int(sys.argv[2]), sys.argv[3] == "kill"
os.chdir(directory)
{setup}
def cpu():
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime
{first}
begin, wall = cpu(), time.perf_counter()
for i in range(calls):
    {call}
called, passed = cpu() - begin, time.perf_counter() - wall
if kill:
    os.kill(os.getpid(), signal.SIGKILL)
{finish}
print("RESULT", json.dumps({{"called": called, "passed": passed, "drained": cpu() - begin}}))
"""


@dataclass(frozen=True)
class Tracker:
    """How a tracker is installed, called, and read back."""

    packages: tuple[str, ...]
    setup: str
    call: str
    finish: str
    kept: Callable[[Path], int | None]
    first: str = ""
    calls: int = CALLS


def _ours(directory: Path) -> int:
    from epochwatch.agent.journal import JournalReader

    count = 0
    for path in directory.rglob("*.ewj"):
        reader, at = JournalReader(path), 0
        while (rows := reader.read(at, 20_000, last=True)).end > at:
            at, count = rows.end, count + rows.metrics.buffer_info()[1] - list(rows.steps).count(-1)
    return count


def _event_files(directory: Path) -> int:
    """Records of TensorBoard's event files, but for the one that names the version."""
    count = 0
    for path in directory.rglob("events.out.tfevents.*"):
        data, at = path.read_bytes(), 0
        while at + 12 <= len(data):
            at += 16 + int.from_bytes(data[at : at + 8], "little")
            count += at <= len(data)
        count -= 1
    return max(count, 0)


def _rows(pattern: str, table: str) -> Callable[[Path], int]:
    def count(directory: Path) -> int:
        import sqlite3

        found = 0
        for path in directory.rglob(pattern):
            connection = sqlite3.connect(path)
            try:
                found += int(connection.execute(f"select count(*) from {table}").fetchone()[0])
            except sqlite3.OperationalError:
                pass  # killed before the table was made
            finally:
                connection.close()
        return found

    return count


TRACKERS = {
    "epochwatch": Tracker(
        (),
        "import epochwatch\nepochwatch.init(name='bench', mode='offline')",
        "epochwatch.log({'loss': i * 0.5}, step=i)",
        "epochwatch.finish()",
        _ours,
        first="epochwatch.log({'loss': 0.0}, step=-1)",
    ),
    "tensorboardX": Tracker(
        ("tensorboardX==2.6.4",),
        "from tensorboardX import SummaryWriter\nwriter = SummaryWriter('runs')",
        "writer.add_scalar('loss', i * 0.5, i)",
        "writer.close()",
        _event_files,
    ),
    "mlflow": Tracker(
        ("mlflow==3.17.2",),
        "import mlflow\nmlflow.set_tracking_uri('sqlite:///mlflow.db')\nmlflow.start_run()",
        "mlflow.log_metric('loss', i * 0.5, step=i)",
        "mlflow.end_run()",
        _rows("mlflow.db", "metrics"),
        calls=2_000,
    ),
    "wandb offline": Tracker(
        ("wandb==0.31.0",),
        "import wandb\nos.environ['WANDB_SILENT'] = 'true'\nrun = wandb.init(mode='offline', project='bench')",
        "run.log({'loss': i * 0.5}, step=i)",
        "run.finish()",
        lambda _: None,  # it has no local reader
    ),
    "trackio": Tracker(
        ("trackio==0.43.0",),
        "os.environ['TRACKIO_DIR'] = os.getcwd()\nimport trackio\ntrackio.init(project='bench')",
        "trackio.log({'loss': i * 0.5}, step=i)",
        "trackio.finish()",
        _rows("bench*.db", "metrics"),
    ),
}


def measure(name: str, share: float = 1.0) -> dict[str, Any]:
    """CPU and wall microseconds a call, and how many calls a SIGKILL leaves."""
    tracker = TRACKERS[name]
    try:
        python = _environment(name, tracker.packages)
    except subprocess.CalledProcessError as error:
        return {"left out": (error.stderr or "it cannot be installed").strip().splitlines()[-1]}
    calls = max(int(tracker.calls * share), 100)
    killed_after = OURS_KILLED_AFTER if name == "epochwatch" else min(KILLED_AFTER, tracker.calls)
    killed_after = max(int(killed_after * share), 100)
    with tempfile.TemporaryDirectory() as directory:
        run = _run(python, tracker, Path(directory), calls, "measure")
    result = next((line for line in run.stdout.splitlines() if line.startswith("RESULT ")), None)
    if result is None:
        return {"left out": (run.stderr.strip().splitlines() or ["it said nothing"])[-1]}
    times = json.loads(result.removeprefix("RESULT "))
    with tempfile.TemporaryDirectory() as directory:
        _run(python, tracker, Path(directory), killed_after, "kill")
        kept = tracker.kept(Path(directory))
    return {
        "calls": calls,
        "cpu us": round(times["called"] / calls * 1e6, 2),
        "cpu us drained": round(times["drained"] / calls * 1e6, 2),
        "wall us": round(times["passed"] / calls * 1e6, 2),
        "kept": "no reader" if kept is None else f"{kept} of {killed_after}",
    }


def _run(
    python: Path, tracker: Tracker, directory: Path, calls: int, how: str
) -> "subprocess.CompletedProcess[str]":
    code = COMMON.format(setup=tracker.setup, first=tracker.first, call=tracker.call, finish=tracker.finish)
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("EPOCHWATCH_", "WANDB_"))}
    return subprocess.run(
        [str(python), "-c", textwrap.dedent(code), str(directory), str(calls), how],
        env=kept | {"EPOCHWATCH_HOME": str(directory / "home"), "HOME": str(directory)},
        capture_output=True,
        check=False,
        text=True,
        timeout=1800,
    )


def _environment(name: str, packages: tuple[str, ...]) -> Path:
    return peer_python(name.partition(" ")[0], packages) if packages else Path(sys.executable)


def main() -> None:
    """Prints one line of JSON a tracker, with its CPU beside ours."""
    parser = argparse.ArgumentParser(description="What one log call costs.")
    parser.add_argument("names", nargs="*", help="Trackers; all by default.")
    parser.add_argument("--smoke", action="store_true", help="A hundredth of the calls.")
    arguments = parser.parse_args()
    unknown = set(arguments.names) - set(TRACKERS)
    if unknown:
        parser.error(f"no tracker {', '.join(unknown)}; known are {', '.join(TRACKERS)}")
    names = arguments.names or list(TRACKERS)
    ours = measure("epochwatch", 0.01 if arguments.smoke else 1.0)
    for name in ["epochwatch", *(other for other in names if other != "epochwatch")]:
        result = ours if name == "epochwatch" else measure(name, 0.01 if arguments.smoke else 1.0)
        if "cpu us drained" in result:
            result["times ours"] = round(result["cpu us drained"] / ours["cpu us drained"], 1)
        print(json.dumps({"tracker": name} | result), flush=True)


if __name__ == "__main__":
    main()
