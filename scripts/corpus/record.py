"""Records the corpus: ``python record.py FRAMEWORK... [--only NAME]``, with the frameworks installed.

Each shape's program runs in a process of its own, through a pipe or a pseudo-terminal of 120 columns, and becomes
``NAME.log`` and ``NAME.json`` under ``tests/extraction/corpus/FRAMEWORK``.
"""

import argparse
import fcntl
import importlib
import json
import math
import os
import platform
import pty
import re
import socket
import struct
import subprocess
import sys
import tempfile
import termios
from importlib.metadata import version
from pathlib import Path

import reading
from shape import TRUTH, Catalogue, Shape

HERE = Path(__file__).resolve().parent
CORPUS = HERE.parents[1] / "tests" / "extraction" / "corpus"
LONGEST = 8192
"""Bytes of a recorded log; the middle of a longer one is left out."""


def main() -> None:
    """Records what the command line names, or (as the child) runs one program."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("frameworks", nargs="+")
    parser.add_argument("--only", action="append", help="names of shapes")
    parser.add_argument("--again", action="store_true", help="keep the logs, write only the .json anew")
    parser.add_argument("--play", help=argparse.SUPPRESS)
    options = parser.parse_args()
    for framework in options.frameworks:
        catalogue: Catalogue = importlib.import_module(f"programs.{framework}").shapes
        if options.play:
            catalogue.shapes[options.play].program()
            return
        for shape in catalogue.shapes.values():
            if not options.only or shape.name in options.only:
                record(framework, shape, again=options.again)


def record(framework: str, shape: Shape, *, again: bool = False) -> None:
    """Runs a shape's program and writes what it printed, and what is to be found in it."""
    path = CORPUS / framework.replace("_", "-") / f"{shape.name}.log"
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        truth = Path(folder) / "truth"
        log = path.read_bytes() if again else run(framework, shape, folder, truth)
        log = shorten(anonymous(log, folder))
        path.write_bytes(log)
        rows = reading.expected(log, shape.metrics, shape.step)
        if not again:
            compare(f"{framework} {shape.name}", rows, truth, refreshes=shape.refreshes)
    fields = [(m.printed, m.regex) for m in shape.metrics if m.printed and not m.column]
    wanted = counts(log, [*fields, *shape.wanted.items()])
    columns = counts(log, [*((m.printed, m.regex) for m in shape.metrics if m.column), *shape.columns.items()])
    for label in {metric.label for metric in shape.metrics} - {row[0] for row in rows}:
        sys.exit(f"{framework} {shape.name}: nothing found for {label}")
    case = {
        "source": with_versions(shape.source),
        "definitions": [{"Name": m.label, "Regex": m.regex} for m in shape.metrics],
        "expected": rows,
        "metrics": wanted,
        "columns": columns,
        "junk": list(shape.junk),
        "either": list(shape.either),
    }
    path.with_suffix(".json").write_text(as_json(case))
    print(f"{framework}/{shape.name}: {len(log)} bytes, {len(rows)} values, {wanted} {columns or ''}")


def counts(log: bytes, regexes: list[tuple[str, str]]) -> dict[str, int]:
    """The number of values by printed name."""
    found: dict[str, int] = {}
    for printed, regex in regexes:
        found[printed] = found.get(printed, 0) + reading.count(log, regex)
    return found


def run(framework: str, shape: Shape, folder: str, truth: Path) -> bytes:
    """What the program prints."""
    program = [str(HERE / "record.py"), framework, "--play", shape.name]
    words = shape.command or ["{python}", "{program}"]
    command = [part for word in words for part in (program if word == "{program}" else [word])]
    command = [word.format(python=sys.executable, folder=folder) for word in command]
    environment = {
        **{name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LD_LIBRARY_PATH")},
        "PYTHONPATH": str(HERE),
        "PYTHONUNBUFFERED": "1",
        "TERM": "xterm-256color",
        "COLUMNS": "120",
        "OMP_NUM_THREADS": "1",
        "CUDA_VISIBLE_DEVICES": "",
        "HF_HUB_OFFLINE": "1",
        TRUTH: str(truth),
        **shape.environment,
    }
    through = _through_pty if shape.through == "pty" else _through_pipe
    log, status = through(command, folder, environment)
    if (status != 0) != shape.fails:
        sys.exit(f"{framework} {shape.name} ended with {status}:\n{log.decode(errors='replace')[-3000:]}")
    return shape.encode(log) if shape.encode else log


def _through_pipe(command: list[str], folder: str, environment: dict[str, str]) -> tuple[bytes, int]:
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=300,
        check=False,
    )
    return done.stdout, done.returncode


