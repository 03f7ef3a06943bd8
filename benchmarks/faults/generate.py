"""Trains the runs that a cache does not hold yet, in processes of an environment with PyTorch."""

import dataclasses
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.faults.catalogue import Run

ROOT = Path(__file__).resolve().parents[2]
NEEDED = "torch==2.13.0 scikit-learn numpy pyarrow msgspec"
_SOURCES = ("programs/*.py", "changes/*.py", "catalogue.py", "training.py")


def missing(wanted: Sequence[Run], cache: Path) -> list[Run]:
    """Those that are not recorded, or not whole."""
    return [run for run in wanted if not (cache / run.name / "noted.json").exists()]


def generate(wanted: Sequence[Run], cache: Path, python: str, processes: int) -> None:
    """Record what is missing. Raises SystemExit where the interpreter lacks what it needs, or a run fails."""
    cache.mkdir(parents=True, exist_ok=True)
    _warn_of_other_sources(cache)
    todo = missing(wanted, cache)
    if not todo:
        return
    if subprocess.run(
        [python, "-c", "import torch, sklearn, pyarrow, msgspec"], capture_output=True, check=False
    ).returncode:
        raise SystemExit(
            f"{python} lacks one of {NEEDED}: make an environment with them and name its interpreter with --python"
        )
    print(f"{len(todo)} runs to train", file=sys.stderr, flush=True)
    with ThreadPoolExecutor(processes) as pool:
        list(
            pool.map(
                lambda share: _train(share, cache, python), (todo[part::processes] for part in range(processes))
            )
        )


def _train(runs: Sequence[Run], cache: Path, python: str) -> None:
    environment = os.environ | {"PYTHONPATH": f"{ROOT}:{ROOT / 'src'}", "OMP_NUM_THREADS": "1"}
    lines = "".join(json.dumps(dataclasses.asdict(run)) + "\n" for run in runs)
    words = ["nice", "-n", "15", python, "-m", "benchmarks.faults.work", str(cache)]
    done = subprocess.run(
        words, input=lines, text=True, env=environment, cwd=ROOT, check=False, stdout=subprocess.DEVNULL
    )
    if done.returncode:
        raise SystemExit(f"training failed: {' '.join(words)} ended with {done.returncode}")


def _warn_of_other_sources(cache: Path) -> None:
    here = Path(__file__).parent
    files = sorted(file for pattern in _SOURCES for file in here.glob(pattern))
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
    kept = cache / "sources"
    if kept.exists() and kept.read_text() != digest:
        print(f"{cache} has runs of other programs or faults than those of now", file=sys.stderr)
    elif not kept.exists():
        kept.write_text(digest)
