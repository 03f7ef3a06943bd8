"""Google's mtail on the same log: one rule for each definition, run once over a file, its CPU time counted.

Debian has it (``apt-get install mtail``). What it needs to start and to compile its program is taken off; it gets
one processor, as its threads would else count twice.
"""

import json
import os
import resource
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from epochwatch.model.batch import Definition


def installed() -> bool:
    """Whether there is an mtail to compare with."""
    return shutil.which("mtail") is not None


def speed(definitions: Sequence[Definition], log: bytes, last: dict[str, float]) -> float:
    """Megabytes of log for each CPU second. Raises SystemExit unless mtail ends with the values in ``last``."""
    with TemporaryDirectory() as folder:
        program, nothing, full = (Path(folder) / name for name in ("metrics.mtail", "nothing.log", "full.log"))
        program.write_text(
            "".join(
                f"gauge m{number}\n/{definition.regex}/ {{\n  m{number} = float($1)\n}}\n"
                for number, definition in enumerate(definitions)
            )
        )
        nothing.write_bytes(b"\n")
        full.write_bytes(log)
        started, _ = _run(program, nothing)
        spent, values = _run(program, full)
    found = {definitions[int(name[1:])].name: value for name, value in values.items() if value}
    wanted = {name: value for name, value in last.items() if value}
    if found != wanted:
        raise SystemExit(f"mtail disagrees: {found} and {wanted}")
    return len(log) / (spent - started) / 1e6


def _run(program: Path, log: Path) -> tuple[float, dict[str, float]]:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = ["mtail", "--one_shot", "--progs", str(program), "--logs", str(log), "--log_dir", str(log.parent)]
    done = subprocess.run(
        command, capture_output=True, check=True, text=True, env=os.environ | {"GOMAXPROCS": "1"}, timeout=600
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    metrics = [metric for metrics in json.loads(done.stdout).values() for metric in metrics]
    return spent, {
        metric["Name"]: metric["LabelValues"][0]["Value"]["Value"] for metric in metrics if "LabelValues" in metric
    }