def _through_pty(command: list[str], folder: str, environment: dict[str, str]) -> tuple[bytes, int]:
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    process = subprocess.Popen(
        command, cwd=folder, env=environment, stdin=slave, stdout=slave, stderr=slave, start_new_session=True
    )
    os.close(slave)
    parts = []
    while True:
        try:
            part = os.read(master, 65536)
        except OSError:  # the last holder of the other side is gone
            break
        if not part:
            break
        parts.append(part)
    os.close(master)
    return b"".join(parts), process.wait()


def anonymous(log: bytes, folder: str) -> bytes:
    """Without the names of the machine it was recorded on."""
    names = {folder: "/opt/ml/code", sys.prefix: "/opt/venv", str(HERE): "/opt/ml/code"}
    names.update({sys.base_prefix: "/opt/python", socket.gethostname(): "algo-1", platform.release(): "6.1.0"})
    for name, instead in names.items():
        log = re.sub(rb"(?<!\w)" + re.escape(name.encode()) + rb"(?!\w)", instead.encode(), log)
    return log


def shorten(log: bytes) -> bytes:
    """The log without the middle of it, cut behind ends of lines."""
    if len(log) <= LONGEST:
        return log
    ends = [at + 1 for at, byte in enumerate(log) if byte in b"\r\n" and log[at : at + 2] != b"\r\n"]
    head = max(end for end in ends if end <= LONGEST * 5 // 8)
    tail = min(end for end in ends if len(log) - end <= LONGEST * 3 // 8)
    return log[:head] + log[tail:]


def compare(shape: str, rows: list[reading.Row], truth: Path, *, refreshes: bool) -> None:
    """Holds what was read against what the program says that it printed; printed digits may be fewer."""
    told: dict[str, list[float]] = {}
    for line in truth.read_text().splitlines() if truth.exists() else []:
        name, value = json.loads(line)
        told.setdefault(name, []).append(value)
    for name, values in told.items():
        read = [float(row[1]) for row in rows if row[0] == name]
        if refreshes:
            read = [value for at, value in enumerate(read) if at == 0 or str(value) != str(read[at - 1])]
        left = iter(values)
        for value in read:  # in order; what was cut out of the middle is passed over
            if not any(_same(value, other) for other in left):
                sys.exit(f"{shape}: {name} was read as {read}, but printed as {values}")
        if len(read) < len(values) and not _was_cut(rows, values):
            print(f"{shape}: {name} has {len(read)} of {len(values)} values", file=sys.stderr)


def _was_cut(rows: list[reading.Row], values: list[float]) -> bool:
    return len(rows) >= len(values)


def _same(printed: float, value: float) -> bool:
    if math.isnan(printed) or math.isnan(value):
        return math.isnan(printed) and math.isnan(value)
    return math.isclose(printed, value, rel_tol=6e-3, abs_tol=6e-4)


def with_versions(source: str) -> str:
    """The source with the version behind each package named in braces."""
    parts = source.split("{")
    for at, part in enumerate(parts[1:], 1):
        package, rest = part.split("}", 1)
        parts[at] = f"{package} {version(package)}{rest}"
    return "".join(parts)


def as_json(case: dict[str, object]) -> str:
    """One expected value per line, so that a change shows as one."""
    rows = ",\n  ".join(json.dumps(row) for row in case["expected"])  # type: ignore[attr-defined]
    whole = json.dumps({**case, "expected": "ROWS"}, indent=1)
    return whole.replace('"ROWS"', f"[\n  {rows}\n ]" if rows else "[]") + "\n"


if __name__ == "__main__":
    main()
